"""Jobs for the tests of a job's life, and a look at what the lake holds of them."""

from __future__ import annotations

import uuid
from types import SimpleNamespace

import pytest

USER = SimpleNamespace(sub="tester", email="tester@databridge.example")


@pytest.fixture
def new_job(stack, quiet, tmp_path, monkeypatch):
    """Make PENDING jobs that nobody is told about."""
    from ingestion import submit

    monkeypatch.setattr(submit, "send", lambda _: None)

    def make(content="id;amount\n007;1,50\n008;2,25\n", *, dataset=None, options=None, idempotency_key=""):
        file = tmp_path / f"{uuid.uuid4().hex}.csv"
        file.write_text(content)
        return submit.submit_file(
            USER,
            path=file,
            dataset=dataset or f"t_{uuid.uuid4().hex[:12]}",
            filename="in.csv",
            source_type="upload",
            options=options or {},
            idempotency_key=idempotency_key,
        )

    return make


@pytest.fixture
def job(new_job):
    """One such job."""
    return new_job()


@pytest.fixture
def published():
    """List the objects that a job's dataset has in the lake."""

    def look(job) -> list[str]:
        from databridge.aws import client

        answer = client("s3").list_objects_v2(Bucket="databridge-erp-local", Prefix=f"parquet/{job.dataset}/")
        return [item["Key"] for item in answer.get("Contents", [])]

    return look
