"""The keys of another dataset, as a set that can be asked about many values at once; on disk where it is large."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.conversion.checks.hashing import as_words, combined
from ingestion.conversion.checks.kernels import as_texts
from ingestion.conversion.contract.casts import cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

HELD_KEYS = 8_000_000
_SALT = "\x01"


class References(Protocol):
    """Where the rows of other datasets come from."""

    def rows(self, dataset: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield some columns of a dataset, in any order; raises ``RuleInvalid`` where there are none such."""
        ...


class Before(Protocol):
    """Rows that are loaded already: of the file to which the present rows belong, or of the whole dataset."""

    def rows(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield some columns of them, in any order."""
        ...


class KeySet:
    """The keys of a dataset, 16 bytes each: two hashes of 64 bits, of which the first is the value where that fits.

    Two different keys of text have the same 128 bits once in about 10^38 pairs, less often than memory errs.
    """

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        """Read all keys."""
        first, second = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint64)]
        self._types: list[pa.DataType] | None = None
        for batch in batches:
            self._types = self._types or [cells.type for cells in batch.columns]
            one, two = _prints(self._as_kept(batch.columns))
            one, at = np.unique(one, return_index=True)
            first.append(one)
            second.append(two[at])
        keys, salted = np.concatenate(first), np.concatenate(second)
        order = np.argsort(keys, kind="stable")
        self._first, self._second = _kept(keys[order]), _kept(salted[order])

    def unknown(self, columns: Sequence[pa.Array]) -> NDArray[np.bool_]:
        """Tell which rows' keys are not in the set."""
        one, two = _prints(self._as_kept(columns))
        if not len(self._first):
            return np.ones(len(one), bool)
        place = np.searchsorted(self._first, one)
        known = np.zeros(len(one), bool)
        pending = np.arange(len(one))
        while len(pending):
            place = np.minimum(place, len(self._first) - 1)
            same = self._first[place] == one[pending]
            hit = same & (self._second[place] == two[pending])
            known[pending[hit]] = True
            more = same & ~hit & (place + 1 < len(self._first))
            pending, place = pending[more], place[more] + 1
        return ~known

    def _as_kept(self, columns: Sequence[pa.Array]) -> list[pa.Array]:
        """Return values as the dataset's own types, or as texts where they are no such values."""
        kinds = self._types or [cells.type for cells in columns]
        return [_as(cells, kind) for cells, kind in zip(columns, kinds, strict=True)]


def as_kinds(batch: pa.RecordBatch, kinds: Sequence[pa.DataType]) -> pa.RecordBatch:
    """Return rows of earlier loads with the types that the same columns have now, as far as these hold them."""
    columns = []
    for cells, kind in zip(batch.columns, kinds, strict=True):
        try:
            columns.append(cast(cells, kind))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            columns.append(cells)
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _as(cells: pa.Array, kind: pa.DataType) -> pa.Array:
    if cells.type == kind:
        return cells
    try:
        return pc.cast(cells, kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return as_texts(cells)


def _prints(columns: Sequence[pa.Array]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return two hashes of each row's key."""
    first = combined(columns)
    if len(columns) == 1 and as_words(columns[0]) is not None:
        return first, np.zeros(len(first), np.uint64)  # the first one is the value itself, its bits spread
    return first, combined([pc.binary_join_element_wise(as_texts(cells), _SALT, "") for cells in columns])


def _kept(found: NDArray[Any]) -> NDArray[Any]:
    """Keep an array in memory, or in a file where it is large."""
    if len(found) <= HELD_KEYS:
        return found
    with tempfile.TemporaryFile() as file:  # the mapping keeps it alive
        kept = np.memmap(file, found.dtype, "w+", shape=found.shape)
    kept[:] = found
    return kept
