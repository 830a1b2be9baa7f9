"""The stage bar, from what a job keeps of its progress."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ingestion.models import Job
from ingestion.pulse import Stages
from ingestion.web.stages import STAGES, stages

TOOK = {"seconds": 1.0, "bytes": 10, "rows": 3}


def states(status, progress, code=None):
    job = Job("1", status=status, progress=progress, error={"code": code} if code else None)
    return {stage.name: stage.state for stage in stages(job)}


def told(present, *before):
    return {"stage": present, "bytes": 50, "bytes_total": 200, "rows": 3, "stages": dict.fromkeys(before, TOOK)}


def test_nothing_has_begun_before_a_worker_took_the_job():
    assert set(states("PENDING", None).values()) == {"waiting"}


def test_an_attempt_that_has_no_byte_yet_is_fetching():
    for status, state in (("RUNNING", "now"), ("PENDING", "failed"), ("FAILED", "failed"), ("CANCELLED", "stopped")):
        bar = stages(Job("1", status=status, started_at=datetime.now(UTC)))
        assert [stage.state for stage in bar] == [state, *["waiting"] * 6], status


def test_a_file_that_is_loaded_already_failed_in_no_stage():
    found = states("FAILED", told("fetch", "fetch"), "ALREADY_LOADED")
    assert (found["fetch"], found["detect"], set(found.values())) == ("done", "waiting", {"done", "waiting"})


@pytest.mark.parametrize("code", ["CHANGE_REFUSED", "REJECTS_OVER_LIMIT", "CONTROL_TOTALS_MISMATCH", None])
def test_a_file_that_is_not_as_agreed_was_read_and_stands_before_validation(code):
    progress = told("read", "fetch", "detect", "type", "read", "write")
    approval = None if code else {"changes": [], "contract_version": 1, "asked_at": "2026-10-31T12:00:00+00:00"}
    job = Job("1", status="FAILED" if code else "PENDING", progress=progress, approval=approval)
    job.error = {"code": code} if code else None
    found = {stage.name: stage.state for stage in stages(job)}
    assert found == {"fetch": "done", "detect": "done", "read": "done", "type": "done",
                     "validate": "failed" if code else "asked", "write": "begun", "publish": "waiting"}  # fmt: skip


def test_what_is_done_together_runs_together():
    found = states("RUNNING", told("write", "fetch", "detect", "type", "read", "write"))
    assert found == {"fetch": "done", "detect": "done", "read": "now", "type": "now", "validate": "waiting",
                     "write": "now", "publish": "waiting"}  # fmt: skip


@pytest.mark.parametrize(("status", "state"), [("FAILED", "failed"), ("CANCELLED", "stopped"), ("PENDING", "failed")])
def test_it_is_shown_where_an_attempt_ended(status, state):
    found = states(status, told("detect", "fetch", "detect"))
    assert (found["fetch"], found["detect"], found["read"]) == ("done", state, "waiting")


def together(found):
    return tuple(found[name] for name in ("read", "type", "write"))


def test_nothing_is_written_while_the_types_are_settled():
    assert together(states("RUNNING", told("type", "fetch", "detect", "type"))) == ("now", "now", "waiting")


def test_a_file_that_cannot_be_read_failed_in_reading_also_while_its_types_were_settled():
    progress = told("type", "fetch", "detect", "type")
    assert together(states("FAILED", progress, "BROKEN_FILE")) == ("failed", "waiting", "waiting")
    assert together(states("CANCELLED", progress)) == ("stopped", "waiting", "waiting")
    bar = {stage.name: stage for stage in stages(Job("1", status="FAILED", progress=progress))}
    assert (bar["read"].seconds, bar["type"].seconds) == (1.0, None)


def test_a_column_of_a_type_that_is_not_stored_failed_in_typing():
    found = states("FAILED", told("type", "fetch", "detect", "type"), "UNSUPPORTED_TYPE")
    assert together(found) == ("done", "failed", "waiting")


def test_what_had_begun_beside_the_stage_that_failed_is_not_called_done():
    found = states("FAILED", told("read", "fetch", "detect", "type", "read", "write"), "BROKEN_FILE")
    assert together(found) == ("failed", "done", "begun")


def test_writing_is_done_before_the_result_is_validated():
    found = states("RUNNING", told("validate", "fetch", "detect", "type", "read", "write", "validate"))
    assert (found["write"], found["validate"], found["publish"]) == ("done", "now", "waiting")


def test_a_success_has_all_stages_done_and_what_each_took():
    bar = stages(Job("1", status="SUCCESS", progress={"stage": "done", "stages": dict.fromkeys(STAGES, TOOK)}))
    assert {stage.state for stage in bar} == {"done"}
    assert {stage.name for stage in bar if stage.bytes} == {"fetch", "read", "publish"}
    assert {stage.name for stage in bar if stage.rows} == {"read", "write"}


def test_the_present_stage_tells_its_share():
    bar = stages(Job("1", status="RUNNING", progress=told("fetch", "fetch")))
    assert {stage.name: stage.share for stage in bar}["fetch"] == 25


def test_time_belongs_to_the_stage_that_was_told_of_last(monkeypatch):
    clock = iter([0.0, 5.0])
    monkeypatch.setattr("ingestion.pulse.time.monotonic", lambda: next(clock))
    found = Stages()
    for moment, stage, rows in ((1.0, "read", 0), (2.0, "write", 10), (2.5, "read", 10), (4.0, "write", 20)):
        found.at(moment, {"stage": stage, "bytes": rows, "bytes_total": 99, "rows": rows})
    assert found.told() == {
        "read": {"seconds": 2.5, "bytes": 10, "rows": 10},
        "write": {"seconds": 1.5, "bytes": 20, "rows": 20},
    }
