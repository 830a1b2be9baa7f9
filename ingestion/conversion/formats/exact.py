"""Typed cells straight from bytes, with a proof that they say what the bytes said.

PyArrow parses integers, decimals and dates much faster than any check of their text could run, but it also
accepts texts that lose something: ``007``, `` 5``, ``+1.00``, ``-0``, ``0xFF``, ``1e3``, ``.5``. So a block's
bytes are accounted for: the shortest exact texts of all its values, the delimiters, record ends and quotes
must together be as long as the block. A text that is longer than its value's exact text breaks the sum. A
text that is shorter could hide it, so each kind of shorter text is excluded by itself: hexadecimal integers,
decimals without exactly the column's fraction, record ends of another kind. What cannot be proven is not
called wrong: the caller then reads that block as text and checks every cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ingestion.conversion.dialect import Dialect

DATE_LENGTH = len("2026-10-31")
MAX_WORD_DIGITS = 18
FIRST_DAY = -719_162  # 0001-01-01

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Words = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


def can_parse(dialect: Dialect) -> bool:
    """Tell whether PyArrow's parser cuts this dialect as our own does."""
    delimiter = dialect.delimiter or ""
    plain = len(delimiter) == 1 and delimiter.isascii() and dialect.newline not in {"\r", None}
    # PyArrow cannot tell an empty line from an empty cell where there is one column.
    return plain and len(dialect.names) > 1 and (dialect.quote is None or dialect.quote.isascii())


def parse(
    block: bytes, dialect: Dialect, types: Sequence[pa.DataType], nulls: Sequence[str] = ("",)
) -> pa.RecordBatch | None:
    """Cut and parse a block; None when a record has too few or too many cells or a cell is not of its type."""
    block = _ended(block, dialect)
    try:
        table = csv.read_csv(
            pa.BufferReader(block),
            csv.ReadOptions(column_names=list(dialect.names), block_size=max(len(block), 1), use_threads=False),
            csv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char=dialect.quote or False,
                escape_char=dialect.escape or False,
                newlines_in_values=dialect.quote is not None,
                ignore_empty_lines=False,
            ),
            csv.ConvertOptions(
                column_types=dict(zip(dialect.names, types, strict=True)),
                strings_can_be_null=True,
                null_values=list(nulls),
                quoted_strings_can_be_null=False,
                check_utf8=not block.isascii(),
            ),
        )
    except pa.ArrowInvalid:
        return None
    return table.combine_chunks().to_batches()[0] if table.num_rows else None


def parse_exact(block: bytes, dialect: Dialect, types: Sequence[pa.DataType]) -> pa.RecordBatch | None:
    """Parse a block by int64, ``decimal128`` up to 18 digits, date32 and string columns.

    Returns None unless every cell is proven to be its value's exact text.
    """
    batch = parse(block, dialect, types)
    return batch if batch is not None and is_exact(batch, block, dialect) else None


def is_exact(batch: pa.RecordBatch, block: bytes, dialect: Dialect) -> bool:
    """Tell whether the values' exact texts make up the block, byte for byte."""
    block = _ended(block, dialect)
    raw = np.frombuffer(block, np.uint8)
    texts = [_text(column) for column in batch.columns if pa.types.is_string(column.type)]
    if not _same_record_ends(raw, texts, batch.num_rows, dialect):
        return False
    length = batch.num_rows * (batch.num_columns - 1 + len(dialect.newline or "\n"))
    length += sum(_length(column) for column in batch.columns)
    if dialect.quote:
        length += _outside(raw, texts, ord(dialect.quote))
    if length != len(block):
        return False
    if any(column.type == pa.int64() for column in batch.columns) and _has_hexadecimals(raw, dialect):
        return False
    return _years_are_real(batch) and _fractions_are_whole(batch, raw, texts, dialect)


def _years_are_real(batch: pa.RecordBatch) -> bool:
    """Tell whether no date lies in the year 0, which many readers cannot read."""
    days = [column.cast(pa.int32()) for column in batch.columns if pa.types.is_date32(column.type)]
    return all((pc.min(column).as_py() or 0) >= FIRST_DAY for column in days)


def _ended(block: bytes, dialect: Dialect) -> bytes:
    """End the last record: PyArrow takes a last empty cell for a quoted one when the cell before was quoted."""
    return block if block.endswith((b"\n", b"\r")) else block + (dialect.newline or "\n").encode()


@dataclass(frozen=True, slots=True)
class _Text:
    """A text column's bytes, and where its cells begin and end in them."""

    data: Bytes
    offsets: np.ndarray[Any, np.dtype[np.int32]]


def _text(column: pa.Array) -> _Text:
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    raw = np.frombuffer(data, np.uint8) if data is not None and data.size else np.empty(0, np.uint8)
    return _Text(raw[ends[0] : ends[-1]], ends - ends[0])


