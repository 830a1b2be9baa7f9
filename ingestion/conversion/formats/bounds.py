"""What a file with types of its own may unpack to: a small file can name a large value a million times over.

Compressed parts are measured before they are unpacked, and rows are handed on in slices that stay small when every
dictionary is spelled out. Sources of the layouts: Arrow's Message.fbs and the FlatBuffers binary format; Avro 1.12.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.errors import UnsafeArchive

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestion.conversion.unpack import Payload

BATCH_ROWS = 64 * 1024
BATCH_CELLS = 4 << 20
SLICE_BYTES = 64 << 20
MAX_PART_BYTES = 1 << 30
MAX_BLOCK_BYTES = 128 << 20
MAX_RATIO = 10_000
RATIO_COUNTS_FROM = 1 << 30
MAX_UNPACKED_BYTES = 20 << 30
_PIECE_BYTES = 1 << 20


class Expanded:
    """Counts what a file's rows are when written out; a row counts as a byte at least."""

    def __init__(self, payload: Payload) -> None:
        """Begin with nothing."""
        self._payload = payload
        self._bytes = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Count a batch; raises ``UnsafeArchive`` beyond the limits."""
        self._bytes += max(batch.num_rows, sum(spelled_out(cells) for cells in batch.columns))
        bomb = self._bytes > RATIO_COUNTS_FROM and self._bytes > MAX_RATIO * self._payload.size
        if bomb or self._bytes > MAX_UNPACKED_BYTES:
            raise too_large(self._payload, self._bytes)


def too_large(payload: Payload, size: int) -> UnsafeArchive:
    """Return the error for a part or a whole that unpacks to so many bytes."""
    return UnsafeArchive(
        f"It unpacks to {size:,} bytes and more, {size // max(1, payload.size):,} times its size.",
        hint="Send it as several files, or unpacked, if it is really that large.",
        place=payload.place(),
    )


def rows_at_once(batch: pa.RecordBatch) -> int:
    """Return how many rows of a batch stay small when every dictionary is spelled out."""
    each = sum(spelled_out(cells) for cells in batch.columns) // max(1, batch.num_rows)
    return max(1, SLICE_BYTES // max(1, each))


def spelled_out(cells: pa.Array) -> int:
    """Return at most how many bytes cells are without dictionaries and runs."""
    kind = cells.type
    if not len(cells):
        return 0  # an empty union may lack the buffers that its size would need
    if isinstance(cells, pa.ExtensionArray):
        return spelled_out(cells.storage)
    if pa.types.is_dictionary(kind):
        return len(cells) * _longest(cells.dictionary)
    if pa.types.is_run_end_encoded(kind):
        return len(cells) * _longest(cells.values)
    if pa.types.is_struct(kind) or pa.types.is_union(kind):
        return sum(spelled_out(cells.field(at)) for at in range(kind.num_fields))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return spelled_out(cells.flatten())
    if pa.types.is_map(kind):
        return spelled_out(cells.keys) + spelled_out(cells.items)
    return int(cells.nbytes)


def _longest(values: pa.Array) -> int:
    """Return the bytes of the longest of some values."""
    if not len(values):
        return 1
    if pa.types.is_large_string(values.type) or pa.types.is_string(values.type) or _is_binary(values.type):
        return int(pc.max(pc.binary_length(values)).as_py() or 1)
    return max(1, spelled_out(values) if pa.types.is_nested(values.type) else 16)


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


# ---- Arrow ----

_DICTIONARY, _BATCH = 2, 3


def refuse_arrow_bomb(payload: Payload) -> None:
    """Measure every compressed part of an Arrow file or stream; raises ``UnsafeArchive``.

    What is not as the format says is left to the reader, which says what is wrong.
    """
    with payload.open() as file:
        file.seek(8 if file.read(6) == b"ARROW1" else 0)
        try:
            while (head := _message(file)) is not None:
                metadata, start = head
                message = _Table.root(metadata)
                size = message.number(3, "<q")
                if message.number(1, "<B") in {_DICTIONARY, _BATCH}:
                    _measure(message, file, start, payload)
                file.seek(start + size)
        except (struct.error, IndexError, ValueError, OverflowError, OSError):
            return


def _message(file: IO[bytes]) -> tuple[bytes, int] | None:
    """Return the next message's metadata and where its body starts; None at the end."""
    head = file.read(4)
    if head == b"\xff\xff\xff\xff":
        head = file.read(4)
    size = struct.unpack("<i", head)[0]
    if size <= 0:
        return None
    return file.read(size), file.tell()


