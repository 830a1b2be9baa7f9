"""Number literals of one path: which type holds all of them exactly, and their values."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.typing.base import MAX_DIGITS, WORD_DIGITS, matches
from ingestion.conversion.typing.constants import zero
from ingestion.slotted import slotted

LITERAL = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
MIN_LONG_DIGITS = 19
LOWEST, HIGHEST = -(2**63), 2**63 - 1
_MINUS_ZERO = re.compile(rb"-0(?:\.0+)?")

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


@slotted()
class Numbers:
    """What the literals seen so far need; ``look`` takes JSON's literals only."""

    whole: int = 1
    scale: int = 0
    fits64: bool = True
    exponent: bool = False
    minus_zero: bool = False
    as_float: bool = True
    room: int = 0

    def look(self, literals: list[bytes]) -> None:
        """Take literals into account."""
        joined = b" ".join(literals)
        if b"-0" in joined:
            self.minus_zero = self.minus_zero or any(map(_MINUS_ZERO.fullmatch, literals))
        if self.exponent or b"e" in joined or b"E" in joined:
            self.exponent = True
            self.as_float = self.as_float and all(repr(float(text)).encode() == text for text in literals)
            return
        for text in set(literals):
            whole, _, fraction = text.removeprefix(b"-").partition(b".")
            self.whole = max(self.whole, len(whole))
            self.scale = max(self.scale, len(fraction))
        if self.fits64 and self.whole >= MIN_LONG_DIGITS:
            short = not self.scale and self.whole == MIN_LONG_DIGITS
            self.fits64 = short and all(LOWEST <= int(text) <= HIGHEST for text in literals)

    @property
    def kind(self) -> str:
        """Return ``int``, ``decimal``, ``float`` or, where none is exact, ``text``."""
        if self.exponent:
            return "float" if self.as_float else "text"
        if self.minus_zero or self.whole + self.scale > MAX_DIGITS:
            return "text"
        return "decimal" if self.scale else "int"

    def type(self) -> pa.DataType:
        """Return the Arrow type of the kind."""
        match self.kind:
            case "decimal":
                return pa.decimal128(max(self.whole + self.scale, self.room), self.scale)
            case "int":
                return pa.int64() if self.fits64 else pa.decimal128(MAX_DIGITS, 0)
            case "float":
                return pa.float64()
            case _:
                return pa.string()

    def leave_room(self) -> None:
        """Take the precision of the next machine word, so that a larger amount later needs no other type."""
        needed = min(self.whole + self.scale + 1, MAX_DIGITS)
        self.room = next(width for width in WORD_DIGITS if width >= needed)


def parsed(cells: pa.Array, kind: str, target: pa.DataType) -> pa.Array | None:
    """Return the values of texts that should be literals of a kind; None when one is not, or is not exact.

    Nothing about the texts is taken for granted.
    """
    if kind in {"int", "decimal"}:
        return _exact(cells, kind, target)
    good = matches(cells, LITERAL)
    if good and kind == "float":
        good = all(repr(float(text)) == text for text in cells.to_pylist())
    return pc.cast(cells, target) if good else None


def _exact(cells: pa.Array, kind: str, target: pa.DataType) -> pa.Array | None:
    """Cast literals without exponent, once each is known to be written as JSON wants it and to be no minus zero."""
    data, offsets = buffers(cells)
    starts, ends = offsets[:-1], offsets[1:]
    if not _allowed(data, b"0123456789-" if kind == "int" else b"0123456789-.") or bool(np.any(starts == ends)):
        return None
    padded = np.append(data, np.uint8(0))
    minus = padded.take(starts) == ord("-")
    first = starts + minus
    second = np.where(first + 1 < ends, padded.take(np.minimum(first + 1, len(data))), np.uint8(0))
    leading = (padded.take(first) == ord("0")) & _are_digits(second)
    whole = (first < ends) & _are_digits(padded.take(first)) & _are_digits(padded.take(ends - 1))
    if bool(np.any(leading)) or not bool(np.all(whole)):
        return None
    try:
        values = pc.cast(cells, target)
    except pa.ArrowInvalid:
        return None
    negative = pc.sum(pc.less(values, zero(target))).as_py() or 0 if bool(np.any(minus)) else 0
    return values if negative == int(np.count_nonzero(minus)) else None


def buffers(cells: pa.Array) -> tuple[Bytes, np.ndarray[Any, np.dtype[np.int32]]]:
    """Return the bytes of a text column, and the offsets of its cells in them."""
    _, offsets, data = cells.buffers()
    ends = np.frombuffer(offsets, np.int32)[cells.offset : cells.offset + len(cells) + 1]
    raw = np.frombuffer(data, np.uint8) if data is not None and data.size else np.empty(0, np.uint8)
    return raw[ends[0] : ends[-1]], ends - ends[0]


def _allowed(data: Bytes, signs: bytes) -> bool:
    return not data.tobytes().translate(None, signs)


def _are_digits(raw: Bytes) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return raw - np.uint8(ord("0")) < 10  # bytes below wrap around
