"""Workbooks of Excel 2 to 2003 (.xls): the records of BIFF 2 to 8, in an OLE file or bare.

Sources: [MS-XLS], and OpenOffice's documentation of the Excel file format for what is older. Records are walked
one by one; the cells in them are decoded by kind, all at once.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import olefile
import pyarrow as pa

from ingestion.conversion.errors import PasswordProtected
from ingestion.conversion.formats.books.cells import ERROR, NUMBER, TEXT, TRUTH, UNCACHED, Block, Sheet, SheetInfo
from ingestion.conversion.formats.books.numberformats import kinds_of
from ingestion.conversion.formats.books.parts import damage_explained
from ingestion.conversion.formats.books.records import Fields, errors, from_rk
from ingestion.conversion.formats.books.xlstext import Strings, shared_strings
from ingestion.conversion.typing.constants import text_array
from ingestion.conversion.values import Notice
from ingestion.slotted import field, slotted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestion.conversion.formats.books.cells import Epoch
    from ingestion.conversion.unpack import Payload

BOF = {0x0009: 2, 0x0209: 3, 0x0409: 4}
BOF_LATER, EOF, CONTINUE, FILEPASS, CODEPAGE, DATEMODE = 0x0809, 0x0A, 0x3C, 0x2F, 0x42, 0x22
BOUNDSHEET, SST, XF, FORMAT = 0x85, 0xFC, 0xE0, 0x41E
XF_OLD, FORMAT_OLD = {0x43: 2, 0x243: 1, 0x443: 1}, 0x1E
WORKSHEET, BOF_GLOBALS, BOF_SHEET = 0, 0x0005, 0x0010
NUMBER_REC, RK, MULRK, LABELSST, LABEL, RSTRING, BOOLERR, STRING = 0x203, 0x27E, 0xBD, 0xFD, 0x204, 0xD6, 0x205, 0x207
FORMULAS = (0x06, 0x206, 0x406)
INTEGER_2, NUMBER_2, LABEL_2, BOOLERR_2, STRING_2 = 0x02, 0x03, 0x04, 0x05, 0x07
CELLS = {NUMBER_REC, RK, MULRK, LABELSST, LABEL, RSTRING, BOOLERR, STRING, *FORMULAS}
CELLS_2 = {INTEGER_2, NUMBER_2, LABEL_2, BOOLERR_2, STRING_2, 0x06}

SHOWN_LETTERS = 40

Records = dict[int, list[int]]


@slotted()
class _Globals:
    """What the sheets share."""

    version: int = 8
    epoch: Epoch = "1900"
    codepage: int | None = None
    sheets: list[tuple[int, SheetInfo]] = field(default_factory=list)
    formats: dict[int, str] = field(default_factory=dict)
    xfs: list[int] = field(default_factory=list)
    sst: int | None = None


class XlsBook:
    """An open .xls workbook."""

    default = 0
    typed_texts = False

    def __init__(self, payload: Payload) -> None:
        """Read the list of sheets and the styles; raises ``BrokenFile`` or ``PasswordProtected``."""
        self.notices: list[Notice] = []
        self._payload = payload
        with damage_explained(payload):
            self._data = _stream(payload)
            self._fields = Fields(self._data)
            self._globals = self._read_globals()
        self.epoch: Epoch = self._globals.epoch
        self.sheets = tuple(info for _, info in self._globals.sheets)
        kinds = kinds_of(self._globals.xfs, self._globals.formats)
        self._kinds = np.array(kinds or [NUMBER], np.uint8)

    # ---- the globals ----

    def _read_globals(self) -> _Globals:
        found = _Globals(version=_version(self._data))
        strings = Strings(self._data, found.version, found.codepage)
        at, size = 0, len(self._data)
        while at + 4 <= size:
            kind, length = _u2(self._data, at), _u2(self._data, at + 2)
            start = at + 4
            if start + length > size:
                break
            if kind == EOF and found.version >= 5:
                self._correct_place(found, start + length)
                break
            self._take(found, strings, kind, start, length)
            at = start + length
        if not found.sheets:  # up to version 4 a file is one sheet
            found.sheets.append((0, SheetInfo(name="Sheet1")))
        return found

    def _correct_place(self, found: _Globals, behind: int) -> None:
        """Take the place ``behind`` the globals for the only sheet, where none begins at the one that is named."""
        if len(found.sheets) == 1 and behind + 8 <= len(self._data) and _u2(self._data, behind) == BOF_LATER:
            offset, info = found.sheets[0]
            if offset + 8 > len(self._data) or _u2(self._data, offset) != BOF_LATER:
                found.sheets[0] = (behind, info)

    def _take(self, found: _Globals, strings: Strings, kind: int, start: int, length: int) -> None:
        data = self._data
        if kind == FILEPASS:
            raise PasswordProtected(
                "The workbook is protected by a password.",
                hint="Save it without a password and send it again.",
                place=self._payload.place(),
            )
        if kind == CODEPAGE and length >= 2:
            found.codepage = strings.codepage = _u2(data, start)
        elif kind == DATEMODE and length >= 2:
            found.epoch = "1904" if _u2(data, start) else "1900"
        elif kind == BOUNDSHEET and length >= 8:
            offset = int.from_bytes(data[start : start + 4], "little")
            name = strings.short(start + 6, start + length)
            info = SheetInfo(name=name, visible=not data[start + 4] & 3, table=data[start + 5] == WORKSHEET)
            found.sheets.append((offset, info))
        elif kind == FORMAT and length >= 4:
            at = start if found.version == 4 else start + 2
            number = len(found.formats) if found.version == 4 else _u2(data, start)
            found.formats[number] = strings.format_code(at + (2 if found.version == 4 else 0), start + length)
        elif kind == FORMAT_OLD and length >= 1:
            found.formats[len(found.formats)] = strings.format_code(start, start + length)
        elif kind == XF and length >= 4:
            found.xfs.append(_u2(data, start + 2))
        elif kind in XF_OLD and length > XF_OLD[kind]:
            found.xfs.append(data[start + XF_OLD[kind]] & 0x3F if kind == 0x43 else data[start + 1])
        elif kind == SST:
            found.sst = start - 4

    # ---- a sheet ----

    def read(self, at: int) -> Sheet:
        """Return a sheet's cells."""
        offset, info = self._globals.sheets[at]
        sheet = Sheet()
        with damage_explained(self._payload, info.name):
            version, records = self._walk(offset)
            strings = Strings(self._data, version, self._globals.codepage)
            reader = _SheetReader(self._fields, sheet, strings, self._kinds, version)
            if self._globals.sst is not None and records.get(LABELSST):
                reader.shared(shared_strings(self._data, self._globals.sst), records[LABELSST])
            reader.read(records)
        if strings.guessed is not None and not self.notices:
            message = (
                "The workbook does not say in which code page its texts are, or says it wrongly: letters beyond ASCII "
                f'were read as Windows-1252, as in "{strings.guessed[:SHOWN_LETTERS]}".'
            )
            self.notices.append(Notice(code="CODE_PAGE_GUESSED", message=message))
        return sheet

    def _walk(self, offset: int) -> tuple[int, Records]:
        """Return where each kind of cell record of a sheet begins; embedded charts are passed over."""
        data, size = self._data, len(self._data)
        version = _version(data, offset)
        if self._globals.version >= 5:  # a sheet in a file of version 5 may call itself 8
            version = self._globals.version
        records: Records = {kind: [] for kind in (CELLS_2 if version == 2 else CELLS)}
        cells = {kind: found.append for kind, found in records.items()}
        head = struct.Struct("<HH").unpack_from
        at, depth = offset, 0
        while at + 4 <= size:
            kind, length = head(data, at)
            take = cells.get(kind)
            if take is not None:
                if at + 4 + length > size:
                    break
                if depth == 1:
                    take(at)
            elif kind == BOF_LATER or kind in BOF:
                depth += 1
            elif kind == EOF:
                depth -= 1
                if not depth:
                    return version, records
            at += 4 + length
        raise ValueError("a sheet does not end")


