"""The digits of many amounts at once, eight characters of each in one machine word.

Eight bytes of text are a little-endian word, its last character the highest byte. All steps are operations of whole
arrays on such words, which check every byte that they take, so a digit costs a fraction of what reading it by itself
would.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ingestion.conversion.typing.amounts import GROUP

SIZE = 8
LONGEST = 32  # more bytes than 18 digits, their group signs, a decimal sign and a minus take
_BYTE = 8  # bits
_ALL = (1 << _BYTE * SIZE) - 1
_WORD = np.dtype("<u8")
_ZERO = ord("0")
_ZEROS, _SIXES, _HIGH_HALVES = 0x3030303030303030, 0x0606060606060606, 0xF0F0F0F0F0F0F0F0
# A word's two digits a byte become hundreds and ones of two halves, and these one number, by one product each.
_PAIRS, _HUNDREDS, _ONES = 0x000000FF000000FF, 100 + (1_000_000 << 32), 1 + (10_000 << 32)

Ints = np.ndarray[Any, np.dtype[np.int64]]
Words = np.ndarray[Any, np.dtype[np.uint64]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]


class Eights:
    """Texts of one buffer, one behind the other, and whether all that was read of them was as expected."""

    def __init__(self, raw: Bytes, first: Ints, last: Ints) -> None:
        """Take the buffer and where each text begins and ends in it."""
        begin, size = int(first[0]), int(last[0] - first[0])
        # The first text may be shorter than the words that end in it.
        self._raw = np.concatenate([np.zeros(4 * SIZE, np.uint8), raw[begin : last[-1]]])
        self._ends = last + (3 * SIZE - begin)
        self._step = size if size * len(last) == last[-1] - begin and (last - first == size).all() else None
        self._behind = 0
        self._sound = True

    def amounts(self, whole: Ints, scale: int, point: int, group: int | None) -> Ints | None:
        """Return the texts' digits as numbers; None unless each is an amount as it is written.

        ``whole`` is how many characters stand before the decimal sign: digits, or digits and group signs.
        """
        self._sound = not (group and (whole & GROUP == 0).any())
        long = scale // SIZE * SIZE  # digits of the fraction that fill words of their own
        numbers = sum(
            (self._numbers(self._digits(back, whole + scale)) * np.uint64(10**back) for back in range(0, long, SIZE)),
            start=np.uint64(0),
        )
        self._behind, near = long, scale - long
        rest = self._ungrouped(whole, near, point) if group is None else self._grouped(whole, near, point, group)
        words: Ints = (rest * np.uint64(10**long) + numbers if long else rest).view(np.int64)
        least = _least(scale, grouped=group is not None).take(whole)
        return words if self._sound and not (words < least).any() else None

    def _ungrouped(self, whole: Ints, scale: int, point: int) -> Words:
        """Read digits eight by eight; the first word holds the decimal sign, which is taken out of it."""
        word = self._digits(0, whole + (scale + 1))
        self._expect(word, _last(scale + 1) & ~_last(scale), point)
        before = word & np.uint64(~_last(scale + 1) & _ALL)
        numbers = self._numbers(word & np.uint64(_last(scale)) | before << np.uint64(_BYTE))
        taken = SIZE - 1 - scale
        while len(longer := np.flatnonzero(whole > taken)):
            word = self._digits(taken + scale + 1, whole.take(longer) - taken, longer)
            numbers[longer] += self._numbers(word) * np.uint64(10 ** (taken + scale))
            taken += SIZE
        return numbers

    def _grouped(self, whole: Ints, scale: int, point: int, group: int) -> Words:
        """Do the same where a word before the decimal sign is two groups of three digits, each behind its sign."""
        word = self._digits(0, whole + (scale + 1))
        self._expect(word, _last(scale + 1) & ~_last(scale), point)
        numbers = self._numbers(word & np.uint64(_last(scale)))
        numbers += self._groups_of(scale + 1, whole, group) * np.uint64(10**scale)
        taken, power = SIZE, 10 ** (scale + 2 * GROUP)
        while len(longer := np.flatnonzero(whole > taken)):
            words = self._groups_of(taken + scale + 1, whole.take(longer) - taken, group, longer)
            numbers[longer] += words * np.uint64(power)
            taken, power = taken + SIZE, power * 10 ** (2 * GROUP)
        return numbers

    def _groups_of(self, back: int, sizes: Ints, group: int, of: Ints | None = None) -> Words:
        """Read two groups of three digits that end ``back`` bytes before the texts' ends."""
        word = self._digits(back, sizes, of)
        three, six = _last(GROUP), _last(2 * GROUP + 1) & ~_last(GROUP + 1)
        self._expect(word ^ _groups(group).take(sizes), ~(three | six) & _ALL, _ZERO)
        return self._numbers(word & np.uint64(three) | (word & np.uint64(six)) << np.uint64(_BYTE))

    def _digits(self, back: int, sizes: Ints, of: Ints | None = None) -> Words:
        """Return the eight bytes of each text that end so many bytes before its end, less the digit zero.

        Where a text has only so many bytes left, nothing stands for those before it. ``of``: of these texts alone.
        """
        back += self._behind
        if self._step is not None and of is None:
            offset = 3 * SIZE + self._step - back
            words = np.ndarray((len(sizes),), _WORD, self._raw.data, offset, (self._step,))
            return (words ^ np.uint64(_ZEROS)) & _KEPT[sizes[0]]
        anywhere = np.ndarray((len(self._raw) - SIZE + 1,), _WORD, self._raw.data, 0, (1,))
        return digits_in(anywhere[(self._ends if of is None else self._ends.take(of)) - back], sizes)

    def _expect(self, words: Words, mask: int, sign: int) -> None:
        """Note whether the masked bytes are the expected sign."""
        expected = (sign ^ _ZERO) * (mask & 0x0101010101010101)
        if np.bitwise_or.reduce((words ^ np.uint64(expected)) & np.uint64(mask)):
            self._sound = False

    def _numbers(self, digits: Words) -> Words:
        """Return the numbers that words of eight digits say, and note whether they are digits."""
        numbers = numbers_in(digits)
        if numbers is None:
            self._sound = False
            return digits
        return numbers


