"""Text cut into records and cells by a dialect, exactly and without speed: for samples and for odd blocks.

Most files follow RFC 4180, section 2, and many nearly do. Where a quote breaks its rules (it neither encloses a
whole cell nor stands doubled inside one), the record is read in the way that gives it the table's usual width.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ingestion.conversion.lists import list_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.conversion.dialect import Dialect

Cells = list[str | None]
MAX_TRIES = 10_000
BUDGETS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
MAX_REPAIRED_WIDTH = 500
MAX_SWALLOWED = 20
_LINE_END = re.compile("\r\n|\n|\r")


class Record(NamedTuple):
    """A record's cells, the position behind it, and whether a quote in it breaks the rules.

    An empty cell is ``None``, a quoted empty one ``""``.
    """

    cells: Cells
    end: int
    odd: bool = False


def records(text: str, dialect: Dialect, width: int | None = None) -> Iterator[Record]:
    """Yield the records of a text that begins with one. ``width`` is the usual number of cells, where known.

    A quote counts at a cell's beginning only, and ends the cell where a delimiter or a record end follows; any
    other stands for itself. Records end at LF, CRLF or CR outside quotes.
    """
    if dialect.aligned:
        yield from (Record(cells, end) for cells, end in list_records(text, dialect))
        return
    cutter, ends = _cutter(dialect), _Ends()
    position, size = 0, len(text)
    while position < size:
        record = cutter.record(text, position, width, ends)
        yield record
        position = record.end


@lru_cache(maxsize=64)
def _cutter(dialect: Dialect) -> _Cutter:
    return _Cutter(dialect)


class _Ends:
    """Where the lines and the quoted cells of one text end, so that no part of it is searched again and again.

    A search for the end of a quoted cell stands at one place after another: behind each quote, doubled quote or escaped
    sign that it passed. From any of these it goes on alike, whatever cell it began in.
    """

    def __init__(self) -> None:
        self.passed: list[int] = []
        self.last_bare = 0
        self.end: tuple[int, int] | None = None
        self._feed = -1

    def of_line(self, text: str, start: int) -> tuple[int, int]:
        """Return where a line ends that begins at ``start``, and where the next one begins."""
        if self._feed < start:
            feed = text.find("\n", start)
            self._feed = feed if feed >= 0 else len(text)
        stop = text.find("\r", start, self._feed)
        if stop >= 0:
            return stop, stop + 2 if stop + 1 == self._feed < len(text) else stop + 1
        return self._feed, min(self._feed + 1, len(text))

    def behind(self, position: int) -> int | None:
        """Return the index behind a place that was passed; None where none was."""
        index = bisect_left(self.passed, position)
        return index + 1 if index < len(self.passed) and self.passed[index] == position else None


class _Cutter:
    """The patterns of one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self.delimiter = dialect.delimiter
        self.quote = dialect.quote
        self.escape = dialect.escape
        self.lead = " " if dialect.skip_initial_space else ""
        mark = re.escape(dialect.quote or "")
        cut = re.escape(dialect.delimiter) if dialect.delimiter else "(?!)"
        escaped = f"{re.escape(dialect.escape)}[\\s\\S]" if dialect.escape else "(?!)"
        single = len(dialect.delimiter or "") == 1
        inner = f"[^{cut}\r\n]" if single else f"(?!{cut})[^\r\n]"
        # A backslash escapes no line end outside quotes: it is more often the end of a path, and blocks are cut there.
        aside = f"{re.escape(dialect.escape)}[^\r\n]|" if dialect.escape else ""
        self._end_of_cell = re.compile(f"(?:{aside}{inner})*+")
        self._after_quote = re.compile(f" *(?={cut}|[\r\n]|\\Z)")
        doubled = f"{mark}{mark}" if mark else "(?!)"
        self._in_quotes = re.compile(f"{escaped}|{doubled}|{mark or '(?!)'}")
        quoted = f"{mark}(?:[^{mark}\r\n]|{mark}{mark})*+{mark}" if mark else "(?!)"
        plain = f"[^{cut}{mark}\r\n]" if single else f"(?!{cut})[^{mark}\r\n]"
        cell = f"(?:{quoted}|(?:{plain})*+)"
        # A blank behind a closing quote belongs to the quoted cell, unless blanks part the cells.
        self._may_be_regular = (dialect.delimiter or "").strip(" ") != "" and not (self.lead or dialect.escape)
        self._regular = re.compile(f"{cell}(?:{cut}{cell})*+")
        self._regular_cell = re.compile(f"(?:\\A|{cut})({cell})")
        special = mark + re.escape(dialect.escape or "") + (re.escape((dialect.delimiter or "")[:1]))
        self._unescape = re.compile(f"{re.escape(dialect.escape or '')}([{special}\r\n])") if dialect.escape else None

    def record(self, text: str, start: int, width: int | None, ends: _Ends) -> Record:
        """Return the record that begins at ``start``; ``ends`` are those of this text."""
        stop, behind = ends.of_line(text, start)
        quoted = self.quote is not None and text.find(self.quote, start, stop) >= 0
        if not quoted and not (self.escape and text.find(self.escape, start, stop) >= 0):
            return Record(self._split(text[start:stop]), behind)
        if self._may_be_regular and self._regular.fullmatch(text, start, stop):
            return Record(self._regular_cells(text[start:stop]), behind)
        cells, reached, odd = self._cells(text, start, ends, stop, width)
        if odd and len(cells) != width:
            repaired = self._repaired(text, start, stop, width)
            if repaired is not None:
                return Record(repaired, behind, odd)
            if reached > stop:
                # An open quote would swallow the lines below, and does not even make a whole record of them.
                return Record(self._line(text[start:stop]), behind, odd)
        elif odd and reached > stop and self._are_records(text, start, reached, width):
            return Record(self._line(text[start:stop]), behind, odd)
        end = _LINE_END.match(text, reached)
        return Record(cells, end.end() if end else reached, odd)

    def _line(self, line: str) -> Cells:
        """Return the cells of a line, whatever its quotes would do to those below."""
        return self._cells(line, 0, _Ends(), len(line), None)[0]

    def _are_records(self, text: str, start: int, end: int, width: int | None) -> bool:
        """Tell whether the lines of what an odd quote makes one record are whole records by themselves.

        Of many lines the first are looked at, and a few of these may be too short or too long: that a text in quotes
        holds so many rows of its own table is less likely than a quote that closes nowhere before the next such fault,
        however far below.
        """
        at = start
        whole: list[bool] = []
        while at < end and len(whole) < MAX_SWALLOWED:
            found = _LINE_END.search(text, at, end)
            whole.append(len(self._line(text[at : found.start() if found else end])) == width)
            at = found.end() if found else end
        return whole[0] and whole.count(False) <= len(whole) // 10

    def _split(self, line: str) -> Cells:
        if not self.delimiter:
            return [line or None]
        parts = line.split(self.delimiter)
        return [part.lstrip(" ") or None for part in parts] if self.lead else [part or None for part in parts]

    def _regular_cells(self, line: str) -> Cells:
        """Return the cells of a line whose quotes all enclose whole cells or stand doubled inside them."""
        mark = self.quote or ""
        return [
            cell[1:-1].replace(mark * 2, mark) if cell.startswith(mark) else cell or None
            for cell in self._regular_cell.findall(line)
        ]

    def _cells(self, text: str, position: int, ends: _Ends, stop: int, width: int | None) -> tuple[Cells, int, bool]:
        """Return a record's cells, the position of its end, and whether a quote was odd.

        A record with an odd quote that reaches beyond its line's ``stop`` is given up once it cannot have the width.
        """
        cells: Cells = []
        odd = False
        size = len(text)
        while True:
            if self.lead:
                position = _behind_blanks(text, position)
            opens = self.quote and text.startswith(self.quote, position)
            found = self._quoted(text, position, ends) if opens else None
            if found is not None:
                cell, position, was_odd = found
                odd |= was_odd
                cells.append(cell)
            else:
                odd |= bool(opens)
                cell, position = self._plain(text, position)
                cells.append(cell or None)
            if position >= size or not self.delimiter or not text.startswith(self.delimiter, position):
                return cells, position, odd
            if odd and position > stop and (width is None or len(cells) > width):
                return cells, position, odd
            position += len(self.delimiter)

    def _plain(self, text: str, position: int) -> tuple[str, int]:
        """Return a cell without quotes around it, and the position behind it; with an odd quote, as it is written."""
        end = self._end_of_cell.match(text, position)
        stop = end.end() if end else position
        cell = text[position:stop]
        return cell if self.quote and cell.startswith(self.quote) else self._unescaped(cell), stop

    def _quoted(self, text: str, start: int, ends: _Ends) -> tuple[str, int, bool] | None:
        """Return a quoted cell, the position behind it and whether it holds a bare quote; None when it never ends."""
        if ends.behind(start + 1) is None:
            self._search(text, start + 1, ends)
        if ends.end is None:
            return None
        closing, behind = ends.end
        return self._inner(text[start + 1 : closing]), behind, ends.last_bare > start + 1

    def _search(self, text: str, position: int, ends: _Ends) -> None:
        """Find the quote that ends the cell which begins at ``position``, or that there is none."""
        passed, last_bare = [position], 0
        while token := self._in_quotes.search(text, position):
            position = token.end()
            if token.group() == self.quote:
                if behind := self._after_quote.match(text, position):
                    ends.passed, ends.last_bare, ends.end = passed, last_bare, (token.start(), behind.end())
                    return
                last_bare = position
            if (index := ends.behind(position)) is not None:
                ends.passed = passed + ends.passed[index - 1 :]
                ends.last_bare = ends.last_bare if ends.last_bare > position else last_bare
                return
            passed.append(position)
        ends.passed, ends.last_bare, ends.end = passed, last_bare, None

    def _inner(self, text: str) -> str:
        if self.quote and self.quote in text:
            text = text.replace(self.quote * 2, self.quote)
        return self._unescaped(text)

    def _unescaped(self, text: str) -> str:
        return self._unescape.sub(r"\1", text) if self._unescape and self.escape and self.escape in text else text

    # ---- records with odd quotes ----

    def _repaired(self, text: str, start: int, stop: int, width: int | None) -> Cells | None:
        """Return the cells of one line read so that it has the usual width; None when no reading does."""
        if width is None or width > MAX_REPAIRED_WIDTH or self.quote is None or not self.delimiter:
            return None
        line, tries = text[start:stop], _Tries()
        best = None
        for budget in (*BUDGETS, line.count(self.quote)):
            best = self._best(line, 0, width, budget, tries)
            if best is not None or tries.left < 0:
                break
        cells: Cells = []
        while best is not None:
            cells.append(best.cell)
            best = best.rest
        return cells or None

    def _best(self, line: str, position: int, wanted: int, budget: int, tries: _Tries) -> _Reading | None:
        """Return the reading of exactly ``wanted`` cells up to the line's end that breaks the fewest rules.

        None when each breaks more than ``budget`` of them. The few ways to break few rules are tried before the many
        others, so that a fault in a line of hundreds of cells costs little.
        """
        place = (position, wanted)
        if place in tries.found:
            known = tries.found[place]
            return known if known.cost <= budget else None
        if tries.asked.get(place, -1) >= budget:
            return None
        best: _Reading | None = None
        left = budget
        step = len(self.delimiter or "")
        for cell, end, faults in self._readings(line, position, budget):
            tries.left -= 1
            if tries.left < 0:
                return None
            if faults > left:
                continue
            rest = None
            if wanted == 1:
                if end != len(line):
                    continue
            elif not line.startswith(self.delimiter or "", end) or end >= len(line):
                continue
            else:
                rest = self._best(line, end + step, wanted - 1, left - faults, tries)
                if rest is None:
                    continue
            best = _Reading(cell, faults + (rest.cost if rest else 0), rest)
            left = best.cost - 1
        if best is not None:
            tries.found[place] = best
        tries.asked[place] = budget
        return best

    def _readings(self, line: str, position: int, budget: int) -> Iterator[tuple[str | None, int, int]]:
        """Yield the ways to read the cell at a position that break few rules: its text, its end, the quotes that do."""
        if self.lead:
            position = _behind_blanks(line, position)
        if self.quote and line.startswith(self.quote, position):
            at = position
            while (at := line.find(self.quote, at + 1)) >= 0:
                inner = line[position + 1 : at]
                bare = inner.replace(self.quote * 2, "").count(self.quote)
                if bare > budget + 1:  # a further quote makes at most one of them a doubled one
                    break
                behind = self._after_quote.match(line, at + 1) if bare <= budget else None
                if behind:
                    yield self._inner(inner), behind.end(), bare
        cell, end = self._plain(line, position)
        faults = cell.count(self.quote or "\0")
        if faults <= budget:
            yield cell or None, end, faults


class _Tries:
    """What is known of the places in a line: the best readings, for how many faults there is none, and what is left."""

    def __init__(self) -> None:
        self.found: dict[tuple[int, int], _Reading] = {}
        self.asked: dict[tuple[int, int], int] = {}
        self.left = MAX_TRIES


class _Reading(NamedTuple):
    """One way to read the rest of a record: its first cell, the rules it breaks, and the cells behind."""

    cell: str | None
    cost: int
    rest: _Reading | None


def _behind_blanks(text: str, position: int) -> int:
    while text.startswith(" ", position):
        position += 1
    return position
