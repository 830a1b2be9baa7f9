"""Number literals of few digits read from the bytes of a block, eight digits at once, and all records at once.

What is no digit where one must stand, and a zero or minus too many, is refused: whole literals are proven.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ingestion.conversion.formats.jsontext.regions import Places, windows
from ingestion.conversion.typing.base import WORD_DIGITS
from ingestion.conversion.typing.constants import decimal_array, number_array
from ingestion.conversion.typing.eights import SIZE, digits_in, numbers_in

if TYPE_CHECKING:
    from ingestion.conversion.formats.jsontext.regions import Bytes

MOST_DIGITS = 2 * SIZE
_ZERO, _MINUS, _POINT = ord("0"), ord("-"), ord(".")

Words = np.ndarray[Any, np.dtype[np.uint64]]

_POWERS = 10 ** np.arange(WORD_DIGITS[1] + 1, dtype=np.int64)


def values(data: bytes, raw: Bytes, begins: Places, ends: Places, kind: pa.DataType) -> pa.Array | None:
    """Return the values of literals without exponent; None when one is none, or is longer than is read here."""
    scale = kind.scale if pa.types.is_decimal128(kind) else 0
    if kind != pa.int64() and not (0 < scale <= SIZE and kind.precision <= WORD_DIGITS[1]):
        return None
    minus = raw.take(begins) == _MINUS
    is_signed = bool(minus.any())
    begins = begins + minus if is_signed else begins
    if scale:
        sizes = _fractions(raw, ends, scale)
        found = _whole(data, raw, begins, ends - sizes - (sizes > 0), kind.precision - scale)
        behind = _digits(data, ends, sizes)
        if found is None or behind is None:
            return None
        found = found * _POWERS[scale] + behind * _POWERS.take(scale - sizes)
    else:
        found = _whole(data, raw, begins, ends, MOST_DIGITS)
    if found is None:
        return None
    if is_signed:
        if bool((minus & (found == 0)).any()):
            return None
        found = np.where(minus, -found, found)
    return decimal_array(found, kind) if scale else number_array(found)


def _fractions(raw: Bytes, ends: Places, scale: int) -> Places:
    """Return how many digits stand behind the point, none where no point stands so near to the end."""
    sizes = np.zeros(len(ends), np.int64)
    for size in range(1, scale + 1):
        sizes[raw.take(ends - 1 - size, mode="clip") == _POINT] = size
    return sizes


def _whole(data: bytes, raw: Bytes, begins: Places, ends: Places, most: int) -> Places | None:
    """Return numbers without sign; None when one has no digits, too many, a zero too many or another sign."""
    sizes = ends - begins
    if int(sizes.min()) < 1 or int(sizes.max()) > min(most, MOST_DIGITS):
        return None
    if bool(((raw.take(begins) == _ZERO) & (sizes > 1)).any()):
        return None
    return _digits(data, ends, sizes)


def _digits(data: bytes, ends: Places, sizes: Places) -> Places | None:
    """Return the numbers that the last so many bytes before some places are, at most 16; None when one is no digit."""
    if len(data) < MOST_DIGITS:
        return None
    longest = int(sizes.max())
    if longest <= SIZE:
        return _eight(_words(data, ends, 1)[:, 0], sizes)
    words = _words(data, ends, 2)
    low = _eight(words[:, 1], np.minimum(sizes, SIZE))
    high = _eight(words[:, 0], np.maximum(sizes - SIZE, 0))
    return None if low is None or high is None else high * _POWERS[SIZE] + low


def _words(data: bytes, ends: Places, count: int) -> Words:
    """Return the words of eight bytes before some places, which are in order."""
    starts = ends - count * SIZE
    early = int(np.searchsorted(starts, 0))
    if early:
        starts[:early] = 0
    words = windows(data, count * SIZE, starts).view("<u8").reshape(-1, count)
    for row in range(early):
        words[row] = np.frombuffer(data[: ends[row]].rjust(count * SIZE, b"0"), "<u8")
    return words


def _eight(words: Words, sizes: Places) -> Places | None:
    """Return the numbers that the last so many bytes of some words are; None when one is no digit."""
    numbers = numbers_in(digits_in(words, sizes))
    return None if numbers is None else numbers.view(np.int64)
