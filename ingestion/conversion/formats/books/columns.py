"""One column of a sheet and the type that holds all of its cells exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.conversion.formats.books import moments, numbers
from ingestion.conversion.formats.books.cells import DATE, KIND_NAMES, NUMBER, STAMP, TEXT, TRUTH, UNCACHED, address
from ingestion.conversion.typing.column import TextColumn
from ingestion.conversion.values import Column, Notice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestion.conversion.formats.books.cells import Block, Epoch

SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a column stands (from 0), how its days are counted, and whether its texts may be typed as a CSV's are."""

    col: int
    epoch: Epoch
    typed_texts: bool = False


class SheetColumn:
    """A column's values, packed, and the rows they stand in."""

    def __init__(self, name: str, cells: Block, texts: pa.Array, place: Place) -> None:
        """``cells`` are those of the body, which hold neither errors nor formulas without a value."""
        self.name = name
        self.note = ""
        self.warnings: list[Notice] = []
        self._col, self._epoch, self._typed_texts = place.col, place.epoch, place.typed_texts
        kinds = moments.settled(cells.kinds, cells.values, epoch=self._epoch)
        rows, values = cells.rows, cells.values
        rows, kinds, values = self._without_blanks(rows, kinds, values, texts)
        self.rows = rows
        self.values, self.rule = self._typed(kinds, values, texts)
        if self.values.type == pa.large_string() and self.values.nbytes < 2**30:
            self.values = self.values.cast(pa.string())

    @property
    def type(self) -> pa.DataType:
        """The Arrow type."""
        return self.values.type

    def _without_blanks(
        self, rows: NDArray[np.int32], kinds: NDArray[np.uint8], values: NDArray[np.float64], texts: pa.Array
    ) -> tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.float64]]:
        """Drop what means nothing in a column of values: empty texts of formulas, and the zero of an empty date."""
        found = np.bincount(kinds, minlength=len(KIND_NAMES))
        drop = np.zeros(len(kinds), bool)
        if found[TEXT] and found[TEXT] < len(kinds):
            at = np.flatnonzero(kinds == TEXT)
            empty = pc.equal(texts.take(pa.array(values[at].astype(np.int64))), "").to_numpy(zero_copy_only=False)
            drop[at[empty]] = True
        if found[NUMBER] and found[DATE] + found[STAMP] and self._epoch == "1900":
            zero = (kinds == NUMBER) & (values == 0)
            if zero.any() and int(zero.sum()) == found[NUMBER]:
                drop |= zero
                message = f'{int(zero.sum())} cells of column "{self.name}" hold 0 in a date format and are null.'
                self.warnings.append(Notice(code="ZERO_DATES", message=message, column=self.name))
        return (rows[~drop], kinds[~drop], values[~drop]) if drop.any() else (rows, kinds, values)

    def _typed(
        self, kinds: NDArray[np.uint8], values: NDArray[np.float64], texts: pa.Array
    ) -> tuple[pa.Array, str]:
        present = np.unique(kinds).tolist()
        if not present:
            return pa.nulls(0), "null"
        if present == [TEXT]:
            found = texts.take(pa.array(values.astype(np.int64)))
            return self._text_typed(found) if self._typed_texts else (found, "text cells")
        if present == [NUMBER]:
            return numbers.typed(values)
        if present == [TRUTH]:
            return pa.array(values.astype(bool)), "boolean cells"
        if set(present) <= set(moments.TEMPORAL):
            typed = moments.typed(kinds, values, epoch=self._epoch)
            if typed is not None:
                return typed
        return self._mixed(kinds, values, texts), "cells of several kinds, as text"

    def _text_typed(self, texts: pa.Array) -> tuple[pa.Array, str]:
        """Type texts by the rules for delimited text."""
        column = TextColumn(self.name)
        column.look(texts, 1)
        column.decide()
        self.warnings += column.warnings
        typed = column.cast(texts)
        self.note = column.column().note
        return typed, column.column().rule

    def _mixed(self, kinds: NDArray[np.uint8], values: NDArray[np.float64], texts: pa.Array) -> pa.Array:
        """Return every cell as its exact text, with a warning that tells which cells are the odd ones."""
        counts = np.bincount(kinds, minlength=len(KIND_NAMES))
        present = sorted(np.flatnonzero(counts).tolist(), key=lambda kind: -counts[kind])
        pieces, places = [], []
        for kind in present:
            at = np.flatnonzero(kinds == kind)
            places.append(at)
            pieces.append(_as_text(kind, values[at], texts, epoch=self._epoch))
        odd = np.flatnonzero(kinds != present[0])
        shown = ", ".join(address(int(row), self._col) for row in self.rows[odd[:SHOWN]])
        held = ", ".join(f"{counts[kind]} {KIND_NAMES[kind]}" for kind in present)
        self.note = f"it holds {held}, so each is kept as its exact text; the others begin at {shown}"
        message = f'Column "{self.name}" holds {held}; each is kept as its exact text. The others: {shown}.'
        self.warnings.append(Notice(code="MIXED_KINDS", message=message, column=self.name))
        order = np.empty(len(kinds), np.int64)
        order[np.concatenate(places)] = np.arange(len(kinds))
        return pa.concat_arrays([piece.cast(texts.type) for piece in pieces]).take(pa.array(order))

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
        return self.values.take(pa.array(at + low, mask=missing))

    def column(self, nulls: int) -> Column:
        """Describe the column."""
        return Column(name=self.name, type=self.type, rule=self.rule, nulls=nulls, note=self.note)


def _as_text(kind: int, values: NDArray[np.float64], texts: pa.Array, *, epoch: Epoch) -> pa.Array:
    if kind == NUMBER:
        return numbers.as_text(values)
    if kind == TRUTH:
        return pa.array(np.where(values == 1, "TRUE", "FALSE"), pa.string())
    if kind in moments.TEMPORAL:
        return moments.as_text(kind, values, epoch=epoch)
    return texts.take(pa.array(values.astype(np.int64)))


def as_texts(cells: Block, texts: pa.Array, *, epoch: Epoch) -> list[str]:
    """Return the text of each of a few cells, as ``_mixed`` would keep it."""
    kinds = moments.settled(cells.kinds, cells.values, epoch=epoch)
    found = [""] * len(kinds)
    for kind in np.unique(kinds).tolist():
        at = np.flatnonzero(kinds == kind)
        if kind == UNCACHED:
            continue
        told = _as_text(kind, cells.values[at], texts, epoch=epoch).to_pylist()
        for place, text in zip(at.tolist(), told, strict=True):
            found[place] = text
    return found
