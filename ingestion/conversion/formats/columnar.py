"""Columnar files that come as input (Parquet, Arrow, Feather, ORC): their types pass through unchanged.

What Parquet cannot store is kept in an exact form that ``storable`` names, and the report says so.
"""

from __future__ import annotations

import io
import warnings
from typing import IO, TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.conversion.detect.text import unique_names
from ingestion.conversion.errors import BrokenFile, ConversionError, PasswordProtected, UnsupportedType
from ingestion.conversion.formats.base import PlanWidened, Table
from ingestion.conversion.formats.bounds import BATCH_CELLS, BATCH_ROWS, Expanded, refuse_arrow_bomb, rows_at_once
from ingestion.conversion.formats.parquetfile import ParquetSource
from ingestion.conversion.formats.storable import NotMidnight, bare, breaks_promise, nullable, storable, stored
from ingestion.conversion.pythonic import value
from ingestion.conversion.shown import shown
from ingestion.conversion.values import Column, Detection, Notice, Options, Origin, RowCount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestion.conversion.unpack import Payload

STREAM_END = (b"\xff\xff\xff\xff\x00\x00\x00\x00", b"\x00\x00\x00\x00")
DAMAGE = (pa.ArrowException, OSError, EOFError, ValueError, LookupError, TypeError, MemoryError, OverflowError)


class Source(Protocol):
    """A columnar file: its schema, and its batches from the first on each time they are asked for."""

    schema: pa.Schema
    notices: list[Notice]

    def batches(self) -> Iterator[tuple[pa.RecordBatch, int]]:
        """Yield each batch and about how many bytes of the file are done."""
        ...


