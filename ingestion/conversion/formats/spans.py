"""Where a row of delimited text stands in its block: found again for the few rows that somebody asks about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ingestion.conversion.formats.bytewise import positions
from ingestion.conversion.records import records

if TYPE_CHECKING:
    from ingestion.conversion.dialect import Dialect
    from ingestion.conversion.formats.cells import Run, Text

Spans = list[tuple[int, int]]


def row_span(text: Text, row: int, dialect: Dialect) -> tuple[int, int]:
    """Return the first byte of a row in its block, and the byte behind its record end."""
    number, inside = text.run_of(row)
    run = text.runs[number]
    if run.spans is None:
        run.spans = _counted(run, dialect) or _cut(run, dialect)
    before = sum(len(other.data) for other in text.runs[:number])
    start, stop = run.spans[inside]
    return before + start, before + stop


def _counted(run: Run, dialect: Dialect) -> Spans | None:
    """Take each line end outside quotes for a record's; None where that gives another number of records."""
    raw = np.frombuffer(run.data, np.uint8)
    ends = positions(raw, ord("\n")) + 1
    if dialect.quote and len(quotes := positions(raw, ord(dialect.quote))):
        ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    if not len(ends) or ends[-1] != len(raw):
        ends = np.append(ends, len(raw))
    starts = np.concatenate([[0], ends[:-1]])
    return list(zip(starts.tolist(), ends.tolist(), strict=True)) if len(ends) == run.rows else None


def _cut(run: Run, dialect: Dialect) -> Spans:
    """Cut the records one by one."""
    text, position, start, spans = run.data.decode(), 0, 0, []
    for record in records(text, dialect, len(dialect.names)):
        stop = start + len(text[position : record.end].encode())
        spans.append((start, stop))
        position, start = record.end, stop
    return spans
