"""One column on its way from a file into the contract's shape, and what is noticed of it by the way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.contract.casts import cast, first_unfit
from ingestion.conversion.contract.kinds import canonical, common, holds, is_number, may_hold, roomy, scale
from ingestion.conversion.contract.notation import JSON_TEXT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestion.conversion.contract.cells import CellReader
    from ingestion.conversion.contract.model import ContractColumn

MOST_UNFIT = 0.5  # of a column's cells; with more that do not fit, it is the column that changed


@dataclass(slots=True, kw_only=True)
class Way:
    """How one column of the output comes about: its place in the file (None: it is not there), and its type.

    ``agreed`` is the contract's column, None for a new one. ``reader`` reads the file's texts cell by cell.
    ``seeks`` is what an example is sought of: a ``value``, a ``null``, or a value ``wider`` than agreed. ``found`` is
    the type that the file has for it.
    """

    name: str
    place: int | None
    kind: pa.DataType
    rule: str = ""
    agreed: ContractColumn | None = None
    reader: CellReader | None = None
    known: int = 0
    nulls: int = 0
    unfit: int = 0
    example: tuple[int, str | None] | None = None
    seen: tuple[str, ...] = ()
    seeks: str = ""
    found: pa.DataType = field(default_factory=pa.null)

    def values(self, batch: pa.RecordBatch) -> tuple[pa.Array, NDArray[np.int64]]:
        """Return the column's values of a batch, and the rows whose cells do not fit."""
        nothing = np.zeros(0, np.int64)
        if self.place is None:
            return pa.nulls(batch.num_rows, self.kind), nothing
        cells = batch.column(self.place)
        if self.reader is None:
            return self._typed(cells), nothing
        read = self.reader.read(_decoded(_texts(cells)) if self.rule.startswith(JSON_TEXT) else _texts(cells))
        return read.values, read.unfit

    def _typed(self, cells: pa.Array) -> pa.Array:
        if not pa.types.is_string(self.kind) or self.agreed is None:
            return cast(cells, self.kind, self.rule)
        texts = cast(cells, self.kind, self.rule)
        if self.agreed.rule == JSON_TEXT and pa.types.is_string(cells.type) and not self.rule.startswith(JSON_TEXT):
            quoted = [None if text is None else json.dumps(text, ensure_ascii=False) for text in texts.to_pylist()]
            return pa.array(quoted, pa.string())
        if self.rule.startswith(JSON_TEXT) and self.agreed.rule != JSON_TEXT:
            return _decoded(texts)
        return texts

    @property
    def is_new(self) -> bool:
        """Whether the contract does not have the column yet."""
        return self.agreed is None

    @property
    def narrower(self) -> pa.DataType | None:
        """The file's type, where its values are narrower than agreed and not only have fewer digits."""
        alike = pa.types.is_decimal(self.kind) and pa.types.is_decimal(self.found)
        texts_or_none = pa.types.is_null(self.found) or pa.types.is_string(self.found)
        return None if self.found == self.kind or alike or texts_or_none else self.found

    @property
    def is_lost(self) -> bool:
        """Whether so many cells did not fit that it is the column that changed, not some of its cells."""
        return self.unfit > MOST_UNFIT * self.known

    def sought(self, cells: pa.Array) -> int | None:
        """Return the first row that shows what is to be told of the column, if a batch has one."""
        match self.seeks:
            case "wider" if self.agreed is not None:
                return first_unfit(cells, self.agreed.kind)
            case "null":
                at = pc.index(pc.is_null(cells), pa.scalar(value=True)).as_py()
            case "value":
                at = pc.index(pc.is_valid(cells), pa.scalar(value=True)).as_py()
            case _:
                return None
        return at if at >= 0 else None


def target(agreed: pa.DataType, found: pa.DataType, *, lost: bool, wide: bool) -> pa.DataType:
    """Return the type for a contract's column and a file's: the contract's, a wider one of its kind, or text.

    Numbers that have no more decimals than agreed, and moments where nanoseconds are agreed, are taken to fit until one
    does not: then the column is ``wide``.
    ``lost`` is one whose texts are of another kind.
    """
    found = canonical(found)
    if lost:
        return pa.string()
    if not wide and is_number(agreed) and is_number(found) and scale(found) <= scale(agreed):
        return agreed
    if pa.types.is_null(found) or pa.types.is_string(agreed):
        return agreed
    if pa.types.is_null(agreed):
        return roomy(found)
    if pa.types.is_string(found):
        return agreed if is_readable(agreed) else pa.string()
    if wide and not is_number(found):
        return pa.string()  # a moment beyond the years of the type
    if holds(agreed, found) or may_hold(agreed, found):
        return agreed
    wider = common(agreed, found)
    return pa.string() if wider is None else roomy(wider)


def is_readable(kind: pa.DataType) -> bool:
    """Tell whether texts can be read as a type, cell by cell."""
    tests = (pa.types.is_integer, pa.types.is_decimal128, pa.types.is_date32, pa.types.is_timestamp, pa.types.is_time64)
    return bool(pa.types.is_boolean(kind) or any(test(kind) for test in tests))


def only_filled(old: pa.DataType, new: pa.DataType) -> bool:
    """Tell whether a type only became another where it had held no value at all."""
    if old == new or pa.types.is_null(old):
        return True
    if pa.types.is_list(old) and pa.types.is_list(new):
        return only_filled(old.value_type, new.value_type)
    if pa.types.is_struct(old) and pa.types.is_struct(new) and old.num_fields == new.num_fields:
        pairs = zip(old, new, strict=True)
        return all(one.name == two.name and only_filled(one.type, two.type) for one, two in pairs)
    return False


def _texts(cells: pa.Array) -> pa.Array:
    return cells if pa.types.is_string(cells.type) else pc.cast(cells, pa.string())


def _decoded(cells: pa.Array) -> pa.Array:
    """Return JSON texts with the strings among them out of their quotes."""
    quoted = pc.fill_null(pc.starts_with(cells, '"'), False)
    if not pc.any(quoted, min_count=0).as_py():
        return cells
    texts = [json.loads(text) if text and text[0] == '"' else text for text in cells.to_pylist()]
    return pa.array(texts, pa.string())
