"""Rows set aside, through the API: seen, downloaded, corrected and loaded once, dismissed, and the books that close."""

import io
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client

from databridge.local.provision import DEMO_PASSWORD
from ingestion.conversion.checks.corrections import corrections_of

RULES = [
    {"kind": "unique", "column": "id"},
    {"kind": "in_list", "column": "currency", "values": ["EUR", "USD"]},
    {"kind": "range", "column": "amount", "min": 0},
]
ROWS = [
    [f"A{n:05d}", f"{n},50", ("EUR", "USD")[n % 2], f'=SUM(A{n})"\nx' if n % 10 == 0 else f"text {n}"]
    for n in range(300)
]


def text_of(rows):
    quoted = [[f'"{cell.replace(chr(34), chr(34) * 2)}"' if '"' in cell else cell for cell in row] for row in rows]
    return ("id;amount;currency;note\n" + "".join(";".join(row) + "\n" for row in quoted)).encode()


def send(client, dataset, rows, **options):
    answer = client.post(
        "/upload",
        data={"dataset": dataset, "options": json.dumps(options)},
        files={"file": ("orders.csv", text_of(rows))},
    )
    assert answer.status_code == 202, answer.text
    return answer.json()["job_id"]


@pytest.fixture
def dataset(api, ended):
    """A dataset with a contract born of clean rows of other ids, and rules."""
    name = f"r_{uuid.uuid4().hex[:12]}"
    first = [[f"Z{row[0][1:]}", *row[1:]] for row in ROWS]
    assert ended(send(api("Operator"), name, first))["status"] == "SUCCESS"
    admin = api("Admin")
    contract = admin.get(f"/datasets/{name}/contract").json()
    told = {name: contract[name] for name in ("columns", "preset", "policies", "lineage", "version")}
    body = {**told, "rules": RULES, "reject_limits": {"count": None, "share": 0.2}}
    answer = admin.put(f"/datasets/{name}/contract", json=body)
    assert answer.status_code == 200, answer.text
    return name


def broken():
    rows = [list(row) for row in ROWS]
    rows[3][1], rows[7][2], rows[20][1], rows[150][0] = "drei", "EURO", "-5,00", "A00010"
    return rows


def published(client, *jobs):
    """The rows that jobs have published, by id."""
    tables = [pq.read_table(io.BytesIO(client.get(f"/jobs/{job}/parquet").content)) for job in jobs]
    return pa.concat_tables(tables).sort_by("id")


def test_corrected_rows_are_loaded_once_and_the_books_close(api, ended, dataset):
    client = api("Operator")
    clean = ended(send(client, dataset, [[f"Y{row[0][1:]}", *row[1:]] for row in ROWS]))["job_id"]
    job = ended(send(client, dataset, broken()))
    assert (job["status"], job["rows"]["loaded"], job["rows"]["rejected"]) == ("SUCCESS", 296, 4)
    assert job["rejects"]["open"] == 4

    first = client.get(f"/jobs/{job['job_id']}/rejects", params={"limit": 3}).json()
    rest = client.get(f"/jobs/{job['job_id']}/rejects", params={"cursor": first["next_cursor"]}).json()
    found = first["rejects"] + rest["rejects"]
    assert [(one["row"], one["line"], one["column"], one["value"]) for one in found] == [
        (1, 6, "amount", "drei"),
        (2, 10, "currency", "EURO"),
        (3, 24, "amount", "-5,00"),
        (4, 167, "id", "A00010"),
    ]
    assert [text_of(broken())[one["offset"] :][:6].decode() for one in found] == [
        "A00003",
        "A00007",
        "A00020",
        "A00010",
    ]
    assert all(one["reason"] and one["hint"] and one["rule"] for one in found)

    table = client.get(f"/jobs/{job['job_id']}/rejects.csv").content
    cells = corrections_of(table)
    assert cells[3] == dict(zip(["id", "amount", "currency", "note"], broken()[20], strict=True))
    assert b"'=SUM(A20)" in table
    assert pq.read_table(io.BytesIO(client.get(f"/jobs/{job['job_id']}/rejects.parquet").content)).num_rows == 4

    half = _corrected(table, {1: {"amount": "3,50"}, 2: {"currency": "USD"}})
    answer = client.post(f"/jobs/{job['job_id']}/replay", files={"file": ("corrected.csv", half)})
    assert answer.status_code == 202, answer.text
    replay = ended(answer.json()["job_id"])
    assert (replay["status"], replay["rows"]["loaded"]) == ("SUCCESS", 2)
    assert replay["replays"] == {"job_id": job["job_id"], "rows": "1-2"}

    again = client.post(f"/jobs/{job['job_id']}/replay", files={"file": ("corrected.csv", half)})
    assert (again.status_code, again.json()["code"]) == (409, "REJECTS_SETTLED")

    body = {"rows": [{"row": 3, "cells": {"amount": "20,50"}}, {"row": 4, "cells": {"id": "A00011"}}]}
    second = ended(client.post(f"/jobs/{job['job_id']}/replay", json=body).json()["job_id"])
    assert (second["rows"]["loaded"], second["rows"]["rejected"]) == (1, 1), "A00011 is loaded already"
    now = client.get(f"/jobs/{job['job_id']}/rejects").json()
    assert [one["state"] for one in now["rejects"]] == ["loaded", "loaded", "loaded", "open"]
    last = client.post(f"/jobs/{job['job_id']}/replay", json={"rows": [{"row": 4, "cells": {"id": "A00150"}}]}).json()
    third = ended(last["job_id"])
    assert third["status"] == "SUCCESS"
    settled = client.get(f"/jobs/{job['job_id']}").json()
    assert settled["rejects"]["open"] == 0
    ids = [one["job_id"] for one in (job, replay, second, third)]
    assert settled["rejects"]["replays"] == ids[1:]
    whole, wanted = published(client, *ids), published(client, clean)
    assert whole.schema.equals(wanted.schema)
    assert whole.drop_columns("id").equals(wanted.drop_columns("id"))
    assert whole["amount"][3].as_py() == Decimal("3.50")


