"""Resumable uploads: the protocol's rules, two clients that others wrote, and what is swept."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import time
import uuid
from datetime import timedelta
from pathlib import Path

import pytest

from tests.local.app import serving_apart

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = TUS | {"Content-Type": "application/offset+octet-stream"}


def coded(**metadata: str) -> str:
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in metadata.items())


def begin(client, length: int, dataset: str = "", **headers: str):
    """Begin an upload; into a dataset of its own where none is named, for a dataset's files must be alike."""
    name = dataset or f"tus_{uuid.uuid4().hex[:8]}"
    told = {"Upload-Length": str(length), "Upload-Metadata": coded(dataset=name, filename="a.csv")}
    return client.post("/uploads", headers=TUS | told | headers)


def send(client, url: str, offset: int, content: bytes, **headers: str):
    return client.patch(url, content=content, headers=CHUNK | {"Upload-Offset": str(offset)} | headers)


def offset_of(client, url: str) -> int:
    return int(client.head(url, headers=TUS).headers["upload-offset"])


def test_chunks_become_one_job_whose_raw_object_is_the_file(api, ended):
    content = b"id;amount\n" + b"".join(b"%06d;%d.10\n" % (number, number) for number in range(3000))
    with api("Operator") as client:
        begun = begin(client, len(content))
        assert begun.status_code == 201
        url = begun.headers["location"]
        assert begun.headers["upload-offset"] == "0"
        assert "upload-expires" in begun.headers
        first = send(client, url, 0, content[:10_000])
        assert (first.status_code, first.headers["upload-offset"]) == (204, "10000")
        assert "job-id" not in first.headers
        last = send(client, url, 10_000, content[10_000:])
        job = ended(last.headers["job-id"])
        state = client.head(url, headers=TUS)
    assert job["status"] == "SUCCESS"
    assert job["source_type"] == "upload"
    assert job["sha256"] == hashlib.sha256(content).hexdigest()
    assert job["rows"]["loaded"] == 3000
    assert state.headers["cache-control"] == "no-store"
    assert state.headers["job-id"] == job["job_id"]
    from ingestion import lake

    assert lake.get_bytes(lake.key_of(job["raw_path"])) == content
    assert not lake.exists(f"up/{url.rsplit('/', 1)[-1]}")


def test_an_empty_file_is_a_job_at_once(api, ended):
    with api("Operator") as client:
        job = ended(begin(client, 0).headers["job-id"])
    assert job["raw_bytes"] == 0


def test_a_chunk_must_begin_where_the_upload_stands_and_have_its_checksum(api):
    with api("Operator") as client:
        url = begin(client, 6).headers["location"]
        assert send(client, url, 3, b"abc").status_code == 409
        good = base64.b64encode(hashlib.sha1(b"abc").digest()).decode()
        assert send(client, url, 0, b"abd", **{"Upload-Checksum": f"sha1 {good}"}).status_code == 460
        assert send(client, url, 0, b"abc", **{"Upload-Checksum": "crc32 AAAA"}).status_code == 400
        assert offset_of(client, url) == 0
        assert send(client, url, 0, b"abc", **{"Upload-Checksum": f"sha1 {good}"}).status_code == 204
        assert send(client, url, 0, b"abc").status_code == 409
        assert send(client, url, 3, b"defg").status_code == 413
        assert offset_of(client, url) == 3


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus-Resumable": "0.2.0"}, 412), ({"Content-Type": "text/plain"}, 415), ({"Upload-Offset": "-1"}, 400),
        ({"Upload-Offset": "x"}, 400),
    ],
)  # fmt: skip
def test_a_chunk_with_a_wrong_header_is_refused(api, headers, status):
    with api("Operator") as client:
        url = begin(client, 3).headers["location"]
        answer = client.patch(url, content=b"abc", headers=CHUNK | {"Upload-Offset": "0"} | headers)
        assert answer.status_code == status
        assert answer.headers["tus-resumable"] == "1.0.0"
        assert answer.json()["hint"]
        assert offset_of(client, url) == 0


def test_a_chunk_of_more_than_4_mib_is_refused_and_one_of_4_mib_taken(api):
    with api("Operator") as client:
        url = begin(client, 5 << 20).headers["location"]
        assert send(client, url, 0, bytes((4 << 20) + 1)).status_code == 413
        assert send(client, url, 0, bytes(4 << 20)).status_code == 204


@pytest.mark.parametrize(
    "headers",
    [
        {"Upload-Length": "-3"}, {"Upload-Length": ""}, {"Upload-Metadata": "dataset ***"}, {"Upload-Metadata": ""},
        {"Upload-Metadata": coded(dataset="No Name")}, {"Upload-Metadata": coded(dataset="a", options="[1]")},
        {"Upload-Metadata": coded(dataset="a", options='{"shet": "x"}')},
    ],
)  # fmt: skip
def test_what_an_upload_cannot_be_is_said_before_the_first_byte(api, headers):
    with api("Operator") as client:
        answer = begin(client, 3, **headers)
    assert answer.status_code == 400
    assert answer.json()["code"] == "BAD_REQUEST"


