"""How many cells the records of a cut have, what that says of the cut, and how good one can be at best."""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby, islice
from typing import TYPE_CHECKING

from ingestion.conversion.detect.kinds import is_rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.records import Cells

UNLIKELY = {"~": 0.9, "^": 0.9, "#": 0.6, "*": 0.6, "!": 0.6, ":": 0.55, " ": 0.5, "": 0.5}
ALIGNED = {"|": 1.15, "": 0.8}
COMMENTS = ("#", "//")
SAMPLE_RECORDS = 200
MARKS = ('"', "'")
UNKNOWN = (float("inf"), 0)
_LINE = re.compile("([^\r\n]*)(\r\n|\n|\r|\\Z)")
_WORD = re.compile(r"[^\W_]")


def score(sign: str, width: int, share: float, quality: float, *, aligned: bool) -> float:
    """Return a number to compare cuts by; only its order means something."""
    likely = ALIGNED["|" if sign else ""] if aligned else UNLIKELY.get(sign, 1.0)
    return share**1.5 * quality * likely * (1 + min(width, 40) / 80)


def usual(records: Sequence[Cells]) -> tuple[int, float]:
    """Return the usual width, and the share of records that have it, those above the first such left out."""
    filled = [cells for cells in records if is_filled(cells) and not is_rule(cells)] or records
    data = [cells for cells in filled if not (cells[0] or "").startswith(COMMENTS)]
    # Comments hold any signs; where most records begin like one, they are none.
    widths = [len(cells) for cells in (data if len(data) > len(filled) / 2 else filled) if is_filled(cells)]
    return _usual(widths) if widths else (max(map(len, records), default=0), 0.0)


def is_filled(cells: Cells) -> bool:
    """Tell whether a cell is not blank."""
    return any(cell and cell.strip() for cell in cells)


def plain_widths(text: str, sign: str) -> list[int]:
    """Return how many cells the first lines of a text have where a quote is a sign like any other."""
    return [line.count(sign) + 1 if sign else 1 for line in _first_lines(text)[0]]


def _first_lines(text: str) -> tuple[list[str], int]:
    """Return a text's first lines without their ends, and where the last of them ends."""
    found = [line for line in islice(_LINE.finditer(text), SAMPLE_RECORDS) if line.group()]
    return [line.group(1) for line in found], found[-1].end() if found else 0


def _usual(widths: Sequence[int]) -> tuple[int, float]:
    counts = Counter(widths)
    width, count = max(counts.items(), key=lambda item: (item[1] * min(item[0], 2), -widths.index(item[0])))
    below = len(widths) - widths.index(width)
    # Some lines above the table are a title; many are a sign of a wrong cut.
    titles = min(len(widths) - below, 5, below) if below > 1 else 0
    near = sum(counts[other] for other in (width - 1, width + 1)) if width > 2 else 0
    return width, max(count + 0.6 * near, 0.9 * _in_runs(widths)) / max(len(widths) - titles, count + near)


def _in_runs(widths: Sequence[int]) -> int:
    """Count the records that have as many cells as both neighbours: several tables have several widths."""
    if max(widths) < 2:
        return 0
    runs = [len(list(run)) for width, run in groupby(widths) if width > 1]
    return sum(run for run in runs if run > 2)


class Outlook:
    """The first lines of a text, and how good a cut by a sign can be whose quotes enclose no cell in them.

    Then each line is a record, and has as many cells as signs and one more; nothing needs to be cut to know that.
    """

    def __init__(self, text: str, quote: str | None) -> None:
        """Look at the lines once for all signs; a ``quote`` that the caller gives counts beside the usual ones."""
        self._marks = (*MARKS, quote) if quote else MARKS
        self._lines, end = _first_lines(text)
        self._are_plain = all(_WORD.search(line) and not line.startswith(COMMENTS) for line in self._lines)
        self._begun = text[:end]
        before_mark = f"(?<! ) ++(?=[{re.escape(''.join(self._marks))}])"
        self._bare = re.sub(before_mark, "", self._begun)  # blanks before a quote may go with the sign
        self._marked = any(line.lstrip(" ").startswith(self._marks) for line in self._lines)
        self._escapes = any(f"\\{mark}" in text for mark in self._marks)

    def bound(self, sign: str) -> tuple[float, int]:
        """Return the best score that the cut by a sign can have, and its width; ``UNKNOWN`` where quotes matter."""
        opens = sign != "" and any(sign + mark in text for mark in self._marks for text in (self._bare, self._begun))
        if self._escapes or self._marked or opens:
            return UNKNOWN
        width, share = self._usual(sign)
        return score(sign, width, share, 1.0, aligned=False), width

    def _usual(self, sign: str) -> tuple[int, float]:
        if not self._lines:
            return 0, 0.0
        if self._are_plain and len(sign) == 1:  # neither blank nor a drawn line nor a comment, whatever the sign
            return _usual([line.count(sign) + 1 for line in self._lines])
        return usual([[part or None for part in (line.split(sign) if sign else [line])] for line in self._lines])
