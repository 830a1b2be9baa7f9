"""Every fault of a source by its code, with a hint, through a whole job: tried again if that can cure it, else not."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ingestion.sources.base import Limits
from ingestion.sources.guard import GuardPolicy
from tests.lifecycle.conftest import USER
from tests.sources import servers
from tests.sources.test_real_servers import ftp, ncat, web  # noqa: F401  (a fixture)

SECRET = "pl4nted-wrong-password"
ALLOWED = GuardPolicy(allow_cidrs=("127.0.0.0/8",))


class Faulty(BaseHTTPRequestHandler):
    """Answers with the fault that the path names."""

    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        name = self.path.strip("/")
        if name == "silent":
            time.sleep(2)
            return
        self.send_response(int(name) if name.isdecimal() else 200)
        if name == "429":
            self.send_header("Retry-After", "0")
        self.send_header("Content-Length", "100" if name == "short" else "4")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(b"a\n1\n")

    def log_message(self, *_) -> None:
        pass


@pytest.fixture(scope="module")
def faulty():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Faulty)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def ends(stack, quiet, monkeypatch):
    """Run a source's job with all its attempts; return it as it ended."""
    from ingestion import lifecycle, network, submit, worker

    monkeypatch.setattr(submit, "send", lambda _: None)
    monkeypatch.setattr(lifecycle, "BACKOFF_S", (0, 0, 0))

    def run(spec: dict, **limits):
        short = {"connect_timeout_s": 2, "read_timeout_s": 0.5, "deadline_s": 5, "backoff_s": 0.01, "max_failures": 1}
        monkeypatch.setattr(network, "limits", lambda: Limits(policy=ALLOWED, **(short | limits)))
        dataset = f"t_{uuid.uuid4().hex[:12]}"
        job = submit.submit_source(USER, spec=spec, dataset=dataset, options={})
        deadline = time.monotonic() + 60
        while worker.run(job.job_id) not in lifecycle.FINISHED and time.monotonic() < deadline:
            time.sleep(0.02)
        return lifecycle.get(job.job_id)

    return run


def is_told(job, code: str, *, attempts: int) -> None:
    from ingestion import queries

    error = job.error
    assert (job.status, error["code"]) == ("FAILED", code), error
    assert job.attempt == attempts
    assert error["retryable"] is (attempts > 1)
    assert error["message"].endswith(".")
    assert error["hint"].endswith("."), "it says what to do"
    lines = [line.message for line in queries.events(job.job_id)[0]]
    assert sum("tries again by itself" in line for line in lines) == attempts - 1
    assert SECRET not in str(error) + str(lines)


@pytest.mark.parametrize(
    ("path", "code", "attempts"),
    [
        ("404", "SOURCE_FILE_MISSING", 1), ("410", "SOURCE_FILE_MISSING", 1), ("401", "SOURCE_LOGIN", 1),
        ("403", "SOURCE_DENIED", 1), ("400", "SOURCE_REFUSED", 1), ("429", "SOURCE_BUSY", 3), ("500", "SOURCE_BUSY", 3),
        ("503", "SOURCE_BUSY", 3), ("silent", "SOURCE_TIMEOUT", 3), ("short", "SOURCE_TRUNCATED", 3),
    ],
)  # fmt: skip
def test_over_http(faulty, ends, path, code, attempts):
    is_told(ends({"type": "http", "url": f"{faulty}/{path}"}), code, attempts=attempts)


def test_a_file_that_is_too_large_is_not_tried_again(faulty, ends):
    is_told(ends({"type": "http", "url": f"{faulty}/200"}, max_bytes=3), "SOURCE_TOO_LARGE", attempts=1)


@pytest.mark.parametrize("spec", [{"type": "http"}, {"type": "tcp"}, {"type": "ftp", "path": "/x"}])
@pytest.mark.parametrize(
    ("fault", "code", "attempts"),
    [
        ("refused", "SOURCE_UNREACHABLE", 3), ("unknown host", "SOURCE_HOST_UNKNOWN", 3), ("inside", "BLOCKED_ADDRESS", 1),
        ("silent", "SOURCE_TIMEOUT", 3),
    ],
)  # fmt: skip
def test_no_connection(ends, spec, fault, code, attempts):
    host = {"unknown host": "nobody.invalid", "inside": "169.254.169.254"}.get(fault, "127.0.0.1")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        if fault == "silent":
            held.listen()
        port = held.getsockname()[1]
        place = {"url": f"http://{host}:{port}/x"} if spec["type"] == "http" else {"host": host, "port": port}
        is_told(ends(spec | place), code, attempts=attempts)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("wrong password", "SOURCE_LOGIN"), ("missing file", "SOURCE_FILE_MISSING"), ("permission", "SOURCE_DENIED"),
        ("certificate of another name", "SOURCE_TLS"), ("certificate of an unknown authority", "SOURCE_TLS"),
    ],
)  # fmt: skip
def test_over_ftp_what_no_retry_can_cure(farm, ends, fault, code):
    changes = {
        "wrong password": {"password": SECRET},
        "missing file": {"path": f"{farm.files}/none.csv"},
        "permission": {"path": f"{farm.files}/secret.csv"},
        "certificate of another name": {"host": "localhost"},
        "certificate of an unknown authority": {"ca": ""},
    }
    is_told(ends(ftp(farm, "proftpd-explicit") | changes[fault], read_timeout_s=5), code, attempts=1)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("wrong password", "SOURCE_LOGIN"), ("missing file", "SOURCE_FILE_MISSING"), ("permission", "SOURCE_DENIED"),
        ("another host key", "SOURCE_HOST_KEY"),
    ],
)  # fmt: skip
def test_over_sftp_what_no_retry_can_cure(farm, ends, fault, code):
    changes = {
        "wrong password": {"password": SECRET},
        "missing file": {"path": f"{farm.files}/none.csv"},
        "permission": {"path": f"{farm.files}/secret.csv"},
        "another host key": {"host_key": "SHA256:" + "A" * 43},
    }
    is_told(ends(ftp(farm, "proftpd-sftp") | changes[fault], read_timeout_s=5), code, attempts=1)


def test_an_expired_certificate_is_not_tried_again(farm, ends, ncat):  # noqa: F811
    spec = {"type": "tcp", "host": "127.0.0.1", "port": ncat("expired"), "tls": True, "ca": farm.ca}
    is_told(ends(spec, read_timeout_s=5), "SOURCE_TLS", attempts=1)


def test_a_wrong_password_over_http_is_not_tried_again(farm, ends):
    spec = web(farm, "/private/orders.csv") | {"auth": {"username": servers.USER, "password": SECRET}}
    is_told(ends(spec), "SOURCE_LOGIN", attempts=1)


def test_a_file_that_grows_is_tried_again(farm, ends):
    file, stop = farm.files / f"growing-{time.time_ns()}.csv", threading.Event()

    def grow() -> None:
        while not stop.wait(0.02):
            with file.open("ab") as out:
                out.write(b"1;2\n")

    file.write_bytes(b"a;b\n")
    writer = threading.Thread(target=grow)
    writer.start()
    try:
        spec = ftp(farm, "proftpd", path=str(file), settle={"stable_s": 0.3})
        is_told(ends(spec, read_timeout_s=5), "SOURCE_UNSETTLED", attempts=3)
    finally:
        stop.set()
        writer.join()
