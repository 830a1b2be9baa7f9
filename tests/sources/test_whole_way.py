"""From the request to the published job: patterns, only what is new, what happens to the file afterwards."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import threading
import time
from contextlib import suppress
from functools import partial

import pytest

from tests.sources import servers

SETTLED = {"stable_s": 0}


@pytest.fixture
def folder(farm):
    """A fresh folder with three exports, oldest first."""
    made = farm.files / f"out-{time.time_ns()}"
    for part in (made, made / "done"):
        part.mkdir()
        part.chmod(0o777)
    for number in (1, 2, 3):
        export(made, f"GL_{number}.csv", age_s=400 - number)
    (made / "other.txt").write_text("x")
    return made


def export(folder, name: str, age_s: float = 100) -> None:
    (folder / name).write_text(f"id;name\n1;{name} {time.time_ns()}\n")
    os.utime(folder / name, (time.time() - age_s,) * 2)


def ftp(farm, folder, **more) -> dict:
    spec = {"type": "ftp", "host": "127.0.0.1", "port": farm.port("proftpd"), "path": f"{folder}/GL_*.csv"}
    return spec | {"username": servers.USER, "password": servers.PASSWORD, "settle": SETTLED} | more


def sftp(farm, folder) -> dict:
    spec = {"type": "ftp", "protocol": "sftp", "host": "127.0.0.1", "port": farm.port("sshd"), "settle": SETTLED}
    key = (farm.home / "client_key").read_text()
    host_key = " ".join((farm.home / "host_key.pub").read_text().split()[:2])
    secret = {"username": "root", "private_key": key, "passphrase": "open sesame", "host_key": host_key}
    return spec | secret | {"path": f"{folder}/GL_*.csv"}


@pytest.fixture
def run(api, ended):
    """Send a source in, wait, and return the jobs that came of it, by file name."""

    def go(spec: dict, dataset: str, **options) -> list[dict]:
        with api("Operator") as client:
            made = client.post("/ingest", json={"dataset": dataset, "source": spec, "options": options})
            assert made.status_code == 202, made.text
            first = ended(made.json()["job_id"])
            events = client.get(f"/jobs/{first['job_id']}/events").json()["events"]
            others = [job_id for event in events for job_id in (event["data"] or {}).get("jobs", [])]
        return sorted([first, *map(ended, others)], key=lambda job: job["filename"])

    return go


def test_a_pattern_makes_one_job_a_file(farm, folder, run):
    jobs = run(ftp(farm, folder), f"gl_{time.time_ns()}")
    assert all(job["status"] == "SUCCESS" for job in jobs), [job["error"] for job in jobs]
    assert [(job["filename"], job["status"], job["rows"]["loaded"]) for job in jobs] == [
        (f"GL_{number}.csv", "SUCCESS", 1) for number in (1, 2, 3)
    ]
    assert jobs[0]["source"]["path"] == f"{folder}/GL_1.csv"
    assert servers.PASSWORD not in json.dumps(jobs)
    assert (folder / "GL_1.csv").exists()


def beside(folder, number: int, *, rows: int = 1, sha256: str = "") -> None:
    digest = sha256 or hashlib.sha256((folder / f"GL_{number}.csv").read_bytes()).hexdigest()
    (folder / f"GL_{number}.ctl").write_text(f"rows={rows}\nsha256={digest}\n")


@pytest.mark.parametrize("kind", ["proftpd", "sshd"])
def test_each_file_is_held_against_the_totals_beside_it(farm, folder, run, kind):
    beside(folder, 1)
    beside(folder, 2, sha256="0" * 64)
    spec = ftp(farm, folder) if kind == "proftpd" else sftp(farm, folder)
    good, damaged, bare = run(spec, f"gl_{time.time_ns()}", control_totals={"beside": ".ctl"})
    assert (good["status"], good["rows"]["loaded"], good["warnings"]) == ("SUCCESS", 1, []), good["error"]
    assert (damaged["status"], damaged["error"]["code"]) == ("FAILED", "CONTROL_TOTALS_MISMATCH")
    assert (bare["status"], bare["error"]["code"]) == ("FAILED", "SOURCE_FILE_MISSING")
    assert "GL_3.csv has no control totals beside it" in bare["error"]["message"]


def test_a_file_of_a_web_server_is_held_against_the_totals_beside_it(folder, run):
    beside(folder, 1)
    (folder / "GL_2.csv.sha256").write_text(f"{'0' * 64}  GL_2.csv\n")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"http://127.0.0.1:{server.server_port}"
        ended = [
            run({"type": "http", "url": f"{place}/GL_{number}.csv"}, f"gl_{time.time_ns()}", control_totals=totals)[0]
            for number, totals in ((1, {"beside": ".ctl"}), (2, {"beside": ".sha256"}), (3, {"beside": ".ctl"}))
        ]
        server.shutdown()
    assert [job["status"] for job in ended] == ["SUCCESS", "FAILED", "FAILED"], ended[0]["error"]
    assert [job["error"]["code"] for job in ended[1:]] == ["CONTROL_TOTALS_MISMATCH", "SOURCE_FILE_MISSING"]


def test_a_file_that_is_sent_has_nothing_beside_it(api, ended):
    options = json.dumps({"control_totals": {"beside": ".ctl"}})
    answer = api("Operator").post(
        "/upload",
        data={"dataset": f"gl_{time.time_ns()}", "options": options},
        files={"file": ("a.csv", b"a;b\n1;2\n")},
    )
    job = ended(answer.json()["job_id"])
    assert (job["status"], job["error"]["code"]) == ("FAILED", "RULE_INVALID")


def test_a_pattern_that_matches_nothing_says_so(farm, folder, run):
    (job,) = run(ftp(farm, folder, path=f"{folder}/AP_*.csv"), f"ap_{time.time_ns()}")
    assert (job["status"], job["error"]["code"]) == ("FAILED", "SOURCE_FILE_MISSING")


def test_only_what_is_new_is_loaded_and_a_changed_file_is_new(farm, folder, run):
    dataset = f"gl_{time.time_ns()}"
    spec = ftp(farm, folder, only_new=True)
    assert [job["filename"] for job in run(spec, dataset)] == ["GL_1.csv", "GL_2.csv", "GL_3.csv"]
    (nothing,) = run(spec, dataset)
    assert (nothing["status"], nothing["rows"]["loaded"], nothing["output_path"]) == ("SUCCESS", 0, None)
    assert nothing["warnings"][0]["code"] == "NOTHING_NEW"
    export(folder, "GL_2.csv", age_s=50)
    export(folder, "GL_4.csv")
    assert [job["filename"] for job in run(spec, dataset)] == ["GL_2.csv", "GL_4.csv"]


@pytest.mark.parametrize("after", ["delete", "move"])
def test_a_file_is_put_away_only_once_its_data_is_published(farm, folder, run, after):
    export(folder, "GL_2.csv", age_s=300)
    (folder / "GL_2.csv").write_bytes(b"\x00\x01 no table at all \xff" * 40)
    spec = ftp(farm, folder, after="delete" if after == "delete" else {"move": f"{folder}/done"})
    jobs = run(spec, f"gl_{time.time_ns()}")
    assert [job["status"] for job in jobs] == ["SUCCESS", "FAILED", "SUCCESS"]
    assert [(folder / f"GL_{number}.csv").exists() for number in (1, 2, 3)] == [False, True, False]
    assert len(list((folder / "done").iterdir())) == (2 if after == "move" else 0)
    from ingestion import secrets

    for job, kept in zip(jobs, (False, True, False), strict=True):
        assert _kept(secrets, job["job_id"]) is kept, "a secret stays as long as a retry may need it"


def test_a_file_that_cannot_be_put_away_stays_and_the_job_says_so(farm, folder, run):
    spec = ftp(farm, folder, path=f"{folder}/GL_1.csv", after={"move": f"{folder}/nowhere"})
    (job,) = run(spec, f"gl_{time.time_ns()}")
    assert job["status"] == "SUCCESS"
    assert "SOURCE_FILE_STAYS" in {warning["code"] for warning in job["warnings"]}
    assert (folder / "GL_1.csv").exists()


def test_a_file_whose_content_is_loaded_already_is_put_away_and_not_fetched_at_each_poll(farm, folder, run):
    dataset = f"gl_{time.time_ns()}"
    (folder / "GL_2.csv").write_bytes((folder / "GL_1.csv").read_bytes())
    (folder / "GL_3.csv").unlink()
    kept = ftp(farm, folder, only_new=True)
    jobs = run(kept, dataset)
    assert sorted(job["status"] for job in jobs) == ["FAILED", "SUCCESS"]
    (twin,) = [job for job in jobs if job["status"] == "FAILED"]
    assert twin["error"]["code"] == "ALREADY_LOADED"
    (nothing,) = run(kept, dataset)
    assert nothing["warnings"][0]["code"] == "NOTHING_NEW"
    (told,) = run(ftp(farm, folder, path=f"{folder}/{twin['filename']}", after="delete"), dataset)
    assert told["error"]["code"] == "ALREADY_LOADED"
    assert not (folder / twin["filename"]).exists(), "its rows are in the dataset, so it is done with"


def test_the_password_of_a_job_that_failed_for_good_expires_and_a_retry_has_it_back(farm, folder, run, api, ended):
    from databridge.aws import client as aws
    from ingestion import secrets

    (job,) = run(ftp(farm, folder, path=f"{folder}/not-yet.csv"), f"gl_{time.time_ns()}")
    assert job["error"]["code"] == "SOURCE_FILE_MISSING"
    kept = aws("secretsmanager").describe_secret(SecretId=f"databridge/local/jobs/{job['job_id']}")
    assert kept["DeletedDate"], "it is deleted within days"
    export(folder, "not-yet.csv")
    with api("Operator") as client:
        assert client.post(f"/jobs/{job['job_id']}/retry").status_code == 202
    done = ended(job["job_id"])
    assert done["status"] == "SUCCESS", done["error"]
    assert _kept(secrets, job["job_id"]) is False, "it is deleted at once when the file is loaded"


def test_an_attempt_cut_off_while_it_made_the_jobs_makes_none_twice(farm, folder, stack):
    """The worker dies after the first sibling: the next attempt finds it made."""
    from django.test import override_settings

    from ingestion import fetching, lifecycle, network, once
    from ingestion.models import Job
    from ingestion.moves import now
    from ingestion.sources import parse_source

    dataset = f"gl_{time.time_ns()}"
    spec = ftp(farm, folder)
    job = Job(f"cut-{time.time_ns()}", user_id="u", dataset=dataset, source_type="ftp", created_at=now())
    job.partition_date = "2026-01-31"
    job.source = parse_source(spec).public()
    fetching.store(job, spec)
    once.create(job)
    job = lifecycle.claim(job.job_id, worker="w")
    sent: list[str] = []

    def dies(job_id: str) -> None:
        sent.append(job_id)
        raise KeyboardInterrupt

    with override_settings(SOURCE_ALLOW_CIDRS=("127.0.0.0/8",)):
        source, limits = parse_source(spec), network.limits()
        with pytest.raises(KeyboardInterrupt):
            fetching._one_of(job, spec, source, limits, dies)
        narrowed = fetching._one_of(job, spec, source, limits, sent.append)
    assert narrowed["path"] == f"{folder}/GL_1.csv"
    assert len(sent) == len(set(sent)) == 2


def _kept(secrets, job_id: str) -> bool:
    with suppress(secrets.SecretGone):
        return bool(secrets.recall(job_id))
    return False
