"""Parquet that comes as input: its types pass through unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.conversion.errors import BrokenFile
from ingestion.conversion.values import Column, Detection, Notice, Options, RowCount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.conversion.unpack import Payload

BATCH_ROWS = 64 * 1024


class ParquetTable:
    """A Parquet file, batch by batch."""

    def __init__(self, payload: Payload) -> None:
        """Open the footer; raises ``BrokenFile``."""
        self.rows = RowCount()
        self.warnings: list[Notice] = []
        self.progress = 0
        self._payload = payload
        try:
            self._file = pq.ParquetFile(payload.path)
        except (pa.ArrowInvalid, OSError) as error:
            raise _broken(payload) from error
        self._nulls = dict.fromkeys(self.schema().names, 0)

    def schema(self) -> pa.Schema:
        """Return the file's own schema."""
        return self._file.schema_arrow.remove_metadata()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as they are."""
        self.rows = RowCount()
        try:
            for batch in self._file.iter_batches(BATCH_ROWS):
                for name, cells in zip(self.schema().names, batch.columns, strict=True):
                    self._nulls[name] += cells.null_count
                self.rows.read += batch.num_rows
                self.rows.loaded += batch.num_rows
                yield batch.replace_schema_metadata(None)
        except (pa.ArrowInvalid, OSError) as error:
            raise _broken(self._payload) from error

    def columns(self) -> tuple[Column, ...]:
        """Return the file's columns; their rule is to stay as they are."""
        return tuple(
            Column(name=field.name, type=field.type, rule="as in the file", nulls=self._nulls[field.name])
            for field in self.schema()
        )


def open_parquet(payload: Payload, _detection: Detection, _options: Options) -> ParquetTable:
    """Open the table."""
    return ParquetTable(payload)


def _broken(payload: Payload) -> BrokenFile:
    return BrokenFile("The Parquet file is cut off or damaged.", hint="Send it again.", place=payload.place())
