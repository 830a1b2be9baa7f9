"""``make fuzz``: spoils real files for some minutes and converts them; every answer but a catalogue error is a finding."""

from __future__ import annotations

import argparse
import json
import selectors
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

from tests.fuzz.mutate import mutated
from tests.fuzz.seeds import ROOT, seeds
from tests.fuzz.worker import RESIDENT_KIB

TIMEOUT_S = 20
FILES_A_WORKER = 2_000


class Worker:
    """A process that converts; it is replaced when it dies, hangs or has grown."""

    def __init__(self) -> None:
        self.done = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            text=True,
        )
        self._answers = selectors.DefaultSelector()
        self._answers.register(self._process.stdout, selectors.EVENT_READ)

    def convert(self, path: Path) -> dict:
        """Return how it ended; the worker is gone where that is a hang or a crash."""
        self.done += 1
        self._process.stdin.write(json.dumps(str(path)) + "\n")
        self._process.stdin.flush()
        if not self._answers.select(TIMEOUT_S + (20 if self.done == 1 else 0)):  # the first waits for the imports too
            self.end()
            return {"code": "HANG", "wrong": f"no answer in {TIMEOUT_S} s", "gone": True}
        line = self._process.stdout.readline()
        if not line:
            return {"code": "CRASH", "wrong": f"the process ended by {self._process.wait()}", "gone": True}
        answer = json.loads(line)
        answer["gone"] = self.done >= FILES_A_WORKER or answer["peak"] > RESIDENT_KIB
        if answer["peak"] > RESIDENT_KIB and not answer["wrong"]:
            answer["wrong"] = f"took {answer['peak'] >> 10} MiB"
        if answer["gone"]:
            self.end()
        return answer

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def main() -> int:
    """Fuzz; print a table of answers; return 1 when something was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--files", type=int, default=sys.maxsize, help="end after so many, if the time lasts")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", type=Path, default=ROOT / ".local" / "fuzz")
    given = parser.parse_args()
    given.keep.mkdir(parents=True, exist_ok=True)
    rng, begun = Random(given.seed), seeds()
    names, contents = list(begun), list(begun.values())
    small = [content for content in contents if len(content) < 100_000]
    answers: Counter[str] = Counter()
    found: dict[str, Path] = {}
    worker, path = Worker(), given.keep / "now"
    deadline = time.monotonic() + given.seconds
    while time.monotonic() < deadline and answers.total() < given.files:
        name = rng.choice(names)
        if name.startswith("long") and rng.randrange(8):
            continue
        path.write_bytes(mutated(begun[name], small, rng))
        answer = worker.convert(path)
        answers[answer["code"]] += 1
        if answer["wrong"] and (key := _key(answer)) not in found:
            found[key] = given.keep / f"{given.seed}-{len(found)}-{name}"
            found[key].write_bytes(path.read_bytes())
            print(f"FOUND {found[key].name}: {answer['code']}\n{answer['wrong']}", flush=True)
        if answer["gone"]:
            worker = Worker()
    worker.end()
    for code, count in answers.most_common():
        print(f"{count:8,} {code}")
    print(
        f"{answers.total():,} files with seed {given.seed}; {len(found)} findings"
        + (f" in {given.keep}" if found else "")
    )
    return 1 if found else 0


def _key(answer: dict) -> str:
    """Tell findings apart by where they come from."""
    lines = [line for line in answer["wrong"].splitlines() if line.startswith("  File")]
    return f"{answer['code']} {lines[-1] if lines else answer['wrong'][:60]}"


if __name__ == "__main__":
    sys.exit(main())
