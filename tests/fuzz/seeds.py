"""Real files of every format to begin from: samples, golden cases, and small ones made here."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from decimal import Decimal
from pathlib import Path

import fastavro
import lz4.frame
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
from backports import zstd
from pyarrow import feather, ipc, orc

ROOT = Path(__file__).resolve().parents[2]
TABLE = pa.table(
    {
        "key": ["007", "NA", None, "ü\n;"],
        "number": pa.array([1, None, 2**62, -1]),
        "amount": pa.array([Decimal("1.50"), None, Decimal("-0.01"), Decimal(0)], pa.decimal128(9, 2)),
        "day": pa.array([dt.date(2026, 10, 31), None, dt.date.min, dt.date.max]),
        "list": pa.array([[1], None, [], [2, 3]]),
        "group": pa.array([{"a": "x"}, None, {"a": None}, {"a": "y"}]),
    }
)


def seeds() -> dict[str, bytes]:
    """Return files by a name that tells what they are."""
    found = {path.name: path.read_bytes() for path in (ROOT / "samples").iterdir() if _is_data(path)}
    cases = ROOT / "tests" / "conversion" / "golden" / "cases"
    for path in cases.glob("*/*"):
        if path.name != "expected.json":
            found[f"{path.parent.name}{path.suffix}"] = path.read_bytes()
    found |= _json() | _long_texts() | _columnar() | _workbooks()
    text = found["sap_movements.csv"]
    found |= {
        "bz2": bz2.compress(text),
        "xz": lzma.compress(text),
        "zst": zstd.compress(text),
        "lz4": lz4.frame.compress(text),
        "two.gz": gzip.compress(text) + gzip.compress(text),
        "zip": _zip({"readme.txt": b"hello", "data/a.csv": text, "b.json": b'[{"a": 1}]'}),
        "nested.zip": _zip({"a.csv.gz": gzip.compress(text)}),
        "tar": _tar({"a.csv": text, "b.csv": text}),
    }
    return found


def _is_data(path: Path) -> bool:
    return path.is_file() and path.suffix not in {".py", ".md", ".pyc"} and path.name != "samples.json"


def _json() -> dict[str, bytes]:
    records = [
        {
            "id": f"{n:05d}",
            "n": n,
            "amount": n / 4,
            "when": f"2026-10-{n % 28 + 1:02d}",
            "tags": ["a"] * (n % 3),
            "in": {"x": None},
        }
        for n in range(40)
    ]
    return {
        "array.json": json.dumps(records, indent=1).encode(),
        "flat.json": json.dumps([{"a": n, "b": "x"} for n in range(200)]).encode(),
        "lines.ndjson": "\n".join(map(json.dumps, records)).encode(),
        "envelope.json": json.dumps({"d": {"results": records, "__count": "40"}}).encode(),
        "odd.json": b'[{"a": 1, "a": 2}, {"a": "\\ud83d"}, {"b": {}}, {"b": [1, "x", null]}, {"c": 1e400, "d": -0}]',
        "values.json": b'1 2 "x" [3] {"a": 4}',
        "wide.json": json.dumps({"rows": [{f"c{n}": n for n in range(300)}]}).encode("utf-16"),
    }


def _long_texts() -> dict[str, bytes]:
    """Return texts of several blocks, so that blocks, threads and widening take part."""
    rows = [f"{n};{n:06d};{n % 977 / 4:.2f};2026-{n % 12 + 1:02d}-{n % 28 + 1:02d};text {n}" for n in range(90_000)]
    lines = [json.dumps({"n": n, "amount": n / 4, "text": f"t{n % 7}"}) for n in range(40_000)]
    return {
        "long.csv": "\n".join(["n;key;amount;day;text", *rows, ""]).encode(),
        "long.ndjson": "\n".join(lines).encode(),
    }


def _columnar() -> dict[str, bytes]:
    made: dict[str, io.BytesIO] = {
        name: io.BytesIO() for name in ("parquet", "arrow", "stream", "orc", "feather", "avro")
    }
    pq.write_table(TABLE, made["parquet"])
    with ipc.new_file(made["arrow"], TABLE.schema) as file:
        file.write_table(TABLE)
    with ipc.new_stream(made["stream"], TABLE.schema) as stream:
        stream.write_table(TABLE)
    orc.write_table(TABLE, made["orc"])
    feather.write_feather(TABLE.select(["key", "number"]), made["feather"])
    schema = {
        "type": "record",
        "name": "Row",
        "fields": [
            {"name": "key", "type": ["null", "string"]},
            {"name": "n", "type": "long"},
            {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
            {"name": "more", "type": {"type": "map", "values": {"type": "array", "items": "double"}}},
        ],
    }
    rows = [{"key": None, "n": n, "amount": Decimal(n) / 4, "more": {"x": [1.5] * (n % 3)}} for n in range(20)]
    fastavro.writer(made["avro"], schema, rows, codec="deflate")
    return {f"made.{name}": file.getvalue() for name, file in made.items()}


def _workbooks() -> dict[str, bytes]:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["key", "amount", "day", "flag", "formula"])
    for n in range(30):
        sheet.append([f"{n:04d}", n / 8, dt.datetime(2026, 10, n % 28 + 1), n % 2 == 0, f"=B{n + 2}*2"])  # noqa: DTZ001
    sheet["B5"] = "#N/A"
    book.create_sheet("second").append(["a"])
    file = io.BytesIO()
    book.save(file)
    return {"made.xlsx": file.getvalue()}


def _zip(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def _tar(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()
