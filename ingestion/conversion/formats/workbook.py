"""Workbooks: the sheet that is meant, its table, and every cell with the type that holds it exactly.

``books`` reads each file format into the same cells; what follows is the same for all of them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion.errors import NoRows, SheetNotFound
from ingestion.conversion.formats.books.cells import ERROR, REJECTED, Grid, address
from ingestion.conversion.formats.books.columns import Place, SheetColumn, as_texts
from ingestion.conversion.formats.books.layout import Layout, lay_out
from ingestion.conversion.formats.books.html import HtmlBook, MhtmlBook
from ingestion.conversion.formats.books.ods import OdsBook
from ingestion.conversion.formats.books.spreadsheetml import SpreadsheetMlBook
from ingestion.conversion.formats.books.xls import XlsBook
from ingestion.conversion.formats.books.xlsb import XlsbBook
from ingestion.conversion.formats.books.xlsx import XlsxBook
from ingestion.conversion.values import Column, Decision, Detection, Notice, Options, Reject, RowCount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from ingestion.conversion.formats.books.cells import Book, Sheet
    from ingestion.conversion.unpack import Payload

BATCH_ROWS = 64 * 1024
BATCH_CELLS = 4 << 20
MAX_REJECTS = 1000
SHOWN = 10

BOOKS: dict[str, Callable[[Payload], Book]] = {
    "xlsx": XlsxBook,
    "xlsb": XlsbBook,
    "xls": XlsBook,
    "ods": OdsBook,
    "xml-spreadsheet": SpreadsheetMlBook,
    "html": HtmlBook,
    "mhtml": MhtmlBook,
}


def open_workbook(payload: Payload, detection: Detection, options: Options) -> WorkbookTable:
    """Open the sheet that is meant."""
    return WorkbookTable(payload, BOOKS[detection.format](payload), options)


class WorkbookTable:
    """One sheet as typed batches; memory is bounded by the sheet."""

    def __init__(self, payload: Payload, book: Book, options: Options) -> None:
        """Read the sheet; raises ``SheetNotFound``, ``NoRows``, ``BrokenFile`` and other ``ConversionError``s."""
        self.warnings: list[Notice] = list(book.notices)
        self.progress = payload.size
        self._payload = payload
        self._epoch = book.epoch
        self._name, grid = self._chosen(book, options)
        layout = lay_out(grid, header_row=options.header_row, epoch=book.epoch)
        refused = np.intersect1d(grid.rows_with(REJECTED), layout.body)
        self._body = np.setdiff1d(layout.body, refused, assume_unique=True)
        self.rejects = self._rejects(grid, layout, refused)
        skipped = layout.skipped
        self.rows = RowCount(
            read=len(layout.body) + sum(skipped.values()),
            loaded=len(self._body),
            rejected=len(refused),
            skipped=skipped,
        )
        self._typed_texts = book.typed_texts
        self._columns = [self._column(grid, at, name) for at, name in layout.names.items()]
        self._tell(book, options, layout)

    # ---- the sheet ----

    def _chosen(self, book: Book, options: Options) -> tuple[str, Grid]:
        """Return the sheet asked for, or the first visible one with data."""
        for at in self._wanted(book, options):
            sheet: Sheet = book.read(at)
            if sheet.filled:
                grid = Grid(sheet)
                if grid.used_rows.size:
                    return book.sheets[at].name, grid
        which = f'The sheet "{options.sheet}" has no data.' if options.sheet else "No visible sheet has any data."
        raise NoRows(which, hint="Choose a sheet with the option sheet.", place=self._payload.place())

    def _wanted(self, book: Book, options: Options) -> list[int]:
        tables = [at for at, sheet in enumerate(book.sheets) if sheet.table]
        if options.sheet is None:
            visible = [at for at in tables if book.sheets[at].visible]
            return sorted(visible, key=lambda at: at != book.default and book.default > 0)
        found = [at for at in tables if book.sheets[at].name == options.sheet]
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
        self.decisions = (
            Decision(
                name="sheet",
                value=self._name,
                confidence=1.0,
                evidence=_sheets(book),
                by="given" if options.sheet else "detected",
            ),
            Decision(
                name="header",
                value=f"row {layout.header[-1] + 1}" if layout.header else "none",
                confidence=layout.confidence,
                evidence=layout.evidence,
                by="given" if options.header_row is not None else "detected",
            ),
            Decision(
                name="date system",
                value=book.epoch,
                confidence=1.0,
                evidence="dates are written out" if book.epoch == "iso" else "as the workbook says",
            ),
        )
        others = [sheet.name for sheet in book.sheets if sheet.table and sheet.name != self._name]
        if others:
            named = ", ".join(f'"{name}"' for name in others[:SHOWN]) + (" ..." if len(others) > SHOWN else "")
            message = f'Only the sheet "{self._name}" was loaded; not read: {named}.'
            self.warnings.append(Notice(code="SHEETS_NOT_READ", message=message))
        for column in self._columns:
            self.warnings += column.warnings

    # ---- the rows set aside ----

    def _rejects(self, grid: Grid, layout: Layout, refused: NDArray[np.int64]) -> list[Reject]:
        """List the cells with errors or without a value; the first ones of very many."""
        if not len(refused):
            return []
        cells = grid.within(refused[:MAX_REJECTS])
        texts = as_texts(cells, grid.texts, epoch=self._epoch)
        raw: dict[int, list[str]] = {}
        for row, text in zip(cells.rows.tolist(), texts, strict=True):
            raw.setdefault(row, []).append(text)
        bad = np.flatnonzero(np.isin(cells.kinds, REJECTED)).tolist()
        found = [
            Reject(
                code="EXCEL_ERROR_CELL" if cells.kinds[at] == ERROR else "FORMULA_WITHOUT_VALUE",
                reason=f"The cell holds the error {texts[at]}."
                if cells.kinds[at] == ERROR
                else "The cell holds a formula that was never calculated; open the workbook, save it, send it again.",
                sheet=self._name,
                cell=address(int(cells.rows[at]), int(cells.cols[at])),
                line=int(cells.rows[at]) + 1,
                column=layout.names[int(cells.cols[at])],
                raw=json.dumps(raw[int(cells.rows[at])], ensure_ascii=False),
            )
            for at in bad
        ]
        shown = ", ".join(reject.cell or "" for reject in found[:SHOWN]) + (" ..." if len(found) > SHOWN else "")
        message = f"{len(refused)} rows are set aside, for their cells hold errors or formulas without a value: {shown}."
        lines = tuple(dict.fromkeys(reject.line or 0 for reject in found))[:SHOWN]
        self.warnings.append(Notice(code="REJECTED_CELLS", message=message, lines=lines))
        return found

    # ---- the columns ----

    def _column(self, grid: Grid, at: int, name: str) -> SheetColumn:
        cells = grid.column(at)
        position = np.searchsorted(self._body, cells.rows)
        position[position == len(self._body)] = 0
        inside = self._body[position] == cells.rows if len(self._body) else np.zeros(len(cells.rows), bool)
        if not inside.all():
            cells = cells.only(inside)
        typed = self._typed_texts and at not in grid.kept_as_text
        return SheetColumn(name, cells, grid.texts, Place(col=at, epoch=self._epoch, typed_texts=typed))

    def schema(self) -> pa.Schema:
        """Return the types that hold every cell."""
        return pa.schema([pa.field(column.name, column.type) for column in self._columns])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order."""
        schema = self.schema()
        self._nulls = [0] * len(self._columns)
        size = max(1, min(BATCH_ROWS, BATCH_CELLS // max(1, len(schema))))
        for start in range(0, len(self._body), size):
            rows = self._body[start : start + size]
            arrays = [column.array(rows) for column in self._columns]
            self._nulls = [count + array.null_count for count, array in zip(self._nulls, arrays, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def columns(self) -> tuple[Column, ...]:
        """Describe every column."""
        return tuple(column.column(nulls) for column, nulls in zip(self._columns, self._nulls, strict=True))


def _sheets(book: Book) -> str:
    """List the sheets for the report."""
    told = [f'"{sheet.name}"' + ("" if sheet.visible else " (hidden)") for sheet in book.sheets if sheet.table]
    return f"the first visible sheet with data of {len(told)}: {', '.join(told[:50])}"
