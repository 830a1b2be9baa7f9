"""What CloudWatch gets: a line of metrics a job that ended, how long jobs wait, and JSON logs with the job's id."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest


@pytest.fixture
def metrics(monkeypatch):
    """Collect what is sent in the embedded metric format, as on a stage."""
    lines: list[dict] = []
    logger = logging.getLogger("databridge.metrics")

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(record.getMessage()))

    collector = Collector()
    logger.addHandler(collector)
    monkeypatch.setattr(logger, "level", logging.INFO)
    logger.manager._clear_cache()
    yield lines
    logger.removeHandler(collector)
    logger.manager._clear_cache()


def declared(line: dict) -> set[str]:
    """Return the names that CloudWatch would take for metrics; each must be there with a value."""
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    names = {metric["Name"] for metric in directive["Metrics"]}
    assert directive["Namespace"] == "DataBridge"
    assert names <= line.keys()
    for dimensions in directive["Dimensions"]:
        assert set(dimensions) <= line.keys()
    assert isinstance(line["_aws"]["Timestamp"], int)
    return names


def of(line: dict, name: str) -> float:
    value = line[name]
    return value[0] if isinstance(value, list) else value


def test_a_success_tells_seconds_bytes_and_rows(job, metrics):
    from ingestion import worker

    assert worker.run(job.job_id) == "SUCCESS"
    (line,) = metrics
    assert declared(line) == {"JobsEnded", "JobsSucceeded", "JobsFailed", "BytesIn", "JobSeconds", "RowsLoaded"}
    assert (of(line, "JobsSucceeded"), of(line, "JobsFailed"), of(line, "RowsLoaded")) == (1, 0, 2)
    assert of(line, "BytesIn") == job.raw_bytes
    assert of(line, "JobSeconds") > 0
    assert line["job_id"] == job.job_id
    assert (line["stage"], line["service"]) == ("local", "ingestion")


def test_a_failure_is_told_by_its_code(new_job, metrics):
    from ingestion import worker

    job = new_job("")
    assert worker.run(job.job_id) == "FAILED"
    ended, failure = metrics
    assert (of(ended, "JobsSucceeded"), of(ended, "JobsFailed")) == (0, 1)
    assert declared(failure) == {"Failures"}
    assert failure["code"] == "EMPTY_FILE"


def test_the_sweep_tells_how_long_the_oldest_job_waits_for_a_worker(job, metrics):
    from ingestion.models import Job
    from ingestion.moves import now
    from ingestion.sweep import sweep

    job.update([Job.waiting_since.set(now() - timedelta(hours=20))])
    sweep(lambda _: None)
    (line,) = [line for line in metrics if "OldestPendingSeconds" in declared(line)]
    assert 72_000 <= of(line, "OldestPendingSeconds") < 72_600


def test_a_job_that_waits_for_its_next_retry_does_not_count_as_waiting_for_a_worker(job):
    from ingestion import lifecycle
    from ingestion.errors import StoreUnavailable

    running = lifecycle.claim(job.job_id, "me")
    lifecycle.fail(running, StoreUnavailable("S3 is away.", hint="It is tried again."))
    waiting = lifecycle.get(job.job_id)
    assert waiting.status == "PENDING"
    assert waiting.waiting_since == waiting.next_retry_at > waiting.started_at


def test_logs_on_a_stage_are_json_with_the_jobs_id(job, capfd):
    from django.conf import settings

    from ingestion import worker

    formatter = logging.config.DictConfigurator(settings.LOGGING).configure_formatter(
        settings.LOGGING["formatters"]["json"]
    )
    lines: list[dict] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(self.format(record)))

    collector = Collector()
    collector.setFormatter(formatter)
    logger = logging.getLogger("ingestion")
    logger.addHandler(collector)
    try:
        assert worker.run(job.job_id) == "SUCCESS"
    finally:
        logger.removeHandler(collector)
    told = [line for line in lines if line.get("job_id") == job.job_id]
    stages = [line["stage"] for line in told if "stage" in line]
    assert stages[0] == "started"
    assert stages[-1] == "succeeded"
    assert all(line["level"] in {"INFO", "WARNING"} and line["timestamp"] for line in told)


def test_the_days_figures_are_those_of_the_jobs(new_job):
    from ingestion import lifecycle, queries, worker

    before = queries.stats(1)
    assert worker.run(new_job().job_id) == "SUCCESS"
    assert worker.run(new_job("").job_id) == "FAILED"
    lifecycle.cancel(new_job().job_id, "somebody")
    after = queries.stats(1)
    moved = {name: after["total"][name] - before["total"][name] for name in after["total"]}
    assert {name: moved[name] for name in ("pending", "running", "success", "failed", "cancelled", "rows")} == {
        "pending": 3, "running": 2, "success": 1, "failed": 1, "cancelled": 1, "rows": 2,
    }  # fmt: skip
    assert after["by_status"]["PENDING"] == before["by_status"]["PENDING"]
    assert after["active_users"] >= 1
