"""Where a table begins below so many titles, comments or lines of prose that the beginning does not show its cut."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING

from ingestion.conversion.detect.cuts import best_cuts, read_rows
from ingestion.conversion.detect.header import COMPARED_RECORDS, judge_header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.detect.cuts import Cut, Row

TAILS = 200, 40, 8, 4
"""How many lines of the sample's end are looked at for the way to cut, in turn."""
SIGNS = frozenset({";", ",", "\t", "|"})
SURE, MOST, FEW = 0.8, 0.9, 0.05
ROWS_AT_LEAST = 2
MANY = 10
"""Up to this many lines above a table do not hide how it is cut."""
COMMENT = re.compile(r"\s*(?:#|//|--)")
_LINE = re.compile("[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\\Z")


def table_below(text: str, early: Cut, *, whole: bool, delimiter: str | None, quote: str | None) -> int:
    """Return where the header of an evident table begins that fills the text's end; 0 where there is none.

    ``early`` is the best cut of the text's first records; one that makes a table of them is never doubted. ``whole``:
    the text does not end within a line. A given ``delimiter`` or ``quote`` is the only one tried.
    """
    if early.dialect.aligned or _is_table(early):
        return 0
    lines = [line.span() for line in _LINE.finditer(text) if line.group().strip()]
    if not whole:
        lines = lines[:-1]
    for count in TAILS:
        if len(lines) <= count:
            continue
        end = lines[-1][1]
        late = best_cuts(text[lines[-count][0] : end], delimiter=delimiter, quote=quote)[0]
        sign = late.dialect.delimiter
        if late.width < 2 or late.dialect.aligned or sign not in {*SIGNS, delimiter} or late.share < MOST:
            continue
        rows = [row for row in read_rows(text[:end], late.dialect, late.width, None)[0] if row.is_filled]
        first = _first(rows, late.width)
        if first > MANY and _is_evident(rows, first, late.width):
            return rows[first].start
    return 0


def _is_table(early: Cut) -> bool:
    """Tell whether the first records may be a table: cut alike and no comments, or below a header."""
    rows = [row for row in early.rows if row.is_filled]
    if early.width < 2 or not rows:
        return False
    fit = sum(len(row.cells) == early.width for row in rows) >= MOST * len(rows)
    comments = [bool(COMMENT.match(row.cells[0] or "")) for row in rows]
    if fit and sum(comments) <= len(rows) / 2:
        return True
    return not comments[0] and _is_header(rows, 0, early.width)


def _first(rows: Sequence[Row], width: int) -> int:
    """Return the first row from which on nearly all have the width, above which nearly none has; 0 for no such row."""
    fits = [len(row.cells) == width for row in rows]
    above = [0, *accumulate(fits)]
    for at in range(1, len(rows) - ROWS_AT_LEAST):
        if not all(fits[at : at + 1 + ROWS_AT_LEAST]):
            continue
        below = (above[-1] - above[at]) / (len(rows) - at)
        if below >= MOST:
            return at if above[at] <= FEW * at else 0
    return 0


def _is_evident(rows: Sequence[Row], first: int, width: int) -> bool:
    """Tell whether a row is surely a header, or stands below comments alone."""
    return _is_header(rows, first, width) or all(COMMENT.match(row.cells[0] or "") for row in rows[:first])


def _is_header(rows: Sequence[Row], at: int, width: int) -> bool:
    below = [row.cells for row in rows[at + 1 : at + 1 + COMPARED_RECORDS]]
    is_header, _, sure = judge_header(rows[at].cells, below, width)
    return is_header and sure >= SURE
