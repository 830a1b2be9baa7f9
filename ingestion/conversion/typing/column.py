"""One text column on its way to a type: it sees every cell, keeps the rules that fit all, and then decides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.conversion.typing.rules import (
    CompactDateRule,
    DateRule,
    DecimalRule,
    Rule,
    TimestampRule,
    text_rules,
)
from ingestion.conversion.values import Column, Notice

if TYPE_CHECKING:
    from collections.abc import Callable

_KEY_LIKE = re.compile(r"version|release|\brev|key|(^|[_ ])(id|nr|no|code|number|nummer)($|[_ .])", re.IGNORECASE)
_DISTINCT_LIMIT = 100_000


class TextColumn:
    """Collects evidence with ``look`` over the whole column, ``decide``s once, and then ``cast``s each part."""

    def __init__(self, name: str, rules: Callable[[], list[Rule]] = text_rules) -> None:
        """Begin with every rule possible."""
        self.name = name
        self.nulls = 0
        self.warnings: list[Notice] = []
        self._rules = rules()
        self._seen = False
        self._trimmed = False
        self._note = ""
        self._spellings: dict[str, str] | None = {}
        self._chosen: Rule | None = None

    def look(self, cells: pa.Array, first_line: int) -> None:
        """Drop the rules that a part of the column contradicts; remember where the last one fell."""
        filled = pc.drop_null(cells)
        filled = pc.filter(filled, pc.not_equal(filled, ""))
        if not len(filled) or not self._rules:
            self._seen = self._seen or len(pc.drop_null(cells)) > 0
            return
        bare = pc.utf8_trim_whitespace(filled)
        trimmed = bool(pc.any(pc.not_equal(bare, filled)).as_py())
        kept = [rule for rule in self._rules if rule.accepts(bare)]
        if self._seen and self._rules and not kept:
            widest = self._rules[0].name
            self._note = f"{widest} up to about line {first_line}, then a value that it cannot hold exactly"
        self._rules = kept
        self._trimmed = self._trimmed or (trimmed and bool(kept))
        self._seen = True
        self._watch_spellings(bare)

    def _watch_spellings(self, cells: pa.Array) -> None:
        """Find out whether two texts differ by trailing zeros only (``1.1`` and ``1.10``)."""
        if self._spellings is None or not any(isinstance(rule, DecimalRule) for rule in self._rules):
            return
        for text in pc.unique(cells).to_pylist():
            plain = re.sub(r"[.,]?0+$", "", text) if re.search(r"[.,]\d+$", text) else text
            if self._spellings.setdefault(plain, text) != text:
                self._spellings = None
                return
        if len(self._spellings) > _DISTINCT_LIMIT:
            self._spellings = {}

    def decide(self) -> None:
        """Choose the rule, or text; ambiguous readings stay text, with a warning."""
        rules = self._rules
        if rules and isinstance(rules[0], CompactDateRule) and rules[0].dates < CompactDateRule.ENOUGH:
            rules = rules[1:]
        if not rules or not self._seen:
            return
        first = rules[0]
        if isinstance(first, DecimalRule) and self._ambiguous(rules):
            self._warn("AMBIGUOUS_NUMBER", "may be read with a decimal sign or with a group sign, so it stays text")
            return
        if isinstance(first, DecimalRule) and self._spellings is None and _KEY_LIKE.search(self.name):
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

    def column(self) -> Column:
        """Describe the column for the report."""
        rule = "null" if not self._seen else "string" if self._chosen is None else self._chosen.name
        if self._chosen is not None and self._trimmed:
            rule += ", spaces around it dropped"
        return Column(name=self.name, type=self.type(), rule=rule, nulls=self.nulls, note=self._note)
