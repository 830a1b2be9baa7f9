r"""Tables of HTML pages and of web archives (MHTML), which many ERP systems call .xls.

Their cells are texts and are typed by the rules for texts, unless Excel's own attributes say more: ``x:num`` holds
the number behind a rounded display, and the number format ``\@`` marks a text.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from lxml import etree

from ingestion.conversion.errors import NoRows
from ingestion.conversion.formats.books.cells import ERROR, MAX_COLS, MAX_ROWS, Sheet, SheetInfo
from ingestion.conversion.formats.books.collect import Collector
from ingestion.conversion.formats.books.parts import damage_explained

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.conversion.formats.books.cells import Epoch
    from ingestion.conversion.unpack import Payload
    from ingestion.conversion.values import Notice

FEED_CHARACTERS = 1 << 18
MAX_SPAN = 1000
_CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_TEXT_STYLE = re.compile(r"mso-number-format\s*:\s*[\"']?\s*\\?\\@", re.IGNORECASE)
_TEXT_CLASS = re.compile(r"\.([\w-]+)\s*\{[^}]*mso-number-format\s*:\s*[\"']?\s*\\?\\@[^}]*\}", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_SILENT = {"script", "style", "title"}


class HtmlBook:
    """An HTML page; its tables are its sheets, and the largest is the one to begin with."""

    epoch: Epoch = "iso"
    typed_texts = True

    def __init__(self, payload: Payload) -> None:
        """Read all tables; raises ``NoRows`` for a page without any, such as a sign-in page."""
        self.notices: list[Notice] = []
        reader = _Tables()
        with damage_explained(payload):
            for text in self._pages(payload):
                _feed(text, reader)
        self._tables = [table for table in reader.tables if table.count]
        if not self._tables:
            title = " ".join("".join(reader.title).split())[:100]
            raise NoRows(
                f"The file is a web page without a table{f', titled {title!r}' if title else ''}.",
                hint="Perhaps the system sent a sign-in or error page: check the export.",
                place=payload.place(),
            )
        self.sheets = tuple(SheetInfo(name=f"table {at}") for at in range(1, len(self._tables) + 1))
        self.default = max(range(len(self._tables)), key=lambda at: self._tables[at].count)

    def _pages(self, payload: Payload) -> Iterator[str]:
        """Yield the text of the page."""
        content = payload.path.read_bytes()
        yield decoded(content, None)

    def read(self, at: int) -> Sheet:
        """Return a table's cells."""
        return self._tables[at].cells.flush()


class MhtmlBook(HtmlBook):
    """A web archive: one page, or Excel's page with one more for each sheet."""

    def _pages(self, payload: Payload) -> Iterator[str]:
        import email.policy
        from email.parser import BytesParser

        with payload.open() as file:
            message = BytesParser(policy=email.policy.compat32).parse(file)
        for part in message.walk():
            if part.get_content_type() in {"text/html", "application/xhtml+xml"}:
                content = part.get_payload(decode=True)
                if isinstance(content, bytes):
                    yield decoded(content, part.get_content_charset())


def decoded(content: bytes, charset: str | None) -> str:
    """Return a page's text: by its mark, by what it says of itself if that fits, as UTF-8, or as cp1252."""
    for mark, codec in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(codec, "replace")
    said = _CHARSET.search(content[:8192])
    names = [charset, said.group(1).decode() if said else None, "utf-8", "cp1252"]
    for name in filter(None, names):
        codec = "cp1252" if name.lower() in {"iso-8859-1", "latin1", "us-ascii", "ascii"} else name
        try:
            return content.decode(codec)
        except (UnicodeDecodeError, LookupError):
            continue
    return content.decode("latin-1")


def _feed(text: str, reader: _Tables) -> None:
    reader.text_classes |= set(_TEXT_CLASS.findall(text[: 1 << 20]))
    parser = etree.HTMLParser(target=reader, no_network=True, huge_tree=True)
    for start in range(0, len(text), FEED_CHARACTERS):
        parser.feed(text[start : start + FEED_CHARACTERS])
    try:
        parser.close()
    except etree.XMLSyntaxError as error:
        raise ValueError(str(error)) from error


