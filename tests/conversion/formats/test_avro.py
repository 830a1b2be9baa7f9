"""Avro: logical types, unions, names and recursion come through exactly."""

# ruff: noqa: DTZ001  (a time without a zone is what some types mean)

from __future__ import annotations

import datetime as dt
import io
import uuid
from decimal import Decimal

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.conversion import convert
from ingestion.conversion.errors import BrokenFile, UnsupportedType

UTC = dt.UTC


def converted(tmp_path, schema, records, codec="null", cut=0):
    sink = io.BytesIO()
    fastavro.writer(sink, schema, records, codec=codec)
    content = sink.getvalue()
    (tmp_path / "in").write_bytes(content[: len(content) - cut])
    report = convert(tmp_path / "in", tmp_path / "out.parquet")
    assert report.detection.format == "avro"
    return pq.read_table(tmp_path / "out.parquet"), report


def record(*fields):
    return {"type": "record", "name": "acme.Row", "fields": [{"name": name, "type": kind} for name, kind in fields]}


@pytest.mark.parametrize(
    ("kind", "given", "arrow", "expected"),
    [
        ("long", 2**62, pa.int64(), 2**62),
        ("float", 1.5, pa.float32(), 1.5),
        ("string", "00123", pa.string(), "00123"),
        ("bytes", b"\x00\xff", pa.binary(), b"\x00\xff"),
        (["null", "int"], None, pa.int32(), None),
        ({"type": "int", "logicalType": "date"}, dt.date(2024, 2, 29), pa.date32(), dt.date(2024, 2, 29)),
        (
            {"type": "long", "logicalType": "timestamp-micros"},
            dt.datetime(2024, 2, 29, 1, 2, 3, 4, UTC),
            pa.timestamp("us", "UTC"),
            dt.datetime(2024, 2, 29, 1, 2, 3, 4, UTC),
        ),
        (
            {"type": "long", "logicalType": "local-timestamp-millis"},
            dt.datetime(2024, 2, 29),
            pa.timestamp("ms"),
            dt.datetime(2024, 2, 29),
        ),
        ({"type": "long", "logicalType": "time-micros"}, dt.time(1, 2, 3, 4), pa.time64("us"), dt.time(1, 2, 3, 4)),
        (
            {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 4},
            Decimal("-123456789012345678901.2345"),
            pa.decimal128(30, 4),
            Decimal("-123456789012345678901.2345"),
        ),
        (
            {"type": "fixed", "size": 20, "name": "D", "logicalType": "decimal", "precision": 40, "scale": 2},
            Decimal("1.10"),
            pa.decimal256(40, 2),
            Decimal("1.10"),
        ),
        ({"type": "string", "logicalType": "uuid"}, uuid.UUID(int=7), pa.string(), str(uuid.UUID(int=7))),
        ({"type": "fixed", "size": 3, "name": "F"}, b"abc", pa.binary(3), b"abc"),
        (
            {"type": "fixed", "size": 12, "name": "G", "logicalType": "duration"},
            bytes([1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]),
            None,
            {"months": 1, "days": 2, "milliseconds": 3},
        ),
        ({"type": "enum", "name": "E", "symbols": ["NA", "EU"]}, "NA", pa.string(), "NA"),
        ({"type": "array", "items": ["null", "string"]}, ["a", None], pa.list_(pa.string()), ["a", None]),
        ({"type": "map", "values": "long"}, {"k": 1}, pa.map_(pa.string(), pa.int64()), [("k", 1)]),
        (["null", "long", "string"], "x", None, {"long": None, "string": "x"}),
        (
            ["string", {"type": "array", "items": "int"}, "double"],
            [1],
            None,
            {"string": None, "array": [1], "double": None},
        ),
    ],
)
def test_values_come_through(tmp_path, kind, given, arrow, expected):
    table, _ = converted(tmp_path, record(("x", kind)), [{"x": given}])
    assert table.column("x").to_pylist() == [expected]
    if arrow is not None:
        assert table.schema.field("x").type == arrow


def test_dates_beyond_pythons_calendar_come_through(tmp_path):
    table, _ = converted(tmp_path, record(("x", {"type": "int", "logicalType": "date"})), [{"x": 400_000 * 365}])
    assert table.column("x").cast(pa.int32()).to_pylist() == [400_000 * 365]


def test_named_types_are_found_again_and_records_told_apart_in_unions(tmp_path):
    money = {"type": "record", "name": "Money", "fields": [{"name": "n", "type": "long"}]}
    other = {"type": "record", "name": "Points", "fields": [{"name": "n", "type": "long"}]}
    schema = record(("price", money), ("paid", [money["name"], other]), ("due", ["null", "Money"]))
    rows = [
        {"price": {"n": 1}, "paid": ("acme.Points", {"n": 2}), "due": {"n": 3}},
        {"price": {"n": 4}, "paid": ("acme.Money", {"n": 5}), "due": None},
    ]
    table, _ = converted(tmp_path, schema, rows)
    assert table.to_pylist() == [
        {"price": {"n": 1}, "paid": {"acme.Money": None, "acme.Points": {"n": 2}}, "due": {"n": 3}},
        {"price": {"n": 4}, "paid": {"acme.Money": {"n": 5}, "acme.Points": None}, "due": None},
    ]


def test_records_that_hold_their_own_kind_become_json_text(tmp_path):
    node = {
        "type": "record",
        "name": "Node",
        "fields": [{"name": "v", "type": "int"}, {"name": "next", "type": ["null", "Node"]}],
    }
    table, report = converted(tmp_path, record(("n", node)), [{"n": {"v": 1, "next": {"v": 2, "next": None}}}])
    assert table.to_pylist() == [{"n": {"v": 1, "next": '{"v": 2, "next": null}'}}]
    assert [warning.code for warning in report.warnings] == ["RECURSIVE_TYPE"]


@pytest.mark.parametrize("codec", ["deflate", "snappy", "zstandard", "bzip2", "xz", "lz4"])
def test_every_codec_is_read(tmp_path, codec):
    table, _ = converted(tmp_path, record(("x", "string")), [{"x": "a"}] * 40_000, codec)
    assert table.num_rows == 40_000


def test_a_file_that_is_cut_off_is_refused(tmp_path):
    with pytest.raises(BrokenFile):
        converted(tmp_path, record(("x", "string")), [{"x": "a" * 50}] * 100, cut=60)


def test_a_codec_that_nobody_knows_is_named_and_no_damage(tmp_path):
    sink = io.BytesIO()
    fastavro.writer(sink, record(("n", "long")), [{"n": 1}])
    (tmp_path / "in").write_bytes(sink.getvalue().replace(b"\x08null", b"\x08nope"))
    with pytest.raises(UnsupportedType, match="nope"):
        convert(tmp_path / "in", tmp_path / "out.parquet")
