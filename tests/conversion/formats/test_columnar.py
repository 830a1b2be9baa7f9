"""Columnar files: every value and type comes through, what Parquet lacks gets an exact form, damage gets a code."""

# ruff: noqa: DTZ001  (a time without a zone is what some types mean)

from __future__ import annotations

import base64
import datetime as dt
import io
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow.parquet import encryption

from ingestion.conversion import convert
from ingestion.conversion.errors import BrokenFile, PasswordProtected, UnknownFormat, UnsafeArchive, UnsupportedType
from ingestion.conversion.formats.parquetfile import _refuse_leafless
from ingestion.conversion.unpack import Payload

TABLE = pa.table(
    {
        "id": pa.array([1, 2, None], pa.uint64()),
        "key": ["000123", "NA", ""],
        "amount": pa.array([Decimal("1.10"), None, Decimal("-0.05")], pa.decimal128(30, 2)),
        "at": pa.array([1, None, 2**62], pa.timestamp("ns", "Europe/Berlin")),
        "day": pa.array([dt.date(1, 1, 1), dt.date(9999, 12, 31), None]),
        "tags": pa.array([["a", None], [], None]),
        "who": pa.array([{"name": "x", "n": 1}, None, {"name": None, "n": 2}]),
        "half": pa.array([1.5, float("nan"), None], pa.float16()),
        "raw": pa.array([b"\x00\xff", b"", None], pa.large_binary()),
    }
)


def converted(tmp_path, content: bytes):
    source = tmp_path / "in"
    source.write_bytes(content)
    dest = tmp_path / "out.parquet"
    report = convert(source, dest)
    return pq.read_table(dest), report


def written(kind: str, table: pa.Table) -> bytes:
    sink = io.BytesIO()
    if kind == "parquet":
        pq.write_table(table, sink)
    elif kind == "orc":
        pa.orc.write_table(table, sink)
    else:
        maker = pa.ipc.new_file if kind == "arrow" else pa.ipc.new_stream
        with maker(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=2)
    return sink.getvalue()


@pytest.mark.parametrize("kind", ["parquet", "arrow", "arrow-stream"])
def test_types_and_values_come_through_unchanged(tmp_path, kind):
    table, report = converted(tmp_path, written(kind, TABLE))
    assert report.detection.format == kind
    assert table.schema.equals(TABLE.schema)
    assert table.to_pylist()[:1] == TABLE.to_pylist()[:1]
    assert table.drop(["half"]).equals(TABLE.drop(["half"]))
    assert report.rows.loaded == 3
    assert report.columns[0].nulls == 1
    assert report.warnings == ()


def test_an_orc_file_comes_through_unchanged(tmp_path):
    given = TABLE.select(["key", "amount", "day", "tags", "who"])
    table, report = converted(tmp_path, written("orc", given))
    assert report.detection.format == "orc"
    assert table.to_pylist() == given.to_pylist()


def test_dictionaries_are_a_way_of_writing_and_their_values_stay(tmp_path):
    given = pa.table(
        {"a": pa.array(["x", None, "x"]).dictionary_encode(), "b": pa.array([7, 7, None]).dictionary_encode()}
    )
    table, report = converted(tmp_path, written("arrow", given))
    assert table.to_pydict() == {"a": ["x", None, "x"], "b": [7, 7, None]}
    assert report.warnings == ()


