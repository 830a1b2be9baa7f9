"""Quotes that enclose rows of their own table: read as RFC 4180 has it, and a person is shown where."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from ingestion.conversion import convert


def told(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    report = convert(tmp_path / "a.csv", tmp_path / "out.parquet")
    lines = [line for notice in report.warnings if notice.code == "ROWS_IN_CELL" for line in notice.lines]
    return pq.read_table(tmp_path / "out.parquet"), lines


def rows(first, last):
    return "".join(f'{n},"item {n}",{n}.50\n' for n in range(first, last))


@pytest.mark.parametrize("count", [20, 3_000, 120_000])
@pytest.mark.parametrize("before", [0, 7, 50_000])
def test_rows_between_two_far_quotes_are_told(tmp_path, count, before):
    swallowed = "".join(f"{n},item {n},{n}.50\n" for n in range(count))
    text = "id,text,amount\n" + rows(0, before) + f'1,"a ""b\n{swallowed}2,c"" d",5.00\n' + rows(0, 60)
    table, lines = told(tmp_path, text)
    assert table.num_rows == before + 61
    assert table["text"][before].as_py() == f'a "b\n{swallowed}2,c" d'
    assert lines == [before + 2]


@pytest.mark.parametrize(
    "cell",
    ["a long text, with a comma\nand lines\n" * 40, "one\ntwo\nthree\nfour\n" * 30, "x" * 9_000, "a,b,c\nd,e,f", ""],
)
def test_a_text_of_several_lines_is_nothing_to_tell(tmp_path, cell):
    table, lines = told(tmp_path, "id,text,amount\n" + rows(0, 40) + f'1,"{cell}",5.00\n' + rows(0, 40))
    assert table.num_rows == 81
    assert lines == []


def test_blocks_that_follow_tell_each_its_own(tmp_path):
    swallowed = "".join(f"{n},item {n},{n}.50\n" for n in range(500))
    part = rows(0, 60_000) + f'1,"a\n{swallowed}b",5.00\n'
    table, lines = told(tmp_path, "id,text,amount\n" + part * 3)
    assert table.num_rows == 3 * 60_001
    assert lines == [60_002 + at * (60_000 + 502) for at in range(3)]
