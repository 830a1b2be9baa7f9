"""The app in a process of its own, so that its memory can be measured."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from databridge.local import processes

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "databridge.settings"
from databridge.local import web
web.server(int(sys.argv[1])).run()
"""


@dataclass(frozen=True)
class App:
    """Where the app answers, and the process it is."""

    url: str
    pid: int

    def peak_mb(self) -> int:
        """Return the most memory that the process ever had, in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) // 1024


@contextmanager
def serving_apart(stack):
    """Serve the app with a stack's environment."""
    port = processes.free_port()
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(port)], env=os.environ | stack.env, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            with suppress(httpx.TransportError):
                httpx.get(f"{url}/app/sign-in")
                break
            assert process.poll() is None, "the app did not start"
            time.sleep(0.05)
        yield App(url=url, pid=process.pid)
    finally:
        process.terminate()
        process.wait(10)
