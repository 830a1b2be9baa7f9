"""The raw object: never without a job, never lost between its last byte and its record, never fetched twice."""

from __future__ import annotations

import socketserver
import threading
import uuid

import pytest

from tests.chaos import faults
from tests.lifecycle.conftest import USER

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork beside threads, on purpose
CONTENT = b"id;amount\n007;1,50\n008;2,25\n"


def raw_objects(dataset: str) -> list[str]:
    from databridge.aws import client

    answer = client("s3").list_objects_v2(Bucket="databridge-erp-local", Prefix=f"raw/{dataset}/")
    return [item["Key"] for item in answer.get("Contents", [])]


def jobs_of(dataset: str) -> list:
    from ingestion import queries

    return queries.list_jobs(dataset=dataset).jobs


@pytest.mark.parametrize(
    ("step", "moment", "is_accepted"),
    [
        ("ingestion.staging.StagedObject._send", "before", False),
        ("ingestion.staging.StagedObject.check", "after", False),
        ("ingestion.once.create", "before", False),
        ("ingestion.once.create", "after", True),
        ("ingestion.staging.StagedObject.publish", "before", True),
        ("ingestion.staging.StagedObject.publish", "after", True),
    ],
)
def test_a_web_process_killed_while_it_takes_a_file_leaves_no_object_without_a_job(
    stack, quiet, tmp_path, step, moment, is_accepted
):
    from ingestion import lifecycle, submit

    file, dataset = tmp_path / "in.csv", f"t_{uuid.uuid4().hex[:12]}"
    file.write_bytes(CONTENT)

    def submitting() -> None:
        submit.send = lambda _: None
        faults.deadly(step, moment)
        submit.submit_file(USER, path=file, dataset=dataset, filename="in.csv", source_type="upload", options={})

    assert faults.in_a_child(submitting) == -9
    found = jobs_of(dataset)
    assert len(found) == int(is_accepted)
    if not is_accepted:
        assert raw_objects(dataset) == []
        return
    faults.recover(found[0])
    done = lifecycle.get(found[0].job_id)
    assert (done.status, done.rows["loaded"]) == ("SUCCESS", 2)
    assert len(raw_objects(dataset)) == 1


class Once(socketserver.BaseRequestHandler):
    """A machine that sends its day's bookings to the first who asks, and never again."""

    def handle(self) -> None:
        self.server.asked += 1
        if self.server.asked == 1:
            self.request.sendall(CONTENT)


@pytest.fixture
def machine():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Once) as server:
        server.asked = 0
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def fetching_job(stack, quiet, machine, monkeypatch):
    """A PENDING job that fetches from the machine."""
    from ingestion import lifecycle, submit

    monkeypatch.setattr(submit, "send", lambda _: None)
    monkeypatch.setattr(lifecycle, "BACKOFF_S", (0.05, 0.05, 0.05))
    spec = {"type": "tcp", "host": "127.0.0.1", "port": machine.server_address[1], "filename": "bookings.csv"}
    return submit.submit_source(USER, spec=spec, dataset=f"t_{uuid.uuid4().hex[:12]}", options={})


@pytest.mark.parametrize(
    ("step", "moment"),
    [
        ("ingestion.lifecycle.pass_fence", "after"),
        ("ingestion.staging.StagedObject.publish", "before"),
        ("ingestion.staging.StagedObject.publish", "after"),
        ("ingestion.fetching._keep", "after"),
    ],
)
def test_what_a_source_gives_only_once_is_not_lost_when_the_worker_is_killed_before_it_is_kept(
    fetching_job, machine, step, moment
):
    from ingestion import lifecycle

    assert faults.killed_at(fetching_job, step, moment) == -9
    faults.recover(fetching_job)
    done = lifecycle.get(fetching_job.job_id)
    assert (done.status, done.rows["loaded"]) == ("SUCCESS", 2)
    assert machine.asked == 1
    assert len(raw_objects(done.dataset)) == 1


def test_a_publishing_whose_answer_was_an_error_is_completed_by_the_next_attempt(fetching_job, machine, monkeypatch):
    from ingestion import lifecycle, staging, worker
    from ingestion.errors import StoreUnavailable

    def fails(_staged):
        raise StoreUnavailable("S3 could not complete it just now.")

    with monkeypatch.context() as broken:
        broken.setattr(staging.StagedObject, "publish", fails)
        assert worker.run(fetching_job.job_id) == "PENDING"
    faults.recover(fetching_job)
    assert lifecycle.get(fetching_job.job_id).status == "SUCCESS"
    assert machine.asked == 1


def test_a_raw_object_that_was_removed_is_fetched_anew_and_the_log_says_so(fetching_job, machine, monkeypatch):
    from ingestion import lake, lifecycle, queries, submit, worker

    def broken(*_):
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(worker, "_convert", broken)
        assert worker.run(fetching_job.job_id) == "FAILED"
    lake.delete(lake.key_of(lifecycle.get(fetching_job.job_id).raw_path))
    machine.asked = 0
    submit.retry(fetching_job.job_id, USER)
    assert worker.run(fetching_job.job_id) == "SUCCESS"
    assert machine.asked == 1
    told = [line.message for line in queries.events(fetching_job.job_id)[0]]
    assert any("fetched anew" in message for message in told)


def test_a_request_body_whose_raw_object_was_removed_cannot_be_had_again(job):
    from ingestion import lake, lifecycle, worker

    lake.delete(lake.key_of(job.raw_path))
    assert worker.run(job.job_id) == "FAILED"
    error = lifecycle.get(job.job_id).error
    assert (error["code"], error["hint"]) == ("RAW_MISSING", "Send the file again.")


def test_cancelling_a_job_whose_raw_object_is_not_complete_keeps_its_bytes(stack, quiet, tmp_path, monkeypatch):
    from ingestion import lifecycle, staging, submit, worker
    from ingestion.errors import StoreUnavailable

    def fails(_staged):
        raise StoreUnavailable("S3 could not complete it just now.")

    monkeypatch.setattr(submit, "send", lambda _: None)
    file = tmp_path / "in.csv"
    file.write_bytes(CONTENT)
    with monkeypatch.context() as broken:
        broken.setattr(staging.StagedObject, "publish", fails)
        job = submit.submit_file(
            USER, path=file, dataset=f"t_{uuid.uuid4().hex[:12]}", filename="in.csv", source_type="api", options={}
        )
    assert lifecycle.cancel(job.job_id, "somebody").status == "CANCELLED"
    submit.retry(job.job_id, USER)
    assert worker.run(job.job_id) == "SUCCESS"
