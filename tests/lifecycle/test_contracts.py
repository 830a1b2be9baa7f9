"""A dataset's contract through the whole worker: born, evolved, asked for, and agreed upon by two at once."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import time
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client

from databridge.local.provision import DEMO_PASSWORD
from ingestion.errors import ContractConflict, ContractFixed
from tests.lifecycle.conftest import USER

AT_ONCE = """
import sys, time, django, os
os.environ["DJANGO_SETTINGS_MODULE"] = "databridge.settings"
django.setup()
from pathlib import Path
from ingestion import contracts, worker
real, first = contracts.agree, []
def agree(*given):
    if not first:
        first.append(1)
        Path(sys.argv[2]).touch()
        while not Path(sys.argv[3]).exists():
            time.sleep(0.01)
    return real(*given)
contracts.agree = agree
print(worker.run(sys.argv[1]))
"""


def test_a_first_load_makes_the_contract_and_the_next_ones_simply_go_through(loaded, dataset):
    from ingestion import contracts

    first = loaded("id;amount\n1;1,50\n2;2,25\n")
    assert (first.status, first.schema_version) == ("SUCCESS", 1)
    for content in ("id;amount\n3;7\n", "id;amount\n4;1.234,50\n", "id;amount\n", "id;amount\n5;9,5\n"):
        later = loaded(content)
        assert (later.status, later.schema_version) == ("SUCCESS", 1), later.error
        assert [told["code"] for told in later.warnings] == []
    (version,) = contracts.versions(dataset)
    assert (version.job_id, version.changed_by) == (first.job_id, "")
    assert [column["type"] for column in version.body["columns"]] == ["int64", "decimal128(18, 2)"]


def test_after_a_wider_type_the_earlier_objects_have_it_too_and_their_records_say_so(loaded, dataset, table):
    from ingestion import lake, lifecycle, queries

    first = loaded("id;qty\n1;3\n2;4\n")
    second = loaded("id;qty;note\n3;1,5\n4;2,25\n".replace("\n3;1,5\n4;2,25", "\n3;1,5;x\n4;2,25;y"))
    assert (second.status, second.schema_version) == ("SUCCESS", 2), second.error
    assert {told["code"] for told in second.warnings} == {"WIDENED", "NEW_COLUMN"}
    assert sorted(map(str, table().column("qty").to_pylist())) == ["1.50", "2.25", "3.00", "4.00"]
    told = lifecycle.get(first.job_id)
    body = lake.get_bytes(lake.key_of(told.output_path))
    assert told.output_sha256 == hashlib.sha256(body).hexdigest() != first.output_sha256
    assert told.output_bytes == len(body)
    assert "Written anew" in queries.events(first.job_id)[0][-1].message


def test_an_object_that_cannot_get_the_types_is_shown_until_a_load_finds_it_mended(loaded, dataset):
    from ingestion import contracts, datasets, lake, queries

    first = loaded("id;qty\n1;3\n2;4\n")
    key = lake.key_of(first.output_path)
    kept = lake.get_bytes(key)
    spoilt = io.BytesIO()
    pq.write_table(pa.table({"id": [1, 2], "qty": ["many", "few"]}), spoilt)  # somebody was there
    lake.put_bytes(key, spoilt.getvalue())
    lake.put_bytes(f"parquet/{dataset}/_SUCCESS", b"no Parquet")  # to no engine a part of the table

    second = loaded("id;qty\n3;1,5\n4;2,25\n")

    assert second.status == "SUCCESS", second.error
    assert not contracts.known(dataset).is_settled
    (one,) = datasets.get(dataset).unsettled
    assert (one["path"], one["job_id"]) == (first.output_path, first.job_id)
    assert "string" in one["why"]
    assert any(one["why"] == event.message for event in queries.events(second.job_id)[0])
    page = Client()
    page.post("/app/sign-in", {"email": "viewer@databridge.example", "password": DEMO_PASSWORD})
    assert page.get(f"/app/api/datasets/{dataset}").json()["unsettled"] == [one]
    assert "cannot get the types" in page.get(f"/app/datasets/{dataset}").text
    assert f"/app/datasets/{dataset}#unsettled" in page.get("/app/").text

    lake.put_bytes(key, kept)
    assert loaded("id;qty\n5;1,5\n6;7\n").status == "SUCCESS"
    assert contracts.known(dataset).is_settled
    assert datasets.get(dataset).unsettled is None


def test_names_kept_before_that_differ_by_capitals_lock_no_dataset_and_new_ones_are_refused(loaded, dataset):
    from ingestion import contracts
    from ingestion.conversion.errors import ContractInvalid
    from ingestion.models import ContractVersion

    loaded("id;qty;other\n1;3;5\n2;4;6\n")
    body = contracts.get(dataset).body
    body["columns"][2]["name"] = "Qty"  # as a version of DataBridge without the check kept it
    kept = ContractVersion.get(dataset, 1)
    kept.update([ContractVersion.body.set(zlib.compress(json.dumps(body).encode()))])

    assert loaded("id;qty;Qty\n3;5;6\n").status == "SUCCESS"
    assert contracts.change(dataset, {"version": 1, "preset": "open"}, by="an admin").version == 2
    columns = [*body["columns"], {"name": "ID", "type": "int64"}]
    with pytest.raises(ContractInvalid, match='"id" and "ID" differ by capitals only'):
        contracts.change(dataset, {"version": 2, "columns": columns}, by="an admin")


def test_an_object_with_a_damaged_footer_fails_no_later_load_and_further_ones_are_noted_beside_it(loaded, dataset):
    from ingestion import contracts, datasets, lake, settling

    first = loaded("id;qty\n1;3\n2;4\n")
    key = lake.key_of(first.output_path)
    body = lake.get_bytes(key)
    lake.put_bytes(key, body[:-200] + b"\xff" * 192 + body[-8:])

    second = loaded("id;qty\n3;1,5\n4;2,25\n")

    assert second.status == "SUCCESS", second.error
    (one,) = datasets.get(dataset).unsettled
    assert one["path"] == first.output_path
    version = contracts.known(dataset).version
    for why in ("once", "twice"):
        settling.add_unsettled(dataset, version, "parquet/other", settling.ObjectUnsettled(why, hint=""))
    assert [other["why"] for other in datasets.get(dataset).unsettled] == ["twice", one["why"]]
    assert dataset in [found.name for found in datasets.unsettled(1000)]

    lake.put_bytes(key, body)
    assert loaded("id;qty\n5;1,5\n6;7\n").status == "SUCCESS"
    assert datasets.get(dataset).unsettled is None
    assert dataset not in [found.name for found in datasets.unsettled(1000)]


def test_a_strict_contract_fails_with_the_place_and_the_next_step(loaded, dataset):
    from ingestion import contracts

    loaded("id;qty\n1;3\n2;4\n")
    contracts.change(dataset, {"version": 1, "preset": "strict"}, by="an admin")
    job = loaded("id;qty\n3;5\n4;2,25\n")
    assert (job.status, job.error["code"]) == ("FAILED", "SCHEMA_CHANGED")
    assert job.error["place"] == {"file": "in.csv", "line": 3, "column": "qty"}
    assert '"2,25"' in job.error["message"]
    assert job.error["hint"]


def test_a_person_changes_only_the_version_that_was_seen_and_nothing_that_loads_contradict(loaded, dataset):
    from ingestion import contracts

    loaded("id;qty\n1;3\n2;4\n")
    columns = contracts.get(dataset).body["columns"]
    contracts.change(dataset, {"version": 1, "policies": {"new_column": "ask"}, "preset": "open"}, by="an admin")
    with pytest.raises(ContractConflict):
        contracts.change(dataset, {"version": 1, "preset": "strict"}, by="another")
    with pytest.raises(ContractFixed):
        contracts.change(dataset, {"version": 2, "columns": columns[:1]}, by="an admin")
    with pytest.raises(ContractFixed):
        contracts.change(
            dataset, {"version": 2, "columns": [columns[0], columns[1] | {"type": "string"}]}, by="an admin"
        )
    assert contracts.get(dataset).body["policies"]["new_column"] == "ask"


def test_a_version_says_what_a_person_changed_and_nothing_else():
    from ingestion.contracts import _what_changed
    from ingestion.conversion.contract.model import Contract, ContractColumn

    a, b, c = (ContractColumn(name=name, kind=pa.int64()) for name in "abc")
    rule = {"kind": "not_null", "columns": ["a"], "severity": "reject"}
    before = Contract(columns=(a, b, c), rules=(rule,))
    assert _what_changed(before, Contract(columns=(a, c), rules=(rule,))) == ['Column "b" was taken away.']
    assert _what_changed(before, Contract(columns=(c, a, b), rules=(rule,))) == ["The columns have another order."]
    told = _what_changed(before, Contract(columns=(a, b, c), rules=(rule | {"severity": "warn"},)))
    assert told == ["The rules were changed: 1 rule before, 1 now."]


def test_a_dataset_older_than_contracts_gets_one_at_its_next_load(loaded, dataset, table):
    from ingestion.models import ContractVersion, Dataset

    loaded("id;qty\n1;3\n2;4\n")
    ContractVersion(dataset, 1).delete()
    Dataset("datasets", dataset).update([Dataset.settled_version.remove()])
    job = loaded("id;qty\n3;5,5\n4;2,25\n")
    assert (job.status, job.schema_version) == ("SUCCESS", 2), job.error
    assert len(table()) == 4


def test_a_key_may_be_unique_in_all_of_a_dataset(loaded, new_job, dataset):
    from ingestion import contracts, lifecycle, submit, worker

    loaded("id;qty\n1;3\n2;4\n")
    rule = {"kind": "unique", "column": "id", "scope": "dataset"}
    told = {"version": 1, "rules": [rule], "reject_limits": {"count": 10, "share": None}}
    contracts.change(dataset, told, by="an admin")

    job = loaded("id;qty\n2;5\n7,5;6\n4,5;7\n7,5;8\n")  # amounts now, held against whole numbers

    assert (job.status, job.rows["loaded"], job.rows["rejected"]) == ("SUCCESS", 2, 2), job.error
    again = loaded("id;qty\n4,5;5\n")
    assert again.error["code"] == "REJECTS_OVER_LIMIT"
    assert "in this file or loaded earlier" in again.error["message"]
    for row, key, status in ((1, "1", "FAILED"), (2, "9", "SUCCESS")):
        body = json.dumps({"rows": [{"row": row, "cells": {"id": key}}]}).encode()
        first = lifecycle.get(job.job_id)
        replay = submit.submit_replay(USER, first, body=body, filename="fixed.json", source_type="api")
        assert worker.run(replay.job_id) == status
    assert lifecycle.get(job.job_id).rejects["open"] == 1


def test_a_job_whose_worker_stops_between_manifest_and_record_is_the_same_once_it_goes_on(
    new_job, dataset, table, monkeypatch
):
    from ingestion import lifecycle, manifest, worker
    from ingestion.models import Job
    from ingestion.moves import LeaseLost
    from ingestion.sweep import sweep

    job = new_job("id;qty\n1;3\n2;4\n", dataset=dataset)
    real = lifecycle.succeed

    def stop(*_, **__):
        raise LeaseLost

    monkeypatch.setattr(lifecycle, "succeed", stop)
    assert worker.run(job.job_id) == "RUNNING"
    monkeypatch.setattr(lifecycle, "succeed", real)
    past = time.time() - 1
    lifecycle.get(job.job_id).update([Job.lease_until.set(past), Job.due_at.set(past)])
    sweep(worker.run)
    assert lifecycle.get(job.job_id).status == "SUCCESS"
    assert [line.split(":")[0] for line in manifest.verify(job.job_id)][:2] == ["raw file", "Parquet"]
    assert len(table()) == 2


def test_a_contract_that_changes_while_a_replay_waits_is_the_one_it_is_read_towards(loaded, dataset, table):
    from ingestion import contracts, lifecycle, submit, worker

    loaded("id;qty\n1;3\n2;4\n")
    contracts.change(dataset, {"version": 1, "reject_limits": {"count": 5, "share": None}}, by="an admin")
    job = loaded("id;qty\n3;5\n4;x\n5;y\n6;7\n7;8\n")
    assert job.rejects["open"] == 2, job.error
    body = json.dumps({"rows": [{"row": 1, "cells": {"qty": "6"}}, {"row": 2, "cells": {"qty": "600"}}]}).encode()
    replay = submit.submit_replay(USER, job, body=body, filename="fixed.json", source_type="api")
    loaded("id;qty\n8;1,5\n9;2,5\n")  # another file widens the column meanwhile
    rule = {"kind": "range", "column": "qty", "max": 100}
    contracts.change(dataset, {"version": contracts.get(dataset).version, "rules": [rule]}, by="an admin")

    assert worker.run(replay.job_id) == "SUCCESS"

    assert lifecycle.get(job.job_id).rejects["open"] == 1  # 600 is beyond the new rule
    assert sorted(map(str, table().column("qty").to_pylist())) == [
        "1.5",
        "2.5",
        "3.0",
        "4.0",
        "5.0",
        "6.0",
        "7.0",
        "8.0",
    ]


def test_two_files_that_bring_an_optional_column_each_are_no_rename(loaded, dataset, table):
    for content in ("id;qty\n1;3\n2;4\n", "id;right;qty\n4;y;6\n", "id;qty;left\n3;5;x\n"):
        job = loaded(content)
        assert job.status == "SUCCESS", (job.error, job.approval)
    assert sorted(table().column("left").to_pylist(), key=str) == [None, None, None, "x"]


@pytest.mark.parametrize("kind", ["two columns", "two types", "two first loads"])
def test_two_processes_that_evolve_a_dataset_at_once_end_in_one_contract(
    new_job, loaded, dataset, table, tmp_path, kind
):
    from ingestion import approvals, contracts, lifecycle, worker
    from ingestion.models import Job

    contents = {
        "two columns": ("id;qty;left\n3;5;x\n", "id;right;qty\n4;y;6\n"),
        "two types": ("id;qty\n3;5,5\n", "id;qty\n3,25;5\n"),
        "two first loads": ("id;qty\n3;5\n", "id;qty;more\n4;6;y\n"),
    }[kind]
    if kind != "two first loads":
        loaded("id;qty\n1;3\n2;4\n")
    jobs = [new_job(content, dataset=dataset) for content in contents]
    ready = [tmp_path / "one", tmp_path / "two"]
    workers = [
        subprocess.Popen([sys.executable, "-c", AT_ONCE, job.job_id, mine, other], stdout=subprocess.PIPE, text=True)
        for job, mine, other in zip(jobs, ready, ready[::-1], strict=True)
    ]
    for process in workers:
        process.communicate(timeout=120)
    for job in map(lifecycle.get, [job.job_id for job in jobs]):
        if (
            job.status == "PENDING" and not job.approval
        ):  # the other replaced an object while this one read it, which is tried again
            assert job.error["retryable"], job.error
            job.update([Job.next_retry_at.remove()])
            worker.run(job.job_id)
    ended = [lifecycle.get(job.job_id) for job in jobs]
    if kind == "two first loads" and ended[0].approval:  # the other was first, and its file has a column more
        assert ended[0].approval["changes"][0]["kind"] == "missing_column"
        approvals.approve(jobs[0].job_id, by="an admin")
        worker.run(jobs[0].job_id)
        ended = [lifecycle.get(job.job_id) for job in jobs]
    assert [job.status for job in ended] == ["SUCCESS", "SUCCESS"], [job.error for job in ended]
    known = contracts.known(dataset)
    assert known.is_settled
    versions = [version.version for version in contracts.versions(dataset)]
    assert versions == list(range(len(versions), 0, -1))
    assert len(table()) == 2 + (0 if kind == "two first loads" else 2)
    names = [column.name for column in known.contract.columns]
    assert set(names) == set(";".join(content.split("\n")[0] for content in contents).split(";"))
