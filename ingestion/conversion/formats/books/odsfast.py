"""The cells of an OpenDocument table from its XML (OpenDocument 1.3 part 3, 9.1), a block of rows at a time.

What LibreOffice and most others write is read by vectors. Within a block, a cell of an unusual form is read by
``odscells`` alone; a block that is written otherwise altogether is left to the exact parser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.formats.books import numbers
from ingestion.conversion.formats.books.cells import (
    DATE,
    EXACT,
    MAX_CELLS,
    MAX_COLS,
    MAX_ROWS,
    NUMBER,
    TEXT,
    TRUTH,
    UNCACHED,
    Block,
)
from ingestion.conversion.formats.books.odscells import Told, date_of, time_of, told_one_by_one
from ingestion.conversion.formats.books.tokens import MASK, LongGrammar, Tags
from ingestion.conversion.typing.constants import number_array, numbers_of, text_array
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Places = NDArray[np.int64]
    Flags = NDArray[np.bool_]

_BLANK = 255
_DAY_ZERO = 25_569  # days from 1899-12-30 to 1970-01-01
_FIRST_DAY = -719_162  # 0001-01-01, from 1970
_ISO_DAY = 10
_QUOTE, _APOSTROPHE, _EQUALS, _HASH, _ZERO, _NINE, _E = 34, 39, 61, 35, 48, 57, 69
_INSIDE = "s s/ tab tab/ br br/ span span/ a a/ p. span. a."
_CELL = "cell cell/ cov cov/ row."

GRAMMAR = LongGrammar(
    tags={
        "row": "table:table-row",
        "cell": "table:table-cell",
        "cov": "table:covered-table-cell",
        "p": "text:p",
        "s": "text:s",
        "tab": "text:tab",
        "br": "text:line-break",
        "span": "text:span",
        "a": "text:a",
        "row.": "/table:table-row",
        "cell.": "/table:table-cell",
        "cov.": "/table:covered-table-cell",
        "p.": "/text:p",
        "span.": "/text:span",
        "a.": "/text:a",
    },
    pairs={
        "row": _CELL,
        "row/": "row row/",
        "row.": "row row/",
        "cell": "p p/ cell.",
        "cov": "p p/ cov.",
        **dict.fromkeys(["cell/", "cov/", "cell.", "cov."], _CELL),
        **dict.fromkeys(["p", "s/", "tab/", "br/", "span", "span/", "a", "a/", "span.", "a."], _INSIDE),
        **dict.fromkeys(["p.", "p/"], "p p/ cell. cov."),
    },
    first="row row/",
    last="row. row/",
)
_N = GRAMMAR.number
_WITHIN = [_N[name] for name in _INSIDE.split() if name != "p."]

# The last eight bytes of an attribute's name, and those before them with the number of them that count.
_NAMES = {
    "type": (b"lue-type", b"ffice:va", 8),
    "shown type": (b"lue-type", b"lcext:va", 8),
    "value": (b"ce:value", b" offi", 5),
    "string": (b"ng-value", b"ice:stri", 8),
    "date": (b"te-value", b"ffice:da", 8),
    "time": (b"me-value", b"ffice:ti", 8),
    "truth": (b"an-value", b"ce:boole", 8),
    "formula": (b":formula", b"table", 5),
    "columns": (b"repeated", b"columns-", 8),
    "rows": (b"repeated", b"er-rows-", 8),
}
_TYPES = {"float": 0, "percentage": 0, "currency": 0, "string": 1, "date": 2, "time": 3, "boolean": 4}
_NO_TYPE, _ODD_TYPE = 5, 6
_NUMBER, _STRING, _DATE, _TIME, _TRUTH = range(5)


class UnusualError(Exception):
    """The block is not written in the usual way."""


@slotted()
class Rows:
    """Some rows of a table: their filled cells, counted from the first row, the texts, and how many rows they are.

    The value of a cell with a text is the text's place in ``texts``.
    """

    block: Block
    texts: pa.Array
    count: int


def read_rows(data: bytes, first: int) -> Rows | None:
    """Return the cells of whole rows, the first of which is that of the number ``first``.

    None when they are not written in the usual way.
    """
    tags = None if b"\r" in data else GRAMMAR.tags(data)
    if tags is None:
        return None
    try:
        return _Reading(tags).rows(first)
    except UnusualError:
        return None


def are_rows(data: bytes) -> bool:
    """Tell whether XML is whole rows and nothing else, so that it may be passed over."""
    return GRAMMAR.tags(data) is not None


def _require(usual: Flags | np.bool_ | bool) -> None:
    if not np.all(usual):
        raise UnusualError


class _Reading:
    """A block on its way from tags to cells."""

    def __init__(self, tags: Tags) -> None:
        self._tags = tags
        codes = tags.codes
        self._is_row = (codes == _N["row"]) | (codes == _N["row/"])
        is_cell = (codes == _N["cell"]) | (codes == _N["cell/"]) | (codes == _N["cov"]) | (codes == _N["cov/"])
        self._row_tags, self._cell_tags = np.flatnonzero(self._is_row), np.flatnonzero(is_cell)
        self._row_of = np.cumsum(self._is_row).take(self._cell_tags) - 1
        index = np.full(len(codes), -1, np.int64)
        index[self._cell_tags] = np.arange(len(self._cell_tags))
        self._own = index
        self._owner = np.maximum.accumulate(index)
        self._found = self._attributes()

    # ---- attributes ----

    def _attributes(self) -> dict[str, tuple[Places, Places, Places]]:
        """Return for each known name the tags that have the attribute, and where its value begins and ends."""
        tags = self._tags
        raw = np.frombuffer(tags.block, np.uint8)
        quotes, tag_of = self._inside(np.flatnonzero(raw == _QUOTE))
        begins, ends, mine = quotes[0::2], quotes[1::2], tag_of[0::2]
        _require(len(begins) == len(ends))
        _require(mine == tag_of[1::2])
        _require(raw.take(begins - 1) == _EQUALS)
        behind = raw.take(ends + 1)
        _require((behind <= 32) | (behind == 47) | (behind == 62))
        if b"'" in tags.block:  # which may enclose values too
            apostrophes, _ = self._inside(np.flatnonzero(raw == _APOSTROPHE))
            _require(np.searchsorted(quotes, apostrophes) & 1 == 1)
        names = tags.words.take(begins - 9)
        before = tags.words.take(np.maximum(begins - 17, 0))
        found, told = {}, np.zeros(len(begins), bool)
        known = np.zeros(len(begins), bool)
        for name, (last, first, count) in _NAMES.items():
            same = names == _word(last)
            known |= same
            same &= before >> np.uint64(8 * (8 - count)) == _word(first)
            told |= same
            at = np.flatnonzero(same)
            found[name] = mine.take(at), begins.take(at) + 1, ends.take(at)
        _require(known == told)
        return found

    def _inside(self, places: Places) -> tuple[Places, Places]:
        """Return those places that are inside tags, and the tags."""
        tag_of = np.searchsorted(self._tags.opened, places) - 1
        inside = places < self._tags.closed.take(tag_of)
        return places[inside], tag_of[inside]

    def _spans(self, name: str) -> tuple[Places, Places]:
        """Return where each cell's attribute begins and ends; -1 for a cell without it."""
        mine, begins, ends = self._found[name]
        cells = self._own.take(mine)
        _require(cells >= 0)
        spans = np.full((2, len(self._cell_tags)), -1, np.int64)
        spans[0, cells], spans[1, cells] = begins, ends
        _require(np.count_nonzero(spans[0] >= 0) == len(cells))
        return spans[0], spans[1]

    def _counts(self, name: str, tags: Places) -> Places:
        """Return how often each row or cell is repeated."""
        counts = np.ones(len(self._own), np.int64)
        mine, begins, ends = self._found[name]
        if len(mine):
            counts[mine] = self._cast(self._tags.slices(begins, ends), pa.int32())
            _require(counts >= 0)
            _require(np.isin(mine, tags, assume_unique=True))
        return counts.take(tags)

    @staticmethod
    def _cast(texts: pa.Array, kind: pa.DataType) -> NDArray[np.float64]:
        try:
            return numbers_of(pc.cast(texts, kind))
        except pa.ArrowInvalid:
            raise UnusualError from None

    # ---- cells ----

    def rows(self, first: int) -> Rows:
        """Return the rows."""
        repeats = self._counts("rows", self._row_tags)
        numbers_ = np.cumsum(repeats) - repeats
        kinds, values, texts = self._cells()
        wide = self._counts("columns", self._cell_tags)
        cols = np.cumsum(wide) - wide
        row_of = self._row_of
        begins = np.full(len(self._row_tags), 0, np.int64)
        new = np.flatnonzero(np.diff(row_of, prepend=-1))
        begins[row_of[new]] = cols[new]
        cols = cols - begins.take(row_of)
        filled = np.flatnonzero(kinds != _BLANK)
        rows, cols, wide = row_of.take(filled), cols.take(filled), wide.take(filled)
        high = repeats.take(rows)
        _require(cols + wide <= MAX_COLS)
        rows = numbers_.take(rows)
        _require(first + rows + high <= MAX_ROWS)
        _require(int((wide * high).sum()) <= MAX_CELLS)
        once = Block((rows + first).astype(np.int32), cols.astype(np.int32), kinds.take(filled), values.take(filled))
        return Rows(_repeated(once, wide, high), texts, int(repeats.sum()))

    def _cells(self) -> tuple[NDArray[np.uint8], NDArray[np.float64], pa.Array]:
        """Return the kind and the value of each cell, and the texts."""
        spans = {name: self._spans(name) for name in _NAMES if name not in {"rows", "columns"}}
        starts, ends, odd, shown = self._shown()
        kind = self._types(spans)
        odd |= kind == _ODD_TYPE
        formula = spans["formula"][0] >= 0
        first = np.where(ends > starts, self._tags.words.take(np.maximum(starts, 0)) & np.uint64(0xFFFF), np.uint64(0))
        head, then = first & np.uint64(0xFF), first >> np.uint64(8)
        odd |= formula & ((head == _HASH) | (head == _E))  # perhaps an error
        zeros = (head == _ZERO) & (then >= _ZERO) & (then <= _NINE) & (ends - starts > 1)
        odd |= (kind == _NUMBER) & zeros
        for name, one in (("value", _NUMBER), ("date", _DATE), ("time", _TIME), ("truth", _TRUTH)):
            odd |= (kind == one) & (spans[name][0] < 0)
        said = spans["string"][0] >= 0
        if said.any() and (b"\n" in self._tags.block or b"\t" in self._tags.block):
            odd |= said  # an attribute's line break is a blank
        pool = _Pool(len(kind))
        textual = (kind == _STRING) & said & ~odd
        pool.put(TEXT, textual, self._texts(*spans["string"], textual))
        textual = ~odd & np.where(kind == _NO_TYPE, shown & (ends > starts), (kind == _STRING) & ~said)
        pool.put(TEXT, textual, self._texts(starts, ends, textual))
        pool.kinds[(kind == _NO_TYPE) & ~odd & formula & (pool.kinds == _BLANK)] = UNCACHED
        self._numbers(pool, (kind == _NUMBER) & ~odd, *spans["value"])
        self._days(pool, (kind == _DATE) & ~odd, *spans["date"])
        pool.told((kind == _TIME) & ~odd, map(time_of, self._list(*spans["time"], (kind == _TIME) & ~odd)))
        truths = np.flatnonzero((kind == _TRUTH) & ~odd)
        pool.kinds[truths] = TRUTH
        pool.values[truths] = [text == "true" for text in self._list(*spans["truth"], (kind == _TRUTH) & ~odd)]
        pool.told(odd, self._one_by_one(np.flatnonzero(odd)))
        return pool.kinds, pool.values, pool.texts()

    def _shown(self) -> tuple[Places, Places, Flags, Flags]:
        """Return where each cell's only text begins and ends, which cells have others, and which show any at all."""
        tags, count = self._tags, len(self._cell_tags)
        full = np.flatnonzero(tags.codes == _N["p"])
        bare = self._owner.take(np.flatnonzero(tags.codes == _N["p/"]))
        mine = self._owner.take(full)
        starts, ends = np.zeros(count, np.int64), np.zeros(count, np.int64)
        starts[mine], ends[mine] = tags.closed.take(full) + 1, tags.opened.take(full + 1)
        texts = np.bincount(mine, minlength=count) + np.bincount(bare, minlength=count)
        odd = texts > 1
        odd[self._owner.take(np.flatnonzero(np.isin(tags.codes, _WITHIN)))] = True
        return starts, ends, odd, texts > 0

    def _types(self, spans: dict[str, tuple[Places, Places]]) -> NDArray[np.uint8]:
        """Return what each cell says it holds; odd where the two attributes that say so do not agree."""
        (begins, ends), (again, again_ends) = spans["type"], spans["shown type"]
        words, sizes = self._words(begins, ends)
        kinds = np.where(begins < 0, _NO_TYPE, _ODD_TYPE).astype(np.uint8)
        for name, kind in _TYPES.items():
            kinds[(words == _word(name.encode()[:8])) & (sizes == len(name))] = kind
        same_words, same_sizes = self._words(again, again_ends)
        kinds[(again >= 0) & ((same_words != words) | (same_sizes != sizes))] = _ODD_TYPE
        return kinds

    def _words(self, begins: Places, ends: Places) -> tuple[NDArray[np.uint64], Places]:
        """Return the first eight bytes, at most, of what stands between places, and its size."""
        sizes = ends - begins
        return self._tags.words.take(np.maximum(begins, 0)) & MASK.take(np.clip(sizes, 0, 8)), sizes

    def _texts(self, starts: Places, ends: Places, chosen: Flags) -> pa.Array:
        at = np.flatnonzero(chosen)
        starts, ends = starts.take(at), ends.take(at)
        blank = ends <= starts
        if not blank.any():
            return self._tags.texts(starts, ends, plain=True)
        texts = self._tags.texts(starts[~blank], ends[~blank], plain=True)
        where = np.cumsum(~blank) - 1
        return pc.fill_null(pc.take(texts, number_array(where, missing=blank)), text_array([""])[0])

    def _list(self, starts: Places, ends: Places, chosen: Flags) -> list[str]:
        return self._tags.texts(starts[chosen], ends[chosen], plain=True).to_pylist()

    def _numbers(self, pool: _Pool, chosen: Flags, starts: Places, ends: Places) -> None:
        """Put in the numbers; those with more digits than a double holds as they are written."""
        at = np.flatnonzero(chosen)
        texts = self._tags.slices(starts.take(at), ends.take(at))
        values = self._cast(texts, pa.float64())
        _require(np.isfinite(values))
        pool.kinds[at], pool.values[at] = NUMBER, values
        exact = np.zeros(len(chosen), bool)
        exact[at[numbers.exact(texts, values)]] = True
        pool.put(EXACT, exact, self._texts(starts, ends, exact))

    def _days(self, pool: _Pool, chosen: Flags, starts: Places, ends: Places) -> None:
        """Put in the dates: days by vectors, and whatever else may stand there one by one."""
        at = np.flatnonzero(chosen & (ends - starts == _ISO_DAY))
        try:
            since = numbers_of(pc.cast(self._tags.slices(starts.take(at), ends.take(at)), pa.date32()).view(pa.int32()))
        except pa.ArrowInvalid:
            at, since = at[:0], np.zeros(0, np.int32)
        at, since = at[since >= _FIRST_DAY], since[since >= _FIRST_DAY]
        pool.kinds[at], pool.values[at] = DATE, since.astype(np.float64) + _DAY_ZERO
        rest = chosen.copy()
        rest[at] = False
        pool.told(rest, map(date_of, self._list(starts, ends, rest)))

    def _one_by_one(self, cells: Places) -> list[Told | None]:
        """Return what cells of an unusual form are."""
        if not len(cells):
            return []
        tags = self._tags
        first = self._cell_tags.take(cells)
        closed = np.isin(tags.codes, [_N["cell/"], _N["cov/"], _N["cell."], _N["cov."]])
        ends = np.flatnonzero(closed)
        last = ends.take(np.searchsorted(ends, first))
        spans = zip(tags.opened.take(first).tolist(), (tags.closed.take(last) + 1).tolist(), strict=True)
        try:
            return told_one_by_one([tags.block[start:end] for start, end in spans])
        except ValueError:
            raise UnusualError from None


