"""What tests stand on: the embedded AWS, the app behind a real server, tokens of the three demo users."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[1]
os.environ["DATABRIDGE_ALLOW_CIDRS"] = "127.0.0.0/8,::1/128"


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """The embedded AWS with its local Lambda, in a folder of its own."""
    from databridge.local import Stack

    os.environ["DATABRIDGE_SQLITE"] = str(ROOT / ".local" / "django.sqlite3")
    with Stack(tmp_path_factory.mktemp("stack"), lambda_retry_s="0.5,0.5") as running:
        yield running


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
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    with web.sweeping():
        yield f"http://127.0.0.1:{port}"
    server.close()


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
def ended(api):
    """Wait until a job has ended and return it."""
    import time

    def wait(job_id: str, timeout_s: float = 60) -> dict:
        with api("Admin") as admin:
            deadline = time.monotonic() + timeout_s
            while time.monotonic() < deadline:
                job = admin.get(f"/jobs/{job_id}").json()
                if job["status"] in {"SUCCESS", "FAILED", "CANCELLED"}:
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
