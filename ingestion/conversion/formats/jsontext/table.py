"""The records of a JSON text as typed batches: types planned from samples, held against every block, widened by any.

Blocks are read by threads the quick way. A block that is not proven that way is read value by value, exactly.
When it contradicts the plan, the rest of the file is only looked at, and then the pass starts again.
"""

from __future__ import annotations

import re
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ingestion.conversion.decoding import not_reversible
from ingestion.conversion.errors import BrokenFile, NestedTooDeeply, NoRows
from ingestion.conversion.formats.base import PlanWidened, Table
from ingestion.conversion.formats.jsontext import quick
from ingestion.conversion.formats.jsontext.blocks import Block, Blocks, MalformedAt
from ingestion.conversion.formats.jsontext.notices import SINGLE, around, mixed_kinds, named_twice
from ingestion.conversion.formats.jsontext.plan import Plan, printable
from ingestion.conversion.formats.jsontext.positions import record_start, record_starts
from ingestion.conversion.formats.jsontext.shape import Shape
from ingestion.conversion.formats.jsontext.trace import first_refused, widened, widened_paths
from ingestion.conversion.formats.jsontext.values import Malformed, Parsed, Parser, dump, without_texts
from ingestion.conversion.layout import BLANKS, Layout, line_and_column, not_text
from ingestion.conversion.places import Places
from ingestion.conversion.turns import THREADS, TURNS
from ingestion.conversion.typing.constants import text_array
from ingestion.conversion.values import Column, Detection, Notice, Options, Origin, RowCount, Widening
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ingestion.conversion.unpack import Payload

RESCUED = "_rescued"
_BLANK_LINE = re.compile(rb"\n[ \t\r]*(?=\n)")


@slotted()
class _Part:
    """A block's records: as the plan's values, or else as Python values."""

    block: Block
    array: pa.Array | None
    parsed: Parsed | None = None

    @property
    def rows(self) -> int:
        return len(self.parsed.values) if self.parsed else len(self.array or ())


def open_json(payload: Payload, detection: Detection, options: Options) -> JsonTable:
    """Open the table and plan its types; raises ``BrokenFile``, ``NoRows`` and other ``ConversionError``s."""
    by_line = detection.format == "ndjson"
    return JsonTable(payload, detection.settings["layout"], by_line=by_line, nulls=options.null_values)


