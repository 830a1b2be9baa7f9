"""One text column on its way to a type: it sees every cell, keeps the rules that fit all, and then decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.typing.accepting import accepting, twin
from ingestion.conversion.typing.amounts import DecimalRule
from ingestion.conversion.typing.constants import EMPTY, NO_TEXT, text_array
from ingestion.conversion.typing.dates import CompactDateRule, DateRule
from ingestion.conversion.typing.evidence import Story
from ingestion.conversion.typing.keys import Spellings
from ingestion.conversion.typing.reading import Reading
from ingestion.conversion.typing.rules import text_rules
from ingestion.conversion.typing.times import TimestampRule
from ingestion.conversion.values import Column, Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ingestion.conversion.typing.base import Rule
    from ingestion.conversion.typing.evidence import PlaceOf


class TextColumn:
    """Collects evidence with ``look`` over the whole column, ``decide``s once, and then ``cast``s each part."""

    def __init__(
        self,
        name: str,
        rules: Callable[[], tuple[Rule, ...]] = text_rules,
        agreed: Callable[[Rule], bool] | None = None,
    ) -> None:
        """Begin with every rule possible; without any the column is text.

        ``agreed`` tells of a rule whether texts are known to be written so: among those that take every cell such a
        one is chosen, and needs no further proof.
        """
        self.name = name
        self._agreed = agreed
        self.nulls = 0
        self.warnings: list[Notice] = []
        self._rules: Sequence[Rule] = rules()
        self._seen = False
        self._judged = not self._rules
        self._trimmed = False
        self._blank = False
        self._roomy = False
        self._note = ""
        self._spellings = Spellings()
        self._chosen: Rule | None = None
        self._shown: dict[str, str] = {}
        self._reading: Reading | None = None  # as long as nothing was looked at since
        self.story = Story()

    def look(self, cells: pa.Array, place: PlaceOf | None = None) -> None:
        """Drop the rules that a part of the column contradicts; remember where the last one fell.

        ``place`` tells of a row of the part where it stands; None for a sample from somewhere.
        """
        self._reading = None
        if self.settled:
            self._seen = self._seen or cells.null_count < len(cells)
            return
        known = pc.drop_null(cells) if cells.null_count else cells
        filled, bare = _filled(known)
        self._seen = self._seen or len(known) > 0
        self._blank = self._blank or len(filled) < len(known)
        if not len(filled) or not self._rules:
            return
        trimmed = bare is not filled
        before = [twin(rule) for rule in self._rules] if isinstance(self._rules, list) else self._rules
        kept, fell = accepting(self._rules, bare)
        self.story.see(bare)
        if not kept:
            self.story.end(before, bare, fell, cells, place)
        self._rules = kept
        self._trimmed = self._trimmed or (trimmed and bool(kept))
        self._judged = True
        if any(isinstance(rule, DecimalRule) and rule.scale for rule in kept):
            self._spellings.look(bare)

    def is_confirmed(self, cells: pa.Array, values: pa.Array | None) -> bool:
        """Tell whether a part can change nothing and need not be looked at; ``values`` is what ``reading`` makes of it.

        The rule chosen must be the narrowest that is left, and must not weigh how its texts are spelled.
        """
        if self._chosen is None:
            return self.settled and (self._seen or cells.null_count == len(cells))
        if values is None or self._rules[0] is not self._chosen or self._trimmed:
            return False
        if isinstance(self._chosen, DecimalRule) and self._chosen.scale:
            self._spellings.look(pc.drop_null(cells))
            return self._chosen.even
        return True

    def decide(self) -> None:
        """Choose the rule, or text; ambiguous readings stay text, with a warning. May be called again later."""
        self._reading = None
        self._chosen = None
        self.warnings = []
        self._note = ""
        rules = self._rules
        agreed = [rule for rule in rules if self._agreed(rule)] if self._agreed is not None else []
        if agreed and self._judged:
            self._chosen = agreed[0]
            return
        if rules and isinstance(rules[0], CompactDateRule) and not rules[0].is_proven:
            rules = rules[1:]
        if not rules or not self._judged:
            return
        first = rules[0]
        if isinstance(first, DecimalRule) and self._ambiguous(rules):
            self._warn("AMBIGUOUS_NUMBER", "may be read with a decimal sign or with a group sign, so it stays text")
            return
        if isinstance(first, DecimalRule) and self._is_key(first):
            self._note = "may be keys, for texts differ by trailing zeros only, so it is read as a key"
            return
        if isinstance(first, DateRule | TimestampRule):
            orders = {rule.form.order for rule in rules if isinstance(rule, DateRule | TimestampRule)}
            if len(orders - {""}) > 1:
                words = "may be read in two orders, for no value proves whether the day or the month comes first"
                self._warn("AMBIGUOUS_DATE", f"{words}, so it stays text")
                return
        self._chosen = first

    def step(self, cells: pa.Array, place: PlaceOf) -> bool:
        """Look at the next part in file order and decide anew; tell whether rule or type changed, and note where."""
        before, rule, kind = self.reading(), self._chosen, self.type()
        self.look(cells, place)
        self.decide()
        changed = self._chosen is not rule or self.type() != kind
        if changed:
            self.story.contradict(before, cells, place)
            self.leave_room()
        return changed

    @property
    def settled(self) -> bool:
        """Tell whether nothing can change the type any more: it is text."""
        return self._judged and not self._rules

    def _is_key(self, rule: DecimalRule) -> bool:
        """Tell a version or key from an amount."""
        return not rule.even and self._spellings.are_keys(self.name, all_seen=not self._roomy)

    def leave_room(self) -> None:
        """Prepare for more cells than were looked at: amounts get room for larger ones."""
        self._roomy = True
        self.decide()
        if isinstance(self._chosen, DecimalRule):
            self._chosen.leave_room()
            self._reading = None

    @property
    def chosen(self) -> Rule | None:
        """The rule decided on, or None for text."""
        return self._chosen

    def reading(self) -> Reading:
        """Return how to read the cells of any part of the column now; it does not change when this column does."""
        self._reading = self._reading or Reading.of(
            self._chosen,
            self.type(),
            trimmed=self._trimmed,
            blank=self._blank,
            undecided=self._chosen is None and (bool(self._rules) or not self._judged),
        )
        return self._reading

    def _ambiguous(self, rules: Sequence[Rule]) -> bool:
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
            values = self._chosen.cast(pc.if_else(pc.equal(bare, EMPTY), NO_TEXT, bare))
        self.nulls += values.null_count
        return values

    def column(self, nulls: int | None = None) -> Column:
        """Describe the column for the report, with the nulls counted elsewhere or by ``cast``."""
        rule = "null" if not self._seen else "string" if self._chosen is None else self._chosen.name
        if self._chosen is not None and self._trimmed:
            rule += ", spaces around it dropped"
        if self._chosen is not None and self._blank:
            rule += ", blank cells are null"
        notes = [*(str(one) for one in self.story.widened if one.rule), self._note]
        return Column(
            name=self.name,
            type=self.type(),
            rule=rule,
            nulls=self.nulls if nulls is None else nulls,
            note="; ".join(filter(None, notes)),
            example=self.story.example,
            example_value=self._example_value(),
            widened=self.story.widened,
        )

    def _example_value(self) -> str:
        """Return what the example became, where that is written in another way."""
        if not isinstance(self._chosen, DecimalRule | DateRule | CompactDateRule):
            return ""
        if self._chosen.name not in self._shown:
            value = self._chosen.cast(text_array([self.story.example]))[0].as_py()
            self._shown = {self._chosen.name: "empty" if value is None else str(value)}
        return self._shown[self._chosen.name]


def _filled(known: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return the cells that are not blank, and the same without spaces around them: the very same where none are."""
    bare = pc.utf8_trim_whitespace(known)
    is_trimmed = not bare.equals(known)
    if not pc.min(pc.binary_length(bare)).as_py():
        written = pc.not_equal(bare, EMPTY)
        known, bare = pc.filter(known, written), pc.filter(bare, written)
        is_trimmed = not bare.equals(known)
    return known, bare if is_trimmed else known
