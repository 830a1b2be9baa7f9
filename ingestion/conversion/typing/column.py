"""One text column on its way to a type: it sees every cell, keeps the rules that fit all, and then decides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.conversion.typing.amounts import DecimalRule, Figures
from ingestion.conversion.typing.dates import CompactDateRule, DateRule
from ingestion.conversion.typing.keys import Spellings
from ingestion.conversion.typing.reading import Reading
from ingestion.conversion.typing.rules import text_rules
from ingestion.conversion.typing.times import TimestampRule
from ingestion.conversion.values import Column, Notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestion.conversion.typing.base import Rule

_FIRST_LOOK = 16
_FIRST_SIGNS = frozenset("0123456789-(tfTF")  # no rule takes a text that begins with another


class TextColumn:
    """Collects evidence with ``look`` over the whole column, ``decide``s once, and then ``cast``s each part."""

    def __init__(self, name: str, rules: Callable[[], list[Rule]] = text_rules) -> None:
        """Begin with every rule possible."""
        self.name = name
        self.nulls = 0
        self.warnings: list[Notice] = []
        self._rules = rules()
        self._seen = False
        self._judged = False
        self._trimmed = False
        self._blank = False
        self._roomy = False
        self._note = ""
        self._spellings = Spellings()
        self._chosen: Rule | None = None

    def look(self, cells: pa.Array, first_line: int) -> None:
        """Drop the rules that a part of the column contradicts; remember where the last one fell."""
        known = pc.drop_null(cells)
        bare = pc.utf8_trim_whitespace(known)
        written = pc.not_equal(bare, "")
        filled, bare = pc.filter(known, written), pc.filter(bare, written)
        self._seen = self._seen or len(known) > 0
        self._blank = self._blank or len(filled) < len(known)
        if not len(filled) or not self._rules:
            return
        trimmed = bool(pc.any(pc.not_equal(bare, filled)).as_py())
        kept = _accepting(self._rules, bare)
        fallen = None if any(rule is self._chosen for rule in kept) else self._chosen
        if fallen is None and self._judged and not kept:
            fallen = self._rules[0]
        if fallen is not None:
            self._note = f"{fallen.name} up to about line {first_line}, then a value that it cannot hold exactly"
        self._rules = kept
        self._trimmed = self._trimmed or (trimmed and bool(kept))
        self._judged = True
        if any(isinstance(rule, DecimalRule) for rule in kept):
            self._spellings.look(bare)

    def decide(self) -> None:
        """Choose the rule, or text; ambiguous readings stay text, with a warning. May be called again later."""
        self._chosen = None
        self.warnings = []
        rules = self._rules
        if rules and isinstance(rules[0], CompactDateRule) and not rules[0].is_proven:
            rules = rules[1:]
        if not rules or not self._judged:
            return
        first = rules[0]
        if isinstance(first, DecimalRule) and self._ambiguous(rules):
            self._warn("AMBIGUOUS_NUMBER", "may be read with a decimal sign or with a group sign, so it stays text")
            return
        if isinstance(first, DecimalRule) and self._is_key(first):
            self._note = "texts differ by trailing zeros only, so it is read as a key"
            return
        if isinstance(first, DateRule | TimestampRule):
            orders = {rule.form.order for rule in rules if isinstance(rule, DateRule | TimestampRule)}
            if len(orders - {""}) > 1:
                self._warn(
                    "AMBIGUOUS_DATE", "no value proves whether the day or the month comes first, so it stays text"
                )
                return
        self._chosen = first

    def _is_key(self, rule: DecimalRule) -> bool:
        """Tell a version or key from an amount."""
        return not rule.even and self._spellings.are_keys(self.name, all_seen=not self._roomy)

    def leave_room(self) -> None:
        """Prepare for more cells than were looked at: amounts get room for larger ones."""
        self._roomy = True
        self.decide()
        if isinstance(self._chosen, DecimalRule):
            self._chosen.leave_room()

    @property
    def chosen(self) -> Rule | None:
        """The rule decided on, or None for text."""
        return self._chosen

    def reading(self) -> Reading:
        """Return how to read the cells of any part of the column now; it does not change when this column does."""
        return Reading.of(
            self._chosen,
            self.type(),
            trimmed=self._trimmed,
            blank=self._blank,
            undecided=self._chosen is None and (bool(self._rules) or not self._judged),
        )

    def _ambiguous(self, rules: list[Rule]) -> bool:
        decimals = [rule for rule in rules if isinstance(rule, DecimalRule) and rule.separated]
        points = {rule.point for rule in decimals}
        return len(points) > 1 and decimals[0].ambiguous

    def _warn(self, code: str, words: str) -> None:
        self._note = words
        self.warnings.append(Notice(code=code, message=f'Column "{self.name}" {words}.', column=self.name))

    def type(self) -> pa.DataType:
        """Return the type decided."""
        if self._chosen is not None:
            return self._chosen.type()
        return pa.string() if self._seen else pa.null()

    def cast(self, cells: pa.Array) -> pa.Array:
        """Return typed values; a quoted empty cell of a typed column is null."""
        if self._chosen is None:
            values = cells if self._seen else pa.nulls(len(cells))
        else:
            bare = pc.utf8_trim_whitespace(cells)
            values = self._chosen.cast(pc.if_else(pc.equal(bare, ""), pa.scalar(None, pa.string()), bare))
        self.nulls += values.null_count
        return values

    def column(self, nulls: int | None = None) -> Column:
        """Describe the column for the report, with the nulls counted elsewhere or by ``cast``."""
        rule = "null" if not self._seen else "string" if self._chosen is None else self._chosen.name
        if self._chosen is not None and self._trimmed:
            rule += ", spaces around it dropped"
        if self._chosen is not None and self._blank:
            rule += ", blank cells are null"
        return Column(
            name=self.name, type=self.type(), rule=rule, nulls=self.nulls if nulls is None else nulls, note=self._note
        )


def _accepting(rules: list[Rule], cells: pa.Array) -> list[Rule]:
    """Return the rules that take every cell."""
    some = cells.slice(0, _FIRST_LOOK).to_pylist()  # most rules fall at the first cell, and cheaply
    if some[0][0] not in _FIRST_SIGNS:
        return []
    likely = rules
    for text in some:
        likely = [rule for rule in likely if re.fullmatch(rule.pattern, text)]
    points = {rule.point for rule in likely if isinstance(rule, DecimalRule)}
    figures = {point: Figures.of_ungrouped(cells, point) for point in points}
    return [rule for rule in likely if _accepts(rule, cells, figures)]


def _accepts(rule: Rule, cells: pa.Array, figures: dict[str, Figures | None]) -> bool:
    seen = figures.get(rule.point) if isinstance(rule, DecimalRule) else None
    return rule.accepts_figures(seen) if isinstance(rule, DecimalRule) and seen else rule.accepts(cells)
