"""No key twice: proven in one pass for a clean file, in memory that does not grow with it.

Keys that ascend from row to row, as keys in exports do, are each different from all before, and an equal one stands
beside its twin. Otherwise a hash of each key is kept, on disk from some size on; where no two hashes are the same, no
two keys are. Only where some are, the file is read once more, and the few rows with such a hash are compared exactly.
"""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.checks.hashing import as_words, combined
from ingestion.conversion.pythonic import value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

HELD_BYTES = 48 << 20
PARTS_BITS = 6
_PARTS = 1 << PARTS_BITS
_PART_SHIFT = np.uint64(64 - PARTS_BITS)


class Again(Exception):
    """The rows cannot be judged in this pass; the next one can."""


class UniqueKeys:
    """Looks at the keys of all rows of a file, a batch at a time; ``begin`` starts each pass."""

    def __init__(self) -> None:
        """Begin by hoping that the keys ascend."""
        self._ascends = True
        self._suspects: NDArray[np.uint64] | None = None
        self._seen: set[tuple[Any, ...]] = set()
        self._last: tuple[int, ...] | None = None
        self._hashes = _Hashes()

    def begin(self) -> None:
        """Forget what an unfinished pass has seen, but not what a finished one has found out."""
        self._seen = set()
        self._last = None
        self._hashes.clear()

    def repeated(self, columns: Sequence[pa.Array]) -> NDArray[np.int64]:
        """Return the rows of a batch whose key a row before them has; a key with a null in it is like no other.

        Raises ``Again``.
        """
        rows: NDArray[np.int64] | None = None
        if any(cells.null_count for cells in columns):
            whole = columns[0].is_valid()
            for cells in columns[1:]:
                whole = pc.and_(whole, cells.is_valid())
            rows = pc.indices_nonzero(whole).to_numpy().astype(np.int64)
            columns = [cells.filter(whole) for cells in columns]
        if not len(columns[0]):
            return np.zeros(0, np.int64)
        found = self._found(columns)
        return found if rows is None else rows[found]

    def _found(self, columns: Sequence[pa.Array]) -> NDArray[np.int64]:
        if self._suspects is not None:
            return self._compared(columns, self._suspects)
        if self._ascends:
            words = [_ordered(cells) for cells in columns]
            known = [one for one in words if one is not None]
            found = self._beside(known) if len(known) == len(words) else None
            if found is not None:
                return found
            self._ascends = False
            if self._last is not None:
                raise Again
        self._hashes.add(combined(columns))
        return np.zeros(0, np.int64)

    def _beside(self, words: list[NDArray[np.int64]]) -> NDArray[np.int64] | None:
        """Return the rows with the key of the row before them; None where a key is smaller than the one before."""
        if self._last is not None:
            words = [np.concatenate([[before], one]) for before, one in zip(self._last, words, strict=True)]
        less = np.zeros(len(words[0]) - 1, bool)
        same = ~less
        for one in words:
            less |= same & (one[1:] < one[:-1])
            same &= one[1:] == one[:-1]
        if less.any():
            return None
        found = np.flatnonzero(same) + (self._last is None)
        self._last = tuple(int(one[-1]) for one in words)
        return found

    def _compared(self, columns: Sequence[pa.Array], suspects: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Compare the few keys exactly whose hashes are those of several rows."""
        found = combined(columns)
        place = np.minimum(np.searchsorted(suspects, found), len(suspects) - 1)
        rows = np.flatnonzero(suspects[place] == found)
        repeated = []
        for row in rows.tolist():
            key = tuple(value(cells[row]) for cells in columns)
            if key in self._seen:
                repeated.append(row)
            self._seen.add(key)
        return np.array(repeated, np.int64)

    def finish(self) -> None:
        """End a pass; raises ``Again`` where rows with the same hash have to be compared."""
        if self._suspects is None:
            suspects = self._hashes.twice()
            self._hashes.clear()
            if len(suspects):
                self._suspects = suspects
                raise Again


def _ordered(cells: pa.Array) -> NDArray[np.int64] | None:
    """Return values as whole numbers in their order; None for types that have none."""
    if pa.types.is_floating(cells.type):
        return None
    words = as_words(cells)
    return None if words is None else words.view(np.int64)


class _Hashes:
    """Hashes in memory, and beyond ``HELD_BYTES`` in files by their first bits."""

    def __init__(self) -> None:
        self._held: list[NDArray[np.uint64]] = []
        self._bytes = 0
        self._files: list[IO[bytes]] = []

    def clear(self) -> None:
        for file in self._files:
            file.close()
        self._held, self._bytes, self._files = [], 0, []

    def add(self, found: NDArray[np.uint64]) -> None:
        self._held.append(found)
        self._bytes += found.nbytes
        if self._bytes >= HELD_BYTES:
            self._spill()

    def _spill(self) -> None:
        if not self._files:
            self._files = [tempfile.TemporaryFile() for _ in range(_PARTS)]  # noqa: SIM115  (``clear`` closes them)
        found = np.concatenate(self._held)
        self._held, self._bytes = [], 0
        parts = (found >> _PART_SHIFT).astype(np.uint8)
        order = np.argsort(parts, kind="stable")
        ends = np.cumsum(np.bincount(parts, minlength=_PARTS))
        for file, part in zip(self._files, np.split(found[order], ends[:-1]), strict=True):
            file.write(part.tobytes())

    def twice(self) -> NDArray[np.uint64]:
        """Return the hashes that more than one row has, ascending."""
        if not self._files:
            return _twice(np.concatenate(self._held)) if self._held else np.zeros(0, np.uint64)
        if self._held:
            self._spill()
        found = []
        for file in self._files:
            file.seek(0)
            found.append(_twice(np.frombuffer(file.read(), np.uint64)))
        return np.concatenate(found)


def _twice(found: NDArray[np.uint64]) -> NDArray[np.uint64]:
    ordered = np.sort(found)
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
