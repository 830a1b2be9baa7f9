"""Which rules take every cell of a part of a column, and the cell at which the last one fell."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from ingestion.conversion.typing.amounts import DecimalRule, Figures
from ingestion.conversion.typing.base import FIRST, matching
from ingestion.conversion.typing.constants import text_array
from ingestion.conversion.typing.rules import text_rules
from ingestion.slotted import named

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from ingestion.conversion.typing.base import Rule

UNKNOWN = -1
CACHED_CELLS = 2
CACHED_SIGNS = 64
_DIGITS = frozenset("0123456789")
_SHAPE = str.maketrans("123456789", "000000000")
_FIRST_SIGNS = frozenset("0123456789-(tfTF")  # no rule takes a text that begins with another


def accepting(rules: Sequence[Rule], cells: pa.Array) -> tuple[list[Rule], int]:
    """Return the rules that take every cell, with what they have seen; of those that nobody owns yet, copies.

    A tuple of rules is owned by nobody. The second value is the index of the cell that no rule was left for, as
    far as that came to light by the way; else ``UNKNOWN``.
    """
    if rules is text_rules() and len(cells) <= CACHED_CELLS:
        texts = tuple(cells.to_pylist())
        if all(len(text) <= CACHED_SIGNS for text in texts):  # what is cached stays for the life of the process
            kept, fell = _of_few(texts)
            return [twin(rule) for rule in kept], fell
    return _accepting(rules, cells)


@lru_cache(maxsize=1024)
def _of_few(texts: tuple[str, ...]) -> tuple[list[Rule], int]:
    """Return the same for a few texts, which the columns of a short and wide table often share."""
    return _accepting(text_rules(), text_array(texts))


def _accepting(rules: Sequence[Rule], cells: pa.Array) -> tuple[list[Rule], int]:
    likely: Sequence[Rule] = rules
    shapes: set[str] = set()
    for at, text in enumerate(cells.slice(0, FIRST).to_pylist()):  # most rules fall at the first cell, and cheaply
        shape = text.translate(_SHAPE)
        if shape not in shapes:
            shapes.add(shape)
            likely = _likely(likely, text) if text[0] in _FIRST_SIGNS else []
            if not likely:
                return [], at
    owned = likely if isinstance(rules, list) else [twin(rule) for rule in likely]
    figures: dict[str, Figures | None] = {}
    return [rule for rule in owned if _accepts(rule, cells, figures)], UNKNOWN


def twin(rule: Rule) -> Rule:
    """Return a copy of a rule, with what it has seen."""
    own: Rule = object.__new__(type(rule))
    for name, seen in named(rule).items():
        setattr(own, name, seen)
    return own


def _likely(rules: Sequence[Rule], text: str) -> list[Rule]:
    """Return the rules whose patterns match one text, looking at patterns only where its signs allow it."""
    signs = frozenset(text.strip("-()")) - _DIGITS
    found: dict[str | None, bool] = {None: False}
    likely = []
    for rule in _written_with(rules, signs):
        pattern = rule.pattern_for(text) if isinstance(rule, DecimalRule) else rule.pattern
        if pattern not in found:
            found[pattern] = matching(pattern)(text) is not None
        if found[pattern]:
            likely.append(rule)
    return likely


def _written_with(rules: Sequence[Rule], signs: frozenset[str]) -> Sequence[Rule]:
    """Return the rules of which a text can be that has just these signs beside digits."""
    if rules is text_rules():
        return _text_rules_with(signs)
    return [rule for rule in rules if _can_have(rule, signs)] if isinstance(rules, tuple) else rules


@lru_cache(maxsize=1024)
def _text_rules_with(signs: frozenset[str]) -> list[Rule]:
    return [rule for rule in text_rules() if _can_have(rule, signs)]


def _can_have(rule: Rule, signs: frozenset[str]) -> bool:
    needed, allowed = rule.signs
    return signs.issuperset(needed) and signs.issubset(allowed)


def first_refused(rules: Sequence[Rule], cells: pa.Array) -> int:
    """Return the index of the cell at which the last of the rules falls; there must be one.

    What takes many cells takes any first part of them, so the place is found by halving.
    """
    low, high = 0, len(cells)  # the first ``low`` cells are taken, the first ``high`` are not
    while high - low > 1:
        middle = (low + high) // 2
        kept, fell = accepting(tuple(rules), cells.slice(0, middle))
        if kept:
            low = middle
        else:
            high = middle if fell == UNKNOWN else fell + 1
    return high - 1


def _accepts(rule: Rule, cells: pa.Array, figures: dict[str, Figures | None]) -> bool:
    """Ask a rule; rules of amounts share what was measured for one decimal sign."""
    if not isinstance(rule, DecimalRule):
        return rule.accepts(cells)
    if rule.point not in figures:
        other = next(iter(figures.values()), None)
        without_fractions = other is not None and not other.separated
        figures[rule.point] = other if without_fractions else Figures.of_ungrouped(cells, rule.point)
    seen = figures[rule.point]
    return rule.accepts_figures(seen) if seen else rule.accepts(cells)
