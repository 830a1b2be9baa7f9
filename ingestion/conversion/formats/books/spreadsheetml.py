"""XML Spreadsheet 2003 (urn:schemas-microsoft-com:office:spreadsheet), the XML that calls itself .xls."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from ingestion.conversion.formats.books.cells import (
    CLOCK,
    DATE,
    ERROR,
    MAX_COLS,
    MAX_ROWS,
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
from ingestion.conversion.formats.books.numberformats import kind_of
from ingestion.conversion.formats.books.parts import damage_explained
from ingestion.conversion.formats.books.xmlstream import LOCAL, Handler, parse
from ingestion.slotted import replace

if TYPE_CHECKING:
    from ingestion.conversion.formats.books.cells import Epoch
    from ingestion.conversion.unpack import Payload
    from ingestion.conversion.values import Notice

_DAY_ZERO = dt.date(1899, 12, 31)


class SpreadsheetMlBook:
    """An open XML Spreadsheet."""

    default = 0
    typed_texts = False

    def __init__(self, payload: Payload) -> None:
        """Read the list of sheets; raises ``BrokenFile``."""
        self.notices: list[Notice] = []
        self.epoch: Epoch = "iso"
        self._payload = payload
        reader = _Reader(wanted=None)
        self._parse(reader)
        self.sheets = tuple(reader.sheets)
        self._first = reader

    def _parse(self, reader: _Reader) -> None:
        with damage_explained(self._payload), self._payload.open() as stream:
            parse(stream, reader)

    def read(self, at: int) -> Sheet:
        """Return a sheet's cells."""
        if at == self._first.gathered:
            return self._first.cells.flush()
        reader = _Reader(wanted=at)
        self._parse(reader)
        return reader.cells.flush()


class _Reader(Handler):
    """Lists the sheets and gathers the cells of one: the wanted, or the first with any."""

    def __init__(self, wanted: int | None) -> None:
        self.sheets: list[SheetInfo] = []
        self.cells = Collector()
        self.gathered = -1
        self._wanted = wanted
        self._row = self._col = 0
        self._span = self._across = 0
        self._formula = False
        self._kind: str | None = None
        self._style = ""
        self._padded: dict[str, int] = {}
        self._text: list[str] = []
        self._path: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = LOCAL[name]
        self._path.append(local)
        given = {LOCAL[key]: value for key, value in attributes.items()}
        match local:
            case "Style":
                self._style = given.get("ID", "")
            case "NumberFormat" if (shown := kind_of(given.get("Format", ""))) >= PADDED:
                self._padded[self._style] = shown
            case "Worksheet":
                self.sheets.append(SheetInfo(name=given.get("Name", "")))
                self._row = 0
            case "Row":
                self._row = int(given["Index"]) - 1 if given.get("Index", "").isdigit() else self._row
                self._span = int(given["Span"]) if given.get("Span", "").isdigit() else 0
                self._col = 0
            case "Cell":
                self._col = int(given["Index"]) - 1 if given.get("Index", "").isdigit() else self._col
                self._across = int(given["MergeAcross"]) if given.get("MergeAcross", "").isdigit() else 0
                self._style = given.get("StyleID", "")
                self._formula, self._kind, self._text = "Formula" in given, None, []
            case "Data" if "Cell" in self._path and "Comment" not in self._path:
                self._kind = given.get("Type", "String")
            case "Visible":
                self._text = []

    def text(self, data: str) -> None:
        value = "Data" in self._path and "Comment" not in self._path
        if value or (self._path and self._path[-1] == "Visible"):
            self._text.append(data)

    def end(self, name: str) -> None:
        local = LOCAL[name]
        self._path.pop()
        match local:
            case "Cell":
                if len(self.sheets) - 1 == self._wanted or (self._wanted is None and self.gathered < 0):
                    self._add()
                self._col += 1 + self._across
            case "Row":
                self._row += 1 + self._span
            case "Worksheet" if self._wanted is None and self.gathered < 0 and self.cells.filled:
                self.gathered = len(self.sheets) - 1
            case "Visible" if self.sheets and "".join(self._text).strip() in {"SheetHidden", "SheetVeryHidden"}:
                self.sheets[-1] = replace(self.sheets[-1], visible=False)

    def _add(self) -> None:
        if not (0 <= self._row < MAX_ROWS and 0 <= self._col < MAX_COLS):
            raise ValueError("a cell lies outside the sheet")
        text = "".join(self._text)
        if self._kind is None or (not text and self._kind != "String"):
            if self._formula:
                self.cells.value(self._row, self._col, UNCACHED, 0.0)
            return
        kind, value = _typed(self._kind, text)
        if kind == NUMBER:
            kind = self._padded.get(self._style, NUMBER)
        if isinstance(value, str):
            self.cells.text(self._row, self._col, value, kind)
        else:
            self.cells.value(self._row, self._col, kind, value)


def _typed(kind: str, text: str) -> tuple[int, float | str]:
    """Return a cell's kind and value; what is not of its type stays text."""
    bare = text.strip()
    try:
        match kind:
            case "Number":
                return written(bare)
            case "Boolean" if bare in {"0", "1"}:
                return TRUTH, float(bare)
            case "Error":
                return ERROR, text
            case "DateTime":
                moment = dt.datetime.fromisoformat(bare)
                whole = moment.time() == dt.time()
                if moment.date() == _DAY_ZERO and not whole:
                    return CLOCK, days(moment) % 1
                return (DATE if whole else STAMP), days(moment)
    except ValueError:
        return TEXT, text
    return TEXT, text
