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
