"""The cells of one sheet, whatever the file format: four flat arrays and a pool of texts.

A sheet is kept as the list of its filled cells and never as a grid, so that a lone cell in the farthest corner
(XFD1048576) costs as much as one in A1.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.errors import UnsafeArchive
from ingestion.conversion.typing.constants import EMPTY, number_array, numbers_of, text_array
from ingestion.slotted import field, slotted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingestion.conversion.values import Notice

Epoch = Literal["1900", "1904", "iso"]
"""How days are counted: Excel's two ways, or from 1899-12-30 where dates are written out and any year is possible."""

MAX_CELLS = 50_000_000
MAX_COLS, MAX_ROWS = 1 << 14, 1 << 20
CELL_BYTES = 54
TEXT_FACTOR = 2
MAX_SHEET_BYTES = 1_700_000_000
"""What a cell and a byte of text take at most on their way into a column, and what a sheet may take together."""

# The kinds of cells. The value of a text, an error or an exact number is its position in the pool of texts, any other
# is a number. An exact number is written with more digits than a double holds. From ``PADDED`` on a kind is a number
# that its format shows with at least ``kind - PADDED`` digits, zeros in front.
NUMBER, TEXT, TRUTH, ERROR, UNCACHED, DATE, STAMP, CLOCK, ELAPSED, EXACT = range(10)
PADDED, MOST_DIGITS = 32, 31
KIND_NAMES = (
    "numbers",
    "texts",
    "truth values",
    "errors",
    "formulas without a value",
    "dates",
    "dates with a time",
    "times",
    "durations",
    "numbers of very many digits",
)
POOLED = (TEXT, ERROR, EXACT)
REJECTED = (ERROR, UNCACHED)


@slotted(frozen=True)
class Block:
    """Some filled cells in the order of the file; rows and columns count from 0. ``values`` see the kinds."""

    rows: NDArray[np.int32]
    cols: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    values: NDArray[np.float64]

    def only(self, chosen: NDArray[np.bool_]) -> Block:
        """Return some of the cells."""
        return Block(self.rows[chosen], self.cols[chosen], self.kinds[chosen], self.values[chosen])


@slotted()
class Sheet:
    """The filled cells of a sheet, added a block at a time.

    ``kept_as_text``: columns that the file itself marks as text, where texts are typed at all.
    """

    blocks: list[Block] = field(default_factory=list)
    kept_as_text: set[int] = field(default_factory=set)
    texts: list[pa.Array] = field(default_factory=list)
    _count: int = 0
    _texts: int = 0
    _bytes: int = 0

    def add(self, block: Block) -> None:
        """Append cells; raises ``UnsafeArchive`` when there are more than memory is meant for."""
        self._count += len(block.rows)
        self._take(CELL_BYTES * len(block.rows))
        self.blocks.append(block)

    def pool(self, texts: pa.Array) -> int:
        """Append texts and return the position of the first one; raises ``UnsafeArchive`` as ``add`` does."""
        start = self._texts
        self.texts.append(texts)
        self._texts += len(texts)
        self._take(TEXT_FACTOR * texts.nbytes)
        return start

    def _take(self, size: int) -> None:
        self._bytes += size
        if self._count > MAX_CELLS or self._bytes > MAX_SHEET_BYTES:
            raise UnsafeArchive(
                f"A sheet has {self._count // 10**6} million cells and more, which is more than fits into memory.",
                hint="Split it, or export it as CSV.",
            )

    @property
    def filled(self) -> bool:
        """Whether there is any cell."""
        return self._count > 0


