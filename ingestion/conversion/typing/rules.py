"""The rules by which a column's text becomes its type: each accepts only text that it can render back.

A rule's ``pattern`` admits exactly the texts that its type renders, so that parsing loses nothing; the
calendar and the range are checked by the cast. ``text_rules`` lists them from narrow to wide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

MAX_DIGITS = 38
WORD_DIGITS = (9, 18, MAX_DIGITS)


class Rule(Protocol):
    """One way to read a column. ``accepts`` may look at any part of the column, ``cast`` at all parts alike."""

    @property
    def name(self) -> str:
        """Return the rule as the report names it."""
        ...

    @property
    def pattern(self) -> str:
        """Return a regular expression that every text of the rule matches; it may match others."""
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
    return bool(pc.all(pc.match_substring_regex(cells, f"^(?:{pattern})$"), min_count=0).as_py())


def castable(cells: pa.Array, target: pa.DataType) -> bool:
    """Tell whether Arrow can cast every cell exactly."""
    try:
        pc.cast(cells, target)
    except pa.ArrowInvalid:
        return False
    return True


@dataclass
class BoolRule:
    """``true`` and ``false`` in one letter case."""

    yes: str
    no: str

    @property
    def name(self) -> str:
        """Name the two texts."""
        return f"bool {self.yes}/{self.no}"

    @property
    def pattern(self) -> str:
        """Match the rule's texts."""
        return f"{self.yes}|{self.no}"

    def accepts(self, cells: pa.Array) -> bool:
        """Accept nothing but the two texts."""
        return bool(pc.all(pc.is_in(cells, value_set=pa.array([self.yes, self.no], cells.type))).as_py())

    def type(self) -> pa.DataType:
        """Return bool."""
        return pa.bool_()

    def cast(self, cells: pa.Array) -> pa.Array:
        """Compare with the text of true."""
        return pc.equal(cells, self.yes)


class IntegerRule:
    """Integers without leading zeros or plus; wider than 64 bits they become ``decimal128(38,0)``."""

    def __init__(self) -> None:
        """Begin narrow."""
        self._wide = False

    @property
    def name(self) -> str:
        """Name the type."""
        return "decimal128(38,0) integer" if self._wide else "int64"

    @property
    def pattern(self) -> str:
        """Match the rule's texts."""
        return r"0|-?[1-9][0-9]{0,37}"

    def accepts(self, cells: pa.Array) -> bool:
        """Accept canonical integers of up to 38 digits."""
        if not matches(cells, self.pattern):
            return False
        self._wide = self._wide or not castable(cells, pa.int64())
        return True

    def type(self) -> pa.DataType:
        """Return int64 where all fit."""
        return pa.decimal128(MAX_DIGITS, 0) if self._wide else pa.int64()

    def cast(self, cells: pa.Array) -> pa.Array:
        """Parse."""
        return pc.cast(cells, self.type())


