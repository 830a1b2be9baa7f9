"""A look at a file before it is loaded: what would become of it, and whether a source answers."""

from __future__ import annotations

import json

import pytest

from ingestion import looking

TABLE = b"konto;betrag\n0000400000;1.250,00-\n0000400001;2.003,50\n"
OCTETS = {"Content-Type": "application/octet-stream"}


def look(client, body=TABLE, **asked):
    return client.post("/dry-run", params={"filename": "a.csv", "whole": "true", **asked}, content=body, headers=OCTETS)


def test_a_dry_run_tells_what_was_detected_and_shows_rows_before_and_after(api):
    found = look(api("Operator")).json()
    assert found["detection"]["format"] == "csv"
    assert found["columns"][1]["rule"].startswith("decimal(6,2) comma, group '.'")
    assert found["rows_shown"][0] == [["0000400000", "0000400000", False], ["1.250,00-", "-1250.00", True]]


def test_nothing_is_kept_of_it(api, stack):
    from databridge import config
    from databridge.aws import client

    def objects():
        answer = client("s3").list_objects_v2(Bucket=config.current().bucket)
        return {item["Key"] for item in answer.get("Contents", [])}

    jobs = len(api("Operator").get("/jobs?limit=100").json()["jobs"])
    before = objects()
    assert look(api("Operator")).status_code == 200
    assert objects() == before
    assert len(api("Operator").get("/jobs?limit=100").json()["jobs"]) == jobs


def test_options_change_what_is_understood(api):
    found = look(api("Admin"), options=json.dumps({"header_row": 0, "force": True, "business_date": "2026-10-31",
                                                     "control_totals": "rows=3"}))  # fmt: skip
    assert found.json()["rows"]["read"] == 3


@pytest.mark.parametrize(
    ("body", "asked", "code"),
    [
        (b"", {}, "EMPTY_FILE"),
        (b'{"a": ', {"filename": "a.json"}, "BROKEN_FILE"),
        (TABLE, {"options": "[1]"}, "BAD_REQUEST"),
        (TABLE, {"options": '{"no_such": 1}'}, "BAD_REQUEST"),
        (b"PK\x03\x04" + b"\0" * 200, {"whole": "false"}, "WHOLE_FILE_ONLY"),
    ],
)
def test_what_is_wrong_is_said_as_a_job_would_say_it(api, body, asked, code):
    answer = look(api("Operator"), body, **asked)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["hint"]


def test_only_the_beginning_of_a_large_file_is_looked_at(api):
    line = b"0000400000;1.250,00-\n"
    body = b"konto;betrag\n" + line * ((looking.HEAD_BYTES + 2_000_000) // len(line))
    found = look(api("Operator"), body).json()
    assert found["is_whole"] is False
    assert found["rows"]["loaded"] == pytest.approx(looking.HEAD_BYTES / len(line), rel=0.01)


def test_a_viewer_cannot_look_and_nobody_can_without_a_token(api):
    assert look(api("Viewer")).status_code == 403
    assert look(api()).status_code == 401


def test_a_source_is_tried_and_looked_at_without_being_saved(api, outside):
    client, spec = api("Operator"), {"type": "http", "url": f"http://127.0.0.1:{outside.http}/infor_inventory.txt"}
    assert client.post("/sources/test", json={"source": spec}).json()["seen"]
    found = client.post("/dry-run", json={"source": spec}).json()
    assert found["filename"] == "infor_inventory.txt"
    assert found["rows_shown"]


@pytest.mark.parametrize("path", ["/sources/test", "/dry-run"])
@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ({"type": "http", "url": "http://169.254.169.254/latest"}, "BLOCKED_ADDRESS"),
        ({"type": "http"}, "SOURCE_INVALID"),
        ({"type": "gopher"}, "SOURCE_INVALID"),
        ({"connection": "no-such"}, "CONNECTION_NOT_FOUND"),
    ],
)
def test_a_source_that_cannot_be_is_refused_with_its_reason(api, path, spec, code):
    answer = api("Operator").post(path, json={"source": spec})
    assert answer.json()["code"] == code


def test_a_pattern_has_no_one_beginning(api):
    spec = {"type": "ftp", "host": "127.0.0.1", "pattern": "*.csv", "after": "delete"}
    answer = api("Operator").post("/dry-run", json={"source": spec})
    assert answer.json()["code"] == "SOURCE_INVALID"


def test_a_worker_that_does_not_answer_in_time_is_no_failure_of_the_file(api, monkeypatch, stack):
    from botocore.exceptions import ReadTimeoutError

    class Slow:
        def invoke(self, **_):
            raise ReadTimeoutError(endpoint_url="x")

    monkeypatch.setattr(looking, "client", lambda *_, **__: Slow())
    with pytest.raises(looking.LookTookTooLong) as caught:
        looking.look(TABLE, filename="a.csv", is_whole=True, options={})
    assert caught.value.http_status == 503
