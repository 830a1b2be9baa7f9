"""Where the table lies on a sheet: title lines, header, data, total lines, and the columns that are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ingestion.conversion.detect.cuts import Row
from ingestion.conversion.detect.kinds import is_rule
from ingestion.conversion.detect.layout import Region, doubtful_total, find_tables, footer
from ingestion.conversion.detect.names import column_names
from ingestion.conversion.formats.books.beside import sides_of
from ingestion.conversion.formats.books.cells import address, among
from ingestion.conversion.formats.books.lines import SEARCHED_ROWS, lines_of, usual_width
from ingestion.slotted import replace, slotted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingestion.conversion.formats.books.cells import Epoch, Grid
    from ingestion.conversion.values import Notice, Options

WHOLE_ROWS = 2000
FAR_LARGER = 2
SURE = 0.8
FOOT_ROWS = 20
MOST_REPEATED = 10_000


@slotted(frozen=True)
class Layout:
    """The table of a sheet. Rows and columns count from 0, as in ``Grid``.

    ``names`` are those of the used columns; ``body`` are the rows that hold data; ``skipped`` are all other rows
    down to the last one, by reason. ``doubt`` is the row, from 1, that may be a total. ``tables`` say where all tables
    of the sheet stand, ``number``, from 1, which was chosen, and ``notices`` what only may be another, or names told
    apart.
    """

    header: tuple[int, ...]
    names: dict[int, str]
    body: NDArray[np.int64]
    skipped: dict[str, NDArray[np.int64]]
    evidence: str
    confidence: float
    doubt: int | None
    tables: tuple[str, ...] = ()
    number: int = 1
    notices: tuple[Notice, ...] = ()


def lay_out(grid: Grid, options: Options, *, epoch: Epoch) -> tuple[Grid, Layout] | None:
    """Find the table, and the part of the sheet that holds it.

    None when what the caller says of it points behind the last row or the last table. The options ``skip_rows`` and
    ``header_row`` count the sheet's rows, blank ones too.
    """
    sides, doubts = sides_of(grid, epoch=epoch) if options.header_row is None else ([grid], [])
    found = [(side, region) for side in sides for region in _tables(side, options, epoch=epoch)]
    number = _chosen([region for _, region in found], options)
    if number is None:
        return None
    side, region = found[number]
    spans = tuple(_span(*one, options.skip_rows, beside=len(sides) > 1) for one in found)
    layout = _layout(side, region, options.skip_rows, epoch=epoch)
    notices = (*doubts, *layout.notices)
    return side, replace(layout, tables=spans, number=number + 1, notices=notices)


def _rows_below(grid: Grid, left_out: int) -> NDArray[np.int64]:
    return grid.used_rows[int(np.searchsorted(grid.used_rows, left_out)) :]


def _span(grid: Grid, region: Region, left_out: int, *, beside: bool) -> str:
    """Return where a table stands: its rows, and its columns where others stand beside it."""
    rows = _rows_below(grid, left_out)
    top, last = int(rows[region.top]), int(rows[region.end - 1])
    if beside:
        return f"{address(top, grid.columns[0])}:{address(last, grid.columns[-1])}"
    return f"rows {top + 1} to {last + 1}"


def _layout(grid: Grid, region: Region, left_out: int, *, epoch: Epoch) -> Layout:
    """Return what a table's rows are, and its columns' names."""
    columns, rows = grid.columns, _rows_below(grid, left_out)
    titles, body = rows[region.top : region.header], rows[region.data : region.end]
    header, twice, rules = _header(lines_of(grid, rows[region.header : region.data], epoch=epoch))
    filled = grid.columns_within(body)
    named = {at for row in header for at, cell in zip(columns, row.cells, strict=False) if cell and cell.strip()}
    kept = [at for at in columns if at in filled or at in named]
    names, notices = column_names([_of(row, columns, kept) for row in header], len(kept))
    foot, doubt = _footer(grid, body, kept, epoch=epoch)
    body = body[: len(body) - len(foot)]
    again = _repeated(grid, header[-1] if header else None, body, epoch=epoch)
    others = rows[: region.top], rows[region.end :], grid.elsewhere[grid.elsewhere >= left_out]
    skipped = {
        "left out by the option skip_rows": np.arange(left_out),
        "rows of other tables": np.sort(np.concatenate(others)),
        "title lines": titles,
        "blank rows": grid.blank_rows(left_out),
        "rule lines": _numbers(rules),
        "repeated header": np.append(_numbers(twice), again),
    }
    for row, kind in foot:
        skipped[kind] = np.append(skipped.get(kind, np.zeros(0, np.int64)), row)
    return Layout(
        header=tuple(row.line - 1 for row in header),
        names={at: _one_line(name) for at, name in zip(kept, names, strict=True)},
        body=np.setdiff1d(body, again, assume_unique=True) if len(again) else body,
        skipped={reason: found for reason, found in skipped.items() if len(found)},
        evidence=region.evidence,
        confidence=region.confidence,
        doubt=doubt,
        notices=tuple(notices),
    )


def _tables(grid: Grid, options: Options, *, epoch: Epoch) -> list[Region]:
    """Return the tables that stand one below the other; of a large sheet, or below a header that is given, one."""
    rows = _rows_below(grid, options.skip_rows)
    if options.header_row is not None:
        at = int(np.searchsorted(rows, options.skip_rows + options.header_row - 1)) if options.header_row else 0
        if at >= len(rows):
            return []
        return [Region(0, at, at + (options.header_row > 0), len(rows), "the caller said so", 1.0)]
    if not len(rows):
        return []
    if len(rows) <= WHOLE_ROWS:
        several = _stacked(lines_of(grid, rows, epoch=epoch))
        if several:
            return several
    head = lines_of(grid, rows[:SEARCHED_ROWS], epoch=epoch)
    return [replace(find_tables(head, usual_width(head), whole=False)[0], end=len(rows))]


def _stacked(rows: list[Row]) -> list[Region]:
    """Return several tables that blank rows part; none where there is only one."""
    spaced: list[Row] = []
    places: list[int] = []
    for at, row in enumerate(rows):
        if at and row.line > rows[at - 1].line + 1:
            spaced.append(Row(cells=[], start=0, end=0, line=row.line - 1))
            places.append(at)
        spaced.append(row)
        places.append(at)
    places.append(len(rows))
    if len(spaced) == len(rows):
        return []
    found = find_tables(spaced, usual_width(rows), whole=True)
    if len(found) < 2 or not all(_begins_anew(spaced[one.top : one.header], one) for one in found[1:]):
        return []
    return [
        replace(one, top=places[one.top], header=places[one.header], data=places[one.data], end=places[one.end])
        for one in found
    ]


def _begins_anew(above: list[Row], table: Region) -> bool:
    """Tell whether a table surely is another one: a blank row, at most a title, and an evident header part it."""
    widths = [len(row.filled) for row in above]
    return bool(widths) and not widths[0] and max(widths) <= 1 and table.confidence >= SURE


def _chosen(tables: list[Region], options: Options) -> int | None:
    """Return the index of the table that the caller names; else of the first, or of one that is far larger."""
    if options.table is not None:
        return options.table - 1 if 1 <= options.table <= len(tables) else None
    if not tables:
        return None
    largest = max(range(len(tables)), key=lambda at: tables[at].end - tables[at].data)
    far = tables[largest].end - tables[largest].data > FAR_LARGER * (tables[0].end - tables[0].data)
    return largest if far else 0


def _header(rows: list[Row]) -> tuple[list[Row], list[Row], list[Row]]:
    """Return the rows that name the columns, those that do so once more, and those that only draw a line."""
    rules = [row for row in rows if is_rule(row.cells)]
    names = [row for row in rows if not is_rule(row.cells)]
    once = [row for at, row in enumerate(names) if all(row.cells != other.cells for other in names[:at])]
    return once, [row for row in names if all(row is not other for other in once)], rules


def _numbers(rows: list[Row]) -> NDArray[np.int64]:
    return np.array([row.line - 1 for row in rows], np.int64)


def _of(row: Row, columns: Sequence[int], kept: Sequence[int]) -> list[str | None]:
    cells = dict(zip(columns, row.cells, strict=False))
    return [cells.get(at) for at in kept]


def _ended(cells: list[str | None]) -> list[str | None]:
    """Return the cells up to the last filled one."""
    last = max((at for at, cell in enumerate(cells) if cell is not None), default=-1)
    return cells[: last + 1]


def _one_line(name: str) -> str:
    """Return a name without line breaks, which header cells often have."""
    return " ".join(name.split()) if "\n" in name or "\r" in name else name


def _footer(
    grid: Grid, body: NDArray[np.int64], kept: Sequence[int], *, epoch: Epoch
) -> tuple[list[tuple[int, str]], int | None]:
    """Return the last rows that hold totals or remarks, each with what it is, or one that may be a total."""
    last = body[-max(FOOT_ROWS, min(len(body) - 1, 3 * FOOT_ROWS)) :]
    rows = [
        Row(cells=_ended(_of(row, grid.columns, kept)), start=0, end=0, line=row.line)
        for row in lines_of(grid, last, epoch=epoch)
    ]
    kinds = footer(rows, len(kept))[-max(0, len(body) - 1) :] if len(body) > 1 else ()
    doubt = doubtful_total(rows, len(kept))
    return list(zip(body[len(body) - len(kinds) :].tolist(), kinds, strict=True)), doubt.line if doubt else None


def _repeated(grid: Grid, header: Row | None, body: NDArray[np.int64], *, epoch: Epoch) -> NDArray[np.int64]:
    """Return the rows of the body that hold the header once more."""
    if header is None:
        return np.zeros(0, np.int64)
    columns = grid.columns
    first = next((at for at, cell in zip(columns, header.cells, strict=False) if cell and cell.strip()), None)
    if first is None:
        return np.zeros(0, np.int64)
    suspects = among(grid.rows_with_text(first, header.cells[columns.index(first)] or ""), body)
    rows = lines_of(grid, suspects[:MOST_REPEATED], epoch=epoch)
    return np.array([row.line - 1 for row in rows if row.cells == header.cells], np.int64)
