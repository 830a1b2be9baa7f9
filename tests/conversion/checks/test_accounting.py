"""For random files and contracts: every row is counted once, and loaded and rejected rows hold every cell there was."""

import csv
import io
import json
import re
import tempfile
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.conversion import Options, convert
from ingestion.conversion.checks.plan import Checks
from ingestion.conversion.contract.casts import as_text
from ingestion.conversion.contract.model import Contract
from ingestion.errors import DataBridgeError

PLAIN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
TYPES = ["string", "int64", "decimal128(12,2)", "date32", "bool"]
WORDS = st.one_of(
    st.integers(-999, 9999).map(str),
    st.decimals(-99, 999, places=2).map(lambda value: f"{value:.2f}"),
    st.dates().map(str),
    st.sampled_from(["true", "false", "x", "n/a", "007", "=1+1", 'a "b"', "l1\nl2", "ü;,|", "1e5"]),
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=6),
)


@st.composite
def loads(draw):
    """A table of texts, the format it comes in, and a contract with rules for some of its columns."""
    names = [f"c{n}" for n in range(draw(st.integers(2, 4)))]
    rows = draw(st.lists(st.tuples(*[WORDS for _ in names]), min_size=1, max_size=25))
    columns = [{"name": name, "type": draw(st.sampled_from(TYPES)), "rule": "", "nullable": True} for name in names]
    rules = draw(
        st.lists(
            st.sampled_from(
                [
                    {"kind": "unique", "column": "c0"},
                    {"kind": "length", "column": "c1", "max": 4},
                    {"kind": "in_list", "column": "c0", "values": ["1", "2", "x"], "severity": "warn"},
                    {"kind": "regex", "column": "c1", "pattern": "[0-9.]*"},
                    {"kind": "range", "column": "c0", "min": 0},
                ]
            ),
            max_size=3,
        )
    )
    contract = {"columns": columns, "preset": draw(st.sampled_from(["balanced", "open"])), "rules": rules}
    contract |= {"reject_limits": {"count": None, "share": 1.0}, "version": 1}
    return names, rows, draw(st.sampled_from(["csv", "json", "xlsx"])), contract


def written(names, rows, kind):
    if kind == "xlsx":
        return _book([names, *rows])
    if kind == "json":
        return json.dumps([dict(zip(names, row, strict=True)) for row in rows], ensure_ascii=False).encode()
    body = io.StringIO()
    writer = csv.writer(body, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    writer.writerows(rows)
    return body.getvalue().encode()


def _book(rows):
    """A workbook in which each cell is a text."""
    book, body = openpyxl.Workbook(), io.BytesIO()
    for number, row in enumerate(rows, 1):
        for at, text in enumerate(row, 1):
            cell = book.active.cell(number, at)
            cell.value, cell.data_type = text, "s"
    book.save(body)
    return body.getvalue()


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(loads())
def test_no_row_and_no_cell_is_lost(load):
    names, rows, kind, told = load
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / f"a.{kind}", Path(folder) / "out.parquet"
        path.write_bytes(written(names, rows, kind))
        contract = Contract.from_dict(told)
        options = Options(
            contract=contract, delimiter="," if kind == "csv" else None, header_row=None if kind == "json" else 1
        )
        checks, refused = Checks.of(told), ""
        try:
            report = convert(path, out, options=options, checks=checks, rejects=Path(folder) / "rejects.parquet")
        except DataBridgeError as error:
            refused = error.code
        if refused:
            assert refused != "INTERNAL"
            assert not out.exists()
            return
        counted = report.rows
        assert counted.read == counted.loaded + counted.rejected + sum(counted.skipped.values())
        assert len({one.row for one in report.rejects}) == counted.rejected
        gone = {one.source_row: json.loads(one.raw) for one in report.rejects}
        rules = {column.name: column.rule for column in report.columns}
        table = pq.read_table(out)
        assert table.num_rows == counted.loaded
        texts = {name: as_text(table[name].combine_chunks(), rules[name]).to_pylist() for name in table.schema.names}
        kept = iter(zip(*(texts[name] for name in names), strict=True))
        found = [
            [gone[number][name] for name in names] if number in gone else list(next(kept))
            for number in range(1, counted.loaded + counted.rejected + 1)
        ]
        assert next(kept, None) is None
        # A row that looks like a rule or the header again is skipped; all others are found, in their order.
        came = iter(rows)
        for row in found:
            assert any(all(map(_same, sent, row)) for sent in came), (row, rows)
        assert len(rows) - len(found) == sum(counted.skipped.values())


def _same(cell, text):
    """A cell is its text, but for the zeros that fill a decimal's fraction."""
    plain = PLAIN.fullmatch(cell) and text is not None and PLAIN.fullmatch(text)
    return cell == text or (bool(plain) and Decimal(cell) == Decimal(text))
