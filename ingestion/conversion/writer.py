"""Parquet as DataBridge writes it: zstd, statistics, page index and checksums, and its origin in the footer."""

from __future__ import annotations

import json
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.parquet import needs_schema
from ingestion.conversion.rowgroups import OneByOne, SideBySide
from ingestion.conversion.turns import TURNS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ingestion.conversion.formats.base import Table

_File = OneByOne | SideBySide
CODE_VERSION = "0.1.0"
ROW_GROUP_ROWS = 1 << 20
ROW_GROUP_BYTES = 8 << 20, 40 << 20  # three of them are in memory: two being encoded, one being read
LAST_BYTES = 8 << 20
GROUPS = 8
MOST_PENDING = 2  # row groups that are being encoded, or wait for it
MANY_COLUMNS = 64  # whose footer takes longer to join than a second encoder saves
SAMPLE_ROWS = 1 << 12, 1 << 16
SAMPLE_CELLS = 1 << 20
SAMPLE_PART = 4  # of the first row group
FIRST_ROWS = 1 << 11
FEW_TEXTS, FEW_NUMBERS, MANY = 0.2, 0.05, 0.95
COMPRESSION_LEVEL = 1
VALUES_AT_ONCE = 1 << 14
PAGE_ROWS = 1 << 17  # each page costs a compressor made anew; its bytes are bounded by themselves
WORD_DIGITS = 18  # a longer decimal is stored as bytes


