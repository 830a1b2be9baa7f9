"""The cells of an .xlsx sheet from its XML (ECMA-376 part 1, 18.3.1), a block of rows at a time.

What Excel, openpyxl, LibreOffice and most others write is read by vectors; a block that is written otherwise is
read by ``sheetslow`` and gives the same cells.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.formats.books import numbers
from ingestion.conversion.formats.books.cells import ERROR, EXACT, NUMBER, POOLED, TEXT, TRUTH, UNCACHED, Block
from ingestion.conversion.formats.books.tokens import MASK, Grammar, Tags
from ingestion.conversion.typing.constants import EMPTY, number_array, numbers_of
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHARED, INLINE, BLANK = 100, 101, 255
TYPES = {"n": NUMBER, "": NUMBER, "s": SHARED, "str": TEXT, "inlineStr": INLINE, "b": TRUTH, "e": ERROR}
_ATTRIBUTES = re.compile(rb'(?:\s+[\w:]+="[^"<>]*")*\s*')
_ATTRIBUTE = re.compile(rb'\s([\w:]+)="([^"<>]*)"')
_ROW_R = int.from_bytes(b'row r="', "little")
_CELL_R = int.from_bytes(b'c r="', "little")
_QUOTE, _A, _Z, _ZERO, _NINE = 34, 65, 90, 48, 57
MAX_COL, MAX_ROW = 1 << 14, 1 << 20

GRAMMAR = Grammar(
    tags={
        "row": ("ro",),
        "c": ("c ",),
        "v": ("v>", "v/", "v "),
        "f": ("f>", "f/", "f "),
        "is": ("is",),
        "t": ("t>", "t/", "t "),
        "row.": ("/r",),
        "c.": ("/c",),
        "v.": ("/v",),
        "f.": ("/f",),
        "is.": ("/i",),
        "t.": ("/t",),
    },
    pairs={
        "row": "c c/ row.",
        "row/": "row row/",
        "row.": "row row/",
        "c": "v v/ f f/ is is/ c.",
        "c/": "c c/ row.",
        "c.": "c c/ row.",
        "v": "v.",
        "v.": "c.",
        "v/": "c.",
        "f": "f.",
        "f.": "v v/ c.",
        "f/": "v v/ c.",
        "is": "t t/ is.",
        "is/": "c.",
        "t": "t.",
        "t.": "is.",
        "t/": "is.",
        "is.": "c.",
    },
    first="row row/",
    last="row. row/",
)
_N = GRAMMAR.number


@slotted()
class Found:
    """The cells of one block, their styles, and texts whose positions in the pool are not yet known.

    ``texts`` belong to the cells ``text_at``, in order. A ``SHARED`` cell's value is its number in the table
    of shared strings; an ``EXACT`` cell's value is its double.
    """

    block: Block
    styles: NDArray[np.int32]
    texts: pa.Array
    text_at: NDArray[np.int64]


class FastReader:
    """Reads blocks by vectors; remembers the attributes it has seen, which are few in a sheet."""

    def __init__(self) -> None:
        """Begin without known attributes."""
        self._known: list[tuple[tuple[int, int, int, int], int, int]] = []

    def read(self, data: bytes) -> Found | None:
        """Return the cells of whole rows; None when they are not written in the usual way."""
        tags = GRAMMAR.tags(data)
        if tags is None:
            return None
        try:
            return self._cells(tags)
        except _UnusualError:
            return None

    def _cells(self, tags: Tags) -> Found:
        codes = tags.codes
        is_row = (codes == _N["row"]) | (codes == _N["row/"])
        is_cell = (codes == _N["c"]) | (codes == _N["c/"])
        rows, cells = np.flatnonzero(is_row), np.flatnonzero(is_cell)
        numbers, sizes, digits = _row_numbers(tags, rows)
        mine = np.cumsum(is_row).take(cells) - 1
        starts = tags.opened.take(cells)
        _require(tags.words[starts + 1] & MASK[5] == _CELL_R)
        cols, letters = _columns(tags.words[starts + 6])
        at = starts + 6 + letters
        size = sizes.take(mine) + 1
        _require(tags.words[at] & MASK.take(size) == digits.take(mine))
        ends = tags.closed.take(cells) - (codes.take(cells) == _N["c/"])
        styles, kinds = self._attributes(tags, at + size, ends)
        return _valued(tags, cells, Block(numbers.take(mine), cols, kinds, np.zeros(len(cells))), styles)

    def _attributes(
        self, tags: Tags, starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        """Return style and kind of each cell from the attributes behind its address."""
        sizes = ends - starts
        longest = int(sizes.max(initial=0))
        _require((sizes >= 0).all() and longest <= 24)
        parts = [sizes.astype(np.uint64)]
        for at in range(0, 24, 8):
            if at < longest:
                words = tags.words[np.minimum(starts + at, len(tags.block) - 1)]
                parts.append(words & MASK.take(np.clip(sizes - at, 0, 8)))
        styles, kinds = np.zeros(len(starts), np.int32), np.zeros(len(starts), np.uint8)
        open_ = np.ones(len(starts), bool)
        for known in self._known:
            _assign(known, parts, open_, styles, kinds)
        while open_.any():
            first = int(np.argmax(open_))
            key = [int(part[first]) for part in parts] + [0, 0, 0]
            style, kind = _parsed(tags.block[starts[first] : ends[first]])
            known = ((key[0], key[1], key[2], key[3]), style, kind)
            self._known.append(known)
            _require(len(self._known) < 1000)
            _assign(known, parts, open_, styles, kinds)
        return styles, kinds


class _UnusualError(Exception):
    """The block is not written in the usual way."""


def _require(usual: NDArray[np.bool_] | np.bool_ | bool) -> None:
    if not np.all(usual):
        raise _UnusualError


def _assign(
    known: tuple[tuple[int, int, int, int], int, int],
    parts: list[NDArray[np.uint64]],
    open_: NDArray[np.bool_],
    styles: NDArray[np.int32],
    kinds: NDArray[np.uint8],
) -> None:
    key, style, kind = known
    if any(key[len(parts) :]):
        return
    same = open_.copy()
    for part, value in zip(parts, key, strict=False):
        same &= part == value
    styles[same], kinds[same] = style, kind
    open_ ^= same


def _parsed(text: bytes) -> tuple[int, int]:
    if not _ATTRIBUTES.fullmatch(text):
        raise _UnusualError
    given = {name: value.decode() for name, value in _ATTRIBUTE.findall(text)}
    kind, style = given.get(b"t", ""), given.get(b"s", "0")
    if kind not in TYPES or not style.isdigit():
        raise _UnusualError
    return int(style), TYPES[kind]


def _row_numbers(
    tags: Tags, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.uint64]]:
    """Return each row's number from 0, how many digits it has, and these with the quote behind them."""
    starts = tags.opened[rows]
    _require(tags.words[starts + 1] & MASK[7] == _ROW_R)
    words = tags.words[starts + 8]
    numbers, sizes = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    going = np.ones(len(rows), bool)
    for at in range(8):
        byte = (words >> np.uint64(8 * at)) & np.uint64(255)
        digit = (byte >= _ZERO) & (byte <= _NINE)
        ended = going & (byte == _QUOTE)
        going &= digit
        numbers = np.where(going, numbers * 10 + (byte.astype(np.int64) - _ZERO), numbers)
        sizes += going
        if at and ended.all():
            break
    _require((sizes > 0) & (numbers >= 1) & (numbers <= MAX_ROW))
    digits = words & MASK.take(sizes + 1)
    _require((digits >> (8 * sizes).astype(np.uint64)) == _QUOTE)
    return (numbers - 1).astype(np.int32), sizes, digits


