"""A sheet becomes a table: which sheet, which rows, which types, and what is set aside, whatever the file format."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from ingestion.conversion import Options
from ingestion.conversion.detect import detect
from ingestion.conversion.errors import EveryRowRejected, NoRows, SheetNotFound
from ingestion.conversion.formats import FORMATS
from ingestion.conversion.formats.books.cells import Block, Grid
from ingestion.conversion.unpack import Workdir, open_payload
from tests.conversion.formats.workbooks import codes, loaded, raw_xlsx, saved


def moment(*parts):
    return dt.datetime(*parts)  # noqa: DTZ001  (a workbook knows no zones)


def test_every_kind_of_cell_gets_the_type_that_holds_it(tmp_path):
    day, stamp = dt.date(2026, 10, 31), moment(2026, 10, 31, 23, 59, 59)
    table, report = loaded(
        tmp_path,
        saved(
            [
                ["text", "whole", "amount", "yes", "day", "stamp", "time", "span"],
                ["00123", 7, 1.10, True, day, stamp, dt.time(8, 30), dt.timedelta(hours=30, minutes=5)],
                ["NA", -(2**53), 2, False, dt.date(1900, 3, 1), stamp, dt.time(0, 0, 1), dt.timedelta(hours=100)],
            ]
        ),
    )
    assert [str(kind) for kind in table.schema.types] == [
        "string",
        "int64",
        "decimal128(2, 1)",
        "bool",
        "date32[day]",
        "timestamp[us]",
        "time64[us]",
        "duration[us]",
    ]
    assert list(table.to_pylist()[0].values()) == [
        "00123",
        7,
        Decimal("1.1"),
        True,
        day,
        stamp,
        dt.time(8, 30),
        dt.timedelta(hours=30, minutes=5),
    ]
    assert table["text"].to_pylist() == ["00123", "NA"]
    assert table["whole"].to_pylist()[1] == -(2**53)
    assert report.warnings == ()


def numbers(*written, formats=(), style=0):
    cells = "".join(
        f'<row r="{n}"><c r="A{n}" s="{style}"><v>{text}</v></c></row>' for n, text in enumerate(written, 2)
    )
    return raw_xlsx('<row r="1"><c r="A1" t="inlineStr"><is><t>n</t></is></c></row>' + cells, formats=formats)


def test_a_number_is_the_shortest_decimal_of_its_double_and_never_rounded(tmp_path):
    doubles = [0.1, 123456789012.34, 1e-7, -2.5, 0.30000000000000004]
    table, _ = loaded(tmp_path, numbers(*(f"{number:.17g}" for number in doubles)))  # as Excel writes them
    assert table["n"].to_pylist() == [Decimal(repr(number)) for number in doubles]
    assert [float(number) for number in table["n"].to_pylist()] == doubles


def test_numbers_without_a_common_decimal_stay_doubles(tmp_path):
    table, report = loaded(tmp_path, numbers("1E300", "1E-300"))
    assert table["n"].type == pa.float64()
    assert table["n"].to_pylist() == [1e300, 1e-300]
    assert report.columns[0].rule == "number cells without a common decimal"


@pytest.mark.parametrize(
    ("written", "values"),
    [
        (["12345678901234567", "1"], [12345678901234567, 1]),
        (["9223372036854775807", "-9223372036854775808"], [2**63 - 1, -(2**63)]),
        (["1152921504606846976"], [2**60]),
        (["99999999999999999999"], [Decimal(99999999999999999999)]),
        (["0.1234567890123456789", "2.5"], [Decimal("0.1234567890123456789"), Decimal("2.5")]),
        (["9007199254740992", "5"], [2**53, 5]),
        (["1.2345678901234568E+16"], [Decimal(12345678901234568)]),
        (["1" * 39], ["1" * 39]),
    ],
)
def test_a_number_with_more_digits_than_a_double_holds_is_kept_as_written(tmp_path, written, values):
    table, _ = loaded(tmp_path, numbers(*written))
    assert table["n"].to_pylist() == values


def test_the_digits_of_a_date_beyond_its_double_make_it_no_number(tmp_path):
    table, _ = loaded(tmp_path, numbers("46023.5000000000000001", formats=("dd.mm.yyyy hh:mm",), style=1))
    assert table["n"].to_pylist() == [moment(2026, 1, 1, 12)]


def test_zeros_that_a_format_shows_in_front_are_kept(tmp_path):
    table, report = loaded(tmp_path, numbers("1067", "99084", formats=("00000",), style=1))
    assert table["n"].to_pylist() == ["01067", "99084"]
    assert codes(report) == ["ZEROS_SHOWN"]
    table, report = loaded(tmp_path, numbers("12345", "99084", formats=("00000",), style=1))
    assert table["n"].to_pylist() == [12345, 99084]
    assert report.warnings == ()


def test_an_error_sets_its_row_aside_with_sheet_and_cell(tmp_path):
    def fill(book):
        for row in [["id", "amount", "rate"], [1, 10, 2], [2, "#N/A", "#DIV/0!"], [3, 30, 4]]:
            book.active.append(row)
        for cell in ("B3", "C3"):
            book.active[cell].data_type = "e"

    table, report = loaded(tmp_path, saved(fill))
    assert table.to_pylist() == [{"id": 1, "amount": 10, "rate": 2}, {"id": 3, "amount": 30, "rate": 4}]
    assert (report.rows.read, report.rows.loaded, report.rows.rejected) == (3, 2, 1)
    assert [(r.file, r.sheet, r.cell, r.line, r.column, r.code) for r in report.rejects] == [
        ("book.xls", "Data", "B3", 3, "amount", "EXCEL_ERROR_CELL"),
        ("book.xls", "Data", "C3", 3, "rate", "EXCEL_ERROR_CELL"),
    ]
    assert "#DIV/0!" in report.rejects[1].reason
    assert report.rejects[0].raw == '{"id": "2", "amount": "#N/A", "rate": "#DIV/0!"}'
    assert codes(report) == ["REJECTED_CELLS"]
    assert "B3, C3" in report.warnings[0].message


def test_a_formula_counts_by_its_cached_value_and_never_silently_by_none(tmp_path):
    rows = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>'
        '<row r="2"><c r="A2"><v>1</v></c><c r="B2"><f>A2*2</f><v>2</v></c></row>'
        '<row r="3"><c r="A3"><v>2</v></c><c r="B3"><f>A3*2</f></c></row>'
        '<row r="4"><c r="A4"><v>3</v></c><c r="B4"><f>A4*2</f><v></v></c></row>'
    )
    table, report = loaded(tmp_path, raw_xlsx(rows))
    assert table.to_pylist() == [{"a": 1, "b": 2}]
    assert [(reject.cell, reject.code) for reject in report.rejects] == [
        ("B3", "FORMULA_WITHOUT_VALUE"),
        ("B4", "FORMULA_WITHOUT_VALUE"),
    ]


def test_a_sheet_in_which_every_row_has_such_a_cell_is_refused_with_the_cells(tmp_path):
    content = saved([["a", "b"], [1, "=A2*2"], [2, "=A3*2"]])
    with pytest.raises(EveryRowRejected, match=r'book.xls, sheet "Data", line 2, column "b": .* B2, B3') as caught:
        loaded(tmp_path, content)
    assert "Excel" in caught.value.hint


def test_a_formula_that_shows_nothing_is_null_among_numbers_and_fills_no_row(tmp_path):
    def row(n, number):
        return f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="B{n}" t="str"><f>X</f><v>{number}</v></c></row>'

    head = '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>'
    only_empty = '<row r="3"><c r="A3" t="str"><f>X</f><v></v></c><c r="B3" t="str"><f>X</f><v></v></c></row>'
    number = '<row r="4"><c r="A4"><v>4</v></c><c r="B4"><f>X</f><v>7.5</v></c></row>'
    table, report = loaded(tmp_path, raw_xlsx(head + row(2, "") + only_empty + number))
    assert table.to_pylist() == [{"a": 2, "b": None}, {"a": 4, "b": Decimal("7.5")}]
    assert report.rows.skipped == {"blank rows": 1}


def test_cells_of_several_kinds_become_their_exact_texts(tmp_path):
    table, report = loaded(
        tmp_path,
        saved([["v"], [1.5], ["x"], [dt.date(2026, 1, 2)], [True], [dt.time(1, 2, 3)], [0.25], [3]]),
    )
    assert table["v"].to_pylist() == ["1.5", "x", "2026-01-02", "TRUE", "01:02:03", "0.25", "3"]
    assert codes(report) == ["MIXED_KINDS"]
    assert report.columns[0].note


def test_dates_with_and_without_a_time_are_timestamps(tmp_path):
    table, _ = loaded(tmp_path, saved([["d"], [dt.date(2026, 1, 2)], [moment(2026, 1, 2, 3, 4, 5, 678000)]]))
    assert table["d"].to_pylist() == [moment(2026, 1, 2), moment(2026, 1, 2, 3, 4, 5, 678000)]


def test_the_day_that_never_was_stays_a_number(tmp_path):
    rows = '<row r="1"><c r="A1" t="inlineStr"><is><t>d</t></is></c></row>' + "".join(
        f'<row r="{n}"><c r="A{n}" s="1"><v>{value}</v></c></row>' for n, value in ((2, 59), (3, 61))
    )
    table, _ = loaded(tmp_path, raw_xlsx(rows, formats=("yyyy-mm-dd",)))
    assert table["d"].to_pylist() == [dt.date(1900, 2, 28), dt.date(1900, 3, 1)]
    rows += '<row r="4"><c r="A4" s="1"><v>60</v></c></row>'
    table, report = loaded(tmp_path, raw_xlsx(rows, formats=("yyyy-mm-dd",)))
    assert table["d"].to_pylist() == ["1900-02-28", "1900-03-01", "60"]
    assert codes(report) == ["MIXED_KINDS"]


@pytest.mark.parametrize(("system", "first"), [("0", dt.date(2026, 1, 1)), ("1", dt.date(2030, 1, 2))])
def test_both_date_systems_are_known(tmp_path, system, first):
    rows = '<row r="1"><c r="A1" t="inlineStr"><is><t>d</t></is></c></row><row r="2"><c r="A2" s="1"><v>46023</v></c></row>'
    content = raw_xlsx(rows, formats=("dd.mm.yyyy",), properties=f'<workbookPr date1904="{system}"/>')
    table, report = loaded(tmp_path, content)
    assert table["d"].to_pylist() == [first]
    assert ("1904" in report.columns[0].rule) == (system == "1")


# ---- sheets ----


def two_sheets(book):
    book.active.append(["a"])
    book.active.append([1])
    book.create_sheet("Second").append(["b"])
    book["Second"].append([2])
    book.create_sheet("Secret").sheet_state = "hidden"
    book["Secret"].append(["c"])
    book["Secret"].append([3])


def test_the_first_visible_sheet_with_data_is_read_and_the_others_are_named(tmp_path):
    table, report = loaded(tmp_path, saved(two_sheets))
    assert table.to_pylist() == [{"a": 1}]
    assert codes(report) == ["SHEETS_NOT_READ"]
    assert '"Second", "Secret" (hidden)' in report.warnings[0].message
    decided = {decision.name: decision for decision in report.detection.decisions}
    assert decided["sheet"].value == "Data"
    assert '"Secret" (hidden)' in decided["sheet"].evidence


@pytest.mark.parametrize(("sheet", "row"), [("Second", {"b": 2}), ("Secret", {"c": 3})])
def test_any_sheet_can_be_chosen(tmp_path, sheet, row):
    table, report = loaded(tmp_path, saved(two_sheets), sheet=sheet)
    assert table.to_pylist() == [row]
    decided = {decision.name: decision for decision in report.detection.decisions}
    assert (decided["sheet"].value, decided["sheet"].by) == (sheet, "given")


def test_a_sheet_that_is_not_there_is_named_beside_those_that_are(tmp_path):
    with pytest.raises(SheetNotFound, match='"Data", "Second", "Secret"'):
        loaded(tmp_path, saved(two_sheets), sheet="Third")


def test_a_workbook_without_data_has_no_table(tmp_path):
    with pytest.raises(NoRows, match="No visible sheet"):
        loaded(tmp_path, saved([]))


def test_an_empty_first_sheet_is_passed_over(tmp_path):
    def fill(book):
        book.create_sheet("Filled").append(["a"])
        book["Filled"].append([1])

    table, _ = loaded(tmp_path, saved(fill))
    assert table.to_pylist() == [{"a": 1}]


# ---- rows and names ----


def test_title_lines_blank_rows_totals_and_repeated_headers_are_skipped_counted_and_listed(tmp_path):
    body = [[n, f"item {n}", n * 1.5] for n in range(1, 30)]
    header = ["id", "item", "amount"]
    rows = [["Open items", None, None], [None], header, *body[:15], [None], header, *body[15:], ["Total", None, 652.5]]
    table, report = loaded(tmp_path, saved(rows))
    assert table["id"].to_pylist() == list(range(1, 30))
    assert report.rows.skipped == {"title lines": 1, "blank rows": 2, "repeated header": 1, "total lines": 1}
    assert report.rows.read == 29 + 5
    assert {warning.lines[0] for warning in report.warnings} == {1, 2, 20, 35}


def test_a_last_row_that_may_be_a_total_is_loaded_and_told(tmp_path):
    table, report = loaded(tmp_path, saved([["k", "v"], *[[f"k{n}", n] for n in range(1, 9)], ["Total", 36]]))
    assert table.num_rows == 9
    assert [(notice.code, notice.lines) for notice in report.warnings] == [("TOTAL_KEPT", (10,))]


def test_the_caller_can_say_where_the_header_is(tmp_path):
    rows = [["x", "y"], ["a", "b"], ["c", "d"]]
    assert loaded(tmp_path, saved(rows), header_row=2)[0].to_pylist() == [{"a": "c", "b": "d"}]
    table, _ = loaded(tmp_path, saved(rows), header_row=0)
    assert (table.column_names, table.num_rows) == (["column_1", "column_2"], 3)
    table, report = loaded(tmp_path, saved(rows), skip_rows=1, header_row=1)
    assert table.to_pylist() == [{"a": "c", "b": "d"}]
    assert report.rows.skipped == {"left out by the option skip_rows": 1}
    for wrong in ({"header_row": 9}, {"skip_rows": 9}):
        with pytest.raises(NoRows, match="beyond the sheet's last"):
            loaded(tmp_path, saved(rows), **wrong)


def test_a_header_far_down_can_be_named(tmp_path):
    rows = [[n] for n in range(300)] + [["name", "value"], ["a", 1]]
    table, report = loaded(tmp_path, saved(rows), header_row=301)
    assert table.to_pylist() == [{"name": "a", "value": 1}]
    assert report.rows.skipped == {"title lines": 300}


STACKED = [
    ["Offers"],
    ["id", "price"],
    [1, 2.5],
    [2, 3.5],
    [None],
    ["Orders"],
    ["key", "text", "day"],
    ["k1", "x", dt.date(2026, 1, 1)],
    ["k2", "y", dt.date(2026, 1, 2)],
]


def test_of_tables_one_below_the_other_the_first_is_loaded_and_each_can_be_chosen(tmp_path):
    table, report = loaded(tmp_path, saved(STACKED))
    assert table.to_pylist() == [{"id": 1, "price": Decimal("2.5")}, {"id": 2, "price": Decimal("3.5")}]
    assert codes(report)[0] == "SEVERAL_TABLES"
    assert report.rows.skipped == {"rows of other tables": 4, "title lines": 1, "blank rows": 1}
    table, report = loaded(tmp_path, saved(STACKED), table=2)
    assert table.column_names == ["key", "text", "day"]
    assert table["day"].to_pylist() == [dt.date(2026, 1, 1), dt.date(2026, 1, 2)]
    assert report.rows.skipped == {"rows of other tables": 4, "title lines": 1, "blank rows": 1}
    with pytest.raises(NoRows, match="number of the table"):
        loaded(tmp_path, saved(STACKED), table=3)


def test_a_blank_row_within_a_table_does_not_part_it(tmp_path):
    rows = [["id", "name", "note"], [1, "a", None], [2, "b", "x"], [None], [3, "c"], [4, "d", "y"]]
    table, report = loaded(tmp_path, saved(rows))
    assert table["id"].to_pylist() == [1, 2, 3, 4]
    assert report.rows.skipped == {"blank rows": 1}


def test_remarks_below_the_table_are_no_rows(tmp_path):
    rows = [["id", "v"], *[[n, n * 1.5] for n in range(1, 9)], [None], ["Source: ledger, printed on 31.10.2026"]]
    table, report = loaded(tmp_path, saved(rows))
    assert table["id"].to_pylist() == list(range(1, 9))
    assert report.rows.skipped == {"blank rows": 1, "remarks": 1}


def test_names_are_unique_on_one_line_and_never_empty(tmp_path):
    table, _ = loaded(tmp_path, saved([["a", "a", None, "two\nlines"], [1, 2, 3, 4]]))
    assert table.column_names == ["a", "a_2", "column_3", "two lines"]


def test_merged_cells_hold_their_value_once(tmp_path):
    def fill(book):
        for row in [["region", "item", "n"], ["North", "a", 1], [None, "b", 2]]:
            book.active.append(row)
        book.active.merge_cells("A2:A3")

    assert loaded(tmp_path, saved(fill))[0]["region"].to_pylist() == ["North", None]


def test_texts_that_the_caller_calls_null_are_null(tmp_path):
    rows = [["k", "v"], ["NA", 1], ["b", "-"], ["c", 999]]
    table, _ = loaded(tmp_path, saved(rows), null_values=("NA", "-", "999"))
    assert table.to_pylist() == [{"k": None, "v": 1}, {"k": "b", "v": None}, {"k": "c", "v": None}]
    assert table["v"].type == pa.int64()


def test_a_zero_that_is_shown_as_a_date_is_null_and_told(tmp_path):
    rows = '<row r="1"><c r="A1" t="inlineStr"><is><t>d</t></is></c></row>' + "".join(
        f'<row r="{n}"><c r="A{n}" s="1"><v>{value}</v></c></row>' for n, value in ((2, 0), (3, 46023))
    )
    table, report = loaded(tmp_path, raw_xlsx(rows, formats=("dd.mm.yyyy",)))
    assert table["d"].to_pylist() == [None, dt.date(2026, 1, 1)]
    assert codes(report) == ["ZERO_DATES"]


def test_a_zero_among_dates_that_no_date_format_shows_stays_a_number(tmp_path):
    """Such as the total of a column in a time sheet: it is no empty date, whatever stands above it."""
    rows = '<row r="1"><c r="A1" t="inlineStr"><is><t>d</t></is></c></row>' + "".join(
        f'<row r="{n}"><c r="A{n}" s="{style}"><v>{value}</v></c></row>'
        for n, value, style in ((2, 46023, 1), (3, 0, 1), (4, 0, 2))
    )
    table, report = loaded(tmp_path, raw_xlsx(rows, formats=("dd.mm.yyyy", "#,##0.00")))
    assert table["d"].to_pylist() == ["2026-01-01", "0", "0"]
    assert codes(report) == ["MIXED_KINDS"]


def test_rows_set_aside_keep_nothing_of_the_other_rows(tmp_path):
    rows = [[number, "=1/0" if number in {5, 400} else number, "=1/0" if number == 5 else 1] for number in range(1_000)]
    (tmp_path / "in.xlsx").write_bytes(saved([["id", "one", "two"], *rows]))
    payload = open_payload(tmp_path / "in.xlsx", name="in.xlsx", options=Options(), workdir=Workdir())
    table = FORMATS["xlsx"](payload, detect(payload, Options()), Options())
    assert [reject.cell for reject in table.rejects] == ["B7", "C7", "B402"]
    assert len(table.rejects) == 3
    assert table.rows.rejected == 2
    kept = list(vars(table.rejects).values())
    assert not any(isinstance(found, Grid) for found in kept)
    assert [len(found.rows) for found in kept if isinstance(found, Block)] == [6]
