"""Where the tables of a text lie: title lines, headers, data, further tables, total lines and remarks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingestion.conversion.detect.anew import Anew
from ingestion.conversion.detect.header import COMPARED_RECORDS, is_prose, judge_header, names_years, vote
from ingestion.conversion.detect.kinds import REMARK, TOTAL, UNIT, is_rule, is_value
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.detect.cuts import Row

SEARCHED_RECORDS = 100
MAX_FOOTER = 20
SURE = 0.8
_COMMENT = re.compile(r"\s*(#|//|--(?!-)|%)")


@slotted(frozen=True)
class Region:
    """One table: its header's rows (none: ``header == data``), its first data row, and the row behind its last."""

    top: int
    header: int
    data: int
    end: int
    evidence: str
    confidence: float

    @property
    def header_rows(self) -> range:
        """The rows that name the columns, dash rules among them."""
        return range(self.header, self.data)


def find_tables(rows: Sequence[Row], usual: int, *, whole: bool) -> list[Region]:
    """Return the tables of a sample, in file order; the first only, unless the sample is the whole text.

    ``usual`` is the most common number of cells. The first table may have another, if a second one follows.
    """
    early = _early_width(rows)
    if whole and early not in {0, 1, usual}:
        found = _regions(rows, early, whole=True)
        if len(found) > 1:
            return found
    return _regions(rows, usual, whole=whole)


def _early_width(rows: Sequence[Row]) -> int:
    """Return the width of the first three neighbouring records of one width; 0 when there are none."""
    widths = [len(row.cells) for row in rows if row.is_filled]
    runs = zip(widths, widths[1:], widths[2:], strict=False)
    return next((one for one, two, three in runs if one == two == three), 0)


def _regions(rows: Sequence[Row], width: int, *, whole: bool) -> list[Region]:
    found: list[Region] = []
    at = 0
    while True:
        region = _region(rows, at, width)
        end = _next_table(rows, region, width) if whole and width > 1 else None
        if end is None:
            return [*found, region]
        found.append(Region(region.top, region.header, region.data, end, region.evidence, region.confidence))
        at = end
        width = _width(rows, at)


def _width(rows: Sequence[Row], at: int) -> int:
    return max((len(row.cells) for row in rows[at : at + 5] if row.is_filled), default=1)


def fixed_header(rows: Sequence[Row], record: int) -> Region:
    """Return the table below the header that the caller names, counted in records from 1; 0 means no header."""
    header = max(record - 1, 0)
    header = min(header, len(rows))
    return Region(0, header, min(header + (record > 0), len(rows)), len(rows), "the caller said so", 1.0)


def ruled_header(rows: Sequence[Row]) -> Region | None:
    """Return the table of a list whose header stands above a rule; its rows begin below an upper rule, if any."""
    for index, row in enumerate(rows[:SEARCHED_RECORDS]):
        below = rows[index + 1] if index + 1 < len(rows) else None
        if len(row.filled) < 2 or is_rule(row.cells) or below is None or not is_rule(below.cells):
            continue
        first = index
        while first and len(rows[first - 1].filled) > 1 and not is_rule(rows[first - 1].cells):
            first -= 1
        if first and not is_rule(rows[first - 1].cells):
            first = index  # lines above are a header only where a rule closes them off
        data = index + 1
        while data < len(rows) and rows[data].is_filled and is_rule(rows[data].cells):
            data += 1
        return Region(0, first, data, len(rows), "a rule is drawn below it", 0.95)
    return None


# ---- the header ----


def _region(rows: Sequence[Row], top: int, width: int) -> Region:
    """Return the table that begins at or below a row."""
    end = len(rows)
    if below_titles := _below_titles(rows, top, width):
        return below_titles
    for index in range(top, min(end, top + SEARCHED_RECORDS)):
        row = rows[index]
        if not row.is_filled or is_rule(row.cells) or _is_title(row, width) or _parts_header(rows, index, width):
            continue
        below = [other for other in rows[index + 1 : index + 1 + COMPARED_RECORDS] if _is_data(other, width)]
        is_header, why, sure = judge_header(row.cells, [other.cells for other in below], width)
        if not is_header and _is_comment(row) and len(row.cells) != width:
            continue
        if is_header and below and is_prose(row.cells, below[0].cells, [other.cells for other in below[1:]]):
            continue
        if is_header:
            data = _behind_header(rows, index, width)
            return Region(top, _upper(rows, index, top), data, end, why, sure)
        # Only lines that cannot be data may stand above a table without a header.
        first = index
        while first > top and not _can_skip(rows[first - 1], width):
            first -= 1
        return Region(top, first, first, end, why, sure)
    first = next((index for index in range(top, end) if rows[index].is_filled), top)
    return Region(top, first, first, end, "no record looks like a header", 0.5)


