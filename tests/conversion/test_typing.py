"""The one test of the rules: whatever type a column gets, its values give every cell's text back."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.conversion import Options, convert
from ingestion.conversion.typing.column import TextColumn


def typed(cells: list[str | None], name: str = "value"):
    column = TextColumn(name)
    array = pa.array(cells, pa.string())
    column.look(array, 1)
    column.decide()
    return column, column.cast(array)


@pytest.mark.parametrize(
    ("cells", "rule", "values"),
    [
        (["1", "-20", None], "int64", [1, -20, None]),
        (["9223372036854775808", "1"], "decimal128(38,0) integer", [Decimal(2**63), Decimal(1)]),
        (["000123", "456"], "string", ["000123", "456"]),
        (["+49", "1"], "string", ["+49", "1"]),
        (["-0", "5"], "string", ["-0", "5"]),
        (["12E5", "3"], "string", ["12E5", "3"]),
        (["NA", "DE"], "string", ["NA", "DE"]),
        (["1.5", "2.25", "3"], "decimal(3,2) point", [Decimal("1.50"), Decimal("2.25"), Decimal("3.00")]),
        (["1.234,56-", "7,10"], "decimal(6,2) comma, group '.', minus behind", [Decimal("-1234.56"), Decimal("7.10")]),
        (["(1,250.00)", "3.50"], "decimal(6,2) point, group ',', minus parentheses", [Decimal("-1250.00"), Decimal("3.50")]),
        (["1'250.00", "3.50"], "decimal(6,2) point, group \"'\"", [Decimal("1250.00"), Decimal("3.50")]),
        (["1\u00a0250,00", "3,50"], "decimal(6,2) comma, group '\\xa0'", [Decimal("1250.00"), Decimal("3.50")]),
        (["1250.00", "1,250.00"], "string", ["1250.00", "1,250.00"]),
        (["0,00-", "1,00"], "string", ["0,00-", "1,00"]),
        (["true", "false"], "bool true/false", [True, False]),
        (["true", "False"], "string", ["true", "False"]),
        (["0", "1"], "int64", [0, 1]),
        (["Y", "N"], "string", ["Y", "N"]),
        (["2026-10-31"], "date YYYY-MM-DD", [date(2026, 10, 31)]),
        (["31.10.2026"], "date DD.MM.YYYY", [date(2026, 10, 31)]),
        (["2026-02-30"], "string", ["2026-02-30"]),
        (["10/31/2026", "01/02/2026"], "date MM/DD/YYYY", [date(2026, 10, 31), date(2026, 1, 2)]),
        (["31/10/2026", "01/02/2026"], "date DD/MM/YYYY", [date(2026, 10, 31), date(2026, 2, 1)]),
        (["31/10/2026", "10/31/2026"], "string", ["31/10/2026", "10/31/2026"]),
        (["20261031", "20261101", "00000000", "20261103", "99991231"], "date YYYYMMDD, 00000000 is null",
         [date(2026, 10, 31), date(2026, 11, 1), None, date(2026, 11, 3), date(9999, 12, 31)]),
        (["20261031", "20261032", "20261101", "20261102", "20261103"], "int64",
         [20261031, 20261032, 20261101, 20261102, 20261103]),
        (["20261031"], "int64", [20261031]),
        (["2026-10-31 10:15:00"], "timestamp YYYY-MM-DD HH:MM:SS", [datetime(2026, 10, 31, 10, 15)]),  # noqa: DTZ001
        (["2026-10-31 10:15:00", "2026-10-31T10:15:00"], "string", ["2026-10-31 10:15:00", "2026-10-31T10:15:00"]),
        (["2026-10-31T10:15:00Z", "2026-10-31T10:15:00+01:00"], "string",
         ["2026-10-31T10:15:00Z", "2026-10-31T10:15:00+01:00"]),
        (["", "x"], "string", ["", "x"]),
        (["", "5"], "int64", [None, 5]),
        ([None, None], "null", [None, None]),
        (["1.1", "1.10"], "decimal(3,2) point", [Decimal("1.10"), Decimal("1.10")]),
    ],
)  # fmt: skip
def test_a_column_becomes(cells, rule, values):
    column, array = typed(cells)
    assert column.column().rule == rule
    assert array.to_pylist() == values


def test_a_version_whose_texts_differ_by_zeros_only_stays_text():
    _, array = typed(["1.1", "1.10"], name="Version")
    assert array.to_pylist() == ["1.1", "1.10"]


@pytest.mark.parametrize(
    ("cells", "code"), [(["1.234", "5.678"], "AMBIGUOUS_NUMBER"), (["01/02/2026", "03/04/2026"], "AMBIGUOUS_DATE")]
)
def test_what_can_be_read_in_two_ways_stays_text_and_warns(cells, code):
    column, array = typed(cells)
    assert array.to_pylist() == cells
    assert [warning.code for warning in column.warnings] == [code]


def rendered(rule: str, value) -> str | None:
    """Write a value back by the column's rule: the other half of the promise."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        yes, no = rule.removeprefix("bool ").split("/")
        return yes if value else no
    if isinstance(value, int) or "integer" in rule:
        return str(int(value))
    if isinstance(value, Decimal):
        point = "," if "comma" in rule else "."
        text = f"{abs(value):,f}" if "group" in rule else f"{abs(value):f}"
        group = rule.split("group '")[1][0] if "group '" in rule else ""
        text = text.replace(",", "\0").replace(".", point).replace("\0", group)
        return f"{text}-" if value < 0 and "behind" in rule else f"-{text}" if value < 0 else text
    form = rule.removeprefix("date ")
    return value.strftime({"YYYY-MM-DD": "%Y-%m-%d", "DD.MM.YYYY": "%d.%m.%Y", "YYYYMMDD": "%Y%m%d"}[form])


amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=2, allow_nan=False, allow_infinity=False)
COLUMNS = st.one_of(
    st.lists(st.integers(-(2**70), 2**70).map(str), min_size=5, max_size=5),
    st.lists(amounts.map(lambda d: rendered("decimal point", abs(d))), min_size=5, max_size=5),
    st.lists(amounts.map(lambda d: rendered("decimal comma, group '.', minus behind", d)), min_size=5, max_size=5),
    st.lists(st.dates(date(1900, 1, 1), date(2100, 12, 31)).map(lambda d: d.strftime("%d.%m.%Y")), min_size=5, max_size=5),
    st.lists(st.dates(date(1900, 1, 1), date(2099, 12, 31)).map(lambda d: d.strftime("%Y%m%d")), min_size=5, max_size=5),
    st.lists(st.from_regex(r"\A0*[0-9]{1,12}\Z"), min_size=5, max_size=5),
    st.lists(st.sampled_from(["true", "false"]), min_size=5, max_size=5),
    st.lists(st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12), min_size=5, max_size=5),
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(columns=st.lists(COLUMNS, min_size=2, max_size=5), delimiter=st.sampled_from([";", "\t", "|"]))
def test_every_cell_of_a_file_can_be_read_back(tmp_path: Path, columns, delimiter):
    names = [f"Column {index}" for index in range(len(columns))]
    rows = list(zip(*columns, strict=True))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerows([names, *rows])
    source = tmp_path / "in.csv"
    source.write_bytes(text.getvalue().encode())
    options = Options(encoding="utf-8", delimiter=delimiter, header_row=1)
    report = convert(source, tmp_path / "out.parquet", options=options)
    table = pq.read_table(tmp_path / "out.parquet")
    assert report.rows.read == report.rows.loaded == len(rows)
    for column, cells in zip(report.columns, columns, strict=True):
        values = table[column.name].to_pylist()
        spaces = "spaces" in column.rule
        back = [rendered(column.rule.removesuffix(", spaces around it dropped"), value) for value in values]
        assert [text or "" for text in back] == [cell.strip() if spaces else cell for cell in cells], column.rule


@pytest.mark.parametrize(
    ("usual", "trap"),
    [("12345", "012345"), ("12.50", "12,50"), ("7", "NA"), ("15", "12E5"), ("2026-10-31", "2026-02-30")],
)
def test_a_trap_in_the_last_of_many_rows_is_kept_and_reported(tmp_path, usual, trap):
    source = tmp_path / "many.csv"
    source.write_text("k;v\n" + f"a;{usual}\n" * 200_000 + f"z;{trap}\n")
    report = convert(source, tmp_path / "out.parquet")
    values = pq.read_table(tmp_path / "out.parquet")["v"]
    assert values[-1].as_py() == trap
    assert values[0].as_py() == usual
    assert report.rows.loaded == 200_001