@dataclass
class DecimalRule:
    """Amounts: one decimal sign, one group sign or none, one place for the minus, for the whole column.

    Texts are brought to the plain form that Arrow parses exactly. A fraction may be shorter than the
    column's scale: trailing zeros are the scale.
    """

    point: str
    group: str = ""
    sign: str = "front"
    digits: int = 1
    scale: int = 0
    trimmed: bool = False
    separated: bool = False
    ambiguous: bool = True
    even: bool = True
    room: int = 0

    @property
    def name(self) -> str:
        """Name type, decimal sign, group sign and the place of the minus."""
        point = "comma" if self.point == "," else "point"
        group = f", group {self.group!r}" if self.group else ""
        sign = "" if self.sign == "front" else f", minus {self.sign}"
        return f"decimal({self._precision},{self.scale}) {point}{group}{sign}"

    @property
    def pattern(self) -> str:
        """Match amounts written by this rule."""
        whole = rf"(?:0|[1-9][0-9]{{0,2}}(?:{_escaped(self.group)}[0-9]{{3}})*)" if self.group else r"(?:0|[1-9][0-9]*)"
        return _SIGNED[self.sign].format(number=rf"{whole}(?:{_escaped(self.point)}[0-9]+)?")

    def accepts(self, cells: pa.Array) -> bool:
        """Accept amounts written by this rule, zero never with a minus; keep digits and scale."""
        if not matches(cells, self.pattern):
            return False
        plain = self._plain(cells)
        if bool(pc.any(pc.match_substring_regex(plain, r"^-0(?:\.0+)?$"), min_count=0).as_py()):
            return False
        bare = pc.replace_substring(plain, "-", "")
        point = pc.find_substring(bare, ".")
        length = pc.utf8_length(bare)
        fraction = pc.if_else(pc.less(point, 0), 0, pc.subtract(pc.subtract(length, point), 1))
        whole_digits = pc.if_else(pc.less(point, 0), length, point)
        spread = pc.min_max(fraction).as_py()
        longest = spread["max"] or 0
        self.even = self.even and spread["min"] == spread["max"] and (self.scale in {0, longest})
        self.scale = max(self.scale, longest)
        self.digits = max(self.digits, pc.max(whole_digits).as_py() or 1)
        if self.ambiguous or not self.separated:
            self._look_for_evidence(cells)
        return self.digits + self.scale <= MAX_DIGITS

    def _look_for_evidence(self, cells: pa.Array) -> None:
        """Note whether the column uses a sign at all, and whether the other reading of ``1.234`` is excluded."""
        signs = f"[{re_class(self.point + self.group)}]"
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


def re_class(signs: str) -> str:
    """Return signs for use inside a regular expression's class."""
    return "".join("\\" + sign if sign in r"\]-^" else sign for sign in signs)


_D, _M, _Y = "(0[1-9]|[12][0-9]|3[01])", "(0[1-9]|1[0-2])", "([0-9]{4})"
_D1, _M1 = "([1-9]|[12][0-9]|3[01])", "([1-9]|1[0-2])"


@dataclass(frozen=True)
class DateForm:
    """How a date is written: a pattern whose groups ``iso`` puts in order."""

    name: str
    pattern: str
    iso: str
    padded: bool = True
    order: str = ""

    def to_iso(self, cells: pa.Array) -> pa.Array:
        """Rewrite dates, which may be followed by a time, as ISO 8601."""
        cells = pc.replace_substring_regex(cells, f"^{self.pattern}", self.iso)
        if self.padded:
            return cells
        cells = pc.replace_substring_regex(cells, r"^([0-9]{4})-([0-9])-", r"\1-0\2-")
        return pc.replace_substring_regex(cells, r"^([0-9]{4}-[0-9]{2})-([0-9])($|[^0-9])", r"\1-0\2\3")


def _forms() -> tuple[DateForm, ...]:
    forms = [
        DateForm("YYYY-MM-DD", f"{_Y}-{_M}-{_D}", r"\1-\2-\3"),
        DateForm("DD.MM.YYYY", rf"{_D}\.{_M}\.{_Y}", r"\3-\2-\1"),
    ]
    for sign in "/-":
        forms += [
            DateForm(f"DD{sign}MM{sign}YYYY", f"{_D}{sign}{_M}{sign}{_Y}", r"\3-\2-\1", order="day first"),
            DateForm(f"MM{sign}DD{sign}YYYY", f"{_M}{sign}{_D}{sign}{_Y}", r"\3-\1-\2", order="month first"),
            DateForm(f"D{sign}M{sign}YYYY", f"{_D1}{sign}{_M1}{sign}{_Y}", r"\3-\2-\1", False, "day first"),
            DateForm(f"M{sign}D{sign}YYYY", f"{_M1}{sign}{_D1}{sign}{_Y}", r"\3-\1-\2", False, "month first"),
        ]
    return tuple(forms)


DATE_FORMS = _forms()


