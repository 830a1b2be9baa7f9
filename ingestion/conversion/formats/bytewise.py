"""Counts and places of single bytes in large texts, by NumPy, a cache's worth at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

STEP = 256 << 10

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Words = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


def count(raw: Bytes, byte: int) -> int:
    """Count a byte's occurrences."""
    return sum(int(np.count_nonzero(raw[at : at + STEP] == byte)) for at in range(0, len(raw), STEP))


def positions(raw: Bytes, byte: int) -> Words:
    """Return the places of a byte, in order."""
    return places(raw == byte)


def places(flags: Flags) -> Words:
    """Return where flags are set, in order; quickest where no group of eight has two of them."""
    eights = np.packbits(flags, bitorder="little")
    some = np.flatnonzero(eights != 0)
    bits = eights.take(some)
    if not (bits & (bits - np.uint8(1))).any():
        return some * 8 + _ONLY.take(bits)
    inside = np.flatnonzero(np.unpackbits(bits, bitorder="little").view(np.bool_))
    return some.take(inside >> 3) * 8 + (inside & 7)


def byte_table(signs: str) -> Flags:
    """Return a table that tells of each byte whether it is one of the signs."""
    table = np.zeros(256, np.bool_)
    table[list(signs.encode())] = True
    return table


# Of eight flags to the place of the only one that is set.
_ONLY = np.zeros(256, np.uint8)
_ONLY[[1 << at for at in range(8)]] = range(8)