def _outside(raw: Bytes, texts: Sequence[_Text], byte: int) -> int:
    """Count a byte's occurrences that are not part of a text value."""
    inside = sum(int(np.count_nonzero(text.data == byte)) for text in texts)
    return int(np.count_nonzero(raw == byte)) - inside


def _same_record_ends(raw: Bytes, texts: Sequence[_Text], rows: int, dialect: Dialect) -> bool:
    """Tell whether all records end alike: a shorter end could hide a longer cell."""
    returns = _outside(raw, texts, ord("\r"))
    if dialect.newline == "\r\n":
        return returns == rows == _outside(raw, texts, ord("\n"))
    return returns == 0


def _length(column: pa.Array) -> int:
    """Return the summed length of the exact texts of a column's values."""
    filled = len(column) - column.null_count
    if pa.types.is_string(column.type):
        return len(_text(column).data)
    if pa.types.is_date32(column.type):
        return DATE_LENGTH * filled
    scale = column.type.scale if pa.types.is_decimal128(column.type) else 0
    return _digits(_words(column), scale + 1) + (filled if scale else 0)


def _words(column: pa.Array) -> Words:
    """Return the integers of a column without its nulls; a decimal's unscaled low word."""
    words: Words = np.frombuffer(column.buffers()[1], np.int64)
    if pa.types.is_decimal128(column.type):
        words = words[0::2]
    words = words[column.offset : column.offset + len(column)]
    if column.null_count:
        words = words[column.is_valid().to_numpy(zero_copy_only=False)]
    return np.ascontiguousarray(words)


def _digits(words: Words, at_least: int) -> int:
    """Return the number of digits and minus signs that the integers take, each ``at_least`` so many digits."""
    if not len(words):
        return 0
    low, high = int(words.min()), int(words.max())
    total = at_least * len(words)
    if low < 0:
        total += int(np.count_nonzero(words < 0))
        high = max(high, -low)
        words = np.abs(words)  # the lowest integer has no positive twin, and is counted below as it is short
        low = 0
        if high > np.iinfo(np.int64).max:
            return 0
    power = 10**at_least
    while power <= high:
        total += len(words) if power <= low else int(np.count_nonzero(words >= power))
        power *= 10
    return total


def _has_hexadecimals(raw: Bytes, dialect: Dialect) -> bool:
    """Tell whether a cell may begin like ``0xFF``, which PyArrow reads as 255."""
    at = np.flatnonzero((raw == ord("x")) | (raw == ord("X")))
    at = at[at > 0]
    at = at[raw[at - 1] == ord("0")] - 2
    before = _byte_table((dialect.delimiter or "") + (dialect.quote or "") + " \t\r\n")
    return bool(np.any(at < 0) or np.any(before[raw[at]]))


def _fractions_are_whole(batch: pa.RecordBatch, raw: Bytes, texts: Sequence[_Text], dialect: Dialect) -> bool:
    """Tell whether every decimal is written with a digit, the point and exactly its scale of digits."""
    wanted: dict[int, int] = {}
    for column in batch.columns:
        if pa.types.is_decimal128(column.type):
            scale = column.type.scale
            wanted[scale] = wanted.get(scale, 0) + len(column) - column.null_count
    if not wanted:
        return True
    ends = _byte_table((dialect.delimiter or "") + (dialect.quote or "") + "\r\n")
    points = np.flatnonzero(raw == ord("."))
    for scale, count in wanted.items():
        within = points[points + scale + 1 < len(raw)]
        found = _fractions(raw, within, scale, lambda at: ends.take(raw.take(at)))
        lookalikes = sum(_lookalikes(text, scale, ends) for text in texts)
        if found - lookalikes < count:
            return False
    return True


def _fractions(raw: Bytes, points: Words, scale: int, is_end: Callable[[Words], Flags]) -> int:
    """Count digit, point, ``scale`` digits, end; ``is_end`` tells of positions whether a cell ends there."""
    at = points[(points > 0) & (points + scale < len(raw))]
    good = is_end(at + scale + 1)
    good &= _are_digits(raw.take(at - 1))
    for step in range(1, scale + 1):
        good &= _are_digits(raw[step:].take(at))
    return int(np.count_nonzero(good))


def _are_digits(raw: Bytes) -> Flags:
    return raw - np.uint8(ord("0")) < 10  # bytes below wrap around


def _byte_table(signs: str) -> Flags:
    """Return a table that tells of each byte whether it is one of the signs."""
    table = np.zeros(256, np.bool_)
    table[list(signs.encode())] = True
    return table


def _lookalikes(text: _Text, scale: int, ends: Flags) -> int:
    """Count, rather too many than too few, what ``_fractions`` may have found in text values."""
    points = np.flatnonzero(text.data == ord("."))
    if not len(points):
        return 0
    is_end = np.append(ends[text.data], True)
    is_end[text.offsets] = True
    return _fractions(text.data, points, scale, lambda at: is_end[at])
