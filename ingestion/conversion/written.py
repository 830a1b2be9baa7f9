"""How a text writes its amounts and dates, gathered over the columns: the decisions on decimal sign and date order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestion.conversion.typing.render import UnknownRule, notation_of
from ingestion.conversion.values import Decision, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingestion.conversion.values import Column

NAMED_COLUMNS = 3
_SIGNS = {"point": "comma", "comma": "point"}
_ORDERS = {"D": "day first", "M": "month first", "Y": "year first"}
_ISO = "YYYY-MM-DD"


def how_written(columns: Sequence[Column]) -> Iterator[Decision]:
    """Yield a decision on the decimal sign and one on the order of dates, as far as columns have them.

    Both are settled column by column, on every cell: a column of which some cell could be read in both ways is text.
    """
    signs: dict[str, list[Column]] = {}
    orders: dict[str, list[Column]] = {}
    for column in columns:
        try:
            notation = notation_of(column.rule)
        except UnknownRule:
            continue
        if notation.kind == "decimal":
            signs.setdefault(str(notation.details["point"]), []).append(column)
        elif notation.kind in {"date", "timestamp"} and (date := str(notation.details["date"])) != _ISO:
            orders.setdefault(date, []).append(column)
    if signs:
        evidence = "; ".join(
            f"every cell of {_named(found)} is an amount when read so, and with a {_SIGNS[sign]} some would be none"
            for sign, found in signs.items()
        )
        yield _decision("decimal sign", signs, evidence, _SIGNS[next(iter(signs))])
    if orders:
        evidence = "; ".join(
            f"every cell of {_named(found)} is a day of the calendar when read so" for found in orders.values()
        )
        shown = {f"{form} ({_ORDERS[form[0]]})": found for form, found in orders.items()}
        yield _decision("date order", shown, evidence, _other(next(iter(orders))))


def _decision(name: str, found: dict[str, list[Column]], evidence: str, second: str) -> Decision:
    """Return one decision; where columns differ, each way is the other's runner-up."""
    return Decision(
        name=name,
        value=" and ".join(found),
        confidence=0.99,
        evidence=evidence,
        runner_up=second if len(found) == 1 else None,
    )


def _other(form: str) -> str:
    """Return the form with day and month in the other order; eight digits could be whole numbers just as well."""
    return "whole numbers" if form == "YYYYMMDD" else form.translate(str.maketrans("DM", "MD"))


def _named(columns: Sequence[Column]) -> str:
    names = ", ".join(f'"{shortened(column.name)}"' for column in columns[:NAMED_COLUMNS])
    more = len(columns) - NAMED_COLUMNS
    return f"{names} and {more:,} more" if more > 0 else names