def _below_titles(rows: Sequence[Row], top: int, width: int) -> Region | None:
    """Return the table whose evident header is the first record of full width, everything above being narrower."""
    for index in range(top, min(len(rows), top + SEARCHED_RECORDS)):
        row = rows[index]
        if len(row.cells) < width or is_rule(row.cells) or _is_title(row, width):
            continue
        if index == top or width < 2 or len(row.cells) > width:
            return None
        below = [other.cells for other in rows[index + 1 : index + 1 + COMPARED_RECORDS] if _is_data(other, width)]
        is_header, why, sure = judge_header(row.cells, below, width)
        if not is_header or sure < SURE:
            return None
        return Region(top, _upper(rows, index, top), _behind_header(rows, index, width), len(rows), why, sure)
    return None


def _parts_header(rows: Sequence[Row], index: int, width: int) -> bool:
    """Tell whether a row of years stands above an evident header of texts, and goes with it."""
    if not names_years(rows[index].cells) or index + 1 >= len(rows):
        return False
    header = rows[index + 1]
    if len(header.filled) < 2 or any(is_value(cell) for cell in header.filled):
        return False
    below = [other.cells for other in rows[index + 2 : index + 2 + COMPARED_RECORDS] if _is_data(other, width)]
    is_header, _, sure = judge_header(header.cells, below, width)
    return is_header and sure >= SURE


def _upper(rows: Sequence[Row], header: int, top: int) -> int:
    """Return the first row of a header: that of the years above it, if there are any."""
    return header - 1 if header > top and names_years(rows[header - 1].cells) else header


def _is_title(row: Row, width: int) -> bool:
    """Tell whether a row is too empty to be a header or data: a few cells at its beginning."""
    if width == 1:
        return False
    filled = len(row.filled)
    if _is_comment(row) and len(row.cells) != width:
        return True
    if len(row.cells) < width:
        return filled <= max(1, width * 0.6)
    return filled <= max(1, width * 0.3) and not any(is_value(cell) for cell in row.filled)


def _can_skip(row: Row, width: int) -> bool:
    """Tell whether a row above a table without a header is surely no data."""
    if not row.is_filled or is_rule(row.cells):
        return True
    if _is_title(row, width) and len(row.cells) < width:
        return True
    return len(row.filled) == 1 and not is_value(row.filled[0])


def _is_comment(row: Row) -> bool:
    return row.is_filled and bool(_COMMENT.match(row.cells[0] or ""))


def _is_data(row: Row, width: int) -> bool:
    return row.is_filled and not is_rule(row.cells) and (width == 1 or len(row.filled) > 1)


def _behind_header(rows: Sequence[Row], header: int, width: int) -> int:
    """Return the first row below a header, its second row and dash rules."""
    at = header + 1
    while at < len(rows) and rows[at].is_filled and is_rule(rows[at].cells):
        at += 1
    while at + 1 < len(rows) and _is_second_header(rows, header, at, width):
        at += 1
        while at < len(rows) and rows[at].is_filled and is_rule(rows[at].cells):
            at += 1
    return at


def _is_second_header(rows: Sequence[Row], header: int, at: int, width: int) -> bool:
    """Tell whether a row goes on naming columns: it repeats, names units, or divides what spans columns above."""
    above, cells = rows[header].cells, rows[at].cells
    if len(cells) != len(above) or any(is_value(cell) for cell in cells):
        return False
    if [cell and cell.strip() for cell in cells] == [cell and cell.strip() for cell in above]:
        return True
    below = [row.cells for row in rows[at + 1 : at + 1 + COMPARED_RECORDS] if _is_data(row, width)]
    under = [[row[index] for row in below if index < len(row)] for index in range(len(cells))]
    votes = [vote(cell, others) for cell, others in zip(cells, under, strict=True)]
    units = [one for cell, one, others in zip(cells, votes, under, strict=True) if cell and any(others)]
    if all(UNIT.fullmatch(cell) for cell in cells if cell) and units and all(one > 0 for one in units):
        return True
    names = [cell for cell in above if cell]
    spans = len(names) < len(above) or len(set(names)) < len(names)
    if not spans or len(rows[at].filled) < 2 or any(not one and not two for one, two in zip(above, cells, strict=True)):
        return False
    return votes.count(1) >= 0.5 * len(rows[at].filled)


