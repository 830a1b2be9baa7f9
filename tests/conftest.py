"""What tests stand on: the embedded AWS, the app behind a real server, tokens of the three demo users."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, settings

from databridge.local import calls
from infra import permissions
from tests import planted

ROOT = Path(__file__).resolve().parents[1]
CALLS = pytest.StashKey[tempfile.TemporaryDirectory[str]]()
PRIVILEGE = pytest.StashKey[list[str]]()
SWEEPS = threading.Event()
SWEEPS.set()
# No test is a measurement: a busy machine makes examples slow, and says nothing of the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
os.environ["DATABRIDGE_ALLOW_CIDRS"] = "127.0.0.0/8,::1/128"


def pytest_configure(config):
    """Let every process record its calls of AWS; the tests' own process is the web function on its server's threads."""
    if not hasattr(config, "workerinput"):
        config.stash[CALLS] = folder = tempfile.TemporaryDirectory(prefix="databridge-calls-")
        os.environ["DATABRIDGE_CALLS"] = folder.name
    calls.install()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    """Fail when a function made a call that its role does not allow, or, of the whole suite, used less than allowed."""
    if hasattr(session.config, "workerinput"):
        return
    made = permissions.recorded(Path(session.config.stash[CALLS].name))
    found = permissions.forbidden(made)
    if os.environ.get("DATABRIDGE_WHOLE_SUITE"):
        found += permissions.unused(made)
    session.config.stash[PRIVILEGE] = found
    if found and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    """Print what is wrong with the roles."""
    for line in config.stash.get(PRIVILEGE, []):
        terminalreporter.write_line(f"least privilege: {line}", red=True)


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """The embedded AWS with its local Lambda, in a folder of its own."""
    from django.conf import settings

    from databridge.local import Stack

    settings.SOURCE_ALLOW_CIDRS = tuple(os.environ["DATABRIDGE_ALLOW_CIDRS"].split(","))  # read before this file was
    os.environ["DATABRIDGE_SQLITE"] = str(ROOT / ".local" / "django.sqlite3")
    with Stack(tmp_path_factory.mktemp("stack"), lambda_retry_s="0.5,0.5") as running:
        yield running
        left = planted.found(running)
        assert not left, f"secrets that tests have planted lie open: {left[:10]}"


@pytest.fixture(scope="session")
def live(stack):
    """The address of the app, served as on a developer's machine, or through Lambda's entry point when
    ``DATABRIDGE_TEST_DOOR`` is ``lambda``.
    """
    from databridge.local import processes, web

    port = processes.free_port()
    if os.environ.get("DATABRIDGE_TEST_DOOR") == "lambda":
        log = stack.folder / "gateway.log"
        gateway = processes.start("databridge.local.gateway", "--port", str(port), env={}, log=log)
        processes.wait_for(f"http://127.0.0.1:{port}/app/sign-in", gateway, log, timeout_s=120)
        with web.sweeping():
            yield f"http://127.0.0.1:{port}"
        processes.stop(gateway)
        return
    server = web.server(port)

    def serve() -> None:
        with contextlib.suppress(OSError):  # how its loop ends when the sockets are closed under it
            server.run()

    threading.Thread(target=serve, daemon=True).start()
    ended = threading.Event()

    def sweep() -> None:
        while not ended.wait(web.SWEEP_EVERY_S):
            if SWEEPS.is_set():
                web.send_sweep()

    threading.Thread(target=sweep, daemon=True).start()
    yield f"http://127.0.0.1:{port}"
    ended.set()
    server.close()


@pytest.fixture
def quiet():
    """No sweep but the test's own: nobody else takes over a job that the test lets wait."""
    SWEEPS.clear()
    yield
    SWEEPS.set()


@pytest.fixture(scope="session")
def tokens(live):
    """An ID token of each role, got as a program gets it."""
    from databridge.local.provision import DEMO_PASSWORD, DEMO_USERS

    found = {}
    for email, role in DEMO_USERS.items():
        answer = httpx.post(f"{live}/token", json={"username": email, "password": DEMO_PASSWORD})
        assert answer.status_code == 200, answer.text
        found[role] = answer.json()["id_token"]
    return found


@pytest.fixture(scope="session")
def api(live, tokens):
    """An HTTP client for a role; without a role, one without a token."""

    def client(role: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {tokens[role]}"} if role else {}
        return httpx.Client(base_url=live, headers=headers, timeout=30)

    return client


@pytest.fixture(scope="session")
def mail(stack):
    """Wait for the latest message to an address and return its secret: a temporary password or a code."""
    import json
    import time

    def latest(to: str, kind: str) -> str:
        for _ in range(50):
            lines = stack.mailbox.read_text().splitlines() if stack.mailbox.exists() else []
            for message in reversed([json.loads(line) for line in lines]):
                if (message["to"], message["kind"]) == (to, kind):
                    return message["secret"]
            time.sleep(0.1)
        raise AssertionError(f"no {kind} was sent to {to}")

    return latest


@pytest.fixture(scope="session")
def ended(api):
    """Wait until a job has ended, or waits for a person, and return it."""
    import time

    def wait(job_id: str, timeout_s: float = 60) -> dict:
        with api("Admin") as admin:
            deadline = time.monotonic() + timeout_s
            while time.monotonic() < deadline:
                job = admin.get(f"/jobs/{job_id}").json()
                if job["status"] in {"SUCCESS", "FAILED", "CANCELLED"} or job["approval"]:
                    return job
                time.sleep(0.1)
        raise AssertionError(f"the job did not end: {job}")

    return wait


@pytest.fixture(scope="session")
def outside(tmp_path_factory):
    """FTP, HTTP and TCP servers with the sample files."""
    from databridge.local import samples
    from databridge.local.outside import serving

    with serving(samples.FOLDER) as servers:
        yield servers
