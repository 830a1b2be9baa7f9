"""One Parquet file of row groups that are encoded one by one, or side by side.

PyArrow's writer encodes on one core, one row group after the other. Side by side each is encoded as a file of its own
in memory; its pages are put behind those before it, and the places that page indexes and footer tell are moved by as
much. What comes out is, byte by byte, the file that one writer makes of the same row groups.
Source: parquet.thrift and PageIndex.md of Apache Parquet's format.
"""

from __future__ import annotations

from contextlib import closing
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ingestion.conversion.compact import Found, as_number, as_structs, find, list_head, rewritten
from ingestion.conversion.parquet import open_writer
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MAGIC = b"PAR1"
SIZE = 4  # bytes that tell the footer's

PAGE, COLUMN_INDEX, OFFSET_INDEX, OFFSET_INDEX_SIZE = "page", "column index", "offset index", "its size"
# ColumnMetaData: data_page_offset, index_page_offset, dictionary_page_offset
_COLUMN = {9: PAGE, 10: PAGE, 11: PAGE}
# ColumnChunk: meta_data, offset_index_offset, offset_index_length, column_index_offset
_CHUNK = {3: _COLUMN, 4: OFFSET_INDEX, 5: OFFSET_INDEX_SIZE, 6: COLUMN_INDEX}
# RowGroup: columns, file_offset
_GROUP = {1: _CHUNK, 5: PAGE}
# OffsetIndex: page_locations, each with its offset
_OFFSETS = {1: {1: PAGE}}
# FileMetaData: num_rows, row_groups
ROWS, GROUPS = 3, 4


@slotted()
class Encoded:
    """Row groups as a file of their own, taken apart. Places are counted from that file's first byte."""

    rows: int
    groups: int
    pages: Any
    column_indexes: bytes
    column_indexes_at: int
    offset_indexes: list[bytes]
    footer: bytes
    described: slice
    """Where in the footer the row groups stand."""
    places: list[Found]
    """Of the footer: each number that is a place in the file, or follows from one."""
    moved: int = 0
    """By how many bytes the pages stand further on than they say."""


def _apart(file: pa.Buffer) -> Encoded:
    footer, footer_at = _footer(file)
    (rows, *places, groups), _ = find(footer, {ROWS: "rows", GROUPS: ("groups", _GROUP)})
    offsets_at = min((place.number for place in places if place.name == OFFSET_INDEX), default=footer_at)
    columns_at = min((place.number for place in places if place.name == COLUMN_INDEX), default=offsets_at)
    return Encoded(
        rows=rows.number,
        groups=groups.number,
        pages=file[len(MAGIC) : columns_at],
        column_indexes=bytes(file[columns_at:offsets_at]),
        column_indexes_at=columns_at,
        offset_indexes=[bytes(file[offsets_at:footer_at])],
        footer=footer,
        described=slice(list_head(footer, groups.start)[1], groups.stop),
        places=places,
    )


def _footer(file: pa.Buffer) -> tuple[bytes, int]:
    """Return a file's footer, and where it begins."""
    stop = file.size - len(MAGIC) - SIZE
    start = stop - int.from_bytes(bytes(file[stop : stop + SIZE]), "little")
    return bytes(file[start:stop]), start


class OneByOne:
    """A file whose row groups PyArrow's writer encodes one after the other."""

    encoders = 1
    """How many threads may encode at once."""

    def __init__(self, path: Path, schema: pa.Schema, rows: int, **properties: Any) -> None:
        """Begin the file, its row groups of at most so many rows; raises ``OSError`` as every method does."""
        self._rows = rows
        self._writer = open_writer(path, schema, **properties)

    def encode(self, table: pa.Table) -> None:
        """Encode a table and write it."""
        self._writer.write_table(table, row_group_size=self._rows)

    def append(self, encoded: None) -> None:
        """Do nothing: what is encoded is in the file."""

    def close(self, facts: Mapping[str, str]) -> None:
        """Finish the file, with the facts in its footer."""
        self._writer.add_key_value_metadata(facts)
        self._writer.close()

    def abandon(self) -> None:
        """Let go of what may not be a whole file."""
        self._writer.close()


class SideBySide:
    """A file whose row groups are encoded by several threads, each as a file of its own in memory."""

    encoders = 2

    def __init__(self, path: Path, schema: pa.Schema, rows: int, **properties: Any) -> None:
        """Begin the file, its row groups of at most so many rows; raises ``OSError`` as ``append`` and ``close`` do."""
        self._schema = schema
        self._rows = rows
        self._properties = properties
        self._appended: list[Encoded] = []
        self._file = path.open("wb")
        self._file.write(MAGIC)

    def encode(self, table: pa.Table) -> Encoded:
        """Encode a table. Any thread may do so, beside others."""
        sink = pa.BufferOutputStream()
        with closing(open_writer(sink, self._schema, **self._properties)) as writer:
            writer.write_table(table, row_group_size=self._rows)
        return _apart(sink.getvalue())

    def append(self, encoded: Encoded) -> None:
        """Put row groups behind those before."""
        encoded.moved = self._file.tell() - len(MAGIC)
        self._file.write(encoded.pages)
        encoded.pages = b""
        encoded.offset_indexes = [*_moved_indexes(encoded)]
        self._appended.append(encoded)

    def close(self, facts: Mapping[str, str]) -> None:
        """Write the page indexes, and the footer with the facts in it."""
        columns = [self._put(encoded.column_indexes) for encoded in self._appended]
        offsets = [self._put(b"".join(encoded.offset_indexes)) for encoded in self._appended]
        described = b"".join(map(_described, self._appended, columns, offsets))
        sink = pa.BufferOutputStream()
        with closing(open_writer(sink, self._schema, **self._properties)) as writer:
            writer.add_key_value_metadata(facts)
        empty, _ = _footer(sink.getvalue())
        fields, _ = find(empty, {ROWS: "rows", GROUPS: "groups"})
        rows = as_number(sum(encoded.rows for encoded in self._appended))
        groups = as_structs(sum(encoded.groups for encoded in self._appended), described)
        footer = rewritten(empty, fields, (rows, groups))
        self._put(footer + len(footer).to_bytes(SIZE, "little") + MAGIC)
        self._file.close()

    def abandon(self) -> None:
        """Let go of what may not be a whole file."""
        self._file.close()

    def _put(self, data: bytes) -> int:
        """Write bytes; return where they begin."""
        at = self._file.tell()
        self._file.write(data)
        return at


def _moved_indexes(encoded: Encoded) -> Iterator[bytes]:
    """Yield each column's offset index, its pages' places moved."""
    data, at = b"".join(encoded.offset_indexes), 0
    while at < len(data):
        places, stop = find(data, _OFFSETS, at)
        yield rewritten(data, places, (as_number(place.number + encoded.moved) for place in places), at, stop)
        at = stop


def _described(encoded: Encoded, columns_at: int, offsets_at: int) -> bytes:
    """Return the footer's description of row groups, its places moved."""
    sizes = [len(index) for index in encoded.offset_indexes]
    places = {
        OFFSET_INDEX: accumulate(sizes, initial=offsets_at),
        OFFSET_INDEX_SIZE: iter(sizes),
    }
    moved = {PAGE: encoded.moved, COLUMN_INDEX: columns_at - encoded.column_indexes_at}
    anew = (
        as_number(place.number + moved[place.name] if place.name in moved else next(places[place.name]))
        for place in encoded.places
    )
    return rewritten(encoded.footer, encoded.places, anew, encoded.described.start, encoded.described.stop)
