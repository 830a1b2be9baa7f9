"""Binary workbooks (.xlsb): the parts of an .xlsx, but in records ([MS-XLSB]) in the place of XML."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from ingestion.conversion.formats.books.cells import ERROR, NUMBER, TEXT, TRUTH, Block, Sheet, SheetInfo
from ingestion.conversion.formats.books.numberformats import kinds_of
from ingestion.conversion.formats.books.parts import Parts, damage_explained
from ingestion.conversion.formats.books.records import Fields, errors, from_rk
from ingestion.conversion.formats.books.xlsx import main_part, of_kind, relations
from ingestion.conversion.typing.constants import text_array

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ingestion.conversion.formats.books.cells import Epoch
    from ingestion.conversion.unpack import Payload
    from ingestion.conversion.values import Notice

ROW, CELL_RK, CELL_ERROR, CELL_BOOL, CELL_REAL, CELL_TEXT, CELL_SHARED = 0, 2, 3, 4, 5, 6, 7
FORMULA_TEXT, FORMULA_NUMBER, FORMULA_BOOL, FORMULA_ERROR, CELL_RICH = 8, 9, 10, 11, 62
SHARED_ITEM, FORMAT, XF = 19, 44, 47
BUNDLE_SHEET, WORKBOOK_PROPERTIES, BEGIN_CELL_XFS, END_CELL_XFS = 156, 153, 617, 618
BEGIN_DATA, END_DATA = 145, 146
CELLS = {2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 62}


class XlsbBook:
    """An open .xlsb workbook."""

    default = 0
    typed_texts = False

    def __init__(self, payload: Payload) -> None:
        """Read the list of sheets and the styles; raises ``BrokenFile`` or ``PasswordProtected``."""
        self.notices: list[Notice] = []
        self.epoch: Epoch = "1900"
        self._payload = payload
        self._parts = Parts(payload)
        listed: list[tuple[str, SheetInfo]] = []
        with damage_explained(payload):
            main = main_part(self._parts)
            related = relations(self._parts, main)
            data = self._parts.read(main)
            for kind, at, end in _records(data):
                if kind == WORKBOOK_PROPERTIES and data[at] & 1:
                    self.epoch = "1904"
                elif kind == BUNDLE_SHEET:
                    relation, after = _text(data, at + 8)
                    name, _ = _text(data, after)
                    target_kind, target = related.get(relation, ("", ""))
                    info = SheetInfo(name=name, visible=not data[at], table=target_kind.endswith("/worksheet"))
                    listed.append((target, info))
                del end
            self._kinds = self._styles(of_kind(related, "/styles"))
        self._targets = [target for target, _ in listed]
        self.sheets = tuple(info for _, info in listed)
        self._shared_part = of_kind(related, "/sharedStrings")

    def _styles(self, part: str | None) -> NDArray[np.uint8]:
        ids: list[int] = []
        codes: dict[int, str] = {}
        if part is not None and part in self._parts:
            data, within = self._parts.read(part), False
            for kind, at, _ in _records(data):
                if kind == FORMAT:
                    codes[_u2(data, at)], _ = _text(data, at + 2)
                elif kind in {BEGIN_CELL_XFS, END_CELL_XFS}:
                    within = kind == BEGIN_CELL_XFS
                elif kind == XF and within:
                    ids.append(_u2(data, at + 2))
        return np.array(kinds_of(ids, codes) or [NUMBER], np.uint8)

    def read(self, at: int) -> Sheet:
        """Return a sheet's cells."""
        sheet = Sheet()
        with damage_explained(self._payload, self.sheets[at].name):
            with self._parts.open(self._targets[at]) as stream:
                data = stream.read()
            records, rows = _cells(data)
            fields = Fields(data)
            if records[CELL_SHARED]:
                self._shared(sheet, fields, _array(records[CELL_SHARED]), _array(rows[CELL_SHARED]))
            self._numbers(sheet, fields, records, rows)
            self._others(sheet, fields, records, rows)
            for kind, extra in ((CELL_TEXT, 8), (FORMULA_TEXT, 8), (CELL_RICH, 9)):
                if records[kind]:
                    texts = text_array([_text(data, one + extra)[0] for one in records[kind]])
                    start = sheet.pool(texts)
                    values = np.arange(start, start + len(texts), dtype=np.float64)
                    _add(sheet, fields, (records[kind], rows[kind]), TEXT, values)
        return sheet

    def _shared(self, sheet: Sheet, fields: Fields, at: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
        texts: list[str] = []
        if self._shared_part is not None and self._shared_part in self._parts:
            with self._parts.open(self._shared_part) as stream:
                data = stream.read()
            texts = [_text(data, start + 1)[0] for kind, start, _ in _records(data) if kind == SHARED_ITEM]
        index = fields.u4(at + 8).astype(np.float64)
        if index.max() >= len(texts):
            raise ValueError("a cell names a shared string that is not there")
        start = sheet.pool(text_array(texts))
        _add(sheet, fields, (at.tolist(), rows.tolist()), TEXT, index + start)

    def _numbers(self, sheet: Sheet, fields: Fields, records: _Found, rows: _Found) -> None:
        for kind in (CELL_RK, CELL_REAL, FORMULA_NUMBER):
            if records[kind]:
                at = _array(records[kind])
                values = from_rk(fields.u4(at + 8)) if kind == CELL_RK else fields.f8(at + 8)
                styles = fields.u4(at + 4) & 0xFFFFFF
                kinds = self._kinds[np.where(styles < len(self._kinds), styles, 0)]
                _add(sheet, fields, (records[kind], rows[kind]), kinds, values)

    @staticmethod
    def _others(sheet: Sheet, fields: Fields, records: _Found, rows: _Found) -> None:
        for kind in (CELL_BOOL, FORMULA_BOOL):
            if records[kind]:
                truths = (fields.u1(_array(records[kind]) + 8) != 0).astype(np.float64)
                _add(sheet, fields, (records[kind], rows[kind]), TRUTH, truths)
        for kind in (CELL_ERROR, FORMULA_ERROR):
            if records[kind]:
                codes = fields.u1(_array(records[kind]) + 8)
                start = sheet.pool(errors(codes))
                values = np.arange(start, start + len(codes), dtype=np.float64)
                _add(sheet, fields, (records[kind], rows[kind]), ERROR, values)


_Found = dict[int, list[int]]


def _add(
    sheet: Sheet,
    fields: Fields,
    where: tuple[list[int], list[int]],
    kinds: NDArray[np.uint8] | int,
    values: NDArray[np.float64],
) -> None:
    at, rows = _array(where[0]), _array(where[1]).astype(np.int32)
    cols = fields.u4(at).astype(np.int32)
    if len(cols) and (cols.max() >= 1 << 14 or cols.min() < 0):
        raise ValueError("a cell lies outside the sheet")
    kinds = np.full(len(at), kinds, np.uint8) if isinstance(kinds, int) else kinds
    sheet.add(Block(rows, cols, kinds, values))


def _cells(data: bytes) -> tuple[_Found, _Found]:
    """Return where the cells of each kind begin, and the rows they stand in; raises ``ValueError``."""
    records: _Found = defaultdict(list)
    rows: _Found = defaultdict(list)
    row, within = -1, False
    for kind, at, end in _records(data):
        if kind in CELLS and within and end - at >= 8:
            records[kind].append(at)
            rows[kind].append(row)
        elif kind == ROW and within:
            row = int.from_bytes(data[at : at + 4], "little")
        elif kind == BEGIN_DATA:
            within = True
        elif kind == END_DATA:
            return records, rows
    raise ValueError("the sheet's data does not end")


def _records(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield each record's kind, beginning and end ([MS-XLSB] 2.1.4)."""
    at, size = 0, len(data)
    while at < size:
        kind = data[at]
        at += 1
        if kind & 0x80 and at < size:
            kind = (kind & 0x7F) | data[at] << 7
            at += 1
        length = shift = 0
        while at < size:
            byte = data[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 or shift > 21:
                break
        if at + length > size:
            raise ValueError("a record is cut off")
        yield kind, at, at + length
        at += length


def _text(data: bytes, at: int) -> tuple[str, int]:
    """Return an XLWideString and the position behind it."""
    count = int.from_bytes(data[at : at + 4], "little")
    if count == 0xFFFFFFFF:
        return "", at + 4
    end = at + 4 + 2 * count
    if end > len(data):
        raise ValueError("a text is cut off")
    return data[at + 4 : end].decode("utf-16-le", "replace"), end


def _array(values: list[int]) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def _u2(data: bytes, at: int) -> int:
    return data[at] | data[at + 1] << 8
