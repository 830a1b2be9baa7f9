"""The exact reader of .xlsx rows and shared strings that are written in an unusual way: every legal form, no speed."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion.formats.books.cells import (
    CLOCK,
    DATE,
    ERROR,
    EXACT,
    NUMBER,
    STAMP,
    TEXT,
    TRUTH,
    UNCACHED,
    Block,
)
from ingestion.conversion.formats.books.numbers import SURE_SIZE, has_more
from ingestion.conversion.formats.books.sheetxml import MAX_COL, MAX_ROW, SHARED, Found
from ingestion.conversion.formats.books.tokens import spreadsheet_text
from ingestion.conversion.formats.books.xmlstream import LOCAL, Handler, fragment
from ingestion.slotted import field, slotted

if TYPE_CHECKING:
    from ingestion.conversion.formats.books.cells import Epoch

_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
_NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*")
_EPOCHS = {"1900": dt.datetime(1899, 12, 30), "1904": dt.datetime(1904, 1, 1)}  # noqa: DTZ001  (a workbook knows no zones)


@slotted()
class SlowReader(Handler):
    """Reads blocks of rows one element at a time."""

    epoch: Epoch
    row: int = -1
    _col: int = -1
    _cell: dict[str, str] | None = None
    _value: str | None = None
    _inline: str | None = None
    _formula: bool = False
    _phonetic: int = 0
    _into: str = ""
    _rows: list[int] = field(default_factory=list)
    _cols: list[int] = field(default_factory=list)
    _kinds: list[int] = field(default_factory=list)
    _values: list[float] = field(default_factory=list)
    _styles: list[int] = field(default_factory=list)
    _texts: list[str] = field(default_factory=list)
    _text_at: list[int] = field(default_factory=list)

    def read(self, data: bytes, last_row: int) -> Found:
        """Return the cells of whole rows; a row without a number follows the one before it."""
        self.row = last_row
        for name in ("_rows", "_cols", "_kinds", "_values", "_styles", "_texts", "_text_at"):
            setattr(self, name, [])
        fragment(data, self)
        block = Block(
            np.array(self._rows, np.int32),
            np.array(self._cols, np.int32),
            np.array(self._kinds, np.uint8),
            np.array(self._values, np.float64),
        )
        texts = pa.array(self._texts, pa.string())
        return Found(block, np.array(self._styles, np.int32), texts, np.array(self._text_at, np.int64))

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take up an element."""
        match LOCAL[name]:
            case "row":
                number = attributes.get("r", "")
                self.row = int(number) - 1 if number.isdigit() else self.row + 1
                self._col = -1
            case "c":
                self._place(attributes.get("r"))
                self._cell, self._value, self._inline, self._formula = attributes, None, None, False
            case "v":
                self._value, self._into = "", "v"
            case "f":
                self._formula = True
            case "is":
                self._inline = ""
            case "rPh":
                self._phonetic += 1
            case "t" if not self._phonetic and self._inline is not None:
                self._into = "t"

    def text(self, data: str) -> None:
        """Take up characters."""
        if self._into == "v":
            self._value = (self._value or "") + data
        elif self._into == "t":
            self._inline = (self._inline or "") + data

    def end(self, name: str) -> None:
        """Finish an element."""
        match LOCAL[name]:
            case "v" | "t":
                self._into = ""
            case "rPh":
                self._phonetic -= 1
            case "c":
                self._finish()

    def _place(self, reference: str | None) -> None:
        self._col += 1
        found = _REFERENCE.fullmatch(reference or "")
        if found:
            col = 0
            for letter in found.group(1).upper():
                col = col * 26 + ord(letter) - 64
            self._col, self.row = col - 1, int(found.group(2)) - 1
        if not (0 <= self._col < MAX_COL and 0 <= self.row < MAX_ROW):
            raise ValueError(f"there is no cell {reference or self._col + 1}")

    def _finish(self) -> None:
        cell = self._cell or {}
        kind = cell.get("t", "n")
        content = self._inline if kind == "inlineStr" or (self._value is None and self._inline) else self._value
        if content is None or (content == "" and kind not in {"str", "inlineStr"}):
            if self._formula:
                self._add(UNCACHED, 0.0)
            return
        self._typed(kind, content)

    def _typed(self, kind: str, content: str) -> None:
        bare = content.strip()
        if kind == "s" and bare.isdigit():
            self._add(SHARED, float(bare))
        elif kind == "b" and bare.lower() in {"0", "1", "true", "false"}:
            self._add(TRUTH, float(bare.lower() in {"1", "true"}))
        elif kind == "d" and (stamp := _iso(bare)) is not None:
            epoch = _EPOCHS[self.epoch]
            when = stamp if isinstance(stamp, dt.datetime) else dt.datetime.combine(epoch.date(), stamp)
            days = (when.replace(tzinfo=None) - epoch) / dt.timedelta(days=1)
            self._add(CLOCK if isinstance(stamp, dt.time) else DATE if len(bare) <= 10 else STAMP, days)
        elif kind == "n" and _NUMBER.fullmatch(content):
            value = float(content)
            if len(bare) > SURE_SIZE and has_more(bare, value):
                self._texts.append(bare)
                self._text_at.append(len(self._rows))
                self._add(EXACT, value)
            else:
                self._add(NUMBER, value)
        else:
            self._texts.append(spreadsheet_text(content))
            self._text_at.append(len(self._rows))
            self._add(ERROR if kind == "e" else TEXT, 0.0)

    def _add(self, kind: int, value: float) -> None:
        style = (self._cell or {}).get("s", "0")
        self._rows.append(self.row)
        self._cols.append(self._col)
        self._kinds.append(kind)
        self._values.append(value)
        self._styles.append(int(style) if style.isdigit() else 0)


def _iso(text: str) -> dt.datetime | dt.time | None:
    """Return an ISO 8601 date, date and time, or time (a cell of type ``d``); None for anything else."""
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        try:
            return dt.time.fromisoformat(text.removeprefix("T"))
        except ValueError:
            return None


@slotted()
class SharedReader(Handler):
    """Reads shared strings: the text of all runs, without phonetic hints."""

    found: list[str] = field(default_factory=list)
    _open: bool = False
    _phonetic: int = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        """Take up an element."""
        match LOCAL[name]:
            case "si":
                self.found.append("")
            case "rPh":
                self._phonetic += 1
            case "t":
                self._open = not self._phonetic

    def text(self, data: str) -> None:
        """Take up characters."""
        if self._open and self.found:
            self.found[-1] += data

    def end(self, name: str) -> None:
        """Finish an element."""
        match LOCAL[name]:
            case "rPh":
                self._phonetic -= 1
            case "t":
                self._open = False
