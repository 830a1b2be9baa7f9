"""A row keeps its number in its file, also where the workbook's reader has set rows aside before any rule was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openpyxl
import pyarrow.parquet as pq

from ingestion.conversion import Options, convert
from ingestion.conversion.checks.plan import Checks
from ingestion.conversion.contract.model import Contract

if TYPE_CHECKING:
    from pathlib import Path


def test_rows_behind_an_error_cell_keep_their_numbers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    rows = [("A1", 10), ("A2", "#N/A"), ("A3", 30), ("A4", -1), ("A5", "#DIV/0!"), ("A6", 60)]
    for row in [("key", "amount"), *rows]:
        book.active.append(row)
    book.save(tmp_path / "in.xlsx")
    contract = Contract.from_dict(
        {
            "columns": [{"name": "key", "type": "string"}, {"name": "amount", "type": "int64"}],
            "rules": [{"kind": "range", "column": "amount", "min": 0}],
            "lineage": ["_source_row"],
            "reject_limits": {"share": 1.0},
        }
    )
    options = Options(contract=contract)
    report = convert(
        tmp_path / "in.xlsx", tmp_path / "out.parquet", options=options, checks=Checks.of(contract.as_dict())
    )
    table = pq.read_table(tmp_path / "out.parquet")
    assert dict(zip(table["key"].to_pylist(), table["_source_row"].to_pylist(), strict=True)) == {
        "A1": 1,
        "A3": 3,
        "A6": 6,
    }
    assert sorted((one.source_row, one.line, one.cell) for one in report.rejects) == [
        (2, 3, "B3"),
        (4, 5, "B5"),
        (5, 6, "B6"),
    ]
