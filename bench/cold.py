"""``make bench-cold``: what a new instance costs before it has answered once, and before its first job is done.

Both are measured in processes of their own, in CPU seconds and peak memory, with the imports that cost most.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from email.message import Message
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOALS = {"web": (1.5, 120), "worker": (3.0, 0)}

COMMON = """
import json, os, resource, sys, time, types
def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
def heavy():
    return sorted({"pandas", "pyarrow", "openpyxl", "numpy"} & set(sys.modules))
def told(**more):
    # not ru_maxrss: that begins with the peak of the process that started this one
    status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
    peak = int(status["VmHWM"].split()[0]) / 1024
    print(json.dumps({"cpu": used(), "mib": peak, "heavy": heavy(), **more}))
"""

WEB = """
from databridge.lambda_entry import handler
event = json.loads(os.environ["EVENT"])
context = types.SimpleNamespace(aws_request_id="1", function_name="f", memory_limit_in_mb=1024)
answer = handler(event, context)
assert answer["statusCode"] == 200, answer
told()
"""

WORKER = """
from databridge.lambda_entry import _setup
_setup()
before = used()
import tempfile, pathlib
from ingestion import tasks
from ingestion.conversion import convert
with tempfile.TemporaryDirectory() as folder:
    source = pathlib.Path(folder) / "a.csv"
    source.write_text("id;amount;day\\n007;1.234,56-;31.10.2026\\n")
    convert(source, pathlib.Path(folder) / "a.parquet")
told(more=used() - before)
"""


def measured(script: str, env: dict[str, str]) -> tuple[dict[str, object], list[tuple[float, str]]]:
    """Run a script in a new process; return what it told, and the modules that took longest to import (ms)."""
    command = [sys.executable, "-X", "importtime", "-c", COMMON + script]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    times = re.findall(r"import time:\s+(\d+) \|\s+(\d+) \| (\s*)(\S+)", done.stderr)
    whole: dict[str, int] = {}
    for own, _, _, module in times:
        package = module.split(".")[0]
        whole[package] = whole.get(package, 0) + int(own)
    top = sorted(((micro / 1000, package) for package, micro in whole.items()), reverse=True)[:8]
    return json.loads(done.stdout.splitlines()[-1]), top


def main() -> None:
    """Bring the embedded AWS up, measure both, and compare with the goals."""
    sys.path.insert(0, str(ROOT))
    import os

    from databridge.local import Stack
    from databridge.local.gateway import event_of, zappa_settings

    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder)) as stack:
        zappa_settings(Path(folder))
        headers = Message()
        headers["Host"] = "localhost"
        env = {
            **os.environ,
            "EVENT": json.dumps(event_of("GET", "/app/sign-in", headers, b"", "127.0.0.1")),
            **stack.env,
            "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
            "DJANGO_SETTINGS_MODULE": "databridge.settings",
        }
        for name, script in (("web", WEB), ("worker", WORKER)):
            found, top = measured(script, env)
            cpu, mib = GOALS[name]
            seconds = float(str(found.get("more", found["cpu"])))
            what = "first request" if name == "web" else "first job, beyond the start"
            print(f"{name}: {what}: {seconds:.2f} s of CPU (goal {cpu}), peak {found['mib']:.0f} MiB", end="")
            print(f" (goal {mib})" if mib else "", f"; loaded: {found['heavy'] or 'nothing heavy'}")
            print("  imports: " + ", ".join(f"{package} {ms:.0f} ms" for ms, package in top))


if __name__ == "__main__":
    main()
