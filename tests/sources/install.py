"""Installs the servers that others wrote, where they are absent: ``python -m tests.sources.install``.

vsftpd is unpacked only, because as a Debian package it excludes proftpd.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGES = {
    "proftpd": ["proftpd-core", "proftpd-mod-crypto"],
    "nginx": ["nginx-light"],
    "sshd": ["openssh-server"],
    "ssh-keygen": ["openssh-client"],
    "openssl": ["openssl"],
    "ncat": ["ncat"],
    "socat": ["socat"],
}
KEPT = Path(tempfile.gettempdir()) / "databridge-vsftpd"
VSFTPD = KEPT / "usr/sbin/vsftpd"


class CannotInstall(Exception):
    """Something is absent, and this machine cannot install it; the text says what and why."""


def install() -> Path:
    """Install what is absent and return where vsftpd is; raises ``CannotInstall``."""
    KEPT.mkdir(exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two processes of one test run
        absent = [name for command, names in PACKAGES.items() if not _has(command) for name in names]
        if not absent and VSFTPD.exists():
            return VSFTPD
        wanted = ", ".join([*absent, *([] if VSFTPD.exists() else ["vsftpd"])])
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise CannotInstall(f"absent, and only root on Debian can install them: {wanted}")
        print(f"installing {wanted} for the tests of the sources", file=sys.stderr)
        _apt("update", wanted, may_fail=True)
        if absent:
            _apt("install -y --no-install-recommends " + " ".join(absent), wanted)
        if not VSFTPD.exists():
            _apt("download vsftpd", wanted)
            subprocess.run(["dpkg", "-x", next(KEPT.glob("vsftpd*.deb")), KEPT], check=True)
        return VSFTPD


def _has(command: str) -> bool:
    return shutil.which(command, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def _apt(arguments: str, wanted: str, *, may_fail: bool = False) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}  # installs without starting
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=120", *arguments.split()]
    done = subprocess.run(command, check=False, cwd=KEPT, env=quiet, capture_output=True, text=True)
    if done.returncode and not may_fail:
        raise CannotInstall(f"{wanted}: apt-get {arguments.split(maxsplit=1)[0]} failed: {done.stderr.strip()[-200:]}")


if __name__ == "__main__":
    try:
        install()
    except CannotInstall as reason:
        sys.exit(f"could not install {reason}")
