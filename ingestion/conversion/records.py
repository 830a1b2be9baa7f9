"""Text cut into records and cells by a dialect, exactly and without speed: for samples and for odd blocks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Cells = list[str | None]


def records(text: str, delimiter: str, quote: str | None) -> Iterator[tuple[Cells, int]]:
    """Yield each record's cells and the position behind it.

    An empty cell is ``None`` and a quoted empty one ``""``. A quote counts only at a cell's beginning;
    doubled inside, it stands for itself. Records end at LF, CRLF or CR outside quotes.
    """
    end_of_cell = re.compile(f"{re.escape(delimiter)}|\r\n|\n|\r")
    position, cells = 0, Cells()
    size = len(text)
    while position < size:
        cell, position = _cell(text, position, quote, end_of_cell)
        cells.append(cell)
        found = end_of_cell.match(text, position)
        if found is None:
            break
        position = found.end()
        if found.group() != delimiter:
            yield cells, position
            cells = []
        elif position == size:
            cells.append(None)
    if cells:
        yield cells, size


def _cell(text: str, start: int, quote: str | None, end_of_cell: re.Pattern[str]) -> tuple[str | None, int]:
    """Return one cell and the position of what ends it."""
    if quote and text.startswith(quote, start):
        closed = _closing(text, start + 1, quote)
        if closed is not None:
            inner = text[start + 1 : closed].replace(quote * 2, quote)
            after = end_of_cell.search(text, closed + 1)
            end = after.start() if after else len(text)
            return inner + text[closed + 1 : end], end
    found = end_of_cell.search(text, start)
    end = found.start() if found else len(text)
    return text[start:end] or None, end


def _closing(text: str, start: int, quote: str) -> int | None:
    """Return where the quoted part that begins before ``start`` ends; None when it never does."""
    while (at := text.find(quote, start)) >= 0:
        if not text.startswith(quote, at + 1):
            return at
        start = at + 2
    return None