UNION = pa.UnionArray.from_dense(
    pa.array([0, 1, 0], pa.int8()),
    pa.array([0, 0, 1], pa.int32()),
    [pa.array([5, None]), pa.array(["a"])],
    ["number", "text"],
)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (UNION, [{"number": 5, "text": None}, {"number": None, "text": "a"}, {"number": None, "text": None}]),
        (
            pa.UnionArray.from_sparse(pa.array([1, 0], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]),
            [{"0": None, "1": "a"}, {"0": 2, "1": None}],
        ),
        (pa.array([pa.MonthDayNano([1, -2, 3]), None]), [{"months": 1, "days": -2, "nanoseconds": 3}, None]),
        (pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["a", None])), ["a", "a", None]),
        (pa.array([10**9, None], pa.timestamp("s")), [dt.datetime(2001, 9, 9, 1, 46, 40), None]),
        (pa.array([5, None], pa.time32("s")), [dt.time(0, 0, 5), None]),
        (pa.array([86_400_000, None], pa.date64()), [dt.date(1970, 1, 2), None]),
        (pa.array([{}, None], pa.struct([])), ["{}", None]),
        (pa.array([[], None], pa.list_(pa.int32(), 0)), [[], None]),
        (
            pa.array(
                [[(1, [pa.MonthDayNano([1, 2, 3])])], None], pa.map_(pa.int8(), pa.list_(pa.month_day_nano_interval()))
            ),
            [[(1, [{"months": 1, "days": 2, "nanoseconds": 3}])], None],
        ),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_what_parquet_lacks_is_kept_in_an_exact_form_that_the_report_names(tmp_path, cells, expected):
    table, report = converted(tmp_path, written("arrow", pa.table({"x": cells})))
    assert table.column("x").to_pylist() == expected
    if not pa.types.is_run_end_encoded(cells.type):
        assert [(warning.code, warning.column) for warning in report.warnings] == [("TYPE_MAPPED", "x")]
        assert "kept as" in report.columns[0].rule


def test_a_date_type_that_holds_times_is_kept_as_a_timestamp(tmp_path):
    odd = pa.Array.from_buffers(pa.date64(), 1, [None, pa.array([86_400_001], pa.int64()).buffers()[1]])
    table, _ = converted(tmp_path, written("arrow", pa.table({"x": odd})))
    assert table.column("x").to_pylist() == [dt.datetime(1970, 1, 2, 0, 0, 0, 1000)]


def test_a_value_outside_the_range_of_its_stored_form_is_refused(tmp_path):
    with pytest.raises(UnsupportedType, match='column "x"'):
        converted(tmp_path, written("arrow", pa.table({"x": pa.array([2**62], pa.timestamp("s"))})))


def test_columns_of_the_same_name_are_told_apart(tmp_path):
    table, report = converted(
        tmp_path, written("parquet", pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]))
    )
    assert table.to_pydict() == {"a": [1], "a_2": [2]}
    assert report.warnings[0].code == "DUPLICATE_NAMES"


def test_times_that_nanoseconds_cannot_count_do_not_wrap_around(tmp_path):
    sink = io.BytesIO()
    given = pa.table({"t": pa.array([dt.datetime(9999, 12, 31), dt.datetime(1, 1, 1)], pa.timestamp("us"))})
    pq.write_table(given, sink, use_deprecated_int96_timestamps=True)
    table, report = converted(tmp_path, sink.getvalue())
    assert table.column("t").to_pylist() == [dt.datetime(9999, 12, 31), dt.datetime(1, 1, 1)]
    assert report.warnings[0].code == "INT96_TIMES"


@pytest.mark.parametrize("kind", ["parquet", "arrow", "orc"])
def test_a_file_that_is_cut_off_is_refused(tmp_path, kind):
    content = written(kind, TABLE.select(["key", "amount"]))
    with pytest.raises(BrokenFile):
        converted(tmp_path, content[: len(content) // 2])


def test_a_stream_without_its_end_mark_is_read_with_a_warning(tmp_path):
    _, report = converted(tmp_path, written("arrow-stream", TABLE)[:-8])
    assert [warning.code for warning in report.warnings] == ["NO_END_MARK"]


def test_an_encrypted_file_needs_its_key(tmp_path):
    with pytest.raises(PasswordProtected):
        converted(tmp_path, b"PARE" + b"\x00" * 50 + b"PARE")


class PlainKeys(encryption.KmsClient):
    """Keeps the keys as they are: the file is what is tested."""

    def __init__(self, _connection):
        super().__init__()

    def wrap_key(self, key_bytes, _master_key):
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key, _master_key):
        return base64.b64decode(wrapped_key)


def test_encrypted_columns_below_a_readable_footer_need_their_key_too(tmp_path):
    keys = encryption.EncryptionConfiguration(footer_key="f", column_keys={"c": ["key"]}, plaintext_footer=True)
    secret = encryption.CryptoFactory(PlainKeys).file_encryption_properties(encryption.KmsConnectionConfig(), keys)
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, TABLE.schema, encryption_properties=secret) as writer:
        writer.write_table(TABLE)
    with pytest.raises(PasswordProtected, match="columns are encrypted"):
        converted(tmp_path, sink.getvalue().to_pybytes())