def _corrected(table, changes):
    import csv

    rows = list(csv.reader(io.StringIO(table.decode(), newline="")))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(rows[0])
    for row in rows[1:]:
        number = int(row[0])
        if number in changes:
            for name, text in changes[number].items():
                row[rows[0].index(name)] = text
            writer.writerow(row)
    return out.getvalue().encode()


def test_two_replays_of_the_same_rows_at_once_load_them_once(api, ended, dataset):
    client = api("Operator")
    job = ended(send(client, dataset, broken()))["job_id"]
    body = {"rows": [{"row": 1, "cells": {"amount": "3,50"}}]}

    def replay(_):
        return client.post(f"/jobs/{job}/replay", json=body)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(replay, range(4)))
    made = [answer.json()["job_id"] for answer in answers if answer.status_code == 202]
    assert len(made) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code != 202} == {"REJECTS_SETTLED"}
    assert ended(made[0])["rows"]["loaded"] == 1
    assert client.post(f"/jobs/{job}/replay", json=body).status_code == 409


def test_a_replay_that_fails_gives_its_rows_up_and_cannot_come_back(api, ended, dataset):
    client = api("Operator")
    job = ended(send(client, dataset, broken()))["job_id"]
    wrong = client.post(f"/jobs/{job}/replay", json={"rows": [{"row": 1, "cells": {"amount": "vier"}}]}).json()[
        "job_id"
    ]
    failed = ended(wrong)
    assert (failed["status"], failed["error"]["code"]) == ("FAILED", "REJECTS_OVER_LIMIT")
    right = client.post(f"/jobs/{job}/replay", json={"rows": [{"row": 1, "cells": {"amount": "3,50"}}]})
    assert ended(right.json()["job_id"])["status"] == "SUCCESS"
    assert client.post(f"/jobs/{wrong}/retry").json()["code"] == "JOB_STATE_CONFLICT"


def test_rows_are_dismissed_with_a_reason_that_the_audit_log_keeps(api, ended, dataset):
    client = api("Operator")
    job = ended(send(client, dataset, broken()))["job_id"]
    assert client.post(f"/jobs/{job}/rejects/dismiss", json={"rows": [1], "reason": " "}).status_code == 400
    answer = client.post(f"/jobs/{job}/rejects/dismiss", json={"rows": [1, 2], "reason": "test data"})
    assert answer.json()["rejects"]["open"] == 2
    refused = client.post(f"/jobs/{job}/replay", json={"rows": [{"row": 2, "cells": {}}]})
    assert refused.json()["code"] == "REJECTS_SETTLED"
    rest = client.post(f"/jobs/{job}/rejects/dismiss", json={"reason": "not needed"}).json()
    assert rest["rejects"]["open"] == 0
    assert [one["reason"] for one in rest["rejects"]["dismissed"]] == ["test data", "not needed"]


