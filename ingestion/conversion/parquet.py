"""Arrow's writer and reader of Parquet, as ``pyarrow.parquet`` drives them on local files.

``pyarrow.parquet`` loads the clients of all object stores and TLS before it opens a file, which takes longer than
writing a small one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import _parquet

# What Parquet's own types give back as it was, nulls and all; other types are kept beside them, as Arrow's.
_OWN_TYPES = {
    *(pa.bool_(), pa.int64(), pa.date32(), pa.string(), pa.time64("us"), pa.timestamp("us"), pa.timestamp("us", "UTC"))
}


def open_writer(where: Path | pa.NativeFile, schema: pa.Schema, **properties: Any) -> Any:
    """Return a writer of a local file, or to a sink, with the methods of ``pyarrow.parquet.ParquetWriter``."""
    given = {"version": "2.6", "data_page_version": "1.0", "writer_engine_version": "V2"} | properties
    return _parquet.ParquetWriter(str(where) if isinstance(where, Path) else where, schema, **given)


def needs_schema(schema: pa.Schema) -> bool:
    """Tell whether the footer must keep Arrow's own schema: where Parquet's types would not give it back.

    It is the larger half of a small file.
    """
    return not all(_is_own(field) for field in schema) or bool(schema.metadata)


def _is_own(field: pa.Field) -> bool:
    own = field.type in _OWN_TYPES or pa.types.is_decimal128(field.type)
    return bool(own and field.nullable and not field.metadata)


def row_count(path: Path) -> int:
    """Return the number of rows that a file's footer tells."""
    reader = _parquet.ParquetReader()
    reader.open(str(path))
    try:
        rows: int = reader.metadata.num_rows
    finally:
        reader.close()
    return rows
