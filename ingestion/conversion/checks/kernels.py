"""Which cells of a column break a rule, found in vectors; first comes a proof that none does, as is mostly so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.checks.rules import as_day, as_number, full
from ingestion.conversion.pythonic import values

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestion.conversion.checks.rules import Rule

FEW = 0.1
DIGITS = 80  # more than any type has; Python's own 28 would round
_NUMBER = r"\A-?[0-9]{1,25}(?:\.[0-9]{1,12})?\z"
_NUMBER_TYPE = pa.decimal128(38, 12)
_DAY = r"\A[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])\z"
_INT_BITS = {pa.int8(): 7, pa.int16(): 15, pa.int32(): 31, pa.int64(): 63}

Broken = Any  # a boolean array, true where a cell breaks the rule and null where it is null; None where none does


@dataclass(frozen=True, slots=True)
class Interval:
    """The values of one type from ``low`` to ``high``, both included; None where there is no bound.

    ``nothing`` says that no value of the type lies in it.
    """

    low: pa.Scalar | None = None
    high: pa.Scalar | None = None
    nothing: bool = False

    def broken(self, cells: pa.Array) -> Broken:
        """Return which cells lie outside; null cells do not."""
        if cells.null_count == len(cells):
            return None
        if self.nothing:
            return cells.is_valid()
        ends = pc.min_max(cells)
        below = self.low is not None and pc.less(ends["min"], self.low).as_py()
        above = self.high is not None and pc.greater(ends["max"], self.high).as_py()
        if below and above:
            return pc.or_(pc.less(cells, self.low), pc.greater(cells, self.high))
        if below:
            return pc.less(cells, self.low)
        return pc.greater(cells, self.high) if above else None


def kernel(rule: Rule, kind: pa.DataType, today: date) -> Callable[[pa.Array], Broken]:
    """Return how a rule of one column finds the cells of a type that break it."""
    given = rule.given
    match rule.kind:
        case "not_null":
            return lambda cells: cells.is_null(nan_is_null=True) if _has_nulls(cells) else None
        case "in_list":
            return _remembered(_in_list(given["values"], kind))
        case "range":
            return _range(given.get("min"), given.get("max"), kind)
        case "length":
            return _length(given.get("min", 0), given.get("max"))
        case "regex":
            return _remembered(_regex(given["pattern"]))
        case "date_window":
            first, last = (as_day(given[name], today) if name in given else None for name in ("from", "to"))
            return _window(first, last, kind)
    raise LookupError(rule.kind)


def _has_nulls(cells: pa.Array) -> bool:
    return bool(cells.null_count) or (
        pa.types.is_floating(cells.type) and bool(pc.any(pc.is_nan(cells), min_count=0).as_py())
    )


def as_texts(cells: pa.Array) -> pa.Array:
    """Return cells as text: those of a text column as they are."""
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        return cells
    try:
        return pc.cast(cells, pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([None if value is None else str(value) for value in values(cells)], pa.string())


# ---- values of a list, patterns ----


def _remembered(broken: Callable[[pa.Array], Broken]) -> Callable[[pa.Array], Broken]:
    """Ask only about the different values of a batch, where the batches before had few of them."""
    few = True

    def of_batch(cells: pa.Array) -> Broken:
        nonlocal few
        if not few or not len(cells) or pa.types.is_nested(cells.type) or pa.types.is_boolean(cells.type):
            return broken(cells)
        values = pc.unique(cells)
        few = len(values) <= max(16, FEW * len(cells))
        found = broken(values)
        if found is None:
            return None
        wrong = values.filter(pc.fill_null(found, False))
        return pc.is_in(cells, value_set=wrong) if len(wrong) else None

    return of_batch


def _any(found: pa.Array) -> Broken:
    return found if pc.any(found, min_count=0).as_py() else None


def _in_list(values: list[Any], kind: pa.DataType) -> Callable[[pa.Array], Broken]:
    """Compare as the column's type where all values of the list are of it, else as texts."""
    listed = _typed(values, kind)

    def broken(cells: pa.Array) -> Broken:
        own = cells if listed.type == cells.type else as_texts(cells)
        inside = pc.is_in(own, value_set=listed if listed.type == own.type else listed.cast(own.type))
        return _any(pc.and_(pc.invert(inside), cells.is_valid()))

    return broken


def _typed(values: list[Any], kind: pa.DataType) -> pa.Array:
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pa.array(texts, kind)
    try:
        if pa.types.is_decimal(kind):
            return pa.array([Decimal(text) for text in texts], kind)
        return pc.cast(pa.array(texts, pa.string()), kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ArithmeticError, ValueError):
        return pa.array(texts, pa.string())


def _regex(pattern: str) -> Callable[[pa.Array], Broken]:
    whole = full(pattern)

    def broken(cells: pa.Array) -> Broken:
        return _any(pc.invert(pc.match_substring_regex(as_texts(cells), whole)))

    return broken


