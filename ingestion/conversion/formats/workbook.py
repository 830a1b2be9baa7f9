"""Workbooks: the sheet that is meant, its table, and every cell with the type that holds it exactly.

``books`` reads each file format into the same cells; what follows is the same for all of them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion.errors import EveryRowRejected, NoRows, SheetNotFound
from ingestion.conversion.formats.base import Table
from ingestion.conversion.formats.books.cells import REJECTED, Grid, address, among
from ingestion.conversion.formats.books.columns import Place, SheetColumn, as_texts
from ingestion.conversion.formats.books.layout import Layout, lay_out
from ingestion.conversion.formats.books.refused import RefusedRows
from ingestion.conversion.formats.subtotals import BY_LACK, BY_WORD, keyless_rows, told_rows, total_rows
from ingestion.conversion.values import Column, Decision, Detection, Notice, Options, Origin, RowCount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestion.conversion.formats.books.cells import Book, Sheet
    from ingestion.conversion.unpack import Payload

BATCH_ROWS = 64 * 1024
BATCH_CELLS = 4 << 20
SHOWN = 10
SHARED_CELLS = 1 << 16, 1 << 23

BOOKS = {
    "xlsx": ("xlsx", "XlsxBook"),
    "xlsb": ("xlsb", "XlsbBook"),
    "xls": ("xls", "XlsBook"),
    "ods": ("ods", "OdsBook"),
    "xml-spreadsheet": ("spreadsheetml", "SpreadsheetMlBook"),
    "html": ("html", "HtmlBook"),
    "mhtml": ("html", "MhtmlBook"),
}
"""The module below ``books`` and the class in it, of which only the one that is needed is imported."""


def open_workbook(payload: Payload, detection: Detection, options: Options) -> WorkbookTable:
    """Open the sheet that is meant."""
    module, name = BOOKS[detection.format]
    opener: Callable[[Payload], Book] = getattr(import_module(f"{__package__}.books.{module}"), name)
    return WorkbookTable(payload, opener, options)


class WorkbookTable(Table):
    """One sheet as typed batches; memory is bounded by the sheet."""

    def __init__(self, payload: Payload, opener: Callable[[Payload], Book], options: Options) -> None:
        """Read the sheet.

        Raises ``SheetNotFound``, ``NoRows``, ``EveryRowRejected``, ``BrokenFile`` and other ``ConversionError``s.
        """
        book = opener(payload)
        self.progress = payload.size
        self._payload = payload
        self._options = options
        self._opener = opener
        self._again: tuple[Grid, Layout] | None = None
        self._first = 0
        self._totals_told: list[Notice] = []
        self._epoch = book.epoch
        self._typed_texts = book.typed_texts
        self._name, grid = self._chosen(book, options)
        self.warnings: list[Notice] = list(book.notices)
        found = lay_out(grid, options, epoch=book.epoch)
        if found is None:
            raise NoRows(
                "The header's row, the rows to skip, or the number of the table lie beyond the sheet's last.",
                hint="Correct the options header_row, skip_rows and table.",
                place=payload.place(sheet=self._name),
            )
        grid, layout = found
        refused = among(grid.rows_with(REJECTED), layout.body)
        self._body = np.setdiff1d(layout.body, refused, assume_unique=True) if len(refused) else layout.body
        if len(refused):
            self.numbers = np.flatnonzero(np.isin(layout.body, self._body, assume_unique=True)) + 1
            self._set_aside(grid, layout, refused.tolist())
        skipped = {reason: len(rows) for reason, rows in layout.skipped.items()}
        read = len(layout.body) + sum(skipped.values())
        self.rows = RowCount(read=read, loaded=len(self._body), rejected=len(refused), skipped=skipped)
        self._columns = self._all_columns(grid, layout, options)
        self._nulls = [0] * len(self._columns)
        self._tell(book, options, layout)

    # ---- the sheet ----

    def _chosen(self, book: Book, options: Options) -> tuple[str, Grid]:
        """Return the sheet asked for, or the first visible one with data."""
        for at in self._wanted(book, options):
            sheet: Sheet = book.read(at)
            grid = Grid(sheet) if sheet.filled else None
            if grid is not None and grid.used_rows.size:
                return book.sheets[at].name, grid
        which = f'The sheet "{options.sheet}" has no data.' if options.sheet else "No visible sheet has any data."
        raise NoRows(which, hint="Choose a sheet with the option sheet.", place=self._payload.place())

    def _wanted(self, book: Book, options: Options) -> list[int]:
        tables = [at for at, sheet in enumerate(book.sheets) if sheet.table]
        if options.sheet is None:
            visible = [at for at in tables if book.sheets[at].visible]
            return sorted(visible, key=lambda at: at != book.default and book.default > 0)
        found = [at for at in tables if book.sheets[at].name == options.sheet]
        if not found:  # for Excel, "data" and "Data" are one name
            found = [at for at in tables if book.sheets[at].name.strip().casefold() == options.sheet.strip().casefold()]
        if not found:
            names = ", ".join(f'"{book.sheets[at].name}"' for at in tables)
            raise SheetNotFound(
                f'There is no sheet "{options.sheet}". There are: {names or "none"}.',
                hint="Choose one of them with the option sheet.",
                place=self._payload.place(),
            )
        return found[:1]

    def _tell(self, book: Book, options: Options, layout: Layout) -> None:
        """Write down what was decided, and what was left unread."""
        given = options.header_row is not None
        self.decisions = (
            Decision(
                name="sheet",
                value=self._name,
                confidence=1.0,
                evidence=_sheets(book, chosen=options.sheet is not None),
                by="given" if options.sheet else "detected",
            ),
            Decision(
                name="header",
                value=f"row {layout.header[-1] + 1}" if layout.header else "none",
                confidence=layout.confidence,
                evidence=layout.evidence,
                by="given" if given else "detected",
            ),
            Decision(
                name="date system",
                value=book.epoch,
                confidence=1.0,
                evidence="dates are written out" if book.epoch == "iso" else "as the workbook says",
            ),
        )
        others = [
            f'"{sheet.name}"' + ("" if sheet.visible else " (hidden)")
            for sheet in book.sheets
            if sheet.table and sheet.name != self._name
        ]
        if others:
            named = ", ".join(others[:SHOWN]) + (" ..." if len(others) > SHOWN else "")
            message = f'Only the sheet "{self._name}" was loaded; not read: {named}.'
            self.warnings.append(Notice(code="SHEETS_NOT_READ", message=message))
        if len(layout.tables) > 1:
            spans = ", ".join(f"{at}: {span}" for at, span in enumerate(layout.tables, 1))
            message = f"The sheet holds {len(layout.tables)} tables ({spans}); table {layout.number} was loaded."
            self.warnings.append(Notice(code="SEVERAL_TABLES", message=message))
        self.warnings += layout.notices
        if layout.doubt:
            message = "The last row begins like a total line but is filled like data, so it was loaded as a row."
            self.warnings.append(Notice(code="TOTAL_KEPT", message=message, lines=(layout.doubt,)))
        for reason, rows in layout.skipped.items():
            lines = tuple((rows[:SHOWN] + 1).tolist())
            count = "1 row" if len(rows) == 1 else f"{len(rows):,} rows"
            message = f"{count} skipped: {reason}, the first is row {lines[0]}."
            self.warnings.append(Notice(code="ROWS_SKIPPED", message=message, lines=lines))
        for column in self._columns:
            self.warnings += column.warnings

    # ---- the rows set aside ----

    def _set_aside(self, grid: Grid, layout: Layout, refused: list[int]) -> None:
        """List the cells for which rows are set aside; raises ``EveryRowRejected`` when nothing would be left."""
        place = self._payload.place(sheet=self._name)
        self.rejects = RefusedRows(grid, layout, refused, place=place, epoch=self._epoch)
        first_few = list(islice(self.rejects, SHOWN + 1))
        named = dict.fromkeys(reject.cell or "" for reject in first_few)
        shown = ", ".join(list(named)[:SHOWN]) + (" ..." if len(named) > SHOWN else "")
        if not len(self._body):
            first = first_few[0]
            raise EveryRowRejected(
                f"In each of its {len(refused)} rows a cell holds an error or a formula without a value: {shown}.",
                hint="Correct the formulas, or open the workbook in Excel so that it calculates them, and save it.",
                place=self._payload.place(sheet=self._name, line=first.line, column=first.column),
            )
        told = "1 row is" if len(refused) == 1 else f"{len(refused)} rows are"
        message = f'{told} set aside, with errors or formulas without a value in sheet "{self._name}": {shown}.'
        lines = tuple(row + 1 for row in refused[:SHOWN])
        self.warnings.append(Notice(code="REJECTED_CELLS", message=message, lines=lines))

    # ---- the columns ----

    def _all_columns(self, grid: Grid, layout: Layout, options: Options) -> list[SheetColumn]:
        """Type the columns, two at a time where that takes long and little memory."""
        cells = len(self._body) * len(layout.names)
        if not SHARED_CELLS[0] <= cells <= SHARED_CELLS[1]:
            return [self._column(grid, at, name, options) for at, name in layout.names.items()]
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda named: self._column(grid, named[0], named[1], options), layout.names.items()))

    def _column(self, grid: Grid, at: int, name: str, options: Options) -> SheetColumn:
        cells = grid.column(at)
        position = np.searchsorted(self._body, cells.rows)
        position[position == len(self._body)] = 0
        inside = self._body[position] == cells.rows if len(self._body) else np.zeros(len(cells.rows), bool)
        if not inside.all():
            cells = cells.only(inside)
        typed = self._typed_texts and at not in grid.kept_as_text
        place = Place(col=at, epoch=self._epoch, typed_texts=typed, null_values=options.null_values)
        return SheetColumn(name, cells, grid.texts, place)

    def schema(self) -> pa.Schema:
        """Return the types that hold every cell."""
        return pa.schema([pa.field(column.name, column.type) for column in self._columns])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order."""
        schema = self.schema()
        self._nulls = [0] * len(self._columns)
        worded: list[int] = []
        keyless: list[int] = []
        size = max(1, min(BATCH_ROWS, BATCH_CELLS // max(1, len(schema))))
        for start in range(0, len(self._body), size):
            rows = self._body[start : start + size]
            self._first = start
            arrays = [column.array(rows) for column in self._columns]
            self._nulls = [count + array.null_count for count, array in zip(self._nulls, arrays, strict=True)]
            worded += [int(rows[at]) + 1 for at in total_rows(arrays)]
            keyless += [int(rows[at]) + 1 for at in keyless_rows(arrays)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        self._warn_of_totals(worded, keyless)

    def _warn_of_totals(self, worded: list[int], keyless: list[int]) -> None:
        """Warn of rows between the others that look like subtotals, in place of what an earlier pass told."""
        self.warnings = [notice for notice in self.warnings if notice not in self._totals_told]
        self._totals_told = []
        told = {line for notice in self.warnings if notice.code == "TOTAL_KEPT" for line in notice.lines}
        for lines, why in ((worded, BY_WORD), (keyless, BY_LACK)):
            if new := [line for line in lines if line not in told]:
                message = f"{told_rows(len(new))} {why}, the first is row {new[0]}."
                self._totals_told.append(Notice(code="TOTAL_KEPT", message=message, lines=tuple(new[:SHOWN])))
        self.warnings += self._totals_told

    def origin(self, row: int) -> Origin:
        """Return a sheet's row and the texts of its cells. The sheet is read once more for the first one."""
        grid, layout = self._sheet_again()
        at = int(self._body[self._first + row])
        found = grid.row(at)
        texts = as_texts(found, grid.texts, epoch=self._epoch)
        by_column = dict(zip(found.cols.tolist(), texts, strict=True))
        place = self._payload.place()
        return Origin(
            file=place.file,
            member=place.member,
            sheet=self._name,
            line=at + 1,
            cells={name: by_column.get(col) for col, name in layout.names.items()},
            addresses={name: address(at, col) for col, name in layout.names.items()},
        )

    def _sheet_again(self) -> tuple[Grid, Layout]:
        """Return the sheet's cells, which are not kept for files without anything to tell about them."""
        if self._again is None:
            _, grid = self._chosen(self._opener(self._payload), self._options)
            self._again = lay_out(grid, self._options, epoch=self._epoch)
            if self._again is None:
                raise LookupError(self._name)
        return self._again

    def columns(self) -> tuple[Column, ...]:
        """Describe every column."""
        return tuple(column.column(nulls) for column, nulls in zip(self._columns, self._nulls, strict=True))


def _sheets(book: Book, *, chosen: bool) -> str:
    """List the sheets for the report."""
    told = [f'"{sheet.name}"' + ("" if sheet.visible else " (hidden)") for sheet in book.sheets if sheet.table]
    why = "the caller named it, one" if chosen else "the first visible sheet with data"
    return f"{why} of {len(told)}: {', '.join(told[:50])}"
