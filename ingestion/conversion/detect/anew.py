"""Whether a table begins right below another of the same width, without a blank line between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestion.conversion.detect.header import shape, vote
from ingestion.conversion.detect.kinds import TOTAL, is_value, kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.detect.cuts import Row
    from ingestion.conversion.records import Cells

COLUMNS_AT_LEAST, SURE_COLUMNS, RECORDS_AT_LEAST = 2, 3, 2


class Anew:
    """The columns of values of a table, above which a record of texts may name those of the next one.

    A word or two may stand for values that are not known yet. What holds a text in each column of values, all of them
    different, is a header when there are three such columns, or two below one of which the values are of another kind.
    """

    def __init__(self, data: Sequence[Cells]) -> None:
        """Look at the first records of the table."""
        width = max(map(len, data), default=0)
        self._columns = [[row[at] for row in data if at < len(row)] for at in range(width)]
        self._values = [at for at, cells in enumerate(self._columns) if 2 * sum(map(is_value, cells)) > len(cells)]

    def names_again(self, cells: Cells, below: Sequence[Row]) -> bool:
        """Tell whether a record of texts names the columns of the records below it."""
        if len(self._values) < COLUMNS_AT_LEAST or len(cells) != len(self._columns):
            return False
        texts = [cell.strip() for cell in cells if cell and cell.strip()]
        if len(set(texts)) < len(cells) or TOTAL.match(texts[0]) or self._is_key_again(texts):
            return False
        others = [row.cells for row in below if len(row.cells) == len(cells)]
        under = [[row[at] for row in others] for at in range(len(cells))]
        if len(others) < RECORDS_AT_LEAST or any(
            vote(cells[at], self._columns[at]) < 1 or vote(cells[at], under[at]) < 1 for at in self._values
        ):
            return False
        changed = any(_common(self._columns[at]) != _common(under[at]) for at in self._values)
        return changed or len(self._values) >= SURE_COLUMNS

    def _is_key_again(self, texts: Sequence[str]) -> bool:
        """Tell whether a text with digits has the form of those above, as keys of one table have."""
        return any(
            any(sign.isdigit() for sign in text) and shape(text) in {shape(cell) for cell in above if cell}
            for text, above in zip(texts, self._columns, strict=True)
        )


def _common(cells: Sequence[str | None]) -> str:
    """Return the most common kind of a column's values."""
    kinds = [kind(cell) for cell in cells if is_value(cell)]
    return max(set(kinds), key=kinds.count, default="")
