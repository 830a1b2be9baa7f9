"""The one test of the rules: whatever type a column gets, its rule gives every cell's text back from its values."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.conversion import Options, convert
from ingestion.conversion.formats import blocks
from ingestion.conversion.typing.render import UnknownRule, notation_of, render
from tests.conversion.tables import tables

QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


def assert_readable(parquet: Path, names, rows) -> None:
    """Compare what the footer's rules render with every source cell."""
    table = pq.read_table(parquet)
    rules = json.loads(pq.read_metadata(parquet).metadata[b"databridge.rules"])
    assert table.num_rows == len(rows)
    for index, name in enumerate(names):
        for row, value in zip(rows, table[name].to_pylist(), strict=True):
            assert_came_back(rules[name], row[index], value)


def assert_came_back(rule: str, cell: str | None, value) -> None:
    notation = notation_of(rule)
    back = render(rule, value)
    if "spaces around it dropped" in notation.normalised and cell is not None:
        cell = cell.strip()
    if notation.kind == "text" and rule != "null":
        assert value == cell, rule
    elif back is None:
        allowed = {None, *("" for note in notation.normalised if note == "blank cells are null")}
        allowed |= {"00000000" for note in notation.normalised if note == "00000000 is null"}
        assert (cell.strip() if cell else cell) in allowed, rule
    elif "shorter fractions filled with zeros" in notation.normalised:
        point = {"point": r"\.", "comma": ","}[notation.details["point"]]
        assert _without_zeros(back, point) == _without_zeros(cell, point), rule
        assert len(back) >= len(cell)
    else:
        assert back == cell, rule


def _without_zeros(text: str, point: str) -> str:
    whole, fraction, sign = re.fullmatch(rf"(.*?)(?:{point}(\d*?)0*)?([-)]?)", text).groups()
    return f"{whole}|{fraction or ''}|{sign}"


@settings(max_examples=150, deadline=None, suppress_health_check=QUIET)
@given(table=tables())
def test_every_cell_of_a_file_can_be_read_back(tmp_path, table):
    layout, names, rows = table
    source, out = tmp_path / "in.csv", tmp_path / "out.parquet"
    source.write_bytes(layout.write(names, rows))
    given_encoding = None if layout.encoding in {"utf-8", "utf-8-sig", "utf-16", "utf-32"} else layout.encoding
    options = Options(encoding=given_encoding, delimiter=layout.delimiter, header_row=1)
    kept = [row for row in rows if any(cell and cell.strip() for cell in row)]
    report = convert(source, out, options=options)
    assert report.rows.balanced
    if len(kept) == len(rows):  # rows of blanks alone are a matter of reading, not of typing
        assert_readable(out, names, rows)


@settings(max_examples=80, deadline=None, suppress_health_check=QUIET)
@given(table=tables(), repeats=st.integers(3, 12))
def test_every_cell_of_a_file_of_many_blocks_can_be_read_back(tmp_path, monkeypatch, table, repeats):
    layout, names, rows = table
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 256)
    monkeypatch.setattr(blocks, "SAMPLE_BYTES", 64)
    usual, last = rows[:-1], rows[-1:]
    if not all(any(cell and cell.strip() for cell in row) for row in rows):
        return
    source, out = tmp_path / "in.csv", tmp_path / "out.parquet"
    source.write_bytes(layout.write(names, usual * repeats + last))
    options = Options(encoding=layout.encoding, delimiter=layout.delimiter, header_row=1)
    report = convert(source, out, options=options)
    assert report.rows.balanced
    assert_readable(out, names, usual * repeats + last)


def test_a_text_that_is_no_rule_is_refused():
    with pytest.raises(UnknownRule):
        render("as somebody liked it", 5)
