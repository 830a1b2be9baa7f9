"""One column of a sheet and the type that holds all of its cells exactly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.formats.books import moments, numbers
from ingestion.conversion.formats.books.cells import (
    DATE,
    EXACT,
    KIND_NAMES,
    NUMBER,
    PADDED,
    STAMP,
    TEXT,
    TRUTH,
    UNCACHED,
    address,
    kinds_in,
)
from ingestion.conversion.typing.column import TextColumn
from ingestion.conversion.typing.constants import EMPTY, number_array, numbers_of, text_array
from ingestion.conversion.values import Column, Notice
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestion.conversion.formats.books.cells import Block, Epoch

SHOWN = 5
_PLAIN_NUMBER = re.compile(r"-?\d{1,20}(\.\d{1,20})?")


@slotted(frozen=True, kw_only=True)
class Place:
    """Where a column stands (from 0), how its days are counted, and what of its texts.

    ``typed_texts``: they may be typed as a CSV's are; ``null_values``: texts, and numbers of such texts, that the
    caller calls null.
    """

    col: int
    epoch: Epoch
    typed_texts: bool = False
    null_values: tuple[str, ...] = ()


class SheetColumn:
    """A column's values, packed, and the rows they stand in."""

    def __init__(self, name: str, cells: Block, texts: pa.Array, place: Place) -> None:
        """``cells`` are those of the body, which hold neither errors nor formulas without a value."""
        self.name = name
        self.note = ""
        self._text: TextColumn | None = None
        self.warnings: list[Notice] = []
        self._col, self._epoch, self._typed_texts = place.col, place.epoch, place.typed_texts
        if place.null_values:
            cells = cells.only(~_named_null(cells, texts, place.null_values))
        kinds = moments.settled(cells.kinds, cells.values, epoch=self._epoch)
        rows, kinds, values = self._without_blanks(cells, kinds, texts)
        self.rows = rows
        self.values, self.rule = self._typed(kinds, values, texts)
        if self.values.type == pa.large_string() and self.values.nbytes < 2**30:
            self.values = pc.cast(self.values, pa.string())

    @property
    def type(self) -> pa.DataType:
        """The Arrow type."""
        return self.values.type

    def _without_blanks(
        self, cells: Block, kinds: NDArray[np.uint8], texts: pa.Array
    ) -> tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.float64]]:
        """Drop what means nothing in a column of values: empty texts of formulas, and the zero of an empty date.

        A zero that no date format shows is a number, also among dates, and keeps the column from being dates.
        """
        rows, values = cells.rows, cells.values
        found = np.bincount(kinds, minlength=len(KIND_NAMES))
        drop = np.zeros(len(kinds), bool)
        if found[TEXT] and found[TEXT] < len(kinds):
            at = np.flatnonzero(kinds == TEXT)
            empty = numbers_of(pc.equal(texts.take(number_array(values[at].astype(np.int64))), EMPTY))
            drop[at[empty]] = True
        if found[NUMBER] and found[DATE] + found[STAMP] and self._epoch == "1900":
            zero = (kinds == NUMBER) & (values == 0) & ((cells.kinds == DATE) | (cells.kinds == STAMP))
            if zero.any() and int(zero.sum()) == found[NUMBER]:
                drop |= zero
                message = f'{int(zero.sum())} cells of column "{self.name}" hold 0 in a date format and are null.'
                self.warnings.append(Notice(code="ZERO_DATES", message=message, column=self.name))
        return (rows[~drop], kinds[~drop], values[~drop]) if drop.any() else (rows, kinds, values)

    def _typed(self, kinds: NDArray[np.uint8], values: NDArray[np.float64], texts: pa.Array) -> tuple[pa.Array, str]:
        present = kinds_in(kinds)
        if not present:
            return pa.nulls(0), "null"
        if present == [TEXT]:
            found = pc.take(texts, number_array(values.astype(np.int64)))
            return self._text_typed(found) if self._typed_texts else (found, "text cells")
        if present == [TRUTH]:
            return number_array(values.astype(bool)), "boolean cells"
        if all(kind in {NUMBER, EXACT} or kind >= PADDED for kind in present):
            return self._numbers(kinds, values, texts)
        if set(present) <= set(moments.TEMPORAL):
            typed = moments.typed(kinds, values, epoch=self._epoch)
            if typed is not None:
                return typed
        return self._mixed(kinds, values, texts), "cells of several kinds, as text"

    def _numbers(self, kinds: NDArray[np.uint8], values: NDArray[np.float64], texts: pa.Array) -> tuple[pa.Array, str]:
        """Type numbers; those whose format shows zeros in front, as keys have them, stay as they are shown."""
        padded = [kind for kind in kinds_in(kinds) if kind >= PADDED]
        if any(numbers.shows_zeros(values[kinds == kind], kind - PADDED) for kind in padded):
            self.note = "its number format shows zeros in front, as keys have them, so they are kept"
            message = f'Column "{self.name}" holds numbers whose format shows zeros in front, so it is kept as text.'
            self.warnings.append(Notice(code="ZEROS_SHOWN", message=message, column=self.name))
            shown = _as_texts(kinds, values, texts, epoch=self._epoch)
            return shown, "number cells with the zeros that their format shows in front, as text"
        if not (kinds == EXACT).any():
            return numbers.typed(values)
        plain = np.where(kinds == EXACT, EXACT, NUMBER).astype(np.uint8)
        return numbers.typed_as_written(_as_texts(plain, values, texts, epoch=self._epoch))

    def _text_typed(self, texts: pa.Array) -> tuple[pa.Array, str]:
        """Type texts by the rules for delimited text."""
        self._text = TextColumn(self.name)
        self._text.look(texts, lambda at: int(self.rows[at]) + 1)
        self._text.decide()
        self.warnings += self._text.warnings
        return self._text.cast(texts), self._text.column().rule

    def _mixed(self, kinds: NDArray[np.uint8], values: NDArray[np.float64], texts: pa.Array) -> pa.Array:
        """Return every cell as its exact text, with a warning that tells which cells are the odd ones."""
        named = np.where(kinds >= PADDED, NUMBER, kinds)
        counts = np.bincount(named, minlength=len(KIND_NAMES))
        present = sorted(np.flatnonzero(counts).tolist(), key=lambda kind: -counts[kind])
        odd = np.flatnonzero(named != present[0])
        shown = ", ".join(address(int(row), self._col) for row in self.rows[odd[:SHOWN]])
        held = ", ".join(f"{counts[kind]} {KIND_NAMES[kind]}" for kind in present)
        self.note = f"it holds {held}, so each is kept as its exact text; the others begin at {shown}"
        message = f'Column "{self.name}" holds {held}; each is kept as its exact text. The others: {shown}.'
        self.warnings.append(Notice(code="MIXED_KINDS", message=message, column=self.name))
        return _as_texts(kinds, values, texts, epoch=self._epoch)

    def array(self, rows: NDArray[np.int64]) -> pa.Array:
        """Return the values of the sheet's rows given, which ascend; null where there is no cell."""
        if self.type == pa.null():
            return pa.nulls(len(rows))
        low, high = np.searchsorted(self.rows, [rows[0], rows[-1] + 1])
        mine = self.rows[low:high]
        if len(mine) == len(rows) and (mine == rows).all():
            return self.values.slice(low, len(rows))
        at = np.searchsorted(mine, rows)
        at[at == len(mine)] = 0
        missing = mine[at] != rows if len(mine) else np.ones(len(rows), bool)
        return pc.take(self.values, number_array(at + low, missing=missing))

    def column(self, nulls: int) -> Column:
        """Describe the column."""
        if self._text is not None:
            return self._text.column(nulls)
        return Column(name=self.name, type=self.type, rule=self.rule, nulls=nulls, note=self.note)


