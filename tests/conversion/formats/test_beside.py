"""Tables side by side on a sheet, and columns that are empty for the looks of a single table."""

from __future__ import annotations

import pytest

from tests.conversion.formats.workbooks import codes, loaded, saved

LEFT = [["id", "name"], *[[number, f"n{number}"] for number in range(1, 9)]]


def sheet(right: list[list[object]], left: list[list[object]] = LEFT, first: int = 0) -> bytes:
    """Return a workbook with two tables beside each other, the right one from the row ``first``, from 0, on."""
    rows = max(len(left), first + len(right))
    lines: list[list[object]] = [[None] * 5 for _ in range(rows)]
    for at, cells in enumerate(left):
        lines[at][:2] = cells
    for at, cells in enumerate(right):
        lines[first + at][3:] = cells
    return saved(lines)


UNLIKE = {
    "with a name in common": ([["id", "amount"], *[[number, number + 0.5] for number in range(1, 9)]], 0),
    "that begins lower": ([["key", "amount"], *[[f"k{number}", number + 0.5] for number in range(1, 4)]], 3),
    "of more rows": ([["key", "amount"], *[[f"k{number}", number + 0.5] for number in range(1, 12)]], 0),
}


@pytest.mark.parametrize(("right", "first"), UNLIKE.values(), ids=UNLIKE)
def test_the_first_is_loaded_and_the_other_can_be_chosen(tmp_path, right, first):
    book = sheet(right, first=first)
    table, report = loaded(tmp_path, book)
    assert [list(row.values()) for row in table.to_pylist()] == LEFT[1:]
    assert table.column_names == LEFT[0]
    last = first + len(right)
    assert f"1: A1:B9, 2: D{first + 1}:E{last}" in report.warnings[0].message
    table, report = loaded(tmp_path, book, table=2)
    assert table.column_names == right[0]
    assert [float(amount) for amount in table["amount"].to_pylist()] == [row[1] for row in right[1:]]
    lines = report.rows.skipped.get("rows of other tables", 0)
    assert lines == len({*range(9)} - {*range(first, last)})


def test_an_error_in_one_sets_no_row_of_the_other_aside(tmp_path):
    right = [["id", "amount"], *[[number, "=1/0"] for number in range(1, 9)]]
    table, report = loaded(tmp_path, sheet(right))
    assert table.num_rows == 8
    assert codes(report) == ["SEVERAL_TABLES"]


def test_of_equal_rows_and_other_names_it_may_be_one_table_and_is_told_of(tmp_path):
    table, report = loaded(tmp_path, sheet([["q1", "q2"], *[[number, number + 0.5] for number in range(1, 9)]]))
    assert table.column_names == ["id", "name", "q1", "q2"]
    assert codes(report) == ["FURTHER_TABLE"]
    assert "D1:E9" in report.warnings[0].message


def test_a_single_column_of_notes_belongs_to_the_table(tmp_path):
    rows = [[*LEFT[0], None, "note"], *[[*row, None, "x" if row[0] == 3 else None] for row in LEFT[1:]]]
    table, report = loaded(tmp_path, saved(rows))
    assert table.column_names == ["id", "name", "note"]
    assert codes(report) == []


def test_years_above_the_names_part_the_columns(tmp_path):
    rows = [[None, None, 2025, None, 2026], ["region", "country", "q1", "q2", "q1", "q2"]]
    rows += [["EU", f"c{number}", number, 2, 3, 4] for number in range(5)]
    table, _ = loaded(tmp_path, saved(rows))
    assert table.column_names == ["region", "country", "2025 q1", "2025 q2", "2026 q1", "2026 q2"]
    assert table.num_rows == 5


def test_the_same_names_for_each_year_are_those_of_one_table(tmp_path):
    rows = [[None, None, None, 2025, None, None, 2026], ["region", "country", None, "q1", "q2", None, "q1", "q2"]]
    rows += [["EU", f"c{number}", None, number, 2.5, None, 3, 4] for number in range(9)]
    table, report = loaded(tmp_path, saved(rows))
    assert table.column_names == ["region", "country", "2025 q1", "2025 q2", "2026 q1", "2026 q2"]
    assert codes(report) == ["FURTHER_TABLE"]


def test_names_that_stand_again_behind_a_gap_are_columns_of_one_table(tmp_path):
    rows = [["region", "Q1", "Q2", None, "Q1", "Q2"], *[[f"r{n}", n, n + 0.5, None, n + 1, 7] for n in range(8)]]
    table, report = loaded(tmp_path, saved(rows))
    assert table.column_names == ["region", "Q1", "Q2", "Q1_2", "Q2_2"]
    assert table["Q2_2"].to_pylist() == [7] * 8
    assert "FURTHER_TABLE" in codes(report)
    keyed = [[row[0], None, *row[1:]] for row in rows]
    assert loaded(tmp_path, saved(keyed))[0].column_names == table.column_names


def test_cells_that_are_not_known_yet_are_those_of_one_table(tmp_path):
    rows = [["invoice", "amount", None, "paid on", "paid by"]]
    rows += [[f"R{n}", n + 0.5, None, *((f"2026-10-{n:02}", "bank") if n < 7 else ())] for n in range(1, 10)]
    table, report = loaded(tmp_path, saved(rows))
    assert table.column_names == ["invoice", "amount", "paid on", "paid by"]
    assert table["paid by"].to_pylist() == ["bank"] * 6 + [None] * 3
    assert codes(report) == ["FURTHER_TABLE"]


def test_a_group_above_the_right_columns_only_parts_no_table(tmp_path):
    rows = [["invoice", "amount", None, "payment", None], [None, None, None, "paid on", "paid by"]]
    rows += [[f"R{n}", n + 0.5, None, f"2026-10-{n:02}", "bank"] for n in range(1, 10)]
    table, _ = loaded(tmp_path, saved(rows))
    assert (table.num_columns, table.num_rows) == (4, 9)