class JsonTable(Table):
    """Records of a JSON file as typed batches."""

    def __init__(self, payload: Payload, layout: Layout, *, by_line: bool, nulls: Collection[str] = ()) -> None:
        """Plan the types from the beginning, the middle and the end; ``nulls`` are strings that mean null."""
        self._null_texts = frozenset(nulls)
        self.rows = RowCount()
        self.warnings: list[Notice] = []
        self.progress = 0
        self._payload = payload
        self._layout = layout
        self._by_line = by_line
        self._blocks = Blocks(payload, layout)
        self._parser = Parser()
        self._root = Shape()
        self._rescued = False
        self._twice: list[int] = []
        self._only: _Part | None = None
        self._early: Plan | None = None
        self._places = Places(payload, layout.encoding, layout.bom_bytes)
        self._part: _Part | None = None
        self._starts: list[int] = []
        self._sought: set[str] = set()
        self._sample()
        self._plan = self._root.plan()
        self._ahead = self._plan  # by which blocks are read: the plan, or what it will be in the next pass
        self._nulls = dict.fromkeys(self._names(), 0)

    def schema(self) -> pa.Schema:
        """Return the records' members as columns, or ``value`` where the records are no objects."""
        fields = [pa.field(printable(name), plan.type) for name, plan in self._columns()]
        fields += [pa.field(self._rescue_name(), pa.string())] if self._rescued else []
        return pa.schema(fields, {"databridge.around": self._layout.around} if self._layout.around else None)

    def columns(self) -> tuple[Column, ...]:
        """Describe every column."""
        described = []
        for name, plan in self._columns():
            shape = self._root.fields[name] if self._plan.kind == "object" else self._root
            told = widened(shape, plan)
            described.append(
                Column(
                    name=printable(name),
                    type=plan.type,
                    rule=plan.rule,
                    nulls=self._nulls[name],
                    note="; ".join(map(str, told)),
                    widened=told,
                )
            )
        if self._rescued:
            rule = "JSON text of earlier values of names that stood twice"
            described.append(Column(name=self._rescue_name(), type=pa.string(), rule=rule))
        return tuple(described)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield typed batches; raise ``PlanWidened`` at the end of a pass in which a block contradicted the plan."""
        self.rows = RowCount()
        self._nulls = dict.fromkeys(self._names(), 0)
        self._twice = []
        widened = False
        schema = self.schema()
        for part in self._parts():
            self._trace(part)
            array = part.array
            if array is None and part.parsed is not None:
                if part is not self._only:
                    widened = self._contradicts(part, part.parsed) or widened
                array = None if widened else self._built(part.parsed)
            self._count(part)
            self.progress = part.block.end
            if not widened and array is not None:
                self._part, self._starts = part, []
                yield pa.RecordBatch.from_arrays(self._cells(array, part.parsed), schema=schema)
        if widened:
            self._plan = self._ahead
            raise PlanWidened
        self._finish()

    def origin(self, row: int) -> Origin:
        """Return where a record begins and the JSON text of its members; a string stands without its quotes."""
        if self._part is None:
            raise LookupError(row)
        block = self._part.block
        text = block.data.decode()
        self._starts = self._starts or record_starts(text)
        start = self._starts[row]
        position = block.start + len(text[:start].encode())
        _, end = Parser().one(text, start)
        found = Parser().all(text[start:end], commas=False)
        value = found.values[0]
        if self._plan.kind == "object":
            written = {printable(name): _written(value.get(name)) for name in self._names()}
        else:
            written = {SINGLE: _written(value)}
        if self._rescued:
            written[self._rescue_name()] = dump(found.earlier[0]) if found.earlier else None
        place = self._payload.place()
        return Origin(
            file=place.file,
            member=place.member,
            line=self._places.line(position),
            offset=self._places.offset(position),
            cells=written,
        )

    # ---- the plan ----

    def _sample(self) -> None:
        """Look at records from the beginning, the middle and the end; at all of them where the file is one block."""
        blocks = self._told(iter(self._blocks))
        try:
            first, several = next(blocks, None), next(blocks, None) is not None
        except BrokenFile:
            first, several = None, False  # the first block is read first, as it may have an earlier fault
        if first is not None and several:
            for block in (self._blocks.beginning(first), *self._blocks.samples()):
                try:
                    self._look(self._parsed(block))
                except (Malformed, UnicodeDecodeError):
                    continue  # it began inside a string or a nested array, or the pass will say what is wrong
                self._root.leave_room()
                self._early = self._early or self._root.plan()
        if self._root.kinds:
            if self._early is not None:
                self._sought = set(widened_paths(self._root, self._early, self._root.plan()))
            return
        parts = self._exact_parts()
        part = next(parts, None)
        if part is None or part.parsed is None:
            raise NoRows("The JSON holds no records.", hint="Check the export.", place=self._payload.place())
        self._look(part.parsed)
        if next(parts, None) is None:
            self._only = part
        else:
            self._root.leave_room()

    def _look(self, parsed: Parsed) -> None:
        try:
            self._root.look(parsed.values)
        except RecursionError:
            raise self._too_deep() from None
        self._rescued = self._rescued or bool(parsed.earlier)

    def _built(self, parsed: Parsed) -> pa.Array:
        try:
            return self._plan.built(parsed.values)
        except RecursionError:
            raise self._too_deep() from None

    def _contradicts(self, part: _Part, parsed: Parsed) -> bool:
        """Look at values that were not read by the plan; tell whether they need another, and note where."""
        before, rescued = self._root.plan(), self._rescued
        self._look(parsed)
        plan = self._ahead = self._root.plan()
        if plan != before:
            self._note(part, parsed, before, set(widened_paths(self._root, before, plan)))
        return plan != self._plan or rescued != self._rescued

    def _trace(self, part: _Part) -> None:
        """Seek the first record against the plan of the beginning, where samples from further on have widened it."""
        if not self._sought or self._early is None:
            return
        parsed = part.parsed
        early = self._early
        if parsed is None and quick.parse(part.block, early, self._layout.separator, self._null_texts) is None:
            parsed = self._parsed_or_none(part.block)
        if parsed is not None:
            self._sought -= self._note(part, parsed, self._early, self._sought)

    def _note(self, part: _Part, parsed: Parsed, plan: Plan, paths: set[str]) -> set[str]:
        """Keep the first record of a part that a plan does not hold, for each of some paths; return those found."""
        found = first_refused(plan, parsed.values, paths)
        shapes = {shape.path: (shape, inner) for shape, inner in self._root.walk(plan)}
        for path, (index, text) in found.items():
            shape, inner = shapes[path]
            line = line_and_column(self._payload, self._layout, self._position(part.block, index))[0]
            shape.widened.append(
                Widening(
                    rule=inner.rule,
                    text=text,
                    line=line,
                    record=self.rows.loaded + index + 1,
                    path=path if shape.level > (self._plan.kind == "object") else "",
                )
            )
        return set(found)

    def _position(self, block: Block, index: int) -> int:
        """Return where a block's n-th record stands in the text, as bytes of UTF-8."""
        text = block.data.decode()
        return block.start + len(text[: record_start(text, index)].encode())

    def _columns(self) -> tuple[tuple[str, Plan], ...]:
        return self._plan.fields if self._plan.kind == "object" else ((SINGLE, self._plan),)

    def _names(self) -> list[str]:
        return [name for name, _ in self._columns()]

    def _rescue_name(self) -> str:
        """Name the column of rescued values so that no member has the same name."""
        name, taken = RESCUED, set(self._names())
        while name in taken:
            name += "_"
        return name

    # ---- the blocks ----

    def _parts(self) -> Iterator[_Part]:
        """Yield the blocks' records in file order, a few of them read ahead by threads."""
        if self._only is not None:
            yield self._only
            return
        if self._plan.kind != "object":
            yield from self._exact_parts()
            return
        blocks = self._told(iter(self._blocks))
        with ThreadPoolExecutor(THREADS) as pool:
            ahead = deque((block, pool.submit(self._read, block)) for block in islice(blocks, THREADS + 1))
            while ahead:
                block, reading = ahead.popleft()
                array = reading.result()
                parsed = self._parsed_or_none(block) if array is None else None
                if array is None and parsed is None:
                    for _, waiting in ahead:
                        waiting.cancel()
                    ahead.clear()
                    blocks = self._told(self._blocks.from_block(block))
                else:
                    yield _Part(block, array, parsed)
                while len(ahead) <= THREADS and (following := next(blocks, None)) is not None:
                    ahead.append((following, pool.submit(self._read, following)))

    def _exact_parts(self) -> Iterator[_Part]:
        """Yield the records value by value."""
        blocks = self._told(iter(self._blocks))
        while (block := next(blocks, None)) is not None:
            parsed = self._parsed_or_none(block)
            if parsed is None:
                blocks = self._told(self._blocks.from_block(block))
            else:
                yield _Part(block, None, parsed)

    def _told(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Tell errors between the records as a person sees their place."""
        try:
            yield from blocks
        except MalformedAt as error:
            raise self._broken(error.position, error.why, error.hint) from None

    def _read(self, block: Block) -> pa.StructArray | None:
        """Read one block the quick way. Runs in a thread, so it only reads what it shares."""
        with TURNS:
            return quick.parse(block, self._ahead, self._layout.separator, self._null_texts)

    def _parsed_or_none(self, block: Block) -> Parsed | None:
        """Return a block's values; None when it is no JSON, but was not cut for certain."""
        try:
            return self._parsed(block)
        except UnicodeDecodeError as error:
            raise not_text(
                self._payload, self._layout.encoding, self._layout.bom_bytes + block.start + error.start
            ) from error
        except Malformed as error:
            if error.too_deep:
                raise self._too_deep() from None
            if not block.certain:
                return None
            position = block.start + len(block.data.decode()[: error.position].encode())
            raise self._broken(position, error.why, error.hint) from None

    def _parsed(self, block: Block) -> Parsed:
        parsed = self._parser.all(block.data.decode(), commas=block.commas)
        if self._null_texts:
            parsed.values = without_texts(parsed.values, self._null_texts)
        return parsed

    # ---- the rows ----

    def _cells(self, array: pa.Array, parsed: Parsed | None) -> list[pa.Array]:
        cells = array.flatten() if self._plan.kind == "object" else [array]
        for name, column in zip(self._names(), cells, strict=True):
            self._nulls[name] += column.null_count
        if self._rescued:
            earlier = parsed.earlier if parsed else {}
            texts = [dump(earlier[row]) if row in earlier else None for row in range(len(array))] if earlier else None
            cells.append(pa.nulls(len(array), pa.string()) if texts is None else text_array(texts))
        return cells

    def _count(self, part: _Part) -> None:
        if part.parsed:
            self._twice += [self.rows.loaded + row + 1 for row in part.parsed.earlier]
        blank = 0
        if self._by_line:
            data = part.block.data
            # Records that were read the quick way have no blank line between them.
            searched = data if part.parsed else data[: len(data) - len(data.lstrip(BLANKS))]
            blank = len(_BLANK_LINE.findall(searched)) if b"\n" in searched else 0
        if blank:
            self.rows.skipped["blank lines"] = self.rows.skipped.get("blank lines", 0) + blank
        self.rows.loaded += part.rows
        self.rows.read += part.rows + blank

    def _finish(self) -> None:
        """Collect the warnings of the pass."""
        self.warnings = list(around(self._layout, self.rows.loaded))
        if self._blocks.changed_line is not None:
            self.warnings.append(not_reversible(self._layout.encoding, self._blocks.changed_line))
        self.warnings += mixed_kinds(self._root, self._plan)
        if self._twice:
            self.warnings.append(named_twice(self._twice, self._rescue_name(), by_line=self._by_line))

    # ---- what is wrong ----

    def _broken(self, position: int, why: str, hint: str) -> BrokenFile:
        """Return the error for a position of the text, with its line and column."""
        line, column = line_and_column(self._payload, self._layout, position)
        what = f"The JSON is broken at column {column}: {why.rstrip('.')}."
        return BrokenFile(what, hint=hint, place=self._payload.place(line=line))

    def _too_deep(self) -> NestedTooDeeply:
        return NestedTooDeeply(
            f"A value behind record {self.rows.loaded} is nested too deeply to be read.",
            hint="Check the export for brackets that are never closed.",
            place=self._payload.place(),
        )


def _written(value: Any) -> str | None:
    """Return a member's text: a string as it is, anything else as JSON, null and what is not there as None."""
    return value if value is None or isinstance(value, str) else dump(value)
