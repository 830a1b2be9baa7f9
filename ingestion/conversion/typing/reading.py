"""How a column's cells are read once its rule is chosen: without state, so that blocks can be read in any order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.conversion.typing.accepting import twin
from ingestion.conversion.typing.amounts import DecimalRule
from ingestion.conversion.typing.base import WORD_DIGITS
from ingestion.conversion.typing.constants import EMPTY, NO_TEXT
from ingestion.conversion.typing.dates import ISO_FORM, DateRule
from ingestion.conversion.typing.plain import IntegerRule
from ingestion.conversion.typing.quick import quick_values

if TYPE_CHECKING:
    from typing import Self

    from ingestion.conversion.typing.base import Rule


@dataclass(frozen=True, slots=True)
class Reading:
    """One column's rule at one moment.

    ``parse_as`` is the type to which bytes can be parsed directly, where the parser's exactness can be
    proven (int64, decimal128 up to 18 digits, date32); else string. ``trimmed`` and ``blank`` say which
    normalisations the rule has recorded so far: spaces around cells, blank cells as null. ``undecided`` says
    that more of the column could still give it a type.
    """

    rule: Rule | None
    type: pa.DataType
    parse_as: pa.DataType
    trimmed: bool
    blank: bool
    undecided: bool

    @classmethod
    def of(cls, rule: Rule | None, kind: pa.DataType, *, trimmed: bool, blank: bool, undecided: bool) -> Self:
        """Return the reading of a rule as it is now."""
        own = None if rule is None else twin(rule)
        direct = not (trimmed or blank) and _is_native(own)
        return cls(own, kind, kind if direct else pa.string(), trimmed, blank, undecided)

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


def _is_native(rule: Rule | None) -> bool:
    """Tell whether the parser of delimited text reads this rule's texts, and its exactness can be proven."""
    if isinstance(rule, DateRule):
        return rule.form is ISO_FORM
    if isinstance(rule, DecimalRule):
        plain = (rule.point, rule.group, rule.sign) == (".", "", "front")
        return plain and rule.even and rule.scale > 0 and rule.type().precision <= WORD_DIGITS[1]
    return isinstance(rule, IntegerRule) and pa.types.is_int64(rule.type())
