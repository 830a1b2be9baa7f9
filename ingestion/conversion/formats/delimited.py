"""Delimited text: types planned from samples, proven on every block of the whole file, widened where one objects.

Blocks are read by several threads and taken in file order. A block whose bytes parse straight to the planned
types, provably without loss, costs no more than that; any other is read as text, cell by cell in columns. A
cell that contradicts its column's rule widens the column, and the pass starts again.
"""

from __future__ import annotations

import json
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

import pyarrow as pa

from ingestion.conversion.contract.towards import text_columns
from ingestion.conversion.decoding import not_reversible
from ingestion.conversion.formats.base import PlanWidened, Table
from ingestion.conversion.formats.blocks import Block, Blocks
from ingestion.conversion.formats.cells import Cutter, Text, may_draw
from ingestion.conversion.formats.enclosed import ENCLOSED, rows_with_rows
from ingestion.conversion.formats.exact import can_prove, parse_exact
from ingestion.conversion.formats.further import further_table, table_beside
from ingestion.conversion.formats.spans import row_span
from ingestion.conversion.formats.subtotals import BY_LACK, BY_WORD, keyless_rows, told_rows, total_rows
from ingestion.conversion.places import Places
from ingestion.conversion.records import records
from ingestion.conversion.turns import THREADS, TURNS
from ingestion.conversion.typing.column import TextColumn
from ingestion.conversion.typing.reading import read_columns
from ingestion.conversion.values import Column, Detection, Notice, Options, Origin, RowCount
from ingestion.slotted import field, replace, slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ingestion.conversion.dialect import Dialect
    from ingestion.conversion.typing.reading import Reading
    from ingestion.conversion.unpack import Payload

FIRST_FEW = 10
FIRST_LOOKED = 40  # rows for which every rule is tried; those behind them are read by the rule found, all at once
RESCUED = "_rescued"


@slotted()
class _Part:
    """A block's rows: typed values (None where a cell contradicts the column's rule) and the cells they came from.

    There are no values yet where the bytes were parsed directly and are left to be typed.
    ``text`` is None where the bytes were parsed directly.
    """

    block: Block
    readings: Sequence[Reading]
    cells: pa.RecordBatch
    values: list[pa.Array | None]
    text: Text | None = None

    def as_text(self, cutter: Cutter) -> Text:
        """Return the block's cells as text."""
        if self.text is None:
            self.text = cutter.text(self.block)
        return self.text


@slotted()
class _Oddities:
    """What one pass found odd."""

    short: list[int] = field(default_factory=list)
    long: list[int] = field(default_factory=list)
    blank: list[int] = field(default_factory=list)
    skipped: dict[str, list[int]] = field(default_factory=dict)
    totals: list[int] = field(default_factory=list)
    keyless: list[int] = field(default_factory=list)
    enclosing: list[int] = field(default_factory=list)

    def add(self, text: Text) -> None:
        """Take in a part's."""
        self.short += text.short
        self.long += text.long
        self.blank += text.blank
        self.totals += text.totals
        self.skip(text.skipped.items())

    def skip(self, skipped: Iterable[tuple[str, Sequence[int]]]) -> None:
        """Take in lines that are not data, by kind."""
        for kind, lines in skipped:
            self.skipped.setdefault(kind, []).extend(lines)


def open_delimited(payload: Payload, detection: Detection, options: Options) -> DelimitedTable:
    """Open the table and plan its types."""
    return DelimitedTable(payload, detection, options)


def first_cells(payload: Payload, detection: Detection, rows: int) -> list[list[str | None]]:
    """Return the cells of the first rows as they stand in the text; None where a row has too few."""
    dialect: Dialect = detection.settings["dialect"]
    blocks = Blocks(payload, dialect)
    first = blocks.first()
    if first is None:
        return []
    text = Cutter(blocks, dialect, [""]).text(first if first.last else blocks.beginning(first))
    return [list(row.values()) for row in text.batch.slice(0, rows).to_pylist()]


def _missing(values: list[pa.Array | None]) -> bool:
    return any(array is None for array in values)


