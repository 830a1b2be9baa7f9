"""Printed lists as records: columns of fixed width, parted by blanks or by drawn lines.

What pads a cell to its width is not part of it, so every cell is trimmed. A line that does not fit the columns is
never cut through a value: it stays whole, as the cell beyond the last column.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingestion.conversion.dialect import Dialect

Cells = list[str | None]
TAB_SIZE = 8
_WIDE_BLANK = re.compile("  +")
_LINE = re.compile("([^\r\n]*)(\r\n|\n|\r|\\Z)")
_DIGITS = re.compile("[0-9]+")


class Line(NamedTuple):
    """A line's cells and the position behind it."""

    cells: Cells
    end: int


def list_records(text: str, dialect: Dialect) -> Iterator[Line]:
    """Yield every line of a list; one that is no row of the table has a single cell."""
    cut = _cutter(dialect)
    position, size = 0, len(text)
    while position < size:
        found = _LINE.match(text, position)
        if found is None:  # the pattern matches every text
            return
        position = found.end()
        yield Line(cut.cells(found.group(1)), position)


def outline(line: str) -> str:
    """Return a line without what differs between the pages of a list: numbers and the width of blanks."""
    return _DIGITS.sub("0", " ".join(line.split()))


@lru_cache(maxsize=64)
def _cutter(dialect: Dialect) -> _Drawn | _Blank:
    return _Drawn(dialect) if dialect.delimiter else _Blank(dialect)


def _trimmed(cells: Sequence[str]) -> Cells:
    return [cell.strip() or None for cell in cells]


class _Drawn:
    """Cuts at drawn lines: at their places where all stand there, else at each."""

    def __init__(self, dialect: Dialect) -> None:
        self._sign = dialect.delimiter or "|"
        self._framed = dialect.framed
        self._widths = dialect.widths
        inner = [end for _, end in dialect.widths[:-1]]
        frame = [dialect.widths[0][0] - 1, dialect.widths[-1][1]] if dialect.framed and dialect.widths else []
        self._places = sorted(place for place in (*inner, *frame) if place >= 0)

    def cells(self, line: str) -> Cells:
        """Return the cells of a row; of any other line its text."""
        line = line.rstrip()
        if self._places and len(line) > self._places[-1] and all(line[at] == self._sign for at in self._places):
            last = None if not self._framed else self._widths[-1][1]
            spans = [*self._widths[:-1], (self._widths[-1][0], last)]
            return _trimmed([line[start:end] for start, end in spans])
        parts = line.split(self._sign)
        if self._framed and len(parts) > 2 and not parts[0].strip() and not parts[-1].strip():
            return _trimmed(parts[1:-1])
        if len(parts) == len(self._widths) and not self._framed:
            return _trimmed(parts)
        return _trimmed([line])


class _Blank:
    """Cuts at gutters: runs of blanks that stand at the same place in all lines."""

    def __init__(self, dialect: Dialect) -> None:
        self._widths = dialect.widths
        self._gutters = [(one[1], two[0]) for one, two in pairwise(dialect.widths)]

    def cells(self, line: str) -> Cells:
        """Return the cells; a line whose gutter does not tell to which column its content belongs stays whole."""
        line = line.rstrip().expandtabs(TAB_SIZE)
        cuts = [0]
        for start, end in self._gutters:
            cut = end if not line[start:end].strip() else _cut_in_gutter(line, start, end)
            if cut is None:
                return [*[None] * len(self._widths), line]
            cuts.append(cut)
        cuts.append(len(line) + 1)
        return _trimmed([line[one:two] for one, two in pairwise(cuts)])


def _cut_in_gutter(line: str, start: int, end: int) -> int | None:
    """Return where to cut a gutter that is not blank; None where that is not certain.

    What reaches to the gutter's end belongs to the column behind it. What goes on from the column before it, at
    most one blank apart, belongs to that one. Where there is both, two blanks must part them.
    """
    gutter = line[start:end]
    if len(line) < end or gutter[-1] == " ":
        goes_on = bool(line[max(0, start - 1) : start + 1].strip()) and "  " not in gutter.strip()
        return end if goes_on else None
    if not gutter.rpartition(" ")[0].strip():
        cut = start + gutter.rfind(" ") + 1
        return None if cut == start and line[start - 1 : start].strip() else cut
    wide = list(_WIDE_BLANK.finditer(gutter))
    return start + wide[0].end() if len(wide) == 1 else None
