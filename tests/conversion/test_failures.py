"""Every failure has its code, its place and its next step, on one line, and leaves nothing behind."""

from __future__ import annotations

import gzip
import io
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.conversion import Options, convert
from ingestion.conversion.errors import (
    BrokenFile,
    ConversionError,
    DiskFull,
    FileUnreadable,
    LineTooLong,
    NestedTooDeeply,
    NoRows,
    OptionInvalid,
    OutOfMemory,
    OutputFailed,
    Unforeseen,
    UnknownFormat,
    translated,
)

ROOT = Path(__file__).resolve().parents[2]
TABLE = "id;name\n1;A\n2;B\n"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def all_errors(kind: type = ConversionError):
    for child in kind.__subclasses__():
        yield child
        yield from all_errors(child)


def test_the_tree_of_errors_is_drawn_whole_and_each_has_a_next_step():
    from ingestion.conversion import errors

    for kind in all_errors():
        drawn = errors.__doc__ + sys.modules[kind.__module__].__doc__
        assert kind.__name__ in drawn, kind
        assert len(kind.__doc__.split("\n\n")) > 1, f"{kind.__name__} tells no next step"


class PanicException(BaseException):
    """Named as a Rust library's own."""


@pytest.mark.parametrize(
    ("foreign", "ours"),
    [
        (MemoryError(), OutOfMemory),
        (pa.ArrowMemoryError("malloc"), OutOfMemory),
        (RecursionError(), NestedTooDeeply),
        (PermissionError(13, "Permission denied"), FileUnreadable),
        (OSError(5, "Input/output error"), FileUnreadable),
        (OSError(28, "No space left on device"), DiskFull),
        (PanicException("index out of bounds"), BrokenFile),
        (ZeroDivisionError("secret content"), Unforeseen),
        (AssertionError(), Unforeseen),
    ],
)
def test_a_foreign_error_becomes_ours_without_its_words(foreign, ours):
    with pytest.raises(ours) as caught, translated("orders.csv"):
        raise foreign
    assert "orders.csv" in str(caught.value) or ours is DiskFull
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), SystemExit(1), GeneratorExit()])
def test_who_stops_the_program_is_not_translated(stop):
    with pytest.raises(type(stop)), translated("orders.csv"):
        raise stop


def test_what_the_listener_raises_reaches_the_caller_and_nothing_is_left(tmp_path):
    class Enough(Exception):
        pass

    def listen(progress):
        if progress.rows:
            raise Enough

    source = tmp_path / "a.csv"
    source.write_text(TABLE)
    with pytest.raises(Enough):
        convert(source, tmp_path / "out.parquet", on_progress=listen)
    assert names_in(tmp_path) == ["a.csv"]


# ---- odd inputs ----


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (b"id;name\n1;A\n\0\0\0\0\0\0\0;\0\0\0\n" * 50, UnknownFormat, "none of the formats"),
        (gzip.compress(TABLE.encode() * 99)[:-9], BrokenFile, "ends in the middle"),
        (b'[{"a":' * 100_000 + b"1" + b"}]" * 100_000, ConversionError, "nested"),
        (b"\xff\xfe" + b"\0" * 200, ConversionError, "."),
        (b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n", UnknownFormat, "a PDF document"),
        (b"{\\rtf1\\ansi Hello\\par}", UnknownFormat, "RTF"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 99, UnknownFormat, "a picture"),
        (b"SQLite format 3\0" + b"x" * 99, UnknownFormat, "database"),
        (b'// exported\n[{"a": 1}]\n', BrokenFile, "no comments"),
        (b'# exported\n{"a": 1}\n{"a": 2}\n', BrokenFile, "no comments"),
        (b"[\n  0x1F,\n  2\n]\n", BrokenFile, "line 2"),
    ],
    ids=[
        "NULs",
        "cut gzip",
        "deep JSON",
        "UTF-16 of NULs",
        "PDF",
        "RTF",
        "PNG",
        "SQLite",
        "JSON with a comment",
        "NDJSON with a comment",
        "JSON with a hexadecimal number",
    ],
)
def test_an_input_that_is_no_table_is_answered(tmp_path, content, error, words):
    (tmp_path / "in").write_bytes(content)
    with pytest.raises(error, match=words):
        convert(tmp_path / "in", tmp_path / "out.parquet")
    assert names_in(tmp_path) == ["in"]


def test_a_header_alone_is_a_table_without_rows(tmp_path):
    (tmp_path / "a.csv").write_text("id;name;amount\n")
    report = convert(tmp_path / "a.csv", tmp_path / "out.parquet")
    assert [column.name for column in report.columns] == ["id", "name", "amount"]
    assert (report.rows.read, report.rows.loaded) == (0, 0)
    assert pq.read_table(tmp_path / "out.parquet").shape == (0, 3)


