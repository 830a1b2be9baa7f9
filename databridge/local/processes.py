"""Child processes that end with the process that started them, and the ports they listen on."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING
from urllib.request import urlopen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PR_SET_PDEATHSIG = 1


class StartFailed(Exception):
    """A part of the local stack did not come up."""


def free_port() -> int:
    """Return a TCP port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end_with_parent() -> None:
    """Ask the kernel to stop this process when its parent ends (Linux); elsewhere ``terminate`` does it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def start(module: str, *arguments: str, env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Run a module of ours with this interpreter; its output goes to ``log``."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path, timeout_s: float = 60) -> None:
    """Return once something answers at ``url``; raises ``StartFailed`` with the end of the log."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(url, timeout=2):  # noqa: S310  (our own loopback address)
                return
        except OSError:
            time.sleep(0.05)
    tail = log.read_text(errors="replace")[-500:] if log.exists() else ""
    raise StartFailed(f"{url} did not come up. The end of {log.name}: {tail}")


def stop(process: subprocess.Popen[bytes] | None, timeout_s: float = 20) -> None:
    """End a child politely, then firmly."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