class ColumnarTable(Table):
    """A file that has types of its own, batch by batch."""

    def __init__(self, payload: Payload, opener: Callable[[Payload], Source]) -> None:
        """Read the schema; raises ``BrokenFile``, ``PasswordProtected`` or ``UnsupportedType``."""
        self.rows = RowCount()
        self.progress = 0
        self._payload = payload
        self._whole_days = True
        self._keeps_promises = True
        self._last: pa.RecordBatch | None = None
        try:
            self._source = opener(payload)
            self._kinds = list(self._source.schema.types)
            names = list(self._source.schema.names)
        except DAMAGE as error:
            raise explained(error, payload) from error
        self._names = names if len(set(names)) == len(names) and all(names) else unique_names([*names])
        self._nulls = dict.fromkeys(self._names, 0)
        self._refuse_unstorable()
        self.warnings = [*self._source.notices, *self._mapped()]

    def _mapped(self) -> list[Notice]:
        """Say which columns have another name or type than in the file."""
        told = []
        if self._names != self._source.schema.names:
            message = "Some columns have no name or the same name; they were told apart by numbers."
            told.append(Notice(code="DUPLICATE_NAMES", message=message))
        for name, kind, now in zip(self._names, self._kinds, self.schema().types, strict=True):
            if now != bare(kind):
                message = f'Column "{name}" is {kind} in the file, which Parquet does not have; it is kept as {now}.'
                told.append(Notice(code="TYPE_MAPPED", message=message, column=name))
        return told

    def _refuse_unstorable(self) -> None:
        """Try each column's type without rows, so that nothing is begun that cannot be ended."""
        for field in self.schema():
            try:
                pq.ParquetWriter(io.BytesIO(), pa.schema([field])).close()
            except (pa.ArrowException, OSError) as error:
                raise UnsupportedType(
                    f"The type {field.type} cannot be stored in Parquet.",
                    hint="Export the column as text.",
                    place=self._payload.place(column=field.name),
                ) from error

    def schema(self) -> pa.Schema:
        """Return the file's own types, or the exact forms in which Parquet keeps them."""
        kinds = [storable(kind, whole_days=self._whole_days) for kind in self._kinds]
        if not self._keeps_promises:
            kinds = [nullable(kind) for kind in kinds]
        return pa.schema([pa.field(name, kind) for name, kind in zip(self._names, kinds, strict=True)])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as they are."""
        self.rows, self._nulls = RowCount(), dict.fromkeys(self._names, 0)
        schema = self.schema()
        usual = max(1, min(BATCH_ROWS, BATCH_CELLS // max(1, len(schema))))
        batches, expanded = self._source.batches(), Expanded(self._payload)
        while (found := self._next(batches)) is not None:
            batch, self.progress = found
            most = min(usual, rows_at_once(batch))
            for start in range(0, batch.num_rows, most):
                part = batch.slice(start, most)
                expanded.add(part)
                self._last = self._stored(part, schema)
                yield self._last

    def _next(self, batches: Iterator[tuple[pa.RecordBatch, int]]) -> tuple[pa.RecordBatch, int] | None:
        try:
            found = next(batches, None)
            if found is not None:
                _validate(found[0])
            return found
        except DAMAGE as error:
            raise explained(error, self._payload, row=self.rows.read + 1) from error

    def _stored(self, batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
        arrays = []
        for name, cells, kind in zip(self._names, batch.columns, schema.types, strict=True):
            if self._keeps_promises and breaks_promise(cells):
                self._keeps_promises = False
                raise PlanWidened
            try:
                arrays.append(stored(cells, kind))
            except NotMidnight:
                self._whole_days = False
                raise PlanWidened from None
            except pa.ArrowInvalid as error:
                raise UnsupportedType(
                    f"A value of type {cells.type} is outside the range of {kind}.",
                    hint="Export the column as text.",
                    place=self._payload.place(column=name),
                ) from error
            self._nulls[name] += cells.null_count
        self.rows.read += batch.num_rows
        self.rows.loaded += batch.num_rows
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    def origin(self, row: int) -> Origin:
        """Return a record's number and the texts of its values; a columnar file has no bytes of one row."""
        if self._last is None:
            raise LookupError(row)
        place = self._payload.place()
        values = [shown(value(cells[row])) for cells in self._last.columns]
        written = dict(zip(self._names, values, strict=True))
        line = self.rows.read - self._last.num_rows + row + 1
        return Origin(file=place.file, member=place.member, line=line, cells=written)

    def columns(self) -> tuple[Column, ...]:
        """Return the file's columns; their rule is to stay as they are."""
        return tuple(
            Column(
                name=field.name,
                type=field.type,
                rule="as in the file" if field.type == bare(kind) else f"{kind} kept as {field.type}",
                nulls=self._nulls[field.name],
            )
            for field, kind in zip(self.schema(), self._kinds, strict=True)
        )


def explained(error: BaseException, payload: Payload, row: int | None = None) -> ConversionError:
    """Turn what a reader raised into the code that tells the person what to do."""
    if isinstance(error, ConversionError):
        return error
    place, text = payload.place(row=row), str(error).lower()
    if "encrypt" in text or "decrypt" in text:
        return PasswordProtected("The file is encrypted.", hint="Send it without encryption.", place=place)
    words = (str(error).splitlines() or ["no details"])[0][:200].replace(str(payload.path), payload.name).rstrip(". ")
    if "decimal128::frombigendian" in text:
        told = "It holds decimals that are written in more bytes than 38 digits take, which cannot be read."
        return UnsupportedType(told, hint="Export them with at most 38 digits, or as text.", place=place)
    if "out of range for nanosecond" in text:
        told = "It holds times before 1677 or after 2262, which cannot be read from this format."
        return UnsupportedType(told, hint="Export the times as text, or the table as Parquet or CSV.", place=place)
    if "unrecognized codec" in text:
        told = f"It is packed in a way that cannot be read: {str(error).rpartition(':')[2].strip()[:40]}."
        return UnsupportedType(told, hint="Export it with deflate, snappy, zstandard or unpacked.", place=place)
    if isinstance(error, pa.ArrowNotImplementedError | NotImplementedError):
        return UnsupportedType(f"It uses a feature that cannot be read: {words}.", hint="Export it anew.", place=place)
    return BrokenFile(f"The file is cut off or damaged: {words}.", hint="Send it again.", place=place)


