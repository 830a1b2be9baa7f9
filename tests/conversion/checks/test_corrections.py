"""The table of rejects: nothing in it is a formula, and every cell of it comes back exactly."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.conversion.checks.corrections import as_csv, as_ranges, corrections_of, of_ranges, packed
from ingestion.conversion.checks.errors import CorrectionsInvalid

TEXTS = st.text(st.sampled_from("'\"=+-@\t\r\n;,| aZ09ü＝\u00a0\ufeff.E"), max_size=7)
CELLS = st.dictionaries(st.sampled_from(["a", "=b", "'c", "reject.d"]), st.none() | TEXTS, min_size=1)


def table(cells):
    reject = dict.fromkeys(["file", "member", "sheet", "line", "offset", "cell", "column", "code", "rule", "hint"])
    reject |= {"row": 1, "value": "=1", "reason": "@SUM(A1)", "raw": json.dumps(cells)}
    return "".join(as_csv([reject], list(cells)))


@given(CELLS)
def test_every_cell_comes_back_and_none_is_a_formula(cells):
    text = table(cells)
    assert corrections_of(text.encode()) == {1: cells}
    for row in csv.reader(io.StringIO(text, newline="")):
        assert not [cell for cell in row if cell.startswith(tuple("=+-@\t\r＝"))]


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
def test_what_a_spreadsheet_saves_is_read(delimiter, codec):
    rows = list(csv.reader(io.StringIO(table({"a": "00123", "b": "x;y", "c": None}), newline="")))
    saved = io.StringIO()
    csv.writer(saved, delimiter=delimiter).writerows(rows)
    assert corrections_of(saved.getvalue().encode(codec)) == {1: {"a": "00123", "b": "x;y", "c": None}}


@pytest.mark.parametrize(
    "body",
    [b"", b"a;b\n1;2\n", "reject.row,ä\n1,ü\n".encode("cp1252"), b"reject.row,a\nx,1\n", b"reject.row,a\n1,1\n1,2\n",
     b"reject.row,a\n1,1,3\n", b"reject.row,a\n" + b"9" * 5000 + b",1\n", b'{"rows": 1}', b'{"rows": [{"row": 0}]}', b'{"rows": [{"row": 1, "cells": {"a": 2}}]}'],
)  # fmt: skip
def test_a_table_that_cannot_be_read_is_refused(body):
    with pytest.raises(CorrectionsInvalid):
        corrections_of(body)


@given(st.sets(st.integers(1, 60)))
def test_ranges_name_the_same_rows(rows):
    assert of_ranges(as_ranges(rows)) == of_ranges(packed(as_ranges(rows))) == rows


def test_many_scattered_rows_are_packed_and_are_the_same_rows():
    rows = {row * row % 1_000_003 for row in range(1, 500_000)} - {0}
    kept = packed(as_ranges(rows))
    assert len(kept) < 200_000 < len(as_ranges(rows))
    assert of_ranges(kept) == rows
