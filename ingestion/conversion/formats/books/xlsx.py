"""Workbooks of ECMA-376 (.xlsx, .xlsm, .xltx ...), transitional and strict: what sheets there are, and their cells."""

from __future__ import annotations

import posixpath
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.formats.books.cells import EXACT, NUMBER, TEXT, Block, Sheet, SheetInfo
from ingestion.conversion.formats.books.numberformats import kinds_of
from ingestion.conversion.formats.books.parts import (
    Parts,
    attribute,
    children,
    damage_explained,
    elements,
    local,
    parsed,
)
from ingestion.conversion.formats.books.sheetslow import SharedReader, SlowReader
from ingestion.conversion.formats.books.sheetxml import SHARED, FastReader, Found
from ingestion.conversion.formats.books.tokens import Grammar, spreadsheet_text
from ingestion.conversion.formats.books.xmlstream import fragment
from ingestion.conversion.typing.constants import EMPTY, number_array, text_array

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.conversion.formats.books.cells import Epoch
    from ingestion.conversion.unpack import Payload
    from ingestion.conversion.values import Notice

AHEAD = 3
_TRUE = {"1", "true", "on"}
_SHARED = Grammar(
    tags={"si": ("si",), "t": ("t>", "t ", "t/"), "t.": ("/t",), "si.": ("/s",)},
    pairs={"si": "t t/ si.", "si/": "si si/", "t": "t.", "t.": "si.", "t/": "si.", "si.": "si si/"},
    first="si si/",
    last="si. si/",
)


class XlsxBook:
    """An open .xlsx workbook."""

    default = 0
    typed_texts = False

    def __init__(self, payload: Payload) -> None:
        """Read the list of sheets and the styles; raises ``BrokenFile`` or ``PasswordProtected``."""
        self.notices: list[Notice] = []
        self._payload = payload
        self._parts = Parts(payload)
        with damage_explained(payload):
            self._main = main_part(self._parts)
            related = relations(self._parts, self._main)
            root = parsed(self._parts.read(self._main))
            properties = children(root, "workbookPr")
            old_mac = any((attribute(entry, "date1904") or "").lower() in _TRUE for entry in properties)
            self.epoch: Epoch = "1904" if old_mac else "1900"
            listed = [entry for group in children(root, "sheets") for entry in children(group, "sheet")]
            self._targets = [related.get(_relation(entry), ("", "")) for entry in listed]
            self.sheets = tuple(
                SheetInfo(
                    name=attribute(entry, "name") or "",
                    visible=(attribute(entry, "state") or "visible") == "visible",
                    table=kind.endswith("/worksheet"),
                )
                for entry, (kind, _) in zip(listed, self._targets, strict=True)
            )
            self._kinds = self._styles(of_kind(related, "/styles"))
        self._shared_part = of_kind(related, "/sharedStrings")
        self._shared: pa.Array | None = None

    def _styles(self, part: str | None) -> np.ndarray:
        """Return the kind of number that each cell format shows."""
        if part is None or part not in self._parts:
            return np.zeros(1, np.uint8)
        root = parsed(self._parts.read(part))
        codes = {
            int(attribute(entry, "numFmtId") or 0): attribute(entry, "formatCode") or ""
            for group in children(root, "numFmts")
            for entry in children(group, "numFmt")
        }
        formats = [entry for group in children(root, "cellXfs") for entry in children(group, "xf")]
        ids = [int(attribute(entry, "numFmtId") or 0) for entry in formats]
        return np.array(kinds_of(ids, codes) or [NUMBER], np.uint8)

    def read(self, at: int) -> Sheet:
        """Return a sheet's cells."""
        sheet = Sheet()
        with damage_explained(self._payload, self.sheets[at].name):
            if self._shared is None:
                self._shared = pa.concat_arrays([pa.nulls(0, pa.string()), *self._shared_strings()])
            sheet.pool(self._shared)
            with self._parts.open(self._targets[at][1]) as stream, ThreadPoolExecutor(2) as pool:
                for found in self._found(stream, pool):
                    self._add(found, sheet)
        return sheet

    def _found(self, stream: Any, pool: ThreadPoolExecutor) -> Iterator[Found]:
        """Read blocks by vectors, a few at a time, and those that are unusual one after the other."""
        slow, last_row = SlowReader(self.epoch), -1
        fast = FastReader()
        waiting: deque[tuple[bytes, Future[Found | None]]] = deque()
        source = elements(stream, "sheetData", "row")
        ended = False
        while not ended or waiting:
            while not ended and len(waiting) < AHEAD:
                data = next(source, None)
                ended = data is None
                if data is not None:
                    waiting.append((data, pool.submit(fast.read, data)))
            if waiting:
                data, result = waiting.popleft()
                found = result.result() or slow.read(data, last_row)
                last_row = int(found.block.rows[-1]) if len(found.block.rows) else last_row
                yield found

    def _add(self, found: Found, sheet: Sheet) -> None:
        """Give numbers the kind of their format, and texts their position in the pool."""
        block = found.block
        kinds, values = block.kinds, block.values
        shared = kinds == SHARED
        if shared.any():
            count = len(self._shared) if self._shared is not None else 0
            if (values[shared] >= count).any():
                raise ValueError("a cell names a shared string that is not there")
            kinds[shared] = TEXT
        shown = self._kinds.take(np.where(found.styles < len(self._kinds), found.styles, 0))
        kinds[(kinds == EXACT) & (shown != NUMBER)] = NUMBER  # a date or time is no more exact than its double
        if len(found.text_at):
            start = sheet.pool(found.texts)
            pooled = kinds[found.text_at] != NUMBER
            values[found.text_at[pooled]] = np.flatnonzero(pooled) + start
        sheet.add(Block(block.rows, block.cols, np.where(kinds == NUMBER, shown, kinds), values))

    def _shared_strings(self) -> Iterator[pa.Array]:
        if self._shared_part is None or self._shared_part not in self._parts:
            return
        with self._parts.open(self._shared_part) as stream:
            for data in elements(stream, "sst", "si"):
                texts = shared_fast(data)
                yield shared_slow(data) if texts is None else texts


