"""Cells whose quotes enclose rows of their own table: RFC 4180 reads them so, but nobody writes them on purpose."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.dialect import Dialect

_LINE = re.compile(r"[^\r\n]+")
ENCLOSED = "held lines in the quotes of one cell that look like rows of this table"
LINES_AT_LEAST, LINES_LOOKED_AT, MOSTLY = 5, 1_000, 0.9
CELLS_LOOKED_AT = 8


def rows_with_rows(columns: Sequence[pa.Array], size: int, dialect: Dialect) -> list[int]:
    """Return rows of a block of so many bytes with a cell most of whose lines have as many cells as the table.

    Only the longest cells of a column are looked at, and only where these are longer than a usual row.
    """
    width, sign, count = len(dialect.names), dialect.delimiter, len(columns[0])
    if not dialect.quote or not sign or width < 2 or not count:
        return []
    found: set[int] = set()
    for cells in columns:
        if not pa.types.is_string(cells.type):
            continue
        offsets = np.frombuffer(cells.buffers()[1], np.int32)[cells.offset : cells.offset + count + 1]
        sizes = np.diff(offsets)
        longest = int(sizes.max())
        if longest * count > size or count <= CELLS_LOOKED_AT:
            rows = np.flatnonzero(2 * sizes > longest)[:CELLS_LOOKED_AT].tolist()
            found.update(row for row in rows if _holds_rows(cells[row].as_py() or "", sign, width))
    return sorted(found)


def _holds_rows(text: str, sign: str, width: int) -> bool:
    """Tell whether most lines of a text have the width, the first and the last left out: rows begin or end in these."""
    lines = list(islice(_LINE.finditer(text), LINES_LOOKED_AT))[1:-1]
    return len(lines) >= LINES_AT_LEAST and sum(
        line.group().count(sign) + 1 == width for line in lines
    ) >= MOSTLY * len(lines)
