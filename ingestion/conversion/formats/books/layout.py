"""Where the table lies on a sheet: title lines, header, data, total lines, and the columns that are used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ingestion.conversion.detect.cuts import Row
from ingestion.conversion.detect.layout import find_tables, fixed_header, footer
from ingestion.conversion.detect.names import column_names
from ingestion.conversion.formats.books.columns import as_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingestion.conversion.detect.layout import Region
    from ingestion.conversion.formats.books.cells import Epoch, Grid

SEARCHED_ROWS = 160
FOOT_ROWS = 20


@dataclass(frozen=True, slots=True)
class Layout:
    """The table of a sheet. Rows and columns count from 0, as in ``Grid``.

    ``names`` are those of the used columns; ``body`` are the rows that hold data; ``skipped`` counts all other
    rows down to the last one by reason.
    """

    header: tuple[int, ...]
    names: dict[int, str]
    body: NDArray[np.int64]
    skipped: dict[str, int]
    evidence: str
    confidence: float
    titles: tuple[str, ...] = ()
    totals: tuple[int, ...] = ()


def lay_out(grid: Grid, *, header_row: int | None, epoch: Epoch) -> Layout:
    """Find the table; ``header_row`` is what the caller says: from 1, as the sheet counts; 0 for none."""
    used = grid.used_rows
    columns = grid.columns
    head = _rows(grid, used[:SEARCHED_ROWS], columns, epoch=epoch)
    if header_row is not None:
        region = fixed_header(head, int(np.searchsorted(used, header_row - 1)) + 1 if header_row else 0)
    else:
        region = find_tables(head, _usual(head), whole=False)[0]
    header = head[region.header : region.data]
    body = used[region.data :]
    filled = grid.columns_within(body)
    named = {at for row in header for at, cell in zip(columns, row.cells, strict=False) if cell and cell.strip()}
    kept = [at for at in columns if at in filled or at in named]
    names = column_names([_of(row, columns, kept) for row in header], len(kept))
    foot = _footer(grid, body, kept, epoch=epoch)
    body = body[: len(body) - len(foot)]
    again = _repeated(grid, header[-1] if header else None, body, columns, epoch=epoch)
    counts = {
        "title lines": region.header,
        "blank rows": int(used[-1]) + 1 - len(used),
        "total lines": len(foot),
        "repeated header": len(again),
    }
    return Layout(
        header=tuple(row.line - 1 for row in header),
        names={at: _one_line(name) for at, name in zip(kept, names, strict=True)},
        body=np.setdiff1d(body, again, assume_unique=True) if len(again) else body,
        skipped={reason: count for reason, count in counts.items() if count},
        evidence=region.evidence,
        confidence=region.confidence,
        titles=tuple(" ".join(row.filled)[:100] for row in head[: region.header]),
        totals=tuple(int(row) for row in foot),
    )


def _rows(grid: Grid, rows: NDArray[np.int64], columns: Sequence[int], *, epoch: Epoch) -> list[Row]:
    """Return some rows as texts; a row ends at its last filled cell, as a record of a text does."""
    cells = grid.within(rows)
    texts = as_texts(cells, grid.texts, epoch=epoch)
    places = np.searchsorted(columns, cells.cols)
    found: dict[int, list[str | None]] = {int(row): [] for row in rows}
    for row, place, text in zip(cells.rows.tolist(), places.tolist(), texts, strict=True):
        line = found[row]
        line += [None] * (place - len(line))
        line.append(text)
    return [Row(cells=line, start=0, end=0, line=row + 1) for row, line in found.items()]


def _usual(rows: Sequence[Row]) -> int:
    """Return the width of the table: the most common width of rows, of wide rows rather than of titles."""
    widths = [len(row.cells) for row in rows if len(row.filled) > 1] or [1]
    return max(set(widths), key=lambda width: (widths.count(width) * min(width, 50), width))


def _of(row: Row, columns: Sequence[int], kept: Sequence[int]) -> list[str | None]:
    cells = dict(zip(columns, row.cells, strict=False))
    return [cells.get(at) for at in kept]


def _one_line(name: str) -> str:
    """Return a name without line breaks, which header cells often have."""
    return " ".join(name.split()) if "\n" in name or "\r" in name else name


def _footer(grid: Grid, body: NDArray[np.int64], kept: Sequence[int], *, epoch: Epoch) -> NDArray[np.int64]:
    """Return the last rows that hold totals or remarks."""
    last = body[-max(FOOT_ROWS, min(len(body) - 1, 3 * FOOT_ROWS)) :]
    rows = [
        Row(cells=_of(row, grid.columns, kept), start=0, end=0, line=row.line)
        for row in _rows(grid, last, grid.columns, epoch=epoch)
    ]
    count = min(len(footer(rows, len(kept))), max(0, len(body) - 1))
    return body[len(body) - count :]


def _repeated(
    grid: Grid, header: Row | None, body: NDArray[np.int64], columns: Sequence[int], *, epoch: Epoch
) -> NDArray[np.int64]:
    """Return the rows of the body that hold the header once more."""
    if header is None:
        return np.zeros(0, np.int64)
    first = next((at for at, cell in zip(columns, header.cells, strict=False) if cell and cell.strip()), None)
    if first is None:
        return np.zeros(0, np.int64)
    suspects = np.intersect1d(grid.rows_with_text(first, header.cells[columns.index(first)] or ""), body)
    rows = _rows(grid, suspects[:10_000], columns, epoch=epoch)
    return np.array([row.line - 1 for row in rows if row.cells == header.cells], np.int64)