def test_too_large_a_file_is_refused_and_the_server_says_what_it_takes(api):
    with api("Operator") as client:
        can = client.options("/uploads")
        assert can.headers["tus-extension"] == "creation,checksum,termination,expiration"
        assert begin(client, int(can.headers["tus-max-size"]) + 1).status_code == 413


def test_nobody_else_sees_an_upload_and_a_viewer_begins_none(api):
    with api("Operator") as owner, api("Admin") as other, api("Viewer") as viewer:
        url = begin(owner, 3).headers["location"]
        assert other.head(url, headers=TUS).status_code == 404
        assert send(other, url, 0, b"abc").status_code == 404
        assert other.delete(url, headers=TUS).status_code == 404
        assert begin(viewer, 3).status_code == 403
        assert offset_of(owner, url) == 0


def test_an_ended_upload_leaves_nothing(api):
    from ingestion import lake

    with api("Operator") as client:
        url = begin(client, 6).headers["location"]
        send(client, url, 0, b"abc")
        assert client.post(url, headers=TUS | {"X-HTTP-Method-Override": "DELETE"}).status_code == 204
        assert client.head(url, headers=TUS).status_code == 404
        assert send(client, url, 3, b"def").status_code == 404
    assert not lake.exists(f"up/{url.rsplit('/', 1)[-1]}/{0:015d}-{hashlib.sha256(b'abc').hexdigest()[:16]}")


def test_the_same_idempotency_key_is_the_same_upload(api):
    with api("Operator") as client:
        key = {"Idempotency-Key": f"tus-{time.time_ns()}"}
        first = begin(client, 3, "keyed", **key)
        assert begin(client, 3, "keyed", **key).headers["location"] == first.headers["location"]
        assert begin(client, 4, "keyed", **key).status_code == 409


def test_two_senders_of_one_chunk_leave_one_of_them_whole(api):
    """Both store their chunk before either's row moves on: the winner's bytes count, the loser is told."""
    from ingestion import uploads
    from ingestion.models import Upload

    with api("Operator") as client:
        url = begin(client, 6).headers["location"]
    one = Upload.get(url.rsplit("/", 1)[-1])
    two = Upload.get(one.upload_id)
    uploads.append(one, offset=0, chunk=b"abc")
    with pytest.raises(uploads.UploadOffsetConflict):
        uploads.append(two, offset=0, chunk=b"XY")
    uploads.append(one, offset=3, chunk=b"def")
    assert b"".join(uploads.compose(one.upload_id)[1]) == b"abcdef"


def test_the_sweep_makes_the_job_of_a_whole_upload_and_removes_an_abandoned_one(api, ended):
    from ingestion import lake, uploads
    from ingestion.models import Upload
    from ingestion.moves import now

    with api("Operator") as client:
        whole, left = (begin(client, 6).headers["location"] for _ in range(2))
        send(client, left, 0, b"abc")
        row, gone = (Upload.get(url.rsplit("/", 1)[-1]) for url in (whole, left))
        uploads.append(row, offset=0, chunk=b"a;b\n1;")  # and the process dies before the job is made
        row.update([Upload.due_at.set(time.time() - 1)])
        gone.update([Upload.due_at.set(time.time() - 1), Upload.until.set(now() - timedelta(seconds=1))])
        assert send(client, left, 3, b"def").status_code == 410
        uploads.sweep(lambda _: None)
        assert client.head(left, headers=TUS).status_code in {404, 410}
    assert not lake.exists(f"up/{gone.upload_id}/{0:015d}-{hashlib.sha256(b'abc').hexdigest()[:16]}")
    from ingestion import tasks

    tasks.run_job(row.job_id)
    assert ended(row.job_id)["raw_bytes"] == 6


# ---- clients that others wrote ----

CLIENTS = {
    "tuspy": [sys.executable, str(HERE / "tus_clients/upload.py")],
    "tus-js-client": ["node", str(HERE / "tus_clients/upload.mjs")],
}


