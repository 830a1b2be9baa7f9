"""Kinds of change, presets and formats: what becomes of the file, and that all files stay one typed table."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from tests.conversion.contract.lake import FORMATS, Lake, plain, preset, written

if TYPE_CHECKING:
    from pathlib import Path

D = Decimal
DAY = dt.date
moment = dt.datetime.fromisoformat
NAMES = ("id", "name", "amount", "day", "qty", "note", "paid")
FIRST = [
    (1, "Meier", D("1.50"), DAY(2026, 1, 31), 3, "x", True),
    (2, "Schmidt", D("20.25"), DAY(2026, 2, 1), 40, None, False),
    (3, "Öz", D("300.75"), DAY(2026, 2, 2), 500, "y", True),
]
LATER = [
    (4, "Kaya", D("9.75"), DAY(2026, 3, 1), 7, "z", False),
    (5, "Meier", D("8.25"), DAY(2026, 3, 2), 8, None, True),
]


def changed(column: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return the later rows with other values in one column."""
    at = NAMES.index(column)
    return [(*row[:at], value, *row[at + 1 :]) for row, value in zip(LATER, values, strict=True)]


def without(column: str) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return names and later rows without one column."""
    at = NAMES.index(column)
    return (*NAMES[:at], *NAMES[at + 1 :]), [(*row[:at], *row[at + 1 :]) for row in LATER]


@dataclass(frozen=True)
class Case:
    """A later file, the change that it makes, and what strict, balanced and open do about it."""

    change: str
    names: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    outcomes: tuple[str, str, str]
    formats: tuple[str, ...] = FORMATS


SAME = ("same", "same", "same")
GROWS = ("fail", "evolved", "evolved")
ASKS = ("fail", "ask", "evolved")
CASES = {
    "the same": Case("", NAMES, LATER, SAME),
    "one row": Case("", NAMES, LATER[:1], SAME),
    "no rows": Case("", NAMES, [], SAME, ("csv", "xlsx")),
    "an amount without fractions": Case("narrowed", NAMES, changed("amount", D(4), D(5)), SAME),
    "a larger amount": Case("", NAMES, changed("amount", D("4000000.5"), D("5")), SAME),
    "a text column of numbers": Case("", NAMES, changed("name", "007", "12"), SAME),
    "a nullable column without values": Case("", NAMES, changed("note", None, None), SAME),
    "new column": Case("new_column", (*NAMES, "tax"), [(*row, D("0.19")) for row in LATER], GROWS),
    "new columns in the middle": Case(
        "new_column", ("id", "who", *NAMES[1:]), [(row[0], "me", *row[1:]) for row in LATER], GROWS
    ),
    "nullable column missing": Case("missing_column", *without("note"), ("fail", "same", "same")),
    "column missing": Case("missing_column", *without("qty"), ASKS),
    "integer to amount": Case("widened", NAMES, changed("qty", D("1.5"), D("2.25")), GROWS),
    "more decimals": Case("widened", NAMES, changed("amount", D("1.125"), D("2.5")), GROWS),
    "beyond 64 bits": Case("widened", NAMES, changed("qty", 10**25, 7), GROWS, ("csv", "json")),
    "date to timestamp": Case(
        "widened", NAMES, changed("day", moment("2026-03-01 08:30:00"), moment("2026-03-02 00:00:00")), GROWS
    ),
    "integer to text": Case("changed_kind", NAMES, changed("qty", "many", "few"), ASKS),
    "date to integer": Case("changed_kind", NAMES, changed("day", 17, 18), ASKS),
    "amount to truth": Case("changed_kind", NAMES, changed("amount", True, False), ASKS),
    "truth to text": Case("changed_kind", NAMES, changed("paid", "ja", "nein"), ASKS),
    "another notation": Case("notation", NAMES, changed("day", "31.03.2026", "01.04.2026"), GROWS, ("csv", "json")),
    "dates as texts among cells": Case("", NAMES, changed("day", "31.03.2026", "01.04.2026"), SAME, ("xlsx",)),
    "renamed": Case("renamed", (*NAMES[:2], "amounts", *NAMES[3:]), LATER, ASKS),
    "other capitals": Case("", tuple(name.upper() for name in NAMES), LATER, SAME),
    "reordered": Case(
        "reordered", NAMES[::-1], [row[::-1] for row in LATER], ("fail", "same", "same"), ("csv", "xlsx")
    ),
    "reordered names of records": Case("", NAMES[::-1], [row[::-1] for row in LATER], SAME, ("json",)),
    "an empty cell": Case("new_nulls", NAMES, changed("qty", 7, None), GROWS),
    "a column without values": Case("new_nulls", NAMES, changed("amount", None, None), GROWS),
}
TABLE = [
    pytest.param(case, name, case.outcomes[at], kind, id=f"{label}, {name}, {kind}")
    for label, case in CASES.items()
    for at, name in enumerate(("strict", "balanced", "open"))
    for kind in case.formats
]


@pytest.mark.parametrize(("case", "policy", "outcome", "kind"), TABLE)
def test_each_change_has_its_outcome_and_all_files_stay_one_table(
    tmp_path: Path, case: Case, policy: str, outcome: str, kind: str
) -> None:
    lake = Lake(tmp_path)
    assert lake.load(written(tmp_path / f"first.{kind}", NAMES, FIRST)) == "evolved"
    lake.contract = preset(lake.contract, policy)

    came = lake.load(written(tmp_path / f"later.{kind}", case.names, case.rows))

    assert came == outcome, lake.changes
    assert {change.kind for change in lake.changes} == ({case.change} if case.change else set())
    for change in lake.changes:
        assert change.column in change.message
    rows = [dict(zip(NAMES, row, strict=True)) for row in FIRST]
    if came in {"same", "evolved"}:
        rows += [dict(zip(case.names, row, strict=True)) for row in case.rows]
    _holds(lake, rows)


def _holds(lake: Lake, rows: list[dict[str, Any]]) -> None:
    """Compare all that the lake holds with what was sent, read by two engines with the contract's types."""
    one, two = lake.arrow(), lake.duckdb()
    wanted = [pa.string() if pa.types.is_null(kind) else kind for kind in lake.contract.schema().types]
    assert one.schema.types == lake.contract.schema().types
    assert [kind for kind, agreed in zip(two.schema.types, wanted, strict=True)] == wanted
    assert one.to_pylist() == two.to_pylist()
    for column in lake.contract.columns:
        known = {column.name, *column.aliases, column.name.upper()}
        sent = [next((plain(row[name]) for name in known if name in row), None) for row in rows]
        assert [_read(cell) for cell in one[column.name].to_pylist()] == [_sent(cell) for cell in sent], column.name


def _read(cell: Any) -> Any:
    return plain(cell)


def _sent(cell: Any) -> Any:
    """Return a day that was sent in another notation as ISO."""
    if isinstance(cell, str) and len(cell) == 10 and cell[2] == ".":
        return f"{cell[6:]}-{cell[3:5]}-{cell[:2]}"
    return cell
