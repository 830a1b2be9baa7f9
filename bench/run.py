"""``make bench``: time and peak memory of DataBridge and its peers, each run in a process of its own, interleaved.

Usage: run.py [--rounds N] [CASE ...]
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from data import made  # noqa: E402
from tools import CASES, ON_REQUEST, TOOLS  # noqa: E402


def measure(tool: str, src: Path) -> None:
    """Convert once and print seconds, processor seconds, peak memory in MiB and output bytes as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        for at, file in enumerate(sorted(src.iterdir()) if src.is_dir() else [src]):
            TOOLS[tool](file, Path(folder) / f"{at}.parquet")
        seconds = time.perf_counter() - started
        used = resource.getrusage(resource.RUSAGE_SELF)
        told = {
            "seconds": seconds,
            "cpu": used.ru_utime + used.ru_stime,
            "mib": peak_mib(),
            "bytes": sum(file.stat().st_size for file in Path(folder).iterdir()),
        }
    print(json.dumps(told))


def peak_mib() -> float:
    """Return this process's own peak memory: what ``getrusage`` tells begins with that of the parent."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)  # macOS, in bytes
    return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text()).group(1)) / 1024  # type: ignore[union-attr]


def one_run(tool: str, src: Path) -> dict[str, float] | None:
    """Measure in a fresh process; None when the tool cannot read the file."""
    command = [sys.executable, __file__, "--measure", tool, str(src)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def compare(case: str, rounds: int) -> None:
    """Run all tools of a case in turn and print the medians, and their ratio to ours."""
    src = made(case)
    tools = (CASES | ON_REQUEST)[case]
    runs: dict[str, list[dict[str, float] | None]] = {tool: [] for tool in tools}
    for _ in range(rounds):
        for tool, found in runs.items():
            found.append(one_run(tool, src))
    medians = {
        tool: {key: statistics.median(run[key] for run in found if run) for key in ("seconds", "cpu", "mib", "bytes")}
        for tool, found in runs.items()
        if all(found)
    }
    for tool in runs:
        if tool not in medians:
            print(f"| {case} | {tool} | cannot read it | | | | |", flush=True)
            continue
        now = medians[tool]
        ratio = f"{medians['ours']['seconds'] / now['seconds']:.2f}" if "ours" in medians else ""
        print(
            f"| {case} | {tool} | {now['seconds']:.2f} | {ratio} | {now['cpu']:.2f} | {now['mib']:.0f} "
            f"| {now['bytes'] / 1e6:.1f} |",
            flush=True,
        )


def processor() -> str:
    """Return the processor's name."""
    about = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*:\s*(.+)", about.read_text()) if about.exists() else None
    return named.group(1) if named else platform.processor() or platform.machine()


def main() -> None:
    """Measure the cases named, or all but the one of 5 GB, which runs when it is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(given.measure[0], Path(given.measure[1]))
        return
    # The peers were compiled when they were installed; where Python may not keep bytecode, every start would compile.
    compileall.compile_dir(ROOT / "ingestion", quiet=1)
    names = ("pyarrow", "duckdb", "polars", "pandas", "fastexcel")
    print(f"{os.cpu_count()} cores of {processor()}, Python {platform.python_version()}, ", end="")
    print(", ".join(f"{name} {version(name)}" for name in names))
    print("| file | tool | seconds | ours ÷ tool | CPU s | peak MiB | output MB |\n|---|---|--:|--:|--:|--:|--:|")
    for case in given.cases or CASES:
        compare(case, given.rounds)


if __name__ == "__main__":
    main()
