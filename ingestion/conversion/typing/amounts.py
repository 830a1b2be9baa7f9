"""Amounts: decimal sign, group sign and place of the minus are one for the whole column."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.typing.base import FEW, MAX_DIGITS, WORD_DIGITS, matches
from ingestion.conversion.typing.constants import int_scalar
from ingestion.slotted import replace, slotted

if TYPE_CHECKING:
    from typing import Self


GROUP = 3
_MINUS_ZERO = re.compile(r"-0(?:\.0+)?")
_EITHER = r"[-(]?[1-9][0-9]{0,2}[.,][0-9]{3}[-)]?|[-(]?[0-9]{1,3}[-)]?"
_SIGNED = {"front": "-?{number}", "behind": "{number}-?", "parentheses": r"{number}|\({number}\)"}


@slotted(frozen=True)
class Figures:
    """What some cells of amounts have in common, whatever their group sign: lengths, signs, ambiguity.

    ``minus_in_front`` and ``ungrouped_digits`` (the longest whole part without group signs) exclude rules that
    write these otherwise; they are False and 0 for cells that one rule's own pattern has matched.
    """

    shortest: int
    longest: int
    digits: int
    minus_zero: bool
    separated: bool
    ambiguous: bool
    minus_in_front: bool
    ungrouped_digits: int = 0

    @classmethod
    def of(cls, plain: pa.Array, cells: pa.Array) -> Self:
        """Measure amounts in plain form (``-1234.5``), which stand for the cells as they were written."""
        if len(cells) <= FEW:
            return cls._of_few(plain.to_pylist(), cells)
        has_minus = _any(plain, "^-")
        minus_zero = has_minus and _any(plain, r"^-0(?:\.0+)?$")
        bare = pc.replace_substring(plain, "-", "") if has_minus else plain
        point, length = pc.find_substring(bare, "."), pc.binary_length(bare)
        if (pc.max(point).as_py() or -1) < 0:
            shortest, longest, digits = 0, 0, pc.max(length).as_py() or 1
        else:
            has_point = pc.greater_equal(point, int_scalar(0))
            spread = pc.min_max(
                pc.if_else(has_point, pc.subtract(pc.subtract(length, point), int_scalar(1)), int_scalar(0))
            ).as_py()
            shortest, longest = spread["min"], spread["max"]
            digits = pc.max(pc.if_else(has_point, point, length)).as_py()
        return cls(
            shortest=shortest,
            longest=longest,
            digits=digits,
            minus_zero=minus_zero,
            separated=longest > 0 or _any(cells, "[^0-9()-]"),
            ambiguous=longest in {0, GROUP} and matches(cells, _EITHER),
            minus_in_front=has_minus,
        )

    @classmethod
    def _of_few(cls, plain: list[str], cells: pa.Array) -> Self:
        """Do the same for a few cells, one by one."""
        bare = [text.replace("-", "").partition(".") for text in plain]
        lengths = [len(fraction) for _, _, fraction in bare]
        return cls(
            shortest=min(lengths, default=0),
            longest=max(lengths, default=0),
            digits=max((len(whole) for whole, _, _ in bare), default=1) or 1,
            minus_zero=any(_MINUS_ZERO.fullmatch(text) for text in plain),
            separated=any(lengths) or not matches(cells, "[0-9()-]*"),
            ambiguous=max(lengths, default=0) in {0, GROUP} and matches(cells, _EITHER),
            minus_in_front=any(text.startswith("-") for text in plain),
        )

    @classmethod
    def of_ungrouped(cls, cells: pa.Array, point: str) -> Self | None:
        """Measure cells once for all rules with this decimal sign; None where one of them is not that simple."""
        if not matches(cells, _pattern(point, "", "front")):
            return None
        plain = cells if point == "." else pc.replace_substring(cells, point, ".")
        seen = cls.of(plain, cells)
        return replace(seen, ungrouped_digits=seen.digits)


@slotted()
class DecimalRule:
    """Amounts: one decimal sign, one group sign or none, one place for the minus, for the whole column.

    Texts are brought to the plain form that Arrow parses exactly. A fraction may be shorter than the
    column's scale: trailing zeros are the scale, and the rule's name says so.

    ``digits`` and ``scale`` are the most seen before and behind the decimal sign, ``shortest`` the fewest
    behind it. ``separated``: a decimal or group sign was seen; ``ambiguous``: nothing seen yet tells which
    of the two it is.
    """

    point: str
    group: str = ""
    sign: str = "front"
    digits: int = 1
    scale: int = 0
    shortest: int | None = None
    separated: bool = False
    ambiguous: bool = True
    room: int = 0

    @property
    def name(self) -> str:
        """Name type, decimal sign, group sign and the place of the minus."""
        point = "comma" if self.point == "," else "point"
        group = f", group {self.group!r}" if self.group else ""
        sign = "" if self.sign == "front" else f", minus {self.sign}"
        filled = "" if self.even else ", shorter fractions filled with zeros"
        return f"decimal({self._precision},{self.scale}) {point}{group}{sign}{filled}"

    @property
    def even(self) -> bool:
        """Tell whether all fractions are equally long."""
        return self.shortest in {None, self.scale}

    @property
    def pattern(self) -> str:
        """Match amounts written by this rule."""
        return _pattern(self.point, self.group, self.sign)

    @property
    def signs(self) -> tuple[str, str]:
        """Return decimal sign and group sign."""
        return "", self.point + self.group

    def pattern_for(self, text: str) -> str | None:
        """Return a pattern that matches this very text where the rule's own does; None where that cannot be.

        Most rules of amounts differ by signs that a text does not have, and then share the pattern.
        """
        sign = self.sign if text[0] in "-(" or text[-1] in "-)" else "front"
        if not self.group or self.group in text:
            return _pattern(self.point, self.group, sign)
        whole = text.partition(self.point)[0].strip("-()")
        return _pattern(self.point, "", sign) if len(whole) <= GROUP else None

    def accepts(self, cells: pa.Array) -> bool:
        """Accept amounts written by this rule, zero never with a minus; keep digits and scale."""
        if not matches(cells, self.pattern):
            return False
        return self.accepts_figures(replace(Figures.of(self._plain(cells), cells), minus_in_front=False))

    def accepts_figures(self, seen: Figures) -> bool:
        """Do the same for cells of whose texts only the figures are known: this rule's, or without any group sign."""
        if seen.minus_zero or (self.sign != "front" and seen.minus_in_front):
            return False
        if self.group and seen.ungrouped_digits > GROUP:
            return False
        self.shortest = seen.shortest if self.shortest is None else min(self.shortest, seen.shortest)
        self.scale = max(self.scale, seen.longest)
        self.digits = max(self.digits, seen.digits)
        self.separated = self.separated or seen.separated
        self.ambiguous = self.ambiguous and seen.ambiguous
        return self.digits + self.scale <= MAX_DIGITS

    def type(self) -> pa.DataType:
        """Return the decimal that holds every digit."""
        return pa.decimal128(self._precision, self.scale)

    @property
    def _precision(self) -> int:
        return max(self.digits + self.scale, self.room)

    def leave_room(self) -> None:
        """Take the precision of the next larger machine word, with a digit to spare where there is one."""
        needed = min(self.digits + self.scale + 1, MAX_DIGITS)
        self.room = next(width for width in WORD_DIGITS if width >= needed)

    def cast(self, cells: pa.Array) -> pa.Array:
        """Parse the plain form."""
        return pc.cast(self._plain(cells), self.type())

    def _plain(self, cells: pa.Array) -> pa.Array:
        if self.group:
            cells = pc.replace_substring(cells, self.group, "")
        if self.point != ".":
            cells = pc.replace_substring(cells, self.point, ".")
        if self.sign == "behind":
            return pc.replace_substring_regex(cells, r"^(.*)-$", r"-\1")
        if self.sign == "parentheses":
            return pc.replace_substring_regex(cells, r"^\((.*)\)$", r"-\1")
        return cells


@cache
def _pattern(point: str, group: str, sign: str) -> str:
    whole = rf"(?:0|[1-9][0-9]{{0,2}}(?:{_escaped(group)}[0-9]{{{GROUP}}})*)" if group else r"(?:0|[1-9][0-9]*)"
    return _SIGNED[sign].format(number=rf"{whole}(?:{_escaped(point)}[0-9]+)?")


def _escaped(sign: str) -> str:
    return "\\" + sign if sign == "." else sign


def _any(cells: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(cells, pattern), min_count=0).as_py())
