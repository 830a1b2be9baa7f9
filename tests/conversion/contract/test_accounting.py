"""For random files and contracts every row has its place, and every cell is loaded or set aside as it was written."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.conversion import Options, convert
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
            assert back == cell or (
                filled and back is not None and float(back.replace(",", ".")) == float(cell.replace(",", "."))
            ), name
