"""Cells that come one at a time, from formats that are read element by element."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING

import numpy as np

from ingestion.conversion.formats.books.cells import EXACT, NUMBER, POOLED, TEXT, Block, Sheet
from ingestion.conversion.formats.books.numbers import SURE_SIZE, has_more
from ingestion.conversion.typing.constants import text_array

if TYPE_CHECKING:
    import pyarrow as pa

FLUSH_CELLS = 1 << 18
_DAY_ZERO = dt.datetime(1899, 12, 30)  # noqa: DTZ001  (a sheet knows no zones)


class Collector:
    """Gathers cells and adds them to a sheet, many at a time."""

    def __init__(self) -> None:
        """Begin empty."""
        self.sheet = Sheet()
        self._cells: list[tuple[int, int, int, float]] = []
        self._texts: list[str] = []
        self._flushed = 0

    @property
    def filled(self) -> bool:
        """Whether there is any cell."""
        return bool(self._cells) or self.sheet.filled

    def value(self, row: int, col: int, kind: int, value: float) -> None:
        """Take a cell that is a number of some kind."""
        self._cells.append((row, col, kind, value))
        if len(self._cells) >= FLUSH_CELLS:
            self.flush()

    def text(self, row: int, col: int, text: str, kind: int = TEXT) -> None:
        """Take a cell that is a text or an error."""
        self._texts.append(text)
        self.value(row, col, kind, float(self._flushed + len(self._texts) - 1))

    def take(self, block: Block, texts: pa.Array) -> None:
        """Take many cells; the value of one with a text is its place among these texts."""
        self.flush()
        pooled = np.isin(block.kinds, POOLED)
        values = block.values + pooled * self._flushed
        self.sheet.pool(texts)
        self._flushed += len(texts)
        self.sheet.add(Block(block.rows, block.cols, block.kinds, values))

    def flush(self) -> Sheet:
        """Add what has been gathered; raises ``UnsafeArchive`` when it is too much."""
        if self._cells:
            rows, cols, kinds, values = zip(*self._cells, strict=True)
            block = Block(
                np.array(rows, np.int32), np.array(cols, np.int32), np.array(kinds, np.uint8), np.array(values, float)
            )
            self.sheet.pool(text_array(self._texts))
            self._flushed += len(self._texts)
            self._cells, self._texts = [], []
            self.sheet.add(block)
        return self.sheet


def written(text: str) -> tuple[int, float | str]:
    """Return kind and value of a number as written; raises ``ValueError`` for what is none."""
    number = float(text)
    if not math.isfinite(number) or "_" in text:
        raise ValueError(f"{text[:40]} is no number")
    return (EXACT, text) if len(text) > SURE_SIZE and has_more(text, number) else (NUMBER, number)


def days(moment: dt.datetime) -> float:
    """Return a date and time as days since 1899-12-30."""
    return (moment.replace(tzinfo=None) - _DAY_ZERO) / dt.timedelta(days=1)
