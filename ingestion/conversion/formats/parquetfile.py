"""A Parquet file as input: opened in spite of what its footer may do to Arrow, and read in batches of bounded size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.conversion import functions as pc
from ingestion.conversion.errors import PasswordProtected, UnsafeArchive, UnsupportedType
from ingestion.conversion.formats.bounds import BATCH_CELLS, BATCH_ROWS
from ingestion.conversion.values import Notice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.conversion.unpack import Payload

BATCH_BYTES = 64 << 20
MAX_ROW_BYTES = 128 << 20
SIGNATURE_BYTES = 28


class ParquetSource:
    """A Parquet file."""

    def __init__(self, payload: Payload) -> None:
        """Open the footer."""
        self.notices: list[Notice] = []
        self._size = payload.size
        self._path = str(payload.path)
        plain = pq.ParquetFile(self._path)
        _refuse_encrypted(plain.metadata, payload)
        self._rows = _rows_at_once(plain.metadata, payload)
        coarse = {}
        if _beyond_nanoseconds(plain, self._path):
            coarse = {"coerce_int96_timestamp_unit": "us"}
            plain = pq.ParquetFile(self._path, **coarse)
            message = "Its INT96 times lie outside what nanoseconds can count, so microseconds are kept."
            self.notices.append(Notice(code="INT96_TIMES", message=message))
        self.schema = plain.schema_arrow.remove_metadata()
        _refuse_leafless(self.schema, payload)
        _try_first_row(plain)
        # Dictionaries are kept as they are until it is known how long their values are.
        self._file = pq.ParquetFile(self._path, read_dictionary=_dictionaries(plain.metadata), **coarse)

    def batches(self) -> Iterator[tuple[pa.RecordBatch, int]]:
        """Yield the rows a part of a row group at a time."""
        groups = map(self._file.metadata.row_group, range(self._file.num_row_groups))
        total, done = sum(group.num_rows for group in groups), 0
        for batch in self._file.iter_batches(self._rows):
            done += batch.num_rows
            yield batch, self._size * done // max(1, total)
        if done != total:
            raise pa.ArrowInvalid(f"{done} rows instead of the {total} that the footer tells")


def _refuse_encrypted(footer: pq.FileMetaData, payload: Payload) -> None:
    """Refuse a file of which columns are encrypted but not the footer, before Arrow ends the process over one.

    Such a footer is signed: 28 bytes follow its metadata (parquet-format, Encryption.md, section 5.4).
    """
    with payload.open() as file:
        file.seek(payload.size - 8)
        size = int.from_bytes(file.read(4), "little")
    if size - footer.serialized_size == SIGNATURE_BYTES:
        raise PasswordProtected(
            "Some of its columns are encrypted.", hint="Send it without encryption.", place=payload.place()
        )


def _refuse_leafless(schema: pa.Schema, payload: Payload) -> None:
    """Refuse groups that hold no value at any depth, which Arrow leaves out of what it reads."""
    for field in schema:
        if not _has_leaf(field.type):
            raise UnsupportedType(
                f"The group {field.type} has no fields to read.",
                hint="Leave the column out of the export.",
                place=payload.place(column=field.name),
            )


def _has_leaf(kind: pa.DataType) -> bool:
    return any(_has_leaf(field.type) for field in kind) if pa.types.is_struct(kind) else True


def _rows_at_once(footer: pq.FileMetaData, payload: Payload) -> int:
    """Return how many rows keep a batch within its bytes; raises ``UnsafeArchive`` when not even a few do."""
    rows = max(1, min(BATCH_ROWS, BATCH_CELLS // max(1, footer.num_columns)))
    for group in map(footer.row_group, range(footer.num_row_groups)):
        each = group.total_byte_size // max(1, group.num_rows)
        if each > MAX_ROW_BYTES:
            raise UnsafeArchive(
                f"Its rows unpack to {each >> 20} MiB each.",
                hint="Keep such contents in files of their own.",
                place=payload.place(),
            )
        rows = max(1, min(rows, BATCH_BYTES // max(1, each)))
    return rows


def _try_first_row(file: pq.ParquetFile) -> None:
    """Read a row, which tells of a damaged footer by an exception; asking for its columns ends the process."""
    if file.num_row_groups:
        next(file.iter_batches(1, row_groups=[0]), None)


def _dictionaries(footer: pq.FileMetaData) -> list[str]:
    """Return the columns of texts or bytes, none of them within others, that have a dictionary."""
    if not footer.num_row_groups:
        return []
    columns = map(footer.row_group(0).column, range(footer.num_columns))
    return [
        column.path_in_schema
        for column in columns
        if column.physical_type == "BYTE_ARRAY" and column.has_dictionary_page and "." not in column.path_in_schema
    ]


def _beyond_nanoseconds(file: pq.ParquetFile, path: str) -> bool:
    """Tell whether INT96 times (Impala, old Spark) lie outside 1677 to 2262, where nanoseconds would wrap around."""
    old = [
        column.path for column in map(file.schema.column, range(len(file.schema))) if column.physical_type == "INT96"
    ]
    if not old:
        return False
    coarse = pq.ParquetFile(path, coerce_int96_timestamp_unit="us")
    limit = pa.scalar(2**63 // 1000 - 1, pa.int64())
    for batch in coarse.iter_batches(BATCH_ROWS, columns=old):
        for cells in batch.columns:
            if not pa.types.is_timestamp(cells.type):
                return True  # within a list or struct: keep to the unit that never wraps
            if pc.any(pc.greater(pc.abs(cells.cast(pa.int64())), limit)).as_py():
                return True
    return False