class _Pool:
    """The kinds and values of cells as they become known, and the texts that they name."""

    def __init__(self, count: int) -> None:
        self.kinds = np.full(count, _BLANK, np.uint8)
        self.values = np.zeros(count)
        self._texts: list[pa.Array] = []
        self._size = 0

    def put(self, kind: int, cells: Flags, texts: pa.Array) -> None:
        """Take the texts of cells, in order."""
        if not len(texts):
            return
        self.kinds[cells] = kind
        self.values[cells] = np.arange(self._size, self._size + len(texts))
        self._texts.append(texts)
        self._size += len(texts)

    def told(self, cells: Flags, told: Iterable[Told | None]) -> None:
        """Take what cells are, in order."""
        texts: list[str] = []
        for at, one in zip(np.flatnonzero(cells).tolist(), told, strict=True):
            if one is None:
                continue
            kind, value = one
            if isinstance(value, str):
                texts.append(value)
                value = float(self._size + len(texts) - 1)
            self.kinds[at], self.values[at] = kind, value
        if texts:
            self._texts.append(text_array(texts))
            self._size += len(texts)

    def texts(self) -> pa.Array:
        """Return all texts."""
        return pa.concat_arrays([pa.nulls(0, pa.string()), *self._texts])


def _word(text: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(text, "little"))


def _repeated(cells: Block, wide: Places, high: Places) -> Block:
    """Return cells as often as they stand side by side and one below the other."""
    if (wide > 1).any() or not wide.all():
        again, step = _steps(wide)
        high = high.take(again)
        cells = Block(cells.rows[again], cells.cols[again] + step, cells.kinds[again], cells.values[again])
    if (high > 1).any() or not high.all():
        again, step = _steps(high)
        cells = Block(cells.rows[again] + step, cells.cols[again], cells.kinds[again], cells.values[again])
    return cells


def _steps(counts: Places) -> tuple[Places, NDArray[np.int32]]:
    """Return each place as often as it counts, and how often it stood before."""
    again = np.repeat(np.arange(len(counts)), counts)
    return again, (np.arange(len(again)) - np.repeat(np.cumsum(counts) - counts, counts)).astype(np.int32)
