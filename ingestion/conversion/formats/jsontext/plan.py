"""What stands at a path, once that is decided: immutable, so that blocks can be read by it in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.formats.jsontext.numbers import buffers, parsed
from ingestion.conversion.formats.jsontext.values import Value, dump
from ingestion.conversion.typing.constants import number_array, spread, struct_array, text_array, text_scalar
from ingestion.conversion.typing.dates import ISO_FORM, DateRule
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from ingestion.conversion.typing.reading import Reading

DATE_LENGTH = len("2026-10-31")
NUMBERS = ("int", "decimal", "float", "text")


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

    # ---- from the text of one path's cells ----

    def from_strings(self, cells: pa.Array) -> pa.Array | None:
        """Return the values of strings' texts; None when one is not of the path's kind."""
        return cells if self.kind == "string" else self._dates(cells)

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

    def from_literals(self, cells: pa.Array) -> pa.Array | None:
        """Return the values of texts that stood outside quotes; None when one is not of the path's kind."""
        if self.kind in NUMBERS:
            return parsed(cells, self.kind, self.type)
        if self.kind != "bool" or not pc.all(pc.is_in(cells, value_set=text_array(["true", "false"]))).as_py():
            return None
        return pc.equal(cells, text_scalar("true"))

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
                return pa.nulls(len(values), self.type)

    def _built_struct(self, values: list[Value]) -> pa.Array:
        rows: dict[str, list[int]] = {name: [] for name, _ in self.fields}
        members: dict[str, list[Value]] = {name: [] for name, _ in self.fields}
        for row, value in enumerate(values):
            for name, member in (value or {}).items():
                rows[name].append(row)
                members[name].append(member)
        children = [plan.placed(members[name], rows[name], len(values)) for name, plan in self.fields]
        return struct_array(children, self.type, missing=np.array([value is None for value in values], np.bool_))

    def placed(self, values: list[Value], rows: list[int], size: int) -> pa.Array:
        """Return a column of a size with the values in their rows, which are in order, and null in the others."""
        if len(rows) == size or not rows:
            return self.built(values) if rows else pa.nulls(size, self.type)
        known = np.zeros(size, np.bool_)
        known[rows] = True
        return spread(self.built(values), known)

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
