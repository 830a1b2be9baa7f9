"""The cells of an OpenDocument table, one element at a time: every legal form, and what each cell is."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from ingestion.conversion.formats.books.cells import (
    CLOCK,
    DATE,
    ELAPSED,
    ERROR,
    MOST_DIGITS,
    NUMBER,
    PADDED,
    STAMP,
    TEXT,
    TRUTH,
    UNCACHED,
)
from ingestion.conversion.formats.books.collect import days, written
from ingestion.conversion.formats.books.xmlstream import LOCAL, Handler, fragment

if TYPE_CHECKING:
    from collections.abc import Sequence

Told = tuple[int, float | str]
"""A cell's kind and its value."""

CELLS = frozenset({"table-cell", "covered-table-cell"})
_TIME = re.compile(r"(-?)P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?")
_ERROR = re.compile(r"#(?:N/A|REF!|NAME\?|VALUE!|DIV/0!|NUM!|NULL!)|Err:\d+")
_ZEROS = re.compile(r"0[0-9]+")
ASIDE = frozenset({"annotation", "ruby-text", "frame", "shapes"})
_PARAGRAPHS = frozenset({"p", "h"})
_WORD_AT = frozenset({"s", "tab", "line-break"})


class CellReader(Handler):
    """Reads cells and hands each to ``take``; remarks, pictures and hints on how to speak a word are passed over."""

    def __init__(self) -> None:
        """Begin outside any cell."""
        self.aside = 0
        self._attributes: dict[str, str] | None = None
        self._paragraphs: list[str] | None = None
        self._open = False

    def take(self, attributes: dict[str, str], text: str, *, shown: bool) -> None:
        """Take a cell and its text; ``shown``: it has one, and be it empty."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take up an element."""
        local = LOCAL[name]
        if self.aside:
            self.aside += 1
        elif local in ASIDE:
            self.aside = 1
        elif local in CELLS:
            self._attributes, self._paragraphs = attributes, []
        elif self._paragraphs is not None:
            if local in _PARAGRAPHS:
                self._paragraphs.append("")
                self._open = True
            elif local in _WORD_AT and self._open:
                spaces = " " * count_of(attributes.get("text:c"))
                self._paragraphs[-1] += spaces if local == "s" else "\t" if local == "tab" else "\n"

    def text(self, data: str) -> None:
        """Take up characters."""
        if self._open and self._paragraphs and not self.aside:
            self._paragraphs[-1] += data

    def end(self, name: str) -> None:
        """Finish an element."""
        local = LOCAL[name]
        if self.aside:
            self.aside -= 1
        elif local in _PARAGRAPHS:
            self._open = False
        elif local in CELLS and self._attributes is not None:
            attributes, paragraphs = self._attributes, self._paragraphs or []
            self._attributes = self._paragraphs = None
            self.take(attributes, "\n".join(paragraphs), shown=bool(paragraphs))


class _Telling(CellReader):
    """Lists what cells are."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Told | None] = []

    def take(self, attributes: dict[str, str], text: str, *, shown: bool) -> None:
        self.told.append(cell_of(attributes, text, shown=shown))


def told_one_by_one(cells: Sequence[bytes]) -> list[Told | None]:
    """Return what cells are, given their XML; raises ``ValueError`` where it is broken."""
    reader = _Telling()
    fragment(b"".join(cells), reader)
    return reader.told


def count_of(text: str | None) -> int:
    """Return how often something is repeated."""
    return int(text) if text and text.isdigit() else 1


def cell_of(attributes: dict[str, str], text: str, *, shown: bool) -> Told | None:
    """Return a cell's kind and value; None for an empty one. The value that is written out counts, not its display."""
    given = {LOCAL[name]: value for name, value in attributes.items()}
    kind = given.get("value-type")
    formula = "formula" in given
    if "error" in {attributes.get("calcext:value-type"), kind} or (formula and _ERROR.fullmatch(text)):
        return ERROR, text or "#ERROR"
    if kind is None:
        return (TEXT, text) if shown and text else (UNCACHED, 0.0) if formula else None
    match kind:
        case "float" if "value" in given and _ZEROS.fullmatch(text):
            return _padded(given["value"].strip(), text)
        case "float" | "percentage" | "currency" if "value" in given:
            return written(given["value"].strip())
        case "boolean" if "boolean-value" in given:
            return TRUTH, float(given["boolean-value"] == "true")
        case "date" if "date-value" in given:
            return date_of(given["date-value"])
        case "time" if "time-value" in given:
            return time_of(given["time-value"])
    return TEXT, given.get("string-value", text)


def _padded(value: str, shown: str) -> Told:
    """Return a number that is shown with zeros in front, with the number of digits; one of another display as it is."""
    told = written(value)
    digits = len(shown)
    return (PADDED + digits, told[1]) if told == (NUMBER, float(shown)) and digits <= MOST_DIGITS else told


def date_of(text: str) -> Told:
    """Return a date, with a time or without; what is none stays a text."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return TEXT, text
    return (DATE if len(text) <= 10 else STAMP), days(moment)


def time_of(text: str) -> Told:
    """Return a duration in days; one of less than a day is a time, as what shows it cannot be told apart."""
    found = _TIME.fullmatch(text)
    if found is None:
        return TEXT, text
    minus, day, hour, minute, second = found.groups()
    seconds = int(day or 0) * 86400 + int(hour or 0) * 3600 + int(minute or 0) * 60
    total = (seconds + float((second or "0").replace(",", "."))) / 86400
    return (ELAPSED, -total) if minus else (CLOCK if total < 1 else ELAPSED, total)
