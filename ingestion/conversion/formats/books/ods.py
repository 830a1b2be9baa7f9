"""OpenDocument spreadsheets (.ods, .fods): OpenDocument 1.3 part 3, 9 (tables) and 19.385 (office:value-type)."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from ingestion.conversion.errors import PasswordProtected, UnsafeArchive
from ingestion.conversion.formats.books.cells import (
    CLOCK,
    DATE,
    ELAPSED,
    ERROR,
    MAX_CELLS,
    MOST_DIGITS,
    NUMBER,
    PADDED,
    STAMP,
    TEXT,
    TRUTH,
    UNCACHED,
    Sheet,
    SheetInfo,
)
from ingestion.conversion.formats.books.collect import Collector, days, written
from ingestion.conversion.formats.books.parts import Parts, damage_explained
from ingestion.conversion.formats.books.xmlstream import LOCAL, Handler, parse

if TYPE_CHECKING:
    from ingestion.conversion.formats.books.cells import Epoch
    from ingestion.conversion.unpack import Payload
    from ingestion.conversion.values import Notice

MAX_COLS, MAX_ROWS = 1 << 14, 1 << 20
_TIME = re.compile(r"(-?)P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?")
_ERROR = re.compile(r"#(?:N/A|REF!|NAME\?|VALUE!|DIV/0!|NUM!|NULL!)|Err:\d+")
_ZEROS = re.compile(r"0[0-9]+")
_ASIDE = {"annotation", "ruby-text", "frame", "shapes"}
_WORD_AT = {"s", "tab", "line-break"}


class OdsBook:
    """An open OpenDocument spreadsheet."""

    default = 0
    typed_texts = False

    def __init__(self, payload: Payload) -> None:
        """Read the list of sheets; raises ``BrokenFile`` or ``PasswordProtected``."""
        self.notices: list[Notice] = []
        self.epoch: Epoch = "iso"
        self._payload = payload
        with payload.open() as file:
            self._parts = Parts(payload) if file.read(2) == b"PK" else None
        with damage_explained(payload):
            if self._parts is not None:
                self._refuse_encrypted(self._parts)
            reader = _Reader(wanted=None)
            self._parse(reader)
        self.sheets = tuple(SheetInfo(name=name, visible=style not in reader.hidden) for name, style in reader.tables)
        self._first = reader

    def _refuse_encrypted(self, parts: Parts) -> None:
        if "META-INF/manifest.xml" in parts and b"encryption-data" in parts.read("META-INF/manifest.xml"):
            raise PasswordProtected(
                "The workbook is protected by a password.",
                hint="Save it without a password and send it again.",
                place=self._payload.place(),
            )

    def _parse(self, reader: _Reader) -> None:
        with self._parts.open("content.xml") if self._parts else self._payload.open() as stream:
            parse(stream, reader)

    def read(self, at: int) -> Sheet:
        """Return a sheet's cells."""
        if at == self._first.gathered:
            return self._first.cells.flush()
        with damage_explained(self._payload, self.sheets[at].name):
            reader = _Reader(wanted=at)
            self._parse(reader)
            return reader.cells.flush()


