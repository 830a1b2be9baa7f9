"""Blocks of JSON straight to Arrow columns, where it can be proven that nothing of the text is lost.

Records that are all written like the first one are cut at the places of their values; what stands between the values
must be the same bytes in each record. What cannot be proven is not called wrong: it is read value by value.
PyArrow's JSON parser is not used: on some random records it ended the whole process with a segmentation fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from ingestion.conversion.formats.jsontext import digits, strings
from ingestion.conversion.formats.jsontext.regions import regions
from ingestion.conversion.formats.jsontext.template import template
from ingestion.conversion.layout import BLANKS

if TYPE_CHECKING:
    from ingestion.conversion.formats.jsontext.blocks import Block
    from ingestion.conversion.formats.jsontext.plan import Plan
    from ingestion.conversion.formats.jsontext.regions import Regions
    from ingestion.conversion.formats.jsontext.template import Path


def parse(block: Block, plan: Plan, separator: bytes | None) -> pa.StructArray | None:
    """Return the block's records as the plan's values, or None when that cannot be done provably without loss."""
    if plan.kind != "object" or separator is None or not _parts(block, separator):
        return None
    data = block.data.strip(BLANKS)
    written = template(data[: data.find(b"}" + separator + b"{") + 1 or None])
    found = None if written is None else regions(data, written, separator)
    if written is None or found is None:
        return None
    return _assembled(plan, (), _Cells(found, written.paths))


def _parts(block: Block, separator: bytes) -> bool:
    """Tell whether the separator may stand between all records; blank lines are counted by who reads one by one."""
    return separator.count(b"\n") <= 1 and (b"," in separator) == block.commas


class _Cells:
    """The cells of a block by path."""

    def __init__(self, found: Regions, paths: tuple[Path, ...]) -> None:
        """Know where each path's cells are."""
        self.rows = found.rows
        self.at = {path: at for at, path in enumerate(paths)}
        self._found = found
        self._has_escapes = b"\\" in found.data

    def read(self, path: Path, plan: Plan) -> pa.Array | None:
        """Return a path's values; None when one is not of the plan's kind."""
        at, data, raw = self.at[path], self._found.data, self._found.raw
        begins, ends = self._found.begins[at], self._found.ends[at]
        if plan.kind in {"string", "date"}:
            texts = strings.contents(data, raw, begins, ends, has_escapes=self._has_escapes)
            return None if texts is None else plan.finished(texts)
        if plan.kind in {"int", "decimal"}:
            values = digits.values(data, raw, begins, ends, plan.type)
            if values is not None:
                return values
        literals = strings.literals(data, begins, ends)
        return None if literals is None else plan.from_literals(literals)


def _assembled(plan: Plan, path: Path, cells: _Cells) -> pa.StructArray | None:
    """Return the values of an object's members; a member that no record has is null."""
    known = {name for name, _ in plan.fields}
    depth = len(path)
    if any(len(there) > depth and there[:depth] == path and there[depth] not in known for there in cells.at):
        return None
    children = []
    for name, inner in plan.fields:
        here = (*path, name)
        if here in cells.at:
            values = cells.read(here, inner)
        elif any(there[: depth + 1] == here for there in cells.at):
            values = _assembled(inner, here, cells) if inner.kind == "object" else None
        else:
            values = pa.nulls(cells.rows, inner.type)
        if values is None:
            return None
        children.append(values)
    return pa.StructArray.from_arrays(children, fields=list(plan.type))
