"""Where the tables of a text lie: title lines, headers, data, further tables, total lines and remarks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestion.conversion.detect.kinds import NOTHING, REMARK, TOTAL, is_rule, is_value, kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.detect.cuts import Row
    from ingestion.conversion.records import Cells

SEARCHED_RECORDS = 100
COMPARED_RECORDS = 60
MAX_FOOTER = 20
_YEAR = re.compile(r"(?:FY ?)?(?:19|20|21)\d{2}")
_PERIOD = re.compile(r"\d{1,2}[./-](?:19|20)\d{2}|(?:19|20)\d{2}[./-]\d{1,2}(?:[./-]\d{1,2})?|\d{1,3}")
_COMMENT = re.compile(r"\s*(#|//|--(?!-)|%)")


@dataclass(frozen=True, slots=True)
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


def regions(rows: Sequence[Row], width: int, *, whole: bool) -> list[Region]:
    """Return the tables of a sample, in file order; the first only, unless the sample is the whole text."""
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
    return max((len(row.cells) for row in rows[at : at + 5] if row.filled), default=1)


def fixed_header(rows: Sequence[Row], record: int) -> Region:
    """Return the table below the header that the caller names, counted in records from 1; 0 means no header."""
    header = max(record - 1, 0)
    return Region(0, min(header, len(rows)), min(header + (record > 0), len(rows)), len(rows), "the caller said so", 1.0)


# ---- the header ----


def _region(rows: Sequence[Row], top: int, width: int) -> Region:
    """Return the table that begins at or below a row."""
    end = len(rows)
    for index in range(top, min(end, top + SEARCHED_RECORDS)):
        row = rows[index]
        if not row.filled or is_rule(row.cells) or _is_title(row, width):
            continue
        below = [other for other in rows[index + 1 : index + 1 + COMPARED_RECORDS] if _is_data(other, width)]
        is_header, why, sure = _judge(row.cells, [other.cells for other in below], width)
        if not is_header and _is_comment(row) and len(row.cells) != width:
            continue
        if is_header:
            data = _behind_header(rows, index, width)
            return Region(top, index, data, end, why, sure)
        # Only lines that cannot be data may stand above a table without a header.
        first = index
        while first > top and not _can_skip(rows[first - 1], width):
            first -= 1
        return Region(top, first, first, end, why, sure)
    first = next((index for index in range(top, end) if rows[index].filled), top)
    return Region(top, first, first, end, "no record looks like a header", 0.5)


def _is_title(row: Row, width: int) -> bool:
    """Tell whether a row is too empty to be a header or data: one or two cells at its beginning."""
    if width == 1:
        return False
    filled = len(row.filled)
    if _is_comment(row) and len(row.cells) != width:
        return True
    if len(row.cells) < width:
        return filled <= max(1, width * 0.6) if len(row.cells) < width - 1 or width <= 3 else filled < width * 0.6
    return filled <= max(1, width * 0.3) and not any(is_value(cell) for cell in row.filled)


def _can_skip(row: Row, width: int) -> bool:
    return not row.filled or is_rule(row.cells) or (_is_title(row, width) and len(row.cells) < width) or len(
        row.filled
    ) == 1 and not is_value(row.filled[0])


def _is_comment(row: Row) -> bool:
    return bool(row.filled) and bool(_COMMENT.match(row.cells[0] or ""))


def _is_data(row: Row, width: int) -> bool:
    return bool(row.filled) and not is_rule(row.cells) and (width == 1 or len(row.filled) > 1)


def _judge(cells: Cells, below: Sequence[Cells], width: int) -> tuple[bool, str, float]:
    """Tell whether a record is a header, why, and how sure that is."""
    filled = [cell for cell in cells if cell and cell.strip()]
    values = [cell for cell in filled if is_value(cell)]
    if not below:
        return (not values), ("it holds texts alone" if not values else "its only record holds values"), 0.6
    if len(filled) == len(values):
        if _is_series(filled) and not _like(cells, below):
            return True, "its cells count up and the values below are of another kind", 0.7
        return False, "the first record holds values", 0.9
    votes, typed = 0.0, 0
    for index, cell in enumerate(cells[:width]):
        under = [row[index] for row in below if index < len(row)]
        vote = _vote(cell, under)
        votes += vote
        typed += vote != 0
    if votes > 0:
        return True, f"{typed} of its texts stand above values of another kind", min(0.99, 0.8 + 0.05 * typed)
    if votes < 0:
        series = [cell for cell in filled if is_value(cell)]
        if len(series) > 1 and _is_series(series) and not _like(cells, below):
            return True, "its cells count up and the values below are of another kind", 0.7
        return False, "the first record is like those below it", 0.9
    if values:
        return False, "the first record holds values", 0.6
    if _repeats(cells, below):
        return False, "its texts stand again below", 0.6
    return True, "it is the first full record and all its cells are texts", 0.6


def _vote(cell: str | None, under: Sequence[str | None]) -> float:
    """Return 1 for a text above values of another kind, -1 for a value above values of its kind, else 0."""
    told = [kind(other) for other in under if other and other.strip() and other not in NOTHING]
    if not told or cell is None or not cell.strip() or cell in NOTHING:
        return 0
    common = max(set(told), key=told.count)
    if told.count(common) < 0.7 * len(told):
        return 0
    own = kind(cell)
    if common == "text":
        if own != "text":
            return 0
        return 0.5 if _shape(cell) not in (shapes := {_shape(other or "") for other in under if other}) and len(
            shapes
        ) == 1 and len(told) > 1 and any(sign.isdigit() for sign in next(iter(shapes))) else 0
    if own == "text":
        return 1
    return -1 if own == common else 0


def _shape(cell: str) -> str:
    """Return a text's outline: digits as 0, letters as A, so that keys of one form look alike."""
    return re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "0", cell.strip()))


