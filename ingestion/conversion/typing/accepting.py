"""Which rules take every cell of a part of a column, and the cell at which the last one fell."""

from __future__ import annotations

import copy
import re
from functools import cache
from typing import TYPE_CHECKING

from ingestion.conversion.typing.amounts import DecimalRule, Figures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from ingestion.conversion.typing.base import Rule

FIRST_LOOK = 8
UNKNOWN = -1
_FIRST_SIGNS = frozenset("0123456789-(tfTF")  # no rule takes a text that begins with another


def accepting(rules: Sequence[Rule], cells: pa.Array) -> tuple[list[Rule], int]:
    """Return the rules that take every cell, with what they have seen; of those that nobody owns yet, copies.

    A tuple of rules is owned by nobody. The second value is the index of the cell that no rule was left for, as
    far as that came to light by the way; else ``UNKNOWN``.
    """
    likely = list(rules)
    for at, text in enumerate(cells.slice(0, FIRST_LOOK).to_pylist()):  # most rules fall at the first cell, and cheaply
        likely = [rule for rule in likely if _matching(rule.pattern)(text)] if text[0] in _FIRST_SIGNS else []
        if not likely:
            return [], at
    owned = likely if isinstance(rules, list) else [copy.copy(rule) for rule in likely]
    figures: dict[str, Figures | None] = {}
    return [rule for rule in owned if _accepts(rule, cells, figures)], UNKNOWN


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


@cache
def _matching(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern).fullmatch
