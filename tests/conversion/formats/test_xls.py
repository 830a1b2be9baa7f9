""".xls by its records: what Excel 5 to 2003 wrote, what other programs write, and what is damaged."""

from __future__ import annotations

import datetime as dt
import io
import struct
from decimal import Decimal

import msoffcrypto.format.xls97  # noqa: F401  (so that the kind of password is known here)
import pytest
import xlwt

from ingestion.conversion.errors import BrokenFile, PasswordProtected, UnknownFormat
from tests.conversion.formats.workbooks import biff5, biff8, loaded, record, text8


def at(row, col, style=0):
    return struct.pack("<HHH", row, col, style)


def label(row, col, text, *, wide=False, runs=0):
    return record(0x204, at(row, col) + text8(text, wide=wide, runs=runs))


def number(row, col, value, style=0):
    return record(0x203, at(row, col, style) + struct.pack("<d", value))


def formula(row, col, result):
    return record(0x06, at(row, col) + result + bytes(8))


HEADER = label(0, 0, "a") + label(0, 1, "b")


def rows_of(tmp_path, content, **options):
    return [tuple(row.values()) for row in loaded(tmp_path, content, **options)[0].to_pylist()]


def test_an_empty_text_may_end_with_its_length(tmp_path):
    bare = record(0x204, at(1, 0) + struct.pack("<H", 0))
    content = biff8(HEADER + bare + label(1, 1, "x") + label(2, 0, "y") + label(2, 1, "z"))
    assert rows_of(tmp_path, content) == [("", "x"), ("y", "z")]


# ---- numbers ----


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (5 << 2 | 2, 5),
        ((-7 << 2 | 2) & 0xFFFFFFFF, -7),
        (1234 << 2 | 3, Decimal("12.34")),
        (struct.unpack("<I", struct.pack("<d", 2.5)[4:])[0] & ~3, Decimal("2.5")),
        ((struct.unpack("<I", struct.pack("<d", 1.0)[4:])[0] & ~3) | 1, Decimal("0.01")),
    ],
)
def test_a_number_in_four_bytes_is_exact(tmp_path, raw, value):
    content = biff8(HEADER + record(0x27E, at(1, 0) + struct.pack("<I", raw)))
    assert rows_of(tmp_path, content)[0][0] == value


def test_neighbours_in_one_record_stand_in_their_columns(tmp_path):
    def several(row, first, *values):
        cells = b"".join(struct.pack("<HI", 0, (value << 2 | 2) & 0xFFFFFFFF) for value in values)
        return record(0xBD, struct.pack("<HH", row, first) + cells + struct.pack("<H", first + len(values) - 1))

    rows = several(1, 0, 1, 2) + several(2, 1, 3) + several(3, 0, -4, 5)
    assert rows_of(tmp_path, biff8(HEADER + rows)) == [(1, 2), (None, 3), (-4, 5)]


def test_dates_follow_the_number_format_and_the_system(tmp_path):
    cells = HEADER + number(1, 0, 46023, 1) + number(1, 1, 46023.5, 2)
    content = biff8(cells, formats=("DD.MM.YYYY", "yyyy-mm-dd hh:mm"))
    assert rows_of(tmp_path, content) == [(dt.date(2026, 1, 1), dt.datetime(2026, 1, 1, 12))]  # noqa: DTZ001
    old_mac = biff8(cells, formats=("DD.MM.YYYY", "yyyy-mm-dd hh:mm"), more=record(0x22, b"\x01\x00"))
    assert rows_of(tmp_path, old_mac)[0][0] == dt.date(2030, 1, 2)


def test_a_format_may_be_written_as_excel_5_did(tmp_path):
    old = record(0x41E, struct.pack("<H", 200) + b"\x0add/mm/yyyy") + record(
        0xE0, struct.pack("<HH", 0, 200) + bytes(16)
    )
    content = biff8(HEADER + number(1, 0, 46023, 0) + number(1, 1, 1), more=old)
    assert rows_of(tmp_path, content) == [(dt.date(2026, 1, 1), dt.date(1900, 1, 1))]


# ---- texts ----


def shared_table(texts, split):
    """Return a table of shared strings whose record is split after so many bytes ([MS-XLS] 2.4.265, 2.4.58)."""
    body = struct.pack("<II", len(texts), len(texts)) + b"".join(texts)
    return record(0xFC, body[:split]) + record(0x3C, body[split:])


def shared_cells(count):
    return b"".join(record(0xFD, at(n, 0) + struct.pack("<I", n)) for n in range(count))


