"""Column names from header rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestion.conversion.values import Notice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.records import Cells


SHOWN = 5


def column_names(rows: Sequence[Cells], width: int) -> tuple[tuple[str, ...], list[Notice]]:
    """Return ``width`` names from the header's rows, joined where there are several, and what to know of them.

    A name that spans columns (empty cells follow it in an upper row) stands above each of them.
    """
    cells = _joined(rows, width)
    names = unique_names(cells)
    changed = [
        f'column {at} is "{name}"'
        for at, (cell, name) in enumerate(zip(cells, names, strict=True), 1)
        if cell and cell.strip() not in {"", name}
    ]
    if not changed:
        return tuple(names), []
    more = ", ..." if len(changed) > SHOWN else ""
    message = f"Names stand twice in the header and were told apart by numbers: {', '.join(changed[:SHOWN])}{more}."
    return tuple(names), [Notice(code="DUPLICATE_NAMES", message=message)]


def _joined(rows: Sequence[Cells], width: int) -> Cells:
    if len(rows) < 2:
        return padded(list(rows[0]) if rows else [], width)
    upper = [_spread(row) for row in rows[:-1]]
    joined: Cells = []
    for index in range(width):
        parts = [row[index] if index < len(row) else None for row in (*upper, rows[-1])]
        joined.append(" ".join(part.strip() for part in parts if part and part.strip()))
    return joined


def _spread(cells: Cells) -> Cells:
    spread: Cells = []
    for cell in cells:
        spread.append(cell if cell and cell.strip() else spread[-1] if spread else None)
    return spread


def padded(cells: Cells, width: int) -> Cells:
    """Return the first ``width`` cells, filled up with None."""
    return (cells + [None] * width)[:width]


def unique_names(cells: Cells) -> list[str]:
    """Return column names: trimmed, empty ones numbered, repeated ones told apart."""
    names: list[str] = []
    given = {(cell or "").strip() for cell in cells}
    taken: set[str] = set()
    following: dict[str, int] = {}  # the number that a repeated name gets next: those before it are taken
    for index, cell in enumerate(cells, 1):
        base = (cell or "").strip() or f"column_{index}"
        name, number = base, following.get(base, 2)
        while name in taken or (name != base and name in given):
            name, number = f"{base}_{number}", number + 1
        following[base] = number
        taken.add(name)
        names.append(name)
    return names
