"""Arrow's values as Python's, also those that Python has no type for: moments and days beyond the years 1 to 9999."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_TOO_FAR = (OverflowError, ValueError)  # how PyArrow tells that Python's calendar ends


def values(cells: pa.Array) -> list[Any]:
    """Return cells as ``to_pylist`` does; moments beyond Python's calendar come as their exact texts."""
    try:
        return cells.to_pylist()
    except _TOO_FAR:
        return [value(cell) for cell in cells]


def value(cell: pa.Scalar) -> Any:
    """Return a cell as ``as_py`` does; a moment beyond Python's calendar comes as its exact text."""
    try:
        return cell.as_py()
    except _TOO_FAR:
        return _inside(cell)


def _inside(cell: pa.Scalar) -> Any:
    """Go into what is nested, down to the moment that is too far away."""
    import pyarrow as pa

    kind = cell.type
    if pa.types.is_dictionary(kind):
        return value(cell.value)
    if pa.types.is_struct(kind):
        return {field.name: value(cell[at]) for at, field in enumerate(kind)}
    if pa.types.is_map(kind):
        return [tuple(value(part) for part in pair.values()) for pair in cell.values]
    if hasattr(cell, "values"):  # every kind of list
        return [value(one) for one in cell.values]
    return _text(cell)


def _text(cell: pa.Scalar) -> str:
    import numpy as np
    import pyarrow as pa

    kind, count = cell.type, cell.value
    if pa.types.is_date32(kind):
        return str(np.datetime64(count, "D"))
    if pa.types.is_date64(kind):
        return str(np.datetime64(count, "ms"))
    if pa.types.is_timestamp(kind):
        return str(np.datetime64(count, kind.unit)).replace("T", " ") + (" UTC" if kind.tz else "")
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        return f"{count} {kind.unit}"
    return str(cell)