class _SheetReader:
    """Decodes the cell records of one sheet."""

    def __init__(self, fields: Fields, sheet: Sheet, strings: Strings, kinds: NDArray[np.uint8], version: int) -> None:
        self._fields = fields
        self._sheet = sheet
        self._strings = strings
        self._kinds = kinds
        self._old = version == 2
        self._value = 11 if self._old else 10  # bytes from a record's beginning to its value

    def read(self, records: Records) -> None:
        """Add the cells of all records."""
        f = self._fields
        for kind in (NUMBER_REC, NUMBER_2):
            if at := self._at(records, kind, self._old == (kind == NUMBER_2)):
                self._numbers(_array(at), f.f8(_array(at) + self._value))
        if at := records.get(RK, []):
            self._numbers(_array(at), from_rk(f.u4(_array(at) + 10)))
        if at := self._at(records, INTEGER_2, self._old):
            self._numbers(_array(at), f.u2(_array(at) + 11).astype(np.float64))
        if at := records.get(MULRK, []):
            self._several(_array(at))
        for kind in (LABEL, RSTRING, LABEL_2):
            if at := self._at(records, kind, self._old == (kind == LABEL_2)):
                self._texts(at, [self._strings.long(one + self._value, self._end(one)) for one in at])
        for kind in (BOOLERR, BOOLERR_2):
            if at := self._at(records, kind, self._old == (kind == BOOLERR_2)):
                values = f.u1(_array(at) + self._value)
                self._truths_or_errors(_array(at), values, f.u1(_array(at) + self._value + 1) == 1)
        for kind in FORMULAS:
            if at := records.get(kind, []):
                self._formulas(_array(at), records)

    @staticmethod
    def _at(records: Records, kind: int, applies: bool) -> list[int]:
        return records.get(kind, []) if applies else []

    def _end(self, at: int) -> int:
        return at + 4 + int(self._fields.u2(np.array([at + 2]))[0])

    def _place(self, at: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
        f = self._fields
        styles = (f.u1(at + 8) & 0x3F).astype(np.int64) if self._old else f.u2(at + 8).astype(np.int64)
        return f.u2(at + 4).astype(np.int32), f.u2(at + 6).astype(np.int32), styles

    def _numbers(self, at: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        rows, cols, styles = self._place(at)
        self._sheet.add(Block(rows, cols, self._kind_of(styles), values))

    def _kind_of(self, styles: NDArray[np.int64]) -> NDArray[np.uint8]:
        return self._kinds[np.where(styles < len(self._kinds), styles, 0)]

    def _several(self, at: NDArray[np.int64]) -> None:
        """Add the cells of MULRK records ([MS-XLS] 2.4.175), each neighbours in one row."""
        f = self._fields
        counts = (f.u2(at + 2).astype(np.int64) - 6) // 6
        if (counts < 0).any():
            raise ValueError("a record is too short")
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        places = np.repeat(at + 8, counts) + 6 * within
        rows = np.repeat(f.u2(at + 4), counts).astype(np.int32)
        cols = (np.repeat(f.u2(at + 6), counts) + within).astype(np.int32)
        kinds = self._kind_of(f.u2(places).astype(np.int64))
        self._sheet.add(Block(rows, cols, kinds, from_rk(f.u4(places + 2))))

    def shared(self, texts: pa.Array, at: list[int]) -> None:
        """Add the cells that name shared strings; raises ``ValueError`` for one that is not there."""
        rows, cols, _ = self._place(_array(at))
        index = self._fields.u4(_array(at) + 10).astype(np.float64)
        if len(index) and index.max() >= len(texts):
            raise ValueError("a cell names a shared string that is not there")
        start = self._sheet.pool(texts)
        self._sheet.add(Block(rows, cols, np.full(len(at), TEXT, np.uint8), index + start))

    def _texts(self, at: list[int], texts: list[str]) -> None:
        rows, cols, _ = self._place(_array(at))
        start = self._sheet.pool(text_array(texts))
        values = np.arange(start, start + len(at), dtype=np.float64)
        self._sheet.add(Block(rows, cols, np.full(len(at), TEXT, np.uint8), values))

    def _truths_or_errors(self, at: NDArray[np.int64], values: NDArray[np.uint8], wrong: NDArray[np.bool_]) -> None:
        rows, cols, _ = self._place(at)
        start = self._sheet.pool(errors(values[wrong]))
        numbers = (values != 0).astype(np.float64)
        numbers[wrong] = np.arange(start, start + int(wrong.sum()))
        self._sheet.add(Block(rows, cols, np.where(wrong, ERROR, TRUTH).astype(np.uint8), numbers))

    def _formulas(self, at: NDArray[np.int64], records: Records) -> None:
        """Add the cached results of formulas ([MS-XLS] 2.5.133 FormulaValue)."""
        f, value = self._fields, self._value
        special = f.u2(at + value + 6) == 0xFFFF
        kind = np.where(special, f.u1(at + value), 255)
        numbers = at[kind == 255]
        self._numbers(numbers, f.f8(numbers + value))
        flagged = at[(kind == 1) | (kind == 2)]
        self._truths_or_errors(flagged, f.u1(flagged + value + 2), f.u1(flagged + value) == 2)
        texts = at[kind == 0].tolist()
        if texts:
            following = np.array(sorted(records.get(STRING, []) + self._at(records, STRING_2, self._old)), np.int64)
            found = np.searchsorted(following, texts)
            if len(following) == 0 or (found == len(following)).any():
                raise ValueError("a formula lacks its text")
            self._texts(texts, [self._strings.long(one + 4, self._end(one)) for one in following[found].tolist()])
        empty = at[kind == 3]
        if len(empty):
            # Excel writes an empty text like this, and xlwt every formula, because it calculates none.
            self._empty(empty, uncalculated=len(empty) == len(at))

    def _empty(self, at: NDArray[np.int64], *, uncalculated: bool) -> None:
        if not uncalculated:
            self._texts(at.tolist(), [""] * len(at))
            return
        rows, cols, _ = self._place(at)
        self._sheet.add(Block(rows, cols, np.full(len(at), UNCACHED, np.uint8), np.zeros(len(at))))


def _array(at: list[int]) -> NDArray[np.int64]:
    return np.array(at, np.int64)


def _u2(data: bytes, at: int) -> int:
    return data[at] | data[at + 1] << 8


def _version(data: bytes, at: int = 0) -> int:
    """Return the version of BIFF at a beginning of file; raises ``ValueError``."""
    kind = _u2(data, at) if at + 8 <= len(data) else 0
    if kind == BOF_LATER:
        return 8 if _u2(data, at + 4) >= 0x0600 else 5
    if kind in BOF:
        return BOF[kind]
    raise ValueError("a sheet does not begin where the workbook says")


def _stream(payload: Payload) -> bytes:
    """Return the workbook's records: a stream of the OLE file, or the file itself."""
    with payload.open() as file:
        if file.read(8) != olefile.MAGIC:
            return payload.path.read_bytes()
    with olefile.OleFileIO(str(payload.path)) as ole:
        names = {"/".join(entry).lower(): entry for entry in ole.listdir()}
        for name in ("workbook", "book"):
            if name in names:
                return ole.openstream(names[name]).read()
    raise ValueError("it has no workbook stream")