class _Reader(Handler):
    """Lists the tables of a document and gathers the cells of one: the wanted, or the first visible with any."""

    def __init__(self, wanted: int | None) -> None:
        self.tables: list[tuple[str, str]] = []
        self.hidden: set[str] = set()
        self.cells = Collector()
        self.gathered = -1
        self._wanted = wanted
        self._mine = False
        self._depth = self._aside = 0
        self._style = ""
        self._row = self._col = 0
        self._repeat = 1
        self._line: list[tuple[int, int, int, float | str]] = []
        self._attributes: dict[str, str] | None = None
        self._paragraphs: list[str] | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = LOCAL[name]
        if self._aside:
            self._aside += 1
        elif local in _ASIDE:
            self._aside = 1
        elif local == "table" and name.startswith("table"):
            self._depth += 1
            self._begin(attributes)
        elif self._mine:
            self._start_within(local, attributes)
        elif local == "style":
            self._style = attributes.get("style:name", "")
        elif local == "table-properties" and attributes.get("table:display") == "false":
            self.hidden.add(self._style)

    def _begin(self, attributes: dict[str, str]) -> None:
        """Begin a table; what lies in a table inside a cell is passed over."""
        if self._depth > 1:
            self._mine = False
            return
        at, style = len(self.tables), attributes.get("table:style-name", "")
        self.tables.append((attributes.get("table:name", ""), style))
        self._row = 0
        self._mine = at == self._wanted or (self._wanted is None and self.gathered < 0 and style not in self.hidden)

    def _finish(self) -> None:
        self._depth -= 1
        last = len(self.tables) - 1
        if self._depth == 0 and self._mine and self.cells.filled:
            self.gathered = last
        self._mine = self._depth == 1 and self._wanted in {None, last} and self.gathered < 0

    def _start_within(self, local: str, attributes: dict[str, str]) -> None:
        if local == "table-row":
            self._repeat = _count(attributes.get("table:number-rows-repeated"))
            self._col, self._line = 0, []
        elif local in {"table-cell", "covered-table-cell"}:
            self._attributes, self._paragraphs = attributes, []
        elif self._paragraphs is not None:
            if local in {"p", "h"}:
                self._paragraphs.append("")
            elif local in _WORD_AT and self._paragraphs:
                spaces = " " * _count(attributes.get("text:c"))
                self._paragraphs[-1] += spaces if local == "s" else "\t" if local == "tab" else "\n"

    def text(self, data: str) -> None:
        if self._paragraphs and not self._aside:
            self._paragraphs[-1] += data

    def end(self, name: str) -> None:
        local = LOCAL[name]
        if self._aside:
            self._aside -= 1
        elif local == "table" and name.startswith("table"):
            self._finish()
        elif self._mine:
            if local in {"table-cell", "covered-table-cell"}:
                self._end_cell()
            elif local == "table-row":
                self._end_row()

    def _end_cell(self) -> None:
        attributes, paragraphs = self._attributes or {}, self._paragraphs or []
        self._attributes = self._paragraphs = None
        repeat = _count(attributes.get("table:number-columns-repeated"))
        told = _cell(attributes, "\n".join(paragraphs), shown=bool(paragraphs))
        if told is not None:
            if self._col + repeat > MAX_COLS:
                raise ValueError("a cell lies outside the sheet")
            self._line.append((self._col, repeat, *told))
        self._col += repeat

    def _end_row(self) -> None:
        width = sum(repeat for _, repeat, _, _ in self._line)
        if width and self._row + self._repeat > MAX_ROWS:
            raise ValueError("a row lies outside the sheet")
        if width * self._repeat > MAX_CELLS:
            raise UnsafeArchive("A row is repeated very often.", hint="Save the sheet again without the repetition.")
        for row in range(self._row, self._row + self._repeat) if width else ():
            for first, repeat, kind, value in self._line:
                for col in range(first, first + repeat):
                    if isinstance(value, str):
                        self.cells.text(row, col, value, kind)
                    else:
                        self.cells.value(row, col, kind, value)
        self._row += self._repeat


def _count(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 1


def _cell(attributes: dict[str, str], text: str, *, shown: bool) -> tuple[int, float | str] | None:
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
            return _date(given["date-value"])
        case "time" if "time-value" in given:
            return _time(given["time-value"])
    return TEXT, given.get("string-value", text)


def _padded(value: str, shown: str) -> tuple[int, float | str]:
    """Return a number that is shown with zeros in front, with the number of digits; one of another display as it is."""
    told = written(value)
    digits = len(shown)
    return (PADDED + digits, told[1]) if told == (NUMBER, float(shown)) and digits <= MOST_DIGITS else told


def _date(text: str) -> tuple[int, float | str]:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return TEXT, text
    return (DATE if len(text) <= 10 else STAMP), days(moment)


def _time(text: str) -> tuple[int, float | str]:
    """Return a duration in days; one of less than a day is a time, as what shows it cannot be told apart."""
    found = _TIME.fullmatch(text)
    if found is None:
        return TEXT, text
    minus, day, hour, minute, second = found.groups()
    seconds = int(day or 0) * 86400 + int(hour or 0) * 3600 + int(minute or 0) * 60
    total = (seconds + float((second or "0").replace(",", "."))) / 86400
    return (ELAPSED, -total) if minus else (CLOCK if total < 1 else ELAPSED, total)