def test_a_file_over_the_limit_is_not_loaded_until_somebody_accepts_its_rejects(api, ended, dataset):
    client = api("Operator")
    rows = [[*row[:2], "EURO", row[3]] if n < 100 else list(row) for n, row in enumerate(ROWS)]
    job = ended(send(client, dataset, rows))
    assert (job["status"], job["error"]["code"]) == ("FAILED", "REJECTS_OVER_LIMIT")
    seen = client.get(f"/jobs/{job['job_id']}/rejects").json()
    assert (seen["total"], seen["rows"]["refused"], len(seen["rejects"])) == (100, True, 100)
    early = client.post(f"/jobs/{job['job_id']}/replay", json={"rows": [{"row": 1, "cells": {}}]})
    assert early.json()["code"] == "REJECTS_SETTLED"
    client.post(f"/jobs/{job['job_id']}/retry", json={"accept_rejects": True})
    job = ended(job["job_id"])
    assert (job["status"], job["rows"]["loaded"], job["rejects"]["open"]) == ("SUCCESS", 200, 100)
    body = {"rows": [{"row": n, "cells": {"currency": "EUR"}} for n in range(1, 101)]}
    replay = ended(client.post(f"/jobs/{job['job_id']}/replay", json=body).json()["job_id"])
    assert replay["rows"]["loaded"] == 100


WRONG = [
    (b"a,b\n1,2\n", "CORRECTIONS_INVALID"),
    (b'{"rows": [{"row": 99, "cells": {}}]}', "BAD_REQUEST"),
    (b'{"rows": [{"row": 1, "cells": {"x": 1}}]}', "CORRECTIONS_INVALID"),
    (b'{"rows": []}', "CORRECTIONS_INVALID"),
    (b'{"rows": [{"row": 1}, {"row": 1}]}', "CORRECTIONS_INVALID"),
]


@pytest.mark.parametrize(("body", "code"), WRONG)
def test_corrections_that_cannot_be_meant_are_refused(api, ended, dataset, body, code):
    client = api("Operator")
    job = ended(send(client, dataset, broken()))["job_id"]
    answer = client.post(f"/jobs/{job}/replay", content=body, headers={"Content-Type": "text/csv"})
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_who_may_not_correct_is_refused(api, ended, dataset):
    job = ended(send(api("Admin"), dataset, broken()))["job_id"]
    body = {"rows": [{"row": 1, "cells": {"amount": "3,50"}}]}
    assert api("Viewer").get(f"/jobs/{job}/rejects").status_code == 200
    assert api("Viewer").post(f"/jobs/{job}/replay", json=body).status_code == 403
    assert api("Operator").post(f"/jobs/{job}/replay", json=body).status_code == 404
    assert ended(api("Admin").post(f"/jobs/{job}/replay", json=body).json()["job_id"])["status"] == "SUCCESS"


def test_control_totals_that_do_not_hold_publish_nothing(api, ended, dataset):
    client = api("Operator")
    job = ended(send(client, dataset, ROWS, control_totals={"rows": 299}))
    assert (job["status"], job["error"]["code"]) == ("FAILED", "CONTROL_TOTALS_MISMATCH")
    assert client.get(f"/jobs/{job['job_id']}/parquet").status_code == 404
    good = {"rows": 300, "sums": {"amount": str(sum(Decimal(row[1].replace(",", ".")) for row in ROWS))}}
    assert ended(send(client, dataset, ROWS, control_totals=good, force=True))["status"] == "SUCCESS"
    answer = client.post("/upload", data={"dataset": dataset, "options": '{"control_totals": {"rows": "x"}}'},
                         files={"file": ("a.csv", b"a\n1\n")})  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (400, "RULE_INVALID")


def test_the_profile_tells_of_each_column(api, ended, dataset):
    job = ended(send(api("Operator"), dataset, ROWS))["job_id"]
    columns = {one["name"]: one for one in api("Viewer").get(f"/jobs/{job}/profile").json()["columns"]}
    assert columns["currency"]["distinct"] == 2
    assert (columns["amount"]["min"], columns["amount"]["max"], columns["amount"]["nulls"]) == ("0.50", "299.50", 0)
    page = Client()
    page.post("/app/sign-in", {"email": "operator@databridge.example", "password": DEMO_PASSWORD})
    shown = page.get(f"/app/jobs/{job}").content.decode()
    assert "What the columns hold" in shown
    assert "299.50" in shown


def test_a_job_is_verified_and_a_change_in_the_lake_is_found(api, ended, dataset, stack):
    from databridge.aws import client as aws
    from ingestion import lake, manifest

    job = ended(send(api("Operator"), dataset, broken()))
    lines = list(manifest.verify(job["job_id"]))
    assert [line.partition(":")[0] for line in lines] == ["raw file", "Parquet", "rejects", "footer", "rows", "rejects"]
    key = lake.key_of(job["output_path"])
    body = bytearray(lake.get_bytes(key))
    body[100] ^= 1
    aws("s3").put_object(Bucket="databridge-erp-local", Key=key, Body=bytes(body))
    with pytest.raises(manifest.NotAsRecorded, match="SHA-256 of the Parquet"):
        list(manifest.verify(job["job_id"]))
