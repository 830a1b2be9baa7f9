"""What became of rows set aside, where they are very many: records stay small, and nothing that is settled is lost."""

from __future__ import annotations

import json
import uuid

import pytest

from ingestion.conversion.checks.corrections import as_ranges
from ingestion.errors import BadRequest, ObjectMissing

TOTAL = 1_000_000
SCATTERED = [{row for row in range(1, TOTAL, 7) if row * row % 11 in part} for part in ({0, 1, 4}, {3, 5, 9})]


@pytest.fixture
def first(stack):
    """A job that has set very many rows aside."""
    rejects = {"total": TOTAL, "entries": TOTAL, "columns": ["a"], "refused": False, "open": TOTAL}
    job = a_job(rejects=rejects)
    job.save()
    return job


def a_job(**facts):
    from ingestion.models import Job
    from ingestion.moves import now

    made = {"user_id": "me", "user_email": "me@databridge.example", "dataset": "many", "source_type": "upload"}
    return Job(uuid.uuid4().hex, status="SUCCESS", partition_date="2026-01-31", created_at=now(), **made, **facts)


def written(also, job):
    from ingestion import lifecycle
    from ingestion.moves import transact

    assert transact(also)
    return lifecycle.get(job.job_id)


def dismissed(job, rows):
    from ingestion import setaside

    return written(setaside.dismiss(job, rows, "me", "not needed")[1], job)


def test_scattered_rows_of_any_number_are_settled_and_records_stay_small(first):
    from ingestion import setaside

    after = dismissed(first, SCATTERED[0])
    replay = a_job()
    after = written(setaside.hold(after, SCATTERED[1], replay), first)
    for job in (after, replay):
        assert len(json.dumps(job.to_simple_dict())) < 50_000
    state = setaside.State.of(after)
    assert (state.given_up, dict(state.held)) == (SCATTERED[0], {replay.job_id: SCATTERED[1]})

    wrong = set(sorted(SCATTERED[1])[::2])
    replay.save()
    after = written(setaside.closing(replay, wrong), first)
    state = setaside.State.of(after)
    assert (state.loaded, dict(state.held), state.replays) == (SCATTERED[1] - wrong, {}, (replay.job_id,))
    assert state.open == TOTAL - len(SCATTERED[0]) - len(SCATTERED[1]) + len(wrong)
    assert len(json.dumps(after.to_simple_dict())) < 50_000
    with pytest.raises(setaside.RejectsHeld):
        setaside.hold(after, {min(state.loaded)}, replay)


def test_a_write_that_is_refused_changes_nothing(first):
    from ingestion import lifecycle, setaside
    from ingestion.moves import transact

    late = setaside.dismiss(first, SCATTERED[1], "you", "too late")[1]
    dismissed(first, SCATTERED[0])
    assert not transact(late)
    assert setaside.State.of(lifecycle.get(first.job_id)).given_up == SCATTERED[0]


def test_the_api_shows_short_lists_as_ranges_and_names_no_form_of_ours(first):
    from ingestion import setaside
    from ingestion.api.rejects import page
    from ingestion.api.serializers import JobSerializer

    few = JobSerializer(dismissed(first, range(1, 2_000, 2))).data["rejects"]
    assert few["dismissed"][0]["rows"] == as_ranges(range(1, 2_000, 2))
    job = dismissed(setaside.lifecycle.get(first.job_id), SCATTERED[0] - set(range(2_000)))
    many = JobSerializer(job).data["rejects"]
    assert {name: many[name] for name in setaside.LISTS} == dict.fromkeys(setaside.LISTS)
    assert many["total"] - many["open"] == len(setaside.State.of(job).given_up)
    assert set(many) == set(few) | set(setaside.LISTS)
    whole = page(job, 100, 0)["rows"]["dismissed"]
    assert [one["rows"][:8] for one in whole] == ["1,3,5,7,", as_ranges(SCATTERED[0] - set(range(2_000)))[:8]]
    assert "bits" not in json.dumps([few, many, whole])


def test_lists_that_are_missing_in_the_lake_are_not_taken_for_empty(first):
    from ingestion import lake, setaside

    job = dismissed(first, SCATTERED[0])
    lake.delete(job.rejects["lists"])
    with pytest.raises(ObjectMissing, match="what became of the rows"):
        setaside.State.of(job)


def test_a_page_reads_the_lists_once_however_many_rows_it_shows(first, monkeypatch):
    from ingestion import lake, setaside
    from ingestion.api.rejects import page

    job = dismissed(first, SCATTERED[0])
    rows = [{"row": row} for row in range(1, 301)]
    lake.put_json(lake.about_key(first.job_id, "rejects/0000.json"), rows)
    parsed, real = [], setaside.of_ranges
    monkeypatch.setattr(setaside, "of_ranges", lambda text: parsed.append(text) or real(text))
    shown = page(job, 300, 0)["rejects"]
    assert {one["row"] for one in shown if one["state"] == "dismissed"} == SCATTERED[0] & set(range(1, 301))
    assert len(parsed) <= 4


@pytest.mark.parametrize("huge", [10**4000, 2 * 10**10, TOTAL + 1], ids=["endless", "huge", "next"])
def test_a_row_that_there_is_not_is_refused_before_anything_is_made_of_it(first, huge):
    from ingestion import setaside, submit
    from tests.lifecycle.conftest import USER

    rows = [*range(1, 1_400, 2), huge]
    body = json.dumps({"rows": [{"row": row, "cells": {}} for row in rows]}).encode()
    with pytest.raises(BadRequest, match="no such row"):
        submit.submit_replay(USER, first, body=body, filename="corrections.json", source_type="api")
    with pytest.raises(BadRequest, match="no such row"):
        setaside.dismiss(first, rows, "me", "not needed")


def test_hundreds_of_thousands_of_scattered_rows_are_settled_in_one_record(new_job):
    from ingestion import lifecycle, setaside
    from ingestion.models import Job
    from ingestion.moves import transact

    job = new_job()
    rows = frozenset(row * row % 800_011 for row in range(1, 400_000)) - {0}
    held = frozenset(range(1, 800_000)) - rows
    dismissed = ({"rows": "800000", "by": "an admin", "reason": "twice", "at": ""},)
    state = setaside.State(total=800_000, loaded=rows, held={"a job": held}, dismissed=dismissed)
    Job(job.job_id).update([Job.rejects_version.set(0)])
    assert transact(state.writing(job.job_id))
    found = setaside.State.of(lifecycle.get(job.job_id))
    assert (found.loaded, found.held["a job"], found.dismissed) == (rows, held, dismissed)
    assert found.open == 800_000 - len(rows) - 1