def test_a_group_without_any_field_is_refused_by_name():
    """PyArrow reads such a column as if it were not there, and cannot write one."""
    empty = pa.struct([("inner", pa.struct([]))])
    payload = Payload(name="a.parquet", path=Path("a.parquet"), size=0)
    with pytest.raises(UnsupportedType, match="has no fields to read") as caught:
        _refuse_leafless(pa.schema([("id", pa.int64()), ("nested", empty)]), payload)
    assert caught.value.place.column == "nested"


def test_a_small_file_of_giant_values_is_refused(tmp_path):
    sink = io.BytesIO()
    pq.write_table(pa.table({"x": [b"a" * (200 << 20)]}), sink, compression="zstd", use_dictionary=False)
    assert len(sink.getvalue()) < 1 << 20
    with pytest.raises(UnsafeArchive):
        converted(tmp_path, sink.getvalue())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["parquet", "arrow", "arrow-stream", "orc"]), data=st.data())
def test_damage_anywhere_ends_with_a_code_or_a_table(tmp_path, kind, data):
    content = bytearray(written(kind, TABLE.select(["key", "amount", "tags"])))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(16, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        converted(tmp_path, bytes(content))
    except (BrokenFile, UnsupportedType, UnsafeArchive, PasswordProtected, UnknownFormat):
        assert not (tmp_path / "out.parquet").exists()
    (tmp_path / "out.parquet").unlink(missing_ok=True)


def test_a_batch_without_rows_may_stand_before_one_with_unions(tmp_path):
    kind = pa.dense_union([pa.field("n", pa.int16()), pa.field("b", pa.binary())], [10, 20])
    full = pa.UnionArray.from_dense(
        pa.array([10, 20, 10], pa.int8()),
        pa.array([0, 0, 1], pa.int32()),
        [pa.array([1, 2], pa.int16()), pa.array([b"x"])],
        ["n", "b"],
        [10, 20],
    )
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, pa.schema([("u", kind)])) as stream:
        stream.write_batch(pa.record_batch([full.slice(0, 0)], names=["u"]))
        stream.write_batch(pa.record_batch([full], names=["u"]))
    table, _ = converted(tmp_path, sink.getvalue())
    assert table["u"].to_pylist() == [{"n": 1, "b": None}, {"n": None, "b": b"x"}, {"n": 2, "b": None}]


def test_damage_behind_some_rows_is_told_by_the_row_not_by_a_line(tmp_path):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, TABLE.schema) as stream:
        stream.write_table(TABLE)
        first = sink.tell()
        stream.write_table(TABLE)
    torn = bytearray(sink.getvalue())
    torn[first + 4 : first + 8] = b"\xff\xff\xff\x7f"  # the length of the second batch's head
    with pytest.raises(BrokenFile) as caught:
        converted(tmp_path, bytes(torn))
    assert (caught.value.place.row, caught.value.place.line) == (TABLE.num_rows + 1, None)
    assert f", row {TABLE.num_rows + 1}: " in str(caught.value)


@pytest.mark.parametrize("mask", [[False, True], [False, False]], ids=["below a null group", "against the schema"])
def test_nulls_where_a_group_is_declared_to_have_none_are_kept(tmp_path, mask):
    kind = pa.struct([pa.field("a", pa.int64(), nullable=False)])
    groups = pa.StructArray.from_arrays([pa.array([1, None], pa.int64())], fields=list(kind), mask=pa.array(mask))
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, pa.schema([("g", kind)])) as stream:
        stream.write_table(pa.table({"g": groups}))
    table, report = converted(tmp_path, sink.getvalue())
    assert table["g"].to_pylist() == [{"a": 1}, None if mask[1] else {"a": None}]
    assert report.columns[0].rule == "struct<a: int64 not null> kept as struct<a: int64>"


def test_times_that_cannot_be_read_from_orc_are_no_damage(tmp_path):
    times = pa.array([dt.datetime(1500, 1, 1), dt.datetime(2026, 1, 1)], pa.timestamp("us"))
    with pytest.raises(UnsupportedType, match="before 1677 or after 2262"):
        converted(tmp_path, written("orc", pa.table({"at": times})))