def _is_series(cells: Sequence[str]) -> bool:
    """Tell whether values are different years, periods or numbers that count up, as column names do."""
    texts = [cell.strip() for cell in cells]
    if len(set(texts)) != len(texts) or len(texts) < 2:
        return False
    if all(_YEAR.fullmatch(text) for text in texts):
        return True
    if all(text.isdecimal() for text in texts):
        numbers = [int(text) for text in texts]
        return len(numbers) > 2 and all(two - one == 1 for one, two in zip(numbers, numbers[1:], strict=False))
    return all(_PERIOD.fullmatch(text) for text in texts) and len({len(text) for text in texts}) == 1


def _like(cells: Cells, below: Sequence[Cells]) -> bool:
    """Tell whether the records below hold the same kind of year or period as a suspected header."""
    return any(
        sum(bool(cell) and bool(_YEAR.fullmatch(cell.strip()) or _PERIOD.fullmatch(cell.strip())) for cell in row if cell)
        >= 0.5 * sum(bool(cell and is_value(cell)) for cell in cells)
        and all(_shape(one or "") == _shape(two or "") for one, two in zip(cells, row, strict=False) if is_value(one))
        for row in below[:3]
    )


def _repeats(cells: Cells, below: Sequence[Cells]) -> bool:
    """Tell whether texts of the first record are common values of their columns."""
    again = 0
    for index, cell in enumerate(cells):
        under = [row[index] for row in below if index < len(row)]
        if cell and under.count(cell) >= max(2, len(under) * 0.1):
            again += 1
    return again > 0 and not any(list(cells) == list(row) for row in below)


def _behind_header(rows: Sequence[Row], header: int, width: int) -> int:
    """Return the first row below a header, its second row and dash rules."""
    at = header + 1
    while at < len(rows) and rows[at].filled and is_rule(rows[at].cells):
        at += 1
    while at + 1 < len(rows) and _is_second_header(rows, header, at, width):
        at += 1
        while at < len(rows) and rows[at].filled and is_rule(rows[at].cells):
            at += 1
    return at


def _is_second_header(rows: Sequence[Row], header: int, at: int, width: int) -> bool:
    """Tell whether a row goes on naming columns: it says the same, or divides what spans several columns above."""
    above, cells = rows[header].cells, rows[at].cells
    if len(cells) != len(above) or any(is_value(cell) for cell in cells):
        return False
    if [cell and cell.strip() for cell in cells] == [cell and cell.strip() for cell in above]:
        return True
    names = [cell for cell in above if cell]
    spans = len(names) < len(above) or len(set(names)) < len(names)
    if not spans or len(rows[at].filled) < 2 or any(not one and not two for one, two in zip(above, cells, strict=True)):
        return False
    below = [row.cells for row in rows[at + 1 : at + 1 + COMPARED_RECORDS] if _is_data(row, width)]
    votes = [_vote(cell, [row[index] for row in below if index < len(row)]) for index, cell in enumerate(cells)]
    return sum(vote == 1 for vote in votes) >= 0.5 * len(rows[at].filled)


# ---- further tables ----


def _next_table(rows: Sequence[Row], region: Region, width: int) -> int | None:
    """Return the row at which another table begins: a header of another width, or one behind a blank line."""
    names = [cell and cell.strip() for cell in rows[region.header].cells] if region.data > region.header else []
    for at in range(region.data + 1, len(rows) - 1):
        cells, below = rows[at].cells, rows[at + 1].cells
        if len(rows[at].filled) < 2 or len(below) != len(cells) or any(is_value(cell) for cell in cells):
            continue
        if [cell and cell.strip() for cell in cells] == names:
            continue
        parted = not rows[at - 1].filled or _is_title(rows[at - 1], width)
        if len(cells) == width and not parted:
            continue
        others = [row.cells for row in rows[at + 1 : at + 1 + COMPARED_RECORDS] if len(row.cells) == len(cells)]
        if any(not cell for cell in cells) or not _judge(cells, others, len(cells))[0]:
            continue
        if len(cells) == width or len(others) > 1 or parted:
            while at - 1 > region.data and (not rows[at - 1].filled or _is_title(rows[at - 1], width)):
                at -= 1
            return at
    return None


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
    return tuple(reversed(kinds))


def doubtful_total(rows: Sequence[Row], width: int) -> Row | None:
    """Return the last record when it is kept as data although it begins like a total line."""
    last = next((row for row in reversed(rows) if row.filled), None)
    if last is None or width == 1 or not TOTAL.fullmatch(last.filled[0]):
        return None
    return None if footer(rows, width) else last


def _always_filled(rows: Sequence[Row], width: int) -> set[int]:
    """Return the columns that all full records fill."""
    full = [row.cells for row in rows if len(row.cells) >= width and row.filled and not TOTAL.match(row.filled[0])]
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
