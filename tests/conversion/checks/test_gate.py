"""The seam between reading and writing: which rows stay, and where those that do not are said to stand."""

import csv
import io
import json
import re

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ingestion.conversion import Options, convert
from ingestion.conversion.formats.books.cells import address


class Refuse:
    """A gate that sets aside the rows whose cell of a column shows one of some texts."""

    def __init__(self, column, texts):
        self.column, self.texts = column, pa.array(list(texts), pa.string())

    def schema(self, schema):
        return schema

    def pass_(self, batch, rows, rejects):
        found = pc.is_in(batch[self.column].cast(pa.string()), value_set=self.texts)
        for row in pc.indices_nonzero(found).to_pylist():
            number = row if rows is None else int(rows[row])
            rejects.add(number, code="REFUSED", column=self.column, reason="No.", hint="Change it.")
        return batch

    def finish(self, table, rejects):
        pass

    def columns(self, columns):
        return columns


def run(path, *gates, **options):
    out, rejects = path.with_name("out.parquet"), path.with_name("rejects.parquet")
    report = convert(path, out, gates=gates, rejects=rejects, options=Options(**options))
    assert report.rows.balanced
    assert pq.read_metadata(out).num_rows == report.rows.loaded
    assert [one["raw"] for one in pq.read_table(rejects).to_pylist()] == [one.raw for one in report.rejects]
    return report


ENCODINGS = [
    ("utf-8", "\n"),
    ("utf-8-sig", "\r\n"),
    ("cp1252", "\r\n"),
    ("utf-16", "\n"),
    ("cp932", "\r\n"),
    ("cp500", "\n"),
]


@pytest.mark.parametrize(("encoding", "newline"), ENCODINGS)
def test_a_row_of_text_is_found_with_its_line_byte_and_cells(tmp_path, encoding, newline):
    sign = {"cp932": "表", "cp500": "ß"}.get(encoding, "ü")
    body = io.StringIO()
    writer = csv.writer(body, lineterminator=newline)
    writer.writerow(["id", "name", "note"])
    written = {}
    for number in range(30_000):
        name = f"line{newline};{sign}" if number % 7 == 0 else f"{sign}{number}"
        written[str(number)] = {"id": str(number), "name": name, "note": f'say "{sign}"' if number % 3 else None}
        writer.writerow(written[str(number)].values())
    raw = body.getvalue().encode(encoding)
    path = tmp_path / "a.csv"
    path.write_bytes(raw)
    wanted = ["0", "13", "14", "2777", "20001", "29999"]
    given = {"encoding": encoding} if encoding in {"cp932", "cp500"} else {}
    report = run(path, Refuse("id", wanted), **given)
    assert report.rows.rejected == len(wanted)
    codec = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)
    for reject, number in zip(report.rejects, wanted, strict=True):
        assert json.loads(reject.raw) == written[number]
        assert reject.value == number
        assert raw[reject.offset :].startswith(f"{number},".encode(codec))
        assert raw[: reject.offset].decode(encoding).count("\n") + 1 == reject.line


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_json_record_is_found_with_its_line_byte_and_members(tmp_path, indent, encoding):
    records = [{"id": n, "name": f"ü{n}" if n % 3 else None, "in": {"a": [n, "x"]}} for n in range(30_000)]
    text = json.dumps(records, ensure_ascii=False, indent=indent)
    raw = text.encode(encoding)
    path = tmp_path / "a.json"
    path.write_bytes(raw)
    report = run(path, Refuse("id", ["0", "7", "15000", "29999"]))
    assert report.rows.rejected == 4
    for reject in report.rejects:
        record = records[int(reject.value)]
        found = raw[reject.offset : reject.offset + 80].decode(
            "utf-16-le" if encoding == "utf-16" else encoding, "ignore"
        )
        assert re.match(rf'\{{\s*"id": {record["id"]},', found)
        assert raw[: reject.offset].decode(encoding).count("\n") + 1 == reject.line
        cells = json.loads(reject.raw)
        assert cells["name"] == record["name"]
        assert json.loads(cells["in"]) == record["in"]


