"""Subtotals between the rows are data to a reader, and counted twice by whoever adds them up: each is told of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from ingestion.conversion import Options, convert
from ingestion.conversion.detect import detect
from ingestion.conversion.formats import FORMATS, blocks
from ingestion.conversion.unpack import Workdir, open_payload
from tests.conversion.formats.workbooks import loaded, saved

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [f"{number:06};Posting {number};{number}.25;2026-01-{number % 28 + 1:02}" for number in range(1, 2001)]


def told(tmp_path: Path, lines: list[str]) -> list[tuple[int, ...]]:
    """Convert a text and return the lines of its warnings of totals."""
    source = tmp_path / "in.csv"
    source.write_text("\n".join(["account;text;amount;day", *lines]) + "\n")
    report = convert(source, tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.num_rows == len(lines)
    assert str(table.schema.field("amount").type).startswith("decimal128")
    return [notice.lines for notice in report.warnings if notice.code == "TOTAL_KEPT"]


@pytest.mark.parametrize("block_bytes", [blocks.BLOCK_BYTES, 8 << 10])
def test_they_are_told_of_whether_a_block_is_read_as_text_or_parsed_straight(tmp_path, monkeypatch, block_bytes):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(blocks, "SAMPLE_BYTES", 1 << 10)
    lines = [*ROWS]
    lines[500] = "Zwischensumme;;9.25;"
    lines[900] = ";Summe 1000;9.25;"
    lines[1300] = ";;9.25;"
    assert told(tmp_path, lines) == [(502, 902), (1302,)]


def test_a_company_of_that_name_is_no_total_where_its_row_is_full(tmp_path):
    lines = [*ROWS[:20], "Total Energies;fuel;9.25;2026-01-01", *ROWS[20:40]]
    assert told(tmp_path, lines) == []


def test_rows_without_a_key_are_no_subtotals_where_many_are(tmp_path):
    lines = [line if number % 2 else f";;{number}.25;" for number, line in enumerate(ROWS[:40])]
    assert told(tmp_path, lines) == []


def test_a_row_with_a_text_beside_its_numbers_is_no_subtotal(tmp_path):
    assert told(tmp_path, [*ROWS[:20], ";late;9.25;", *ROWS[20:40]]) == []


def test_those_of_a_sheet_are_told_of_too(tmp_path):
    rows = [[f"K{number}", f"Posting {number}", number + 0.25] for number in range(1, 30)]
    rows[9] = ["Subtotal", None, 9.25]
    rows[19] = [None, None, 9.25]
    _, report = loaded(tmp_path, saved([["account", "text", "amount"], *rows]))
    assert report.rows.loaded == 29
    assert [notice.lines for notice in report.warnings] == [(11,), (21,)]
    assert {notice.code for notice in report.warnings} == {"TOTAL_KEPT"}


def test_a_second_pass_over_a_sheet_tells_the_same_once(tmp_path):
    rows = [["Subtotal", None, 9.25] if number % 2 else [f"K{number}", "Posting", 1.5] for number in range(50)]
    (tmp_path / "in.xlsx").write_bytes(saved([["account", "text", "amount"], *rows, ["K51", "Posting", 2.5]]))
    payload = open_payload(tmp_path / "in.xlsx", name="in.xlsx", options=Options(), workdir=Workdir())
    table = FORMATS["xlsx"](payload, detect(payload, Options()), Options())
    for _ in range(2):
        assert sum(batch.num_rows for batch in table.batches()) == 51
        messages = [notice.message for notice in table.warnings if notice.code == "TOTAL_KEPT"]
        assert [message[:8] for message in messages] == ["25 rows "]


def test_of_more_than_are_listed_there_are_at_least_so_many(tmp_path):
    lines = [line if number % 10 else f"Totaux {number};;9.25;" for number, line in enumerate(ROWS)]
    (tmp_path / "in.csv").write_text("\n".join(["account;text;amount;day", *lines]) + "\n")
    report = convert(tmp_path / "in.csv", tmp_path / "out.parquet")
    (notice,) = [notice for notice in report.warnings if notice.code == "TOTAL_KEPT"]
    assert notice.message.startswith("At least 100 rows began like a total line")
