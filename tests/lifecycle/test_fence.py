"""The fence: whoever is late, publishes nothing, however long its clock says that it may."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid

import pytest

STALLED = """
import os, signal, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "databridge.settings"
django.setup()
from ingestion import lake, worker, staging
publish = staging.StagedObject.publish

def stall(staged):
    if staged.key.startswith("parquet/"):
        print("passed the fence", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
    publish(staged)

staging.StagedObject.publish = stall
print(worker.run(sys.argv[1]), flush=True)
"""


@pytest.fixture
def stalled(job):
    """A worker's process that was stopped after the fence and before its upload's completion, its lease run out."""
    from ingestion.models import Job

    worker = subprocess.Popen([sys.executable, "-c", STALLED, job.job_id], stdout=subprocess.PIPE, text=True)
    assert worker.stdout.readline() == "passed the fence\n"
    os.waitid(os.P_PID, worker.pid, os.WSTOPPED | os.WNOWAIT)
    past = time.time() - 1
    job.update([Job.lease_until.set(past), Job.due_at.set(past)])
    yield worker
    worker.kill()


def wake(worker) -> str:
    os.kill(worker.pid, signal.SIGCONT)
    return worker.communicate(timeout=60)[0].strip()


def test_a_worker_that_wakes_up_after_the_job_was_loaded_by_another_changes_nothing(job, stalled, published):
    from databridge.aws import client
    from ingestion import lifecycle, worker
    from ingestion.sweep import sweep

    sweep(worker.run)
    done = lifecycle.get(job.job_id)
    assert (done.status, done.attempt) == ("SUCCESS", 2)
    before = client("s3").head_object(Bucket="databridge-erp-local", Key=published(job)[0])
    assert wake(stalled) == "SUCCESS"
    after = client("s3").head_object(Bucket="databridge-erp-local", Key=published(job)[0])
    assert after["Metadata"] == before["Metadata"], "the object is still the other worker's"
    assert lifecycle.get(job.job_id).move_id == done.move_id


def test_a_worker_that_wakes_up_after_the_job_was_cancelled_publishes_nothing(job, stalled, published):
    from ingestion import lifecycle
    from ingestion.sweep import sweep

    sweep(lambda _: None)
    assert lifecycle.cancel(job.job_id, "somebody").status == "CANCELLED"
    assert wake(stalled) == "CANCELLED"
    assert published(job) == []


def test_a_worker_that_wakes_up_after_the_job_was_given_up_publishes_nothing(job, stalled, published):
    from ingestion import lifecycle
    from ingestion.models import Job
    from ingestion.sweep import sweep

    job.update([Job.max_attempts.set(1)])
    sweep(lambda _: None)
    assert lifecycle.get(job.job_id).error["code"] == "WORKER_LOST"
    assert wake(stalled) == "FAILED"
    assert published(job) == []


def test_a_running_job_that_publishes_cannot_be_cancelled_any_more(job):
    from ingestion import lake, lifecycle
    from ingestion.errors import JobMoveRefused

    running = lifecycle.claim(job.job_id, "me")
    lifecycle.pass_fence(running, lake.parquet_key(job), "upload")
    with pytest.raises(JobMoveRefused, match="too late"):
        lifecycle.cancel(job.job_id, "somebody")
    lifecycle.renew(running)


@pytest.mark.parametrize("skew_s", [-600, 600])
def test_a_worker_whose_clock_is_wrong_loads_once_all_the_same(job, published, skew_s, monkeypatch):
    from ingestion import lifecycle, worker
    from ingestion.sweep import sweep

    real, convert = time.time, worker._convert

    def swept_meanwhile(*arguments):
        with monkeypatch.context() as right:  # somebody with the right time looks at the job
            right.setattr(time, "time", real)
            sweep(lambda _: None)
        return convert(*arguments)

    monkeypatch.setattr(worker, "_convert", swept_meanwhile)
    monkeypatch.setattr(time, "time", lambda: real() + skew_s)
    worker.run(job.job_id)
    monkeypatch.setattr(time, "time", real)
    monkeypatch.setattr(worker, "_convert", convert)
    if skew_s < 0:  # its lease looked as if it had run out: another attempt was to do it
        assert lifecycle.get(job.job_id).status == "PENDING"
        assert published(job) == []
        worker.run(job.job_id)
    assert lifecycle.get(job.job_id).status == "SUCCESS"
    assert len(published(job)) == 1


def test_uploads_left_behind_are_dropped_when_their_job_has_ended(job):
    from ingestion import lake, staging, worker
    from ingestion.sweep import sweep

    def left():
        return {upload for _, upload in staging.unfinished_uploads()}

    running = staging.StagedObject(key=lake.parquet_key(job)).upload_id
    stranger = staging.StagedObject(key="somewhere/else").upload_id
    young = staging.StagedObject(key=lake.raw_key(job, "x").replace(job.job_id, _job_id(age_s=60))).upload_id
    old = staging.StagedObject(key=lake.raw_key(job, "x").replace(job.job_id, _job_id(age_s=90_000))).upload_id
    sweep(lambda _: None)
    assert old not in left()
    assert {running, stranger, young} <= left()
    assert worker.run(job.job_id) == "SUCCESS"
    sweep(lambda _: None)
    assert running not in left()
    for key, upload in staging.unfinished_uploads():
        staging.abort_upload(key, upload)


def _job_id(age_s: int) -> str:
    millis = int((time.time() - age_s) * 1000)
    return str(uuid.UUID(int=(millis << 80) | (7 << 76) | (2 << 62) | 5))
