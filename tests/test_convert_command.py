"""``manage.py convert`` as an engineer runs it, in a process of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import msoffcrypto.format.ooxml
import openpyxl
import pyarrow.parquet as pq
import pytest

from tests.samples_check import assert_exact

ROOT = Path(__file__).resolve().parents[1]


def convert(*arguments: object, cwd=ROOT, command="convert") -> subprocess.CompletedProcess[str]:
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("AWS_", "DATABRIDGE_"))}
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), command, *map(str, arguments)],
        capture_output=True,
        check=False,
        text=True,
        cwd=cwd,
        env=environment,
        timeout=60,
    )


def test_it_converts_and_prints_one_line(tmp_path):
    done = convert(ROOT / "samples" / "sap_movements.csv", tmp_path / "out.parquet")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
    assert "4 of 4 rows loaded" in done.stdout
    assert done.stderr == ""
    assert_exact("sap_movements.csv", tmp_path / "out.parquet")


def test_the_report_on_standard_output_is_json_alone(tmp_path):
    done = convert(ROOT / "samples" / "sap_open_items.csv", tmp_path / "out.parquet", "--report", "-")
    report = json.loads(done.stdout)
    assert {"detection", "columns", "rows", "warnings", "seconds", "bytes_in", "bytes_out"} <= report.keys()
    assert report["rows"] == {"read": 7, "loaded": 3, "rejected": 0, "skipped": {"title lines": 3, "total lines": 1}}
    assert report["columns"][3]["name"] == "Betrag"
    assert report["columns"][3]["type"] == "decimal128(7, 2)"
    assert report["columns"][3]["nulls"] == 0
    assert report["columns"][3]["rule"].endswith("minus behind")
    assert report["bytes_out"] == (tmp_path / "out.parquet").stat().st_size


def test_the_report_can_go_to_a_file(tmp_path):
    done = convert(ROOT / "samples" / "stock.csv.gz", tmp_path / "o.parquet", "--report", tmp_path / "report.json")
    assert done.returncode == 0
    assert json.loads((tmp_path / "report.json").read_text())["rows"]["loaded"] == 3


def test_texts_named_by_the_caller_are_null(tmp_path):
    source = tmp_path / "a.csv"
    source.write_text("k;v\nA;NA\nB;7\nC;-\n")
    assert convert(source, tmp_path / "o.parquet", "--null-values", "NA,-").returncode == 0
    assert pq.read_table(tmp_path / "o.parquet")["v"].to_pylist() == [None, 7, None]


def _locked_workbook() -> bytes:
    book, plain, locked = openpyxl.Workbook(), io.BytesIO(), io.BytesIO()
    book.active.append(["a", "b"])
    book.save(plain)
    msoffcrypto.format.ooxml.OOXMLFile(plain).encrypt("secret", locked)
    return locked.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("missing.csv", None, "FILE_NOT_FOUND"),
        ("empty.csv", b"", "EMPTY_FILE"),
        ("blank.csv", b"\r\n \r\n", "EMPTY_FILE"),
        ("random.bin", bytes((n * 7919 + n // 251) % 256 for n in range(20_000)), "UNKNOWN_FORMAT"),
        ("locked.xlsx", _locked_workbook(), "PASSWORD_PROTECTED"),
        ("cut.xlsx", b"PK\x03\x04" + b"\0" * 100, "BROKEN_FILE"),
        ("cut.json", b'{"a": [1, 2', "BROKEN_FILE"),
    ],
)
def test_a_file_that_cannot_be_converted_gives_one_line_with_a_code_and_nothing_else(tmp_path, name, content, code):
    source = tmp_path / name
    if content is not None:
        source.write_bytes(content)
    done = convert(source, tmp_path / "out.parquet", "--report", "-")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: {code}: {name}")
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.glob("*out.parquet*")) == []
    assert list(tmp_path.glob(".*")) == []


def test_a_directory_is_no_file(tmp_path):
    done = convert(tmp_path, tmp_path / "out.parquet")
    assert done.returncode == 1
    assert done.stderr.startswith("error: FILE_NOT_FOUND:")


def test_a_destination_that_cannot_be_written_is_said(tmp_path):
    source = tmp_path / "a.csv"
    source.write_text("a;b\n1;2\n")
    done = convert(source, tmp_path / "no" / "such" / "out.parquet")
    assert done.returncode == 1
    assert done.stderr.startswith("error: OUTPUT_FAILED:")
    assert len(done.stderr.splitlines()) == 1


def test_an_existing_file_survives_a_failed_conversion(tmp_path):
    (tmp_path / "bad.csv").write_bytes(b"")
    (tmp_path / "out.parquet").write_bytes(b"precious")
    assert convert(tmp_path / "bad.csv", tmp_path / "out.parquet").returncode == 1
    assert (tmp_path / "out.parquet").read_bytes() == b"precious"


def test_a_text_that_means_null_does_so_quoted_or_not_and_in_json(tmp_path):
    (tmp_path / "a.csv").write_text('k;v\nA;"NA"\nB;NA\nC;""\nD;x\n')
    (tmp_path / "odd.csv").write_text('k;v\nA;"NA"\nB;NA\nC;""\nD;a "b" c\nE;"a"b"\n')
    (tmp_path / "a.json").write_text('[{"v": "NA", "NA": ["NA", "x"]}, {"v": "x", "NA": []}]')
    expected = {"a.csv": [None, None, "", "x"], "odd.csv": [None, None, "", 'a "b" c', 'a"b'], "a.json": [None, "x"]}
    for name, cells in expected.items():
        done = convert(tmp_path / name, tmp_path / "o.parquet", "--null-values", "NA", "--report", "-")
        assert pq.read_table(tmp_path / "o.parquet")["v"].to_pylist() == cells
        told = json.loads(done.stdout)["detection"]["decisions"][-1]
        assert (told["name"], told["value"], told["by"]) == ("empty cells", 'also "NA"', "given")
    assert pq.read_table(tmp_path / "o.parquet")["NA"].to_pylist() == [[None, "x"], []]


def test_a_contract_begins_with_one_file_and_holds_the_next_against_it(tmp_path):
    first, later = tmp_path / "first.csv", tmp_path / "later.csv"
    first.write_text("id;day;amount\n1;31.01.2026;1,50\n2;01.02.2026;2,25\n")
    report = tmp_path / "report.json"
    assert convert(first, tmp_path / "1.parquet", "--contract", "new", "--report", report).returncode == 0
    later.write_text("id;day;amount\n3;03.04.2026;1.234\n4;05.04.2026;7\n")  # proves neither order nor signs alone
    done = convert(later, tmp_path / "2.parquet", "--contract", report)
    assert done.returncode == 0, done.stderr
    one, two = (pq.read_table(tmp_path / f"{number}.parquet") for number in (1, 2))
    assert one.schema.types == two.schema.types
    assert [str(row["amount"]) for row in two.to_pylist()] == ["1234.00", "7.00"]
    later.write_text("id;day;amount\n3;soon;1,5\n4;never;2,5\n")
    refused = convert(later, tmp_path / "3.parquet", "--contract", report)
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: APPROVAL_NEEDED: ")
    assert len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "3.parquet").exists()


def test_whatever_happens_to_a_row_is_seen_by_the_totals_that_the_sender_was_told(tmp_path):
    rows = [f"{n};{n},50;text {n}\n" for n in range(1, 9)]
    path, totals = tmp_path / "a.csv", tmp_path / "a.totals.json"
    path.write_text("id;amount;note\n" + "".join(rows))
    told = convert(path, command="totals")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["sums"] == {"id": "36", "amount": "40.00"}
    assert json.loads(told.stdout)["rows"] == 8
    totals.write_text(told.stdout)
    assert convert(path, tmp_path / "ok.parquet", "--totals", totals).returncode == 0
    dropped, doubled, swapped = [*rows], [*rows], [*rows]
    del dropped[3]
    doubled.insert(3, rows[3])
    swapped[3], swapped[4] = rows[4], rows[3]
    cut = [*rows[:-1], rows[-1][:-4]]
    for damaged in (dropped, doubled, swapped, cut):
        path.write_text("id;amount;note\n" + "".join(damaged))
        done = convert(path, tmp_path / "out.parquet", "--totals", totals)
        assert done.stderr.startswith("error: CONTROL_TOTALS_MISMATCH: ")
        assert not (tmp_path / "out.parquet").exists()


STOPPED_EARLY = """
import builtins, runpy, sys

def imported(name, *more):
    if name == "django.core.management":
        raise KeyboardInterrupt
    return really_import(name, *more)

really_import, builtins.__import__ = builtins.__import__, imported
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def test_a_stop_while_modules_are_still_imported_is_one_line():
    command = [sys.executable, "-c", STOPPED_EARLY, str(ROOT / "manage.py")]
    done = subprocess.run(command, capture_output=True, check=False, text=True, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Stopped.\n")