def shared_fast(data: bytes) -> pa.Array | None:
    """Return the shared strings of a block; None where they have runs or are otherwise unusual."""
    tags = _SHARED.tags(data)
    if tags is None:
        return None
    codes, number = tags.codes, _SHARED.number
    full = np.flatnonzero(codes == number["t"])
    texts = tags.texts(tags.closed[full] + 1, tags.opened[full + 1])
    is_item = (codes == number["si"]) | (codes == number["si/"])
    count = int(is_item.sum())
    if count == len(full):
        return texts
    owner = (np.cumsum(is_item) - 1)[full]
    where = np.full(count, -1)
    where[owner] = np.arange(len(full))
    return pc.fill_null(pc.take(texts, number_array(where, missing=where < 0)), EMPTY)


def shared_slow(data: bytes) -> pa.Array:
    """Return the shared strings of a block, one element at a time."""
    reader = SharedReader()
    fragment(data, reader)
    return text_array([spreadsheet_text(text) for text in reader.found])


# ---- parts and relations ----


def main_part(parts: Parts) -> str:
    """Return the workbook's own part, as the package says, or under its usual name."""
    if "_rels/.rels" in parts:
        found = of_kind(relations(parts, ""), "/officeDocument")
        if found and found in parts:
            return found
    for usual in ("xl/workbook.xml", "xl/workbook.bin"):
        if usual in parts:
            return usual
    raise ValueError("the package has no workbook")


def relations(parts: Parts, source: str) -> dict[str, tuple[str, str]]:
    """Return kind and target of every relation of a part, by its identifier."""
    folder, name = posixpath.split(source)
    path = posixpath.join(folder, "_rels", f"{name}.rels")
    if path not in parts:
        return {}
    found = {}
    for entry in parsed(parts.read(path)):
        if local(entry) == "Relationship":
            target = (attribute(entry, "Target") or "").replace("\\", "/")
            whole = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            found[attribute(entry, "Id") or ""] = (attribute(entry, "Type") or "", whole)
    return found


def of_kind(related: dict[str, tuple[str, str]], ending: str) -> str | None:
    """Return the target of the first relation whose kind ends so."""
    return next((target for kind, target in related.values() if kind.endswith(ending)), None)


def _relation(entry: Any) -> str:
    """Return a sheet's relation: the attribute ``id`` in the name space of relations, not ``sheetId``."""
    return next((value for key, value in entry.attrib.items() if key.endswith("}id")), "")
