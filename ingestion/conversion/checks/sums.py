"""Exact sums of columns, a batch at a time."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING

import pyarrow as pa

from ingestion.conversion import functions as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

_SAFE = 1 << 40
_TEXT = r"\A-?[0-9]{1,25}(?:\.[0-9]{1,12})?\z"
_WIDE = pa.decimal128(38, 12)
DIGITS = 80
_SAFE_DIGITS, _MAX_DIGITS = 30, 76  # so many rows as a batch has do not overflow 38 digits


class Sum:
    """The sum of a column's values; ``value`` is None where it cannot be told, and ``why`` says so.

    Whole numbers and decimals are added exactly. Numbers that are floats at the source are added as the exact
    fractions that they are, and then rounded to 12 places. A column of texts can be summed while all of them are
    plain numbers such as ``-1234.56``.
    """

    def __init__(self, field: pa.Field) -> None:
        """Begin at nothing."""
        self._total = Decimal(0)
        self._fraction = Fraction(0)
        self._kind = field.type
        self.why = "" if _is_summable(field.type) else f"it is {field.type}, not a number."

    @property
    def value(self) -> Decimal | None:
        """The sum so far."""
        if self.why:
            return None
        if not pa.types.is_floating(self._kind):
            return self._total
        with localcontext() as context:
            context.prec = DIGITS
            exact = Decimal(self._fraction.numerator) / Decimal(self._fraction.denominator)
            return round(exact, 12).normalize()

    def add(self, cells: pa.Array, batch: pa.RecordBatch | None = None, out: Sequence[int] = ()) -> None:
        """Add a batch's values but for the rows that are left out."""
        if self.why or cells.null_count == len(cells):
            return
        self._add(cells)
        if out:
            self._add(cells.take(pa.array(list(out), pa.int64())), sign=-1)

    def _add(self, cells: pa.Array, sign: int = 1) -> None:
        kind = cells.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            plain = pc.match_substring_regex(cells, _TEXT)
            if not pc.all(plain, min_count=0).as_py():
                odd = cells.filter(pc.invert(plain)).drop_null()[0].as_py()
                self.why = f"it is text, and {odd[:40]!r} is no plain number."
                return
            cells = pc.cast(cells, _WIDE)
        elif pa.types.is_floating(kind):
            self._add_floats(cells, sign)
            return
        elif pa.types.is_integer(kind):
            ends = pc.min_max(cells).as_py()
            if ends["min"] is not None and max(-ends["min"], ends["max"]) > _SAFE:
                cells = pc.cast(cells, pa.decimal128(38, 0))
        elif pa.types.is_decimal128(kind) and kind.precision > _SAFE_DIGITS:
            cells = pc.cast(cells, pa.decimal256(_MAX_DIGITS, kind.scale))
        found = pc.sum(cells).as_py()
        if found is not None:
            with localcontext() as context:
                context.prec = DIGITS
                self._total += sign * Decimal(found)

    def _add_floats(self, cells: pa.Array, sign: int) -> None:
        for value in cells.drop_null().to_pylist():
            if value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124  (NaN is not itself)
                self.why = "it holds a value that is no number."
                return
            self._fraction += sign * Fraction(value)


def _is_summable(kind: pa.DataType) -> bool:
    tests = (pa.types.is_integer, pa.types.is_decimal, pa.types.is_floating, pa.types.is_string, pa.types.is_null)
    return any(test(kind) for test in (*tests, pa.types.is_large_string))
