"""A further table beyond what detection looks at: its rows are loaded, and its first line is named."""

from __future__ import annotations

import pytest

from ingestion.conversion import convert
from ingestion.conversion.detect import HEAD_BYTES

FIRST = "id;name;amount\n" + "".join(f"{n};name {n};{n}.50\n" for n in range(12_000))
HEADER_LINE = 12_002


def warnings(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    report = convert(tmp_path / "a.csv", tmp_path / "out.parquet")
    assert report.rows.balanced
    return {notice.code: notice for notice in report.warnings}


@pytest.mark.parametrize(
    ("between", "header", "row"),
    [
        ("\n", "customer;city", "K{};Bonn"),
        ("\n", "customer;city;zip", "K{};Bonn;0{}"),
        ("", "customer;city;zip", "K{};Bonn;0{}"),
        ("", "customer;city;zip;more", "K{};Bonn;0{};x"),
        ("\nCustomers\n", "customer;city;zip", "K{};Bonn;0{}"),
    ],
    ids=["narrower", "behind a blank line", "directly below", "wider", "below a title"],
)
def test_the_line_at_which_it_begins_is_named(tmp_path, between, header, row):
    assert len(FIRST) > HEAD_BYTES
    rows = "".join(row.format(n, n) + "\n" for n in range(40))
    found = warnings(tmp_path, f"{FIRST}{between}{header}\n{rows}")
    assert found["FURTHER_TABLE"].lines == (HEADER_LINE + bool(between),)  # its title, if it has one
    assert "ustomer" in found["FURTHER_TABLE"].message


@pytest.mark.parametrize(
    "line", ["n.v.;name;NA", "X1;name;1.50", "Summe;;3.50", "12000;name;12000.50", "bla;name;bla;7", "K;x"]
)
def test_a_row_that_names_no_columns_is_no_header(tmp_path, line):
    assert "FURTHER_TABLE" not in warnings(tmp_path, f"{FIRST}{line}\n1;x;1.50\n")


BESIDE = "ID;Name;;ID;Amount\n" + "".join(f"{n};name {n};;{n}7;{n},50\n" for n in range(1, 9))


def test_a_table_beside_the_first_is_told_of_where_names_stand_twice(tmp_path):
    notice = warnings(tmp_path, BESIDE)["FURTHER_TABLE"]
    assert notice.column == "ID_2"
    assert "column 3 has neither a name nor a cell" in notice.message


def test_a_table_beside_the_first_is_told_of_where_it_is_shorter(tmp_path):
    text = BESIDE.replace("ID;Amount", "Key;Amount").replace("87;8,50", ";").replace("77;7,50", ";")
    assert [notice.column for notice in warnings(tmp_path, text).values()] == ["Key"]


def test_an_empty_column_inside_a_table_is_nothing_to_tell_of(tmp_path):
    assert warnings(tmp_path, BESIDE.replace("ID;Amount", "Key;Amount")) == {}


def test_the_same_names_for_each_year_are_those_of_one_table(tmp_path):
    rows = "".join(f"EU;c{n};;{n};2,5;;3;4\n" for n in range(1, 9))
    assert warnings(tmp_path, f"region;country;;q1;q2;;q1;q2\n{rows}").keys() == {"DUPLICATE_NAMES"}


def test_empty_columns_at_the_end_are_no_further_table(tmp_path):
    rows = "".join(f"{n};name {n};{n},50;;;;\n" for n in range(1, 9))
    assert warnings(tmp_path, f"id;name;amount;;;;\n{rows}") == {}
