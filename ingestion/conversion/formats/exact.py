"""Typed cells straight from bytes, with a proof that they say what the bytes said.

PyArrow parses integers and dates much faster than any check of their text could run, but it also
accepts texts that lose something: ``007``, `` 5``, ``-0``, ``0xFF``. So a block's
bytes are accounted for: the shortest exact texts of all its values, the delimiters, record ends and quotes
must together be as long as the block. A text that is longer than its value's exact text breaks the sum, and
nothing can make up for it, because each kind of shorter text is excluded by itself:

- an integer is as long as its text, or longer, only in hexadecimal, and only from a million on (``0xF4240``):
  where an integer is that large, no ``x`` may stand outside the text columns;
- a record end is shorter than another one: all must be of the one kind.

Dates have one length. What cannot be proven is not called wrong: the caller then reads that block as text
and checks every cell.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import csv

from ingestion.conversion import functions as pc
from ingestion.conversion.formats.bytewise import Bytes, Words, byte_table, count, positions
from ingestion.conversion.typing.constants import known_in
from ingestion.slotted import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.dialect import Dialect

DATE_LENGTH = len("2026-10-31")
FIRST_DAY = -719_162  # 0001-01-01; many readers cannot read a year 0
HEXADECIMAL_HIDES_FROM = 10**6
SHORT_ROWS = 4096
BOM = b"\xef\xbb\xbf"
STAND_IN = "\x1f"
"""Put for a delimiter of several signs, in a block that does not have it: PyArrow knows delimiters of one sign."""
_PART_OF_NUMBERS = frozenset("0123456789.-+eExX \t\"'")


def can_parse(dialect: Dialect) -> bool:
    """Tell whether PyArrow's parser cuts this dialect as our own does."""
    delimiter = dialect.delimiter or ""
    plain = delimiter != "" and delimiter.isascii() and dialect.newline is not None
    plain = plain and (len(delimiter) == 1 or dialect.escape is None)
    plain = plain and not (dialect.aligned or dialect.skip_initial_space)
    # PyArrow cannot tell an empty line from an empty cell where there is one column.
    return plain and len(dialect.names) > 1 and (dialect.quote is None or dialect.quote.isascii())


def can_prove(dialect: Dialect) -> bool:
    """Tell whether a block of this dialect can be accounted for: every sign of it has one meaning."""
    sound = can_parse(dialect) and dialect.quote in {None, '"', "'"} and not (dialect.escape or dialect.comment)
    return sound and dialect.delimiter not in _PART_OF_NUMBERS and not (dialect.delimiter or "").isalnum()


def parse(
    block: bytes | bytearray,
    dialect: Dialect,
    types: Sequence[pa.DataType],
    *,
    quotes: int | None = None,
) -> pa.RecordBatch | None:
    """Cut and parse a block; None when a record has too few or too many cells or a cell is not of its type.

    ``quotes`` is how many quotes the block has, where ``is_well_quoted`` is already known.
    """
    if len(dialect.delimiter or "") > 1:
        short = _shortened(block, dialect)
        return short and parse(*short, types)
    quoted = dialect.quote is not None and (quotes if quotes is not None else dialect.quote.encode() in block)
    if not _is_plain(block, dialect, ask_quotes=bool(quoted) and quotes is None):
        return None
    block = _ended(block, dialect)
    try:
        table = csv.read_csv(
            pa.BufferReader(pa.py_buffer(block)),
            csv.ReadOptions(column_names=list(dialect.names), block_size=max(len(block), 1), use_threads=False),
            csv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char=dialect.quote if quoted else False,
                escape_char=dialect.escape or False,
                newlines_in_values=bool(quoted),
                ignore_empty_lines=False,
            ),
            csv.ConvertOptions(
                column_types=dict(zip(dialect.names, types, strict=True)),
                strings_can_be_null=True,
                null_values=[""],
                quoted_strings_can_be_null=False,
                check_utf8=not block.isascii(),
            ),
        )
    except pa.ArrowInvalid:
        return None
    batch = table.combine_chunks().to_batches()[0] if table.num_rows else None
    if batch is not None and dialect.newline == "\r" and block.count(b"\r") != batch.num_rows:
        return None  # one stands in a cell, where lines are counted by LF
    if batch is None or (quoted and dialect.delimiter == STAND_IN and _holds(batch, STAND_IN)):
        return None  # a cell's own sign, or a delimiter of several
    return None if _has_blank_lines(batch, block) else batch


