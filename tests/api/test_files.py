"""A job's files through the app: whole, in ranges, by role, and harmless in a spreadsheet."""

from __future__ import annotations

import hashlib
import io
import uuid

import pyarrow.parquet as pq
import pytest

NAME = "Größe & <b>.csv"


@pytest.fixture(scope="module")
def job(api, ended):
    body = "id;betrag\n" + "".join(f"{n:08d};{n},50\n" for n in range(20_000))
    answer = api("Operator").post(
        "/upload", data={"dataset": f"files_{uuid.uuid4().hex[:8]}"}, files={"file": (NAME, body.encode())}
    )
    done = ended(answer.json()["job_id"])
    assert done["status"] == "SUCCESS", done["error"]
    return done | {"body": body.encode()}


def test_the_raw_file_comes_back_as_it_came_under_its_name(api, job):
    answer = api("Operator").get(f"/jobs/{job['job_id']}/raw")
    assert (answer.status_code, answer.content) == (200, job["body"])
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "filename*=UTF-8''Gr%C3%B6%C3%9Fe" in answer.headers["Content-Disposition"]
    assert "<" not in answer.headers["Content-Disposition"]


def test_the_parquet_is_the_one_that_was_published(api, job):
    answer = api("Admin").get(f"/jobs/{job['job_id']}/parquet")
    assert hashlib.sha256(answer.content).hexdigest() == job["output_sha256"]
    assert pq.read_table(io.BytesIO(answer.content)).num_rows == 20_000


def test_ranges_put_together_are_the_file(api, job):
    client, size, parts = api("Operator"), len(job["body"]), []
    for first in range(0, size, 100_000):
        answer = client.get(f"/jobs/{job['job_id']}/raw", headers={"Range": f"bytes={first}-{first + 99_999}"})
        assert answer.status_code == 206
        assert answer.headers["Content-Range"] == f"bytes {first}-{min(first + 99_999, size - 1)}/{size}"
        parts.append(answer.content)
    assert b"".join(parts) == job["body"]


@pytest.mark.parametrize(
    ("asked", "status"), [("bytes=5-", 206), ("bytes=99999999-", 416), ("bytes=-5", 200), ("lines=1-2", 200)]
)
def test_a_range_is_answered_as_the_standard_says(api, job, asked, status):
    answer = api("Operator").get(f"/jobs/{job['job_id']}/raw", headers={"Range": asked})
    assert answer.status_code == status
    if status == 206:
        assert answer.content == job["body"][5:]
    if status == 416:
        assert answer.json()["code"] == "RANGE_OUTSIDE"


def test_a_viewer_downloads_nothing_and_an_operator_only_their_own(api, job, ended):
    assert api("Viewer").get(f"/jobs/{job['job_id']}/raw").status_code == 403
    admins = api("Admin").post("/ingest?dataset=not_yours&filename=a.csv&force=true", content=b"a\n1\n",
                               headers={"Content-Type": "text/csv"}).json()["job_id"]  # fmt: skip
    ended(admins)
    assert api("Operator").get(f"/jobs/{admins}/raw").json()["code"] == "JOB_NOT_FOUND"


def test_a_file_that_is_not_there_is_said_so(api, ended):
    failed = api("Operator").post("/ingest?dataset=no_parquet&filename=a.json&force=true", content=b"{",
                                  headers={"Content-Type": "text/plain"}).json()["job_id"]  # fmt: skip
    assert ended(failed)["status"] == "FAILED"
    for name in ("parquet", "rejects.csv"):
        answer = api("Operator").get(f"/jobs/{failed}/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, "JOB_FILE_NOT_FOUND")


def test_on_lambda_a_large_file_comes_in_ranges_only(stack, job):
    from django.test import Client

    from databridge.local.provision import DEMO_PASSWORD
    from ingestion.api import files

    client = Client()
    client.post("/app/sign-in", {"email": "operator@databridge.example", "password": DEMO_PASSWORD})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(files, "AT_ONCE_BYTES", 1000)
        path, event = f"/app/api/jobs/{job['job_id']}/raw", {"lambda.event": {"requestContext": {}}}
        assert client.get(path, **event).json()["code"] == "FILE_TOO_LARGE_AT_ONCE"
        part = client.get(path, headers={"Range": "bytes=0-99999"}, **event)
        assert (part.status_code, b"".join(part.streaming_content)) == (206, job["body"][:1000])