class DelimitedTable(Table):
    """One delimited text as typed record batches."""

    def __init__(self, payload: Payload, detection: Detection, options: Options) -> None:
        """Plan the types from the beginning, the middle and the end."""
        dialect: Dialect = detection.settings["dialect"]
        self._notices: tuple[Notice, ...] = detection.settings.get("notices", ())
        self.rows = RowCount()
        self.warnings: list[Notice] = []
        self.progress = 0
        self._payload = payload
        self._dialect = dialect
        self._blocks = Blocks(payload, dialect)
        self._places = Places(payload, dialect.encoding, dialect.bom_bytes)
        self._part: _Part | None = None
        self._cutter = Cutter(self._blocks, dialect, options.null_values)
        # With further texts for null, the length of a cell's text does not follow from its value.
        self._shares = True
        self._provable = can_prove(dialect) and not options.null_values
        self._columns = text_columns(options.contract, dialect.names)
        self._nulls = [0] * len(self._columns)
        self._rescued = False
        self._described: tuple[Column, ...] = ()
        self._first: Block | None = None
        self._only: Text | None = None
        self._traced: dict[int, TextColumn] = {}
        self._plan()
        self._readings = self._read_as()

    def schema(self) -> pa.Schema:
        """Return the planned types, and ``_rescued`` where rows had too many cells."""
        fields = [pa.field(column.name, column.type()) for column in self._columns]
        return pa.schema([*fields, pa.field(RESCUED, pa.string())] if self._rescued else fields)

    def columns(self) -> tuple[Column, ...]:
        """Describe every column."""
        self._described = self._described or self._description()
        return self._described

    def _description(self) -> tuple[Column, ...]:
        described = [column.column(nulls) for column, nulls in zip(self._columns, self._nulls, strict=True)]
        for index, traced in self._traced.items():
            told = traced.column()
            described[index] = replace(described[index], widened=told.widened, note=told.note)
        if self._rescued:
            rule = "JSON text of cells beyond the last column"
            described.append(Column(name=RESCUED, type=pa.string(), rule=rule))
        return tuple(described)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield typed batches; raise ``PlanWidened`` when a block contradicts the plan."""
        self.rows = RowCount()
        self.progress = 0
        self._nulls = [0] * len(self._columns)
        self._readings = self._read_as()
        self._traced = {index: TextColumn(self._columns[index].name) for index in self._traced}
        odd = _Oddities()
        odd.skip(self._dialect.above)
        schema = self.schema()
        for part in self._parts():
            self._trace(part)
            values = self._settled(part)
            if part.text is not None:
                odd.add(part.text)
            if rows := keyless_rows(values):
                odd.keyless += map(part.as_text(self._cutter).line_of, rows)
            if part.block.quotes != 0 and (
                rows := rows_with_rows(part.cells.columns, len(part.block.data), self._dialect)
            ):
                odd.enclosing += map(part.as_text(self._cutter).line_of, rows)
            self._count(part, values)
            self._part = part
            yield pa.RecordBatch.from_arrays(values, schema=schema)
        self._finish(odd)

    def origin(self, row: int) -> Origin:
        """Return a row's line, its first byte and its cells as they were written, cut out once more."""
        if self._part is None:
            raise LookupError(row)
        block, text = self._part.block, self._part.as_text(self._cutter)
        start, stop = row_span(text, row, self._dialect)
        width = len(self._dialect.names)
        cells = next(records(block.data[start:stop].decode(), self._dialect, width)).cells
        extra = cells[width:]
        written = dict(zip(self._dialect.names, (cells + [None] * width)[:width], strict=True))
        if self._rescued:
            written[RESCUED] = json.dumps(extra, ensure_ascii=False) if any(extra) else None
        place = self._payload.place()
        return Origin(
            file=place.file,
            member=place.member,
            line=text.line_of(row),
            offset=self._places.offset(block.start + start),
            cells=written,
        )

    # ---- the plan ----

    def _plan(self) -> None:
        """Look at samples, or at the whole text when it is a single block."""
        self._first = first = self._blocks.first()
        if first is None:
            return
        text = self._cutter.text(first if first.last else self._blocks.beginning(first))
        self._rescued = text.rescued is not None
        if first.last:
            self._only = text
            self._look(text.batch, text.line_of)
        else:
            self._look(text.batch.slice(0, FIRST_LOOKED), text.line_of)
            self._look_on(text.batch.slice(FIRST_LOOKED), lambda row: text.line_of(FIRST_LOOKED + row))
            begun = [reading.name for reading in self._read_as()]
            for sample in self._blocks.samples():
                found = self._cutter.text(Block(sample, 0))
                if not (found.short or found.long):
                    self._look_on(found.batch)
            self._traced = {
                index: column
                for index, (column, name) in enumerate(zip(self._columns, begun, strict=True))
                if column.reading().name != name or any(one.line is None for one in column.story.widened)
            }
            for column in self._columns:
                column.leave_room()

    def _look(self, batch: pa.RecordBatch, line_of: Callable[[int], int] | None) -> None:
        for column, cells in zip(self._columns, batch.columns, strict=True):
            column.look(cells, line_of)
            column.decide()

    def _look_on(self, batch: pa.RecordBatch, line_of: Callable[[int], int] | None = None) -> None:
        """Look at further rows, as far as the present readings do not take them as they are."""
        values = read_columns(self._read_as(), batch.columns)
        for column, cells, read in zip(self._columns, batch.columns, values, strict=True):
            if not column.is_confirmed(cells, read):
                column.look(cells, line_of)
                column.decide()

    def _trace(self, part: _Part) -> None:
        """Follow columns that a sample from somewhere widened until the cell is met that does it in file order."""
        for index, column in self._traced.items():
            final, before = self._columns[index], column.reading()
            if column.settled or (before.rule is not None and before.type == final.type()):
                continue
            text = part.as_text(self._cutter)
            column.step(text.batch.column(index), text.line_of)

    def _read_as(self) -> list[Reading]:
        return [column.reading() for column in self._columns]

    def _settled(self, part: _Part) -> list[pa.Array]:
        """Return a part's values; raise ``PlanWidened`` when it changes the plan."""
        if part.text is not None and (part.text.rescued is not None) > self._rescued:
            self._rescued = True
            raise PlanWidened
        if _missing(part.values):
            self._replan(part)
        else:
            self._watch(part)
        values = [
            reading.values(cells) if array is None else array
            for reading, cells, array in zip(self._readings, part.cells.columns, part.values, strict=True)
        ]
        if _missing(values):
            raise PlanWidened
        if self._rescued:
            rescued = part.text.rescued if part.text else None
            values.append(pa.nulls(part.cells.num_rows, pa.string()) if rescued is None else rescued)
        return values

    def _replan(self, part: _Part) -> None:
        """Look at a block that contradicts the plan, or is not written as planned."""
        text = part.as_text(self._cutter)
        changed = [
            column.step(cells, text.line_of) for column, cells in zip(self._columns, text.batch.columns, strict=True)
        ]
        if any(changed):
            raise PlanWidened
        part.cells = text.batch
        self._readings = self._read_as()

    def _watch(self, part: _Part) -> None:
        """Go on looking at columns whose type is still open."""
        if self._only is not None:
            return
        for column, reading, cells in zip(self._columns, self._readings, part.cells.columns, strict=True):
            if reading.undecided and cells.null_count < len(cells):
                column.look(cells, lambda row: part.as_text(self._cutter).line_of(row))

    def _finish(self, odd: _Oddities) -> None:
        """Decide what was open; collect the warnings of this pass."""
        self._described = ()
        for column, reading in zip(self._columns, self._readings, strict=True):
            if reading.undecided and self._only is None:
                column.decide()
                if column.type() != reading.type:
                    raise PlanWidened
        odd.skip(self._dialect.below)
        self.rows.skipped = {kind: len(lines) for kind, lines in odd.skipped.items()}
        self.rows.read = self.rows.loaded + sum(self.rows.skipped.values())
        self.warnings = [*self._notices, *(notice for column in self._columns for notice in column.warnings)]
        if line := self._blocks.changed_line():
            self.warnings.append(not_reversible(self._dialect.encoding, line))
        blank = set(odd.skipped.get("blank lines", ()))
        if notice := further_table(self.columns(), blank, set(odd.short), set(odd.long)):
            self.warnings.append(notice)
        if notice := table_beside(self.columns()):
            self.warnings.append(notice)
        told = {line for notice in self._notices if notice.code == "TOTAL_KEPT" for line in notice.lines}
        self._warn("TOTAL_KEPT", BY_WORD, sorted({*odd.totals} - told))
        self._warn("TOTAL_KEPT", BY_LACK, odd.keyless)
        self._warn("ROWS_IN_CELL", ENCLOSED, odd.enclosing)
        self._warn("SHORT_ROWS", "had too few cells; the missing ones are null", odd.short)
        self._warn("LONG_ROWS", f"had too many cells, kept in {RESCUED}", odd.long)
        self._warn("LONG_ROWS", "had empty cells beyond the last column", odd.blank)
        for kind, lines in odd.skipped.items():
            rows = "1 row" if len(lines) == 1 else f"{len(lines):,} rows"
            message = f"{rows} skipped: {kind}, the first on line {lines[0]}."
            self.warnings.append(Notice(code="ROWS_SKIPPED", message=message, lines=tuple(lines[:FIRST_FEW])))

    def _warn(self, code: str, words: str, lines: list[int]) -> None:
        if lines:
            rows = "1 row" if len(lines) == 1 else f"{len(lines):,} rows"
            rows = told_rows(len(lines)) if code == "TOTAL_KEPT" else rows
            message = f"{rows} {words}, the first at line {lines[0]}."
            self.warnings.append(Notice(code=code, message=message, lines=tuple(lines[:FIRST_FEW])))

    # ---- the blocks ----

    def _parts(self) -> Iterator[_Part]:
        """Yield the blocks' parts in file order, a few of them read ahead by threads."""
        if self._first is not None and self._only is not None:
            values = read_columns(self._readings, self._only.batch.columns)
            yield _Part(self._first, self._readings, self._only.batch, values, self._only)
            return
        blocks = iter(self._blocks)
        with ThreadPoolExecutor(THREADS) as pool:
            ahead = deque(pool.submit(self._read, block) for block in islice(blocks, THREADS + 1))
            try:
                while ahead:
                    part = self._typed(ahead.popleft().result())
                    if (block := next(blocks, None)) is not None:
                        ahead.append(pool.submit(self._read, block))
                    self.progress = part.block.end
                    yield part
            finally:
                for waiting in ahead:
                    waiting.cancel()

    def _read(self, block: Block) -> _Part:
        """Read one block by the present plan. Runs in a thread, so it only reads what it shares."""
        with TURNS:
            return self._read_block(block, self._readings)

    def _read_block(self, block: Block, readings: Sequence[Reading]) -> _Part:
        has_footer = block.last and bool(self._dialect.footer)
        if self._provable and not has_footer and self._cutter.sifts(readings):
            types = [reading.parse_as for reading in readings]
            batch = parse_exact(block.data, self._dialect, types, quotes=block.quotes, doubled=block.doubled)
            if batch is not None and not may_draw(batch):
                part = _Part(block, readings, batch, [])
                if self._shares or self._type(part):
                    return part
        return self._read_text(block, readings)

    def _read_text(self, block: Block, readings: Sequence[Reading]) -> _Part:
        """Read one block cell by cell."""
        text = self._cutter.text(block)
        return _Part(block, readings, text.batch, read_columns(readings, text.batch.columns), text)

    def _type(self, part: _Part) -> bool:
        """Type what was parsed straight from bytes; tell whether no cell contradicts its rule."""
        part.values = read_columns(part.readings, part.cells.columns)
        if _missing(part.values):
            return False
        if total_rows(part.cells.columns):
            part.as_text(self._cutter)  # which knows their lines
        return True

    def _typed(self, part: _Part) -> _Part:
        """Type a part that a thread left to this one, which has little else to do.

        Where that fails once, the threads do it from then on: they read as text what does not fit.
        """
        if part.values or self._type(part):
            return part
        self._shares = False
        return self._read_text(part.block, part.readings)

    # ---- the counts ----

    def _count(self, part: _Part, values: list[pa.Array]) -> None:
        self.rows.loaded += part.cells.num_rows
        self._nulls = [count + array.null_count for count, array in zip(self._nulls, values, strict=False)]
