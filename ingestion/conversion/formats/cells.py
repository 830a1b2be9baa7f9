"""A block of delimited text as text columns: by PyArrow, and around odd records by our own, slower code."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.formats.bytewise import positions
from ingestion.conversion.formats.exact import can_parse, parse
from ingestion.conversion.formats.listlines import line_kind
from ingestion.conversion.formats.subtotals import total_rows
from ingestion.conversion.records import Cells, records
from ingestion.conversion.typing.constants import NO_TEXT, int_scalar, number_array, text_array, text_scalar
from ingestion.slotted import field, slotted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.dialect import Dialect
    from ingestion.conversion.formats.blocks import Block, Blocks
    from ingestion.conversion.typing.reading import Reading

BY_HAND_BYTES = 16 << 10
RULE_LINE = "^ *[-=_*+][-=_*+ ]+$"
MARK_AND_BLANKS = "\ufeff \t\r\n"  # files that were joined have the mark of each in front of its header
_RULE = re.compile(RULE_LINE)
_BEGIN_VALUES = "0123456789-"  # integers, dates and plain amounts


@slotted()
class Run:
    """Neighbouring rows: how many, the line of the first, and each one's line where that had to be counted.

    ``data`` is the part of the block that they were cut from, ``spans`` where each stands in it, where that is known.
    """

    rows: int
    line: int
    data: bytes | bytearray
    lines: list[int] | None = None
    spans: list[tuple[int, int]] | None = None


@slotted()
class Text:
    """Text columns, the extra cells of each row as JSON (or None), and what was odd; lines count from 1.

    ``short``, ``long`` and ``blank`` are the lines of rows with too few cells, too many, and empty ones too many;
    ``skipped`` those of records that are not data, by kind; ``totals`` those of rows that look like subtotals.
    """

    batch: pa.RecordBatch
    runs: list[Run]
    rescued: pa.Array | None = None
    short: list[int] = field(default_factory=list)
    long: list[int] = field(default_factory=list)
    blank: list[int] = field(default_factory=list)
    skipped: dict[str, list[int]] = field(default_factory=dict)
    totals: list[int] = field(default_factory=list)
    _whole: pa.RecordBatch | None = None
    _kept: pa.Array | None = None
    _inside: list[int] | None = None

    def line_of(self, row: int) -> int:
        """Return the line on which a row of the batch begins."""
        return self._line(row if self._kept is None else int(self._kept[row].as_py()))

    def _line(self, row: int) -> int:
        """Return the line of a row as it was cut."""
        for run in self.runs:
            if row < run.rows:
                break
            row -= run.rows
        if run.lines is not None:
            return run.lines[row]
        if not row:
            return run.line
        start = sum(other.rows for other in self.runs[: self.runs.index(run)])
        if self._inside is None:
            self._inside = _line_ends_inside(self._whole or self.batch)
        return run.line + row + sum(self._inside[start : start + row])

    def run_of(self, row: int) -> tuple[int, int]:
        """Return the run that holds a row of the batch, and the row's place in it."""
        row = row if self._kept is None else int(self._kept[row].as_py())
        for at, run in enumerate(self.runs):
            if row < run.rows:
                return at, row
            row -= run.rows
        raise IndexError(row)

    def drop(self, kinds: dict[int, str]) -> None:
        """Leave out rows, each of which is of some kind."""
        if not kinds:
            return
        rows = sorted(kinds)
        lines = [self._line(row) for row in rows]
        for row, line in zip(rows, lines, strict=True):
            self.skipped.setdefault(kinds[row], []).append(line)
        dropped = set(lines)
        for odd in (self.short, self.long, self.blank):
            odd[:] = [line for line in odd if line not in dropped]
        keep = number_array(np.array([row not in kinds for row in range(self.batch.num_rows)], np.bool_))
        self._whole, self._kept = self.batch, pc.indices_nonzero(keep)
        self.batch = self.batch.filter(keep)
        rescued = None if self.rescued is None else self.rescued.filter(keep)
        self.rescued = None if rescued is None or rescued.null_count == len(rescued) else rescued


def _line_ends_inside(batch: pa.RecordBatch) -> list[int]:
    """Count the line ends inside the cells of each row; an empty list when there are none."""
    counts: list[int] = []
    for column in batch.columns:
        inside = pc.fill_null(pc.count_substring(column, "\n"), int_scalar(0))
        if pc.any(pc.greater(inside, int_scalar(0))).as_py():
            counts = [one + two for one, two in zip(counts or [0] * len(inside), inside.to_pylist(), strict=True)]
    return counts


