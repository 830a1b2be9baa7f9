"""Printed lists: columns of fixed width, parted by blanks or drawn lines, are read without cutting through a value."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.conversion import Options, convert
from ingestion.conversion.errors import OptionInvalid

word = st.text(st.sampled_from("abcXYZ09.-"), min_size=1, max_size=12)
name = st.lists(word, min_size=1, max_size=3).map(" ".join)


def converted(folder, text, **options):
    source = folder / "list.txt"
    source.write_text(text, encoding="utf-8")
    report = convert(source, folder / "out.parquet", options=Options(**options))
    return pq.read_table(folder / "out.parquet"), report


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(name, name, st.integers(0, 10**9)), min_size=3, max_size=30))
def test_no_sign_of_a_fixed_width_list_is_lost_or_moved_over_its_line(tmp_path_factory, rows):
    lines = [f"{one:<38}  {two:<38}  {number:>10}" for one, two, number in rows]
    text = f"{'FIRST':<38}  {'SECOND':<38}  {'NUMBER':>10}\n" + "".join(line + "\n" for line in lines)
    table, _ = converted(tmp_path_factory.mktemp("list"), text)
    assert table.num_rows == len(rows)
    for line, row in zip(lines, table.to_pylist(), strict=True):
        rescued = json.loads(row.pop("_rescued", None) or "[]")
        cells = [str(cell) for cell in row.values() if cell is not None] + rescued
        assert "".join("".join(cells).split()) == "".join(line.split())


def test_a_long_value_far_below_the_sample_reaches_into_the_gutter_and_stays_whole(tmp_path):
    rows = [f"{n:010d}  Name {n:<6}  {n * 25 / 100:>9.2f}\n" for n in range(40_000)]
    rows[35_000] = f"{35_000:010d}  A name far longer than others  1.00\n"
    rows[36_000] = f"{36_000:010d}  Namely 1234   {7:>9.2f}\n"
    table, report = converted(tmp_path, "CUSTOMER    NAME            AMOUNT\n" + "".join(rows))
    assert table.column("NAME")[36_000].as_py() == "Namely 1234"
    assert table.column("NAME")[34_999].as_py() == "Name 34999"
    assert table.column("CUSTOMER")[35_000].as_py() is None
    assert json.loads(table.column("_rescued")[35_000].as_py()) == [rows[35_000].rstrip()]
    told = next(notice for notice in report.warnings if notice.code == "LONG_ROWS")
    assert told.lines == (35_002,)


def test_pages_and_totals_of_a_list_larger_than_the_sample_are_left_out_and_counted(tmp_path):
    rule = "-" * 31 + "\n"
    head = rule + "|Material  |  Menge|     Betrag|\n" + rule
    page = "".join(f"|{n:010d}|{n:>7}|{f'{n},50-':>11}|\n" for n in range(60))
    text = "".join(
        f"31.10.2026          Bestand    Seite {number}\n" + head + page + "|*         |   1770|  1.800,00-|\n" + rule
        for number in range(1, 301)
    )
    table, report = converted(tmp_path, text)
    assert table.schema.names == ["Material", "Menge", "Betrag"]
    assert table.num_rows == 300 * 60
    assert report.rows.skipped["total lines"] == 300
    assert report.rows.skipped["page headings"] == 2 * 299
    assert table.column("Betrag")[1].as_py() < 0


def test_the_option_cuts_as_it_says_even_a_list(tmp_path):
    text = "id  name\n1   a\n2   b\n3   c\n"
    table, _ = converted(tmp_path, text, delimiter=",")
    assert table.num_columns == 1


def test_short_lines_beside_long_ones_with_drawn_lines_are_no_fault(tmp_path):
    table, report = converted(
        tmp_path, "a|b\na|b\n" + "a long cell before|another|one\n" * 2 + "x|y\n" + "a long cell|x\n" * 5
    )
    assert (table.num_rows, report.rows.skipped) == (8, {"repeated headers": 1})


@pytest.mark.parametrize("count", [3, 12, 60])
def test_decimal_commas_and_names_with_commas_do_not_part_the_columns_of_a_list(tmp_path, count):
    lines = ["Belegnr     Name                         Menge    Betrag in HW  Buch.dat."]
    for n in range(count):
        name = ("Weiß, Anna", "Schraube M8; verzinkt", "Öl & Gas AG")[n % 3]
        quantity, amount = f"{n * 7 % 900 + 100}.{n:03d},500", f"{n + 1}.{n * 91 % 1000:03d},{n % 100:02d}-"
        lines.append(f"{n:010d}  {name:<21}  {quantity:>11}  {amount:>14}  {n % 28 + 1:02d}.10.2026")
    (tmp_path / "list.txt").write_bytes(("\r\n".join(lines) + "\r\n").encode("cp1252"))
    report = convert(tmp_path / "list.txt", tmp_path / "out.parquet")
    assert [column.name for column in report.columns] == ["Belegnr", "Name", "Menge", "Betrag in HW", "Buch.dat."]
    assert [str(column.type) for column in report.columns][2:] == [
        "decimal128(9, 3)",
        f"decimal128({6 if count < 10 else 7}, 2)",
        "date32[day]",
    ]
    assert report.rows.loaded == count


FIXED = "0000471Bolt M8   000125EUR\n0000472Nut       000250USD\n0000473Washer    000075\n"


def test_columns_without_anything_between_them_are_cut_at_the_widths_that_are_given(tmp_path):
    table, report = converted(tmp_path, FIXED, widths="7,10,6,3", header_row=0)
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("0000471", "Bolt M8", "000125", "EUR"),
        ("0000472", "Nut", "000250", "USD"),
        ("0000473", "Washer", "000075", None),
    ]
    (decision,) = [one for one in report.detection.decisions if one.name == "delimiter"]
    assert decision.by == "given"
    assert "characters 1, 8, 18, 24" in decision.value


def test_the_last_of_given_widths_takes_what_is_left_of_a_line(tmp_path):
    table, _ = converted(tmp_path, FIXED.replace("EUR", "EUR and more"), widths="7,10,6,3")
    assert table.columns[3].to_pylist() == ["EUR and more", "USD", None]


def test_lines_of_one_length_are_told_that_widths_can_be_given(tmp_path):
    dense = FIXED.replace("000075", "000075GBP").replace(" ", "_")
    _, report = converted(tmp_path, dense, header_row=0)
    (decision,) = [one for one in report.detection.decisions if one.name == "delimiter"]
    assert "26 characters long" in decision.evidence
    assert "--widths" in decision.evidence


@pytest.mark.parametrize("widths", ["", "7,", "0,5", "7;5", "x"])
def test_widths_that_are_none_are_refused(widths):
    with pytest.raises(OptionInvalid, match="widths"):
        Options(widths=widths)


def test_lines_in_words_are_rows_where_the_widths_are_given(tmp_path):
    rows = "".join(f"Bolt {n:<5}{n:06}EUR\n" for n in range(1, 9))
    table, report = converted(tmp_path, rows + "Note 5\nTotal     000036\n*\n", widths="10,6,3", header_row=0)
    assert table.columns[0].to_pylist()[-3:] == ["Note 5", "Total", "*"]
    assert [one.lines for one in report.warnings if one.code == "TOTAL_KEPT"] == [(10,)]
