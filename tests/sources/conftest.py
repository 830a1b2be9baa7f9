"""The servers that the sources are tested against, started when a test first wants one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.sources import servers
from tests.sources.install import CannotInstall, install

BIG_BYTES = 8 << 20


@pytest.fixture(scope="session")
def home():
    """A folder that every server may read: the files, keys, certificates and configurations."""
    folder = Path(tempfile.mkdtemp(prefix="databridge-servers-"))
    folder.chmod(0o755)
    files = folder / "files"
    for part in (files, folder / "empty", files / "archive"):
        part.mkdir()
        part.chmod(0o755)
    (files / "orders.csv").write_bytes(b"id;amount\n000123;1.10\n")
    (files / "big.bin").write_bytes(os.urandom(BIG_BYTES))
    (files / "secret.csv").write_bytes(b"x")
    (files / "secret.csv").chmod(0o600)
    authority = servers.certificate(folder, "ca")
    servers.certificate(folder, "server", authority)
    servers.certificate(folder, "expired", authority, days=-1)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def farm(home):
    """Start a server by its name, once, and return its port."""
    try:
        vsftpd = install()
    except CannotInstall as reason:
        pytest.skip(str(reason))
    _accounts(home)
    Path("/run/sshd").mkdir(exist_ok=True)
    started: dict[str, int] = {}
    with ExitStack() as stack:

        def start(kind: str) -> int:
            if kind not in started:
                port = servers.free_port()
                command = _command(kind, home, port, vsftpd, started)
                started[kind] = stack.enter_context(servers.running(command, port))
            return started[kind]

        yield SimpleNamespace(port=start, home=home, files=home / "files", ca=(home / "ca.pem").read_text())


def _accounts(home: Path) -> None:
    openssl = ["openssl", "passwd", "-1", servers.PASSWORD]
    coded = subprocess.run(openssl, check=True, capture_output=True, text=True).stdout.strip()
    (home / "passwd").write_text(f"{servers.USER}:{coded}:65534:65534::{home}/files:/bin/false\n")
    (home / "passwd").chmod(0o600)
    (home / "htpasswd").write_text(f"{servers.USER}:{coded}\n")
    keys = (("host_key", "ed25519", ""), ("host_key_rsa", "rsa", ""), ("client_key", "ed25519", "open sesame"))
    for name, kind, phrase in keys:
        keygen = ["ssh-keygen", "-q", "-t", kind, "-N", phrase, "-f", home / name]
        subprocess.run(keygen, check=True)
    for part in (home / "files", home / "files/archive"):
        os.chown(part, 65534, 65534)


def _command(kind: str, home: Path, port: int, vsftpd: Path, started: dict[str, int]) -> list:
    config = home / f"{kind}.conf"
    facts = {"home": home, "port": port}
    maker, _, mode = kind.partition("-")
    if maker == "vsftpd":
        tls = "YES" if mode else "NO"
        config.write_text(servers.VSFTPD.format(tls=tls, implicit="YES" if mode == "implicit" else "NO", **facts))
        return [vsftpd, config]
    if maker == "proftpd":
        engine = servers.ENGINES[mode or "ftp"].format(**facts)
        config.write_text(servers.PROFTPD.format(engine=engine, **facts))
        return ["proftpd", "-n", "-q", "-c", config]
    if maker == "sshd":
        config.write_text(servers.SSHD.format(**facts))
        return [shutil.which("sshd"), "-D", "-e", "-f", config]
    tls_port = started["nginx-tls"] = servers.free_port()
    config.write_text(servers.NGINX.format(tls_port=tls_port, **facts))
    return ["nginx", "-c", config]
