"""Books as ERP systems fill them, compared cell by cell with what independent readers find."""

from __future__ import annotations

import datetime as dt
import io
import random
from decimal import Decimal

import openpyxl
import python_calamine
import xlrd
import xlwt

from tests.conversion.formats.workbooks import loaded, ods, saved

ROWS = 400
NAMES = ["material", "plant", "amount", "rate", "quantity", "posted", "changed", "open", "text"]


def rows():
    rng = random.Random(20261031)
    for n in range(ROWS):
        yield [
            f"{rng.randrange(10**6):018d}",
            rng.choice(["0001", "1000", "NA", "DE01"]),
            rng.randrange(-(10**8), 10**8) / 100,
            rng.random(),
            rng.randrange(10**6),
            dt.date(1995, 1, 1) + dt.timedelta(days=rng.randrange(15_000)),
            dt.datetime(2026, 1, 1) + dt.timedelta(seconds=rng.randrange(31_536_000)),  # noqa: DTZ001
            rng.random() < 0.5,
            None if n % 7 == 0 else rng.choice(["Straße 5", "a & <b>", "  spaces  ", "ünï 😀", "x" * 300, "12E5"]),
        ]


def same(ours, theirs):
    """Tell whether two readers mean the same value; a date may come with a midnight, a number as a double."""
    if theirs in ("", None):
        return ours is None
    if isinstance(ours, Decimal | int) and not isinstance(ours, bool) and isinstance(theirs, float | int):
        return float(ours) == float(theirs)
    if isinstance(ours, dt.date) and not isinstance(ours, dt.datetime) and isinstance(theirs, dt.datetime):
        return dt.datetime.combine(ours, dt.time()) == theirs
    return type(ours) is type(theirs) and ours == theirs


def assert_same(tmp_path, content, theirs, name):
    table, report = loaded(tmp_path, content, name)
    assert table.column_names == NAMES
    assert (report.rows.loaded, report.rows.read) == (ROWS, ROWS)
    found = [list(row.values()) for row in table.to_pylist()]
    different = [
        (row, NAMES[col], ours, their)
        for row, (mine, other) in enumerate(zip(found, theirs, strict=True))
        for col, (ours, their) in enumerate(zip(mine, other, strict=True))
        if not same(ours, their)
    ]
    assert different == []


def test_xlsx_against_openpyxl_and_calamine(tmp_path):
    content = saved([NAMES, *rows()])
    sheet = openpyxl.load_workbook(io.BytesIO(content), data_only=True).active
    assert_same(tmp_path, content, list(sheet.iter_rows(min_row=2, values_only=True)), "book.xlsx")
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert_same(tmp_path, content, book.get_sheet_by_index(0).to_python()[1:], "book.xlsx")


def test_xls_against_xlrd(tmp_path):
    book, content = xlwt.Workbook(), io.BytesIO()
    sheet = book.add_sheet("Data")
    styles = {
        dt.date: xlwt.easyxf(num_format_str="DD.MM.YYYY"),
        dt.datetime: xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM:SS"),
    }
    for at, row in enumerate([NAMES, *rows()]):
        for col, value in enumerate(row):
            if value is not None:
                sheet.write(at, col, value, styles.get(type(value), xlwt.Style.default_style))
    book.save(content)
    read = xlrd.open_workbook(file_contents=content.getvalue()).sheet_by_index(0)

    def their(cell):
        if cell.ctype == xlrd.XL_CELL_DATE:
            return xlrd.xldate_as_datetime(cell.value, 0)
        return bool(cell.value) if cell.ctype == xlrd.XL_CELL_BOOLEAN else cell.value

    theirs = [[their(cell) for cell in read.row(at)] for at in range(1, read.nrows)]
    assert_same(tmp_path, content.getvalue(), theirs, "book.xls")


def ods_cell(value):
    match value:
        case None:
            return "<table:table-cell/>"
        case bool():
            return f'<table:table-cell office:value-type="boolean" office:boolean-value="{str(value).lower()}"/>'
        case int() | float():
            return f'<table:table-cell office:value-type="float" office:value="{value!r}"/>'
        case dt.date():
            return f'<table:table-cell office:value-type="date" office:date-value="{value.isoformat()}"/>'
        case _:
            text = value.replace("&", "&amp;").replace("<", "&lt;").replace("  ", '<text:s text:c="2"/>')
            return f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'


def test_ods_against_calamine(tmp_path):
    lines = ["".join(ods_cell(value) for value in row) for row in [NAMES, *rows()]]
    content = ods("".join(f"<table:table-row>{line}</table:table-row>" for line in lines))
    sheet = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    assert_same(tmp_path, content, sheet.to_python()[1:], "book.ods")
