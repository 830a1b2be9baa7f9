"""XML of a known, flat grammar cut into its tags by vectors: the fast half of reading workbooks.

A block of XML is taken only when every tag is one that the grammar knows and every neighbour of every tag is
allowed; as no element of these grammars nests within itself, that proves the structure. Anything else
(comments, CDATA, rich text, other attributes) is left to the exact parser of the caller.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.typing.constants import number_array, numbers_of, text_array
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

PADDING = bytes(32)
MASK = np.array([(1 << (8 * size)) - 1 for size in range(9)], np.uint64)
UNKNOWN = 0
_ENTITY = re.compile(r"&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|(amp|lt|gt|quot|apos));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class Grammar:
    """Tags and who may follow whom. A tag's name is told by its first two characters within the angle brackets."""

    def __init__(self, tags: dict[str, tuple[str, ...]], pairs: dict[str, str], first: str, last: str) -> None:
        """``tags``: a name's beginnings; ``pairs``: the tags that may follow one; a self-closed tag is ``name/``."""
        self._follow(tags, pairs, first, last)
        self._table = np.zeros(1 << 16, np.uint8)
        for name, starts in tags.items():
            for start in starts:
                low, high = start.encode()
                self._table[low | high << 8] = self.number[name]

    def _follow(self, names: Iterable[str], pairs: dict[str, str], first: str, last: str) -> None:
        self.number: dict[str, int] = {}
        for at, name in enumerate(names):
            self.number[name], self.number[f"{name}/"] = 1 + 2 * at, 2 + 2 * at
        size = 1 + len(self.number)
        self._allowed = np.zeros((size, size), bool)
        for name, followers in pairs.items():
            for follower in followers.split():
                self._allowed[self.number[name], self.number[follower]] = True
        self._first = [self.number[name] for name in first.split()]
        self._last = [self.number[name] for name in last.split()]

    def tags(self, block: bytes) -> Tags | None:
        """Return the block's tags; None when it is not of this grammar."""
        if not _is_utf8(block):
            return None
        padded = np.frombuffer(block + PADDING, np.uint8)
        raw = padded[: len(block)]
        marks = np.flatnonzero((raw & 0xFD) == 60)  # < and >, which differ in one bit
        opened, closed = marks[0::2].copy(), marks[1::2].copy()
        if (
            not len(opened)
            or len(opened) != len(closed)
            or (raw.take(opened) != 60).any()
            or (raw.take(closed) != 62).any()
        ):
            return None
        words = np.ndarray((len(block),), "<u8", padded.data, strides=(1,))
        codes = self._codes(padded, words, opened)
        if not codes.all():
            return None
        codes = codes + ((raw.take(closed - 1) == 47) & (codes & 1 == 1))
        if codes[0] not in self._first or codes[-1] not in self._last:
            return None
        if not self._allowed.take(codes[:-1] * np.intp(len(self._allowed)) + codes[1:]).all():
            return None
        return Tags(block, opened, closed, codes, words)

    def _codes(
        self, padded: NDArray[np.uint8], words: NDArray[np.uint64], opened: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        """Return the number of each tag's name; ``UNKNOWN`` for others."""
        pairs = np.ndarray((len(words),), "<u2", padded.data, strides=(1,))
        return self._table.take(pairs[opened + 1])


class LongGrammar(Grammar):
    """A grammar whose tags are told by their whole names, at most the first 16 bytes of them and what ends them."""

    def __init__(self, tags: dict[str, str], pairs: dict[str, str], first: str, last: str) -> None:
        """``tags``: the names within the angle brackets, ``/`` in front of one that ends an element."""
        self._follow(tags, pairs, first, last)
        self._names = [(self.number[name], text.encode()) for name, text in tags.items()]

    def _codes(
        self, padded: NDArray[np.uint8], words: NDArray[np.uint64], opened: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        last = len(words) - 1
        one = words.take(np.minimum(opened + 1, last))
        two = words.take(np.minimum(opened + 9, last))
        codes = np.zeros(len(opened), np.uint8)
        for number, name in self._names:
            same = one & MASK[min(8, len(name))] == int.from_bytes(name[:8], "little")
            if len(name) > 8:
                same &= two & MASK[min(8, len(name) - 8)] == int.from_bytes(name[8:16], "little")
            behind = padded.take(opened + 1 + len(name), mode="clip")
            same &= (behind <= 32) | (behind == 62) | ((behind == 47) & (name[:1] != b"/"))
            codes[same] = number
        return codes


@slotted()
class Tags:
    """The tags of a block: where each opens and closes, what it is, and the eight bytes behind every position."""

    block: bytes
    opened: NDArray[np.int64]
    closed: NDArray[np.int64]
    codes: NDArray[np.uint8]
    words: NDArray[np.uint64]

    def slices(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> pa.Array:
        """Return the texts between positions that ascend, still escaped."""
        count = len(starts)
        if not count:
            return pa.nulls(0, pa.string())
        offsets = np.empty(2 * count, np.int32)
        offsets[0::2], offsets[1::2] = starts, ends
        with_gaps = pa.StringArray.from_buffers(2 * count - 1, pa.py_buffer(offsets), pa.py_buffer(self.block))
        return pc.take(with_gaps, number_array(np.arange(0, 2 * count - 1, 2, dtype=np.int32)))

    def texts(self, starts: NDArray[np.int64], ends: NDArray[np.int64], *, plain: bool = False) -> pa.Array:
        """Return the texts between positions, with entities (and, if not ``plain``, ``_x000D_``) resolved."""
        cells = self.slices(starts, ends)
        if b"&" not in self.block and (plain or b"_x" not in self.block):
            return cells
        odd = np.flatnonzero(numbers_of(pc.match_substring_regex(cells, "&" if plain else "&|_x")))
        if not len(odd):
            return cells
        fixed = [unescaped(text, plain=plain) for text in pc.take(cells, number_array(odd)).to_pylist()]
        mask = np.zeros(len(cells), bool)
        mask[odd] = True
        return pc.replace_with_mask(cells, number_array(mask), text_array(fixed))


def _is_utf8(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def unescaped(text: str, *, plain: bool = False) -> str:
    """Resolve XML's entities and, if not ``plain``, the escapes of ECMA-376 (part 1, 22.9.2.19: ``_x000D_``)."""
    text = _ENTITY.sub(_character, text) if "&" in text else text
    return text if plain else spreadsheet_text(text)


def spreadsheet_text(text: str) -> str:
    """Resolve the escapes of ECMA-376 for characters that XML cannot hold."""
    return _ESCAPED.sub(lambda found: _valid(int(found.group(1), 16)), text) if "_x" in text else text


def _character(found: re.Match[str]) -> str:
    hexadecimal, decimal, name = found.groups()
    return _NAMED[name] if name else _valid(int(hexadecimal, 16) if hexadecimal else int(decimal))


def _valid(point: int) -> str:
    """Return the character; half of a surrogate pair, which no text can hold, becomes U+FFFD."""
    return "\ufffd" if 0xD800 <= point < 0xE000 or point > 0x10FFFF else chr(point)
