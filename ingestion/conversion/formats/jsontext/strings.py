"""Cells of a block as text columns: one copy of their bytes, by their places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion.formats.jsontext.numbers import buffers
from ingestion.conversion.formats.jsontext.regions import BACKSLASH, QUOTE

if TYPE_CHECKING:
    from ingestion.conversion.formats.jsontext.regions import Bytes, Places

FIRST_VISIBLE = 0x20


def cells(data: bytes, begins: Places, ends: Places) -> pa.Array:
    """Return what stands between places in order, as texts; nothing about it is proven, not even that it is UTF-8."""
    rows = len(begins)
    offsets = np.empty((rows, 2), np.int32)
    offsets[:, 0] = begins
    offsets[:, 1] = ends
    both = pa.Array.from_buffers(pa.string(), 2 * rows - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    every_other = np.arange(0, 2 * rows, 2, dtype=np.int32)
    return both.take(pa.Array.from_buffers(pa.int32(), rows, [None, pa.py_buffer(every_other)]))


def contents(data: bytes, raw: Bytes, begins: Places, ends: Places, *, has_escapes: bool) -> pa.Array | None:
    """Return what stands in the quotes of strings; None when a cell is no string, or has escapes."""
    if not bool((raw.take(begins) == QUOTE).all() and (raw.take(ends - 1) == QUOTE).all()):
        return None
    if bool((ends - begins < 2).any()):
        return None
    texts = cells(data, begins + 1, ends - 1)
    return texts if _are_plain(texts, has_escapes=has_escapes) else None


def literals(data: bytes, begins: Places, ends: Places) -> pa.Array | None:
    """Return cells that should be numbers or words; None when one has a sign beyond ASCII, as none of these has."""
    texts = cells(data, begins, ends)
    inner, _ = buffers(texts)
    return texts if not len(inner) or int(inner.max()) < 0x80 else None


def _are_plain(texts: pa.Array, *, has_escapes: bool) -> bool:
    """Tell whether texts may stand in quotes as they are: no quote, control character or backslash, and UTF-8."""
    inner, _ = buffers(texts)
    if not len(inner):
        return True
    if int(inner.min()) < FIRST_VISIBLE or bool((inner == QUOTE).any()):
        return False
    if has_escapes and bool((inner == BACKSLASH).any()):
        return False
    if int(inner.max()) < 0x80:
        return True
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
