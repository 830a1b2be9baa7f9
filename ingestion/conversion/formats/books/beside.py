"""Tables that stand side by side on a sheet, parted by a column that is empty from top to bottom."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ingestion.conversion.detect.kinds import is_rule, is_value
from ingestion.conversion.detect.layout import find_tables
from ingestion.conversion.formats.books.cells import address
from ingestion.conversion.formats.books.lines import SEARCHED_ROWS, lines_of, usual_width
from ingestion.conversion.values import Notice
from ingestion.slotted import replace, slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.conversion.formats.books.cells import Epoch, Grid

MOST_SIDES = 20
SURE = 0.8
UNEVEN = 2
SHOWN = 5


@slotted(frozen=True)
class _Side:
    """Neighbouring columns that may be a table: its first name, first and last row of data, whether none is missing."""

    grid: Grid
    name: str
    first: int
    last: int
    whole: bool
    sure: bool


def sides_of(grid: Grid, *, epoch: Epoch) -> tuple[list[Grid], list[Notice]]:
    """Return the parts of a sheet that are tables side by side, and a warning of what only may be another.

    An empty column may as well be there for the looks of a single table, and what is read as one loses nothing. Two
    tables begin in different rows, begin with the same name, or the right one goes on below the left one's last row:
    where the right one ends earlier, its cells may just not be known yet.
    """
    runs = list(_runs(grid.columns))
    if not 1 < len(runs) <= MOST_SIDES:
        return [grid], []
    found = [_side(grid.part(*run), epoch=epoch) for run in runs]
    starts = [runs[0][0]]
    doubtful = []
    table = found[0]  # the first columns of the table that the others may belong to
    for right, (start, _) in zip(found[1:], runs[1:], strict=True):
        if table is None or right is None:
            table = table or (right and replace(right, name=""))  # the keys may be a column of their own
        elif _are_apart(table, right):
            starts.append(start)
            table = right
        elif right.sure:
            doubtful.append(right)
    ends = [max(at for at in grid.columns if at < start) for start in starts[1:]]
    parts = [grid.part(*span) for span in zip(starts, [*ends, grid.columns[-1]], strict=True)] if ends else [grid]
    return parts, [_doubt(doubtful)] if doubtful else []


def _runs(columns: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of neighbouring columns."""
    start = columns[0]
    for one, two in pairwise(columns):
        if two > one + 1:
            yield start, one
            start = two
    yield start, columns[-1]


def _side(grid: Grid, *, epoch: Epoch) -> _Side | None:
    """Return what columns have of a table; None when they have no header, no rows, or are just one."""
    rows = grid.used_rows
    if len(grid.columns) < 2 or len(rows) < 2:
        return None
    head = lines_of(grid, rows[:SEARCHED_ROWS], epoch=epoch)
    table = find_tables(head, usual_width(head), whole=False)[0]
    if table.data == table.header or table.data >= len(rows):
        return None
    first, last = int(rows[table.data]), int(rows[-1])
    header = next(row for row in reversed(head[table.header : table.data]) if not is_rule(row.cells))
    return _Side(
        grid=grid,
        name=(header.cells[0] or "").strip() if not is_value(header.cells[0]) else "",
        first=first,
        last=last,
        whole=last - first + 1 == len(rows) - table.data,
        sure=table.confidence >= SURE,
    )


def _are_apart(left: _Side, right: _Side) -> bool:
    if not (left.sure or right.sure):
        return False
    longer = right.last - left.last >= UNEVEN and left.whole and right.whole
    return (left.name == right.name != "") or left.first != right.first or longer


def _doubt(sides: list[_Side]) -> Notice:
    """Return a warning of what stands right of empty columns."""
    tops = [int(side.grid.used_rows[0]) for side in sides]
    places = [
        f"{address(top, side.grid.columns[0])}:{address(side.last, side.grid.columns[-1])}"
        for top, side in zip(tops, sides, strict=True)
    ]
    shown = ", ".join(places[:SHOWN]) + (" ..." if len(places) > SHOWN else "")
    return Notice(
        code="FURTHER_TABLE",
        message=f"A column that is empty from top to bottom parts {shown} from what is left of it; all of it was "
        "read as one table.",
        lines=(tops[0] + 1,),
    )