@dataclass
class DateRule:
    """A date in one written form; the cast checks the calendar."""

    form: DateForm

    @property
    def name(self) -> str:
        """Name the form."""
        return f"date {self.form.name}"

    @property
    def pattern(self) -> str:
        """Match the rule's texts."""
        return self.form.pattern

    def accepts(self, cells: pa.Array) -> bool:
        """Accept real dates only."""
        return matches(cells, self.pattern) and castable(self.form.to_iso(cells), pa.date32())

    def type(self) -> pa.DataType:
        """Return date32."""
        return pa.date32()

    def cast(self, cells: pa.Array) -> pa.Array:
        """Parse the ISO form."""
        return pc.cast(self.form.to_iso(cells), pa.date32())


class CompactDateRule:
    """``YYYYMMDD`` where every cell is a date between 1900 and 2100; ``00000000`` is null, ``99991231`` for ever."""

    ENOUGH = 4

    def __init__(self) -> None:
        """Count, because a few such numbers could be chance."""
        self.dates = 0
        self.zeros = False

    @property
    def name(self) -> str:
        """Name the form and what the zeros mean."""
        return "date YYYYMMDD" + (", 00000000 is null" if self.zeros else "")

    @property
    def pattern(self) -> str:
        """Match the rule's texts."""
        return r"(?:19|20)[0-9]{6}|2100[0-9]{4}|00000000|99991231"

    def accepts(self, cells: pa.Array) -> bool:
        """Accept dates of the two centuries and the two special texts."""
        if not matches(cells, self.pattern):
            return False
        dates = pc.filter(cells, pc.not_equal(cells, "00000000"))
        self.zeros = self.zeros or len(dates) < len(cells)
        self.dates += len(dates)
        return castable(self._iso(dates), pa.date32())

    def type(self) -> pa.DataType:
        """Return date32."""
        return pa.date32()

    def cast(self, cells: pa.Array) -> pa.Array:
        """Parse; the zeros become null."""
        kept = pc.if_else(pc.equal(cells, "00000000"), pa.scalar(None, cells.type), cells)
        return pc.cast(self._iso(kept), pa.date32())

    def _iso(self, cells: pa.Array) -> pa.Array:
        return pc.replace_substring_regex(cells, r"^([0-9]{4})([0-9]{2})([0-9]{2})$", r"\1-\2-\3")


