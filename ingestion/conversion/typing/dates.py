"""Dates: one written form for the whole column, the calendar checked by the cast."""

from __future__ import annotations

import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.typing.base import castable, matches
from ingestion.conversion.typing.constants import NO_TEXT, text_scalar
from ingestion.slotted import slotted

# Years begin at 1: the year 0 of the proleptic calendar can be stored, but many readers cannot read it.
_YEAR = "([0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})"
_DAY, _MONTH = "(0[1-9]|[12][0-9]|3[01])", "(0[1-9]|1[0-2])"
_BARE_DAY, _BARE_MONTH = "([1-9]|[12][0-9]|3[01])", "([1-9]|1[0-2])"


@slotted(frozen=True)
class DateForm:
    """How a date is written: a pattern whose groups ``iso`` puts in order.

    ``order`` is filled where only the values can prove whether the day or the month comes first.
    """

    name: str
    pattern: str
    iso: str
    padded: bool = True
    order: str = ""

    @property
    def sign(self) -> str:
        """The sign between its parts."""
        return self.name.strip("YMD")[0]

    def to_iso(self, cells: pa.Array) -> pa.Array:
        """Rewrite dates, which may be followed by a time, as ISO 8601."""
        cells = pc.replace_substring_regex(cells, f"^{self.pattern}", self.iso)
        if self.padded:
            return cells
        cells = pc.replace_substring_regex(cells, r"^([0-9]{4})-([0-9])-", r"\1-0\2-")
        return pc.replace_substring_regex(cells, r"^([0-9]{4}-[0-9]{2})-([0-9])($|[^0-9])", r"\1-0\2\3")


def _forms() -> tuple[DateForm, ...]:
    forms = [
        DateForm("YYYY-MM-DD", f"{_YEAR}-{_MONTH}-{_DAY}", r"\1-\2-\3"),
        DateForm("DD.MM.YYYY", rf"{_DAY}\.{_MONTH}\.{_YEAR}", r"\3-\2-\1"),
        DateForm("YYYY/MM/DD", f"{_YEAR}/{_MONTH}/{_DAY}", r"\1-\2-\3", order="month first"),
        DateForm("YYYY/DD/MM", f"{_YEAR}/{_DAY}/{_MONTH}", r"\1-\3-\2", order="day first"),
    ]
    for sign in "/-":
        forms += [
            DateForm(f"DD{sign}MM{sign}YYYY", f"{_DAY}{sign}{_MONTH}{sign}{_YEAR}", r"\3-\2-\1", order="day first"),
            DateForm(f"MM{sign}DD{sign}YYYY", f"{_MONTH}{sign}{_DAY}{sign}{_YEAR}", r"\3-\1-\2", order="month first"),
            DateForm(
                f"D{sign}M{sign}YYYY",
                f"{_BARE_DAY}{sign}{_BARE_MONTH}{sign}{_YEAR}",
                r"\3-\2-\1",
                padded=False,
                order="day first",
            ),
            DateForm(
                f"M{sign}D{sign}YYYY",
                f"{_BARE_MONTH}{sign}{_BARE_DAY}{sign}{_YEAR}",
                r"\3-\1-\2",
                padded=False,
                order="month first",
            ),
        ]
    return tuple(forms)


DATE_FORMS = _forms()
ISO_FORM = DATE_FORMS[0]


@slotted()
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

    @property
    def signs(self) -> tuple[str, str]:
        """Return the sign between its parts."""
        return self.form.sign, self.form.sign

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
    """``YYYYMMDD`` where every cell is a date between 1900 and 2100; ``00000000`` is null, ``99991231`` for ever.

    One 8-digit number in a thousand is a date of these two centuries, and one in thirty that begins with a
    year; so fewer than ``ENOUGH`` different ones prove nothing, and the same one repeated proves no more.
    """

    __slots__ = ("_different", "zeros")
    ENOUGH = 4
    ZEROS = "00000000"

    def __init__(self) -> None:
        """Begin without evidence."""
        self._different: frozenset[str] = frozenset()
        self.zeros = False

    @property
    def name(self) -> str:
        """Name the form and what the zeros mean."""
        return "date YYYYMMDD" + (f", {self.ZEROS} is null" if self.zeros else "")

    @property
    def pattern(self) -> str:
        """Match the rule's texts."""
        return rf"(?:19|20)[0-9]{{6}}|2100[0-9]{{4}}|{self.ZEROS}|99991231"

    @property
    def signs(self) -> tuple[str, str]:
        """Return none."""
        return "", ""

    @property
    def is_proven(self) -> bool:
        """Tell whether there are enough different dates to exclude chance."""
        return len(self._different) >= self.ENOUGH

    def accepts(self, cells: pa.Array) -> bool:
        """Accept dates of the two centuries and the two special texts."""
        if not matches(cells, self.pattern):
            return False
        dates = pc.filter(cells, pc.not_equal(cells, text_scalar(self.ZEROS)))
        if not castable(self._iso(dates), pa.date32()):
            return False
        self.zeros = self.zeros or len(dates) < len(cells)
        if not self.is_proven:
            self._different |= frozenset(pc.unique(dates).slice(0, self.ENOUGH).to_pylist())
        return True

    def type(self) -> pa.DataType:
        """Return date32."""
        return pa.date32()

    def cast(self, cells: pa.Array) -> pa.Array:
        """Parse; the zeros become null."""
        kept = pc.if_else(pc.equal(cells, text_scalar(self.ZEROS)), NO_TEXT, cells)
        return pc.cast(self._iso(kept), pa.date32())

    def _iso(self, cells: pa.Array) -> pa.Array:
        return pc.replace_substring_regex(cells, r"^([0-9]{4})([0-9]{2})([0-9]{2})$", r"\1-\2-\3")
