"""How a column's cells are read once its rule is chosen: without state, so that blocks can be read in any order."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.typing.accepting import twin
from ingestion.conversion.typing.amounts import DecimalRule
from ingestion.conversion.typing.base import WORD_DIGITS
from ingestion.conversion.typing.constants import EMPTY, NO_TEXT
from ingestion.conversion.typing.dates import ISO_FORM, DateRule
from ingestion.conversion.typing.plain import IntegerRule
from ingestion.conversion.typing.quick import is_quick, quick_values
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from ingestion.conversion.typing.base import Rule


@slotted(frozen=True)
class Reading:
    """One column's rule at one moment.

    ``parse_as`` is the type to which bytes can be parsed directly, where the parser's exactness can be proven (int64,
    date32); else string. ``sifts`` says that neither a word nor a line of dashes passes for a cell of it in a block
    that is parsed so. ``trimmed`` and ``blank`` say which normalisations the rule has recorded so far: spaces around
    cells, blank cells as null. ``undecided`` says that more of the column could still give it a type. Columns
    whose ``alike`` is the same, and not empty, can be read as if they were one.
    """

    rule: Rule | None
    type: pa.DataType
    parse_as: pa.DataType
    sifts: bool
    trimmed: bool
    blank: bool
    undecided: bool
    alike: str = ""

    @classmethod
    def of(cls, rule: Rule | None, kind: pa.DataType, *, trimmed: bool, blank: bool, undecided: bool) -> Self:
        """Return the reading of a rule as it is now."""
        own = None if rule is None else twin(rule)
        exact = not (trimmed or blank)
        direct = exact and _is_native(own)
        sifts = direct or (exact and _is_plain_amount(own))
        alike = own.name if own is not None and is_quick(own) else ""
        return cls(own, kind, kind if direct else pa.string(), sifts, trimmed, blank, undecided, alike)

    def values(self, cells: pa.Array) -> pa.Array | None:
        """Return the typed values; None when a cell contradicts the rule or needs what it has not recorded."""
        if cells.type == self.type:
            return cells
        if self.rule is None:
            return pa.nulls(len(cells)) if cells.null_count == len(cells) else None
        if (quick := quick_values(self.rule, cells)) is not None:
            return quick
        if self.trimmed or self.blank:
            bare = self._normalised(cells)
            if bare is None:
                return None
            cells = bare
        return self.rule.cast(cells) if self._fits(cells) else None

    def _normalised(self, cells: pa.Array) -> pa.Array | None:
        """Drop spaces around cells and make blank ones null, as far as the rule records it."""
        bare = pc.utf8_trim_whitespace(cells)
        blank = pc.equal(bare, EMPTY)
        if not self.blank and pc.any(blank).as_py():
            return None
        if not self.trimmed and pc.any(pc.and_not(pc.not_equal(bare, cells), blank)).as_py():
            return None
        return pc.if_else(blank, NO_TEXT, bare)

    def _fits(self, cells: pa.Array) -> bool:
        """Tell whether the rule, exactly as it is named, takes every cell."""
        filled = pc.drop_null(cells)
        if not len(filled):
            return True
        if self.rule is None:
            return False
        trial = twin(self.rule)
        return trial.accepts(filled) and trial.name == self.name

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.rule.name if self.rule else "string"


def read_columns(readings: Sequence[Reading], columns: Sequence[pa.Array]) -> list[pa.Array | None]:
    """Return the columns' values, as ``Reading.values`` does of each.

    Those that are read alike are read at once: in a wide table the calls cost more than the cells.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for index, reading in enumerate(readings):
        if reading.alike and pa.types.is_string(columns[index].type):
            groups[reading.alike].append(index)
    found: dict[int, pa.Array] = {}
    for members in groups.values():
        first = readings[members[0]].rule
        if len(members) == 1 or first is None:
            continue
        values = quick_values(first, pa.concat_arrays([columns[index] for index in members]))
        if values is not None:
            rows = len(columns[members[0]])
            found |= {index: values.slice(place * rows, rows) for place, index in enumerate(members)}
    return [
        found[index] if index in found else reading.values(cells)
        for index, (reading, cells) in enumerate(zip(readings, columns, strict=True))
    ]


def _is_native(rule: Rule | None) -> bool:
    """Tell whether the parser of delimited text reads this rule's texts, and its exactness can be proven.

    It reads decimals too, but to read them as texts and prove each place of their digits takes less time.
    """
    if isinstance(rule, DateRule):
        return rule.form is ISO_FORM
    return isinstance(rule, IntegerRule) and pa.types.is_int64(rule.type())


def _is_plain_amount(rule: Rule | None) -> bool:
    """Tell whether a rule is of amounts as programs write them, all with one number of places."""
    if not isinstance(rule, DecimalRule) or (rule.point, rule.group, rule.sign) != (".", "", "front"):
        return False
    return rule.even and rule.scale > 0 and rule.type().precision <= WORD_DIGITS[1]