class _Table:
    """One table while it is read."""

    def __init__(self) -> None:
        self.cells = Collector()
        self.count = 0
        self.row, self.col = -1, 0
        self.open = False
        self.text: list[str] = []
        self.attributes: dict[str, str] = {}
        self._taken: dict[int, int] = {}  # columns that a cell from above still covers, and down to which row

    def start_row(self) -> None:
        self.end_cell()
        self.row, self.col = self.row + 1, 0

    def start_cell(self, attributes: dict[str, str]) -> None:
        self.end_cell()
        self.row = max(self.row, 0)
        while self._taken.get(self.col, -1) >= self.row:
            self.col += 1
        self.open, self.text, self.attributes = True, [], attributes

    def end_cell(self, text_classes: frozenset[str] | set[str] = frozenset()) -> None:
        if not self.open:
            return
        self.open = False
        across, down = _span(self.attributes, "colspan"), _span(self.attributes, "rowspan")
        if self.row >= MAX_ROWS or self.col + across > MAX_COLS:
            raise ValueError("a cell lies outside of what a sheet can hold")
        text = _clean("".join(self.text))
        number = self.attributes.get("x:num")
        if number:
            text = number
        if text:
            self.count += 1
            is_error = "x:err" in self.attributes
            self.cells.text(self.row, self.col, text, *([ERROR] if is_error else []))
            if self._is_text(text_classes):
                self.cells.sheet.kept_as_text.add(self.col)
        if down > 1:
            self._taken.update(dict.fromkeys(range(self.col, self.col + across), self.row + down - 1))
        self.col += across

    def _is_text(self, text_classes: frozenset[str] | set[str]) -> bool:
        styled = _TEXT_STYLE.search(self.attributes.get("style", ""))
        classed = not text_classes.isdisjoint(self.attributes.get("class", "").split())
        return "x:str" in self.attributes or bool(styled) or classed


class _Tables:
    """Gathers all tables of a page, inner ones apart from those around them (a target of lxml's parser)."""

    def __init__(self) -> None:
        self.tables: list[_Table] = []
        self.title: list[str] = []
        self.text_classes: set[str] = set()
        self._open: list[_Table] = []
        self._silent = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in _SILENT:
            self._silent = tag
        elif tag == "table":
            self._open.append(_Table())
            self.tables.append(self._open[-1])
        elif self._open:
            table = self._open[-1]
            if tag == "tr":
                table.end_cell(self.text_classes)
                table.start_row()
            elif tag in {"td", "th"}:
                table.end_cell(self.text_classes)
                table.start_cell(dict(attributes))
            elif tag == "br":
                table.text.append("\n")
            elif tag in {"p", "div"} and table.text:
                table.text.append(" ")

    def end(self, tag: str) -> None:
        if tag == self._silent:
            self._silent = ""
        elif self._open and tag in {"td", "th", "tr", "table"}:
            self._open[-1].end_cell(self.text_classes)
            if tag == "table":
                self._open.pop()

    def data(self, text: str) -> None:
        if self._silent == "title":
            self.title.append(text)
        elif self._open and self._open[-1].open and not self._silent:
            self._open[-1].text.append(_BLANKS.sub(" ", text))

    def comment(self, text: str) -> None:
        """Pass over comments."""

    def close(self) -> None:
        """Finish what the page left open."""
        while self._open:
            self._open.pop().end_cell(self.text_classes)


def _span(attributes: dict[str, str], name: str) -> int:
    text = attributes.get(name, "").strip()
    return max(1, min(int(text), MAX_SPAN)) if text.isdecimal() and len(text) < 7 else 1


def _clean(text: str) -> str:
    """Return a cell's text without the blanks around it and around its line breaks."""
    lines = [line.strip(" \u00a0") for line in text.split("\n")]
    return "\n".join(lines).strip("\n")
