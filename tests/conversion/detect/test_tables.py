"""Which record names the columns, and where a further table begins, in texts that leave a doubt."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from ingestion.conversion import convert
from ingestion.conversion.errors import BrokenFile, EmptyFile


def read(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    report = convert(tmp_path / "a.csv", tmp_path / "out.parquet")
    assert report.rows.balanced
    return pq.read_table(tmp_path / "out.parquet"), report


def codes(report):
    return [notice.code for notice in report.warnings]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("key,date,amount,tax\nx,2024-01-01,10,5\ny,2024-01-02,20,6\n", "item,since,count,price\nz,2020-01-01,5,6\n"),
        ("key,date,amount\nx,2024-01-01,10\ny,2024-01-02,20\n", "item,count,price\nz,20,5.5\n"),
    ],
    ids=["three columns of values", "values of another kind below"],
)
def test_a_table_right_below_another_of_its_width_is_a_further_one(tmp_path, first, second):
    table, report = read(tmp_path, first + second + second.splitlines()[1].replace("z", "w") + "\n")
    assert table.num_rows == 2
    assert report.rows.skipped == {"rows of other tables": 3}
    assert "SEVERAL_TABLES" in codes(report)


@pytest.mark.parametrize(
    "odd", ["A4,unknown,open", "Smith,unknown,open", "A4,open,open", "Total,date,amount", "Smith,,open", "n,NA,open"]
)
def test_words_for_values_that_are_not_known_begin_no_table(tmp_path, odd):
    rows = "key,date,amount\nA1,2024-01-01,10\nA2,2024-01-02,20\n"
    table, _ = read(tmp_path, f"{rows}{odd}\nA5,2024-01-03,30\nA6,2024-01-04,40\n")
    assert table.num_rows == 5


@pytest.mark.parametrize(
    "prose",
    [
        "Report made by Anna, Controlling; all amounts in EUR; preliminary",
        "Dear all; this is the list of all customers as of today; yours",
    ],
)
def test_a_sentence_that_the_delimiter_cuts_is_a_title(tmp_path, prose):
    table, report = read(tmp_path, f"{prose}\nkey;date;amount\nA1;2024-01-01;5\nA2;2024-01-02;6\n")
    assert table.column_names == ["key", "date", "amount"]
    assert report.rows.skipped == {"title lines": 1}


def test_long_names_above_a_row_of_words_stay_the_header(tmp_path):
    names = "Amount in local currency;Name of the customer;Date of document"
    table, report = read(tmp_path, f"{names}\nunknown;Smith;open\n6;Jones;2024-01-01\n7;Brown;2024-01-02\n")
    assert table.column_names == names.split(";")
    assert report.rows.loaded == 3


def test_questions_above_some_columns_are_no_title(tmp_path):
    asked = "Where do you live, and since when did you live there?;;How many of you are there?"
    _, report = read(tmp_path, f"{asked}\nCity;Since;Number\nBonn;2001;3\nWien;2002;4\nBern;2003;2\n")
    assert report.rows.skipped == {}


def test_a_row_of_errors_below_a_header_is_data(tmp_path):
    table, _ = read(tmp_path, "a,a,c\n#REF!,#REF!,#VALUE!\n1,2,3\n1,2,3\n")
    assert table.column_names == ["a", "a_2", "c"]
    assert table.num_rows == 3


def test_a_row_of_delimiters_alone_is_a_row_of_nulls(tmp_path):
    table, report = read(tmp_path, "a,b,c\n1,2,3\n,,\n4,5,6\n")
    assert table.to_pydict() == {"a": [1, None, 4], "b": [2, None, 5], "c": [3, None, 6]}
    assert report.rows.skipped == {}


def test_a_word_behind_a_blank_line_is_no_header_where_values_stand_beside_it(tmp_path):
    table, report = read(tmp_path, "id,v\n1,2\n2,3\n\n3,open\n4,5\n")
    assert table.num_rows == 4
    assert codes(report) == ["ROWS_SKIPPED"]


def test_words_padded_to_the_right_below_their_name_are_one_column(tmp_path):
    table, _ = read(tmp_path, "Name      \n     Smith\n     Jones\n     Brown\n")
    assert table.to_pydict() == {"Name": ["     Smith", "     Jones", "     Brown"]}


def test_a_heading_left_of_its_padded_values_names_them(tmp_path):
    table, _ = read(
        tmp_path,
        "No        Amount    Name\n      1    10,50    Smith\n      2    20,50    Jones\n     33   120,50    Brown\n",
    )
    assert table.column_names == ["No", "Amount", "Name"]
    assert table["No"].to_pylist() == [1, 2, 33]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{id};{name}\n1;x\n2;y\n", ["{id}", "{name}"]),
        ("{% list %},b\nx,1\ny,2\n", ["{% list %}", "b"]),
        ("{0>One<}0{>Eins<0}\n{0>Two<}0{>Zwei<0}\n", ["{0>One<}0{>Eins<0}"]),
    ],
)
def test_a_brace_without_a_name_behind_it_begins_no_json(tmp_path, text, names):
    assert read(tmp_path, text)[0].column_names == names


@pytest.mark.parametrize("text", ["{", "{a b}", "{a: 1,\n b: 2}", "{'a': 1}\n{'a': 2}\n", "{1: 2}", "{ // c\n}"])
def test_what_is_meant_as_json_is_called_broken_json(tmp_path, text):
    with pytest.raises(BrokenFile, match="JSON"):
        read(tmp_path, text)


@pytest.mark.parametrize("end", ["\n", "\r\n", " \t\n"])
def test_very_many_blank_lines_above_a_table_are_passed_over_at_once(tmp_path, end):
    table, report = read(tmp_path, end * 300_000 + "a,b\n1,2\n3\n")
    assert table.to_pylist() == [{"a": 1, "b": 2}, {"a": 3, "b": None}]
    assert report.rows.skipped == {"title lines": 300_000}
    assert next(one.lines for one in report.warnings if one.code == "SHORT_ROWS") == (300_003,)


@pytest.mark.parametrize("blank", [" ", "\t", " \n"])
def test_a_table_far_below_blanks_is_found(tmp_path, blank):
    table, _ = read(tmp_path, blank * 600_000 + "\na,b\n1,2\n")
    assert table.to_pylist() == [{"a": 1, "b": 2}]


def test_blanks_alone_are_told_as_far_as_they_were_looked_at(tmp_path):
    with pytest.raises(EmptyFile, match="The file holds nothing but blanks"):
        read(tmp_path, " " * 600_000)
    with pytest.raises(EmptyFile, match="Its first 16 MiB hold nothing but blanks"):
        read(tmp_path, " " * (17 << 20) + "\na,b\n1,2\n")


@pytest.mark.parametrize("row", [",", "a,b"])
def test_very_many_rows_like_the_header_are_told_at_once(tmp_path, row):
    assert read(tmp_path, "a,b\n" + f"{row}\n" * 60_000)[1].rows.read == 60_000


@pytest.mark.parametrize(
    "rows",
    {
        "dates and amounts": [f"2026-01-{n:02d}||2025-03-{n:02d}||{n},50" for n in range(10, 29)],
        "cells of several lines": [f'"x\n{n}"||"y"||"{n}"' for n in range(19)],
        "an empty column": [f"x{n}||||{n}" for n in range(19)],
    }.values(),
)
def test_two_bars_are_one_delimiter_where_no_bar_stands_alone(tmp_path, rows):
    table, _ = read(tmp_path, "\n".join(["a b||c d||e", *rows]) + "\n")
    assert table.column_names == ["a b", "c d", "e"]
    assert table.num_rows == 19