class Grid:
    """The cells of a finished sheet, column by column."""

    def __init__(self, sheet: Sheet) -> None:
        """Sort the cells by column; where a file gives a cell twice, the last one counts."""
        blocks = sheet.blocks
        self.texts = _joined(sheet.texts)
        self.kept_as_text = sheet.kept_as_text
        rows, kinds = [block.rows for block in blocks], [block.kinds for block in blocks]
        values = [block.values for block in blocks]
        parts = [block.cols.astype(np.uint16) for block in blocks]
        blocks.clear()
        sheet.texts.clear()
        cols = _emptied(parts)
        order = np.argsort(cols, kind="stable").astype(np.uint32)
        self._cols = cols = cols[order]
        self._rows = _emptied(rows)[order]
        self._kinds = _emptied(kinds)[order]
        self._values = _emptied(values)[order]
        self._by_row: NDArray[np.int64] | None = None
        counts = np.bincount(cols)
        self.columns: list[int] = np.flatnonzero(counts).tolist()
        ends = np.cumsum(counts)
        self._spans = {at: (int(ends[at] - counts[at]), int(ends[at])) for at in self.columns}
        self.last_row = int(self._rows.max())
        self.used_rows = self._used()
        self.elsewhere: NDArray[np.int64] = self.used_rows[:0]

    def part(self, first: int, last: int) -> Grid:
        """Return some neighbouring columns as a grid; rows that only others fill are those ``elsewhere``."""
        part = copy(self)
        part.keep(first, last)
        return part

    def keep(self, first: int, last: int) -> None:
        """Forget all but some neighbouring columns."""
        start, stop = self._spans[first][0], self._spans[last][1]
        self.columns = [at for at in self.columns if first <= at <= last]
        self._cols, self._rows = self._cols[start:stop], self._rows[start:stop]
        self._kinds, self._values = self._kinds[start:stop], self._values[start:stop]
        self._spans = {at: (self._spans[at][0] - start, self._spans[at][1] - start) for at in self.columns}
        self._by_row = None
        before, self.used_rows = self.used_rows, self._used()
        self.elsewhere = np.setdiff1d(before, self.used_rows, assume_unique=True)

    def _used(self) -> NDArray[np.int64]:
        """Return the rows that hold anything."""
        used = np.zeros(self.last_row + 1, bool)
        used[self._rows[~self._hollow()]] = True
        return np.flatnonzero(used)

    def _hollow(self) -> NDArray[np.bool_]:
        """Tell which cells hold an empty text, as formulas do that show nothing: they fill no row."""
        empty = numbers_of(pc.equal(self.texts, EMPTY))
        hollow = np.zeros(len(self._kinds), bool)
        if empty.any():
            texts = np.flatnonzero(self._kinds == TEXT)
            hollow[texts] = empty[self._values[texts].astype(np.int64)]
        return hollow

    def column(self, at: int) -> Block:
        """Return a column's cells by ascending row."""
        start, end = self._spans[at]
        rows, kinds, values = (found[start:end] for found in (self._rows, self._kinds, self._values))
        if len(rows) > 1 and not (rows[1:] > rows[:-1]).all():
            by_row = np.argsort(rows, kind="stable")
            chosen = by_row[np.append(rows[by_row[1:]] != rows[by_row[:-1]], True)]
            rows, kinds, values = rows[chosen], kinds[chosen], values[chosen]
        return Block(rows, np.broadcast_to(np.int32(at), len(rows)), kinds, values)

    def blank_rows(self, first: int) -> NDArray[np.int64]:
        """Return the rows from one on that hold nothing."""
        blank = np.ones(self.last_row + 1, bool)
        blank[:first] = False
        blank[self.used_rows] = False
        blank[self.elsewhere] = False
        return np.flatnonzero(blank)

    def rows_with(self, kinds: Sequence[int]) -> NDArray[np.int64]:
        """Return the rows that hold a cell of these kinds."""
        if not set(kinds_in(self._kinds)) & set(kinds):
            return np.zeros(0, np.int64)
        return np.unique(self._rows[np.isin(self._kinds, kinds)]).astype(np.int64)

    def within(self, rows: NDArray[np.int64]) -> Block:
        """Return all cells of a few rows, which ascend, by row and column."""
        if not len(rows):
            return Block(self._rows[:0], self._cols[:0].astype(np.int32), self._kinds[:0], self._values[:0])
        near = np.flatnonzero((self._rows >= rows[0]) & (self._rows <= rows[-1]))
        places = near[np.isin(self._rows[near], rows)]
        cols = self._cols[places].astype(np.int32)
        order = np.lexsort((cols, self._rows[places]))
        places, cols = places[order], cols[order]
        if len(places):
            here = self._rows[places]
            last = np.append((here[1:] != here[:-1]) | (cols[1:] != cols[:-1]), True)
            places, cols = places[last], cols[last]
        return Block(self._rows[places], cols, self._kinds[places], self._values[places])

    def row(self, at: int) -> Block:
        """Return the cells of one row by column; the first call sorts all cells, the others are quick."""
        if self._by_row is None:
            self._by_row = np.argsort(self._rows, kind="stable")
        start, stop = np.searchsorted(self._rows, [at, at + 1], sorter=self._by_row)
        places = self._by_row[start:stop]
        places = places[np.argsort(self._cols[places], kind="stable")]
        cols = self._cols[places].astype(np.int32)
        last = np.append(cols[1:] != cols[:-1], True) if len(cols) else np.zeros(0, bool)
        places = places[last]
        return Block(self._rows[places], cols[last], self._kinds[places], self._values[places])

    def columns_within(self, rows: NDArray[np.int64]) -> set[int]:
        """Return the columns that have a cell in these neighbouring rows."""
        if not len(rows):
            return set()
        within = np.zeros(1 << 16, bool)
        within[self._cols[(self._rows >= rows[0]) & (self._rows <= rows[-1])]] = True
        return set(np.flatnonzero(within).tolist())

    def rows_with_text(self, col: int, text: str) -> NDArray[np.int64]:
        """Return the rows whose cell of a column holds a text."""
        cells = self.column(col)
        at = np.flatnonzero(cells.kinds == TEXT)
        texts = pc.take(self.texts, number_array(cells.values[at].astype(np.int64)))
        same = numbers_of(pc.equal(texts, text_array([text])[0]))
        return cells.rows[at[same]].astype(np.int64)


