"""The one test of the rules: whatever type a column gets, its rule gives every cell's text back from its values."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.conversion import Options, convert
from ingestion.conversion.contract.casts import as_text
from ingestion.conversion.explain import explain
from ingestion.conversion.formats import blocks
from ingestion.conversion.typing.column import TextColumn
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
    options = Options(
        encoding=given_encoding, delimiter=layout.delimiter, quote=layout.quote, header_row=int(layout.header)
    )
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
    options = Options(
        encoding=layout.encoding, delimiter=layout.delimiter, quote=layout.quote, header_row=int(layout.header)
    )
    report = convert(source, out, options=options)
    assert report.rows.balanced
    assert_readable(out, names, usual * repeats + last)
    assert_widened_where_told(report, names, usual * repeats + last)


def assert_widened_where_told(report, names, rows) -> None:
    """Hold each widening against the source: its cell is the first of its column that its rule does not give back."""
    for index, column in enumerate(report.columns[: len(names)]):
        cells = [row[index] for row in rows]
        for one in column.widened:
            assert one.text.strip() in {(cell or "").strip() for cell in cells}
            assert one.line is not None


# ---- JSON ----

NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.integers(-99, 99).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(
        ["-0", "-0.0", "1e5", "12E5", "1E-400", "0.1e1", "1.10", "123456789012345678901234567890123456789012"]
    ),
)
STRINGS = st.one_of(
    st.text(max_size=8).filter(lambda text: not any("\ud800" <= sign <= "\udfff" for sign in text)),
    st.sampled_from(
        ["00123", "NA", "", " ", "true", "2026-10-31", "2026-02-30", "2026-10-31T10:00:00Z", "12E5", "1.50"]
    ),
    st.dates().map(str),
)
SCALARS = st.one_of(NUMBERS, STRINGS.map(json.dumps), st.sampled_from(["true", "false", "null"]))
KINDS = [NUMBERS, STRINGS.map(json.dumps), st.sampled_from(["true", "false"]), SCALARS]


@st.composite
def records(draw):
    """Records as members of JSON texts: each name has one kind of value most of the time, and may be absent."""
    names = draw(st.lists(st.sampled_from(["a", "b", "ü", "c d"]), min_size=1, max_size=3, unique=True))
    kinds = {name: draw(st.sampled_from(KINDS)) for name in names}
    rows = [
        {name: draw(kind) for name, kind in kinds.items() if draw(st.integers(0, 9))}
        for _ in range(draw(st.integers(1, 6)))
    ]
    if draw(st.booleans()):
        rows.append({names[0]: draw(SCALARS)})
    return [row for row in rows if row] or [{"a": "1"}]


def json_text(rows, layout: str, encoding: str) -> bytes:
    objects = ["{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in row.items()) + "}" for row in rows]
    text = {
        "array": "[" + ",".join(objects) + "]",
        "pretty": "[\n  " + ",\n  ".join(objects) + "\n]\n",
        "lines": "\n".join(objects),
        "values": "".join(objects),
        "envelope": '{"count": 3, "value": [' + ",".join(objects) + "]}",
    }[layout]
    return text.encode(encoding)


@settings(max_examples=150, deadline=None, suppress_health_check=QUIET)
@given(
    rows=records(),
    layout=st.sampled_from(["array", "pretty", "lines", "values", "envelope"]),
    encoding=st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_every_value_of_a_json_file_can_be_read_back(tmp_path, rows, layout, encoding):
    source, out = tmp_path / "in", tmp_path / "out.parquet"
    source.write_bytes(json_text(rows, layout, encoding))
    report = convert(source, out)
    table = pq.read_table(out)
    assert report.rows.balanced
    assert table.num_rows == len(rows)
    rules = {column.name: column.rule for column in report.columns}
    for name in {name for row in rows for name in row}:
        for row, value in zip(rows, table[name].to_pylist(), strict=True):
            assert_same(row.get(name, "null"), value, rules[name])


def assert_same(text: str, value, rule: str) -> None:
    """Compare a JSON text with the value that the file holds for it."""
    source = json.loads(text, parse_int=Number, parse_float=Number)
    if source is None:
        assert value is None, rule
    elif rule.startswith("JSON text"):
        assert json.loads(value, parse_int=Number, parse_float=Number) == source, rule
    elif isinstance(source, Number):
        assert_same_number(source, value, rule)
    elif isinstance(value, str | bool):
        assert value == source, rule
    else:
        assert render(rule, value) == source, rule


class Number(str):
    """A number's literal, which is no string's."""

    __slots__ = ()


def assert_same_number(source: str, value, rule: str) -> None:
    if rule == "the number's own text":
        assert value == source
    elif isinstance(value, float):
        assert repr(value) == source
    else:
        assert Decimal(value) == Decimal(source), rule
        assert str(value).startswith(source), rule  # but for zeros that fill up the scale


# ---- a cell at the end of a million ----

TRAPS = [
    ("n", "000123", "begins with a zero"), ("n", "NA", "is a text"), ("n", "12E5", "power of ten"), ("n", '"1,5"', "has decimals"),
    ("n", "9" * 40, "more than the 38 digits"), ("day", "9999-99-99", "no day of the calendar"), ("amount", "1,250.00", ""),
]  # fmt: skip


@pytest.fixture(scope="module")
def million(tmp_path_factory):
    folder = tmp_path_factory.mktemp("million")
    rows = "".join(f"{n},{n % 10_000}.25,2026-10-{n % 28 + 1:02d}\n" for n in range(10_000)) * 100
    return folder, rows


@pytest.mark.parametrize(("column", "cell", "reason"), TRAPS)
def test_a_trap_in_the_last_row_of_a_million_is_never_lost(million, column, cell, reason):
    folder, rows = million
    names = ["n", "amount", "day"]
    last = {
        "n": "7",
        "amount": "1.25",
        "day": "2026-10-31",
        column: cell if "," not in cell else f'"{cell.strip(chr(34))}"',
    }
    source, out = folder / "in.csv", folder / "out.parquet"
    source.write_text("n,amount,day\n" + rows + ",".join(last[name] for name in names) + "\n")
    report = convert(source, out)
    told = next(fact for fact in report.columns if fact.name == column)
    plain = cell.strip('"')
    assert report.rows.loaded == 1_000_001
    value = pq.read_table(out, columns=[column])[column][-1].as_py()
    assert_came_back(told.rule, plain, value)
    assert (told.widened[-1].line, told.widened[-1].text) == (1_000_002, plain)
    sentence = next(line for line in explain(report) if line.startswith(f"- {column}: "))
    assert "All cells before line 1,000,002 could be" in sentence
    assert reason in sentence


def test_a_text_that_is_no_rule_is_refused():
    with pytest.raises(UnknownRule):
        render("as somebody liked it", 5)


@pytest.mark.parametrize(
    "text", ["9" * 36 + ",99", "-" + "1" * 36 + ",11", "0," + "1" * 37, f"{10**35 + 1:,}".replace(",", ".") + ",23-"]
)
def test_all_38_digits_of_an_amount_come_back(text):
    column = TextColumn("amount")
    cells = pa.array([text, "1.000,50", "1,00"] if "." in text else [text], pa.string())
    column.look(cells)
    column.decide()
    rule, values = column.column().rule, column.cast(cells)
    assert render(rule, values[0].as_py()) == text
    assert as_text(values, rule)[0].as_py() == text
