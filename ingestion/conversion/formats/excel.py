"""Workbooks (.xlsx, .xls, .xlsb, .ods) by calamine: texts stay texts, doubles become exact decimals.

Sources: IEEE 754 doubles hold integers exactly up to 2**53; the shortest text that reads back as the
same double (Python's ``repr``) is what a person typed.
"""

from __future__ import annotations

import datetime as dt
import re
import zipfile
import zlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from ingestion.conversion.detect.text import unique_names
from ingestion.conversion.errors import BrokenFile, NoRows, PasswordProtected, SheetNotFound
from ingestion.conversion.values import Column, Detection, Notice, Options, RowCount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.conversion.unpack import Payload

BATCH_ROWS = 50_000
EXACT_INTEGER = 2**53
MAX_DIGITS = 38
_ERROR_CELL = re.compile(rb'<c r="([A-Z]+[0-9]+)"[^>]*\bt="e"')


def open_workbook(payload: Payload, detection: Detection, options: Options) -> WorkbookTable:
    """Open the sheet that is meant."""
    return WorkbookTable(payload, detection, options)


class WorkbookTable:
    """One sheet as typed batches; bounded by the sheet."""

    def __init__(self, payload: Payload, detection: Detection, options: Options) -> None:
        """Read the sheet; raises ``PasswordProtected``, ``BrokenFile``, ``SheetNotFound`` or ``NoRows``."""
        self.warnings: list[Notice] = []
        self.progress = payload.size
        self._payload = payload
        self.sheet, grid = _grid(payload, options)
        header, names = _header(grid, options, payload, self.sheet)
        body = [row for row in grid[header + 1 :] if any(cell != "" for cell in row)]
        blank = len(grid) - header - 1 - len(body)
        counts = {"title lines": max(header, 0), "blank rows": blank}
        skipped = {kind: count for kind, count in counts.items() if count}
        self.rows = RowCount(read=len(body) + sum(skipped.values()), loaded=len(body), skipped=skipped)
        width = len(names)
        self._columns = [
            _ExcelColumn(name, [row[index] if index < len(row) else "" for row in body])
            for index, name in enumerate(names[:width])
        ]
        if detection.format == "xlsx":
            self._warn_of_errors()

    def schema(self) -> pa.Schema:
        """Return the types that hold every cell."""
        return pa.schema([pa.field(column.name, column.type) for column in self._columns])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order."""
        schema = self.schema()
        for start in range(0, self.rows.loaded, BATCH_ROWS):
            arrays = [column.array(start, start + BATCH_ROWS) for column in self._columns]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def columns(self) -> tuple[Column, ...]:
        """Describe every column."""
        return tuple(
            Column(name=column.name, type=column.type, rule=column.rule, nulls=column.nulls) for column in self._columns
        )

    def _warn_of_errors(self) -> None:
        """Name the cells that hold an error such as ``#N/A``: calamine gives them as empty."""
        try:
            cells = _error_cells(self._payload, self.sheet)
        except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, SyntaxError) as error:
            # calamine was content, but whether cells hold errors cannot be told: not to be passed over in silence
            place = self._payload.place(sheet=self.sheet)
            raise BrokenFile("A part of the workbook is damaged.", hint="Save it again.", place=place) from error
        if cells:
            shown = ", ".join(cells[:10])
            message = f'{len(cells)} cells of sheet "{self.sheet}" hold an error and are null: {shown}.'
            self.warnings.append(Notice(code="EXCEL_ERROR_CELLS", message=message))


class _ExcelColumn:
    """One column's cells and the type that holds all of them exactly."""

    def __init__(self, name: str, cells: list[Any]) -> None:
        self.name = name
        self._cells = [None if cell == "" else cell for cell in cells]
        self.nulls = sum(cell is None for cell in self._cells)
        self.type, self.rule, self._convert = self._decide()

    def _decide(self) -> tuple[pa.DataType, str, Any]:
        kinds = {type(cell) for cell in self._cells if cell is not None}
        if kinds and kinds <= {int, float}:
            return self._numbers()
        if kinds == {dt.date, dt.datetime}:
            kinds = {dt.datetime}
        if len(kinds) > 1:
            return pa.string(), "cells of several kinds, as text", _as_text
        return _OF_ONE_KIND[next(iter(kinds), type(None))]

    def _numbers(self) -> tuple[pa.DataType, str, Any]:
        values = [cell for cell in self._cells if cell is not None]
        if all(float(cell).is_integer() and abs(cell) <= EXACT_INTEGER for cell in values):
            return pa.int64(), "integral number cells", int
        decimals = [Decimal(repr(cell)) for cell in values]
        scale = max(0, *(-int(value.as_tuple().exponent) for value in decimals), 0)
        whole = max(value.adjusted() + 1 for value in decimals)
        if max(whole, 1) + scale <= MAX_DIGITS:
            target = pa.decimal128(max(whole, 1) + scale, scale)
            return target, f"{target} from the shortest text of the numbers", lambda cell: Decimal(repr(cell))
        return pa.float64(), "number cells without a common decimal", float

    def array(self, start: int, end: int) -> pa.Array:
        """Return a part of the column."""
        cells = self._cells[start:end]
        if self._convert is not None:
            cells = [None if cell is None else self._convert(cell) for cell in cells]
        return pa.array(cells, self.type)