def digits_in(words: Words, sizes: Ints) -> Words:
    """Return the last so many bytes of each word less the digit zero, and nothing for those before them."""
    return (words ^ np.uint64(_ZEROS)) & _KEPT.take(sizes)


def numbers_in(digits: Words) -> Words | None:
    """Return the numbers that words of eight digits say, of ``digits_in``; None when a byte is no digit."""
    if int(np.bitwise_or.reduce(digits | (digits + np.uint64(_SIXES)))) & _HIGH_HALVES:
        return None
    pairs = digits * np.uint64(10) + (digits >> np.uint64(_BYTE))
    high = (pairs & np.uint64(_PAIRS)) * np.uint64(_HUNDREDS)
    low = ((pairs >> np.uint64(2 * _BYTE)) & np.uint64(_PAIRS)) * np.uint64(_ONES)
    numbers: Words = (high + low) >> np.uint64(4 * _BYTE)
    return numbers


def _last(number: int) -> int:
    """Return a mask of a word's last ``number`` characters."""
    return (1 << _BYTE * SIZE) - (1 << _BYTE * (SIZE - number))


# Of how many bytes a text has left to how many of its last eight bytes are its own.
_KEPT = np.array([_last(min(number, SIZE)) for number in range(LONGEST)], np.uint64)


@cache
def _groups(group: int) -> Words:
    """Return where a word has group signs, less the digit zero, when its text has so many bytes left."""
    places = (GROUP + 1, 2 * (GROUP + 1))
    signs = [[(group ^ _ZERO) * (number >= place) for place in places] for number in range(LONGEST)]
    return np.array([near << _BYTE * (GROUP + 1) | far for near, far in signs], np.uint64)


@cache
def _least(scale: int, *, grouped: bool) -> Ints:
    """Return the least amount, as its digits, whose whole part has so many characters and no leading zero."""
    step = GROUP + 1 if grouped else LONGEST
    digits = [size - size // step for size in range(LONGEST)]
    return np.array([10 ** min(number - 1 + scale, 18) if number > 1 else 0 for number in digits], np.int64)
