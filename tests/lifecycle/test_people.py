"""What people do to a job: send it twice at one instant, stop it while it runs, send it again, load it all the same."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid

import pytest

from tests.lifecycle.conftest import USER

SUBMIT = """
import sys, time, django, os
os.environ["DJANGO_SETTINGS_MODULE"] = "databridge.settings"
django.setup()
from pathlib import Path
from types import SimpleNamespace
from ingestion import submit
submit.send = lambda _: None
path, dataset, key, moment = sys.argv[1:]
time.sleep(max(0, float(moment) - time.time()))
print(submit.submit_file(SimpleNamespace(sub="tester", email="t@databridge.example"), path=Path(path), dataset=dataset,
      filename="in.csv", source_type="upload", options={}, idempotency_key=key).job_id)
"""
WORK = """
import sys, django, os
os.environ["DJANGO_SETTINGS_MODULE"] = "databridge.settings"
django.setup()
from ingestion import worker
print(worker.run(sys.argv[1]))
"""
SLOW_WORK = WORK.replace(
    "from ingestion import worker",
    """
import time
from ingestion import pulse, worker
conversion = pulse.Pulse.conversion
pulse.Pulse.conversion = lambda self, progress: (time.sleep(1), conversion(self, progress))
""",
)


def at_once(script: str, *commands: list[str]) -> list[str]:
    """Run a script in a process of its own for each list of arguments, all at one time; return what they say."""
    running = [
        subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True)
        for arguments in commands
    ]
    said = [process.communicate(timeout=120)[0].strip() for process in running]
    assert [process.returncode for process in running] == [0] * len(running)
    return said


@pytest.fixture
def submitted_at_once(stack, quiet, tmp_path):
    """Submit the same file to the same dataset in three processes at one instant; return the jobs' ids."""

    def submit(key: str, dataset: str) -> list[str]:
        file = tmp_path / "in.csv"
        file.write_text("id;amount\n007;1,50\n008;2,25\n")
        moment = str(time.time() + 4)
        return at_once(SUBMIT, *[[str(file), dataset, key, moment]] * 3)

    return submit


def test_the_same_request_sent_three_times_at_one_instant_makes_one_job(submitted_at_once):
    from ingestion import queries

    dataset = f"t_{uuid.uuid4().hex[:12]}"
    ids = submitted_at_once(uuid.uuid4().hex, dataset)
    assert len(set(ids)) == 1
    assert [job.job_id for job in queries.list_jobs(dataset=dataset).jobs] == ids[:1]


def test_the_same_file_sent_three_times_at_one_instant_and_worked_on_at_once_is_loaded_once(
    submitted_at_once, published
):
    from ingestion import lifecycle, worker

    dataset = f"t_{uuid.uuid4().hex[:12]}"
    ids = submitted_at_once("", dataset)
    assert len(set(ids)) == 3
    at_once(WORK, *[[job_id] for job_id in ids])
    jobs = [lifecycle.get(job_id) for job_id in ids]
    for job in jobs:  # who met another that was still loading waits for how that ends
        for _ in range(50):
            if lifecycle.get(job.job_id).status in lifecycle.FINISHED:
                break
            from ingestion.models import Job

            job.update([Job.next_retry_at.remove()])
            worker.run(job.job_id)
    ended = [lifecycle.get(job_id) for job_id in ids]
    (winner,) = [job for job in ended if job.status == "SUCCESS"]
    losers = [job for job in ended if job.status == "FAILED"]
    assert [(job.error["code"], job.error["job_id"]) for job in losers] == [("ALREADY_LOADED", winner.job_id)] * 2
    assert len(published(winner)) == 1


@pytest.fixture
def large_job(new_job):
    """A job whose conversion takes long, with a worker that takes a second more for each of its blocks."""
    return new_job("id;day;amount;text\n" + "00000007;31.12.2025;1.234,50;Lorem ipsum dolor sit amet\n" * 150_000)