def test_duplicate_and_empty_names_are_told_apart(tmp_path):
    (tmp_path / "a.csv").write_text("id;name;name;;name_2\n1;A;B;C;D\n2;E;F;G;H\n")
    report = convert(tmp_path / "a.csv", tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert len(set(table.column_names)) == 5
    assert [(one.code, "name_3" in one.message) for one in report.warnings] == [("DUPLICATE_NAMES", True)]
    assert table.to_pylist()[0] == dict(zip(table.column_names, [1, "A", "B", "C", "D"], strict=True))


@pytest.mark.parametrize("width", [3_000, pytest.param(50_000, marks=pytest.mark.slow)])
def test_very_many_columns_are_columns(tmp_path, width):
    lines = [";".join(f"c{n}" for n in range(width)), *(";".join(f"{n}{row}" for n in range(width)) for row in "12")]
    (tmp_path / "wide.csv").write_text("\n".join(lines) + "\n")
    report = convert(tmp_path / "wide.csv", tmp_path / "out.parquet")
    assert (len(report.columns), report.rows.loaded) == (width, 2)
    assert pq.read_metadata(tmp_path / "out.parquet").num_columns == width


def test_an_endless_line_is_refused_before_it_fills_the_memory(tmp_path):
    (tmp_path / "line.csv").write_bytes(b"a;b\n" + b"x" * (70 << 20))
    with pytest.raises(LineTooLong, match="longer than 16 MiB"):
        convert(tmp_path / "line.csv", tmp_path / "out.parquet")


def test_a_record_without_an_end_is_refused_far_into_the_file(tmp_path):
    (tmp_path / "quote.csv").write_bytes(b"a;b\n1;x\n" * 1000 + b'1;"' + b"x\n" * (35 << 20))
    with pytest.raises(LineTooLong, match="64 MiB"):
        convert(tmp_path / "quote.csv", tmp_path / "out.parquet", options=Options(delimiter=";"))


@pytest.mark.slow
def test_a_line_of_two_gigabytes_is_refused_in_little_memory(tmp_path):
    with (tmp_path / "line.csv").open("wb") as file:
        file.write(b"a;b\n")
        for _ in range(2048):
            file.write(b"x" * (1 << 20))
    done = run(tmp_path / "line.csv", tmp_path / "out.parquet", memory=3 << 30)
    assert done.stderr.startswith("error: RECORD_TOO_LONG: line.csv")


def test_options_that_cannot_be_meant_are_refused():
    for wrong in ({"header_row": -3}, {"delimiter": ""}, {"delimiter": "\n"}):
        with pytest.raises(OptionInvalid):
            Options(**wrong)


# ---- the destination ----


def test_the_file_itself_is_no_destination(tmp_path):
    source = tmp_path / "a.csv"
    source.write_text(TABLE)
    (tmp_path / "link").symlink_to(source)
    for dest in (source, tmp_path / "link"):
        with pytest.raises(OutputFailed, match="the file itself"):
            convert(source, dest)
    assert source.read_text() == TABLE


def test_a_folder_or_a_device_is_no_destination(tmp_path):
    (tmp_path / "a.csv").write_text(TABLE)
    with pytest.raises(OutputFailed, match="is a folder"):
        convert(tmp_path / "a.csv", tmp_path)
    with pytest.raises(OutputFailed, match="a device"):
        convert(tmp_path / "a.csv", Path("/dev/null"))


def test_a_link_as_destination_stays_a_link(tmp_path):
    (tmp_path / "a.csv").write_text(TABLE)
    (tmp_path / "lake").mkdir()
    (tmp_path / "out.parquet").symlink_to(tmp_path / "lake" / "real.parquet")
    convert(tmp_path / "a.csv", tmp_path / "out.parquet")
    assert (tmp_path / "out.parquet").is_symlink()
    assert pq.read_metadata(tmp_path / "lake" / "real.parquet").num_rows == 2


def test_accounts_that_do_not_balance_publish_nothing(tmp_path, monkeypatch):
    from ingestion.conversion.values import RowCount

    monkeypatch.setattr(RowCount, "balanced", property(lambda _: False))
    (tmp_path / "a.csv").write_text(TABLE)
    with pytest.raises(ConversionError) as caught:
        convert(tmp_path / "a.csv", tmp_path / "out.parquet")
    assert caught.value.code == "ROWS_DO_NOT_ADD_UP"
    assert names_in(tmp_path) == ["a.csv"]


def test_a_table_without_columns_is_no_table(tmp_path):
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(NoRows):
        convert(tmp_path / "a.json", tmp_path / "out.parquet")


@pytest.mark.parametrize("text", [",,", ";;;\n;;;\n", "||", "\t,\r\n"])
def test_a_text_of_delimiters_alone_is_no_table(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(NoRows, match="All cells of the file are empty"):
        convert(tmp_path / "a.csv", tmp_path / "out.parquet")
    assert names_in(tmp_path) == ["a.csv"]


# ---- as a process ----


def run(*arguments: object, file_size: int | None = None, memory: int | None = None, **more):
    def limit() -> None:
        if file_size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
        if memory is not None:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    command = [sys.executable, str(ROOT / "manage.py"), "convert", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, check=False, text=True, cwd=ROOT, preexec_fn=limit, timeout=120, **more
    )


def assert_refused(done: subprocess.CompletedProcess[str], code: str) -> None:
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {code}: ")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.fixture
def big(tmp_path: Path) -> Path:
    source = tmp_path / "big.csv"
    with source.open("w") as file:
        file.write("id;name;noise\n")
        file.writelines(f"{n};name {n};{n * 2654435761 % 2**32:x}\n" for n in range(400_000))
    return source


def test_a_disk_without_room_is_told_and_nothing_is_left(big, tmp_path):
    (tmp_path / "out").mkdir()
    assert_refused(run(big, tmp_path / "out" / "o.parquet", file_size=1 << 20), "DISK_FULL")
    assert names_in(tmp_path / "out") == []


def test_no_room_for_unpacking_is_told_and_nothing_is_left(big, tmp_path):
    (tmp_path / "big.gz").write_bytes(gzip.compress(big.read_bytes(), 1))
    (tmp_path / "tmp").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    done = run(tmp_path / "big.gz", tmp_path / "o.parquet", file_size=1 << 20, env=environment)
    assert_refused(done, "DISK_FULL")
    assert names_in(tmp_path / "tmp") == []
    assert not (tmp_path / "o.parquet").exists()


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    """A file that takes some seconds."""
    source = tmp_path_factory.mktemp("packed") / "large.csv.gz"
    source.write_bytes(gzip.compress(b"a;b;c\n" + b"some words;more words;12345\n" * 9_000_000, 1))
    return source


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stopped_conversion_leaves_nothing(number, tmp_path, packed):
    (tmp_path / "tmp").mkdir()
    (tmp_path / "out").mkdir()
    command = [sys.executable, str(ROOT / "manage.py"), "convert", str(packed), str(tmp_path / "out" / "o.parquet")]
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    # SIGINT is ignored, and its being so inherited, where tests run in the background
    command = ["env", "--default-signal=INT", *command]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "tmp").glob("*/*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert told == "error: INTERRUPTED: The conversion was stopped. Nothing was written.\n"
    assert names_in(tmp_path / "tmp") == names_in(tmp_path / "out") == []


def test_a_report_that_cannot_be_written_is_told_before_anything_is_done(tmp_path):
    (tmp_path / "a.csv").write_text(TABLE)
    done = run(tmp_path / "a.csv", tmp_path / "o.parquet", "--report", tmp_path / "no" / "report.json")
    assert_refused(done, "OUTPUT_FAILED")
    assert names_in(tmp_path) == ["a.csv"]


def test_a_reader_who_stops_reading_the_report_is_no_failure(tmp_path):
    (tmp_path / "a.csv").write_text(TABLE)
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, str(ROOT / "manage.py"), "convert", str(tmp_path / "a.csv"), str(tmp_path / "o.parquet")]
    done = subprocess.run(
        [*command, "--report", "-"], stdout=writer, stderr=subprocess.PIPE, check=False, cwd=ROOT, text=True
    )
    os.close(writer)
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "o.parquet").exists()


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs another user")
def test_a_file_that_may_not_be_read_is_told():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        (folder / "a.csv").write_text(TABLE)
        (folder / "a.csv").chmod(0o000)
        was_root = os.geteuid() == 0
        if was_root:
            os.seteuid(65534)
        try:
            with pytest.raises(FileUnreadable, match=r"a\.csv.*permissions"):
                convert(folder / "a.csv", folder / "o.parquet")
        finally:
            if was_root:
                os.seteuid(0)


def test_no_folder_for_what_is_unpacked_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(TABLE.encode()))
    with pytest.raises(OutputFailed, match="temporary"):
        convert(tmp_path / "a.csv.gz", tmp_path / "o.parquet")


@pytest.mark.slow
def test_the_memory_that_there_is_not_is_told(tmp_path):
    records = io.StringIO()
    records.write('[{"a": "')
    records.write("x" * (600 << 20))
    records.write('"}]')
    (tmp_path / "a.json").write_text(records.getvalue())
    done = run(tmp_path / "a.json", tmp_path / "o.parquet", memory=2 << 30)
    assert done.returncode == 1
    assert done.stderr.startswith(("error: OUT_OF_MEMORY: a.json", "error: RECORD_TOO_LONG: a.json"))
    assert len(done.stderr.splitlines()) == 1
