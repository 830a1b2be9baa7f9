"""The API's jobs: what a record holds, how a failure reads, whose jobs one sees, sending twice."""

from __future__ import annotations

import json
import socket
import uuid

import pytest

from ingestion.errors import BadRequest
from ingestion.submit import check_options
from tests.conversion.formats.workbooks import raw_xlsx

FIELDS = {
    "job_id", "user_id", "user_email", "dataset", "source_type", "source", "input_format", "status", "attempt",
    "max_attempts", "progress", "raw_path", "output_path", "rows", "schema_version", "warnings", "error", "sha256",
    "created_at", "started_at", "finished_at",
}  # fmt: skip


def upload(client, content: bytes, name="orders.csv", dataset=None, options=None, **headers):
    form = {"dataset": dataset or f"t_{uuid.uuid4().hex[:12]}"}
    if options is not None:
        form["options"] = json.dumps(options)
    return client.post("/upload", files={"file": (name, content)}, data=form, headers=headers)


def test_a_finished_job_has_every_field(api, ended):
    job = ended(upload(api("Operator"), b"id;amount\n007;1,50\n").json()["job_id"])
    assert job.keys() >= FIELDS
    assert job["status"] == "SUCCESS"
    assert job["rows"] == {"read": 1, "loaded": 1, "rejected": 0, "skipped": {}}
    assert job["user_email"] == "operator@databridge.example"
    assert job["error"] is None
    assert job["attempt"] == 1
    assert len(job["sha256"]) == 64
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "empty.csv", "EMPTY_FILE"),
        (bytes(range(256)) * 40, "picture.csv", "UNKNOWN_FORMAT"),
        (b'[{"a": 1}, {"a": ', "cut.json", "BROKEN_FILE"),
        (b"\x1f\x8b\x08\x00 not gzip at all", "orders.csv.gz", "BROKEN_FILE"),
    ],
)
def test_a_failing_job_says_why_and_what_to_do(api, ended, content, name, code):
    job = ended(upload(api("Operator"), content, name).json()["job_id"])
    assert job["status"] == "FAILED"
    assert job["error"]["code"] == code
    assert job["error"]["message"].endswith(".")
    assert job["error"]["hint"]
    assert job["error"]["retryable"] is False
    assert job["error"]["place"]["file"] == name
    assert job["output_path"] is None
    assert job["attempt"] == 1


def test_a_source_that_does_not_answer_is_tried_again_by_itself(api):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    source = {"type": "tcp", "host": "127.0.0.1", "port": port}
    job_id = api("Operator").post("/ingest", json={"dataset": "silent", "source": source}).json()["job_id"]
    import time

    for _ in range(300):
        job = api("Operator").get(f"/jobs/{job_id}").json()
        if job["next_retry_at"]:
            break
        time.sleep(0.1)
    assert job["status"] == "PENDING"
    assert job["error"]["code"] == "SOURCE_UNREACHABLE"
    assert job["error"]["retryable"] is True
    assert job["next_retry_at"] > job["created_at"]
    assert api("Operator").post(f"/jobs/{job_id}/cancel").json()["status"] == "CANCELLED"


def test_a_password_is_nowhere_in_the_job(api, outside):
    source = {"type": "ftp", "url": f"ftp://erp:S3cr3t-pass@127.0.0.1:{outside.ftp}/stock.csv.gz"}
    answer = api("Operator").post("/ingest", json={"dataset": "secretive", "source": source})
    assert answer.status_code == 202
    job_id = answer.json()["job_id"]
    events = api("Operator").get(f"/jobs/{job_id}/events")
    assert "S3cr3t" not in answer.text + events.text + api("Operator").get(f"/jobs/{job_id}").text


def test_an_operator_sees_own_jobs_and_the_others_see_all(api):
    mine = upload(api("Operator"), b"a,b\n1,2\n").json()["job_id"]
    admins = upload(api("Admin"), b"a,b\n3,4\n").json()["job_id"]
    assert api("Operator").get(f"/jobs/{admins}").status_code == 404
    assert api("Viewer").get(f"/jobs/{mine}").status_code == 200
    seen = {job["job_id"] for job in api("Operator").get("/jobs", params={"limit": 100}).json()["jobs"]}
    assert mine in seen
    assert admins not in seen
    assert {mine, admins} <= {j["job_id"] for j in api("Viewer").get("/jobs", params={"limit": 100}).json()["jobs"]}


