"""Blocks of JSON straight to Arrow columns, where it can be proven that nothing of the text is lost.

Records that are all written like the first one are cut at the places of their values; what stands between the values
must be the same bytes in each record. What cannot be proven is not called wrong: it is read value by value.
PyArrow's JSON parser is not used: on some random records it ended the whole process with a segmentation fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.formats.jsontext import digits, lists, strings
from ingestion.conversion.formats.jsontext.regions import QUOTE, regions, stands
from ingestion.conversion.layout import BLANKS
from ingestion.conversion.typing.constants import known_in, list_array, numbers_of, spread, struct_array, text_array

if TYPE_CHECKING:
    from collections.abc import Collection

    from ingestion.conversion.formats.jsontext.blocks import Block
    from ingestion.conversion.formats.jsontext.plan import Plan
    from ingestion.conversion.formats.jsontext.regions import Places, Regions
    from ingestion.conversion.formats.jsontext.template import Path

NULL, EMPTY = b"null", b"{}"


def parse(block: Block, plan: Plan, separator: bytes | None, nulls: Collection[str] = ()) -> pa.StructArray | None:
    """Return the block's records as the plan's values, or None when that cannot be done provably without loss.

    ``nulls`` are strings that mean null.
    """
    if plan.kind != "object" or separator is None or not _parts(block, separator):
        return None
    found = regions(block.data.strip(BLANKS), separator)
    return None if found is None else _assembled(plan, (), found, _Text(found.data, nulls))


def _parts(block: Block, separator: bytes) -> bool:
    """Tell whether the separator may stand between all records; blank lines are counted by who reads one by one."""
    return separator.count(b"\n") <= 1 and (b"," in separator) == block.commas


class _Text:
    """Cells of a text, by their places."""

    def __init__(self, data: bytes, nulls: Collection[str]) -> None:
        """Take the text, and the strings that mean null."""
        self.nulls = nulls
        self._data = data
        self._raw = np.frombuffer(data, np.uint8)
        self._has_escapes = b"\\" in data

    def read(self, begins: Places, ends: Places, plan: Plan, *, some_absent: bool = False) -> pa.Array | None:
        """Return the values of cells; null where one is, or has no length; None when one is not of the plan's kind."""
        empty = self._raw.take(begins) == NULL[0]
        if bool(empty.any()) and not self._are(NULL, begins[empty], ends[empty]):
            return None
        if some_absent:
            empty |= ends == begins
        if self.nulls:
            quoted = np.flatnonzero(self._raw.take(begins) == QUOTE)
            texts = self._strings(begins[quoted], ends[quoted])
            if texts is None:
                return None
            empty[quoted] = numbers_of(pc.is_in(texts, value_set=text_array(list(self.nulls))))
        if not bool(empty.any()):
            return self._filled(begins, ends, plan)
        if bool(empty.all()):
            return pa.nulls(len(begins), plan.type)
        values = self._filled(begins[~empty], ends[~empty], plan)
        return None if values is None else spread(values, ~empty)

    def _strings(self, begins: Places, ends: Places) -> pa.Array | None:
        return strings.contents(self._data, self._raw, begins, ends, has_escapes=self._has_escapes)

    def _are(self, text: bytes, begins: Places, ends: Places) -> bool:
        """Tell whether cells are a text and nothing else."""
        return bool((ends - begins == len(text)).all()) and stands(self._data, text, begins)

    def _filled(self, begins: Places, ends: Places, plan: Plan) -> pa.Array | None:
        """Return the values of cells of which none should be null."""
        data, raw = self._data, self._raw
        if not len(begins):
            return pa.nulls(0, plan.type)
        if plan.kind in {"string", "date"}:
            texts = self._strings(begins, ends)
            return None if texts is None else plan.from_strings(texts)
        if plan.kind == "json":
            return strings.any_kind(data, raw, begins, ends, has_escapes=self._has_escapes)
        if plan.kind == "array":
            inside = lists.insides(data, raw, begins, ends)
            return None if inside is None or plan.items is None else _lists(inside, plan, plan.items, self.nulls)
        if plan.kind == "object":
            members = [pa.nulls(len(begins), inner.type) for _, inner in plan.fields]
            return struct_array(members, plan.type) if self._are(EMPTY, begins, ends) else None
        if plan.kind in {"int", "decimal"}:
            values = digits.values(data, raw, begins, ends, plan.type)
            if values is not None:
                return values
        literals = strings.literals(data, begins, ends)
        return None if literals is None else plan.from_literals(literals)


def _lists(inside: pa.Array, plan: Plan, items: Plan, nulls: Collection[str]) -> pa.Array | None:
    """Return lists by what stands in their brackets; None when that is not of the plan's kind."""
    if items.kind != "object":
        cut = lists.scalars(inside)
        values = None if cut is None else _Text(cut.data, nulls).read(cut.begins, cut.ends, items)
        return None if cut is None or values is None else list_array(values, cut.counts, plan.type)
    joined = lists.objects(inside)
    if joined is None or not joined.data:
        return (
            None if joined is None else list_array(pa.nulls(0, items.type), np.zeros(len(inside), np.int64), plan.type)
        )
    found = regions(joined.data, joined.separator)
    counts = None if found is None else joined.counts(found.begins, len(inside))
    values = None if found is None or counts is None else _assembled(items, (), found, _Text(joined.data, nulls))
    return None if values is None or counts is None else list_array(values, counts, plan.type)


def _assembled(plan: Plan, path: Path, found: Regions, text: _Text, without: pa.Array | None = None) -> pa.Array | None:
    """Return the values of an object's members; a member that no record has is null.

    ``without`` are the objects that stand there without any member; all others that have none are null.
    """
    known = {name for name, _ in plan.fields}
    depth, paths = len(path), found.values.keys()
    if any(len(there) > depth and there[:depth] == path and there[depth] not in known for there in paths):
        return None
    children = []
    for name, inner in plan.fields:
        here = (*path, name)
        if here in paths:
            values = text.read(*found.values[here], inner, some_absent=not found.alike)
        else:
            values = pa.nulls(len(found.begins), inner.type)
        if values is not None and any(there[: depth + 1] == here != there for there in paths):
            values = _assembled(inner, here, found, text, values) if inner.kind == "object" else None
        if values is None:
            return None
        children.append(values)
    if found.alike or without is None:
        return struct_array(children, plan.type)
    inside = [bounds for there, bounds in found.values.items() if there[:depth] == path != there]
    absent = np.logical_and.reduce([begins == ends for begins, ends in inside])
    return struct_array(children, plan.type, missing=absent & ~known_in(without))
