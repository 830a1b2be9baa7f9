"""For random files and contracts every row has its place, and every cell is loaded or set aside as it was written."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.conversion import Options, Report, convert
from ingestion.conversion.contract.model import Contract
from ingestion.conversion.errors import ContractBroken
from ingestion.conversion.typing.render import render

KINDS = {
    "int64": st.integers(-99, 10**6).map(str),
    "decimal128(18, 2)": st.decimals(-9999, 9999, places=2).map(lambda value: f"{value:.2f}"),
    "date32": st.dates().filter(lambda day: day.year >= 1000).map(str),
    "bool": st.sampled_from(["true", "false"]),
    "string": st.text("abc 017.,-", min_size=1, max_size=6).filter(lambda text: text.strip() == text),
}
ODD = st.sampled_from(["x1", "2026-02-30", "007", "1,5", "12.345", "n/a", "99999999999999999999"])


@st.composite
def cases(draw: st.DrawFn) -> tuple[Contract, list[list[str]]]:
    """Draw a contract, and rows of which some cells are not as it agrees."""
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4))
    columns = [{"name": f"c{place}", "type": kind} for place, kind in enumerate(["int64", *kinds])]
    contract = Contract.from_dict({"columns": columns, "preset": "open"})
    cells = [st.one_of(KINDS[kind], KINDS[kind], KINDS[kind], ODD) for kind in kinds]
    rows = draw(st.lists(st.tuples(*cells), min_size=2, max_size=30))
    return contract, [[str(number), *row] for number, row in enumerate(rows, 1)]


@settings(max_examples=60, deadline=None)
@given(cases())
def test_loaded_and_rejected_rows_together_hold_every_cell(case: tuple[Contract, list[list[str]]]) -> None:
    contract, rows = case
    names = [column.name for column in contract.columns]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([names, *rows])
    with tempfile.TemporaryDirectory() as folder:
        src, dest = Path(folder) / "in.csv", Path(folder) / "out.parquet"
        src.write_text(text.getvalue())
        try:
            report = convert(src, dest, options=Options(contract=contract, delimiter=",", header_row=1))
        except ContractBroken:  # the open preset evolves whatever a text can hold
            raise AssertionError("nothing here is beyond evolving") from None
        told = report.rows
        assert told.read == told.loaded + told.rejected + sum(told.skipped.values()) == len(rows)
        table = pq.read_table(dest).to_pylist()
    rules = {column.name: column.rule for column in report.columns}
    aside = {reject.line for reject in report.rejects}
    assert len(aside) == told.rejected
    stay = [row for line, row in enumerate(rows, 2) if line not in aside]
    assert len(stay) == len(table)
    for row, loaded in zip(stay, table, strict=True):
        for name, cell in zip(names, row, strict=True):
            back = render(rules[name], loaded[name])
            filled = "shorter fractions filled with zeros" in rules[name]
            zeros = back[len(cell) :] if filled and back is not None and back.startswith(cell) else "x"
            assert back == cell or not zeros.strip(",.0"), name


def _read(folder: Path, kind: str, cells: list[str]) -> tuple[Report, list[object]]:
    contract = Contract.from_dict({"columns": [{"name": "amount", "type": kind}], "preset": "open"})
    (folder / "in.csv").write_text("amount;n\n" + "".join(f"{cell};{n}\n" for n, cell in enumerate(cells)))
    options = Options(contract=contract, delimiter=";", header_row=1)
    report = convert(folder / "in.csv", folder / "out.parquet", options=options)
    return report, pq.read_table(folder / "out.parquet")["amount"].to_pylist()


@pytest.mark.parametrize("kind", ["int64", "decimal128(18, 2)", "decimal128(18, 3)"])
def test_a_sign_that_may_be_either_is_not_taken_for_a_group_sign(tmp_path: Path, kind: str) -> None:
    report, values = _read(tmp_path, kind, ["0", "1", "2", "12.345"])
    assert [(reject.line, '"12.345"' in reject.reason) for reject in report.rejects] == [(5, True)]
    assert values == [0, 1, 2]
    assert "AMBIGUOUS_NUMBER" not in {notice.code for notice in report.warnings}
    report, values = _read(tmp_path, kind, ["0", "12,345"])
    assert values == ["0", "12,345"]
    assert {"AMBIGUOUS_NUMBER", "CHANGED_KIND"} <= {notice.code for notice in report.warnings}


def test_a_group_sign_that_a_cell_proves_is_read_and_rendered_back(tmp_path: Path) -> None:
    report, values = _read(tmp_path, "int64", ["0", "12.345", "1.234.567"])
    assert values == [0, 12_345, 1_234_567]
    (rule,) = (column.rule for column in report.columns if column.name == "amount")
    assert [render(rule, value) for value in values] == ["0", "12.345", "1.234.567"]