def a_csv(path: Path, size: int) -> str:
    """Write a CSV of about so many bytes; return its SHA-256."""
    line = b"%09d;Umsatzerl\xc3\xb6se;2026-01-31;1234.50;" + b"x" * 200 + b"\n"
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for block in range(0, size // 240, 10_000):
            rows = b"".join(line % number for number in range(block, min(block + 10_000, size // 240)))
            content = (b"" if block else b"id;text;day;amount;note\n") + rows
            digest.update(content)
            file.write(content)
    return digest.hexdigest()


def packed(rows: int = 200_000) -> bytes:
    """A zip that is larger than the beginning of a file that is looked at."""
    import io
    import zipfile

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(
            "ledger.csv", "konto;betrag\n" + "".join(f"{n:010d};{n % 900 + 1}.250,00-\n" for n in range(rows))
        )
    return stream.getvalue()


def held(client, content: bytes):
    """Send an upload that is held back, and return its address."""
    told = {"Upload-Length": str(len(content))}
    told |= {"Upload-Metadata": coded(dataset="held", filename="ledger.zip", hold="true")}
    url = client.post("/uploads", headers=TUS | told).headers["location"]
    for at in range(0, len(content), 4 << 20):
        last = send(client, url, at, content[at : at + (4 << 20)])
        assert last.status_code == 204, last.text
    assert "job-id" not in last.headers
    return url


def test_an_upload_that_is_held_back_is_looked_at_whole_and_then_loaded(api, ended):
    from ingestion import uploads
    from ingestion.models import Upload

    content = packed()
    with api("Operator") as client:
        url = held(client, content)
        Upload(url.rsplit("/", 1)[-1]).update([Upload.due_at.set(time.time() - 1)])
        uploads.sweep(lambda _: None)
        assert "job-id" not in client.head(url, headers=TUS).headers
        seen = client.post(f"{url}/look", json={}).json()
        assert (seen["filename"], seen["is_whole"], seen["rows"]["read"]) == ("ledger.zip", True, 200_000)
        assert seen["rows_shown"][1][1] == ["2.250,00-", "-2250.00", True]
        assert client.post(f"{url}/look", json={"options": {"odd": 1}}).status_code == 400
        assert client.post(f"{url}/load", json={"dataset": "Not Allowed"}).status_code == 400
        asked = {"dataset": "held_for_a_look", "options": {"business_date": "2026-10-31"}}
        made = client.post(f"{url}/load", json=asked)
        again = client.post(f"{url}/load", json=asked)
        job = ended(made.json()["job_id"])
        assert (made.status_code, again.json()["job_id"]) == (202, job["job_id"])
        assert client.head(url, headers=TUS).headers["job-id"] == job["job_id"]
    assert (job["dataset"], job["rows"]["loaded"]) == ("held_for_a_look", 200_000)
    assert "date=2026-10-31" in job["raw_path"]


def test_an_upload_that_is_held_back_is_its_senders_alone_and_can_be_given_up(api):
    with api("Operator") as client, api("Admin") as other, api("Viewer") as viewer:
        url = held(client, b"a;b\n1;2\n")
        for path, body in (("look", {}), ("load", {"dataset": "held"})):
            assert other.post(f"{url}/{path}", json=body).status_code == 404
            assert viewer.post(f"{url}/{path}", json=body).status_code == 403
        assert client.delete(url, headers=TUS).status_code == 204
        assert client.post(f"{url}/load", json={"dataset": "held"}).status_code == 404


def test_an_upload_whose_bytes_are_missing_is_neither_looked_at_nor_loaded(api):
    with api("Operator") as client:
        told = {"Upload-Length": "10", "Upload-Metadata": coded(dataset="held", filename="a.csv", hold="true")}
        url = client.post("/uploads", headers=TUS | told).headers["location"]
        for path, body in (("look", {}), ("load", {"dataset": "held"})):
            assert client.post(f"{url}/{path}", json=body).json()["code"] == "UPLOAD_OFFSET"


def test_more_than_a_look_can_take_is_refused(api, monkeypatch):
    from ingestion import looking

    monkeypatch.setattr(looking, "WHOLE_BYTES", 5)
    with api("Operator") as client:
        url = held(client, b"a;b\n1;2\n")
        assert client.post(f"{url}/look", json={}).json()["code"] == "DRY_RUN_TOO_LARGE"


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("size_mb", [24, pytest.param(200, marks=pytest.mark.slow)])
def test_a_killed_client_goes_on_where_it_was(stack, tokens, ended, tmp_path, client, size_mb):
    if client == "tus-js-client" and not (ROOT / "node_modules/tus-js-client").is_dir():
        pytest.skip("tus-js-client is not installed: `npm ci` failed or Node is missing")
    path = tmp_path / "large.csv"
    sha256 = a_csv(path, size_mb << 20)
    size = path.stat().st_size
    with serving_apart(stack) as app:
        command = [*CLIENTS[client], str(path), f"{app.url}/uploads", tokens["Operator"], str(tmp_path / "state.json")]
        command.append(f"tus_{client.replace('-', '_')}_{size_mb}")
        killed = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for line in killed.stdout:
            if line.startswith("at") and int(line.split()[1]) >= size // 2:
                killed.kill()
                break
        killed.wait()
        again = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        assert again.returncode == 0, again.stderr
        said = [line.split() for line in again.stdout.splitlines()]
        assert next(int(value) for word, value in said if word == "at") > size // 2, "it began anew"
        peak_mb = app.peak_mb()
    from ingestion.models import Upload

    upload = Upload.get(said[-1][1].rsplit("/", 1)[-1])
    job = ended(upload.job_id, timeout_s=300)
    assert job["status"] == "SUCCESS", job["error"]
    assert job["sha256"] == sha256
    assert peak_mb < 300, f"{peak_mb} MB"
    print(f"{client}: {size:,} bytes, app's peak {peak_mb} MB", file=sys.stderr)
    path.unlink()
