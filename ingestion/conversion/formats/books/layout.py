"""Where the table lies on a sheet: title lines, header, data, total lines, columns that are used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ingestion.conversion.detect.text import unique_names
from ingestion.conversion.formats.books.cells import ERROR, REJECTED, TEXT, UNCACHED, Block
from ingestion.conversion.formats.books.columns import as_texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestion.conversion.formats.books.cells import Grid

SEARCHED_ROWS = 100
MAX_FOOTER = 20


@dataclass(frozen=True, slots=True)
class Layout:
    """The table of a sheet; rows and columns count from 0, as in ``Grid``.

    ``body`` are the rows that hold data; ``skipped`` counts all others down to the last one by reason.
    """

    header: int | None
    names: dict[int, str]
    body: NDArray[np.int64]
    skipped: dict[str, int]
    evidence: str
    confidence: float
    titles: tuple[str, ...] = ()
    totals: tuple[int, ...] = ()


def lay_out(grid: Grid, *, header_row: int | None, epoch_1904: bool) -> Layout:
    """Find the table; ``header_row`` (from 1, as the sheet counts) is what the caller says, 0: there is none."""
    rows = grid.used_rows
    head = _texts(grid, rows[:SEARCHED_ROWS], epoch_1904=epoch_1904)
    header, evidence, confidence = _header(head, header_row)
    position = -1 if header is None else int(np.searchsorted(rows, header))
    if header is not None and (position >= len(rows) or rows[position] != header):
        head[header] = {}
        position -= 1
    first = position + 1 if header is not None else _first_data(head, rows)
    body = rows[first:]
    names = _names(grid, head.get(header, {}) if header is not None else {}, body)
    foot = _footer(grid, body, names, epoch_1904=epoch_1904)
    repeated = _repeated(grid, head.get(header, {}), body) if header is not None else np.zeros(0, np.int64)
    kept = np.setdiff1d(body, np.concatenate([foot, repeated]), assume_unique=False)
    titles = max(position, 0) if header is not None else first
    counted = {
        "title lines": titles,
        "blank rows": int(rows[-1]) + 1 - len(rows),
        "total lines": len(foot),
        "repeated header": len(repeated),
    }
    return Layout(
        header=header,
        names=names,
        body=kept,
        skipped={reason: count for reason, count in counted.items() if count},
        evidence=evidence,
        confidence=confidence,
        titles=tuple(" ".join(head[int(row)].values()) for row in rows[:titles]),
        totals=tuple(int(row) for row in foot),
    )
