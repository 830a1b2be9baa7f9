"""The rows of a sheet that are set aside, and the cells for which they are: errors, formulas without a value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from ingestion.conversion.formats.books.cells import ERROR, REJECTED, address
from ingestion.conversion.formats.books.columns import as_texts
from ingestion.conversion.values import Reject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.formats.books.cells import Epoch, Grid
    from ingestion.conversion.formats.books.layout import Layout
    from ingestion.errors import Place

MAX_LISTED = 10_000
UNCALCULATED = "The cell holds a formula that was never calculated; open the workbook, save it, send it again."


def refused_rows(grid: Grid, layout: Layout, rows: Sequence[int], *, place: Place, epoch: Epoch) -> tuple[Reject, ...]:
    """Return one reject for each bad cell, row by row; of more than ``MAX_LISTED`` rows the first ones."""
    cells = grid.within(np.array(rows[:MAX_LISTED], np.int64))
    texts = as_texts(cells, grid.texts, epoch=epoch)
    whole: dict[int, dict[str, str]] = {}
    for row, col, text in zip(cells.rows.tolist(), cells.cols.tolist(), texts, strict=True):
        whole.setdefault(row, {})[layout.names.get(col) or address(row, col)] = text
    bad = np.flatnonzero(np.isin(cells.kinds, REJECTED)).tolist()
    found = []
    for at in bad:
        row, col = int(cells.rows[at]), int(cells.cols[at])
        is_error = cells.kinds[at] == ERROR
        found.append(
            Reject(
                code="EXCEL_ERROR_CELL" if is_error else "FORMULA_WITHOUT_VALUE",
                reason=f"The cell holds the error {texts[at]}." if is_error else UNCALCULATED,
                file=place.file,
                sheet=place.sheet,
                cell=address(row, col),
                line=row + 1,
                column=layout.names.get(col),
                raw=json.dumps(whole[row], ensure_ascii=False),
            )
        )
    return tuple(found)
