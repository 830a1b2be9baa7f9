"""Row groups that were encoded side by side make, byte by byte, the file that one writer makes of them."""

from __future__ import annotations

from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.conversion.compact import as_number, as_structs, find, list_head, rewritten
from ingestion.conversion.rowgroups import OneByOne, SideBySide
from ingestion.conversion.writer import Writer

KINDS: dict[str, st.SearchStrategy[Any]] = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
    "bool": st.booleans(),
    "double": st.floats(allow_nan=True),
    "date32": st.integers(-(2**31), 2**31 - 1),
    "few": st.sampled_from(["EUR", "USD", "CHF"]),
    "list": st.lists(st.integers(0, 9), max_size=3),
    "struct": st.fixed_dictionaries({"a": st.none() | st.integers(0, 9), "b": st.text(max_size=3)}),
    "null": st.none(),
}
TYPES = {
    "int64": pa.int64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "double": pa.float64(),
    "date32": pa.date32(),
    "few": pa.string(),
    "list": pa.list_(pa.int64()),
    "struct": pa.struct({"a": pa.int64(), "b": pa.string()}),
    "null": pa.null(),
}


def _array(kind: str, cells: list[Any]) -> pa.Array:
    return pa.array(cells, pa.int32()).view(pa.date32()) if kind == "date32" else pa.array(cells, TYPES[kind])


@st.composite
def tables(draw: st.DrawFn) -> list[pa.Table]:
    """Draw the row groups of one file."""
    kinds = draw(st.lists(st.sampled_from([*KINDS]), min_size=1, max_size=20))
    schema = pa.schema([pa.field(f"{at} {kind}", TYPES[kind]) for at, kind in enumerate(kinds)])
    groups = []
    for _ in range(draw(st.integers(0, 18))):
        few = [draw(st.lists(st.none() | KINDS[kind], min_size=1, max_size=3)) for kind in kinds]
        rows = draw(st.integers(1, 40))
        columns = [
            _array(kind, [cells[n % len(cells)] for n in range(rows)]) for kind, cells in zip(kinds, few, strict=True)
        ]
        groups.append(pa.table(columns, schema=schema))
    return groups or [schema.empty_table()]


@settings(deadline=None, max_examples=60)
@given(
    groups=tables(),
    dictionary=st.booleans(),
    page_rows=st.sampled_from([3, 1 << 17]),
    group_rows=st.sampled_from([5, 1 << 20]),
    index=st.booleans(),
)
def test_side_by_side_is_one_by_one(groups, dictionary, page_rows, group_rows, index, tmp_path_factory):
    properties = {
        "compression": "zstd",
        "use_dictionary": dictionary,
        "write_page_index": index,
        "write_page_checksum": True,
        "write_batch_size": 3,
        "max_rows_per_page": page_rows,
        "store_schema": True,
    }
    folder = tmp_path_factory.mktemp("files")
    for kind in (OneByOne, SideBySide):
        file = kind(folder / kind.__name__, groups[0].schema, group_rows, **properties)
        encoded = [file.encode(group) for group in groups if group.num_rows]
        for one in encoded:
            file.append(one)
        file.close({"told": "ä" * 200})
        file.abandon()
    assert (folder / "SideBySide").read_bytes() == (folder / "OneByOne").read_bytes()


class _Table:
    progress = 0

    def schema(self) -> pa.Schema:
        return pa.schema({"text": pa.string(), "few": pa.string(), "number": pa.int64()})

    def columns(self) -> tuple[()]:
        return ()


def _batches(count: int) -> list[pa.RecordBatch]:
    rng = Random(3)
    texts = pa.array([f"{rng.getrandbits(120):030x}" for _ in range(20_000)])
    few = pa.array([rng.choice("ABC") for _ in range(20_000)])
    return [
        pa.record_batch([texts, few, pa.array([n * k for n in range(20_000)], pa.int64())], _Table().schema())
        for k in range(count)
    ]


def test_a_file_is_the_same_whether_its_table_has_many_columns_or_few(tmp_path, monkeypatch):
    batches = _batches(40)
    for name, many in (("one by one", 0), ("side by side", 64)):
        monkeypatch.setattr("ingestion.conversion.writer.MANY_COLUMNS", many)
        with Writer(tmp_path / name, _Table(), {"told": "x"}) as writer:
            for batch in batches:
                writer.write(batch)
    assert (tmp_path / "side by side").read_bytes() == (tmp_path / "one by one").read_bytes()


def test_what_cannot_be_encoded_is_told_to_the_one_who_writes(tmp_path, monkeypatch):
    def fails(self: SideBySide, table: pa.Table) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(SideBySide, "encode", fails)
    with pytest.raises(MemoryError, match="no room"), Writer(tmp_path / "out", _Table(), {}) as writer:
        for batch in _batches(40):
            writer.write(batch)


@pytest.mark.parametrize("number", [0, 1, -1, 63, 64, -64, -65, 2**31, 2**63 - 1, -(2**63)])
def test_a_number_is_read_as_it_is_written(number):
    struct = b"\x16" + as_number(number) + b"\x00"  # field 1, of 64 bits
    found, stop = find(struct, {1: "n"})
    assert (found[0].number, found[0].stop, stop) == (number, len(struct) - 1, len(struct))
    assert rewritten(struct, found, [as_number(7)]) == b"\x16\x0e\x00"


@pytest.mark.parametrize("count", [0, 14, 15, 300])
def test_a_list_of_structs_may_be_short_or_long(count):
    struct = b"\x15\x02\x00"  # field 1, of 32 bits: 1
    data = as_structs(count, struct * count)
    assert list_head(data, 0)[0] == count
    found, stop = find(b"\x19" + data + b"\x00", {1: {1: "n"}})
    assert ([one.number for one in found], stop) == ([1] * count, len(data) + 2)


def test_what_is_not_looked_for_is_passed_over_whatever_its_type():
    skipped = [
        b"\x11",  # true
        b"\x12",  # false
        b"\x13\xff",  # a byte
        b"\x17" + bytes(8),  # a double
        b"\x18\x80\x01" + b"\xff" * 128,  # 128 bytes
        b"\x19\x21\x01\x02",  # a list of two truth values
        b"\x19\x28\x01a\x00",  # a list of two texts
        b"\x1a\x15\x80\x01",  # a set of one number
        b"\x1c\x16\x02\x00",  # a struct
        b"\x06\x80\x01\x02",  # field 64, by its number
    ]
    for at in range(len(skipped)):
        last = 64 if at == len(skipped) - 1 else at + 1
        data = b"".join(skipped[: at + 1]) + b"\x16\x0e\x00"
        found, stop = find(data, {last + 1: "n"})
        assert ([one.number for one in found], stop) == ([7], len(data))
    with pytest.raises(ValueError, match="no type"):
        find(b"\x1b\x00\x00", {})  # a map
