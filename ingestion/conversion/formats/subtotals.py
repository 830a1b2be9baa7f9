"""Rows between the others that look like subtotals: told by a word, or by numbers where the keys are empty."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.detect.kinds import TOTAL
from ingestion.conversion.formats.bytewise import byte_table
from ingestion.conversion.typing.constants import known_in, number_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.formats.bytewise import Flags, Words

BY_WORD = "began like a total line, yet went in as data"
BY_LACK = "held numbers without a key, as subtotals do, yet went in as data"
MOST = 100
"""How many rows are looked for in a block; beyond, there are at least so many."""
FEW = 5
_BEGINS = (
    r"^\W{0,4}(?:grand |sub[- ]?|zwischen|gesamt|end|sous-)?"
    r"(?:tota[lu]|sum|som|betrag|gesamt|raz|og|итого|合計|合计|총계)"
)
_NEVER_FIRST = byte_table("0123456789_abcdfhijklmnpquvwxyABCDFHIJKLMNPQUVWXY")


def told_rows(count: int) -> str:
    """Say how many rows were found, of which each block tells the first alone."""
    if count == 1:
        return "1 row"
    return f"{'At least ' if count >= MOST else ''}{count:,} rows"


def total_rows(columns: Sequence[pa.Array]) -> list[int]:
    """Return the first rows whose first filled cell begins like a total line, and which leave another cell empty."""
    if len(columns) < 2:
        return []
    rows = _hollow(columns)
    found: list[int] = []
    for cells in columns:
        if not len(rows):
            break
        if pa.types.is_string(cells.type):
            found += _worded(cells, rows)
        if not cells.null_count:
            break
        rows = rows[~known_in(cells)[rows]]
    return sorted(found)[:MOST]


def keyless_rows(columns: Sequence[pa.Array]) -> list[int]:
    """Return the first rows that hold numbers alone, their first cell empty, where nearly all others fill it."""
    if len(columns) < 2:
        return []
    first = columns[0]
    if not first.null_count or first.null_count * FEW > len(first):
        return []
    others = [cells for cells in columns if not _is_number(cells.type) and not pa.types.is_null(cells.type)]
    numbers = [cells for cells in columns if _is_number(cells.type)]
    if not others or not numbers:
        return []
    rows = np.flatnonzero(~known_in(first))
    for cells in others:
        rows = rows[~_known(cells)[rows]]
    filled = np.zeros(len(rows), np.bool_)
    for cells in numbers:
        filled |= _known(cells)[rows]
    return [int(row) for row in rows[filled][:MOST]]


def _hollow(columns: Sequence[pa.Array]) -> Words:
    """Return the rows with an empty cell."""
    with_nulls = [cells for cells in columns if cells.null_count]
    if not with_nulls:
        return np.empty(0, np.int64)
    hollow = ~known_in(with_nulls[0])
    for cells in with_nulls[1:]:
        hollow |= ~known_in(cells)
    return np.flatnonzero(hollow)


def _known(cells: pa.Array) -> Flags:
    return known_in(cells) if cells.null_count else np.ones(len(cells), np.bool_)


def _worded(cells: pa.Array, rows: Words) -> list[int]:
    """Return those of some rows whose text begins like a total line; most are out by their first byte."""
    _, offsets, data = cells.buffers()
    if data is None or not data.size:
        return []
    starts = np.frombuffer(offsets, np.int32)[cells.offset : cells.offset + len(cells)].take(rows)
    raw = np.frombuffer(data, np.uint8)
    rows = rows[~_NEVER_FIRST.take(raw.take(np.minimum(starts, len(raw) - 1)))]
    if not len(rows):
        return []
    texts = pc.take(cells, number_array(rows))
    suspects = pc.indices_nonzero(pc.match_substring_regex(texts, _BEGINS, ignore_case=True))
    pairs = zip(suspects.to_pylist(), pc.take(texts, suspects).to_pylist(), strict=True)
    return list(islice((int(rows[at]) for at, text in pairs if TOTAL.fullmatch(text)), MOST))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_floating(kind))
