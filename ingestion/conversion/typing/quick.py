"""Amounts and dates of one fixed shape straight from a column's bytes, all cells at once and place by place.

Each reading checks every byte that it takes, so what it returns is exact. Where a cell has another shape it
returns None, which says nothing about the cell: the rule itself, which is much slower, then decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ingestion.conversion.typing.amounts import GROUP, DecimalRule
from ingestion.conversion.typing.base import WORD_DIGITS
from ingestion.conversion.typing.constants import decimal_array, known_in, number_array
from ingestion.conversion.typing.dates import CompactDateRule, DateRule
from ingestion.conversion.typing.eights import Eights

if TYPE_CHECKING:
    from ingestion.conversion.typing.base import Rule

_ZERO, _MINUS = ord("0"), ord("-")
_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
_FOR_EVER = 9999

Ints = np.ndarray[Any, np.dtype[np.int64]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


def is_quick(rule: Rule | None) -> bool:
    """Tell whether ``quick_values`` reads a rule's texts; two rules of one name it reads alike."""
    return isinstance(rule, DecimalRule | CompactDateRule) or (isinstance(rule, DateRule) and rule.form.padded)


def quick_values(rule: Rule, cells: pa.Array) -> pa.Array | None:
    """Return what ``rule.cast`` would of cells that the rule, as it is named now, takes; None if unsure."""
    if isinstance(rule, DecimalRule):
        return _amounts(rule, cells)
    if isinstance(rule, CompactDateRule):
        return _dates(cells, "YYYYMMDD", compact=True, zeros=rule.zeros)
    if isinstance(rule, DateRule) and rule.form.padded:
        return _dates(cells, rule.form.name)
    return None


def _texts(cells: pa.Array) -> tuple[Bytes, Ints, Ints, Flags | None]:
    """Return the bytes, where the cells that are not null begin and end in them, and which cells these are."""
    _, offsets, data = cells.buffers()
    ends = np.frombuffer(offsets, np.int32)[cells.offset : cells.offset + len(cells) + 1].astype(np.int64)
    raw = np.frombuffer(data, np.uint8) if data is not None and data.size else np.empty(0, np.uint8)
    known = known_in(cells) if cells.null_count else None
    first, last = ends[:-1], ends[1:]
    return (raw, first, last, None) if known is None else (raw, first[known], last[known], known)


def _amounts(rule: DecimalRule, cells: pa.Array) -> pa.Array | None:
    """Read amounts whose fractions all have the column's scale."""
    kind, group = rule.type(), rule.group.encode()
    if not rule.even or not rule.scale or rule.sign == "parentheses":
        return None
    if len(group) > 1 or kind.precision > WORD_DIGITS[1]:
        return None
    raw, first, last, known = _texts(cells)
    if not len(first):
        return pa.nulls(len(cells), kind)
    if (last <= first).any():
        return None
    minus = None
    if (raw[first[0] : last[-1]] == _MINUS).any():
        minus = raw.take(first if rule.sign == "front" else last - 1) == _MINUS
        first, last = (first + minus, last) if rule.sign == "front" else (first, last - minus)
    whole = last - first - rule.scale - 1
    shortest, longest = int(whole.min()), int(whole.max())
    if shortest < 1 or longest - (longest // (GROUP + 1) if group else 0) > kind.precision - rule.scale:
        return None
    eights = Eights(raw, first, last)
    words = eights.amounts(whole, rule.scale, ord(rule.point), group[0] if group else None)
    if words is None or (minus is not None and (minus & (words == 0)).any()):
        return None
    return decimal_array(words if minus is None else np.where(minus, -words, words), kind, known=known)


def _dates(cells: pa.Array, form: str, *, compact: bool = False, zeros: bool = False) -> pa.Array | None:
    """Read dates of the form, a letter for a digit; ``zeros``: a date of zeros is null."""
    raw, first, last, known = _texts(cells)
    if not len(first):
        return pa.nulls(len(cells), pa.date32())
    if ((last - first) != len(form)).any():
        return None
    if int(last[-1] - first[0]) != len(form) * len(first):
        return None
    places = raw[first[0] : last[-1]].reshape(-1, len(form))
    parts = {letter: np.zeros(len(first), np.int64) for letter in "YMD"}
    for at, sign in enumerate(form):
        if sign not in parts:
            if (places[:, at] != ord(sign)).any():
                return None
            continue
        digit = places[:, at] - np.uint8(_ZERO)
        if (digit > 9).any():
            return None
        parts[sign] = parts[sign] * 10 + digit
    year, month, day = parts.values()
    kept = None
    if zeros:
        kept = (year != 0) | (month != 0) | (day != 0)
        if kept.all():
            kept = None
        else:
            year, month, day = year[kept], month[kept], day[kept]
    if not _in_calendar(year, month, day) or (compact and not _is_plausible(year, month, day)):
        return None
    return _days(year, month, day, _both(known, kept, len(cells)), len(cells))


def _both(known: Flags | None, kept: Flags | None, size: int) -> Flags | None:
    """Return which of all cells are kept of those that are known."""
    if kept is None:
        return known
    both = np.ones(size, np.bool_) if known is None else known.copy()
    both[both.copy()] = kept
    return both


def _in_calendar(year: Ints, month: Ints, day: Ints) -> bool:
    if not len(year):
        return True
    if year.min() < 1 or month.min() < 1 or month.max() > 12 or day.min() < 1:
        return False
    leap = (month == 2) & (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return bool((day <= _DAYS.take(month) + leap).all())


def _is_plausible(year: Ints, month: Ints, day: Ints) -> bool:
    """Tell whether all are dates that ``CompactDateRule`` takes."""
    centuries = (year >= 1900) & (year <= 2100)
    return bool((centuries | ((year == _FOR_EVER) & (month == 12) & (day == 31))).all())


def _days(year: Ints, month: Ints, day: Ints, known: Flags | None, size: int) -> pa.Array:
    """Return dates as days since 1970 by the proleptic Gregorian calendar, the year counted from March."""
    years = year - (month <= 2)
    era = years // 400
    of_era = years - era * 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    all_days = np.zeros(size, np.int32)
    all_days[slice(None) if known is None else known] = days
    return number_array(all_days, missing=None if known is None else ~known).view(pa.date32())
