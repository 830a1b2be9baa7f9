"""Containers by their content: which file is meant, what is told of the others, and what is refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import lz4.frame
import openpyxl
import pyarrow.parquet as pq
import pytest
from backports import zstd

from ingestion.conversion import Options, containers, convert
from ingestion.conversion.errors import (
    BrokenFile,
    ContainerUnsupported,
    EmptyFile,
    MemberChoice,
    PasswordProtected,
    UnsafeArchive,
)

TABLE = b"id;name\n007;A\n8;B\n"
ROWS = [{"id": "007", "name": "A"}, {"id": "8", "name": "B"}]
HALVES = TABLE[:9], TABLE[9:]


@pytest.fixture
def converted(tmp_path):
    """Convert bytes; return the rows and the report."""

    def run(content: bytes, name: str = "export.dat", **options):
        (tmp_path / name).write_bytes(content)
        report = convert(tmp_path / name, tmp_path / "out.parquet", options=Options(**options))
        return pq.read_table(tmp_path / "out.parquet").to_pylist(), report.as_dict()

    return run


def zipped(members: dict[str, bytes], method=zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        folder = tarfile.TarInfo("export")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


PACKERS = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),
    "lz4": lz4.frame.compress,
}


@pytest.mark.parametrize("kind", PACKERS)
def test_a_compressed_file_is_read_whatever_its_name(kind, converted):
    rows, report = converted(PACKERS[kind](TABLE), "table.xlsx")
    assert rows == ROWS
    told = report["detection"]["decisions"][0]
    assert (told["name"], told["value"]) == ("container", kind)
    assert f"unpack to {len(TABLE)}" in told["evidence"]


@pytest.mark.parametrize("kind", PACKERS)
def test_all_members_of_a_compressed_file_are_read(kind, converted):
    rows, _ = converted(b"".join(PACKERS[kind](half) for half in HALVES))
    assert rows == ROWS


@pytest.mark.parametrize("kind", PACKERS)
def test_bytes_behind_the_end_are_left_out_and_told_but_zeros_are_padding(kind, converted):
    rows, report = converted(PACKERS[kind](TABLE) + b"# sent by a machine")
    assert rows == ROWS
    assert [warning["code"] for warning in report["warnings"]] == ["TRAILING_BYTES"]
    assert "19 bytes" in report["warnings"][0]["message"]
    rows, report = converted(PACKERS[kind](TABLE) + bytes(512))
    assert (rows, report["warnings"]) == (ROWS, [])


@pytest.mark.parametrize("kind", PACKERS)
def test_a_cut_or_damaged_compressed_file_is_refused(kind, converted):
    packed = PACKERS[kind](TABLE * 500)
    with pytest.raises(BrokenFile, match="ends in the middle"):
        converted(packed[:-5])
    with pytest.raises(BrokenFile, match="ends in the middle"):
        converted(PACKERS[kind](TABLE) + packed[: len(packed) // 2])
    middle = len(packed) // 2
    with pytest.raises(BrokenFile, match="damaged"):
        converted(packed[:middle] + bytes(byte ^ 0xFF for byte in packed[middle : middle + 8]) + packed[middle + 8 :])


def test_frames_that_zstd_readers_skip_are_skipped(converted):
    frame = b"\x5a\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"note"
    assert converted(frame + zstd.compress(TABLE) + frame)[0] == ROWS


@pytest.mark.parametrize("kind", PACKERS)
def test_a_bomb_is_refused_before_it_fills_the_disk(kind, converted, monkeypatch):
    monkeypatch.setattr(containers, "RATIO_COUNTS_FROM", 1 << 20)
    with pytest.raises(UnsafeArchive, match="times its size"):
        converted(PACKERS[kind](bytes(32 << 20)))


def test_a_zip_bomb_is_refused(converted, monkeypatch):
    monkeypatch.setattr(containers, "RATIO_COUNTS_FROM", 1 << 20)
    with pytest.raises(UnsafeArchive, match=r"member a\.csv.*times its size"):
        converted(zipped({"a.csv": bytes(32 << 20)}))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_of_one_file_is_read_by_every_method(method, converted):
    rows, report = converted(zipped({"in/table.csv": TABLE}, method))
    assert rows == ROWS
    assert report["warnings"] == []
    told = {decision["name"]: decision["value"] for decision in report["detection"]["decisions"]}
    assert (told["container"], told["member"]) == ("zip", "in/table.csv")


def test_folders_and_what_macos_adds_are_no_members(converted):
    packed = zipped({"in/": b"", "in/a.csv": TABLE, "__MACOSX/in/._a.csv": b"x", "in/.DS_Store": b"x"})
    rows, report = converted(packed)
    assert (rows, report["warnings"]) == (ROWS, [])


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_of_several_members_the_first_with_data_is_taken_and_the_others_are_named(pack, converted):
    rows, report = converted(pack({"README.txt": b"read me", "empty.csv": b"", "a.csv": TABLE, "b.csv": b"x;y\n1;2\n"}))
    assert rows == ROWS
    assert report["warnings"][0]["code"] == "MEMBERS_LEFT_OUT"
    assert report["warnings"][0]["message"] == 'Only "a.csv" was loaded; left out: README.txt, empty.csv, b.csv.'
    told = {decision["name"]: decision for decision in report["detection"]["decisions"]}["member"]
    assert (told["value"], told["by"]) == ("a.csv", "detected")
    assert told["evidence"] == "it is the first file with data of 4 files"


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("wanted", ["in/b.csv", "b.csv"])
def test_the_caller_chooses_a_member(pack, wanted, converted):
    rows, report = converted(pack({"in/a.csv": b"x;y\n1;2\n", "in/b.csv": TABLE}), member=wanted)
    assert rows == ROWS
    told = {decision["name"]: decision for decision in report["detection"]["decisions"]}["member"]
    assert (told["value"], told["by"]) == ("in/b.csv", "given")


def test_a_member_that_is_not_there_or_there_twice_is_refused_with_the_names(converted):
    packed = zipped({"a.csv": TABLE, "1/b.csv": TABLE, "2/b.csv": TABLE})
    with pytest.raises(MemberChoice, match=r"no member 'c\.csv'.*a\.csv, 1/b\.csv, 2/b\.csv"):
        converted(packed, member="c.csv")
    with pytest.raises(MemberChoice, match="2 members"):
        converted(packed, member="b.csv")
    with pytest.raises(MemberChoice, match="no archive"):
        converted(TABLE, member="a.csv")


@pytest.mark.parametrize("name", ["../../escape.csv", "/etc/escape.csv", "C:\\escape.csv", "a\nb\x1b[31m.csv"])
def test_a_members_name_is_never_a_path_nor_a_second_line(name, converted, tmp_path):
    packed = tarred({name: TABLE})
    rows, report = converted(packed)
    assert rows == ROWS
    shown = report["detection"]["decisions"][1]["value"]
    assert shown.isprintable()
    assert {path.name for path in tmp_path.iterdir()} == {"export.dat", "out.parquet"}


def test_names_of_old_zip_programs_are_shown(converted):
    packed = zipped({"Uebersicht.csv": TABLE}).replace(b"Uebersicht", b"\x9aversicht"[:1] + b"bersicht1")
    _, report = converted(packed)
    assert report["detection"]["decisions"][1]["value"] == "Übersicht1.csv"[0:1] + "bersicht1.csv"


def test_containers_in_containers_are_opened_once_more_and_no_further(converted):
    assert converted(gzip.compress(tarred({"a.csv": TABLE})))[0] == ROWS
    assert converted(zipped({"a.csv.gz": gzip.compress(TABLE)}))[0] == ROWS
    rows, report = converted(zipped({"inner.zip": zipped({"a.csv": TABLE})}))
    assert rows == ROWS
    assert [d["value"] for d in report["detection"]["decisions"][:4]] == ["zip", "inner.zip", "zip", "a.csv"]
    with pytest.raises(ContainerUnsupported, match="packed more than 2 times"):
        converted(gzip.compress(gzip.compress(gzip.compress(TABLE))))


def test_a_workbook_is_a_workbook_and_a_packed_one_too(converted):
    book, content = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["id", "name"])
    book.active.append(["007", "A"])
    book.save(content)
    for packed in (content.getvalue(), gzip.compress(content.getvalue()), zipped({"a.xlsx": content.getvalue()})):
        rows, report = converted(packed)
        assert rows == ROWS[:1]
        assert report["detection"]["format"] == "xlsx"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(64), "7-Zip"),
        (b"Rar!\x1a\x07\x01\x00" + bytes(64), "RAR"),
        (b"MSCF" + bytes(64), "cabinet"),
        (b"\x1f\x9d\x90" + bytes(64), "compress"),
        (b"LZIP\x01" + bytes(64), "lzip"),
    ],
)
def test_a_container_that_is_not_opened_is_named_with_a_way_out(content, what, converted):
    with pytest.raises(ContainerUnsupported, match=f"{what}.*Send the file itself"):
        converted(content)


def test_an_unknown_method_of_packing_is_told(converted):
    packed = zipped({"a.csv": TABLE})
    with pytest.raises(ContainerUnsupported, match="method"):
        converted(packed.replace(b"\x08\x00", b"\x61\x00"))


def test_a_locked_zip_is_told(converted):
    packed = bytearray(zipped({"a.csv": TABLE}))
    packed[6] |= 1
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(PasswordProtected):
        converted(bytes(packed))


def test_a_cut_or_damaged_archive_is_refused(converted):
    packed = zipped({"a.csv": TABLE * 100})
    for broken in (packed[:-30], packed[: len(packed) // 2], b"PK\x03\x04" + bytes(40)):
        with pytest.raises(BrokenFile):
            converted(broken)
    wrong = packed.replace(packed[60:64], bytes(byte ^ 0x55 for byte in packed[60:64]))
    with pytest.raises(BrokenFile):
        converted(wrong)
    with pytest.raises(BrokenFile):
        converted(tarred({"a.csv": TABLE * 1000})[:2048])


def test_an_archive_or_a_member_without_bytes_is_empty(converted):
    for content in (zipped({}), zipped({"in/": b""}), zipped({"a.csv": b""}), gzip.compress(b""), tarred({})):
        with pytest.raises(EmptyFile):
            converted(content)


def test_a_text_that_begins_like_a_container_is_text(converted):
    rows, report = converted(b"BZh;PK\n1;2\n3;4\n")
    assert rows == [{"BZh": 1, "PK": 2}, {"BZh": 3, "PK": 4}]
    assert report["detection"]["format"] == "csv"


def test_a_zip64_archive_is_read(converted):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive, archive.open("a.csv", "w", force_zip64=True) as member:
        member.write(TABLE)
    assert converted(packed.getvalue())[0] == ROWS
