"""What every rule can do, and the two checks that all of them lean on."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from ingestion.conversion import functions as pc

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DIGITS = 38
WORD_DIGITS = (9, 18, MAX_DIGITS)
FEW = 160
"""So few cells are matched one by one: a call into Arrow, which compiles the pattern each time, costs more."""
FIRST = 8
"""How many of a column's first cells are looked at for what they show: most rules fall there."""


class Rule(Protocol):
    """One way to read a column. ``accepts`` may look at any part of the column, ``cast`` at all parts alike."""

    @property
    def name(self) -> str:
        """Return the rule as the report and the Parquet footer name it; ``render`` reads it."""
        ...

    @property
    def pattern(self) -> str:
        """Return a regular expression that every text of the rule matches; it may match others."""
        ...

    @property
    def signs(self) -> tuple[str, str]:
        """Return the signs beside digits that every text of the rule has, and those that it may have.

        Brackets and hyphens at a text's ends do not count.
        """
        ...

    def accepts(self, cells: pa.Array) -> bool:
        """Tell whether every cell (no nulls, no empty texts) fits; keeps what ``cast`` needs to know."""
        ...

    def type(self) -> pa.DataType:
        """Return the Arrow type, once all cells have been accepted."""
        ...

    def cast(self, cells: pa.Array) -> pa.Array:
        """Return the values of cells that were accepted; nulls stay null."""
        ...


def matches(cells: pa.Array, pattern: str) -> bool:
    """Tell whether every cell matches the whole pattern."""
    if len(cells) <= FEW:
        whole = matching(pattern)
        return all(whole(text) for text in cells.to_pylist())
    return bool(pc.all(pc.match_substring_regex(cells, f"^(?:{pattern})$"), min_count=0).as_py())


@cache
def matching(pattern: str) -> Callable[[str], re.Match[str] | None]:
    """Return a test for one text, which must match as a whole."""
    return re.compile(pattern).fullmatch


def castable(cells: pa.Array, target: pa.DataType) -> bool:
    """Tell whether Arrow can cast every cell exactly."""
    try:
        pc.cast(cells, target)
    except pa.ArrowInvalid:
        return False
    return True
