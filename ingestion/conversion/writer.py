"""Parquet as DataBridge writes it: zstd, statistics, page index and checksums, and its origin in the footer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Self

import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

    from ingestion.conversion.formats.base import Table

CODE_VERSION = "0.1.0"
ROW_GROUP_ROWS = 1 << 20


class Writer:
    """Writes a table's batches to one local file. ``rows`` counts what was written."""

    def __init__(self, path: Path, table: Table, metadata: Mapping[str, str]) -> None:
        """Open the file with the table's present schema."""
        self.rows = 0
        self._table = table
        schema = table.schema()
        self._metadata = metadata
        self._writer = pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            compression_level=1,
            write_statistics=True,
            write_page_index=True,
            write_page_checksum=True,
            store_decimal_as_integer=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Finish the file; the footer tells rules and origin when all went well."""
        if kind is None:
            rules = {column.name: column.rule for column in self._table.columns()}
            facts = {"rules": json.dumps(rules, ensure_ascii=False), "code_version": CODE_VERSION, **self._metadata}
            self._writer.add_key_value_metadata({f"databridge.{name}": str(text) for name, text in facts.items()})
        self._writer.close()

    def write(self, batch: pa.RecordBatch) -> None:
        """Append one batch."""
        self._writer.write_batch(batch, row_group_size=ROW_GROUP_ROWS)
        self.rows += batch.num_rows
