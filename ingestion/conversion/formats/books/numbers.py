"""Doubles as the decimals that a person typed: the shortest text that reads back as the same double.

A decimal of at most 15 digits is the only one of its length that reads as its double (IEEE 754, 53 bits), so
where ``round(x * 10**s) / 10**s == x`` with at most 15 digits, that quotient is the shortest text; other
doubles are asked for their text, which Arrow writes in the shortest form.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.typing.constants import number_array, numbers_of, text_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXACT_INTEGER = 2.0**53
MAX_DIGITS = 38
SURE_DIGITS = 10.0**15
DOUBLE_DIGITS = 17
_MANY_DIGITS = rf"[1-9](?:\.?[0-9]){{{DOUBLE_DIGITS}}}"  # more than a double has, not counting zeros in front
SURE_SIZE = 15  # so few characters never say more than a double
EASY_SCALES = range(1, 7)


def typed(numbers: NDArray[np.float64]) -> tuple[pa.Array, str]:
    """Return the numbers as int64, as decimals, or as they are, with the rule."""
    if _integral(numbers):
        return number_array(numbers.astype(np.int64)), "integral number cells"
    if np.isfinite(numbers).all():
        decimals = _decimals(numbers)
        if decimals is not None:
            return decimals, f"{decimals.type} from the shortest text of the numbers"
    return number_array(numbers), "number cells without a common decimal"


def as_text(numbers: NDArray[np.float64]) -> pa.Array:
    """Return the shortest text of each number; integral ones have no point."""
    if _integral(numbers):
        return pc.cast(number_array(numbers.astype(np.int64)), pa.string())
    texts = pc.cast(number_array(numbers), pa.string())
    wide = pc.match_substring(texts, "e")
    return pc.replace_with_mask(
        texts, wide, text_array([_text(number) for number in numbers[numbers_of(wide)].tolist()])
    )


def padded(numbers: NDArray[np.float64], digits: int) -> pa.Array:
    """Return the numbers as a format of zeros shows them; those that it would round, as they are."""
    texts = as_text(numbers)
    whole = (np.rint(numbers) == numbers) & (numbers >= 0) & (numbers <= EXACT_INTEGER)
    return pc.if_else(number_array(whole), pc.utf8_lpad(texts, digits, "0"), texts)


def shows_zeros(numbers: NDArray[np.float64], digits: int) -> bool:
    """Tell whether a format of so many zeros puts any in front."""
    return bool(((np.rint(numbers) == numbers) & (numbers >= 0) & (numbers < 10.0 ** (digits - 1))).any())


def has_more(text: str, number: float) -> bool:
    """Tell whether a number as written says more than its double: a long whole number, or more than 17 digits.

    17 digits are what a double needs at most, and what Excel writes; whole numbers of any length are keys.
    """
    mantissa, _, exponent = text.lower().partition("e")
    if "." not in mantissa and not exponent:
        return abs(number) > EXACT_INTEGER
    digits = mantissa.lstrip("+-").replace(".", "").lstrip("0")
    return len(digits) > DOUBLE_DIGITS and Decimal(text) != Decimal(number)


def exact(texts: pa.Array, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell for each number as written whether it says more than its double."""
    found = np.zeros(len(numbers), bool)
    long = np.flatnonzero(numbers_of(pc.binary_length(texts)) > DOUBLE_DIGITS + 1)
    if len(long):
        many = numbers_of(pc.match_substring_regex(pc.take(texts, number_array(long)), _MANY_DIGITS))
        found[long[many]] = True
    suspects = np.flatnonzero(found | (np.abs(numbers) > EXACT_INTEGER))
    told = zip(pc.take(texts, number_array(suspects)).to_pylist(), numbers[suspects].tolist(), strict=True)
    found[suspects] = [has_more(text.strip(), number) for text, number in told]
    return found


def typed_as_written(texts: pa.Array) -> tuple[pa.Array, str]:
    """Return numbers as written as int64, as decimals, or as texts where no decimal holds them, with the rule."""
    decimals = _of_texts(texts)
    if decimals is None:
        return texts, "numbers as written, too long for a decimal"
    if decimals.type.scale == 0 and decimals.type.precision <= 19:
        try:
            return pc.cast(decimals, pa.int64()), "integral numbers as written"
        except pa.ArrowInvalid:
            pass
    return decimals, f"{decimals.type} as written"


def _text(number: float) -> str:
    return str(int(number)) if number.is_integer() and abs(number) <= EXACT_INTEGER else repr(number)


def _integral(numbers: NDArray[np.float64]) -> bool:
    sample = numbers[:100]
    if not (np.rint(sample) == sample).all():
        return False
    return bool((np.rint(numbers) == numbers).all() and (np.abs(numbers) <= EXACT_INTEGER).all())


def _decimals(numbers: NDArray[np.float64]) -> pa.Array | None:
    """Return the numbers in one decimal128; None when none holds all of them."""
    unscaled, scale = _easy(numbers)
    if unscaled is None:
        return _by_text(numbers)
    digits = max(len(str(int(np.abs(unscaled).max(initial=0)))), scale + 1)
    words = np.empty((len(unscaled), 2), np.int64)
    words[:, 0], words[:, 1] = unscaled, unscaled >> 63
    return pa.Array.from_buffers(pa.decimal128(digits, scale), len(unscaled), [None, pa.py_buffer(words)])


def _easy(numbers: NDArray[np.float64]) -> tuple[NDArray[np.int64] | None, int]:
    """Return whole multiples of the smallest sufficient power of ten, where few digits are enough for all."""
    for scale in EASY_SCALES:
        power = 10.0**scale
        if not _multiples(numbers[:100], power):
            continue
        if _multiples(numbers, power):
            return np.rint(numbers * power).astype(np.int64), scale
    return None, 0


def _multiples(numbers: NDArray[np.float64], power: float) -> bool:
    with np.errstate(over="ignore"):
        whole = np.rint(numbers * power)
    return bool((np.abs(whole) < SURE_DIGITS).all() and (whole / power == numbers).all())


def _by_text(numbers: NDArray[np.float64]) -> pa.Array | None:
    """Go by the shortest texts."""
    return _of_texts(pc.cast(number_array(numbers), pa.string()))


def _of_texts(texts: pa.Array) -> pa.Array | None:
    """Return decimals whose scale is the longest fraction; None when 38 digits are too few."""
    wide = numbers_of(pc.match_substring(texts, "e", ignore_case=True))
    if wide.any():
        plain = [f"{Decimal(text):f}" for text in pc.filter(texts, number_array(wide)).to_pylist()]
        texts = pc.replace_with_mask(texts, number_array(wide), pc.cast(text_array(plain), texts.type))
    point = numbers_of(pc.find_substring(texts, "."))
    size = numbers_of(pc.binary_length(texts))
    signed = numbers_of(pc.match_substring_regex(texts, "^[-+]"))
    scale = int(np.where(point < 0, 0, size - point - 1).max())
    whole = int((np.where(point < 0, size, point) - signed).max())
    if whole + scale > MAX_DIGITS:
        return None
    return pc.cast(texts, pa.decimal128(whole + scale, scale))
