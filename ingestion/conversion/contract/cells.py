"""Texts of a column that no rule takes as a whole, read cell by cell as the contract agrees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.contract.casts import cast
from ingestion.conversion.contract.notation import agrees, rules_of
from ingestion.conversion.typing.accepting import twin
from ingestion.conversion.typing.amounts import DecimalRule
from ingestion.conversion.typing.constants import EMPTY, NO_TEXT
from ingestion.conversion.typing.dates import CompactDateRule
from ingestion.conversion.typing.plain import BoolRule, IntegerRule
from ingestion.conversion.typing.times import TimeRule, TimestampRule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestion.conversion.typing.base import Rule

ENOUGH = 0.5  # the share of cells that a way of writing must take to be the column's


@dataclass(frozen=True, slots=True)
class Read:
    """What became of some cells: the values (null where a text did not fit), and the rows of texts that did not."""

    values: pa.Array
    unfit: NDArray[np.int64]


class CellReader:
    """Reads a column's texts as one type. The way of writing is chosen by the first cells, and kept for the file."""

    def __init__(self, kind: pa.DataType, rule: str) -> None:
        """``rule`` is the contract's, empty for any way of writing the type."""
        self._kind = kind
        self._agreed = agrees(rule)
        self._rule: Rule | None = None
        self._trimmed = self._blank = False

    @property
    def rule(self) -> str:
        """How the column was read, once it was; empty before."""
        if self._rule is None:
            return ""
        trimmed = ", spaces around it dropped" if self._trimmed else ""
        return self._rule.name + trimmed + (", blank cells are null" if self._blank else "")

    def read(self, cells: pa.Array) -> Read:
        """Read some cells; a blank one is null."""
        trimmed = pc.utf8_trim_whitespace(cells)
        bare = pc.if_else(pc.equal(trimmed, EMPTY), NO_TEXT, trimmed)
        self._blank = self._blank or bare.null_count > cells.null_count
        self._trimmed = self._trimmed or bool(pc.any(pc.not_equal(bare, cells)).as_py())
        filled = pc.drop_null(bare)
        if self._rule is None and len(filled):
            self._rule = self._chosen(filled)
        if self._rule is None:
            rows = np.flatnonzero(bare.is_valid().to_numpy(zero_copy_only=False))
            return Read(pa.nulls(len(cells), self._kind), rows)
        fine = _fine(self._rule, bare, self._kind)
        kept = pc.if_else(fine, bare, NO_TEXT)
        unfit = np.flatnonzero(pc.and_(bare.is_valid(), pc.invert(fine)).to_numpy(zero_copy_only=False))
        return Read(cast(_values(self._rule, kept), self._kind), unfit)

    def _chosen(self, filled: pa.Array) -> Rule | None:
        """Return the agreed rule that takes most cells; where it takes few, the one other that takes all of them."""
        found: list[tuple[int, Rule]] = []
        for rule in rules_of(self._kind):
            own = _learned(twin(rule), filled)
            if self._agreed is None and isinstance(own, DecimalRule) and own.separated and own.ambiguous:
                continue  # 12.345 may be a fraction: that the type has none does not make its point a group sign
            if taken := int(pc.sum(_fine(own, filled, self._kind)).as_py() or 0):
                found.append((taken, own))
        agreed = [(taken, rule) for taken, rule in found if self._agreed is not None and self._agreed(rule)]
        if agreed and max(taken for taken, _ in agreed) > ENOUGH * len(filled):
            return _most(agreed)[0]
        others = [(taken, rule) for taken, rule in found if taken == len(filled) or self._agreed is None]
        best = _most(others) if others else []
        if best and max(taken for taken, _ in others) > ENOUGH * len(filled) and not _differ(best, filled, self._kind):
            return best[0]
        return _most(agreed)[0] if agreed else None


def _most(found: list[tuple[int, Rule]]) -> list[Rule]:
    """Return the rules that take most cells."""
    most = max(taken for taken, _ in found)
    return [rule for taken, rule in found if taken == most]


def _learned(rule: Rule, filled: pa.Array) -> Rule:
    """Give a rule of times the fraction and the offset that most of the cells which it matches have."""
    if isinstance(rule, TimestampRule | TimeRule):
        like = filled.filter(pc.match_substring_regex(filled, f"^(?:{rule.pattern})$"))
        for text in pc.mode(pc.utf8_length(like), 1).field(0).to_pylist() if len(like) else []:
            rule.accepts(like.filter(pc.equal(pc.utf8_length(like), text)).slice(0, 1))
    elif isinstance(rule, DecimalRule):
        like = filled.filter(pc.match_substring_regex(filled, f"^(?:{rule.pattern})$"))
        if len(like) and not rule.accepts(like):
            return _unlearned(rule)  # some have more digits than any amount
    return rule


def _differ(rules: list[Rule], filled: pa.Array, kind: pa.DataType) -> bool:
    """Tell whether rules that take the same number of cells read them as different values."""
    read = [cast(_values(rule, pc.if_else(_fine(rule, filled, kind), filled, NO_TEXT)), kind) for rule in rules[:20]]
    return any(not one.equals(read[0]) for one in read[1:])


def _fine(rule: Rule, cells: pa.Array, kind: pa.DataType) -> pa.Array:
    """Tell which cells a rule reads exactly as the type; a null cell is none of them."""
    matched = pc.fill_null(pc.match_substring_regex(cells, f"^(?:{rule.pattern})$"), False)
    if isinstance(rule, BoolRule):
        return matched
    some = pc.indices_nonzero(matched)
    if not len(some):
        return matched
    fit = np.zeros(len(cells), np.bool_)
    at = some.to_numpy()
    fit[at[_exact(rule, cells.take(some), kind)]] = True
    return pa.array(fit)


def _exact(rule: Rule, cells: pa.Array, kind: pa.DataType) -> NDArray[np.bool_]:
    """Tell which matching cells the rule takes with the digits it has, and the type holds; halves where one is not."""
    fine = np.zeros(len(cells), np.bool_)
    stack = [(0, len(cells))]
    while stack:
        low, high = stack.pop()
        part = cells.slice(low, high - low)
        if _all_exact(rule, part, kind):
            fine[low:high] = True
        elif high - low > 1:
            middle = (low + high) // 2
            stack += [(low, middle), (middle, high)]
    return fine


def _unlearned(rule: Rule) -> Rule:
    """Return a copy of a rule that has seen no digits yet."""
    own = twin(rule)
    if isinstance(own, DecimalRule):
        own.digits, own.scale, own.shortest, own.room = 1, 0, None, 0
    return own


def _all_exact(rule: Rule, cells: pa.Array, kind: pa.DataType) -> bool:
    own = _unlearned(rule)
    if not own.accepts(cells):
        return False
    try:
        cast(own.cast(cells), kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True


def _values(rule: Rule, cells: pa.Array) -> pa.Array:
    """Return the values of texts that fit, and nulls."""
    own = twin(rule)
    filled = pc.drop_null(cells)
    if len(filled) and isinstance(own, DecimalRule | IntegerRule | CompactDateRule):
        own.accepts(filled)
    return own.cast(cells)
