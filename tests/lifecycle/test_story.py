"""A job's log tells what happened to somebody who has never seen the code: who, what, where, how it ended, what next."""

from __future__ import annotations

import re

import pytest

from tests.lifecycle.conftest import USER

REPORT = "Open items;;\n\nDocument;Amount;Text\n000123;1.234,50;a\n000124;-17,00;b\nTotal;1.217,50;\n"


def story(job) -> list[str]:
    from ingestion import queries

    lines, more = queries.events(job.job_id)
    assert more is None
    for line in lines:
        assert re.fullmatch(r".*[.!]", line.message), f"a line is sentences: {line.message}"
        assert not re.search(r"None|Traceback|lease|claim|DynamoDB", line.message), line.message
        assert not re.search(r"\b1 (rows|bytes|columns|warnings)\b", line.message), line.message
    return [line.message for line in lines]


def has(told: list[str], *expected: str) -> None:
    """Each text stands in the log, in this order."""
    place = 0
    for text in expected:
        found = [at for at in range(place, len(told)) if text in told[at]]
        assert found, f"{text!r} is not told after line {place}: {told}"
        place = found[0]


def test_of_a_success(new_job):
    from ingestion import worker

    job = new_job(REPORT)
    assert worker.run(job.job_id) == "SUCCESS"
    has(
        story(job),
        f"tester@databridge.example sent in.csv, {len(REPORT)} bytes, to be loaded into dataset {job.dataset}.",
        "attempt 1 of 3",
        "unchanged since it came",
        "The file is a text file with one record a line (CSV).",
        "Delimiter:",
        "It has 3 columns. Document: text",
        "Every row has its place: ",
        "Checked, then published whole in one step",
        f"are now in dataset {job.dataset}, at s3://",
    )


def test_of_a_fault_that_a_retry_cured(job, monkeypatch):
    from ingestion import lifecycle, worker
    from ingestion.sources.errors import SourceBusy

    def busy(*_):
        raise SourceBusy("sap.example.com answered 503.")

    monkeypatch.setattr(lifecycle, "BACKOFF_S", (0, 0, 0))
    with monkeypatch.context() as patched:
        patched.setattr(worker, "_convert", busy)
        assert worker.run(job.job_id) == "PENDING"
    assert worker.run(job.job_id) == "SUCCESS"
    has(
        story(job),
        "attempt 1 of 3",
        "sap.example.com answered 503. (Code SOURCE_BUSY.) That was attempt 1 of 3. Nothing needs to be done: the job "
        "tries again by itself in",
        "attempt 2 of 3",
        "are now in dataset",
    )


def test_of_a_failure(new_job):
    from ingestion import worker

    job = new_job("")
    assert worker.run(job.job_id) == "FAILED"
    has(
        story(job),
        "in.csv: The file is empty. Export it again. (Code EMPTY_FILE.) Another attempt would end the same way, so the "
        "job ends here. Nothing was loaded. The file is kept as it came",
    )


def test_of_attempts_that_are_used_up(job, monkeypatch):
    from ingestion import lifecycle, worker
    from ingestion.errors import StoreUnavailable

    def away(*_):
        raise StoreUnavailable("S3 could not read it just now.")

    monkeypatch.setattr(lifecycle, "BACKOFF_S", (0, 0, 0))
    monkeypatch.setattr(worker, "_convert", away)
    assert [worker.run(job.job_id) for _ in range(3)] == ["PENDING", "PENDING", "FAILED"]
    has(
        story(job), "attempt 2 of 3", "That was attempt 3 of 3, the last one, so the job ends here. Nothing was loaded."
    )


def test_of_a_cancelled_job_that_is_sent_again(job):
    from ingestion import lifecycle, submit, worker

    lifecycle.cancel(job.job_id, "anna@example.com")
    submit.retry(job.job_id, USER)
    assert worker.run(job.job_id) == "SUCCESS"
    has(
        story(job),
        "anna@example.com asked to stop the job.",
        "The job was stopped while it waited. Nothing was loaded.",
        "tester@databridge.example sent the job again. The kept file is used; nothing is fetched again.",
        "are now in dataset",
    )


def test_of_a_file_that_is_loaded_already(new_job):
    from ingestion import submit, worker

    first = new_job()
    second = new_job(dataset=first.dataset)
    assert worker.run(first.job_id) == "SUCCESS"
    assert worker.run(second.job_id) == "FAILED"
    has(story(second), f"The same file is already loaded into {first.dataset} by job {first.job_id}.")
    submit.retry(second.job_id, USER, force=True)
    assert worker.run(second.job_id) == "SUCCESS"
    has(story(second), "sent the job again, to be loaded even if its file is loaded already.", "are now in dataset")


def test_of_a_worker_that_vanished(job):
    from ingestion import lifecycle, worker
    from ingestion.models import Job
    from ingestion.sweep import sweep

    lifecycle.claim(job.job_id, "vanished")
    job.update([Job.lease_until.set(1), Job.due_at.set(1)])
    sweep(worker.run)
    has(story(job), "attempt 1 of 3", "stopped without a word", "attempt 2 of 3", "are now in dataset")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.04, "0.0 s"),
        (9.44, "9.4 s"),
        (9.7, "10 s"),
        (59.2, "59 s"),
        (60, "1 min 0 s"),
        (125, "2 min 5 s"),
        (7440, "2 h 4 min"),
    ],
)
def test_durations_read_as_people_say_them(seconds, told):
    from ingestion import words

    assert words.seconds(seconds) == told