def test_cancel_stops_a_running_conversion_within_seconds_and_leaves_no_output(large_job, published):
    from ingestion import lifecycle, staging

    running = subprocess.Popen([sys.executable, "-c", SLOW_WORK, large_job.job_id], stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        progress = lifecycle.get(large_job.job_id).progress
        if progress and progress["stage"] not in {"fetch", "detect"}:
            break
        time.sleep(0.05)
    assert lifecycle.get(large_job.job_id).status == "RUNNING", "it is being converted"
    asked = time.monotonic()
    lifecycle.cancel(large_job.job_id, "somebody")
    while lifecycle.get(large_job.job_id).status == "RUNNING" and time.monotonic() < asked + 60:
        time.sleep(0.05)
    took_s = time.monotonic() - asked
    assert running.communicate(timeout=60)[0].strip() == "CANCELLED"
    assert took_s < 10, took_s
    assert published(large_job) == []
    assert not [key for key, _ in staging.unfinished_uploads() if large_job.job_id in key]


@pytest.mark.parametrize("step", ["_convert", "_publish", "_checked", "_succeed"])
def test_a_retry_after_a_failure_loads_the_raw_object_to_the_same_content_as_a_clean_run(new_job, monkeypatch, step):
    from ingestion import fetching, lifecycle, submit, worker

    content = f"id;amount\n007;1,50\n{step};2,25\n"
    clean, job = new_job(content), new_job(content)
    assert worker.run(clean.job_id) == "SUCCESS"

    def broken(*_, **__):
        raise ZeroDivisionError(step)

    with monkeypatch.context() as patched:
        patched.setattr(worker, step, broken)
        assert worker.run(job.job_id) == "FAILED"
    monkeypatch.setattr(fetching, "fetch", broken)
    submit.retry(job.job_id, USER)
    assert worker.run(job.job_id) == "SUCCESS"
    one, other = lifecycle.get(clean.job_id), lifecycle.get(job.job_id)
    assert one.content_sha256 == other.content_sha256
    assert (one.sha256, one.rows) == (other.sha256, other.rows)


def test_a_forced_load_of_the_same_file_adds_its_rows_a_second_time_and_nothing_else_does(new_job, published):
    from ingestion import lifecycle, submit, worker

    first = new_job()
    assert worker.run(first.job_id) == "SUCCESS"
    again = new_job(dataset=first.dataset)
    assert worker.run(again.job_id) == "FAILED"
    submit.retry(again.job_id, USER)
    assert worker.run(again.job_id) == "FAILED", "a retry without force changes nothing"
    assert len(published(first)) == 1
    submit.retry(again.job_id, USER, force=True)
    assert worker.run(again.job_id) == "SUCCESS"
    forced = new_job(dataset=first.dataset, options={"force": True})
    assert worker.run(forced.job_id) == "SUCCESS"
    assert len(published(first)) == 3
    assert len({lifecycle.get(job.job_id).content_sha256 for job in (first, again, forced)}) == 1


def test_an_attempt_that_takes_longer_than_a_worker_may_run_ends_and_says_so(job, monkeypatch, published):
    from ingestion import lifecycle, pulse, worker

    monkeypatch.setattr(pulse, "LIMIT_S", 0)
    assert worker.run(job.job_id) == "FAILED"
    error = lifecycle.get(job.job_id).error
    assert (error["code"], error["retryable"]) == ("TIME_LIMIT", False)
    assert "parts" in error["hint"]
    assert published(job) == []


def test_a_silent_step_that_takes_too_long_is_ended_by_the_listening_thread(job, monkeypatch, published):
    from ingestion import lifecycle, pulse, worker

    monkeypatch.setattr(pulse, "LIMIT_S", 0.2)
    monkeypatch.setattr(pulse, "LISTEN_EVERY_S", 0.05)
    convert = worker._convert

    def slow(*arguments):
        deadline = time.monotonic() + 30
        while lifecycle.get(job.job_id).status == "RUNNING" and time.monotonic() < deadline:
            time.sleep(0.05)
        return convert(*arguments)

    monkeypatch.setattr(worker, "_refuse_twice", lambda _: None)
    monkeypatch.setattr(worker, "_convert", slow)
    monkeypatch.setattr(pulse.Pulse, "beat", lambda *_: None)
    assert worker.run(job.job_id) == "FAILED"
    assert lifecycle.get(job.job_id).error["code"] == "TIME_LIMIT"
    assert published(job) == []


def test_progress_is_written_at_most_once_a_second_however_often_it_is_reported(job, monkeypatch):
    from ingestion import lifecycle, pulse

    running = lifecycle.claim(job.job_id, "me")
    written = []
    real = lifecycle.renew
    monkeypatch.setattr(lifecycle, "renew", lambda job, progress=None: written.append(progress) or real(job, progress))
    with pulse.Pulse(running) as beats:
        begun = time.monotonic()
        while time.monotonic() - begun < 2.2:
            beats.beat("convert", int((time.monotonic() - begun) * 1000), 2200, 7)
    assert 2 <= len(written) <= 3
    shown = lifecycle.get(job.job_id).progress
    assert (shown["stage"], shown["rows"], shown["bytes_total"]) == ("convert", 7, 2200)
    assert shown["bytes"] >= 1000


def test_a_lease_is_renewed_while_one_step_is_silent_for_longer_than_it_lasts(job, monkeypatch):
    """As when a large workbook is read by one call."""
    from ingestion import lifecycle, pulse, worker
    from ingestion.sweep import sweep

    monkeypatch.setattr(lifecycle, "LEASE_S", 2)
    monkeypatch.setattr(pulse, "LISTEN_EVERY_S", 0.2)
    convert = worker._convert

    def silent(*arguments):
        for _ in range(6):
            time.sleep(0.5)
            sweep(lambda _: None)
        return convert(*arguments)

    monkeypatch.setattr(worker, "_convert", silent)
    assert worker.run(job.job_id) == "SUCCESS"
    assert lifecycle.get(job.job_id).attempt == 1


@pytest.mark.parametrize("tampered", ["x", "cursor", "dropped"])
def test_a_list_that_goes_on_from_a_cursor_that_was_changed_is_refused(new_job, tampered):
    from ingestion import queries
    from ingestion.errors import BadRequest

    dataset = new_job().dataset
    new_job("a;b\n1;2\n", dataset=dataset)
    page = queries.list_jobs(dataset=dataset, limit=1)
    changed = {"x": "x", "cursor": page.next_cursor[:-2] + "zz", "dropped": page.next_cursor[1:]}[tampered]
    with pytest.raises(BadRequest, match="cursor"):
        queries.list_jobs(dataset=dataset, limit=1, cursor=changed)
    with pytest.raises(BadRequest, match="cursor"):
        queries.list_jobs(dataset="another", limit=1, cursor=page.next_cursor)