def _one_column(data: bytes | bytearray, dialect: Dialect) -> pa.RecordBatch | None:
    """Return each line as a cell, null where it is empty; None where a record might be something else than a line.

    PyArrow's parser cannot tell an empty line from an empty cell where there is one column.
    """
    newline = (dialect.newline or "\r").encode()
    odd = (dialect.delimiter, dialect.quote, dialect.escape)
    if not data or len(dialect.names) > 1 or dialect.aligned or newline == b"\r":
        return None
    if any(sign.encode() in data for sign in odd if sign):
        return None
    raw = np.frombuffer(data, np.uint8)
    ends = positions(raw, ord("\n"))
    returns = len(ends) if newline == b"\r\n" else 0
    if data.count(b"\r") != returns or data.count(newline) != len(ends):
        return None
    if not data.isascii():
        data.decode()  # raises where it is no UTF-8
    last = len(raw) + len(newline) - 1  # where the last line would have its end
    ends = ends if data.endswith(b"\n") else np.append(ends, last)
    sizes = np.diff(ends, prepend=-1) - len(newline)
    offsets = np.zeros(len(ends) + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    known = np.packbits(sizes > 0, bitorder="little")
    kept = raw[(raw != ord("\n")) & (raw != ord("\r"))]
    buffers = [pa.py_buffer(known), pa.py_buffer(offsets), pa.py_buffer(kept)]
    cells = pa.Array.from_buffers(pa.string(), len(ends), buffers)
    return pa.RecordBatch.from_arrays([cells], names=list(dialect.names))


class Cutter:
    """Cuts blocks of one dialect. Has no state of its own, so several threads may use it."""

    def __init__(self, blocks: Blocks, dialect: Dialect, nulls: Sequence[str]) -> None:
        """``nulls`` are the texts that mean null to the caller, whether a cell is quoted or not."""
        self._blocks = blocks
        self._dialect = dialect
        self._nulls = list(nulls)
        self._types = [pa.string()] * len(dialect.names)
        self._fast = can_parse(dialect)

    def sifts(self, readings: Sequence[Reading]) -> bool:
        """Tell whether no repeated header passes for a row of values: a column that sifts has a name that is none."""
        pairs = zip(readings, self._dialect.names, strict=True)
        return any(reading.sifts and name[:1] not in _BEGIN_VALUES for reading, name in pairs)

    def text(self, block: Block) -> Text:
        """Return the block's rows; raises ``UndecidedEncoding`` when it is not UTF-8."""
        try:
            text = self._cut(block.data, block.line)
        except UnicodeDecodeError as error:
            raise self._blocks.undecodable(block.data, block.end, error) from error
        text.drop(self._not_data(text.batch) | (self._footer(text.batch.num_rows) if block.last else {}))
        if self._dialect.given or not self._dialect.aligned:
            text.totals = [text.line_of(row) for row in total_rows(text.batch.columns)]
        return text

    def _cut(self, data: bytes | bytearray, line: int) -> Text:
        """Halve a block with odd records until these stand in a small part."""
        batch = parse(data, self._dialect, self._types) if self._fast else _one_column(data, self._dialect)
        if batch is not None:
            return Text(self._nulled(batch), [Run(batch.num_rows, line, data)])
        if len(data) > BY_HAND_BYTES:
            first, second = self._blocks.halves(data)
            if first and second:
                return _joined(self._cut(first, line), self._cut(second, line + line_ends(first)))
        return self._by_hand(data, line)

    def _by_hand(self, data: bytes | bytearray, line: int) -> Text:
        text = data.decode()
        width = len(self._dialect.names)
        found = Text(pa.RecordBatch.from_arrays([], names=[]), [])
        rows: list[Cells] = []
        lines: list[int] = []
        spans: list[tuple[int, int]] = []
        rescued: list[str | None] = []
        position = behind = 0
        for cells, end, _ in records(text, self._dialect, width):
            whole = text[position:end].encode()
            at, line = line, line + max(1, line_ends(whole))
            start, behind = behind, behind + len(whole)
            kind = line_kind(cells, text[position:end], self._dialect) if self._dialect.aligned else None
            position = end
            if kind is not None:
                found.skipped.setdefault(kind, []).append(at)
                continue
            if len(cells) < width and not any(cell and cell.strip() for cell in cells):
                found.skipped.setdefault("blank lines", []).append(at)
                continue
            extra = cells[width:]
            if len(cells) < width:
                found.short.append(at)
            elif any(extra):
                found.long.append(at)
            elif extra:
                found.blank.append(at)
            rows.append((cells + [None] * width)[:width])
            rescued.append(json.dumps(extra, ensure_ascii=False) if any(extra) else None)
            lines.append(at)
            spans.append((start, behind))
        columns = [text_array([row[index] for row in rows]) for index in range(width)]
        found.batch = self._nulled(pa.RecordBatch.from_arrays(columns, names=list(self._dialect.names)))
        found.rescued = text_array(rescued) if any(rescued) else None
        found.runs = [Run(len(rows), line, data, lines, spans)]
        return found

    def _nulled(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Replace the caller's texts for null."""
        if not self._nulls:
            return batch
        texts = text_array(self._nulls)
        columns = [pc.if_else(pc.is_in(cells, value_set=texts), NO_TEXT, cells) for cells in batch.columns]
        return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)

    def _footer(self, rows: int) -> dict[int, str]:
        """Return the last rows, which are no data, with their kinds."""
        kinds = self._dialect.footer[-rows:] if rows else ()
        return {rows - len(kinds) + index: kind for index, kind in enumerate(kinds)}

    def _not_data(self, batch: pa.RecordBatch) -> dict[int, str]:
        """Return repetitions of the header, dash rules and comments with their kinds."""
        names = self._dialect.names
        if not batch.num_rows:
            return {}
        first = batch.column(0)
        suspect = pc.match_substring_regex(first, RULE_LINE)
        if self._dialect.header_record is not None:
            suspect = pc.or_kleene(suspect, pc.equal(pc.utf8_trim(first, MARK_AND_BLANKS), text_scalar(names[0])))
        if self._dialect.comment:
            suspect = pc.or_kleene(suspect, pc.starts_with(first, self._dialect.comment))
        if not pc.any(suspect).as_py():
            return {}
        kinds: dict[int, str] = {}
        for row in pc.indices_nonzero(suspect).to_pylist():
            cells = [column[row].as_py() for column in batch.columns]
            if kind := self._kind(cells):
                kinds[row] = kind
        return kinds

    def _kind(self, cells: Cells) -> str | None:
        """Return what a record is that begins like a header, a dash rule or a comment; None for data."""
        filled = [cell for cell in cells if cell]
        if all(_RULE.fullmatch(cell) for cell in filled):
            return "rule lines" if len(cells) == 1 or len(filled) in {1, len(cells)} else None
        if self._dialect.comment and (cells[0] or "").startswith(self._dialect.comment):
            # A comment may hold the delimiter, but it does not fill a row.
            return "comment lines" if cells[-1] is None and len(filled) <= max(1, len(cells) // 2) else None
        named = [cell and cell.strip(MARK_AND_BLANKS) for cell in cells] == list(self._dialect.names)
        return "repeated headers" if named and len(cells) > 1 else None


def may_draw(batch: pa.RecordBatch) -> bool:
    """Tell whether a row may be a drawn line, its first cell alone being filled: as text it would be no row.

    A line drawn across all columns is none of typed values.
    """
    first, *others = batch.columns
    if not pa.types.is_string(first.type) or not all(column.null_count for column in others):
        return False
    alone = pc.is_valid(first)
    for column in others:
        alone = pc.and_(alone, pc.is_null(column))
    return bool(pc.any(pc.match_substring_regex(pc.filter(first, alone), RULE_LINE), min_count=0).as_py())


def line_ends(data: bytes | bytearray) -> int:
    """Count the line ends of all kinds."""
    feeds, returns = data.count(b"\n"), data.count(b"\r")
    return feeds + returns - data.count(b"\r\n") if returns else feeds


def _joined(one: Text, two: Text) -> Text:
    """Return two neighbouring parts as one."""
    rescued = None
    if one.rescued is not None or two.rescued is not None:
        parts = [
            pa.nulls(part.batch.num_rows, pa.string()) if part.rescued is None else part.rescued for part in (one, two)
        ]
        rescued = pa.concat_arrays(parts)
    kinds = {**one.skipped, **two.skipped}
    return Text(
        batch=pa.concat_batches([one.batch, two.batch]),
        runs=one.runs + two.runs,
        rescued=rescued,
        short=one.short + two.short,
        long=one.long + two.long,
        blank=one.blank + two.blank,
        skipped={kind: one.skipped.get(kind, []) + two.skipped.get(kind, []) for kind in kinds},
    )
