"""A small file that unpacks to a huge one is refused before it fills the memory, whatever it is packed in."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
import zlib

import lz4.frame
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd
from pyarrow import ipc, orc

from ingestion.conversion import containers, convert
from ingestion.conversion.errors import BrokenFile, ConversionError, UnsafeArchive, UnsupportedType
from ingestion.conversion.formats import bounds

TABLE = b"id;name\n" + b"".join(b"%d;name %d\n" % (n, n) for n in range(200))


def refused(tmp_path, content, error=UnsafeArchive):
    (tmp_path / "in").write_bytes(content)
    with pytest.raises(error) as caught:
        convert(tmp_path / "in", tmp_path / "out.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]
    assert caught.value.hint
    assert caught.value.place.file == "in"
    return caught.value


# ---- cut off and damaged ----


def zipped(*members, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def tarred(content):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo("a.csv")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


PACKED = {
    "gzip": gzip.compress(TABLE),
    "bzip2": bz2.compress(TABLE),
    "xz": lzma.compress(TABLE),
    "zstd": zstd.compress(TABLE),
    "lz4": lz4.frame.compress(TABLE),
    "zip": zipped(("a.csv", TABLE)),
    "tar": tarred(TABLE)[: 512 + len(TABLE)],
}


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_every_container_that_is_cut_off_is_told(tmp_path, kind, share):
    error = refused(tmp_path, PACKED[kind][: int(len(PACKED[kind]) * share)], BrokenFile)
    assert "cut off or damaged" in error.what
    assert kind in error.what


# ---- bombs in containers ----

PACKERS = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
    "lz4": lz4.frame.compress,
    "zip": lambda content: zipped(("a.csv", content)),
}


@pytest.fixture
def small_limits(monkeypatch):
    monkeypatch.setattr(containers, "RATIO_COUNTS_FROM", 1 << 20)
    monkeypatch.setattr(bounds, "RATIO_COUNTS_FROM", 1 << 20)
    monkeypatch.setattr(bounds, "MAX_BLOCK_BYTES", 1 << 20)
    monkeypatch.setattr(bounds, "MAX_PART_BYTES", 1 << 20)


@pytest.mark.parametrize("kind", PACKERS)
def test_a_ratio_beyond_belief_is_refused(tmp_path, small_limits, kind):
    refused(tmp_path, PACKERS[kind](b"0" * (8 << 20) if kind != "lz4" else b"0" * (64 << 20)))


def test_a_bomb_within_an_archive_is_refused(tmp_path, small_limits):
    refused(tmp_path, zipped(("a.csv.gz", gzip.compress(b"0" * (8 << 20)))))


def test_a_size_beyond_the_limit_is_refused_whatever_the_ratio(tmp_path, monkeypatch):
    monkeypatch.setattr(containers, "MAX_UNPACKED_BYTES", 1000)
    refused(tmp_path, gzip.compress(TABLE))


def test_an_archive_of_very_many_members_is_read_like_any_other(tmp_path):
    members = [(f"{n}.txt", b"") for n in range(10_000)]
    (tmp_path / "in").write_bytes(zipped(*members, ("data.csv", TABLE), method=zipfile.ZIP_STORED))
    report = convert(tmp_path / "in", tmp_path / "out.parquet")
    assert report.rows.loaded == 200
    assert len(report.warnings[0].message) < 1000


# ---- bombs in formats with types of their own ----


def avro(schema, count, block, codec):
    def number(value):
        value, out = value << 1, b""
        while value > 0x7F:
            out += bytes([value & 0x7F | 0x80])
            value >>= 7
        return out + bytes([value])

    facts = {"avro.schema": json.dumps(schema).encode(), "avro.codec": codec.encode()}
    head = b"Obj\x01" + number(len(facts))
    for name, text in facts.items():
        head += number(len(name)) + name.encode() + number(len(text)) + text
    return head + number(0) + b"s" * 16 + number(count) + number(len(block)) + block + b"s" * 16, number


def deflated(content):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


AVRO_PACKERS = {
    "deflate": deflated,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstandard": zstd.compress,
    "snappy": lambda content: b"\x80\x80\x80\x80\x04" + b"\0" * 20,  # says that a gigabyte follows
    "lz4": lambda content: (1 << 30).to_bytes(4, "little") + b"\0" * 20,
}


@pytest.mark.parametrize("codec", AVRO_PACKERS)
def test_an_avro_block_is_measured_before_it_is_unpacked(tmp_path, small_limits, codec):
    content, _ = avro("string", 1, AVRO_PACKERS[codec](b"\0" * (4 << 20)), codec)
    refused(tmp_path, content)


def test_an_avro_block_within_the_limits_is_read(tmp_path):
    _, number = avro("string", 0, b"", "null")
    text = b"x" * 100_000
    content, _ = avro("string", 2, deflated((number(len(text)) + text) * 2), "deflate")
    (tmp_path / "in").write_bytes(content)
    assert convert(tmp_path / "in", tmp_path / "out.parquet").rows.loaded == 2
    assert pq.read_table(tmp_path / "out.parquet")["value"].to_pylist() == [text.decode()] * 2


def test_an_avro_array_of_values_without_bytes_is_refused(tmp_path):
    _, number = avro("string", 0, b"", "null")
    content, _ = avro({"type": "array", "items": "null"}, 1, number(2**40) + number(0), "null")
    refused(tmp_path, content, UnsupportedType)


def test_avro_records_without_bytes_are_refused(tmp_path):
    content, _ = avro("null", 2**40, b"", "null")
    refused(tmp_path, content, BrokenFile)


def repeated(rows=100_000, size=100_000):
    values = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["x" * size]))
    return pa.table({"a": values})


def arrow(table, compression="zstd"):
    file = io.BytesIO()
    with ipc.new_file(file, table.schema, options=ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return file.getvalue()


def parquet(table):
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd", write_statistics=False)
    return file.getvalue()


@pytest.mark.parametrize("written", [arrow, parquet])
def test_a_large_text_named_very_often_is_refused(tmp_path, small_limits, written):
    refused(tmp_path, written(repeated()))


@pytest.mark.parametrize("written", [arrow, parquet])
def test_a_text_named_often_is_loaded_in_slices(tmp_path, written, monkeypatch):
    monkeypatch.setattr(bounds, "SLICE_BYTES", 1 << 16)
    (tmp_path / "in").write_bytes(written(repeated(rows=1000, size=1000)))
    assert convert(tmp_path / "in", tmp_path / "out.parquet").rows.loaded == 1000
    assert pq.read_table(tmp_path / "out.parquet")["a"].cast(pa.string()).to_pylist() == ["x" * 1000] * 1000


def test_an_arrow_batch_is_measured_before_it_is_unpacked(tmp_path, small_limits):
    refused(tmp_path, arrow(pa.table({"a": pa.array([0] * 1_000_000, pa.int64())})))


def test_a_run_without_end_is_refused(tmp_path, small_limits):
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2**31 - 1], pa.int64()), pa.array(["x" * 1000]))
    batch = pa.record_batch([runs], names=["a"])
    file = io.BytesIO()
    with ipc.new_file(file, batch.schema) as writer:
        writer.write_batch(batch)
    refused(tmp_path, file.getvalue())


def test_texts_that_are_no_text_are_never_written(tmp_path):
    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xff")])
    for written in (pq.write_table, orc.write_table):
        file = io.BytesIO()
        written(pa.table({"a": bad}), file)
        refused(tmp_path, file.getvalue(), BrokenFile)


# ---- what the fuzzer found ----


def test_a_header_that_is_not_in_the_encoding_that_the_mark_promises(tmp_path):
    error = refused(tmp_path, b"\xef\xbb\xbfid;na\xf5me\n1;x\n", ConversionError)
    assert error.code == "ENCODING_ERROR"
    assert "position 8" in error.what
    assert error.place.line == 1


def test_a_number_of_thousands_of_digits_in_json_is_kept_as_text(tmp_path):
    digits = "1" * 5000
    (tmp_path / "in").write_text(f'[{{"a": {digits}}}, {{"a": 1}}]')
    convert(tmp_path / "in", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["a"].to_pylist() == [digits, "1"]


def test_an_avro_header_without_a_type_is_a_broken_file(tmp_path):
    content, _ = avro({"type": "record", "name": "r", "fields": [{"name": "a"}]}, 1, b"", "null")
    refused(tmp_path, content, BrokenFile)


def test_signs_of_a_damaged_file_do_not_reach_a_terminal(tmp_path):
    content = parquet(pa.table({"a": [1]}))
    footer = int.from_bytes(content[-8:-4], "little")
    for byte in (b"\x0f", b"\x1f", b"\x7f"):
        broken = content[: -8 - footer] + byte * footer + content[-8:]
        assert str(refused(tmp_path, broken, BrokenFile)).isprintable()


def test_a_workbook_whose_package_names_no_workbook_is_a_broken_file(tmp_path):
    relations = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"/>'
    refused(
        tmp_path,
        zipped(
            ("[Content_Types].xml", "<Types>spreadsheetml</Types>"), ("_rels/.rels", relations), ("xl/a.xml", "<a/>")
        ),
        BrokenFile,
    )


def test_a_workbook_whose_list_of_parts_is_damaged_is_a_broken_file(tmp_path):
    whole = zipped(("[Content_Types].xml", "<Types>spreadsheetml and more</Types>" * 20), ("xl/workbook.xml", "<a/>"))
    start = whole.index(b"[Content_Types].xml") + len("[Content_Types].xml")
    refused(tmp_path, whole[:start] + b"\xff" * 20 + whole[start + 20 :], BrokenFile)


def test_a_long_word_beside_letters_beyond_ascii_is_looked_at_once(tmp_path):
    """Two million letters without any such sign took hours when each of them was tried as a word's beginning."""
    from ingestion.conversion.detect.codepages import words_beyond_ascii

    assert words_beyond_ascii(b"x" * 2_000_000 + b" Gr\xf6\xdfe ") == (b"Gr\xf6\xdfe",)
