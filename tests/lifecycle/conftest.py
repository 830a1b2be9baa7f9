"""Jobs for the tests of a job's life, and a look at what the lake holds of them."""

from __future__ import annotations

import uuid
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
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


@pytest.fixture
def dataset():
    return f"t_{uuid.uuid4().hex[:12]}"


@pytest.fixture
def loaded(new_job, dataset):
    """Load a text and return its job as it is afterwards."""
    from ingestion import lifecycle, worker

    def load(content: str):
        job = new_job(content, dataset=dataset)
        worker.run(job.job_id)
        return lifecycle.get(job.job_id)

    return load


@pytest.fixture
def table(dataset, tmp_path):
    """Read all of the dataset with its contract's schema, by DuckDB and by PyArrow, which must agree."""
    from ingestion import contracts, lake

    def read() -> pa.Table:
        paths = []
        for number, key in enumerate(lake.keys(f"parquet/{dataset}/")):
            paths.append(str(tmp_path / f"{uuid.uuid4().hex}-{number}.parquet"))
            lake.download(key, tmp_path / paths[-1])
        schema = contracts.known(dataset).contract.schema()
        one = ds.dataset(paths, schema=schema).to_table()
        names = ", ".join(f"'{path}'" for path in paths)
        columns = ", ".join(f'"{name}"' for name in schema.names)
        with duckdb.connect() as connection:
            query = f"SELECT {columns} FROM read_parquet([{names}], union_by_name=true)"
            two = connection.sql(query).to_arrow_table()
        assert two.schema.types == schema.types
        assert sorted(map(str, one.to_pylist())) == sorted(map(str, two.to_pylist()))
        return one

    return read
