"""``make chaos``: many rounds of bad luck at random points, from a seed, and a table of how they ended.

Usage: rounds.py [--rounds 100] [--seed N]

A round makes a job, ends one or two of its attempts at a random point (a kill, a failing AWS call, or two
workers at once of which one is killed), recovers as the stage does, and looks at what is left. Ends with 1
when a job's rows are neither there exactly once nor, with a reason, not at all.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "databridge.settings")

CALLS = 36  # a clean attempt makes about as many AWS calls; a number beyond its last is a clean attempt


def bad_luck(chance: random.Random, job) -> str:
    """Let one attempt of the job meet a random fault; return what it was."""
    from tests.chaos import faults

    kind = chance.choice(("killed", "call fails", "two workers"))
    if kind == "call fails":
        number, fault = chance.randint(1, CALLS), chance.choice(faults.FAULTS)
        faults.with_a_failing_call(job, number, fault)
        return f"call fails: {fault}"
    step, moment = chance.choice(faults.KILLS)
    if kind == "killed":
        faults.killed_at(job, step, moment, chance.randint(1, 2))
        return f"killed {moment} {step.rsplit('.', 1)[-1]}"
    faults.two_workers(job, step, moment)
    return f"two workers, one killed {moment} {step.rsplit('.', 1)[-1]}"


def one_round(chance: random.Random, folder: Path):
    """Make a job, hurt it once or twice, recover; return what happened to it and the verdict."""
    from tests.chaos import faults

    job = faults.new_job(folder)
    met = []
    for _ in range(chance.choice((1, 1, 2))):
        met.append(bad_luck(chance, job))
        faults.let_time_pass(job)
    faults.recover(job)
    return met, faults.verdict(job)


def run(rounds: int, seed: int, folder: Path) -> int:
    """Run the rounds against a stack of their own; print a table; return how many were not sound."""
    from ingestion import lifecycle, submit

    submit.send = lambda _: None
    lifecycle.BACKOFF_S = (0.05, 0.05, 0.05)
    chance = random.Random(seed)
    ended: Counter[str] = Counter()
    met_all: Counter[str] = Counter()
    broken = 0
    started = time.monotonic()
    for number in range(1, rounds + 1):
        met, found = one_round(chance, folder)
        ended[f"{found.status} {found.error or ''}".strip()] += 1
        met_all.update(text.split(" ", 1)[0] if text.startswith("killed") else text.split(",")[0] for text in met)
        if not found.sound:
            broken += 1
            print(f"round {number} of seed {seed} is NOT SOUND: {' then '.join(met)}: {found}", flush=True)
    seconds = time.monotonic() - started
    print(f"{rounds} rounds, seed {seed}, {seconds:.0f} s: {rounds - broken} sound, {broken} not")
    print("faults:", ", ".join(f"{name} {times}" for name, times in sorted(met_all.items())))
    print("ended:", ", ".join(f"{name} {times}" for name, times in sorted(ended.items())))
    return broken


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    import django

    from databridge.local import Stack

    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, Stack(Path(folder) / "stack", instances=1):
        django.setup()
        logging.disable(logging.CRITICAL)
        broken = run(given.rounds, given.seed, Path(folder))
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
