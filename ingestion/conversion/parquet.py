"""Arrow's writer and reader of Parquet, as ``pyarrow.parquet`` drives them on local files.

``pyarrow.parquet`` loads the clients of all object stores and TLS before it opens a file, which takes longer than
writing a small one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import _parquet

if TYPE_CHECKING:
    from pathlib import Path

PAGE_BYTES = 1 << 20
WORTH_TELLING_BYTES = 1 << 10
"""Fewer bytes of a column are read as fast as what a footer tells of them, which takes more room."""
# What Parquet's own types give back as it was, nulls and all; other types are kept beside them, as Arrow's.
_OWN_TYPES = {
    *(pa.bool_(), pa.int64(), pa.date32(), pa.string(), pa.time64("us"), pa.timestamp("us"), pa.timestamp("us", "UTC"))
}


def open_writer(path: Path, schema: pa.Schema, **properties: Any) -> Any:
    """Return a writer of a local file with the methods and properties of ``pyarrow.parquet.ParquetWriter``."""
    given = {"version": "2.6", "data_page_version": "1.0", "writer_engine_version": "V2"} | properties
    return _parquet.ParquetWriter(str(path), schema, **given)


def footer_for(group: pa.Table, page_rows: int) -> dict[str, bool]:
    """Return what the footer of a file is to tell beside its columns, by its first row group.

    Small files are small by what is left out: Arrow's own schema where Parquet's says the same, statistics of a few
    values, and an index to a single page.
    """
    plain = all(_is_own(field) for field in group.schema) and not group.schema.metadata
    few = plain and group.nbytes < WORTH_TELLING_BYTES * group.num_columns
    single = group.nbytes < PAGE_BYTES and group.num_rows <= page_rows
    return {"store_schema": not plain, "write_statistics": not few, "write_page_index": not single}


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
