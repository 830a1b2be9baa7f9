""".xlsb by its records and .ods by its XML."""

from __future__ import annotations

import datetime as dt
import struct
from decimal import Decimal

import pytest

from ingestion.conversion.errors import BrokenFile, PasswordProtected, UnsafeArchive
from tests.conversion.formats.workbooks import OFFICE, SPREADSHEET, codes, loaded, ods, record12, wide, xlsb

# ---- .xlsb ----


def row(number):
    return record12(0, struct.pack("<II", number, 0) + bytes(8))


def cell(kind, col, body, style=0):
    return record12(kind, struct.pack("<II", col, style) + body)


def test_a_binary_workbook_has_every_kind_of_cell(tmp_path):
    shared = record12(19, b"\x00" + wide("name")) + record12(19, b"\x00" + wide("Müller 😀"))
    cells = (
        row(0)
        + cell(7, 0, struct.pack("<I", 0))
        + b"".join(cell(6, n, wide(f"c{n}")) for n in range(1, 6))
        + row(1)
        + cell(7, 0, struct.pack("<I", 1))
        + cell(2, 1, struct.pack("<I", 1234 << 2 | 3))
        + cell(5, 2, struct.pack("<d", 46023.0), style=1)
        + cell(4, 3, b"\x01")
        + cell(9, 4, struct.pack("<d", 2.0**40) + bytes(8))
        + cell(8, 5, wide("0012") + bytes(8))
        + row(2)
        + cell(7, 0, struct.pack("<I", 1))
        + cell(3, 1, b"\x2a")
        + cell(11, 2, b"\x07" + bytes(8))
        + row(3)
        + cell(62, 0, b"\x00" + wide("rich"))
        + cell(1, 1, b"")
        + cell(10, 3, b"\x00" + bytes(8))
    )
    table, report = loaded(tmp_path, xlsb(cells, shared=shared, formats=("dd.mm.yyyy",)))
    assert report.detection.format == "xlsb"
    assert [tuple(found.values()) for found in table.to_pylist()] == [
        ("Müller 😀", Decimal("12.34"), dt.date(2026, 1, 1), True, 2**40, "0012"),
        ("rich", None, None, False, None, None),
    ]
    assert [(reject.cell, reject.reason) for reject in report.rejects] == [
        ("B3", "The cell holds the error #N/A."),
        ("C3", "The cell holds the error #DIV/0!."),
    ]


def test_a_binary_workbook_may_count_from_1904(tmp_path):
    cells = row(0) + cell(6, 0, wide("d")) + row(1) + cell(5, 0, struct.pack("<d", 46023.0), style=1)
    content = xlsb(cells, formats=("dd.mm.yyyy",), old_mac=True)
    assert loaded(tmp_path, content)[0]["d"].to_pylist() == [dt.date(2030, 1, 2)]


@pytest.mark.parametrize(
    "cells",
    [
        row(0) + cell(7, 0, struct.pack("<I", 9)),
        row(0) + cell(6, 0, struct.pack("<I", 2**31)),
        row(0) + cell(2, 1 << 14, bytes(4)),
        row(0) + b"\x06\xff\xff\xff\x7f",
    ],
    ids=["no such text", "endless text", "no such column", "endless record"],
)
def test_records_that_cannot_be_are_a_broken_file(tmp_path, cells):
    with pytest.raises(BrokenFile, match="Data"):
        loaded(tmp_path, xlsb(cells))


# ---- .ods ----

HEADER = (
    "<table:table-row><table:table-cell><text:p>a</text:p></table:table-cell>"
    "<table:table-cell><text:p>b</text:p></table:table-cell></table:table-row>"
)


def value(kind, text, **more):
    attributes = "".join(f' office:{name.replace("_", "-")}="{told}"' for name, told in more.items())
    return f'<table:table-cell office:value-type="{kind}"{attributes}><text:p>{text}</text:p></table:table-cell>'


def line(*cells, repeated=1):
    return f'<table:table-row table:number-rows-repeated="{repeated}">{"".join(cells)}</table:table-row>'


def rows_of(tmp_path, content, **options):
    return [tuple(found.values()) for found in loaded(tmp_path, content, **options)[0].to_pylist()]


def test_the_value_that_is_written_out_counts_and_not_its_display(tmp_path):
    cells = [
        value("float", "1.234,57", value="1234.5678"),
        value("percentage", "19 %", value="0.19"),
        value("currency", "5,00 €", value="5"),
        value("date", "1. Jan", date_value="2026-01-01"),
        value("date", "1. Jan", date_value="2026-01-01T08:30:00.5"),
        value("time", "08:30", time_value="PT08H30M00S"),
        value("time", "30:05", time_value="PT30H05M00S"),
        value("boolean", "WAHR", boolean_value="true"),
        value("string", "00123"),
        value("float", "x", value="12345678901234567"),
    ]
    names = "".join(f"<table:table-cell><text:p>c{n}</text:p></table:table-cell>" for n in range(len(cells)))
    (found,) = rows_of(tmp_path, ods(line(names) + line(*cells)))
    assert found == (
        Decimal("1234.5678"),
        Decimal("0.19"),
        5,
        dt.date(2026, 1, 1),
        dt.datetime(2026, 1, 1, 8, 30, 0, 500000),  # noqa: DTZ001
        dt.time(8, 30),
        dt.timedelta(hours=30, minutes=5),
        True,
        "00123",
        12345678901234567,
    )