@dataclass
class TimestampRule:
    """A date form with a time, in one shape; one offset for all is stored as UTC and recorded."""

    form: DateForm
    between: str
    seconds: bool
    zoned: bool
    fraction: int | None = None
    offset: str | None = None

    @property
    def name(self) -> str:
        """Name the shape, and the offset that the texts had."""
        time = "HH:MM:SS" if self.seconds else "HH:MM"
        fraction = f".{'f' * self.fraction}" if self.fraction else ""
        return f"timestamp {self.form.name}{self.between}{time}{fraction}" + (
            f" offset {self.offset}" if self.zoned else ""
        )

    @property
    def pattern(self) -> str:
        """Match the date form, the time and, where it has one, the offset."""
        time = "([01][0-9]|2[0-3]):[0-5][0-9]" + (r":[0-5][0-9](?:\.[0-9]{1,9})?" if self.seconds else "")
        zone = "(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])" if self.zoned else ""
        return f"{self.form.pattern}{self.between}{time}{zone}"

    def accepts(self, cells: pa.Array) -> bool:
        """Accept one shape only: the same fraction digits and the same offset in every cell."""
        if not matches(cells, self.pattern):
            return False
        local, zones = self._split(cells)
        return self._one_offset(zones) and self._one_fraction(local) and castable(local, self._local_type())

    def _split(self, cells: pa.Array) -> tuple[pa.Array, pa.Array]:
        iso = self.form.to_iso(cells)
        if not self.zoned:
            return iso, iso
        return (
            pc.replace_substring_regex(iso, r"(?:Z|[+-][0-9]{2}:[0-9]{2})$", ""),
            pc.replace_substring_regex(iso, r"^.*?(Z|[+-][0-9]{2}:[0-9]{2})$", r"\1"),
        )

    def _one_offset(self, zones: pa.Array) -> bool:
        if not self.zoned:
            return True
        found = set(pc.unique(zones).to_pylist()) | ({self.offset} if self.offset else set())
        if len(found) != 1:
            return not found
        self.offset = found.pop()
        return True

    def _one_fraction(self, local: pa.Array) -> bool:
        if not len(local):
            return True
        length = pc.min_max(pc.utf8_length(local)).as_py()
        digits = max(0, length["min"] - 20) if self.seconds else 0
        if length["min"] != length["max"] or self.fraction not in {None, digits}:
            return False
        self.fraction = digits
        return True

    def _local_type(self) -> pa.DataType:
        return pa.timestamp("ns" if (self.fraction or 0) > 6 else "us")

    def type(self) -> pa.DataType:
        """Return microseconds, or nanoseconds where the texts have them; UTC when they had an offset."""
        return pa.timestamp(self._local_type().unit, "UTC" if self.zoned else None)

    def cast(self, cells: pa.Array) -> pa.Array:
        """Parse; subtract the offset."""
        local = pc.cast(self._split(cells)[0], self._local_type())
        if not self.zoned:
            return local
        if self.offset not in {None, "Z"}:
            sign = -1 if self.offset[0] == "-" else 1
            minutes = sign * (int(self.offset[1:3]) * 60 + int(self.offset[4:6]))
            shift = pa.scalar(minutes * 60 * 1_000_000, pa.int64()).cast(pa.duration("us"))
            local = pc.cast(pc.subtract(local, shift), self._local_type())
        return pc.assume_timezone(local, "UTC")


class TimeRule:
    """``HH:MM:SS`` of a day."""

    name = "time HH:MM:SS"
    pattern = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"

    def accepts(self, cells: pa.Array) -> bool:
        """Accept two-digit hours, minutes and seconds."""
        return matches(cells, self.pattern)

    def type(self) -> pa.DataType:
        """Return time64 in microseconds."""
        return pa.time64("us")

    def cast(self, cells: pa.Array) -> pa.Array:
        """Parse as a moment of the first day and keep the time."""
        moments = pc.cast(
            pc.binary_join_element_wise(pa.scalar("1970-01-01", cells.type), cells, " "), pa.timestamp("us")
        )
        return pc.cast(moments, pa.time64("us"))


def text_rules() -> list[Rule]:
    """Return all rules for a text column, fresh, from narrow to wide; a column keeps those that fit."""
    rules: list[Rule] = [BoolRule("true", "false"), BoolRule("True", "False"), BoolRule("TRUE", "FALSE")]
    rules += [CompactDateRule(), IntegerRule()]
    groups = {".": ("", ",", "'", " ", "\u00a0", "\u202f"), ",": ("", ".", "'", " ", "\u00a0", "\u202f")}
    rules += [
        DecimalRule(point, group, sign)
        for point, allowed in groups.items()
        for group in allowed
        for sign in ("front", "behind", "parentheses")
    ]
    rules += [DateRule(form) for form in DATE_FORMS]
    rules += [TimeRule(), *timestamp_rules(DATE_FORMS)]
    return rules


def timestamp_rules(forms: tuple[DateForm, ...]) -> list[Rule]:
    """Return the rules for dates with a time."""
    return [
        TimestampRule(form, between, seconds, zoned)
        for form in forms
        for between in ("T", " ")
        for seconds in (True, False)
        for zoned in (False, True)
    ]


def iso_rules() -> list[Rule]:
    """Return the rules for texts that were quoted at the source (JSON): ISO dates and timestamps only."""
    return [DateRule(DATE_FORMS[0]), *timestamp_rules(DATE_FORMS[:1])]