def test_shared_strings_of_every_kind(tmp_path):
    texts = [text8("name"), text8("Müller"), text8("東京😀", wide=True), text8("rich", runs=2), text8("")]
    table = record(0xFC, struct.pack("<II", len(texts), len(texts)) + b"".join(texts))
    rows = rows_of(tmp_path, biff8(shared_cells(len(texts)), shared=table))
    assert rows == [("Müller",), ("東京😀",), ("rich",)]  # the last row shows nothing


def test_a_text_split_between_records_says_again_how_wide_it_is(tmp_path):
    first = text8("name") + struct.pack("<HB", 6, 0) + b"abc"
    body = struct.pack("<II", 2, 2) + first
    narrow_then_wide = record(0xFC, body) + record(0x3C, b"\x01" + "def".encode("utf-16-le"))
    assert rows_of(tmp_path, biff8(shared_cells(2), shared=narrow_then_wide)) == [("abcdef",)]


@pytest.mark.parametrize("split", [8 + 3 + 4, 8 + 3 + 4 + 3 + 6])
def test_a_record_may_end_between_two_texts(tmp_path, split):
    texts = [text8("name"), text8("second"), text8("third")]
    assert rows_of(tmp_path, biff8(shared_cells(3), shared=shared_table(texts, split))) == [("second",), ("third",)]


def test_very_many_texts_go_over_many_records(tmp_path):
    book, content = xlwt.Workbook(), io.BytesIO()
    sheet = book.add_sheet("Data")
    texts = [f"Straße {n} " + "x" * (n % 700) + ("Ω" if n % 7 == 0 else "") for n in range(3000)]
    for row, text in enumerate(["text", *texts]):
        sheet.write(row, 0, text)
    book.save(content)
    assert [text for (text,) in rows_of(tmp_path, content.getvalue())] == texts


def test_labels_in_the_cell_itself_are_read(tmp_path):
    rows = label(1, 0, "0012") + label(1, 1, "Ω", wide=True)
    assert rows_of(tmp_path, biff8(HEADER + rows)) == [("0012", "Ω")]


def test_excel_5_writes_texts_in_its_code_page(tmp_path):
    def old(row, col, text, codec):
        raw = text.encode(codec)
        return record(0x204, at(row, col) + struct.pack("<H", len(raw)) + raw)

    for codepage, codec, text in ((1252, "cp1252", "Straße €"), (1251, "cp1251", "Счёт"), (932, "cp932", "請求書")):
        cells = old(0, 0, "a", codec) + old(1, 0, text, codec) + number(2, 0, 5, 0)
        table, report = loaded(tmp_path, biff5(cells, codepage=codepage))
        assert table["a"].to_pylist() == [text, "5"]
        assert report.detection.format == "xls"


@pytest.mark.parametrize("codepage", [None, 9999, 932])
def test_a_guessed_code_page_is_told(tmp_path, codepage):
    def old(row, text):
        raw = text.encode("cp1252")
        return record(0x204, at(row, 0) + struct.pack("<H", len(raw)) + raw)

    table, report = loaded(tmp_path, biff5(old(0, "a") + old(1, "S\xfc\xdf"), codepage=codepage))
    assert table["a"].to_pylist() == ["S\xfc\xdf"]
    assert [(notice.code, "S\xfc\xdf" in notice.message) for notice in report.warnings] == [("CODE_PAGE_GUESSED", True)]
    _, plain = loaded(tmp_path, biff5(old(0, "a") + old(1, "plain"), codepage=codepage))
    assert not plain.warnings


# ---- truth values, errors, formulas ----


def test_truths_and_errors_are_told_apart_and_errors_named(tmp_path):
    def flag(row, col, value, is_error):
        return record(0x205, at(row, col) + bytes([value, is_error]))

    errors = {
        0x00: "#NULL!",
        0x07: "#DIV/0!",
        0x0F: "#VALUE!",
        0x17: "#REF!",
        0x1D: "#NAME?",
        0x24: "#NUM!",
        0x2A: "#N/A",
    }
    rows = flag(1, 0, 1, 0) + flag(1, 1, 0, 0)
    for row, code in enumerate(errors, 2):
        rows += flag(row, 0, 1, 0) + flag(row, 1, code, 1)
    table, report = loaded(tmp_path, biff8(HEADER + rows))
    assert table.to_pylist() == [{"a": True, "b": False}]
    told = [(reject.sheet, reject.cell, reject.reason) for reject in report.rejects]
    assert told == [("Data", f"B{n}", f"The cell holds the error {name}.") for n, name in enumerate(errors.values(), 3)]