# ---- the sources ----


class ArrowSource:
    """An Arrow IPC file (also Feather 2) or stream; every batch is checked before it is used."""

    def __init__(self, payload: Payload) -> None:
        """Read the schema."""
        self.notices: list[Notice] = []
        self._payload = payload
        refuse_arrow_bomb(payload)
        with payload.open() as file:
            head = file.read(6)
            self._is_file = head == b"ARROW1"
            file.seek(max(0, payload.size - 8))
            self._ended = file.read().endswith(STREAM_END[head[:4] != STREAM_END[0][:4]])
        with payload.open() as file:
            self.schema = self._open(file).schema.remove_metadata()
        if not self._is_file and not self._ended:
            message = "The stream has no end mark, so it cannot be told whether all of it has arrived."
            self.notices.append(Notice(code="NO_END_MARK", message=message))

    def _open(self, file: IO[bytes]) -> Any:
        return pa.ipc.open_file(file) if self._is_file else pa.ipc.open_stream(file)

    def batches(self) -> Iterator[tuple[pa.RecordBatch, int]]:
        """Yield the file's batches."""
        with self._payload.open() as file:
            reader = self._open(file)
            parts = map(reader.get_batch, range(reader.num_record_batches)) if self._is_file else reader
            for batch in parts:
                yield batch, min(file.tell(), self._payload.size)
            if not self._is_file and file.read(1):
                raise pa.ArrowInvalid("bytes follow the end of the stream")


def _validate(batch: pa.RecordBatch) -> None:
    """Check offsets, lengths and texts, which a damaged file could have made point anywhere."""
    batch.validate()
    for cells in batch.columns:
        days = pa.types.is_date64(cells.type)  # may hold times against Arrow's rule; ``stored`` sees to that
        (cells.view(pa.int64()) if days else cells).validate(full=True)


class FeatherSource:
    """A Feather file of version 1, which knows no nested types; bounded by the file."""

    def __init__(self, payload: Payload) -> None:
        """Read all of it: the format has one batch."""
        from pyarrow import feather

        self.notices: list[Notice] = []
        self._size = payload.size
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self._table = feather.read_table(str(payload.path), memory_map=False)
        self._table.validate(full=True)
        self.schema = self._table.schema.remove_metadata()

    def batches(self) -> Iterator[tuple[pa.RecordBatch, int]]:
        """Yield the rows."""
        for batch in self._table.to_batches(BATCH_ROWS):
            yield batch, self._size


class OrcSource:
    """An ORC file, a stripe at a time."""

    def __init__(self, payload: Payload) -> None:
        """Open the footer."""
        from pyarrow import orc

        self.notices: list[Notice] = []
        self._size = payload.size
        self._file = orc.ORCFile(str(payload.path))
        self.schema = self._file.schema.remove_metadata()

    def batches(self) -> Iterator[tuple[pa.RecordBatch, int]]:
        """Yield the stripes."""
        count, rows = self._file.nstripes, 0
        for stripe in range(count):
            batch = self._file.read_stripe(stripe)
            rows += batch.num_rows
            yield batch, self._size * (stripe + 1) // count
        if rows != self._file.nrows:
            raise pa.ArrowInvalid(f"{rows} rows instead of the {self._file.nrows} that the footer tells")


def open_columnar(payload: Payload, detection: Detection, _options: Options) -> ColumnarTable:
    """Open the table of a Parquet, Arrow, Feather or ORC file."""
    return ColumnarTable(payload, _SOURCES[detection.format])


_SOURCES: dict[str, Callable[[Payload], Source]] = {
    "parquet": ParquetSource,
    "arrow": ArrowSource,
    "arrow-stream": ArrowSource,
    "feather": FeatherSource,
    "orc": OrcSource,
}