# ---- further tables ----


def _next_table(rows: Sequence[Row], region: Region, width: int) -> int | None:
    """Return the row at which another table begins: a header of another width, or one behind a blank line."""
    names = [cell and cell.strip() for cell in rows[region.header].cells] if region.data > region.header else []
    compared = region.data + COMPARED_RECORDS
    above_all = Anew([row.cells for row in rows[region.data : compared]]) if len(rows) > compared else None
    for at in range(region.data + 1, len(rows) - 1):
        cells, below = rows[at].cells, rows[at + 1].cells
        if len(rows[at].filled) < 2 or len(below) != len(cells) or any(is_value(cell) for cell in cells):
            continue
        if [cell and cell.strip() for cell in cells] == names:
            continue
        above = rows[at - 1]
        parted = not above.is_filled or (_is_title(above, width) and len(above.cells) < width)
        if len(cells) == width and not parted:
            first = above_all if at >= compared else Anew([row.cells for row in rows[region.data : at]])
            if names and first and first.names_again(cells, rows[at + 1 : at + 1 + COMPARED_RECORDS]):
                return at
            continue
        others = [row.cells for row in rows[at + 1 : at + 1 + COMPARED_RECORDS] if len(row.cells) == len(cells)]
        is_header, _, sure = judge_header(cells, others, len(cells))
        if any(not cell for cell in cells) or not is_header or (len(cells) == width and sure < SURE):
            continue  # texts above texts of the same width may be a row below an empty one just as well
        if len(cells) == width or len(others) > 1 or parted:
            return _with_title(rows, at, region, width)
    return None


def _with_title(rows: Sequence[Row], header: int, region: Region, width: int) -> int:
    """Return the first of the blank and title lines above a further table's header."""
    first = header
    while first - 1 > region.data and (not rows[first - 1].is_filled or _is_title(rows[first - 1], width)):
        first -= 1
    return first


# ---- the end ----


def footer(rows: Sequence[Row], width: int) -> tuple[str, ...]:
    """Return the kinds of the last records that are not data, in file order: total lines, remarks, rules.

    Blank lines narrower than the table are left out: no reader takes them for records.
    """
    if width == 1:
        return ()
    always = _always_filled(rows, width)
    kinds: list[str] = []
    blanks = 0
    for row in reversed(rows[-MAX_FOOTER:]):
        told = _foot(row, width, always)
        if told is None:
            break
        if told == "blank lines":
            blanks += len(row.cells) >= width
            continue
        kinds += [*["blank lines"] * blanks, told]
        blanks = 0
    if kinds:
        kinds += ["blank lines"] * blanks
    return tuple(reversed(kinds))


def doubtful_total(rows: Sequence[Row], width: int) -> Row | None:
    """Return the last record when it is kept as data although it begins like a total line."""
    last = next((row for row in reversed(rows) if row.is_filled), None)
    if last is None or width == 1 or not TOTAL.fullmatch(last.filled[0]):
        return None
    return None if footer(rows, width) else last


def _always_filled(rows: Sequence[Row], width: int) -> set[int]:
    """Return the columns that all full records fill."""
    full = [row.cells for row in rows if len(row.cells) >= width and row.is_filled and not TOTAL.match(row.filled[0])]
    return {index for index in range(width) if full and all((cells[index] or "").strip() for cells in full)}


def _foot(row: Row, width: int, always: set[int]) -> str | None:
    """Return what a record at the end is, None for data. A total line lacks what every data record has."""
    filled = row.filled
    if not filled:
        return "blank lines"
    if is_rule(row.cells):
        return "rule lines"
    has = {index for index, cell in enumerate(row.cells) if cell and cell.strip()}
    if TOTAL.fullmatch(filled[0]) and (always - has or len(filled) <= max(1, width // 2)):
        return "total lines"
    if len(filled) == 1 and len(row.cells) < width and REMARK.fullmatch(filled[0]):
        return "remarks"
    return None
