"""Column names from header rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.records import Cells


def column_names(rows: Sequence[Cells], width: int) -> tuple[str, ...]:
    """Return ``width`` names from the header's rows, joined where there are several.

    A name that spans columns (empty cells follow it in an upper row) stands above each of them.
    """
    if len(rows) < 2:
        return tuple(unique_names(padded(list(rows[0]) if rows else [], width)))
    upper = [_spread(row) for row in rows[:-1]]
    joined: Cells = []
    for index in range(width):
        parts = [row[index] if index < len(row) else None for row in (*upper, rows[-1])]
        joined.append(" ".join(part.strip() for part in parts if part and part.strip()))
    return tuple(unique_names(joined))


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
