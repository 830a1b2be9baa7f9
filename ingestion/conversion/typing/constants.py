"""Constants for PyArrow's functions, and NumPy's arrays of its columns, made from buffers.

PyArrow imports pandas, a quarter of a second, as soon as it makes a value of a Python object, be it one text to
compare with, or of a NumPy array, or gives one. The way of a plain file needs no pandas.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions

if TYPE_CHECKING:
    from collections.abc import Sequence

Numbers = np.ndarray[Any, Any]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
NO_TEXT = pa.nulls(1, pa.string())[0]


def text_array(values: Sequence[str | bytes | None]) -> pa.Array:
    """Return texts, or their bytes as UTF-8, as a column."""
    data = [value.encode() if isinstance(value, str) else value or b"" for value in values]
    offsets = np.cumsum([0, *map(len, data)], dtype=np.int32)
    known = _packed([value is not None for value in values]) if None in values else None
    return pa.Array.from_buffers(pa.string(), len(data), [known, pa.py_buffer(offsets), pa.py_buffer(b"".join(data))])


def number_array(values: Numbers, *, missing: Flags | None = None) -> pa.Array:
    """Return NumPy's numbers or truth values as a column; null where they are missing."""
    data = np.packbits(values, bitorder="little") if values.dtype == np.bool_ else np.ascontiguousarray(values)
    known = None if missing is None else _packed(~missing)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [known, pa.py_buffer(data)])


def decimal_array(words: Numbers, kind: pa.DataType, *, known: Flags | None = None) -> pa.Array:
    """Return whole numbers of 64 bits as decimals of their digits; with ``known``, as those of its cells that are."""
    size = len(words) if known is None else len(known)
    pairs = np.zeros((size, 2), np.int64)
    pairs[slice(None) if known is None else known, 0] = words
    np.right_shift(pairs[:, 0], 63, out=pairs[:, 1])
    return pa.Array.from_buffers(kind, size, [None if known is None else _packed(known), pa.py_buffer(pairs)])


def struct_array(members: Sequence[pa.Array], kind: pa.DataType, *, missing: Flags | None = None) -> pa.Array:
    """Return objects of their members; null where they are missing."""
    known = None if missing is None else _packed(~missing)
    return pa.Array.from_buffers(kind, len(members[0]), [known], children=list(members))


def list_array(items: pa.Array, counts: Numbers, kind: pa.DataType) -> pa.Array:
    """Return lists of so many items each."""
    offsets = np.append(0, np.cumsum(counts)).astype(np.int32)
    return pa.Array.from_buffers(kind, len(counts), [None, pa.py_buffer(offsets)], children=[items])


def spread(values: pa.Array, known: Flags) -> pa.Array:
    """Return a column that has the values where something is known, in their order, and null elsewhere."""
    return functions.take(values, number_array(np.cumsum(known, dtype=np.int32) - np.int32(1), missing=~known))


def numbers_of(cells: pa.Array) -> Numbers:
    """Return a column of numbers or truth values without nulls as NumPy's array."""
    if pa.types.is_boolean(cells.type):
        return _bits(cells.buffers()[1], cells)
    dtype = cells.type.to_pandas_dtype()
    return np.frombuffer(cells.buffers()[1] or b"", dtype)[cells.offset : cells.offset + len(cells)]


def known_in(cells: pa.Array) -> Flags:
    """Tell of each cell of a column with nulls whether it is none."""
    return _bits(cells.buffers()[0], cells)


def _packed(flags: Flags | Sequence[bool]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(flags, bitorder="little"))


def _bits(packed: pa.Buffer | None, cells: pa.Array) -> Flags:
    if packed is None:
        return np.ones(len(cells), np.bool_)
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")
    return bits[cells.offset : cells.offset + len(cells)].view(np.bool_)


@cache
def text_scalar(value: str) -> pa.Scalar:
    """Return a text."""
    return text_array([value])[0]


@cache
def int_scalar(value: int) -> pa.Scalar:
    """Return a small integer, as lengths and places in texts are."""
    return pa.Array.from_buffers(pa.int32(), 1, [None, pa.py_buffer(np.array([value], np.int32))])[0]


def zero(kind: pa.DataType) -> pa.Scalar:
    """Return a number type's zero."""
    return pa.Array.from_buffers(kind, 1, [None, pa.py_buffer(bytes(16))])[0]


EMPTY = text_scalar("")
