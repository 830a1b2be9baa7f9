"""Where the table lies on a sheet: title lines, header, data, total lines, and the columns that are used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ingestion.conversion.detect.cuts import Row
from ingestion.conversion.detect.layout import Region, find_tables, footer
from ingestion.conversion.detect.names import column_names
from ingestion.conversion.formats.books.columns import as_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingestion.conversion.formats.books.cells import Epoch, Grid
    from ingestion.conversion.values import Options

SEARCHED_ROWS = 160
FOOT_ROWS = 20
MOST_REPEATED = 10_000


@dataclass(frozen=True, slots=True)
class Layout:
    """The table of a sheet. Rows and columns count from 0, as in ``Grid``.

    ``names`` are those of the used columns; ``body`` are the rows that hold data; ``skipped`` are all other rows
    down to the last one, by reason.
    """

    header: tuple[int, ...]
    names: dict[int, str]
    body: NDArray[np.int64]
    skipped: dict[str, NDArray[np.int64]]
    evidence: str
    confidence: float


def lay_out(grid: Grid, options: Options, *, epoch: Epoch) -> Layout | None:
    """Find the table; None when what the caller says of its header lies behind the last row.

    The options ``skip_rows`` and ``header_row`` count the sheet's rows, blank ones too.
    """
    used, columns = grid.used_rows, grid.columns
    left_out = options.skip_rows
    rows = used[int(np.searchsorted(used, left_out)) :]
    if options.header_row is None:
        head = _rows(grid, rows[:SEARCHED_ROWS], columns, epoch=epoch)
        region = find_tables(head, _usual(head), whole=False)[0] if head else None
    else:
        region = _fixed(rows, left_out + options.header_row) if options.header_row else _fixed(rows, None)
        head = _rows(grid, rows[: region.data], columns, epoch=epoch) if region else []
    if region is None:
        return None
    header, body = head[region.header : region.data], rows[region.data :]
    filled = grid.columns_within(body)
    named = {at for row in header for at, cell in zip(columns, row.cells, strict=False) if cell and cell.strip()}
    kept = [at for at in columns if at in filled or at in named]
    names = column_names([_of(row, columns, kept) for row in header], len(kept))
    foot = _footer(grid, body, kept, epoch=epoch)
    body = body[: len(body) - len(foot)]
    again = _repeated(grid, header[-1] if header else None, body, columns, epoch=epoch)
    skipped = {
        "left out by the option skip_rows": np.arange(left_out),
        "title lines": rows[: region.header],
        "blank rows": grid.blank_rows(left_out),
        "repeated header": again,
    }
    for row, kind in foot:
        skipped[kind] = np.append(skipped.get(kind, np.zeros(0, np.int64)), row)
    return Layout(
        header=tuple(row.line - 1 for row in header),
        names={at: _one_line(name) for at, name in zip(kept, names, strict=True)},
        body=np.setdiff1d(body, again, assume_unique=True) if len(again) else body,
        skipped={reason: found for reason, found in skipped.items() if len(found)},
        evidence=region.evidence,
        confidence=region.confidence,
    )


def _fixed(rows: NDArray[np.int64], line: int | None) -> Region | None:
    """Return the table below the header in a line of the sheet, counted from 1; None where there is no such row."""
    if line is None:
        return Region(0, 0, 0, len(rows), "the caller said so", 1.0) if len(rows) else None
    at = int(np.searchsorted(rows, line - 1))
    if at == len(rows):
        return None
    return Region(0, at, at + 1, len(rows), "the caller said so", 1.0)


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


def _footer(grid: Grid, body: NDArray[np.int64], kept: Sequence[int], *, epoch: Epoch) -> list[tuple[int, str]]:
    """Return the last rows that hold totals or remarks, each with what it is."""
    last = body[-max(FOOT_ROWS, min(len(body) - 1, 3 * FOOT_ROWS)) :]
    rows = [
        Row(cells=_of(row, grid.columns, kept), start=0, end=0, line=row.line)
        for row in _rows(grid, last, grid.columns, epoch=epoch)
    ]
    kinds = footer(rows, len(kept))[-max(0, len(body) - 1) :] if len(body) > 1 else ()
    return list(zip(body[len(body) - len(kinds) :].tolist(), kinds, strict=True))


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
    rows = _rows(grid, suspects[:MOST_REPEATED], columns, epoch=epoch)
    return np.array([row.line - 1 for row in rows if row.cells == header.cells], np.int64)