def _as_datetime(cell: dt.date | dt.datetime) -> dt.datetime:
    return cell if isinstance(cell, dt.datetime) else dt.datetime.combine(cell, dt.time())


_OF_ONE_KIND: dict[type, tuple[pa.DataType, str, Any]] = {
    type(None): (pa.null(), "null", None),
    str: (pa.string(), "text cells", None),
    bool: (pa.bool_(), "boolean cells", None),
    dt.date: (pa.date32(), "date cells", None),
    dt.datetime: (pa.timestamp("us"), "date and time cells", _as_datetime),
    dt.time: (pa.time64("us"), "time cells", None),
    dt.timedelta: (pa.duration("us"), "duration cells", None),
}


def _as_text(cell: Any) -> str:
    """Return a cell's value as text: integral numbers without point, dates as ISO 8601."""
    match cell:
        case bool():
            return "TRUE" if cell else "FALSE"
        case float() if cell.is_integer() and abs(cell) <= EXACT_INTEGER:
            return str(int(cell))
        case dt.datetime():
            return cell.isoformat(sep=" ")
        case dt.date() | dt.time():
            return cell.isoformat()
        case _:
            return cell if isinstance(cell, str) else repr(cell) if isinstance(cell, float) else str(cell)


def _grid(payload: Payload, options: Options) -> tuple[str, list[list[Any]]]:
    """Return the sheet asked for, or the first visible one with data, as rows of cells."""
    try:
        with CalamineWorkbook.from_path(str(payload.path)) as book:
            sheets = [
                sheet.name
                for sheet in book.sheets_metadata
                if sheet.typ is SheetTypeEnum.WorkSheet and sheet.visible is SheetVisibleEnum.Visible
            ]
            for name in _wanted(sheets, [sheet.name for sheet in book.sheets_metadata], payload, options):
                grid = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                if any(cell != "" for row in grid for cell in row):
                    return name, grid
    except PasswordError as error:
        raise PasswordProtected(
            "The workbook is protected by a password.",
            hint="Save it without a password and send it again.",
            place=payload.place(),
        ) from error
    except (CalamineError, OSError, ValueError) as error:
        raise BrokenFile("The workbook is cut off or damaged.", hint="Save it again.", place=payload.place()) from error
    raise NoRows("No visible sheet has any data.", hint="Choose a sheet with the option sheet.", place=payload.place())


def _wanted(visible: list[str], known: list[str], payload: Payload, options: Options) -> list[str]:
    if options.sheet is None:
        return visible
    if options.sheet not in known:
        raise SheetNotFound(
            f'There is no sheet "{options.sheet}". There are: {", ".join(visible)}.',
            hint="Choose one of them with the option sheet.",
            place=payload.place(),
        )
    return [options.sheet]


def _header(grid: list[list[Any]], options: Options, payload: Payload, sheet: str) -> tuple[int, list[str]]:
    """Return the header's index and the columns' names: the first row of texts that is about as wide as the table."""
    widths = [sum(cell != "" for cell in row) for row in grid]
    usual = max(widths)
    if options.header_row is not None:
        index = options.header_row - 1
    else:
        index = next((i for i, row in enumerate(grid) if widths[i] >= max(1, usual * 0.6) and _all_texts(row)), -1)
    if index < 0:
        return -1, unique_names([None] * max(len(row) for row in grid))
    if index >= len(grid):
        raise NoRows(
            "The header's row lies behind the data.", hint="Correct header_row.", place=payload.place(sheet=sheet)
        )
    row = grid[index]
    last = max(i for line in grid[index:] for i, cell in enumerate(line) if cell != "")
    return index, unique_names([str(cell) if cell != "" else None for cell in row[: last + 1]])


def _all_texts(row: list[Any]) -> bool:
    return all(isinstance(cell, str) for cell in row)


def _error_cells(payload: Payload, sheet: str) -> list[str]:
    """Return the addresses of error cells (ECMA-376 part 1, 18.18.11: ``t="e"``) of an .xlsx sheet."""
    import openpyxl

    with payload.open() as file:
        book = openpyxl.load_workbook(file, read_only=True)
        worksheet: Any = book[sheet]
        part = worksheet._worksheet_path  # noqa: SLF001  (openpyxl names the part nowhere else)
        book.close()
    found: list[str] = []
    with zipfile.ZipFile(payload.path) as archive, archive.open(part) as stream:
        kept = b""
        while block := stream.read(1 << 20):
            kept += block
            found += [match.group(1).decode() for match in _ERROR_CELL.finditer(kept)]
            kept = kept[max(kept.rfind(b"<c "), len(kept) - 4096, 0) :] if b"<c " in kept else kept[-4096:]
            kept = kept if not _ERROR_CELL.search(kept) else kept[_last_error_end(kept) :]
    return found


def _last_error_end(text: bytes) -> int:
    return max(match.end() for match in _ERROR_CELL.finditer(text))
