"""A job's life: published once whoever works on it, taken over when a worker vanishes, stopped when asked."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from ingestion.errors import JobMoveRefused
from tests.lifecycle.conftest import USER


def worked(job) -> str:
    """Work on the job until it has ended, whoever of the sweeps of this stack touches it meanwhile."""
    from ingestion import lifecycle, worker

    for _ in range(100):
        if worker.run(job.job_id) in lifecycle.FINISHED:
            break
        time.sleep(0.1)
    return lifecycle.get(job.job_id).status


WORK = """
import sys, django, os
os.environ["DJANGO_SETTINGS_MODULE"] = "databridge.settings"
django.setup()
from ingestion import worker
print(worker.run(sys.argv[1]))
"""


def test_a_task_delivered_three_times_to_processes_at_once_publishes_once(job, published):
    from ingestion import lifecycle, queries

    workers = [
        subprocess.Popen([sys.executable, "-c", WORK, job.job_id], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for worker in workers:
        worker.communicate(timeout=120)
        assert worker.returncode == 0
    done = lifecycle.get(job.job_id)
    assert (done.status, done.attempt) == ("SUCCESS", 1)
    assert published(job) == [f"parquet/{job.dataset}/date={job.partition_date}/{job.job_id}.parquet"]
    stages = [line.stage for line in queries.events(job.job_id)[0]]
    assert stages.count("started") == stages.count("succeeded") == 1


def test_only_one_of_many_claims_wins(job):
    from ingestion import lifecycle

    winners = []

    def claim(number: int) -> None:
        claimed = lifecycle.claim(job.job_id, f"worker-{number}")
        if claimed is not None:
            winners.append(number)

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(winners) == 1


def test_a_worker_that_vanished_is_replaced_and_can_no_longer_publish(job, monkeypatch, published):
    from ingestion import lifecycle
    from ingestion.moves import LeaseLost
    from ingestion.sweep import sweep

    monkeypatch.setattr(lifecycle, "LEASE_S", -1)
    vanished = lifecycle.claim(job.job_id, "vanished")
    monkeypatch.setattr(lifecycle, "LEASE_S", 60)
    sweep(lambda _: None)
    assert worked(job) == "SUCCESS"
    with pytest.raises(LeaseLost):
        lifecycle.pass_fence(vanished, "parquet/any", "upload")
    assert lifecycle.get(job.job_id).attempt >= 2
    assert len(published(job)) == 1


def test_a_job_whose_workers_always_vanish_ends_as_failed(job, monkeypatch):
    from ingestion import lifecycle
    from ingestion.sweep import sweep

    monkeypatch.setattr(lifecycle, "LEASE_S", -1)
    for _ in range(200):
        lifecycle.claim(job.job_id, "vanishing")
        sweep(lambda _: None)
        if lifecycle.get(job.job_id).status in lifecycle.FINISHED:
            break
    ended = lifecycle.get(job.job_id)
    assert ended.status == "FAILED"
    assert ended.error["code"] == "WORKER_LOST"


def test_a_job_never_claimed_is_sent_again_by_the_sweep(job, monkeypatch):
    from ingestion.models import Job
    from ingestion.sweep import sweep

    sent = []
    for _ in range(20):  # another sweep of this stack may be quicker, and then gives the job time to arrive
        job.update([Job.due_at.set(time.time() - 1)])
        sweep(sent.append)
        if job.job_id in sent:
            break
    assert job.job_id in sent
    sent.clear()
    sweep(sent.append)
    assert job.job_id not in sent, "it was given time to arrive"


def test_a_cancelled_job_leaves_no_output_and_retry_loads_it_from_the_raw_object(job, published):
    from ingestion import lifecycle, submit
    from ingestion.moves import Cancelled

    running = lifecycle.claim(job.job_id, "me")
    lifecycle.cancel(job.job_id, "somebody")
    with pytest.raises(Cancelled):
        lifecycle.renew(running)
    lifecycle.cancelled(running)
    assert lifecycle.get(job.job_id).status == "CANCELLED"
    assert published(job) == []
    assert submit.retry(job.job_id, USER).status == "PENDING"
    assert worked(job) == "SUCCESS"
    assert len(published(job)) == 1


def test_a_finished_job_can_neither_be_cancelled_nor_retried(job):
    from ingestion import lifecycle

    assert worked(job) == "SUCCESS"
    with pytest.raises(JobMoveRefused):
        lifecycle.cancel(job.job_id, "somebody")
    with pytest.raises(JobMoveRefused):
        lifecycle.retry(job.job_id, "somebody")


def test_a_raw_object_that_was_changed_is_noticed(job, published):
    from databridge.aws import client
    from ingestion import lake, lifecycle

    client("s3").put_object(Bucket="databridge-erp-local", Key=lake.key_of(job.raw_path), Body=b"id;amount\n9;9\n")
    assert worked(job) == "FAILED"
    assert lifecycle.get(job.job_id).error["code"] == "RAW_DAMAGED"
    assert published(job) == []


@pytest.mark.parametrize("step", ["_bring_raw", "_refuse_twice", "_convert", "_publish", "_checked", "_succeed"])
def test_a_fault_at_any_step_ends_as_failed_with_nothing_published_and_retry_cures_it(
    job, monkeypatch, step, published
):
    from ingestion import lifecycle, submit, worker

    def broken(*_, **__):
        raise ZeroDivisionError(step)

    with monkeypatch.context() as patched:
        patched.setattr(worker, step, broken)
        assert worked(job) == "FAILED"
    failed = lifecycle.get(job.job_id)
    assert failed.error["code"] == "INTERNAL"
    assert job.job_id in failed.error["hint"]
    assert published(job) == []
    submit.retry(job.job_id, USER)
    assert worked(job) == "SUCCESS"
    assert len(published(job)) == 1
