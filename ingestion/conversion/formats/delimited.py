"""Delimited text: cut into blocks at record ends, parsed to text columns, typed over the whole file.

A first pass surveys every cell and settles the types, a second one casts and yields; both read the file
block by block, so memory does not grow with it. PyArrow cuts a block into cells; a block with ragged
records is cut by our own, slower code, which keeps what does not fit.
"""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from ingestion.conversion.errors import LineTooLong, UndecidedEncoding
from ingestion.conversion.records import Cells, records
from ingestion.conversion.typing.column import TextColumn
from ingestion.conversion.values import Column, Detection, Notice, Options, RowCount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.conversion.dialect import Dialect
    from ingestion.conversion.unpack import Payload

BLOCK_BYTES = 8 << 20
MAX_RECORD_BYTES = 64 << 20
FIRST_FEW = 10
RESCUED = "_rescued"


@dataclass(slots=True)
class _Ragged:
    """Which lines had too few or too many cells."""

    short: list[int] = field(default_factory=list)
    long: list[int] = field(default_factory=list)


def open_delimited(payload: Payload, detection: Detection, options: Options) -> DelimitedTable:
    """Open the table and survey it."""
    return DelimitedTable(payload, detection.settings["dialect"], options)


class DelimitedTable:
    """One delimited text as typed record batches."""

    def __init__(self, payload: Payload, dialect: Dialect, options: Options) -> None:
        """Read every cell once to settle the types."""
        self.rows = RowCount()
        self.warnings: list[Notice] = []
        self.progress = 0
        self._payload = payload
        self._dialect = dialect
        self._nulls = list(dict.fromkeys(["", *options.null_values]))
        self._extra_nulls = pa.array(options.null_values, pa.string()) if options.null_values else None
        self._columns = [TextColumn(name) for name in dialect.names]
        self._rescued = False
        self._survey()

    def _survey(self) -> None:
        ragged = _Ragged()
        line = self._dialect.first_record
        for batch, rescued in self._parts(ragged):
            self._rescued = self._rescued or rescued is not None
            for column, cells in zip(self._columns, batch.columns, strict=True):
                column.look(cells, line)
            line += batch.num_rows
        for column in self._columns:
            column.decide()
            self.warnings += column.warnings
        self._warn("SHORT_ROWS", "had too few cells and were filled with nulls", ragged.short)
        self._warn("LONG_ROWS", f"had too many cells, kept in {RESCUED}", ragged.long)
        for kind, count in self.rows.skipped.items():
            self.warnings.append(Notice(code="ROWS_SKIPPED", message=f"{count} rows skipped: {kind}."))

    def _warn(self, code: str, words: str, lines: list[int]) -> None:
        if lines:
            message = f"{len(lines)} rows {words}, the first at line {lines[0]}."
            self.warnings.append(Notice(code=code, message=message, lines=tuple(lines[:FIRST_FEW])))

    def schema(self) -> pa.Schema:
        """Return the types that were settled, and ``_rescued`` where rows had too many cells."""
        fields = [pa.field(column.name, column.type()) for column in self._columns]
        return pa.schema([*fields, pa.field(RESCUED, pa.string())] if self._rescued else fields)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Cast and yield."""
        schema = self.schema()
        for column in self._columns:
            column.nulls = 0
        for batch, rescued in self._parts(_Ragged()):
            values = [column.cast(cells) for column, cells in zip(self._columns, batch.columns, strict=True)]
            if self._rescued:
                values.append(rescued if rescued is not None else pa.nulls(batch.num_rows, pa.string()))
            yield pa.RecordBatch.from_arrays(values, schema=schema)

    def columns(self) -> tuple[Column, ...]:
        """Describe every column."""
        described = [column.column() for column in self._columns]
        if self._rescued:
            described.append(Column(name=RESCUED, type=pa.string(), rule="JSON text of cells beyond the last column"))
        return tuple(described)

    # ---- text columns, block by block ----

    def _parts(self, ragged: _Ragged) -> Iterator[tuple[pa.RecordBatch, pa.Array | None]]:
        """Yield text columns and rescued cells; counts rows afresh each time."""
        self.rows = RowCount()
        dialect = self._dialect
        titles = dialect.first_record - 1 - (dialect.header_record is not None)
        self._skip("title lines", titles, of_read=True)
        line = dialect.first_record
        held: tuple[pa.RecordBatch, pa.Array | None] | None = None
        for block in self._blocks():
            part = self._part(block, line, ragged)
            line += block.count(b"\n") or 1
            if held is not None:
                yield self._counted(*held)
            held = part
        if held is not None:
            batch, rescued = held
            keep = max(0, batch.num_rows - dialect.footer_records)
            self._skip("total lines", batch.num_rows - keep, of_read=True)
            yield self._counted(batch.slice(0, keep), None if rescued is None else rescued.slice(0, keep))

    def _counted(self, batch: pa.RecordBatch, rescued: pa.Array | None) -> tuple[pa.RecordBatch, pa.Array | None]:
        self.rows.read += batch.num_rows
        keep = self._data_rows(batch)
        if keep is not None:
            before = batch.num_rows
            batch = batch.filter(keep)
            rescued = None if rescued is None else rescued.filter(keep)
            self._skip("repeated header or rule lines", before - batch.num_rows, of_read=False)
        self.rows.loaded += batch.num_rows
        return batch, rescued

    def _data_rows(self, batch: pa.RecordBatch) -> pa.Array | None:
        """Return which rows are data, or None when all are: a repetition of the header is not, nor a dash rule."""
        if self._dialect.header_record is None or not batch.num_rows:
            return None
        first = batch.column(0)
        suspect = pc.or_kleene(pc.equal(first, self._columns[0].name), pc.match_substring_regex(first, "^[-=]{2,}$"))
        if not pc.any(suspect).as_py():
            return None
        repeated = rule = pa.array([True] * batch.num_rows)
        for column, cells in zip(self._columns, batch.columns, strict=True):
            repeated = pc.and_(repeated, pc.fill_null(pc.equal(cells, column.name), False))
            rule = pc.and_(rule, pc.fill_null(pc.match_substring_regex(cells, "^[-=]{2,}$"), False))
        return pc.invert(pc.or_(repeated, rule))

    def _skip(self, kind: str, count: int, *, of_read: bool) -> None:
        """Count rows that are not data; ``of_read`` says that they are not among the rows read yet."""
        if count:
            self.rows.skipped[kind] = self.rows.skipped.get(kind, 0) + count
            self.rows.read += count if of_read else 0

    def _part(self, block: bytes, line: int, ragged: _Ragged) -> tuple[pa.RecordBatch, pa.Array | None]:
        fast = self._fast(block)
        batch, rescued = (fast, None) if fast is not None else self._slow(block, line, ragged)
        if self._extra_nulls is not None and fast is None:
            columns = [_without(cells, self._extra_nulls) for cells in batch.columns]
            batch = pa.RecordBatch.from_arrays(columns, names=list(self._dialect.names))
        return batch, rescued

    def _fast(self, block: bytes) -> pa.RecordBatch | None:
        """Cut a block with PyArrow; None when a record does not have exactly as many cells as columns."""
        dialect = self._dialect
        delimiter = dialect.delimiter or ""
        if len(delimiter) != 1 or not delimiter.isascii() or dialect.newline in {"\r", None}:
            return None
        if len(dialect.names) == 1:
            return None  # PyArrow cannot tell an empty line from an empty cell
        odd: list[int] = []

        def keep(row: csv.InvalidRow) -> str:
            odd.append(row.actual_columns)
            return "skip"

        try:
            table = csv.read_csv(
                pa.BufferReader(block),
                csv.ReadOptions(column_names=list(dialect.names), block_size=max(len(block), 1)),
                csv.ParseOptions(
                    delimiter=delimiter,
                    quote_char=dialect.quote or False,
                    newlines_in_values=True,
                    ignore_empty_lines=False,
                    invalid_row_handler=keep,
                ),
                csv.ConvertOptions(
                    column_types=dict.fromkeys(dialect.names, pa.string()),
                    strings_can_be_null=True,
                    null_values=self._nulls,
                    quoted_strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid:
            return None
        if odd:
            return None
        return table.combine_chunks().to_batches()[0] if table.num_rows else None

    def _slow(self, block: bytes, line: int, ragged: _Ragged) -> tuple[pa.RecordBatch, pa.Array | None]:
        width = len(self._dialect.names)
        text = block.decode()
        rows: list[Cells] = []
        rescued: list[str | None] = []
        position = 0
        for cells, end in records(text, self._dialect.delimiter or ",", self._dialect.quote):
            at, line = line, line + max(1, text.count("\n", position, end))
            position = end
            if not any(cell and cell.strip() for cell in cells) and len(cells) < max(width, 2):
                self._skip("blank lines", 1, of_read=True)
                continue
            if len(cells) < width:
                ragged.short.append(at)
            if len(cells) > width:
                ragged.long.append(at)
            rows.append((cells + [None] * width)[:width])
            rescued.append(json.dumps(cells[width:], ensure_ascii=False) if len(cells) > width else None)
        columns = [pa.array([row[index] for row in rows], pa.string()) for index in range(width)]
        batch = pa.RecordBatch.from_arrays(columns, names=list(self._dialect.names))
        return batch, pa.array(rescued, pa.string()) if any(rescued) else None

    # ---- blocks of UTF-8 that end where a record ends ----

    def _blocks(self) -> Iterator[bytes]:
        rest = b""
        to_skip = self._dialect.first_record - 1
        for piece in self._utf8():
            rest += piece
            cut = self._last_end(rest)
            if not cut:
                if len(rest) > MAX_RECORD_BYTES:
                    raise LineTooLong(
                        f"A record is longer than {MAX_RECORD_BYTES >> 20} MiB.",
                        hint="Check quotes and line ends of the export.",
                        place=self._payload.place(line=self.rows.read + 1),
                    )
                continue
            block, rest = rest[:cut], rest[cut:]
            if to_skip:
                block, to_skip = self._behind(block, to_skip)
            if block:
                yield block
        if to_skip:
            rest, to_skip = self._behind(rest, to_skip)
        if rest:
            yield rest

    def _behind(self, block: bytes, count: int) -> tuple[bytes, int]:
        """Return what stands behind the first ``count`` records, and how many of them were not in this block."""
        position = 0
        text = block.decode()
        for _, end in records(text, self._dialect.delimiter or ",", self._dialect.quote):
            position = end
            count -= 1
            if not count:
                break
        return text[position:].encode(), count

    def _last_end(self, text: bytes) -> int:
        """Return the position behind the last record end that is outside quotes; 0 when there is none."""
        end = b"\r" if self._dialect.newline == "\r" else b"\n"
        cut = text.rfind(end) + 1
        if not self._dialect.quote:
            return cut
        mark = self._dialect.quote.encode()
        while cut and text.count(mark, 0, cut) % 2:
            cut = text.rfind(end, 0, cut - 1) + 1
        return cut

    def _utf8(self) -> Iterator[bytes]:
        """Yield the file as UTF-8; raises ``UndecidedEncoding`` with the place of a byte that is no text."""
        decoder = codecs.getincrementaldecoder(self._dialect.encoding)()
        done = self._dialect.bom_bytes
        with self._payload.open() as file:
            file.seek(done)
            while block := file.read(BLOCK_BYTES):
                self.progress = done = done + len(block)
                try:
                    yield decoder.decode(block).encode()
                except UnicodeDecodeError as error:
                    raise self._undecodable(done - len(block) + error.start) from error
            try:
                yield decoder.decode(b"", final=True).encode()
            except UnicodeDecodeError as error:
                raise self._undecodable(done) from error

    def _undecodable(self, position: int) -> UndecidedEncoding:
        return UndecidedEncoding(
            f"The byte at position {position:,} is no text in {self._dialect.encoding}.",
            hint="Name the right encoding with the option encoding.",
            place=self._payload.place(),
        )


def _without(cells: pa.Array, nulls: pa.Array) -> pa.Array:
    """Return the cells with the caller's texts for null replaced by null."""
    return pc.if_else(pc.is_in(cells, value_set=nulls), pa.scalar(None, pa.string()), cells)
