"""Amounts: decimal sign, group sign and place of the minus are one for the whole column."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.conversion.typing.base import MAX_DIGITS, WORD_DIGITS, matches


@dataclass
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
        whole = rf"(?:0|[1-9][0-9]{{0,2}}(?:{_escaped(self.group)}[0-9]{{3}})*)" if self.group else r"(?:0|[1-9][0-9]*)"
        return _SIGNED[self.sign].format(number=rf"{whole}(?:{_escaped(self.point)}[0-9]+)?")

    def accepts(self, cells: pa.Array) -> bool:
        """Accept amounts written by this rule, zero never with a minus; keep digits and scale."""
        if not matches(cells, self.pattern):
            return False
        if not len(cells):
            return True
        plain = self._plain(cells)
        if bool(pc.any(pc.match_substring_regex(plain, r"^-0(?:\.0+)?$"), min_count=0).as_py()):
            return False
        bare = pc.replace_substring(plain, "-", "")
        point = pc.find_substring(bare, ".")
        length = pc.binary_length(bare)
        fraction = pc.if_else(pc.less(point, 0), 0, pc.subtract(pc.subtract(length, point), 1))
        whole_digits = pc.if_else(pc.less(point, 0), length, point)
        spread = pc.min_max(fraction).as_py()
        self.shortest = spread["min"] if self.shortest is None else min(self.shortest, spread["min"])
        self.scale = max(self.scale, spread["max"])
        self.digits = max(self.digits, pc.max(whole_digits).as_py())
        if self.ambiguous or not self.separated:
            self._look_for_evidence(cells)
        return self.digits + self.scale <= MAX_DIGITS

    def _look_for_evidence(self, cells: pa.Array) -> None:
        """Note whether the column uses a sign at all, and whether the other reading of ``1.234`` is excluded."""
        signs = f"[{_inside_class(self.point + self.group)}]"
        self.separated = self.separated or bool(pc.any(pc.match_substring_regex(cells, signs), min_count=0).as_py())
        either = r"[-(]?[1-9][0-9]{0,2}[.,][0-9]{3}[-)]?|[-(]?[0-9]{1,3}[-)]?"
        self.ambiguous = self.ambiguous and matches(cells, either)

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


_SIGNED = {"front": "-?{number}", "behind": "{number}-?", "parentheses": r"{number}|\({number}\)"}


def _escaped(sign: str) -> str:
    return "\\" + sign if sign == "." else sign


def _inside_class(signs: str) -> str:
    """Return signs as they stand inside a regular expression's class."""
    return "".join("\\" + sign if sign in r"\]-^" else sign for sign in signs)
