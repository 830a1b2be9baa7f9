"""The rows of a sheet that are set aside, and the cells for which they are: errors, formulas without a value."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from ingestion.conversion.formats.books.cells import ERROR, REJECTED, address
from ingestion.conversion.formats.books.columns import as_texts
from ingestion.conversion.values import Reject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingestion.conversion.formats.books.cells import Block, Epoch, Grid
    from ingestion.conversion.formats.books.layout import Layout
    from ingestion.errors import Place

AT_ONCE = 10_000
UNCALCULATED = "The cell holds a formula that was never calculated; open the workbook, save it, send it again."
HINT = "Correct the cell, and replay the row."


class RefusedRows(Collection[Reject]):
    """A reject for each bad cell, row by row, made anew whenever they are gone through, from these rows' cells."""

    def __init__(self, grid: Grid, layout: Layout, rows: Sequence[int], *, place: Place, epoch: Epoch) -> None:
        """``rows`` ascend, and each has such a cell."""
        self._cells = grid.within(np.array(rows, np.int64))
        self._texts = grid.texts
        self._names = layout.names
        self._numbers = dict(zip(rows, (np.searchsorted(layout.body, rows) + 1).tolist(), strict=True))
        self._rows = rows
        self._place = place
        self._epoch = epoch

    def __len__(self) -> int:
        return int(np.isin(self._cells.kinds, REJECTED).sum())

    def __contains__(self, one: object) -> bool:
        return any(one == other for other in self)

    def __iter__(self) -> Iterator[Reject]:
        for start in range(0, len(self._rows), AT_ONCE):
            some = self._rows[start : start + AT_ONCE]
            yield from self._of(self._cells.only((self._cells.rows >= some[0]) & (self._cells.rows <= some[-1])))

    def _of(self, cells: Block) -> Iterator[Reject]:
        names = self._names
        texts = as_texts(cells, self._texts, epoch=self._epoch)
        whole: dict[int, dict[str, str]] = {}
        for row, col, text in zip(cells.rows.tolist(), cells.cols.tolist(), texts, strict=True):
            whole.setdefault(row, {})[names.get(col) or address(row, col)] = text
        for at in np.flatnonzero(np.isin(cells.kinds, REJECTED)).tolist():
            row, col = int(cells.rows[at]), int(cells.cols[at])
            is_error = cells.kinds[at] == ERROR
            yield Reject(
                code="EXCEL_ERROR_CELL" if is_error else "FORMULA_WITHOUT_VALUE",
                reason=f"The cell holds the error {texts[at]}." if is_error else UNCALCULATED,
                hint=HINT,
                file=self._place.file,
                sheet=self._place.sheet,
                cell=address(row, col),
                line=row + 1,
                column=names.get(col),
                value=texts[at],
                raw=json.dumps(whole[row], ensure_ascii=False),
                source_row=self._numbers[row],
            )
