"""Where the brackets and commas of a JSON text stand, found in numpy a piece at a time, without parsing any value."""

from __future__ import annotations

from typing import Any

import numpy as np

from ingestion.slotted import slotted

Positions = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


@slotted(frozen=True)
class Brackets:
    """The brackets of one piece outside strings: where, whether they open, and the depth behind each."""

    at: Positions
    opens: Flags
    depth: Positions


class Scanner:
    """Follows one JSON text from its first byte; strings, escapes and depth go on from piece to piece.

    It trusts the text to be JSON. Where it is not, the parser of the records says so.
    """

    def __init__(self) -> None:
        """Begin outside all brackets."""
        self.depth = 0
        self._in_string = False
        self._escaped = False
        self._quotes: Positions = np.empty(0, np.int64)
        self._began_in_string = False

    def feed(self, piece: bytes) -> Brackets:
        """Return the brackets of the next piece, at offsets within it."""
        raw = np.frombuffer(piece, np.uint8)
        self._began_in_string = self._in_string
        self._quotes = self._unescaped(raw, np.flatnonzero(raw == ord('"')), b"\\" in piece)
        self._in_string ^= bool(len(self._quotes) & 1)
        folded = raw | np.uint8(0x20)  # [ and {, ] and } differ by this bit
        at = self.outside(np.flatnonzero((folded == ord("{")) | (folded == ord("}"))))
        opens = folded[at] == ord("{")
        depth = self.depth + np.cumsum(np.where(opens, 1, -1))
        if len(depth):
            self.depth = int(depth[-1])
        return Brackets(at, opens, depth)

    def commas(self, piece: bytes, brackets: Brackets, before: int) -> Positions:
        """Return the commas of the piece just fed that stand at depth 0; ``before`` is the depth it began at."""
        at = self.outside(np.flatnonzero(np.frombuffer(piece, np.uint8) == ord(",")))
        depths = np.concatenate([[before], brackets.depth])
        return at[depths[np.searchsorted(brackets.at, at)] == 0]

    def outside(self, at: Positions) -> Positions:
        """Keep those positions of the piece just fed that are in no string."""
        return at[(np.searchsorted(self._quotes, at) & 1) == self._began_in_string]

    def _unescaped(self, raw: np.ndarray[Any, np.dtype[np.uint8]], quotes: Positions, escapes: bool) -> Positions:
        """Drop the quotes behind an odd number of backslashes."""
        if not escapes:
            first_is_escaped = self._escaped and len(raw) > 0
            self._escaped = self._escaped and len(raw) == 0
            return quotes[1:] if first_is_escaped and len(quotes) and quotes[0] == 0 else quotes
        slashes = np.flatnonzero(raw == ord("\\"))
        first_is_escaped = self._escaped
        if first_is_escaped and slashes[0] == 0:
            slashes = slashes[1:]
        starts = slashes[np.diff(slashes, prepend=-2) != 1]
        slashed = np.zeros(len(raw) + 1, np.bool_)
        slashed[slashes + 1] = True
        suspects = slashed[quotes]
        run = starts[np.searchsorted(starts, quotes[suspects], side="right") - 1] if len(starts) else starts
        escaped = np.zeros(len(quotes), np.bool_)
        escaped[suspects] = (quotes[suspects] - run) & 1
        if first_is_escaped and len(quotes) and quotes[0] == 0:
            escaped[0] = True
        self._escaped = bool(slashed[-1]) and bool((len(raw) - int(starts[-1])) & 1)
        return quotes[~escaped]


def outside_strings(text: bytes, at: Positions) -> Positions:
    """Keep those positions of a text that are in no string."""
    scanner = Scanner()
    scanner.feed(text)
    return scanner.outside(at)
