"""Kinds of change, presets and formats: what becomes of the file, and that all files stay one typed table."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
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
    "columns that differ by capitals": Case(
        "new_column", (*NAMES, "Qty", "qTY"), [(*row, row[4] + 100, row[4] + 200) for row in LATER], GROWS
    ),
    "leading zeros appear": Case("changed_kind", NAMES, changed("qty", "007", "008"), ASKS),
    "truth to number": Case("changed_kind", NAMES, changed("paid", 1, 0), ASKS),
    "integer to truth": Case("changed_kind", NAMES, changed("qty", True, False), ASKS),
    "a time zone appears": Case(
        "changed_kind", NAMES, changed("day", "2026-03-01T08:30:00Z", "2026-03-02T00:00:01Z"), ASKS
    ),
    "times of day as texts among days": Case(
        "changed_kind", NAMES, changed("day", "2026-03-01 08:30:00", "2026-03-02 00:00:01"), ASKS, ("xlsx",)
    ),
    "text column of truths": Case("narrowed", NAMES, changed("name", True, False), SAME, ("json", "xlsx")),
    "days beside times": Case(
        "widened", NAMES, changed("day", moment("2026-03-01 08:30:00"), DAY(2026, 3, 2)), GROWS, ("xlsx",)
    ),
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


AMOUNTS = ("1.5", "2.25", "3.125", "4.0625", "123456789012345678.5", "5.00000001")


@pytest.mark.parametrize("kind", FORMATS)
def test_decimals_grow_file_by_file_and_stay_amounts(tmp_path: Path, kind: str) -> None:
    lake = Lake(tmp_path)
    sent = [[(1, 3), (2, 4)], *([(at, D(text)), (at + 100, 7)] for at, text in enumerate(AMOUNTS, 3))]
    if kind == "xlsx":
        sent = [rows for rows in sent if rows[0][1] < 10**15]  # its numbers have 15 digits
    for number, rows in enumerate(sent):
        assert lake.load(written(tmp_path / f"{number}.{kind}", ("id", "qty"), rows)) in {"same", "evolved"}
    assert pa.types.is_decimal(lake.contract.column("qty").kind)
    _holds(lake, [dict(zip(("id", "qty"), row, strict=True)) for rows in sent for row in rows])


MISSING_THEN_BACK = [
    (NAMES, FIRST),
    without("qty"),
    (NAMES, LATER),
    without("note"),
    (NAMES, changed("qty", 10**18, 5)),
]
EMPTY_THEN_TYPED = [
    (("id", "x"), [(1, None), (2, None)]),
    (("id", "x"), [(3, 4), (4, 5)]),
    (("id", "x"), [(5, D("1.5")), (6, None)]),
    (("id", "x"), [(7, "many"), (8, "few")]),
    (("id", "x"), [(9, "007"), (10, "1e5")]),
]
TWO_AT_ONCE = [
    (NAMES, FIRST),
    ((*NAMES, "tax"), [(*row, D("0.19")) for row in changed("qty", D("1.5"), D("2.25"))]),
    (without("note")[0], [(*row[:4], "many", row[6]) for row in LATER]),
    (NAMES[::-1], [row[::-1] for row in changed("amount", D("1.125"), D("2.5"))]),
]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "files", [MISSING_THEN_BACK, EMPTY_THEN_TYPED, TWO_AT_ONCE], ids=["missing then back", "empty then typed", "two"]
)
def test_after_change_upon_change_all_files_are_one_table(
    tmp_path: Path, files: list[tuple[tuple[str, ...], list[tuple[Any, ...]]]], kind: str
) -> None:
    lake = Lake(tmp_path)
    for number, (names, rows) in enumerate(files):
        lake.contract = preset(lake.contract, "open") if lake.contract.version else lake.contract
        assert lake.load(written(tmp_path / f"{number}.{kind}", names, rows)) in {"same", "evolved"}
    _holds(lake, [dict(zip(names, row, strict=True)) for names, rows in files for row in rows])


STRUCTS: dict[str, tuple[list[Any], list[Any]]] = {
    "a field more": ([{"a": 1}], [{"a": 2, "b": "x"}]),
    "a field less": ([{"a": 1, "b": "x"}], [{"a": 2}]),
    "a wider field": ([{"a": 1}], [{"a": D("1.5")}]),
    "a field of another kind": ([{"a": 1}], [{"a": "x"}]),
    "a struct to a number": ([{"a": 1}], [5]),
    "a number to a struct": ([5], [{"a": 1}]),
    "items of another kind": ([[1, 2]], [["a", None]]),
    "wider items": ([[1, 2], []], [[D("1.5"), None]]),
    "structs in a list grow": ([[{"a": 1}]], [[{"a": 1, "b": {"c": True}}], []]),
    "a number to a list": ([5], [[5]]),
}


@pytest.mark.parametrize("files", STRUCTS.values(), ids=STRUCTS)
def test_what_lies_in_one_another_changes_and_is_still_read_by_both_engines(
    tmp_path: Path, files: tuple[list[Any], list[Any]]
) -> None:
    lake = Lake(tmp_path)
    for number, cells in enumerate(files):
        lake.contract = preset(lake.contract, "open") if lake.contract.version else lake.contract
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps([{"id": at, "o": cell} for at, cell in enumerate(cells)], default=float))
        assert lake.load(path) in {"same", "evolved"}, lake.changes
    one, two = lake.arrow(), lake.duckdb()
    assert one.schema.types == lake.contract.schema().types
    assert one.to_pylist() == two.to_pylist()
    sent = [cell for cells in files for cell in cells]
    assert [_bare(cell) for cell in one["o"].to_pylist()] == [_bare(cell) for cell in sent]


def _bare(cell: Any) -> Any:
    """Return what lies in a cell, also in its JSON text, without empty fields, and numbers as texts."""
    if isinstance(cell, str) and cell[:1] in {"{", "["}:
        cell = json.loads(cell, parse_float=D)
    if isinstance(cell, dict):
        return {name: _bare(one) for name, one in cell.items() if one is not None}
    if isinstance(cell, list):
        return [_bare(one) for one in cell]
    return plain(cell)


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


@pytest.mark.parametrize("kind", FORMATS)
def test_a_name_made_for_a_column_is_none_that_the_file_has(tmp_path: Path, kind: str) -> None:
    lake = Lake(tmp_path)
    names = ("qty", "Qty", "Qty_2")
    assert lake.load(written(tmp_path / f"1.{kind}", names, [(1, 2, 3), (4, 5, 6)])) == "evolved"
    assert lake.load(written(tmp_path / f"2.{kind}", names[::-1], [(9, 8, 7), (12, 11, 10)])) == "same"
    assert [(one.name, one.aliases) for one in lake.contract.columns] == [
        ("qty", ()),
        ("Qty_3", ("Qty",)),
        ("Qty_2", ()),
    ]
    rows = sorted(zip(*(lake.duckdb()[name].to_pylist() for name in ("qty", "Qty_3", "Qty_2")), strict=True))
    assert rows == [(1, 2, 3), (4, 5, 6), (7, 8, 9), (10, 11, 12)]


@pytest.mark.parametrize("other", ["Qty", "Menge"])
def test_a_file_may_have_a_column_and_another_of_its_names(tmp_path: Path, other: str) -> None:
    lake = Lake(tmp_path)
    lake.load(written(tmp_path / "1.csv", ("id", "qty"), [(1, 2)]))
    columns = [replace(one, aliases=(other,) if one.name == "qty" else ()) for one in lake.contract.columns]
    lake.contract = replace(lake.contract, columns=tuple(columns))
    assert lake.load(written(tmp_path / "2.csv", ("id", other, "qty"), [(3, 5, 4)])) == "evolved"
    (change,) = [change for change in lake.changes if change.kind == "new_column"]
    assert f'The file calls it "{other}", which is another name of column "qty".' in change.message
    assert lake.load(written(tmp_path / "3.csv", ("id", "qty", other), [(6, 7, 8)])) == "same"
    assert lake.load(written(tmp_path / "4.csv", ("id", other), [(9, 10)])) == "same"
    assert [column.name for column in lake.contract.columns] == ["id", "qty", f"{other}_2"]
    rows = sorted(zip(*(lake.duckdb()[name].to_pylist() for name in ("id", "qty", f"{other}_2")), strict=True))
    assert rows == [(1, 2, None), (3, 4, 5), (6, 7, 8), (9, 10, None)]