def _columns(words: NDArray[np.uint64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return each address's column from 0 and how many letters it has."""
    byte = [((words >> np.uint64(8 * at)) & np.uint64(255)).astype(np.int32) for at in range(3)]
    _require((byte[0] >= _A) & (byte[0] <= _Z))
    two = (byte[1] >= _A) & (byte[1] <= _Z)
    three = two & (byte[2] >= _A) & (byte[2] <= _Z)
    cols = byte[0] - 64
    cols = np.where(two, cols * 26 + byte[1] - 64, cols)
    cols = np.where(three, cols * 26 + byte[2] - 64, cols) - 1
    _require(cols < MAX_COL)
    return cols.astype(np.int32), 1 + two.astype(np.int64) + three


def _valued(tags: Tags, cells: NDArray[np.int64], block: Block, styles: NDArray[np.int32]) -> Found:
    """Fill in the values; leave out cells without one."""
    codes, kinds, values = tags.codes, block.kinds, block.values
    index = np.full(len(codes) + 1, -1, np.int32)
    index[cells] = np.arange(len(cells), dtype=np.int32)
    owner = np.maximum.accumulate(index[:-1])
    has_formula = np.zeros(len(cells), bool)
    has_formula[owner[(codes == _N["f"]) | (codes == _N["f/"])]] = True
    starts = np.full(len(cells), -1, np.int64)
    ends = np.full(len(cells), -1, np.int64)
    inline = kinds == INLINE
    for name, of_inline in (("v", False), ("t", True)):
        found = np.flatnonzero(codes == _N[name])
        mine = owner.take(found)
        _require(inline.take(mine) == of_inline)
        starts[mine], ends[mine] = tags.closed.take(found) + 1, tags.opened.take(found + 1)
    empty = np.flatnonzero((codes == _N["v/"]) | (codes == _N["t/"]))
    starts[owner[empty]] = ends[owner[empty]] = 0
    full = ends > starts
    textual = (kinds == TEXT) | inline
    dead = has_formula & ~full & (~textual | (starts < 0))
    kinds = np.where(dead, UNCACHED, np.where(full | (textual & (starts >= 0)), kinds, BLANK)).astype(np.uint8)
    counted = np.flatnonzero((kinds == NUMBER) | (kinds == SHARED))
    written, values[counted] = _floats(tags, starts.take(counted), ends.take(counted))
    kinds[counted[numbers.exact(written, values[counted])]] = EXACT
    truths = np.flatnonzero(kinds == TRUTH)
    values[truths] = _truths(tags, starts[truths], ends[truths])
    kinds[kinds == INLINE] = TEXT
    keep = kinds != BLANK
    texts_at = np.flatnonzero(np.isin(kinds, POOLED))
    blank = ends.take(texts_at) <= starts.take(texts_at)
    text_starts = np.where(blank, 0, starts.take(texts_at))
    texts = _texts(tags, text_starts, np.where(blank, 0, ends.take(texts_at)), blank)
    position = np.cumsum(keep) - 1
    kept = Block(block.rows[keep], block.cols[keep], kinds[keep], values[keep])
    return Found(kept, styles[keep], texts, position[texts_at])


def _texts(tags: Tags, starts: NDArray[np.int64], ends: NDArray[np.int64], blank: NDArray[np.bool_]) -> pa.Array:
    if not blank.any():
        return tags.texts(starts, ends)
    texts = tags.texts(starts[~blank], ends[~blank])
    where = np.cumsum(~blank) - 1
    return pc.fill_null(pc.take(texts, number_array(where, missing=blank)), EMPTY)


def _floats(tags: Tags, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[pa.Array, NDArray[np.float64]]:
    written = tags.slices(starts, ends)
    try:
        return written, numbers_of(pc.cast(written, pa.float64()))
    except pa.ArrowInvalid:
        raise _UnusualError from None


def _truths(tags: Tags, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    _require(ends - starts == 1)
    digit = tags.words[starts] & MASK[1]
    _require((digit == _ZERO) | (digit == _ZERO + 1))
    return (digit - np.uint64(_ZERO)).astype(np.float64)