def test_zeros_that_are_shown_in_front_of_a_number_are_kept(tmp_path):
    shown = [
        value("float", "00042", value="42"),
        value("float", "12345", value="12345"),
        value("float", "0", value="0"),
    ]
    other = [value("float", "01", value="0.7"), value("float", "007", value="7"), value("float", "5", value="5")]
    rows = "".join(line(*pair) for pair in zip(shown, other, strict=True))
    table, report = loaded(tmp_path, ods(HEADER + rows))
    assert table["a"].to_pylist() == ["00042", "12345", "0"]
    assert table["b"].to_pylist() == ["0.7", "007", "5"]
    assert codes(report) == ["ZEROS_SHOWN", "ZEROS_SHOWN"]


def test_repeated_rows_and_cells_stand_as_often_as_they_say(tmp_path):
    one = '<table:table-cell office:value-type="float" office:value="7" table:number-columns-repeated="2"/>'
    blank = '<table:table-cell table:number-columns-repeated="16384"/>'
    content = ods(HEADER + line(one, repeated=3) + line(blank, repeated=2) + line(one) + line(blank, repeated=1048000))
    table, report = loaded(tmp_path, content)
    assert table.to_pylist() == [{"a": 7, "b": 7}] * 4
    assert report.rows.skipped == {"blank rows": 2}


def test_texts_have_their_spaces_tabs_breaks_and_paragraphs(tmp_path):
    text = 'a<text:s text:c="3"/>b<text:tab/>c<text:line-break/><text:span>d</text:span> &amp; <text:a>e</text:a>'
    note = "<office:annotation><text:p>a remark</text:p></office:annotation>"
    cell = f'<table:table-cell office:value-type="string">{note}<text:p>{text}</text:p><text:p>next</text:p></table:table-cell>'
    assert rows_of(tmp_path, ods(HEADER + line(cell, value("string", "x")))) == [("a   b\tc\nd & e\nnext", "x")]


def test_errors_and_formulas_without_a_value_are_named(tmp_path):
    error = '<table:table-cell table:formula="of:=1/0" office:value-type="string" calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell>'
    older = (
        '<table:table-cell table:formula="of:=X" office:value-type="string"><text:p>#REF!</text:p></table:table-cell>'
    )
    none = '<table:table-cell table:formula="of:=[.A2]*2"/>'
    number = value("float", "1", value="1")
    content = ods(HEADER + line(number, error) + line(number, older) + line(number, none) + line(number, number))
    table, report = loaded(tmp_path, content)
    assert table.to_pylist() == [{"a": 1, "b": 1}]
    assert [(reject.cell, reject.code) for reject in report.rejects] == [
        ("B2", "EXCEL_ERROR_CELL"),
        ("B3", "EXCEL_ERROR_CELL"),
        ("B4", "FORMULA_WITHOUT_VALUE"),
    ]


def test_hidden_tables_are_named_and_no_default(tmp_path):
    styles = '<style:style style:name="h"><style:table-properties table:display="false"/></style:style>'
    more = f'<table:table table:name="Secret" table:style-name="h">{HEADER}</table:table>'
    table, report = loaded(tmp_path, ods(HEADER + line(value("float", "1", value="1")), styles=styles, more=more))
    assert table.num_rows == 1
    assert codes(report) == ["SHEETS_NOT_READ"]
    assert '"Secret" (hidden)' in report.warnings[0].message


def test_the_flat_form_is_read_too(tmp_path):
    content = (
        f'<?xml version="1.0"?><office:document {OFFICE} office:mimetype="{SPREADSHEET}"><office:body>'
        f'<office:spreadsheet><table:table table:name="Data">{HEADER}{line(value("float", "1", value="1"))}'
        "</table:table></office:spreadsheet></office:body></office:document>"
    )
    table, report = loaded(tmp_path, content.encode(), name="flat.xml")
    assert (report.detection.format, table.to_pylist()) == ("ods", [{"a": 1, "b": None}])


def test_a_password_is_named(tmp_path):
    manifest = "<manifest><file-entry><encryption-data/></file-entry></manifest>"
    with pytest.raises(PasswordProtected):
        loaded(tmp_path, ods(HEADER, manifest=manifest))


def test_a_row_repeated_beyond_measure_is_refused(tmp_path):
    wide_row = '<table:table-cell office:value-type="float" office:value="7" table:number-columns-repeated="16384"/>'
    with pytest.raises(UnsafeArchive):
        loaded(tmp_path, ods(HEADER + line(wide_row, repeated=1048000)))


@pytest.mark.parametrize(
    "content",
    [
        ods(HEADER + "<table:table-row>"),
        ods(HEADER, before='<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'),
        ods(HEADER + line(value("float", "x", value="not a number"))),
        ods(
            HEADER
            + line(
                '<table:table-cell office:value-type="float" office:value="7" table:number-columns-repeated="99999"/>'
            )
        ),
    ],
    ids=["open tags", "entities", "no number", "no such column"],
)
def test_xml_that_cannot_be_is_a_broken_file(tmp_path, content):
    with pytest.raises(BrokenFile):
        loaded(tmp_path, content)
