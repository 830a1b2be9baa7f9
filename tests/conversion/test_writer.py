"""However a column is encoded in the file, each value comes back: extremes, nulls, few values and many."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.conversion.writer import Writer

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 5_000


class _Table:
    """As much of a table as the writer looks at."""

    def __init__(self, schema: pa.Schema, progress: int = 0) -> None:
        self._schema = schema
        self.progress = progress

    def schema(self) -> pa.Schema:
        return self._schema

    def columns(self) -> tuple[()]:
        return ()


def _values(kind: pa.DataType, different: int) -> pa.Array:
    rng = Random(5)
    low, high = -(2**63), 2**63 - 1
    if pa.types.is_decimal128(kind):
        edge = 10**kind.precision - 1
        whole = [edge, -edge, *(rng.randint(-edge, edge) for _ in range(different - 2))]
        some = [Decimal(f"{number}E-{kind.scale}") for number in whole]
    elif pa.types.is_string(kind):
        some = ["".join(rng.choices("aäß€😀, \n", k=rng.randrange(40))) for _ in range(different)]
        some[:2] = ["", "x" * 70_000]
    else:
        low, high = {32: (-(2**31), 2**31 - 1)}.get(kind.bit_width, (low, high))
        if pa.types.is_time(kind):
            low, high = 0, 86_399_999_999
        some = [rng.randint(low, high) for _ in range(different)]
        some[:2] = [low, high]
    words = {32: pa.int32(), 64: pa.int64()}
    plain = pa.types.is_decimal128(kind) or pa.types.is_string(kind)
    cells = [None if n % 7 == 3 else some[n % different] for n in range(ROWS)]
    return pa.array(cells, kind) if plain else pa.array(cells, words[kind.bit_width]).view(kind)


@pytest.mark.parametrize("different", [2, 30, 4_000])
@pytest.mark.parametrize(
    "kind",
    [
        pa.int64(),
        pa.decimal128(9, 2),
        pa.decimal128(18, 3),
        pa.decimal128(38, 0),
        pa.date32(),
        pa.timestamp("us"),
        pa.timestamp("ns", "UTC"),
        pa.time64("us"),
        pa.string(),
    ],
    ids=str,
)
def test_every_value_comes_back(tmp_path, kind, different):
    batch = pa.record_batch({"a column.x": _values(kind, different)})
    with Writer(tmp_path / "out.parquet", _Table(batch.schema), {}) as writer:
        for start in range(0, ROWS, 999):
            writer.write(batch.slice(start, 999))
    found = pq.read_table(tmp_path / "out.parquet")["a column.x"]
    assert found.type == kind
    assert found.combine_chunks().equals(batch.column(0))


@pytest.mark.parametrize(
    "kind",
    [
        pa.bool_(),
        pa.int64(),
        pa.int8(),
        pa.float64(),
        pa.decimal128(1, 0),
        pa.decimal128(9, 2),
        pa.decimal128(18, 18),
        pa.decimal128(38, 10),
        pa.decimal256(40, 2),
        pa.date32(),
        pa.time64("us"),
        pa.time64("ns"),
        pa.duration("us"),
        pa.timestamp("us"),
        pa.timestamp("us", "UTC"),
        pa.timestamp("us", "Europe/Berlin"),
        pa.timestamp("us", "+01:00"),
        pa.timestamp("ns"),
        pa.timestamp("ms"),
        pa.string(),
        pa.large_string(),
        pa.binary(),
        pa.null(),
        pa.list_(pa.string()),
        pa.struct({"a": pa.int64(), "b": pa.timestamp("us", "UTC")}),
        pa.dictionary(pa.int32(), pa.string()),
    ],
    ids=str,
)
@pytest.mark.parametrize("rows", [0, 3, 3_000])
def test_every_type_comes_back_from_a_small_file_and_a_larger_one(tmp_path, kind, rows):
    tests = (pa.types.is_decimal128, pa.types.is_string, pa.types.is_date32, pa.types.is_timestamp, pa.types.is_time64)
    known = any(test(kind) for test in tests) and rows > 3
    cells = _values(kind, 30).slice(0, rows) if known else pa.nulls(rows, kind)
    schema = pa.schema([pa.field("a", kind), pa.field("b", pa.int64(), nullable=False), pa.field("c", pa.string())])
    for given in (schema, schema.remove(1), pa.schema([schema.field(0)], {"k": "v"})):
        others = {"b": pa.array(range(rows), pa.int64()), "c": pa.array(map(str, range(rows)), pa.string())}
        batch = pa.record_batch([{"a": cells, **others}[name] for name in given.names], given)
        with Writer(tmp_path / "out.parquet", _Table(given), {}) as writer:
            writer.write(batch)
        found = pq.read_table(tmp_path / "out.parquet")
        assert found.schema.remove_metadata().equals(given.remove_metadata())
        assert found.column("a").combine_chunks().equals(cells)


@pytest.mark.parametrize("rows", [1, 10_000])
def test_statistics_and_page_index_are_there_and_the_footer_repeats_no_schema(tmp_path, rows):
    batch = pa.record_batch({"a": pa.array(range(rows)), "b": pa.array(["x"] * rows)})
    with Writer(tmp_path / "out.parquet", _Table(batch.schema), {}) as writer:
        writer.write(batch)
    footer = pq.read_metadata(tmp_path / "out.parquet")
    column = footer.row_group(0).column(0)
    assert (column.statistics.max, column.has_column_index, column.has_offset_index) == (rows - 1, True, True)
    assert set(footer.metadata) == {b"databridge.rules", b"databridge.code_version"}


@pytest.mark.parametrize("batches", [[ROWS], [1_000], [ROWS] * 200], ids=["one", "short", "several row groups"])
def test_few_values_get_a_dictionary_and_many_none(tmp_path, batches):
    batch = pa.record_batch({"few": _values(pa.int64(), 30), "many": _values(pa.int64(), 4_000)})
    with Writer(tmp_path / "out.parquet", _Table(batch.schema), {}) as writer:
        for rows in batches:
            writer.write(batch.slice(0, rows))
    group = pq.read_metadata(tmp_path / "out.parquet").row_group(0)
    assert "RLE_DICTIONARY" in group.column(0).encodings
    assert "DELTA_BINARY_PACKED" in group.column(1).encodings


@pytest.mark.parametrize(("bytes_in", "groups"), [(0, [1, 1, 1]), (128 << 20, [2, 1]), (1 << 30, [3])])
def test_a_small_file_ends_with_a_small_row_group(tmp_path, bytes_in, groups):
    batch = pa.record_batch({"text": pa.array(["x" * (9 << 20)])})
    with Writer(tmp_path / "out.parquet", _Table(batch.schema), {}, bytes_in=bytes_in) as writer:
        for _ in range(3):
            writer.write(batch)
    assert _rows_of_groups(tmp_path / "out.parquet") == groups


def test_the_last_row_groups_of_a_large_file_get_smaller(tmp_path):
    batch = pa.record_batch({"text": pa.array(["x" * (1 << 20)] * 4)})
    table = _Table(batch.schema)
    with Writer(tmp_path / "out.parquet", table, {}, bytes_in=256 << 20) as writer:
        for done in range(64):
            table.progress = (done + 1) * (4 << 20)
            writer.write(batch)
    groups = _rows_of_groups(tmp_path / "out.parquet")
    assert sum(groups) == 256
    assert groups == sorted(groups, reverse=True)
    assert groups[0] >= 32
    assert groups[-1] <= 8


def _rows_of_groups(path: Path) -> list[int]:
    found = pq.read_metadata(path)
    return [found.row_group(at).num_rows for at in range(found.num_row_groups)]
