"""On which line of its file a place of a text is, counted only where somebody asks for it."""

from __future__ import annotations

from bisect import bisect_right
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from ingestion.conversion.formats.bytewise import count

if TYPE_CHECKING:
    from ingestion.conversion.unpack import Payload

PIECE_BYTES = 1 << 20


class Lines:
    """The lines of a payload's text, for several threads; ``end`` is the byte that ends one.

    ``origin`` is where the text as UTF-8 begins in the file, and thereby that the file is in UTF-8 itself. Without one
    all places must be told by ``note`` before they are asked for.
    """

    def __init__(self, payload: Payload, end: bytes, origin: int | None) -> None:
        """Know no place yet."""
        self._payload = payload
        self._end = end[0]
        self._origin = origin
        self._known: list[tuple[int, int]] = []
        self._lock = Lock()

    def note(self, start: int, line: int) -> None:
        """Keep the line that begins at a place, ``start`` bytes into the text."""
        with self._lock:
            self._keep(start, line)

    def at(self, start: int) -> int:
        """Return the line that begins at a place at or behind the first one noted."""
        with self._lock:
            known, line = self._known[bisect_right(self._known, start, key=lambda pair: pair[0]) - 1]
            if known < start:
                line += self._between(known, start)
                self._keep(start, line)
            return line

    def _keep(self, start: int, line: int) -> None:
        at = bisect_right(self._known, start, key=lambda pair: pair[0])
        if not at or self._known[at - 1][0] != start:
            self._known.insert(at, (start, line))

    def _between(self, start: int, stop: int) -> int:
        """Count the line ends between two places by reading the file there once more."""
        if self._origin is None:
            raise LookupError(stop)
        found, left = 0, stop - start
        with self._payload.open() as file:
            file.seek(self._origin + start)
            while left and (piece := file.read(min(PIECE_BYTES, left))):
                found += count(np.frombuffer(piece, np.uint8), self._end)
                left -= len(piece)
        return found