def test_a_name_that_stands_twice_is_told_with_both_values(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text('{"id": 1, "a": 2}\n{"id": 2, "a": 3, "a": 4}\n{"id": 3, "a": 5}\n')
    report = run(path, Refuse("id", ["2", "3"]))
    first, second = (json.loads(one.raw) for one in report.rejects)
    assert first["a"] == "4"
    assert json.loads(first["_rescued"]) == {"a": [3]}
    assert second["_rescued"] is None


def test_a_row_of_a_sheet_is_found_with_its_address(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["A title"])
    sheet.append([])
    sheet.append(["id", "name", "amount"])
    for number in range(2_000):
        sheet.append([number, f"n{number}" if number % 5 else None, number + 0.25])
    path = tmp_path / "a.xlsx"
    book.save(path)
    report = run(path, Refuse("id", ["1500"]), Refuse("name", ["n7", "n1500"]))
    assert [(one.sheet, one.line, one.cell, one.row) for one in report.rejects] == [
        ("Sheet", 11, address(10, 1), 1),
        ("Sheet", 1504, address(1503, 0), 2),
    ]
    assert json.loads(report.rejects[1].raw) == {"id": "1500", "name": None, "amount": "1500.25"}


def test_records_of_a_typed_file_are_counted(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": list(range(200_000)), "x": [None] * 200_000}), path)
    report = run(path, Refuse("id", ["0", "70000", "199999"]))
    assert [one.line for one in report.rejects] == [1, 70_001, 200_000]
    assert report.columns[1].nulls == 199_997


def test_nulls_that_the_caller_named_are_told_as_they_are_written(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('id,a\n1,NA\n2,\n3,""\n')
    out = tmp_path / "out.parquet"
    report = convert(path, out, options=Options(null_values=("NA",)), gates=[Refuse("id", ["1", "2", "3"])])
    assert [json.loads(one.raw)["a"] for one in report.rejects] == ["NA", None, ""]


def test_cells_beyond_the_last_column_are_told(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,a\n" + "".join(f"{n},x\n" for n in range(50)) + "50,x,more,\n51,x\n")
    report = run(path, Refuse("id", ["50", "51"]))
    assert [json.loads(one.raw)["_rescued"] for one in report.rejects] == ['["more", null]', None]
    assert [one.line for one in report.rejects] == [52, 53]


def test_rows_that_a_workbook_sets_aside_itself_are_in_the_same_list(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["id", "a"], [1, "x"], [2, "#N/A"], [3, "z"]):
        sheet.append(row)
    sheet["B3"].data_type = "e"
    path = tmp_path / "a.xlsx"
    book.save(path)
    report = run(path, Refuse("id", ["3"]))
    assert (report.rows.read, report.rows.loaded, report.rows.rejected) == (3, 1, 2)
    assert {one.code for one in report.rejects} == {"REFUSED", "EXCEL_ERROR_CELL"}
    assert sorted(one.row for one in report.rejects) == [1, 2]
    assert run(path).rows.rejected == 1


def test_each_of_many_rows_that_a_workbook_sets_aside_is_kept(tmp_path):
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["id", "a"])
    for number in range(12_000):
        sheet.append([number, "#N/A" if number else "x"])  # openpyxl takes the text for the error
    book.save(tmp_path / "a.xlsx")
    report = convert(tmp_path / "a.xlsx", tmp_path / "out.parquet", rejects=tmp_path / "rejects.parquet")
    kept = pq.read_table(tmp_path / "rejects.parquet").to_pylist()
    assert report.rows.rejected == len(kept) == 11_999
    assert [json.loads(one["raw"])["id"] for one in kept] == [str(number) for number in range(1, 12_000)]
    assert [one["row"] for one in kept] == list(range(1, 12_000))
    assert (kept[0]["value"], kept[0]["hint"]) == ("#N/A", "Correct the cell, and replay the row.")
