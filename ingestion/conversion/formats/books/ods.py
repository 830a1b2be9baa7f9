"""OpenDocument spreadsheets (.ods, .fods): OpenDocument 1.3 part 3, 9 (tables) and 19.385 (office:value-type)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestion.conversion.errors import PasswordProtected, UnsafeArchive
from ingestion.conversion.formats.books import odsfast
from ingestion.conversion.formats.books.cells import MAX_CELLS, MAX_COLS, MAX_ROWS, Sheet, SheetInfo
from ingestion.conversion.formats.books.collect import Collector
from ingestion.conversion.formats.books.odscells import ASIDE, CellReader, cell_of, count_of
from ingestion.conversion.formats.books.parts import Parts, damage_explained
from ingestion.conversion.formats.books.xmlstream import LOCAL, SkippingHandler, SkippingParser

if TYPE_CHECKING:
    from ingestion.conversion.formats.books.cells import Epoch
    from ingestion.conversion.unpack import Payload
    from ingestion.conversion.values import Notice


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
            SkippingParser(reader, "table:table", "table:table-row").parse(stream)

    def read(self, at: int) -> Sheet:
        """Return a sheet's cells."""
        if at == self._first.gathered:
            return self._first.cells.flush()
        with damage_explained(self._payload, self.sheets[at].name):
            reader = _Reader(wanted=at)
            self._parse(reader)
            return reader.cells.flush()


class _Reader(CellReader, SkippingHandler):
    """Lists the tables of a document and gathers the cells of one: the wanted, or the first visible with any."""

    def __init__(self, wanted: int | None) -> None:
        super().__init__()
        self.tables: list[tuple[str, str]] = []
        self.hidden: set[str] = set()
        self.cells = Collector()
        self.gathered = -1
        self._wanted = wanted
        self._mine = False
        self._depth = 0
        self._style = ""
        self._row = self._col = 0
        self._in_row = False
        self._repeat = 1
        self._line: list[tuple[int, int, int, float | str]] = []

    def skip(self, data: bytes) -> bool:
        """Read whole rows at once, or pass over them; False where they have to be read one element at a time."""
        if self._depth != 1 or self.aside or self._in_row:
            return False
        if not self._mine:
            return odsfast.are_rows(data)
        found = odsfast.read_rows(data, self._row)
        if found is None:
            return False
        if len(found.block.rows):
            self.cells.take(found.block, found.texts)
        self._row += found.count
        return True

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = LOCAL[name]
        if self.aside or local in ASIDE:
            super().start(name, attributes)
        elif local == "table" and name.startswith("table"):
            self._depth += 1
            self._begin(attributes)
        elif local == "table-row" and self._depth == 1:
            self._in_row = True
            self._repeat = count_of(attributes.get("table:number-rows-repeated"))
            self._col, self._line = 0, []
        elif self._mine:
            super().start(name, attributes)
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

    def end(self, name: str) -> None:
        local = LOCAL[name]
        if self.aside:
            super().end(name)
        elif local == "table" and name.startswith("table"):
            self._finish()
        elif local == "table-row" and self._depth == 1:
            self._in_row = False
            if self._mine:
                self._end_row()
        elif self._mine:
            super().end(name)

    def take(self, attributes: dict[str, str], text: str, *, shown: bool) -> None:
        repeat = count_of(attributes.get("table:number-columns-repeated"))
        told = cell_of(attributes, text, shown=shown)
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
