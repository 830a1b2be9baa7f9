"""A further table deep in a text, beyond what detection looks at: told by what its header did to the columns' types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestion.conversion.detect.kinds import NOTHING, TOTAL, kind
from ingestion.conversion.values import Notice, shortened

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ingestion.conversion.values import Column

OPEN = {"string", "null"}
RUN = 3


def further_table(columns: Sequence[Column], blank: Collection[int], *odd: Collection[int]) -> Notice | None:
    """Return a warning of the first line on which names stand where all cells before were values; None without one.

    Names in several columns at once are a header when no column of values is left. One name is when a ``blank`` line
    is above, or when it begins a run of lines of one kind of ``odd``: too short or too long for the table.
    """
    fell: dict[int, list[str]] = {}
    for column in columns:
        last = column.widened[-1] if column.widened else None
        if last is not None and last.rule and last.line and column.rule == "string" and _is_name(last.text):
            fell.setdefault(last.line, []).append(last.text)
    values_left = any(column.rule not in OPEN for column in columns)
    for line, names in sorted(fell.items()):
        parted = line - 1 in blank or line - 2 in blank
        parted = parted or any(all(line + more in lines for more in range(RUN)) for lines in odd)
        if parted or (len(names) > 1 and not values_left):
            shown = ", ".join(f'"{shortened(name)}"' for name in names[:3])
            return Notice(
                code="FURTHER_TABLE",
                message=f"A further table seems to begin at line {line:,}, with {shown} where all cells before are "
                "values. Its rows were loaded below those of the first, under the same names.",
                lines=(line,),
            )
    return None


def _is_name(text: str) -> bool:
    bare = text.strip()
    return kind(bare) == "text" and bare[:1].isalpha() and bare not in NOTHING and not TOTAL.match(bare)
