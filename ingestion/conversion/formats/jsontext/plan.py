"""What stands at a path, once that is decided: immutable, so that blocks can be read by it in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.formats.jsontext.numbers import buffers, parsed
from ingestion.conversion.formats.jsontext.values import Value, dump
from ingestion.conversion.typing.constants import NO_TEXT, number_array, text_array, text_scalar
from ingestion.conversion.typing.dates import ISO_FORM, DateRule
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from ingestion.conversion.typing.reading import Reading

DATE_LENGTH = len("2026-10-31")
NUMBERS = ("int", "decimal", "float", "text")
# Kinds whose literals the parser of PyArrow reads; what it accepts too many is excluded by counting.
_NATIVE = ("null", "bool", "int", "decimal", "string", "date")


@slotted(frozen=True)
class Plan:
    """One path's kind, type, rule, and what is below it.

    Kinds: ``null``, ``bool``, ``int``, ``decimal``, ``float``, ``text`` (a number's own text), ``string``, ``date``
    (a string read by ``reading``), ``object``, ``array``, ``json`` (the JSON text of whatever stood there).
    """

    kind: str
    type: pa.DataType
    rule: str
    fields: tuple[tuple[str, Plan], ...] = ()
    items: Plan | None = None
    reading: Reading | None = None

    # ---- from Arrow's own types ----

    def finished(self, cells: pa.Array) -> pa.Array | None:
        """Return the values of cells parsed to Arrow's own types; None when a text is not of the path's rule."""
        if cells.type == self.type:
            return cells
        if self.kind == "object":
            inner = [plan.finished(cells.field(at)) for at, (_, plan) in enumerate(self.fields)]
            if any(array is None for array in inner):
                return None
            return pa.StructArray.from_arrays(inner, fields=list(self.type), mask=cells.is_null())
        if self.kind == "array" and self.items:
            items = self.items.finished(cells.values)
            mask = cells.is_null() if cells.null_count else None
            return None if items is None else pa.ListArray.from_arrays(cells.offsets, items, type=self.type, mask=mask)
        return self._dates(cells)

    def _dates(self, cells: pa.Array) -> pa.Array | None:
        """Cast ISO dates of ten characters, of which Arrow takes no other form; otherwise check by the rule."""
        if self.reading is None:
            return None
        rule = self.reading.rule
        if isinstance(rule, DateRule) and rule.form is ISO_FORM:
            filled = cells.drop_null() if cells.null_count else cells
            if len(filled) and not bool(np.all(np.diff(buffers(filled)[1]) == DATE_LENGTH)):
                return None
            try:
                return pc.cast(cells, self.type)
            except pa.ArrowInvalid:
                return None
        return self.reading.values(cells)

    # ---- from the text of one path's cells ----

    def from_literals(self, cells: pa.Array) -> pa.Array | None:
        """Return the values of texts that stood outside quotes; None when one is not of the path's kind."""
        if self.kind in NUMBERS:
            return parsed(cells, self.kind, self.type)
        if not pc.all(pc.equal(cells, text_scalar("null")), min_count=0).as_py():
            if self.kind != "bool":
                return None
            known = pc.is_in(cells, value_set=text_array(["true", "false", "null"]))
            if not pc.all(known, min_count=0).as_py():
                return None
            kept = pc.if_else(pc.equal(cells, text_scalar("null")), NO_TEXT, cells)
            return pc.equal(kept, text_scalar("true"))
        return pa.nulls(len(cells), self.type)

    def from_strings(self, cells: pa.Array) -> pa.Array | None:
        """Return the values of the contents of quotes without escapes; None when one is not of the path's kind."""
        if self.kind not in {"string", "date"}:
            return None
        if bool(np.any(buffers(cells)[0] < 0x20)):
            return None
        return self.finished(cells)

    # ---- from Python values ----

    def built(self, values: list[Value]) -> pa.Array:
        """Return the Arrow values of what the path's shape has looked at."""
        match self.kind:
            case "json":
                return text_array([None if value is None else dump(value) for value in values])
            case "int" | "decimal" | "float" | "text":
                return pc.cast(text_array(values), self.type)
            case "date":
                dates = self._dates(text_array(values))
                return pc.cast(text_array(values), self.type) if dates is None else dates
            case "string":
                return text_array(values)
            case "bool":
                truths = np.array([value is True for value in values], np.bool_)
                return number_array(truths, missing=np.array([value is None for value in values], np.bool_))
            case "object":
                return self._built_struct(values)
            case "array":
                return self._built_list(values)
            case _:
                return pa.array(values, self.type)

    def _built_struct(self, values: list[Value]) -> pa.Array:
        children = [
            plan.built([None if value is None else value.get(name) for value in values]) for name, plan in self.fields
        ]
        mask = number_array(np.array([value is None for value in values], np.bool_))
        return pa.StructArray.from_arrays(children, fields=list(self.type), mask=mask)

    def _built_list(self, values: list[Value]) -> pa.Array:
        flat = [inner for value in values if value is not None for inner in value]
        items = self.items.built(flat) if self.items else pa.nulls(len(flat))
        offsets: list[int | None] = []
        total = 0
        for value in values:
            offsets.append(None if value is None else total)
            total += len(value or ())
        starts = number_array(
            np.array([0 if at is None else at for at in (*offsets, total)], np.int32),
            missing=np.array([at is None for at in (*offsets, total)], np.bool_),
        )
        return pa.ListArray.from_arrays(starts, items, type=self.type)


def printable(name: str) -> str:
    """Return a name as a column may have it: half a surrogate pair, which is no character, stays an escape."""
    return name.encode(errors="backslashreplace").decode()
