"""Hashes of 64 bits of a column's values, in vectors; equal values have equal hashes, others nearly always others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.pythonic import values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_ODD = np.uint64(0x9E3779B97F4A7C15)
_ODD2 = np.uint64(0xBF58476D1CE4E5B9)
_SHIFT = np.uint64(29)
_WORD = 8
_MASKS = np.array([(1 << (8 * count)) - 1 for count in range(_WORD)] + [2**64 - 1], np.uint64)


def mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread the bits of some words: a multiplication folds high and low bits together (after splitmix64)."""
    found = words * _ODD
    found ^= found >> _SHIFT
    found *= _ODD2
    found ^= found >> np.uint64(32)
    return found


def hashes(cells: pa.Array) -> NDArray[np.uint64]:
    """Return the hash of each cell, also of a null one, whose hash means nothing."""
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return hashes(cells.dictionary_decode())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or _is_binary(kind):
        return _of_texts(cells)
    if (words := as_words(cells)) is not None:
        return mixed(words)
    if pa.types.is_decimal128(kind):
        pairs = _pairs(cells)
        return mixed(mixed(pairs[0::2].copy()) ^ pairs[1::2])
    return _of_texts(pa.array([None if value is None else repr(value) for value in values(cells)], pa.string()))


def combined(columns: Sequence[pa.Array]) -> NDArray[np.uint64]:
    """Return one hash for the cells of each row."""
    found = hashes(columns[0])
    for cells in columns[1:]:
        found = mixed(found + _ODD2) ^ hashes(cells)
    return found


def as_words(cells: pa.Array) -> NDArray[np.uint64] | None:
    """Return values that fit a word, as words in the order of the values (signed); None for other types."""
    kind = cells.type
    if pa.types.is_boolean(kind):
        return np.asarray(cells.cast(pa.int8()).fill_null(0)).astype(np.int64).view(np.uint64)
    if pa.types.is_decimal128(kind):
        if kind.precision > 18:
            return None
        return _pairs(cells)[0::2]
    if pa.types.is_floating(kind):
        return np.asarray(pc.add(cells.fill_null(0.0).cast(pa.float64()), 0.0)).view(np.uint64)  # -0.0 becomes 0.0
    width = kind.bit_width if pa.types.is_primitive(kind) else 0
    if width not in {8, 16, 32, 64}:
        return None
    plain = cells if pa.types.is_integer(kind) else cells.view(pa.int32() if width == 32 else pa.int64())
    data = plain.buffers()[1]
    if data is None:
        return np.zeros(len(cells), np.uint64)
    raw = np.frombuffer(data, plain.type.to_pandas_dtype())[plain.offset : plain.offset + len(plain)]
    return raw.astype(np.int64).view(np.uint64)


def _pairs(cells: pa.Array) -> NDArray[np.uint64]:
    data = cells.buffers()[1]
    if data is None:
        return np.zeros(2 * len(cells), np.uint64)
    return np.frombuffer(data, np.uint64)[2 * cells.offset : 2 * (cells.offset + len(cells))]


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _of_texts(cells: pa.Array) -> NDArray[np.uint64]:
    """Hash texts eight bytes at a time: each step takes the next word of all texts that are that long."""
    wide = pa.types.is_large_string(cells.type) or pa.types.is_large_binary(cells.type)
    _, places, data = cells.buffers()
    offsets: NDArray[Any] = np.frombuffer(places, np.int64 if wide else np.int32)
    offsets = offsets[cells.offset : cells.offset + len(cells) + 1]
    starts, lengths = offsets[:-1].astype(np.int64), np.diff(offsets).astype(np.int64)
    found = mixed(lengths.astype(np.uint64))
    if data is None or not len(cells) or not lengths.any():
        return found
    low, high = int(offsets[0]), int(offsets[-1])
    padded = np.zeros(high - low + _WORD, np.uint8)
    padded[: high - low] = np.frombuffer(data, np.uint8)[low:high]
    words = np.lib.stride_tricks.as_strided(padded[:_WORD].view(np.uint64), (len(padded) - _WORD + 1,), (1,))
    starts -= low
    at, left = np.arange(len(cells)), lengths
    if not (lengths > 0).all():
        at = np.flatnonzero(lengths)
        starts, left = starts[at], lengths[at]
    while len(at):
        word = words[starts] & _MASKS[np.minimum(left, _WORD)]
        found[at] = mixed(found[at] ^ word)
        more = left > _WORD
        if not more.any():
            break
        at, starts, left = at[more], starts[more] + _WORD, left[more] - _WORD
    return found
