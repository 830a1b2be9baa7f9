"""Constants for PyArrow's functions, made from buffers.

PyArrow imports pandas, a quarter of a second, as soon as it makes a value of a Python object, be it one text to
compare with. The way of a plain file needs no pandas.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_TEXT = pa.nulls(1, pa.string())[0]


def text_array(values: Sequence[str]) -> pa.Array:
    """Return texts as a column."""
    data = [value.encode() for value in values]
    offsets = np.cumsum([0, *map(len, data)], dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), len(data), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(data))])


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