def test_the_list_is_newest_first_and_pages_do_not_overlap(api):
    dataset = f"t_{uuid.uuid4().hex[:12]}"
    client = api("Operator")
    made = [upload(client, f"a,b\n{n},2\n".encode(), dataset=dataset).json()["job_id"] for n in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get("/jobs", params={"dataset": dataset, "limit": 2, "cursor": cursor}).json()
        seen += [job["job_id"] for job in page["jobs"]]
        cursor = page["next_cursor"]
    assert seen == made[::-1]


def test_the_same_idempotency_key_makes_one_job_and_another_body_is_refused(api):
    key, dataset = uuid.uuid4().hex, f"t_{uuid.uuid4().hex[:12]}"
    first = upload(api("Operator"), b"a,b\n1,2\n", dataset=dataset, **{"Idempotency-Key": key})
    second = upload(api("Operator"), b"a,b\n1,2\n", dataset=dataset, **{"Idempotency-Key": key})
    other = upload(api("Operator"), b"a,b\n9,9\n", dataset=dataset, **{"Idempotency-Key": key})
    assert first.json()["job_id"] == second.json()["job_id"]
    assert other.status_code == 409
    assert other.json()["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_the_same_file_twice_names_the_first_job_unless_forced(api, ended):
    dataset = f"t_{uuid.uuid4().hex[:12]}"
    first = ended(upload(api("Operator"), b"a,b\n1,2\n", dataset=dataset).json()["job_id"])
    second = ended(upload(api("Operator"), b"a,b\n1,2\n", dataset=dataset).json()["job_id"])
    forced = ended(upload(api("Operator"), b"a,b\n1,2\n", dataset=dataset, options={"force": True}).json()["job_id"])
    assert second["error"]["code"] == "ALREADY_LOADED"
    assert first["job_id"] in second["error"]["message"]
    assert forced["status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"source": {"type": "http", "url": "http://x/"}}, "BAD_REQUEST"),
        ({"dataset": "Orders!", "source": {"type": "http", "url": "http://x/"}}, "BAD_REQUEST"),
        ({"dataset": "orders", "source": {"type": "gopher"}}, "SOURCE_INVALID"),
        ({"dataset": "orders", "source": {"type": "http", "url": "file:///etc/passwd"}}, "SOURCE_INVALID"),
        ({"dataset": "orders", "source": {"type": "tcp", "host": "h", "port": 70000}}, "SOURCE_INVALID"),
        ({"dataset": "orders", "source": {"type": "http", "url": "http://x/"}, "options": {"no": 1}}, "BAD_REQUEST"),
    ],
)
def test_a_wrong_request_is_refused_with_a_hint(api, body, code):
    answer = api("Operator").post("/ingest", json=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json()["detail"]


def test_options_reach_the_conversion(api, ended):
    client = api("Operator")
    answer = client.post(
        "/ingest",
        params={"dataset": f"t_{uuid.uuid4().hex[:12]}", "filename": "a.csv", "null_values": "NA,-"},
        content=b"k,n\nA,NA\nB,-\nC,5\n",
        headers={"Content-Type": "text/csv"},
    )
    job = ended(answer.json()["job_id"])
    preview = client.get(f"/jobs/{job['job_id']}/preview").json()
    assert preview["rows"] == [["A", None], ["B", None], ["C", "5"]]


def test_cells_with_errors_are_listed_where_they_stand(api, ended):
    cells = '<row r="1"><c r="A1" t="str"><v>id</v></c><c r="B1" t="str"><v>rate</v></c></row>' + "".join(
        f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="B{n}" t="{kind}"><v>{value}</v></c></row>'
        for n, kind, value in ((2, "n", "1.5"), (3, "e", "#N/A"), (4, "n", "2"))
    )
    client = api("Operator")
    job = ended(upload(client, raw_xlsx(cells), "rates.xlsx").json()["job_id"])
    assert (job["status"], job["rows"]["loaded"], job["rows"]["rejected"]) == ("SUCCESS", 2, 1)
    assert "B3" in next(told["message"] for told in job["warnings"] if told["code"] == "REJECTED_CELLS")
    rejects = client.get(f"/jobs/{job['job_id']}/rejects").json()
    assert rejects["total"] == 1
    (reject,) = rejects["rejects"]
    assert (reject["sheet"], reject["cell"], reject["column"], reject["line"]) == ("Data", "B3", "rate", 3)
    assert (reject["code"], reject["raw"]) == ("EXCEL_ERROR_CELL", '{"id": "3", "rate": "#N/A"}')


def test_the_log_tells_the_story(api, ended):
    job = ended(upload(api("Operator"), b"Report\n\nid;amount\n1;2,50\nTotal;\n").json()["job_id"])
    stages = [line["stage"] for line in api("Operator").get(f"/jobs/{job['job_id']}/events").json()["events"]]
    assert stages[0] == "created"
    assert stages[-1] == "succeeded"
    assert {"started", "detect", "type"} <= set(stages)


def test_widths_and_a_delimiter_exclude_each_other_at_once():
    assert check_options({"widths": "3,4"}) == {"widths": "3,4"}
    with pytest.raises(BadRequest, match="widths"):
        check_options({"widths": "3,4", "delimiter": ";"})
