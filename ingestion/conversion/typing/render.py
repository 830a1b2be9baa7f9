"""From a value back to the text it came from, by the rule that the report and the Parquet footer name.

``render(rule, parse(rule, text)) == text`` for every cell of a typed column, but for what the rule itself
says was normalised: ``shorter fractions filled with zeros`` (``3`` comes back as ``3.00``), ``spaces around it
dropped``, and ``00000000 is null`` or ``blank cells are null``, which come back as None.

This module stands on the rule's text alone, not on the code that parsed: it is the other half of the promise.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ingestion.slotted import slotted

if TYPE_CHECKING:
    from collections.abc import Callable

NORMALISATIONS = (
    "shorter fractions filled with zeros",
    "spaces around it dropped",
    "blank cells are null",
    "00000000 is null",
)
_DECIMAL = re.compile(
    r"decimal\((?P<precision>\d+),(?P<scale>\d+)\) (?P<point>point|comma)"
    r"(?:, group (?P<group>'[^']+'|\"'\"))?(?:, minus (?P<minus>behind|parentheses))?"
)
_TIMESTAMP = re.compile(
    r"timestamp (?P<date>[DMY./-]+)(?P<between>[T ])(?P<clock>HH:MM(?::SS)?)(?:\.(?P<fraction>f+))?"
    r"(?: offset (?P<offset>\S+))?"
)
_TIME = re.compile(r"time HH:MM:SS(?:\.(?P<fraction>f+))?")
_DATE = re.compile(r"date (?P<date>[DMY./-]+)")
_BOOL = re.compile(r"bool (?P<yes>\w+)/(?P<no>\w+)")
_PARTS = {"YYYY": "{0.year:04d}", "MM": "{0.month:02d}", "DD": "{0.day:02d}", "M": "{0.month}", "D": "{0.day}"}


class UnknownRule(ValueError):
    """The rule's text is not one that a conversion writes, or has no single text for a value."""


@slotted(frozen=True)
class Notation:
    """A rule's text taken apart: its kind, its details by name, and the normalisations that it records."""

    kind: str
    details: dict[str, str | None]
    normalised: tuple[str, ...]


def render(rule: str, value: Any) -> str | None:
    """Return the text from which a value was read; None for null.

    ``value`` is as ``pyarrow``'s ``as_py`` gives it. Raises ``UnknownRule``.
    """
    notation = notation_of(rule)
    return None if value is None else _RENDER[notation.kind](value, notation.details)


def notation_of(rule: str) -> Notation:
    """Take a rule's text apart; raises ``UnknownRule``."""
    bare, normalised = rule, []
    while found := next((text for text in NORMALISATIONS if bare.endswith(f", {text}")), None):
        bare = bare.removesuffix(f", {found}")
        normalised.append(found)
    for kind, pattern in _KINDS.items():
        if match := pattern.fullmatch(bare):
            return Notation(kind, match.groupdict(), tuple(reversed(normalised)))
    raise UnknownRule(f"There is no rule {rule!r}.")


def _text(value: Any, _: dict[str, str | None]) -> str:
    if not isinstance(value, str):
        raise UnknownRule(f"A text was expected, not {type(value).__name__}.")
    return value


def _integer(value: Any, _: dict[str, str | None]) -> str:
    return str(int(value))


def _bool(value: Any, details: dict[str, str | None]) -> str:
    return str(details["yes"] if value else details["no"])


def _decimal(value: Decimal | int, details: dict[str, str | None]) -> str:
    import ast

    value = Decimal(value)  # whole amounts may be stored as integers
    group = ast.literal_eval(details["group"]) if details["group"] else ""
    bare = value.copy_abs()  # abs() would round to 28 digits
    whole, _, fraction = f"{bare:{',' if group else ''}f}".partition(".")
    text = whole.replace(",", group) + (
        {"point": ".", "comma": ","}[str(details["point"])] + fraction if fraction else ""
    )
    if value >= 0:
        return text
    return {"behind": f"{text}-", "parentheses": f"({text})"}.get(str(details["minus"]), f"-{text}")


def _date(value: dt.date, details: dict[str, str | None]) -> str:
    form = re.sub("YYYY|MM|DD|M|D", lambda part: _PARTS[part.group()], str(details["date"]))
    return form.format(value)


def _timestamp(value: dt.datetime, details: dict[str, str | None]) -> str:
    offset = details["offset"] or ""
    clock = value
    if offset and offset != "Z":
        hours, minutes = offset[1:].split(":")
        shift = dt.timedelta(hours=int(hours), minutes=int(minutes))
        clock = value.replace(tzinfo=None) + (-shift if offset[0] == "-" else shift)
    time = f"{clock.hour:02d}:{clock.minute:02d}"
    if details["clock"] == "HH:MM:SS":
        time += f":{clock.second:02d}{_fraction(value, details)}"
    return f"{_date(clock, details)}{details['between']}{time}{offset}"


def _time(value: dt.time, details: dict[str, str | None]) -> str:
    return f"{value.hour:02d}:{value.minute:02d}:{value.second:02d}{_fraction(value, details)}"


def _fraction(value: dt.datetime | dt.time, details: dict[str, str | None]) -> str:
    """Return the digits of a second; nanoseconds come as pandas' Timestamp."""
    digits = len(details["fraction"] or "")
    nanoseconds = value.microsecond * 1000 + getattr(value, "nanosecond", 0)
    return f".{nanoseconds:09d}"[: digits + 1] if digits else ""


def _float(value: float, _: dict[str, str | None]) -> str:
    return repr(value)


_RENDER: dict[str, Callable[[Any, dict[str, str | None]], str]] = {
    "text": _text,
    "bool": _bool,
    "integer": _integer,
    "decimal": _decimal,
    "date": _date,
    "timestamp": _timestamp,
    "time": _time,
    "float": _float,
}
_KINDS = {
    "text": re.compile("string|null|text cells|JSON text|the number's own text|cells of several kinds, as text"),
    "bool": _BOOL,
    "integer": re.compile(r"int64|decimal128\(38,0\) integer"),
    "decimal": _DECIMAL,
    "date": _DATE,
    "timestamp": _TIMESTAMP,
    "time": _TIME,
    "float": re.compile("float"),
}
