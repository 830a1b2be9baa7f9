"""Cells of a block as text columns: one copy of their bytes, by their places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions
from ingestion.conversion.formats.jsontext.numbers import LITERAL, buffers
from ingestion.conversion.formats.jsontext.regions import BACKSLASH, QUOTE, windows
from ingestion.conversion.formats.jsontext.values import dump, unescaped
from ingestion.conversion.typing.base import matches
from ingestion.conversion.typing.constants import number_array, text_array, text_scalar

if TYPE_CHECKING:
    from ingestion.conversion.formats.jsontext.regions import Bytes, Places
    from ingestion.conversion.typing.constants import Flags

MAX_ALIKE = 64
FIRST_VISIBLE, FIRST_BEYOND_ASCII = 0x20, 0x80


def cells(data: bytes, begins: Places, ends: Places) -> pa.Array:
    """Return what stands between places in order, as texts; nothing about it is proven, not even that it is UTF-8."""
    rows = len(begins)
    if not rows:
        return text_array([])
    size = int(ends[0] - begins[0])
    if 0 < size <= MAX_ALIKE and bool((ends - begins == size).all()):
        alike = np.arange(0, size * (rows + 1), size, dtype=np.int32)
        found = windows(data, size, begins)
        return pa.Array.from_buffers(pa.string(), rows, [None, pa.py_buffer(alike), pa.py_buffer(found.view(np.uint8))])
    offsets = np.empty((rows, 2), np.int32)
    offsets[:, 0] = begins
    offsets[:, 1] = ends
    both = pa.Array.from_buffers(pa.string(), 2 * rows - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    every_other = np.arange(0, 2 * rows, 2, dtype=np.int32)
    return functions.take(both, pa.Array.from_buffers(pa.int32(), rows, [None, pa.py_buffer(every_other)]))


def contents(data: bytes, raw: Bytes, begins: Places, ends: Places, *, has_escapes: bool) -> pa.Array | None:
    """Return the texts of strings; None when a cell is no string, or one with half a surrogate pair."""
    if not bool((raw.take(begins) == QUOTE).all() and (raw.take(ends - 1) == QUOTE).all()):
        return None
    if bool((ends - begins < 2).any()):
        return None
    texts = cells(data, begins + 1, ends - 1)
    inner, offsets = buffers(texts)
    if not len(inner):
        return texts
    if int(inner.min()) < FIRST_VISIBLE or (int(inner.max()) >= FIRST_BEYOND_ASCII and not _is_utf8(texts)):
        return None
    escaped = _with(inner == BACKSLASH, offsets) if has_escapes else None
    if escaped is None or not bool(escaped.any()):
        return None if bool((inner == QUOTE).any()) else texts
    if bool((_with(inner == QUOTE, offsets) & ~escaped).any()):
        return None
    found = [unescaped(text) for text in functions.filter(texts, number_array(escaped)).to_pylist()]
    return None if None in found else functions.replace_with_mask(texts, number_array(escaped), text_array(found))


def any_kind(data: bytes, raw: Bytes, begins: Places, ends: Places, *, has_escapes: bool) -> pa.Array | None:
    """Return the JSON text of strings, numbers, words and empty objects; None when a cell is none of these."""
    quoted = raw.take(begins) == QUOTE
    texts = contents(data, raw, begins[quoted], ends[quoted], has_escapes=has_escapes)
    others = literals(data, begins[~quoted], ends[~quoted])
    if texts is None or others is None or not matches(others, rf"{LITERAL}|true|false|\{{\}}"):
        return None
    order = np.empty(len(quoted), np.int32)
    order[quoted] = np.arange(len(texts), dtype=np.int32)
    order[~quoted] = np.arange(len(texts), len(quoted), dtype=np.int32)
    return functions.take(pa.concat_arrays([_in_quotes(texts), others]), number_array(order))


def literals(data: bytes, begins: Places, ends: Places) -> pa.Array | None:
    """Return cells that should be numbers or words; None when one has a sign beyond ASCII, as none of these has."""
    texts = cells(data, begins, ends)
    inner, _ = buffers(texts)
    return texts if not len(inner) or int(inner.max()) < FIRST_BEYOND_ASCII else None


def _in_quotes(texts: pa.Array) -> pa.Array:
    """Return the JSON texts of strings."""
    mark = text_scalar('"')
    plain = functions.binary_join_element_wise(mark, texts, mark, text_scalar(""))
    inner, offsets = buffers(texts)
    special = _with((inner < FIRST_VISIBLE) | (inner == QUOTE) | (inner == BACKSLASH), offsets)
    if not bool(special.any()):
        return plain
    written = text_array([dump(text) for text in functions.filter(texts, number_array(special)).to_pylist()])
    return functions.replace_with_mask(plain, number_array(special), written)


def _with(flags: Flags, offsets: np.ndarray[Any, np.dtype[np.int32]]) -> Flags:
    """Tell of each cell whether one of its bytes is flagged."""
    found = np.zeros(len(offsets) - 1, np.bool_)
    found[np.searchsorted(offsets, np.flatnonzero(flags), side="right") - 1] = True
    return found


def _is_utf8(texts: pa.Array) -> bool:
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
