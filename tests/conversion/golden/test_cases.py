"""Every folder of ``cases`` is one story: a small file as some system writes it, and what must become of it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingestion.conversion import Options, convert

CASES = sorted(Path(__file__).parent.joinpath("cases").iterdir())


def shown(value):
    """Return a value as the cases write it: null, a truth value, or a text."""
    if value is None or isinstance(value, bool):
        return value
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case, tmp_path):
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    source = next(path for path in case.iterdir() if path.name != "expected.json")
    report = convert(source, tmp_path / "out.parquet", options=Options(**expected.get("options", {})))
    table = pq.read_table(tmp_path / "out.parquet")

    assert table.schema.names == expected["columns"]
    assert [[shown(value) for value in row.values()] for row in table.to_pylist()] == expected["rows"]
    decided = {decision.name: decision.value for decision in report.detection.decisions}
    assert {name: decided.get(name) for name in expected.get("decided", {})} == expected.get("decided", {})
    assert report.rows.skipped == expected.get("skipped", {})
    lines = {
        notice.message.split(": ")[1].split(",")[0]: list(notice.lines)
        for notice in report.warnings
        if notice.code == "ROWS_SKIPPED"
    }
    assert lines == expected.get("lines", lines)
    assert sorted({notice.code for notice in report.warnings} - {"ROWS_SKIPPED"}) == expected.get("warnings", [])
    assert report.rows.balanced
