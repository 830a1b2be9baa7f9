"""Which texts become which type, rule by rule, and which stay text."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.conversion import convert
from ingestion.conversion.typing.column import TextColumn


def typed(cells: list[str | None], name: str = "value"):
    column = TextColumn(name)
    array = pa.array(cells, pa.string())
    column.look(array)
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
        (["1.5", "2.25", "3"], "decimal(3,2) point, shorter fractions filled with zeros", [Decimal("1.50"), Decimal("2.25"), Decimal("3.00")]),
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
        (["", "5"], "int64, blank cells are null", [None, 5]),
        (["  ", "5"], "int64, blank cells are null", [None, 5]),
        ([" 5", "7 "], "int64, spaces around it dropped", [5, 7]),
        ([None, None], "null", [None, None]),
        (["1.234.567,89", "0,10"], "decimal(9,2) comma, group '.'", [Decimal("1234567.89"), Decimal("0.10")]),
        (["1\u202f250,00", "3,50"], "decimal(6,2) comma, group '\\u202f'", [Decimal("1250.00"), Decimal("3.50")]),
        (["1 250.00", "3.50"], "decimal(6,2) point, group ' '", [Decimal("1250.00"), Decimal("3.50")]),
        (["1,234", "2,345,678"], "decimal(7,0) point, group ','", [Decimal(1234), Decimal(2345678)]),
        (["1.234", "0.5"], "decimal(4,3) point, shorter fractions filled with zeros", [Decimal("1.234"), Decimal("0.500")]),
        (["9" * 38, "-1"], "decimal128(38,0) integer", [Decimal("9" * 38), Decimal(-1)]),
        (["9" * 36 + ".12"], "decimal(38,2) point", [Decimal("9" * 36 + ".12")]),
        (["29.02.2024", "01.01.0001", "31.12.9999"], "date DD.MM.YYYY", [date(2024, 2, 29), date.min, date.max]),
        (["2026/10/31", "2026/01/02"], "date YYYY/MM/DD", [date(2026, 10, 31), date(2026, 1, 2)]),
        (["3/31/2026", "11/1/2026"], "date M/D/YYYY", [date(2026, 3, 31), date(2026, 11, 1)]),
        (["31-03-2026"], "date DD-MM-YYYY", [date(2026, 3, 31)]),
        (["2026-10-31T23:30:00+01:00"], "timestamp YYYY-MM-DDTHH:MM:SS offset +01:00",
         [datetime(2026, 10, 31, 22, 30, tzinfo=UTC)]),
        (["31.10.2026 10:15"], "timestamp DD.MM.YYYY HH:MM", [datetime(2026, 10, 31, 10, 15)]),  # noqa: DTZ001
        (["10:15:00", "23:59:59"], "time HH:MM:SS", [time(10, 15), time(23, 59, 59)]),
        (["10:15:00.250"], "time HH:MM:SS.fff", [time(10, 15, 0, 250_000)]),
        (["1.1", "1.10"], "decimal(3,2) point, shorter fractions filled with zeros", [Decimal("1.10"), Decimal("1.10")]),
    ],
)  # fmt: skip
def test_a_column_becomes(cells, rule, values):
    column, array = typed(cells)
    assert column.column().rule == rule
    assert array.to_pylist() == values


@pytest.mark.parametrize(
    "cells",
    [
        ["- 5", "5"], ["5 -", "5"], ["-0,00", "1,00"], ["(0.00)", "1.00"], ["+1.00", "2.00"], ["\u22125", "5"],
        ["١٢٣", "٤"], ["１２", "3"], ["1.23.456,7", "1,0"], ["12,34.5", "1.0"], ["1,2345.6", "1.0"], ["1.234,5.6"],
        [".5", "1.5"], ["5.", "1.5"], ["€ 5.00", "1.00"], ["5 %", "1"], ["5%", "1%"], ["1e3", "5"], ["0x1F", "1"],
        ["1_000", "5"], ["inf", "1"], ["NaN", "1"], ["9" * 39, "1"], ["9" * 37 + ".12", "1.00"], ["1-2", "3"],
        ["-1.00", "1.00-"], ["(1.00)", "-1.00"], ["1,5", "1.5"], ["--1", "2"], ["1 000", "1\u00a0000"], ["1  000"],
        ["00.5", "1.5"], ["007.50"], ["-007"], ["31.02.2026"], ["29.02.2023"], ["0000-01-01"], ["00.00.0000"],
        ["1.2.2026"], ["31.10.26"], ["2026-1-2"], ["2026-10-31Z"], ["2026-13-01"], ["31/10/26"], ["13/13/2026"],
        ["2026-10-31T24:00:00"], ["2026-10-31T10:15:60"], ["2026-10-31T10:15:00.5", "2026-10-31T10:15:00.50"],
        ["2026-10-31T10:15:00Z", "2026-10-31T10:15:00+00:00"], ["2300-01-01T00:00:00.000000001"],
        ["1600-01-01T00:00:00.123456789"], ["0001-01-01T00:00:00+14:00"], ["9999-12-31T23:59:59-01:00"],
        ["9:15:00"], ["24:00:00"], ["10:15:00.5", "10:15:00.50"], ["10:15"], ["yes", "no"], ["X", "Y"],
        ["TRUE", "true"], ["1", "true"], ["2026-10-31", "31.10.2026"], ["20261031", "00000000"], ["20261031"] * 3 + ["x"],
    ],
)  # fmt: skip
def test_a_column_stays_text(cells):
    column, array = typed(cells)
    assert column.column().rule == "string"
    assert array.to_pylist() == cells


def test_one_date_repeated_does_not_exclude_chance():
    column, _ = typed(["20261031"] * 50)
    assert column.column().rule == "int64"


@pytest.mark.parametrize(
    ("name", "cells", "is_text"),
    [
        ("Gliederung", ["1.1", "1.10"], True),
        ("VersionNo", ["1.1", "1.10", "1.2"], True),
        ("Step", [f"1.{n}" for n in range(1, 12)], True),
        ("Step", ["1.5", "1.50", "2.25"], False),
        ("Amount", [f"1.{n}" for n in range(1, 12)], False),
        ("Version", ["1.1", "1.2"], False),
    ],
)
def test_texts_that_differ_by_trailing_zeros_are_keys_only_where_the_column_looks_like_one(name, cells, is_text):
    _, array = typed(cells, name)
    assert (array.to_pylist() == cells) == is_text


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
