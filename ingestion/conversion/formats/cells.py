"""A block of delimited text as text columns: by PyArrow, and around odd records by our own, slower code."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.conversion.formats.exact import can_parse, parse
from ingestion.conversion.records import Cells, records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.dialect import Dialect
    from ingestion.conversion.formats.blocks import Block, Blocks

BY_HAND_BYTES = 16 << 10
RULE_LINE = "^[-=]{2,}$"


@dataclass(slots=True)
class Text:
    """Text columns, the extra cells of each row as JSON (or None), and what was odd; lines count from 1."""

    batch: pa.RecordBatch
    rescued: pa.Array | None = None
    short: list[int] = field(default_factory=list)
    long: list[int] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)


class Cutter:
    """Cuts blocks of one dialect. Has no state of its own, so several threads may use it."""

    def __init__(self, blocks: Blocks, dialect: Dialect, nulls: Sequence[str]) -> None:
        """``nulls`` are the texts that mean null in an unquoted cell."""
        self._blocks = blocks
        self._dialect = dialect
        self._nulls = list(nulls)
        self._types = [pa.string()] * len(dialect.names)
        self._fast = can_parse(dialect)

    def text(self, block: Block) -> Text:
        """Return the block's rows; raises ``UndecidedEncoding`` when it is not UTF-8."""
        try:
            text = self._cut(block.data, block.line)
        except UnicodeDecodeError as error:
            raise self._blocks.undecodable(block.data, block.end, error) from error
        return self._data_only(self._without_footer(text) if block.last else text)

    def _cut(self, data: bytes | bytearray, line: int) -> Text:
        """Halve a block with odd records until these stand in a small part."""
        batch = parse(data, self._dialect, self._types, self._nulls) if self._fast else None
        if batch is not None:
            return Text(batch)
        if len(data) > BY_HAND_BYTES:
            first, second = self._blocks.halves(data)
            if first and second:
                return _joined(self._cut(first, line), self._cut(second, line + first.count(b"\n")))
        return self._by_hand(data.decode(), line)

    def _by_hand(self, text: str, line: int) -> Text:
        width = len(self._dialect.names)
        found = Text(pa.RecordBatch.from_arrays([], names=[]))
        rows: list[Cells] = []
        rescued: list[str | None] = []
        position = 0
        for cells, end in records(text, self._dialect.delimiter or ",", self._dialect.quote):
            at, line = line, line + max(1, text.count("\n", position, end))
            position = end
            if not any(cell and cell.strip() for cell in cells) and len(cells) < max(width, 2):
                found.skipped["blank lines"] = found.skipped.get("blank lines", 0) + 1
                continue
            if len(cells) < width:
                found.short.append(at)
            if len(cells) > width:
                found.long.append(at)
            rows.append((cells + [None] * width)[:width])
            rescued.append(json.dumps(cells[width:], ensure_ascii=False) if len(cells) > width else None)
        columns = [pa.array([row[index] for row in rows], pa.string()) for index in range(width)]
        found.batch = self._nulled(pa.RecordBatch.from_arrays(columns, names=list(self._dialect.names)))
        found.rescued = pa.array(rescued, pa.string()) if any(rescued) else None
        return found

    def _nulled(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Replace the caller's texts for null."""
        texts = pa.array([text for text in self._nulls if text], pa.string())
        if not len(texts):
            return batch
        none = pa.scalar(None, pa.string())
        columns = [pc.if_else(pc.is_in(cells, value_set=texts), none, cells) for cells in batch.columns]
        return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)

    def _without_footer(self, text: Text) -> Text:
        keep = max(0, text.batch.num_rows - self._dialect.footer_records)
        return _kept(text, "total lines", pa.array([row < keep for row in range(text.batch.num_rows)], pa.bool_()))

    def _data_only(self, text: Text) -> Text:
        """Leave out repetitions of the header and dash rules: rows in which every cell is one."""
        batch, names = text.batch, self._dialect.names
        if self._dialect.header_record is None or not batch.num_rows:
            return text
        first = batch.column(0)
        suspect = pc.or_kleene(pc.equal(first, names[0]), pc.match_substring_regex(first, RULE_LINE))
        if not pc.any(suspect).as_py():
            return text
        repeated = rule = pa.array([True] * batch.num_rows)
        for name, cells in zip(names, batch.columns, strict=True):
            repeated = pc.and_(repeated, pc.fill_null(pc.equal(cells, name), False))
            rule = pc.and_(rule, pc.fill_null(pc.match_substring_regex(cells, RULE_LINE), False))
        return _kept(text, "repeated header or rule lines", pc.invert(pc.or_(repeated, rule)))


def _kept(text: Text, kind: str, keep: pa.Array) -> Text:
    """Leave out rows, counted under a kind."""
    batch = text.batch.filter(keep)
    left_out = text.batch.num_rows - batch.num_rows
    if not left_out:
        return text
    text.skipped[kind] = text.skipped.get(kind, 0) + left_out
    text.batch = batch
    text.rescued = None if text.rescued is None else text.rescued.filter(keep)
    return text


def _joined(one: Text, two: Text) -> Text:
    """Return two neighbouring parts as one."""
    rescued = None
    if one.rescued is not None or two.rescued is not None:
        parts = [
            pa.nulls(part.batch.num_rows, pa.string()) if part.rescued is None else part.rescued for part in (one, two)
        ]
        rescued = pa.concat_arrays(parts)
    skipped = {kind: one.skipped.get(kind, 0) + two.skipped.get(kind, 0) for kind in {**one.skipped, **two.skipped}}
    batch = pa.concat_batches([one.batch, two.batch])
    return Text(batch, rescued, one.short + two.short, one.long + two.long, skipped)
