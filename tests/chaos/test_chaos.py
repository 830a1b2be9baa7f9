"""Killed at every step, and with every AWS call failing in turn, a job's rows are there once or not at all."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.chaos import faults

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork beside threads, on purpose


@pytest.fixture
def job(stack, quiet, tmp_path, monkeypatch):
    """A job whose retries wait for moments; leases keep their length, so that a busy machine loses none."""
    from ingestion import lifecycle, submit

    monkeypatch.setattr(submit, "send", lambda _: None)
    monkeypatch.setattr(lifecycle, "BACKOFF_S", (0.05, 0.05, 0.05))
    return faults.new_job(tmp_path)


def test_there_are_enough_points():
    assert len(faults.KILLS) >= 25


@pytest.mark.parametrize(("step", "moment"), faults.KILLS)
def test_a_worker_killed_at(job, step, moment):
    assert faults.killed_at(job, step, moment) == -9, "the step was reached"
    faults.recover(job)
    assert faults.verdict(job) == faults.Verdict(status="SUCCESS", error=None, objects=1, rows=faults.ROWS)


class File(BaseHTTPRequestHandler):
    """Answers every request with the same file."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(faults.CONTENT)))
        self.end_headers()
        self.wfile.write(faults.CONTENT)

    def log_message(self, *_) -> None:
        pass


@pytest.fixture(scope="module")
def url():
    server = ThreadingHTTPServer(("127.0.0.1", 0), File)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/orders.csv"
    server.shutdown()


@pytest.fixture(scope="module")
def calls():
    """The AWS calls of a clean attempt, once they are known."""
    return []


@pytest.mark.parametrize("fault", ["throttled", "server error", "timeout", "condition lost"])
def test_every_aws_call_failing_in_turn(job, url, calls, fault):
    if not calls:
        calls += faults.calls_of(faults.fetched_job(url))
    assert len(calls) >= 25
    for number, name in calls:
        hurt = faults.fetched_job(url)
        reads = name.startswith(("Get", "List", "Head"))
        exact = f"timeout {'before' if reads else 'after'}" if fault == "timeout" else fault  # the worse of the two
        faults.with_a_failing_call(hurt, number, exact)
        faults.recover(hurt)
        found = faults.verdict(hurt)
        assert found.sound, (number, name, fault, found)
        if fault != "condition lost":
            assert found.status == "SUCCESS", (number, name, fault, found, "a retry cures it")


@pytest.mark.parametrize("seed", range(5))
def test_a_round_of_random_bad_luck(job, tmp_path, seed):
    import random

    from tests.chaos import rounds

    met, found = rounds.one_round(random.Random(seed), tmp_path)
    assert found.sound, (met, found)
