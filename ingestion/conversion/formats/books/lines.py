"""Rows of a sheet as detection sees them: the texts of their cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ingestion.conversion.detect.cuts import Row
from ingestion.conversion.formats.books.columns import as_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingestion.conversion.formats.books.cells import Epoch, Grid

SEARCHED_ROWS = 160


def lines_of(grid: Grid, rows: NDArray[np.int64], *, epoch: Epoch) -> list[Row]:
    """Return some rows as texts; a row ends at its last filled cell, as a record of a text does."""
    cells = grid.within(rows)
    texts = as_texts(cells, grid.texts, epoch=epoch)
    places = np.searchsorted(grid.columns, cells.cols)
    found: dict[int, list[str | None]] = {int(row): [] for row in rows}
    for row, place, text in zip(cells.rows.tolist(), places.tolist(), texts, strict=True):
        line = found[row]
        line += [None] * (place - len(line))
        line.append(text)
    return [Row(cells=line, start=0, end=0, line=row + 1) for row, line in found.items()]


def usual_width(rows: Sequence[Row]) -> int:
    """Return the width of the table: the most common width of rows, of wide rows rather than of titles."""
    widths = [len(row.cells) for row in rows if len(row.filled) > 1] or [1]
    return max(set(widths), key=lambda width: (widths.count(width) * min(width, 50), width))