def test_formulas_count_by_their_cached_results(tmp_path):
    special = b"\xff\xff"
    rows = (
        formula(1, 0, struct.pack("<d", 2.5))
        + formula(1, 1, b"\x00" + bytes(5) + special)
        + record(0x207, text8("from a formula"))
        + formula(2, 0, b"\x03" + bytes(5) + special)
        + formula(2, 1, b"\x03" + bytes(5) + special)
        + label(2, 2, "x")
        + formula(3, 0, b"\x02\x00\x2a" + bytes(3) + special)
        + formula(4, 0, b"\x01\x00\x01" + bytes(3) + special)
    )
    table, report = loaded(tmp_path, biff8(HEADER + label(0, 2, "c") + rows))
    assert table["a"].to_pylist() == ["2.5", None, "TRUE"]
    assert table["b"].to_pylist() == ["from a formula", "", None]
    assert [reject.cell for reject in report.rejects] == ["A4"]


def test_formulas_that_a_program_wrote_without_results_are_never_null(tmp_path):
    book, content = xlwt.Workbook(), io.BytesIO()
    sheet = book.add_sheet("Data")
    for col, name in enumerate("ab"):
        sheet.write(0, col, name)
    sheet.write(1, 0, 1)
    sheet.write(1, 1, 2)
    sheet.write(2, 0, 1)
    sheet.write(2, 1, xlwt.Formula("A3*2"))
    book.save(content)
    table, report = loaded(tmp_path, content.getvalue())
    assert table.to_pylist() == [{"a": 1, "b": 2}]
    assert [(reject.cell, reject.code) for reject in report.rejects] == [("B3", "FORMULA_WITHOUT_VALUE")]


# ---- the file ----


def test_hidden_sheets_are_no_default(tmp_path):
    book, content = xlwt.Workbook(), io.BytesIO()
    for name, hidden in (("Secret", 1), ("Shown", 0)):
        sheet = book.add_sheet(name)
        sheet.visibility = hidden
        sheet.write(0, 0, name)
        sheet.write(1, 0, 1)
    book.active_sheet = 1
    book.save(content)
    assert loaded(tmp_path, content.getvalue())[0].column_names == ["Shown"]
    assert loaded(tmp_path, content.getvalue(), sheet="Secret")[0].column_names == ["Secret"]


def test_a_password_is_named(tmp_path):
    with pytest.raises(PasswordProtected):
        loaded(tmp_path, biff8(HEADER, more=record(0x2F, bytes(54))))


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.97])
def test_a_workbook_cut_off_is_broken(tmp_path, share):
    content = biff8(HEADER + b"".join(number(row, 0, row) for row in range(1, 500)))
    with pytest.raises(BrokenFile):
        loaded(tmp_path, content[: int(len(content) * share)])


def test_a_container_cut_off_is_broken(tmp_path):
    book, content = xlwt.Workbook(), io.BytesIO()
    sheet = book.add_sheet("Data")
    for row in range(3000):
        sheet.write(row, 0, row)
    book.save(content)
    for share in (0.02, 0.3, 0.9):
        with pytest.raises(BrokenFile):
            loaded(tmp_path, content.getvalue()[: int(len(content.getvalue()) * share)])


def test_a_text_that_is_not_there_is_a_broken_file(tmp_path):
    table = record(0xFC, struct.pack("<II", 1, 1) + text8("only"))
    with pytest.raises(BrokenFile, match="shared string"):
        loaded(tmp_path, biff8(shared_cells(2), shared=table))


def test_a_table_of_texts_without_a_count_holds_what_it_holds(tmp_path):
    texts = [text8("name"), text8("Müller"), text8("Öz")]
    table = record(0xFC, struct.pack("<II", 0, 0) + b"".join(texts))
    assert rows_of(tmp_path, biff8(shared_cells(3), shared=table)) == [("Müller",), ("Öz",)]


def test_the_only_sheet_is_found_where_the_workbook_names_a_wrong_place(tmp_path):
    content = biff8(HEADER + label(1, 0, "x") + label(1, 1, "y"))
    start = content.index(b"\x09\x08", content.index(b"\x09\x08") + 4)  # where the sheet begins
    place = struct.pack("<I", start)
    assert content.count(place) == 1
    assert rows_of(tmp_path, content.replace(place, struct.pack("<I", start + 20))) == [("x", "y")]


def test_a_record_that_claims_billions_of_texts_is_a_broken_file(tmp_path):
    table = record(0xFC, struct.pack("<II", 2**32 - 1, 2**32 - 1) + text8("only"))
    assert rows_of(tmp_path, biff8(HEADER + label(1, 0, "x") + label(1, 1, "y"), shared=table)) == [("x", "y")]


def test_another_document_in_the_same_container_is_named(tmp_path):
    book, content = xlwt.Workbook(), io.BytesIO()
    book.add_sheet("Data")
    book.save(content)
    renamed = content.getvalue().replace("Workbook".encode("utf-16-le"), "Textbook".encode("utf-16-le"))
    with pytest.raises(UnknownFormat, match="without a workbook"):
        loaded(tmp_path, renamed)
