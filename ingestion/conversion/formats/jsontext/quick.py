"""Blocks of JSON straight to Arrow columns, where it can be proven that nothing of the text is lost.

Records that are all written like the first one are cut at the places of their values; what stands between the values
must be the same bytes in each record. What cannot be proven is not called wrong: it is read value by value.
PyArrow's JSON parser is not used: on some random records it ended the whole process with a segmentation fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion.formats.jsontext import digits, strings
from ingestion.conversion.formats.jsontext.regions import regions, stands
from ingestion.conversion.layout import BLANKS
from ingestion.conversion.typing.constants import spread, struct_array

if TYPE_CHECKING:
    from ingestion.conversion.formats.jsontext.blocks import Block
    from ingestion.conversion.formats.jsontext.plan import Plan
    from ingestion.conversion.formats.jsontext.regions import Flags, Places, Regions
    from ingestion.conversion.formats.jsontext.template import Path

NULL = b"null"


def parse(block: Block, plan: Plan, separator: bytes | None) -> pa.StructArray | None:
    """Return the block's records as the plan's values, or None when that cannot be done provably without loss."""
    if plan.kind != "object" or separator is None or not _parts(block, separator):
        return None
    found = regions(block.data.strip(BLANKS), separator)
    return None if found is None else _assembled(plan, (), _Cells(found))


def _parts(block: Block, separator: bytes) -> bool:
    """Tell whether the separator may stand between all records; blank lines are counted by who reads one by one."""
    return separator.count(b"\n") <= 1 and (b"," in separator) == block.commas


class _Cells:
    """The cells of a block by path."""

    def __init__(self, found: Regions) -> None:
        """Know where each path's cells are."""
        self.rows = found.rows
        self.paths = found.values.keys()
        self._found = found
        self._has_escapes = b"\\" in found.data

    def read(self, path: Path, plan: Plan) -> pa.Array | None:
        """Return a path's values, null where a record has none; None when one is not of the plan's kind."""
        begins, ends = self._found.values[path]
        empty = self._found.raw.take(begins) == NULL[0]
        if bool(empty.any()) and not self._are_null(begins[empty], ends[empty]):
            return None
        if not self._found.alike:
            empty |= ends == begins
        if not bool(empty.any()):
            return self._filled(begins, ends, plan)
        if bool(empty.all()):
            return pa.nulls(self.rows, plan.type)
        values = self._filled(begins[~empty], ends[~empty], plan)
        return None if values is None else spread(values, ~empty)

    def _are_null(self, begins: Places, ends: Places) -> bool:
        return bool((ends - begins == len(NULL)).all()) and stands(self._found.data, NULL, begins)

    def absent(self, path: Path) -> Flags | None:
        """Tell which records have no object at a path; None when all have one."""
        if self._found.alike:
            return None
        inner = [bounds for there, bounds in self._found.values.items() if there[: len(path)] == path != there]
        missing = np.logical_and.reduce([begins == ends for begins, ends in inner])
        return missing if bool(missing.any()) else None

    def _filled(self, begins: Places, ends: Places, plan: Plan) -> pa.Array | None:
        """Return the values of cells of which none should be null."""
        data, raw = self._found.data, self._found.raw
        if plan.kind in {"string", "date"}:
            texts = strings.contents(data, raw, begins, ends, has_escapes=self._has_escapes)
            return None if texts is None else plan.from_strings(texts)
        if plan.kind == "json":
            return strings.any_kind(data, raw, begins, ends, has_escapes=self._has_escapes)
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
    if any(len(there) > depth and there[:depth] == path and there[depth] not in known for there in cells.paths):
        return None
    children = []
    for name, inner in plan.fields:
        here = (*path, name)
        values = cells.read(here, inner) if here in cells.paths else pa.nulls(cells.rows, inner.type)
        if values is not None and any(there[: depth + 1] == here != there for there in cells.paths):
            values = _assembled(inner, here, cells) if inner.kind == "object" else None
        if values is None:
            return None
        children.append(values)
    return struct_array(children, plan.type, missing=cells.absent(path) if path else None)