class Writer:
    """Writes a table's batches to one local file. ``rows`` counts what was handed over.

    Row groups are encoded by threads of their own while the next one is being read. The last ones have nobody to share
    the time with, so groups of smaller files are smaller, and so are a file's last ones.
    """

    def __init__(self, path: Path, table: Table, metadata: Mapping[str, str], *, bytes_in: int = 0) -> None:
        """Begin a file with the table's present schema, for an input of about so many bytes."""
        self.rows = 0
        self._bytes_in = bytes_in
        self._group_bytes = min(max(ROW_GROUP_BYTES[0], bytes_in // GROUPS), ROW_GROUP_BYTES[1])
        self._path = path
        self._table = table
        self._schema = table.schema()
        self._metadata = metadata
        self._held: list[pa.RecordBatch] = []
        self._held_rows = self._held_bytes = self._bytes = 0
        self._kind = OneByOne if len(self._schema) > MANY_COLUMNS else SideBySide
        self._file: _File | None = None
        self._opened: Future[_File] | None = None
        self._pool = ThreadPoolExecutor(self._kind.encoders)
        self._pending: deque[Future[tuple[_File, Any]]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Finish the file; the footer tells rules and origin when all went well."""
        try:
            if kind is None:
                self._finish()
        finally:
            self._pool.shutdown()
            if self._file is not None:
                self._file.abandon()

    def write(self, batch: pa.RecordBatch) -> None:
        """Append one batch; raises ``OSError`` when an earlier one could not be written."""
        self._held.append(batch)
        self._held_rows += batch.num_rows
        size = batch.nbytes
        self._held_bytes += size
        self._bytes += size
        self.rows += batch.num_rows
        if self._opened is None and self._held_bytes * SAMPLE_PART >= self._enough():
            # Now, while the encoders wait for the first row group.
            self._opened = self._pool.submit(self._open, self._kind, self._group())
        if self._held_rows >= ROW_GROUP_ROWS or self._held_bytes >= self._enough():
            self._append(MOST_PENDING - 1)
            self._submit()

    def _enough(self) -> int:
        """Return how many bytes make a row group: near the end half of what is expected to be left."""
        done = self._table.progress
        left = self._bytes * max(self._bytes_in - done, 0) // done if done else self._bytes_in
        return min(max(LAST_BYTES, (self._held_bytes + left) // 2), self._group_bytes)

    def _group(self) -> pa.Table:
        return pa.Table.from_batches(self._held, schema=self._schema)

    def _open(self, kind: type[_File], first: pa.Table) -> _File:
        """Begin the file; the first rows tell which columns repeat their values."""
        with TURNS:
            repeating, encodings = _layout(first)
        self._file = kind(
            self._path,
            self._schema,
            ROW_GROUP_ROWS,
            compression="zstd",
            compression_level=COMPRESSION_LEVEL,
            use_dictionary=repeating,
            column_encoding=encodings,
            write_statistics=True,
            write_page_index=True,
            write_page_checksum=True,
            store_decimal_as_integer=True,
            write_batch_size=VALUES_AT_ONCE,
            max_rows_per_page=PAGE_ROWS,
            store_schema=needs_schema(self._schema),
        )
        return self._file

    def _submit(self) -> None:
        """Have what is held encoded as a row group."""
        opened = self._opened = self._opened or self._pool.submit(self._open, self._kind, self._group())
        self._pending.append(self._pool.submit(_encoded, opened, self._group()))
        self._held, self._held_rows, self._held_bytes = [], 0, 0

    def _append(self, left: int = 0) -> None:
        """Put encoded row groups into the file until no more than so many are being encoded."""
        while len(self._pending) > left:
            file, encoded = self._pending.popleft().result()
            file.append(encoded)

    def _finish(self) -> None:
        """Write what is held, and the footer."""
        if self._opened is None:  # all is one row group, which needs no thread of its own
            file = self._open(OneByOne, group := self._group())
            if group.num_rows:
                file.encode(group)
        else:
            file = self._opened.result()
            if self._held_rows:
                self._submit()
            self._append()
        rules = {column.name: column.rule for column in self._table.columns()}
        told = json.dumps(rules, ensure_ascii=False, separators=(",", ":"))
        facts = {"rules": told, "code_version": CODE_VERSION, **self._metadata}
        file.close({f"databridge.{name}": str(text) for name, text in facts.items()})


def _encoded(opened: Future[_File], group: pa.Table) -> tuple[_File, Any]:
    """Encode one row group, once it is known how; return the file that it is appended to."""
    file = opened.result()
    with TURNS:
        return file, file.encode(group)


def _layout(group: pa.Table) -> tuple[list[str] | bool, dict[str, str] | None]:
    """Return the columns that get a dictionary, and how the others are encoded where not plainly.

    A dictionary pays where values repeat often. One of many values costs time twice: until it is full, and then for
    going on without it. Other numbers are written as differences, other texts with their lengths apart: both are
    smaller than plain values, and faster because less is left to compress.
    """
    if any(pa.types.is_nested(field.type) for field in group.schema):
        return True, None
    sample = group.slice(0, min(max(SAMPLE_ROWS[0], SAMPLE_CELLS // max(1, group.num_columns)), SAMPLE_ROWS[1]))
    repeating: list[str] = []
    encodings: dict[str, str] = {}
    for name, cells in zip(sample.schema.names, sample.columns, strict=True):
        if _is_countable(cells.type) and _repeats(cells):
            repeating.append(name)
        elif (encoding := _encoding(cells.type)) is not None:
            encodings[name] = encoding
    return repeating, encodings or None


def _repeats(cells: pa.ChunkedArray) -> bool:
    """Tell whether few of a column's values are different; the first of them settle it for most columns."""
    few = FEW_TEXTS if _is_text(cells.type) else FEW_NUMBERS
    first = cells.slice(0, FIRST_ROWS)
    different = pc.count_distinct(first).as_py()
    if different > MANY * len(first):
        return False
    different = different if len(first) == len(cells) else pc.count_distinct(cells).as_py()
    return bool(different <= few * len(cells))


def _encoding(kind: pa.DataType) -> str | None:
    """Return how a column without a dictionary is encoded; None for plainly."""
    if _is_text(kind):
        return "DELTA_LENGTH_BYTE_ARRAY"
    whole = (pa.types.is_integer, pa.types.is_date, pa.types.is_timestamp, pa.types.is_time)
    in_a_word = pa.types.is_decimal128(kind) and kind.precision <= WORD_DIGITS
    return "DELTA_BINARY_PACKED" if in_a_word or any(test(kind) for test in whole) else None


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_countable(kind: pa.DataType) -> bool:
    """Tell whether Arrow can count a type's distinct values; of two truth values nobody needs a dictionary."""
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_date, pa.types.is_timestamp, pa.types.is_time)
    return _is_text(kind) or pa.types.is_decimal128(kind) or any(test(kind) for test in tests)
