"""Rules that look into what is loaded already, against the objects of the lake."""

from __future__ import annotations

import io
import uuid

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.conversion.checks.errors import RuleInvalid


@pytest.fixture
def keep(stack):
    """Put a table into the lake as an object of a new dataset; return its name and key."""
    from ingestion import lake

    def put(table: pa.Table, **options) -> tuple[str, str]:
        dataset, body = f"t_{uuid.uuid4().hex[:12]}", io.BytesIO()
        pq.write_table(table, body, **options)
        key = f"parquet/{dataset}/date=2026-11-25/{uuid.uuid4()}.parquet"
        lake.put_bytes(key, body.getvalue())
        return dataset, key

    return put


def test_only_the_key_columns_of_an_object_are_fetched(keep, monkeypatch):
    from ingestion import lake, ranged
    from ingestion.checking import LakeReferences

    noise = pa.array(np.random.default_rng(1).integers(0, 2**62, 100_000))
    dataset, key = keep(pa.table({"more": noise, "id": np.arange(100_000, dtype="int16"), "rest": noise}))
    fetched, read = [], ranged._Ranged.read

    def counted(self, size=-1):
        found = read(self, size)
        fetched.append(len(found))
        return found

    monkeypatch.setattr(ranged._Ranged, "read", counted)
    ids = [value for batch in LakeReferences().rows(dataset, ["id"]) for value in batch.column(0).to_pylist()]
    assert ids == np.arange(100_000, dtype="int16").tolist()
    assert sum(fetched) < lake.size_of(key) / 3


@pytest.mark.parametrize("damage", ["footer", "empty", "rows"])
def test_a_damaged_object_is_named(keep, damage):
    from ingestion import lake
    from ingestion.checking import LakeReferences

    dataset, key = keep(pa.table({"id": pa.array([str(n) for n in range(2000)])}))
    body = bytearray(lake.get_bytes(key))
    if damage == "footer":
        body[-200:-8] = b"\xff" * 192
    if damage == "rows":
        body[4:400] = b"\xff" * 396
    lake.put_bytes(key, b"" if damage == "empty" else bytes(body))
    with pytest.raises(RuleInvalid, match=f"{key} cannot be read"):
        list(LakeReferences().rows(dataset, ["id"]))


def test_an_object_that_is_replaced_while_it_is_read_is_to_be_read_again(keep):
    from ingestion import lake
    from ingestion.checking import LakeReferences
    from ingestion.errors import StoreUnavailable

    table = pa.table({"id": range(150_000)})
    dataset, key = keep(table, row_group_size=50_000)
    rows = LakeReferences().rows(dataset, ["id"])
    next(rows)
    lake.put_bytes(key, b"another")
    with pytest.raises(StoreUnavailable, match="replaced while it was read"):
        list(rows)
