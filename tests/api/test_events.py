"""A job's log over the API: in pages, from a place on, and followed while the job goes on."""

from __future__ import annotations

import time
import uuid
from types import SimpleNamespace

import pytest

USER = SimpleNamespace(sub="tester", email="tester@databridge.example")


@pytest.fixture
def job(stack, quiet, tmp_path, monkeypatch):
    """A PENDING job that nobody is told about."""
    from ingestion import submit

    monkeypatch.setattr(submit, "send", lambda _: None)
    path = tmp_path / "orders.csv"
    path.write_bytes(b"id;amount\n1;1,50\n")
    dataset = f"t_{uuid.uuid4().hex[:12]}"
    return submit.submit_file(USER, path=path, dataset=dataset, filename="orders.csv", source_type="upload", options={})


def write(job, count: int) -> list[str]:
    from ingestion.moves import record

    told = [f"Line {number}." for number in range(count)]
    for text in told:
        record(job, "type", text)
    return told


def read(client, job, **asked) -> list[str]:
    """Every line from a cursor on, page after page."""
    found, cursor = [], asked.pop("cursor", "")
    while cursor is not None:
        page = client.get(f"/jobs/{job.job_id}/events", params={"cursor": cursor, **asked}).json()
        assert len(page["events"]) <= asked.get("limit", 200)
        found += [line["message"] for line in page["events"]]
        cursor = page["next_cursor"]
    return found


def test_a_log_of_more_than_a_page_is_read_whole_in_order_and_no_line_twice(api, job):
    told = write(job, 450)
    with api("Viewer") as client:
        first = client.get(f"/jobs/{job.job_id}/events").json()
        assert len(first["events"]) == 200
        assert read(client, job)[1:] == told
        assert read(client, job, limit=7)[1:] == told


def test_a_log_is_followed_by_asking_for_what_was_written_since(api, job):
    with api("Viewer") as client:
        address = f"/jobs/{job.job_id}/events"
        seen = client.get(address).json()
        assert [line["stage"] for line in seen["events"]] == ["created"]
        nothing = client.get(address, params={"cursor": seen["tail_cursor"]}).json()
        assert (nothing["events"], nothing["next_cursor"]) == ([], None)
        told = write(job, 3)
        since = client.get(address, params={"cursor": nothing["tail_cursor"]}).json()
        assert [line["message"] for line in since["events"]] == told


def test_a_log_is_followed_while_a_worker_works_until_it_says_how_the_job_ended(api, job):
    import threading

    from ingestion import worker

    working = threading.Thread(target=worker.run, args=(job.job_id,))
    working.start()
    stages, cursor, deadline = [], "", time.monotonic() + 60
    with api("Viewer") as client:
        while "succeeded" not in stages and time.monotonic() < deadline:
            page = client.get(f"/jobs/{job.job_id}/events", params={"cursor": cursor}).json()
            stages += [line["stage"] for line in page["events"]]
            cursor = page["tail_cursor"]
        whole = client.get(f"/jobs/{job.job_id}/events").json()
    working.join()
    assert stages == [line["stage"] for line in whole["events"]]


@pytest.mark.parametrize("asked", [{"cursor": "tampered"}, {"limit": 0}, {"limit": 201}, {"limit": "all"}])
def test_what_cannot_be_a_place_in_a_log_is_refused(api, job, asked):
    answer = api("Viewer").get(f"/jobs/{job.job_id}/events", params=asked)
    assert answer.status_code == 400
    assert answer.json()["code"] == "BAD_REQUEST"


def test_a_cursor_of_one_log_opens_no_other(api, job):
    other = api("Admin").post("/upload", files={"file": ("a.csv", b"a,b\n1,2\n")}, data={"dataset": "other"}).json()
    cursor = api("Admin").get(f"/jobs/{other['job_id']}/events").json()["tail_cursor"]
    answer = api("Admin").get(f"/jobs/{job.job_id}/events", params={"cursor": cursor})
    assert answer.status_code == 400
