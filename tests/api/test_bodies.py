"""Bodies of POST /ingest: coded, in chunks of a transfer, of any content type; several files in one form."""

from __future__ import annotations

import gzip
import hashlib
import json
import socket
import time
from urllib.parse import urlsplit

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.api.bodies import BodyEncodingInvalid, BodyTooLarge, decoded

CSV = b"id;amount\n000123;1.10\n"


def reader(content: bytes, step: int):
    left = [content]

    def read(size: int) -> bytes:
        piece, left[0] = left[0][: min(step, size)], left[0][min(step, size) :]
        return piece

    return read


CODINGS = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # a busy machine is no fault
@given(
    content=st.binary(max_size=3000),
    more=st.binary(max_size=50),
    step=st.integers(1, 700),
    coding=st.sampled_from(["gzip", "zstd"]),
)
def test_a_coded_body_comes_out_whole_however_it_is_cut_and_also_in_several_pieces(content, more, step, coding):
    coded = CODINGS[coding](content) + CODINGS[coding](more)
    assert b"".join(decoded(reader(coded, step), coding)) == content + more


@pytest.mark.parametrize("coding", CODINGS)
def test_a_cut_or_damaged_body_is_refused_and_never_taken_in_part(coding):
    coded = CODINGS[coding](bytes(range(256)) * 500)
    for wrong in (coded[:-3], coded[:-20], coded + b"rubbish!", b"rubbish!", coded[:9] + b"\0\0\0" + coded[12:]):
        with pytest.raises(BodyEncodingInvalid):
            b"".join(decoded(reader(wrong, 100), coding))


@pytest.mark.parametrize("coding", CODINGS)
def test_a_bomb_stops_at_the_limit_without_being_held_in_memory(coding):
    import tracemalloc

    bomb = CODINGS[coding](bytes(64 << 20))
    tracemalloc.start()
    with pytest.raises(BodyTooLarge):
        for _ in decoded(reader(bomb, 1 << 20), coding, most=48 << 20):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 << 20


def test_codings_are_taken_off_in_the_reverse_order():
    twice = zstandard.ZstdCompressor().compress(gzip.compress(CSV))
    assert b"".join(decoded(reader(twice, 9), "gzip, zstd")) == CSV


@pytest.mark.parametrize("coding", ["gzip", "zstd", "identity"])
def test_a_coded_payload_is_kept_as_the_file_it_is(api, ended, coding):
    content = CSV + coding.encode()
    body = CODINGS.get(coding, bytes)(content)
    where = {"dataset": "coded", "filename": "a.csv", "force": "true"}
    with api("Operator") as client:
        made = client.post("/ingest", params=where, content=body, headers={"Content-Encoding": coding})
    assert made.status_code == 202, made.text
    assert made.json()["sha256"] == hashlib.sha256(content).hexdigest()
    assert ended(made.json()["job_id"])["status"] == "SUCCESS"


@pytest.mark.parametrize(("coding", "status"), [("br", 415), ("gzip", 400)])
def test_a_coding_that_cannot_be_undone_is_refused_and_nothing_is_kept(api, coding, status):
    with api("Operator") as client:
        answer = client.post("/ingest", params={"dataset": "x"}, content=CSV, headers={"Content-Encoding": coding})
    assert answer.status_code == status
    assert answer.json()["hint"]


def test_a_source_may_be_sent_compressed_too(api):
    body = gzip.compress(json.dumps({"dataset": "x", "source": {"type": "nothing"}}).encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    with api("Operator") as client:
        answer = client.post("/ingest", content=body, headers=headers)
    assert answer.json()["code"] == "SOURCE_INVALID"


def test_a_body_in_chunks_of_a_transfer_is_taken(api, tokens, live):
    """Written by hand, as httpx would be ours on both ends: ``Transfer-Encoding: chunked`` with odd sizes."""
    content = CSV + str(time.time_ns()).encode()
    host = urlsplit(live)
    head = (
        f"POST /ingest?dataset=chunked&filename=a.csv HTTP/1.1\r\nHost: {host.netloc}\r\n"
        f"Authorization: Bearer {tokens['Operator']}\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n"
        "Connection: close\r\n\r\n"
    )
    with socket.create_connection((host.hostname, host.port)) as sock:
        sock.sendall(head.encode())
        for at in range(0, len(content), 7):
            piece = content[at : at + 7]
            sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        sock.sendall(b"0\r\n\r\n")
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    assert b" 202 " in answer.split(b"\r\n")[0], answer
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    "kind",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json", "text/csv", "image/png", ""],
)  # fmt: skip
def test_any_content_type_is_the_file_as_it_came(api, kind):
    content = b'[{"a": "1&b=2"}]' + kind.encode()
    headers = {"Content-Type": kind} if kind else {}
    with api("Operator") as client:
        made = client.post("/ingest", params={"dataset": "kinds", "force": "true"}, content=content, headers=headers)
    assert made.status_code == 202, made.text
    assert made.json()["sha256"] == hashlib.sha256(content).hexdigest()


# ---- several files in one form ----


def form(*names: str) -> list:
    return [("file", (name, f"id;name\n1;{name}{time.time_ns()}\n".encode())) for name in names]


def test_several_files_are_one_job_each(api, ended):
    with api("Operator") as client:
        made = client.post("/upload", files=form("a.csv", "b.csv", "c.csv"), data={"dataset": "many"})
    assert made.status_code == 202, made.text
    jobs = [ended(job["job_id"]) for job in made.json()["jobs"]]
    assert [(job["filename"], job["status"], job["dataset"]) for job in jobs] == [
        (name, "SUCCESS", "many") for name in ("a.csv", "b.csv", "c.csv")
    ]


def test_each_file_may_have_a_dataset_of_its_own(api):
    with api("Operator") as client:
        made = client.post("/upload", files=form("a.csv", "b.csv"), data={"dataset": ["many_a", "many_b"]})
        assert [job["dataset"] for job in made.json()["jobs"]] == ["many_a", "many_b"]
        wrong = client.post("/upload", files=form("a.csv", "b.csv", "c.csv"), data={"dataset": ["many_a", "many_b"]})
        assert wrong.status_code == 400
        bad = client.post("/upload", files=form("a.csv", "b.csv"), data={"dataset": ["many_a", "Many B"]})
        assert bad.status_code == 400
        found = client.get("/jobs", params={"dataset": "many_a"}).json()["jobs"]
    assert len(found) == 1, "of a form with a wrong name nothing is kept"


def test_a_form_sent_twice_with_its_key_makes_its_jobs_once(api):
    files, key = form("a.csv", "b.csv"), {"Idempotency-Key": f"form-{time.time_ns()}"}
    with api("Operator") as client:
        made = [client.post("/upload", files=files, data={"dataset": "many"}, headers=key).json() for _ in range(2)]
    first, second = ([job["job_id"] for job in answer["jobs"]] for answer in made)
    assert first == second
    assert len(set(first)) == 2