def _is_plain(block: bytes | bytearray, dialect: Dialect, *, ask_quotes: bool) -> bool:
    """Tell whether PyArrow takes each sign of a block for what it is: marks, line ends, quotes and escapes."""
    if block.startswith(BOM):
        return False  # PyArrow would drop it, but only a file's first bytes are a mark
    if dialect.newline == "\r" and b"\n" in block:
        return False  # ends of another length
    if ask_quotes and not is_well_quoted(block, dialect):
        return False
    return dialect.escape is None or _escapes_signs(block, dialect)


def _shortened(block: bytes | bytearray, dialect: Dialect) -> tuple[bytes, Dialect] | None:
    """Return a block and its dialect with one sign as delimiter; None where the block has that sign already."""
    sign = STAND_IN.encode()
    delimiter = (dialect.delimiter or "").encode()
    return None if sign in block else (bytes(block.replace(delimiter, sign)), replace(dialect, delimiter=STAND_IN))


def _holds(batch: pa.RecordBatch, sign: str) -> bool:
    texts = [column for column in batch.columns if pa.types.is_string(column.type)]
    return any(count(_text(column), ord(sign)) for column in texts)


def _has_blank_lines(batch: pa.RecordBatch, block: bytes | bytearray) -> bool:
    """Tell whether PyArrow may have taken an empty line for a record of nulls."""
    if not all(column.null_count for column in batch.columns):
        return False
    if not block.startswith((b"\n", b"\r")) and not any(ends in block for ends in (b"\n\n", b"\n\r", b"\r\r")):
        return False
    blank = batch.column(0).is_null()
    for column in batch.columns[1:]:
        blank = pc.and_(blank, column.is_null())
    return bool(pc.any(blank).as_py())


def is_well_quoted(block: bytes | bytearray, dialect: Dialect) -> bool:
    """Tell whether quotes enclose whole cells, or stand doubled inside them, or inside a cell without quotes.

    PyArrow drops a quote that breaks these rules, so a block with one is not for it.
    """
    raw = np.frombuffer(block, np.uint8)
    at = positions(raw, ord(dialect.quote or '"'))
    if dialect.escape:
        if dialect.escape.encode() * 2 in block:
            return False
        at = at[(at == 0) | (raw[at - 1] != ord(dialect.escape))]
    beside = byte_table((dialect.delimiter or "") + "\r\n")
    begins = (at == 0) | beside.take(raw.take(at - 1))
    if dialect.escape:  # an escaped delimiter begins no cell
        begins &= (at < 2) | (raw.take(np.maximum(at - 2, 0)) != ord(dialect.escape))
    ends = (at == len(raw) - 1) | beside.take(raw.take(np.minimum(at + 1, len(raw) - 1)))
    if len(at) % 2 == 0 and begins[:1].all() and ends[-1:].all():
        # In a cell a closing quote and the next opening one stand doubled; others that touch are all of a cell.
        doubled = np.diff(at)[1::2] == 1
        if (begins[2::2] | doubled).all() and (ends[1:-1:2] | doubled).all():
            return True
    return _quotes_close(at.tolist(), begins.tolist(), ends.tolist())


def _quotes_close(at: list[int], begins: list[bool], ends: list[bool]) -> bool:
    """Tell the same, quote by quote: for blocks with quotes inside cells without quotes."""
    index, count = 0, len(at)
    while index < count:
        if not begins[index]:
            index += 1
            continue
        index += 1
        while index < count and not ends[index]:
            if index + 1 >= count or at[index + 1] != at[index] + 1:
                return False
            index += 2
        if index >= count:
            return False
        # A closing quote that stands doubled is one of the cell's quotes.
        index += 1
    return True


def _escapes_signs(block: bytes | bytearray, dialect: Dialect) -> bool:
    """Tell whether escapes stand before signs alone: before a letter one stands for itself, which PyArrow drops."""
    escape = (dialect.escape or "").encode()
    signs = re.escape(escape + (dialect.quote or "").encode() + (dialect.delimiter or "").encode())
    return re.search(re.escape(escape) + b"(?![" + signs + b"])", block) is None


def parse_exact(
    block: bytes | bytearray,
    dialect: Dialect,
    types: Sequence[pa.DataType],
    *,
    quotes: int | None = None,
    doubled: bool = True,
) -> pa.RecordBatch | None:
    """Parse a block by int64, date32 and string columns.

    Returns None unless every cell is proven to be its value's exact text. Where no quote is ``doubled``, all ``quotes``
    enclose cells and none is part of one.
    """
    if len(dialect.delimiter or "") > 1:
        short = _shortened(block, dialect)
        return short and parse_exact(*short, types)
    batch = parse(block, dialect, types, quotes=quotes)
    if batch is None:
        return None
    return batch if is_exact(batch, block, dialect, quotes, doubled=doubled) else None