def _named_null(cells: Block, texts: pa.Array, null_values: tuple[str, ...]) -> NDArray[np.bool_]:
    """Tell which cells are texts, or numbers whose shortest text is one, that the caller calls null."""
    named = pa.array(null_values, texts.type)
    found = np.zeros(len(cells.kinds), bool)
    at = np.flatnonzero(cells.kinds == TEXT)
    found[at] = numbers_of(pc.is_in(texts.take(number_array(cells.values[at].astype(np.int64))), value_set=named))
    for text in null_values:
        if _PLAIN_NUMBER.fullmatch(text) and numbers.as_text(np.array([float(text)]))[0].as_py() == text:
            found |= (cells.kinds == NUMBER) & (cells.values == float(text))
    return found


def _as_text(kind: int, values: NDArray[np.float64], texts: pa.Array, *, epoch: Epoch) -> pa.Array:
    if kind == NUMBER:
        return numbers.as_text(values)
    if kind == TRUTH:
        return pc.take(text_array(["FALSE", "TRUE"]), number_array((values == 1).astype(np.int64)))
    if kind in moments.TEMPORAL:
        return moments.as_text(kind, values, epoch=epoch)
    if kind == UNCACHED:
        return text_array([""] * len(values))
    if kind >= PADDED:
        return numbers.padded(values, kind - PADDED)
    return pc.take(texts, number_array(values.astype(np.int64)))


def _as_texts(kinds: NDArray[np.uint8], values: NDArray[np.float64], texts: pa.Array, *, epoch: Epoch) -> pa.Array:
    """Return the exact text of every cell, whatever its kind."""
    pieces, places = [], []
    for kind in kinds_in(kinds):
        at = np.flatnonzero(kinds == kind)
        places.append(at)
        pieces.append(pc.cast(_as_text(kind, values[at], texts, epoch=epoch), texts.type))
    if not pieces:
        return pa.nulls(0, texts.type)
    order = np.empty(len(kinds), np.int64)
    order[np.concatenate(places)] = np.arange(len(kinds))
    return pc.take(pa.concat_arrays(pieces), number_array(order))


def as_texts(cells: Block, texts: pa.Array, *, epoch: Epoch) -> list[str]:
    """Return the text of each of a few cells, as a column of several kinds would keep it."""
    kinds = moments.settled(cells.kinds, cells.values, epoch=epoch)
    return _as_texts(kinds, cells.values, texts, epoch=epoch).to_pylist()