def _measure(message: _Table, file: IO[bytes], start: int, payload: Payload) -> None:
    batch = message.table(2)
    if message.number(1, "<B") == _DICTIONARY:
        batch = batch.table(1)
    if not batch.has(3):
        return  # not compressed
    total = 0
    for offset, length in batch.pairs(2):
        if length >= 8:
            file.seek(start + offset)
            total += max(0, struct.unpack("<q", file.read(8))[0])  # -1: this one is not compressed
    if total > MAX_PART_BYTES:
        raise too_large(payload, total)


class _Table:
    """A FlatBuffers table: fields by number, each at an offset that the table's vtable tells."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._vtable = at - self._unpack("<i", at)

    @classmethod
    def root(cls, data: bytes) -> _Table:
        return cls(data, struct.unpack_from("<I", data)[0])

    def _unpack(self, form: str, at: int) -> int:
        if at < 0:
            raise IndexError
        return int(struct.unpack_from(form, self._data, at)[0])

    def has(self, field: int) -> bool:
        return self._offset(field) > 0

    def _offset(self, field: int) -> int:
        entry = 4 + 2 * field
        return self._unpack("<H", self._vtable + entry) if entry < self._unpack("<H", self._vtable) else 0

    def number(self, field: int, form: str) -> int:
        offset = self._offset(field)
        return self._unpack(form, self._at + offset) if offset else 0

    def _target(self, field: int) -> int:
        at = self._at + self._offset(field)
        return at + self._unpack("<I", at)

    def table(self, field: int) -> _Table:
        return _Table(self._data, self._target(field))

    def pairs(self, field: int) -> list[tuple[int, int]]:
        """Return a vector of structs of two 64-bit numbers."""
        at = self._target(field)
        count = self._unpack("<I", at)
        return [struct.unpack_from("<qq", self._data, at + 4 + 16 * index) for index in range(count)]


# ---- Avro ----


def refuse_avro_bomb(file: IO[bytes], codec: str, payload: Payload) -> None:
    """Measure the block that begins at the file's position; raises ``UnsafeArchive``. The file ends up behind it."""
    if _long(file) is None:
        return
    size = _long(file) or 0
    start = file.tell()
    if codec in _MEASURES and 0 < size <= payload.size:
        unpacked = _MEASURES[codec](file, size)
        if unpacked > MAX_BLOCK_BYTES:
            raise too_large(payload, unpacked)
    file.seek(start + max(0, size) + 16)


def _long(file: IO[bytes]) -> int | None:
    """Read a number as Avro writes it: zigzag, seven bits a byte; None at the end."""
    value = shift = 0
    while byte := file.read(1):
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return (value >> 1) ^ -(value & 1)
        shift += 7
    return None


def _streamed(make: Callable[[], Any]) -> Callable[[IO[bytes], int], int]:
    """Return a measure by a decompressor of the standard library's kind, which gives a limited piece at a time."""

    def measure(file: IO[bytes], size: int) -> int:
        unpacker, total, data = make(), 0, file.read(size)
        try:
            while total <= MAX_BLOCK_BYTES and not unpacker.eof and (piece := unpacker.decompress(data, _PIECE_BYTES)):
                total += len(piece)
                data = getattr(unpacker, "unconsumed_tail", b"")
        except (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError):
            pass  # the reader says what is wrong
        return total

    return measure


def _zstd(file: IO[bytes], size: int) -> int:
    from backports import zstd

    try:
        return _streamed(zstd.ZstdDecompressor)(file, size)
    except zstd.ZstdError:
        return 0


def _snappy(file: IO[bytes], _: int) -> int:
    """Return the length that stands in front (snappy's format_description.txt: a varint)."""
    value = shift = 0
    while (byte := file.read(1)) and shift < 64:
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            break
        shift += 7
    return value


def _lz4(file: IO[bytes], _: int) -> int:
    return int.from_bytes(file.read(4), "little")


_MEASURES: dict[str, Callable[[IO[bytes], int], int]] = {
    "deflate": _streamed(lambda: zlib.decompressobj(-15)),
    "bzip2": _streamed(bz2.BZ2Decompressor),
    "xz": _streamed(lzma.LZMADecompressor),
    "zstandard": _zstd,
    "snappy": _snappy,
    "lz4": _lz4,
}
