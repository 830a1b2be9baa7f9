"""Arrow's writer and reader of Parquet, as ``pyarrow.parquet`` drives them on local files.

``pyarrow.parquet`` loads the clients of all object stores and TLS before it opens a file, which takes longer than
writing a small one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyarrow import _parquet

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa


def open_writer(path: Path, schema: pa.Schema, **properties: Any) -> Any:
    """Return a writer of a local file with the methods and properties of ``pyarrow.parquet.ParquetWriter``."""
    given = {"version": "2.6", "data_page_version": "1.0", "writer_engine_version": "V2"} | properties
    return _parquet.ParquetWriter(str(path), schema, **given)


def row_count(path: Path) -> int:
    """Return the number of rows that a file's footer tells."""
    reader = _parquet.ParquetReader()
    reader.open(str(path))
    try:
        rows: int = reader.metadata.num_rows
    finally:
        reader.close()
    return rows