def _length(least: int, most: int | None) -> Callable[[pa.Array], Broken]:
    """Count characters; the number of bytes, which is quicker to tell, proves most columns."""

    def broken(cells: pa.Array) -> Broken:
        texts = as_texts(cells)
        if texts.null_count == len(texts):
            return None
        ends = pc.min_max(pc.binary_length(texts)).as_py()
        short_enough = most is None or ends["max"] <= most
        if short_enough and (least <= 1 or ends["min"] >= 4 * least) and ends["min"] >= least:
            return None
        lengths = pc.utf8_length(texts)
        too_short = pc.less(lengths, least)
        return _any(too_short if most is None else pc.or_(too_short, pc.greater(lengths, most)))

    return broken


# ---- ranges ----


def _range(least: Any, most: Any, kind: pa.DataType) -> Callable[[pa.Array], Broken]:
    bounds = [bound for bound in (least, most) if bound is not None]
    if all(as_number(bound) is not None for bound in bounds):
        low, high = as_number(least), as_number(most)
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return _of_texts(_NUMBER, _NUMBER_TYPE, interval(low, high, _NUMBER_TYPE))
        if not (pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_floating(kind)):
            return _all_broken
        return interval(low, high, kind).broken
    first, last = (None if bound is None else _day_or_none(str(bound)) for bound in (least, most))
    if (least is not None and first is None) or (most is not None and last is None):
        return _all_broken
    return _window(first, last, kind)


def _day_or_none(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _all_broken(cells: pa.Array) -> Broken:
    """Break on every value: the column is not of a kind that the rule could compare."""
    return None if cells.null_count == len(cells) else cells.is_valid()


def interval(low: Decimal | None, high: Decimal | None, kind: pa.DataType) -> Interval:
    """Return the numbers of a type between two bounds, which may have more digits than the type."""
    if pa.types.is_floating(kind):
        return Interval(
            _scalar(None if low is None else float(low), kind), _scalar(None if high is None else float(high), kind)
        )
    scale = kind.scale if pa.types.is_decimal(kind) else 0
    with localcontext() as context:
        context.prec = max([DIGITS, *(len(bound.as_tuple().digits) for bound in (low, high) if bound is not None)])
        step = Decimal(1).scaleb(-scale)
        largest = Decimal(10**kind.precision - 1).scaleb(-scale) if pa.types.is_decimal(kind) else _largest(kind)
        smallest = -largest if pa.types.is_decimal(kind) else _smallest(kind)
        low = None if low is None else (low / step).to_integral_value(ROUND_CEILING) * step
        high = None if high is None else (high / step).to_integral_value(ROUND_FLOOR) * step
    if (low is not None and low > largest) or (high is not None and high < smallest):
        return Interval(nothing=True)
    if low is not None and high is not None and low > high:
        return Interval(nothing=True)
    return Interval(
        None if low is None or low <= smallest else _number(low, kind),
        None if high is None or high >= largest else _number(high, kind),
    )


def _largest(kind: pa.DataType) -> Decimal:
    return Decimal(2 ** (kind.bit_width - pa.types.is_signed_integer(kind)) - 1)


def _smallest(kind: pa.DataType) -> Decimal:
    return Decimal(-(2 ** (kind.bit_width - 1))) if pa.types.is_signed_integer(kind) else Decimal(0)


def _scalar(value: Any, kind: pa.DataType) -> pa.Scalar | None:
    return None if value is None else pa.scalar(value, kind)


def _number(value: Decimal, kind: pa.DataType) -> pa.Scalar:
    return pa.scalar(int(value), kind) if pa.types.is_integer(kind) else pa.scalar(value, kind)


def _window(first: date | None, last: date | None, kind: pa.DataType) -> Callable[[pa.Array], Broken]:
    """Return the check of days, both included; of a time, its day counts."""
    if pa.types.is_date(kind):
        return Interval(_scalar(first, kind), _scalar(last, kind)).broken
    if pa.types.is_timestamp(kind):
        zone = UTC if kind.tz else None
        low = None if first is None else pa.scalar(datetime(first.year, first.month, first.day, tzinfo=zone), kind)
        if last is None:
            return Interval(low).broken
        after = last + timedelta(days=1)
        end = pa.scalar(datetime(after.year, after.month, after.day, tzinfo=zone), kind)
        before = pa.scalar(end.cast(pa.timestamp(kind.unit, kind.tz)).value - 1, pa.int64()).cast(kind)
        return Interval(low, before).broken
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        days = Interval(_scalar(first, pa.date32()), _scalar(last, pa.date32()))
        return _of_texts(_DAY, pa.date32(), days)
    return _all_broken


def _of_texts(pattern: str, kind: pa.DataType, allowed: Interval) -> Callable[[pa.Array], Broken]:
    """Check a column of texts: those that are no such values at all break the rule too."""

    def broken(cells: pa.Array) -> Broken:
        fits = pc.match_substring_regex(cells, pattern)
        values = pc.if_else(fits, cells, pa.scalar(None, cells.type))
        found = _cast(values, kind)
        outside = allowed.broken(found)
        wrong = pc.and_(found.is_null(), cells.is_valid())
        return _any(wrong if outside is None else pc.or_(wrong, pc.fill_null(outside, False)))

    return broken


def _cast(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return texts of the right form as values; null for a day that no calendar has, such as 30 February."""
    try:
        return pc.cast(texts, kind)
    except pa.ArrowInvalid:
        found = [None if text is None else _day_or_none(text) for text in texts.to_pylist()]
        return pa.array(found, kind)
