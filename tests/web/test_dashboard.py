"""What the dashboard costs, and what its figures say."""

from __future__ import annotations

import uuid
from contextlib import contextmanager

import pytest
from django.test import Client

from databridge.local.provision import DEMO_PASSWORD


@pytest.fixture
def signed_in(stack):
    def client(role: str) -> Client:
        made = Client()
        answer = made.post("/app/sign-in", {"email": f"{role}@databridge.example", "password": DEMO_PASSWORD})
        assert answer.status_code == 302
        return made

    return client


@contextmanager
def counted(monkeypatch):
    """Collect the DynamoDB operations that this process sends."""
    from pynamodb.connection.base import Connection

    sent = []
    original = Connection.dispatch

    def dispatch(self, operation, kwargs, *rest, **more):
        sent.append((operation, kwargs.get("TableName", "")))
        return original(self, operation, kwargs, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(Connection, "dispatch", dispatch)
        yield sent


@pytest.mark.parametrize("role", ["admin", "operator", "viewer"])
def test_the_dashboard_costs_the_same_however_many_jobs_there_are(signed_in, api, ended, monkeypatch, role):
    client = signed_in(role)
    client.get("/app/")  # the first page after a sign-in looks up more
    with counted(monkeypatch) as few:
        assert client.get("/app/").status_code == 200
    dataset = f"cost_{uuid.uuid4().hex[:8]}"
    ids = [
        api("Operator").post(f"/ingest?dataset={dataset}&filename={n}.csv", content=f"a,b\n1,{n}\n".encode(),
                             headers={"Content-Type": "text/csv"}).json()["job_id"]
        for n in range(12)
    ]  # fmt: skip
    for job_id in ids:
        ended(job_id)
    for window in ("24h", "30d"):
        with counted(monkeypatch) as many:
            assert client.get(f"/app/?window={window}").status_code == 200
        assert sorted(many) == sorted(few)
    queries = [operation for operation, table in few if operation == "Query"]
    assert len(queries) <= 9  # one of them only where jobs wait for an approval


def test_the_last_hours_and_days_count_the_same_jobs(stack, api, ended):
    from ingestion import queries

    before = queries.trends()
    job = api("Operator").post(
        f"/ingest?dataset=hours_{uuid.uuid4().hex[:6]}&filename=a.csv", content=f"a\n{uuid.uuid4()}\n".encode(),
        headers={"Content-Type": "text/csv"},
    )  # fmt: skip
    assert ended(job.json()["job_id"])["status"] == "SUCCESS"
    after = queries.trends()
    for name in ("24h", "7d", "30d"):
        grown = after.windows[name].total["rows"] - before.windows[name].total["rows"]
        assert grown >= 1, name
        assert after.windows[name].success_rate is not None
    assert [len(window.steps) for window in after.windows.values()] == [24, 7, 30]


def test_an_unsettled_dataset_is_shown_wherever_it_stands_in_the_alphabet(signed_in, api, ended, monkeypatch):
    from ingestion import settling
    from ingestion.web import dashboard

    monkeypatch.setattr(dashboard, "DATASETS", 1)
    monkeypatch.setattr(dashboard, "ATTENTION", 1000)
    name = f"zz_{uuid.uuid4().hex[:8]}"
    sent = api("Operator").post(f"/ingest?dataset={name}&filename=a.csv", content=f"a\n{uuid.uuid4()}\n".encode(),
                                headers={"Content-Type": "text/csv"})  # fmt: skip
    ended(sent.json()["job_id"])
    settling.add_unsettled(name, 1, "parquet/x", settling.ObjectUnsettled("It cannot be read.", hint=""))
    assert f"/app/datasets/{name}#unsettled" in signed_in("viewer").get("/app/").content.decode()
    settling.keep_unsettled(name, 1, [])
    assert f"/app/datasets/{name}#unsettled" not in signed_in("viewer").get("/app/").content.decode()
