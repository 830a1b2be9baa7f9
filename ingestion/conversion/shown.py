"""Values as people read them, where a page has to show them: nothing is rounded, nested values are JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ingestion.conversion.pythonic import values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREVIEW_ROWS = 100


def shown(value: Any) -> str | None:
    """Return the text for a value as ``pyarrow``'s ``as_py`` gives it; None for null."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=shown)
    return str(value)


def preview(path: Path) -> dict[str, Any]:
    """Return a Parquet file's columns and first rows as texts, so that a page shows them without opening it."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        batch = next(file.iter_batches(batch_size=PREVIEW_ROWS), None)
        schema = file.schema_arrow
    rows: Iterator[tuple[Any, ...]] = (
        zip(*(values(column) for column in batch.columns), strict=True) if batch else iter(())
    )
    return {
        "columns": [{"name": one.name, "type": str(one.type)} for one in schema],
        "rows": [[shown(cell) for cell in row] for row in rows],
    }
