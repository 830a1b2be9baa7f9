"""A further table that was read as part of the first: below it, beyond what detection looks at, or beside it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingestion.conversion.detect.kinds import NOTHING, TOTAL, kind
from ingestion.conversion.values import Notice, shortened

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ingestion.conversion.values import Column

OPEN = {"string", "null"}
RUN = 3
SIDE = 2
UNEVEN = 2
MOST_COLUMNS = 1_000
_NAMELESS = re.compile(r"column_\d+")
_AGAIN = re.compile(r"(.+)_\d+")


def further_table(columns: Sequence[Column], blank: Collection[int], *odd: Collection[int]) -> Notice | None:
    """Return a warning of the first line on which names stand where all cells before were values; None without one.

    Names in several columns at once are a header when no column of values is left, and one name is when a ``blank``
    line is above as well; above columns of values there are texts alone. One name is also when it begins a run of lines
    of one kind of ``odd``: too short or too long for the table, so that they may lack the columns of values.
    """
    fell: dict[int, list[str]] = {}
    for column in columns:
        last = column.widened[-1] if column.widened else None
        if last is not None and last.rule and last.line and column.rule == "string" and _is_name(last.text):
            fell.setdefault(last.line, []).append(last.text)
    values_left = any(column.rule not in OPEN for column in columns)
    for line, names in sorted(fell.items()):
        parted = line - 1 in blank or line - 2 in blank
        run = any(all(line + more in lines for more in range(RUN)) for lines in odd)
        if run or (parted and any(line in lines for lines in odd)) or ((parted or len(names) > 1) and not values_left):
            shown = ", ".join(f'"{shortened(name)}"' for name in names[:3])
            return Notice(
                code="FURTHER_TABLE",
                message=f"A further table seems to begin at line {line:,}, with {shown} where all cells before are "
                "values. Its rows were loaded below those of the first, under the same names.",
                lines=(line,),
            )
    return None


def table_beside(columns: Sequence[Column]) -> Notice | None:
    """Return a warning of columns that seem to be another table: right of a nameless and empty one; None without any.

    An empty column may as well be there for the looks. Two tables have a name in common, or one has fewer rows.
    """
    nameless = {column.name for column in columns if _NAMELESS.fullmatch(column.name)}
    if any(column.name in nameless and column.rule != "null" for column in columns):
        return None
    first: set[str] = set()  # names of the first table, whatever other gaps it has
    for at, gap in enumerate(columns[:MOST_COLUMNS]):
        if gap.rule != "null" or gap.name not in nameless or not SIDE <= at < len(columns) - SIDE:
            continue
        left, right = columns[:at], columns[at + 1 :]
        first = first or {column.name for column in left}
        twice = any((found := _AGAIN.fullmatch(column.name)) and found.group(1) in first for column in right)
        if twice or _has_fewer_rows(left, right) or _has_fewer_rows(right, left):
            return Notice(
                code="FURTHER_TABLE",
                message="A further table seems to stand beside the first, "
                f'from column {at + 2}, "{right[0].name}", on: '
                f"column {at + 1} has neither a name nor a cell. All of it was read as one table.",
                column=right[0].name,
            )
    return None


def _has_fewer_rows(side: Sequence[Column], other: Sequence[Column]) -> bool:
    """Tell whether all columns of one side lack as many cells, and a column of the other side lacks none."""
    lacking = {column.nulls for column in side if column.rule != "null"}
    return len(lacking) == 1 and min(lacking) >= UNEVEN and any(not column.nulls for column in other)


def _is_name(text: str) -> bool:
    bare = text.strip()
    return kind(bare) == "text" and bare[:1].isalpha() and bare not in NOTHING and not TOTAL.match(bare)