def _emptied(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Return the parts as one array and let go of them, so that a sheet is in memory once and not twice."""
    whole = np.concatenate(parts)
    parts.clear()
    return whole


def among(few: NDArray[np.int64], ascending: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return those of a few numbers that stand among many."""
    if not len(ascending):
        return few[:0]
    at = np.minimum(np.searchsorted(ascending, few), len(ascending) - 1)
    return few[ascending[at] == few]


def kinds_in(kinds: NDArray[np.uint8]) -> list[int]:
    """Return the kinds that occur, ascending."""
    return np.flatnonzero(np.bincount(kinds)).tolist()


def _joined(parts: list[pa.Array]) -> pa.Array:
    """Return one array; offsets of 64 bits where the texts are too many for 32."""
    if not parts:
        return pa.nulls(0, pa.string())
    if sum(part.nbytes for part in parts) > 2**30:
        parts = [pc.cast(part, pa.large_string()) for part in parts]
    return parts[0] if len(parts) == 1 else pa.concat_arrays(parts)


@slotted(frozen=True)
class SheetInfo:
    """A sheet as the workbook lists it. ``table``: it has cells (a chart or dialog sheet has none)."""

    name: str
    visible: bool = True
    table: bool = True


class Book(Protocol):
    """An open workbook.

    ``default``: the sheet to begin with; ``typed_texts``: its cells are texts like those of a CSV file, to be
    typed by the same rules.
    """

    default: int
    typed_texts: bool
    sheets: tuple[SheetInfo, ...]
    notices: list[Notice]
    epoch: Epoch

    def read(self, at: int) -> Sheet:
        """Return the cells of the sheet at a position; raises ``BrokenFile`` and other ``ConversionError``s."""
        ...


def address(row: int, col: int) -> str:
    """Return ``B3`` for row 2 and column 1."""
    letters, rest = "", col + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        letters = chr(65 + digit) + letters
    return f"{letters}{row + 1}"