def is_exact(
    batch: pa.RecordBatch,
    block: bytes | bytearray,
    dialect: Dialect,
    quotes: int | None = None,
    *,
    doubled: bool = True,
) -> bool:
    """Tell whether the values' exact texts make up the block, byte for byte."""
    block = _ended(block, dialect)
    raw = np.frombuffer(block, np.uint8)
    texts = [_text(column) for column in batch.columns if pa.types.is_string(column.type)]
    # Where nothing is quoted, no text holds a record end.
    holders = [] if dialect.quote is None or quotes == 0 else texts
    if not _same_record_ends(block, raw, holders, batch.num_rows, dialect):
        return False
    numbers = _Numbers()
    length = batch.num_rows * (batch.num_columns - 1 + len(dialect.newline or "\n"))
    length += sum(map(len, texts))
    length += numbers.length([column for column in batch.columns if not pa.types.is_string(column.type)])
    if dialect.quote:
        alone = quotes is not None and not doubled
        length += quotes if alone else _outside(raw, texts, ord(dialect.quote), quotes)
    if length != len(block) or numbers.first_day < FIRST_DAY:
        return False
    if numbers.largest >= HEXADECIMAL_HIDES_FROM:
        signs = [sign for sign in b"xX" if sign in block]
        if any(_outside(raw, texts, sign) for sign in signs):
            return False
    return True


def _ended(block: bytes | bytearray, dialect: Dialect) -> bytes | bytearray:
    """End the last record: PyArrow takes a last empty cell for a quoted one when the cell before was quoted."""
    return block if block.endswith((b"\n", b"\r")) else block + (dialect.newline or "\n").encode()


def _text(column: pa.Array) -> Bytes:
    """Return a text column's bytes."""
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    raw = np.frombuffer(data, np.uint8) if data is not None and data.size else np.empty(0, np.uint8)
    return raw[ends[0] : ends[-1]]


def _outside(raw: Bytes, texts: Sequence[Bytes], byte: int, found: int | None = None) -> int:
    """Count a byte's occurrences that are not part of a text value; ``found`` is how many there are in all."""
    found = count(raw, byte) if found is None else found
    return found - sum(count(text, byte) for text in texts) if found else 0


def _same_record_ends(
    block: bytes | bytearray, raw: Bytes, texts: Sequence[Bytes], rows: int, dialect: Dialect
) -> bool:
    """Tell whether all records end alike: a shorter end could hide a longer cell."""
    if dialect.newline == "\r\n":
        return _outside(raw, texts, ord("\r")) == rows == _outside(raw, texts, ord("\n"))
    if dialect.newline == "\r":
        return True  # ``parse`` takes no other ends
    return b"\r" not in block or not _outside(raw, texts, ord("\r"))


class _Numbers:
    """Adds up the exact texts of columns, and keeps what the exclusion of shorter texts must know."""

    def __init__(self) -> None:
        self.largest = 0
        self.first_day = FIRST_DAY

    def length(self, columns: Sequence[pa.Array]) -> int:
        """Return the summed length of the exact texts of some columns' values."""
        filled = [column for column in columns if column.null_count < len(column)]
        dates = [column for column in filled if pa.types.is_date32(column.type)]
        words = [_words(column) for column in filled if pa.types.is_int64(column.type)]
        if words and len(words[0]) < SHORT_ROWS:
            words = [np.concatenate(words)]  # a call for each would cost more than its words
        return sum(map(self._of_dates, dates)) + sum(map(self._of_integers, words))

    def _of_dates(self, column: pa.Array) -> int:
        self.first_day = min(self.first_day, pc.min(column.view(pa.int32())).as_py())
        return DATE_LENGTH * (len(column) - column.null_count)

    def _of_integers(self, words: Words) -> int:
        """Return the number of digits and minus signs."""
        low, high = int(words.min()), int(words.max())
        self.largest = max(self.largest, -low, high)
        total = len(words)
        if low < 0:
            total += int(np.count_nonzero(words < 0))
            high, low = max(high, -low), 0
            words = np.abs(words).view(np.uint64)  # the lowest integer has no positive twin, but this one
        power = 10
        while power <= high:
            total += len(words) if power <= low else int(np.count_nonzero(words >= power))
            power *= 10
        return total


def _words(column: pa.Array) -> Words:
    """Return the integers of a column without its nulls."""
    words: Words = np.frombuffer(column.buffers()[1], np.int64)[column.offset : column.offset + len(column)]
    return words[known_in(column)] if column.null_count else words
