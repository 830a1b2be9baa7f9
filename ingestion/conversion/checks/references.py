"""Keys of rows elsewhere, as a set that can be asked about many at once, in memory that does not grow with it."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.checks.hashing import as_words, combined
from ingestion.conversion.checks.kernels import as_texts
from ingestion.conversion.contract.casts import cast
from ingestion.conversion.contract.kinds import canonical, common, is_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

HELD_KEYS = 4_000_000
RULE = b"rule"
"""In a field's metadata: how its values were written, which they are again where they are compared with texts."""
_SALT = "\x01"
_INSTANT = pa.decimal128(38, 0)
"""In which moments of two units are compared: nanoseconds, of which 64 bits do not reach to every one of them."""
_NANOSECONDS = {"s": Decimal(10**9), "ms": Decimal(10**6), "us": Decimal(1000), "ns": Decimal(1)}


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
    """Keys, 16 bytes each: two hashes of 64 bits, of which the first is the value where that fits.

    Two different keys of text have the same 128 bits once in about 10^38 pairs, less often than memory errs. Keys are
    compared value by value in a type that holds those of both sides, and as texts where there is none. A key with a
    null in it is like no other.
    """

    def __init__(self, batches: Iterator[pa.RecordBatch], kinds: Sequence[pa.DataType]) -> None:
        """Read all keys; ``kinds`` are the types of those that will be asked about."""
        self._sets: dict[tuple[pa.DataType, ...], _Prints] = {}
        for batch in batches:
            compared = tuple(_compared(field.type, kind) for field, kind in zip(batch.schema, kinds, strict=True))
            rules = [(field.metadata or {}).get(RULE, b"").decode() for field in batch.schema]
            whole = pa.array(_are_whole(batch.columns))
            columns = [_as(*one) for one in zip(batch.filter(whole).columns, compared, rules, strict=True)]
            self._sets.setdefault(compared, _Prints()).add(*_prints(columns))
        for keys in self._sets.values():
            keys.sort()

    def unknown(self, columns: Sequence[pa.Array]) -> NDArray[np.bool_]:
        """Tell which rows' keys are not in the set."""
        known = np.zeros(len(columns[0]), bool)
        for kinds, keys in self._sets.items():
            known |= keys.hold(*_prints([_as(cells, kind) for cells, kind in zip(columns, kinds, strict=True)]))
        return ~(known & _are_whole(columns))


class _Prints:
    """Pairs of hashes in sorted runs, of which all but the last are on disk."""

    def __init__(self) -> None:
        self._held: list[tuple[NDArray[np.uint64], NDArray[np.uint64]]] = []
        self._count = 0
        self._runs: list[tuple[NDArray[np.uint64], NDArray[np.uint64]]] = []

    def add(self, first: NDArray[np.uint64], second: NDArray[np.uint64]) -> None:
        self._held.append(_ordered(first, second))
        self._count += len(self._held[-1][0])
        if self._count >= HELD_KEYS:
            first, second = self._joined()
            self._held, self._count = [(first, second)], len(first)
            if self._count >= HELD_KEYS // 2:  # else they were mostly the same keys again
                self._runs.append((_on_disk(first), _on_disk(second)))
                self._held, self._count = [], 0

    def _joined(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        return _ordered(*(np.concatenate(part) for part in zip(*self._held, strict=True)))

    def sort(self) -> None:
        """End adding."""
        if self._held:
            self._runs.append(self._joined())
            self._held = []

    def hold(self, first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Tell which pairs are among them."""
        known = np.zeros(len(first), bool)
        for run in self._runs:
            rows = np.flatnonzero(~known)
            known[rows] = _within(first[rows], second[rows], *run)
        return known


def _ordered(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return pairs by their first hash, the same one once where it stands beside itself."""
    order = np.argsort(first, kind="stable")
    first, second = first[order], second[order]
    new = np.ones(len(first), bool)
    new[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    return first[new], second[new]


def _within(
    one: NDArray[np.uint64], two: NDArray[np.uint64], first: NDArray[np.uint64], second: NDArray[np.uint64]
) -> NDArray[np.bool_]:
    """Tell which pairs are among those of a sorted run; several of it may have the same first hash."""
    known = np.zeros(len(one), bool)
    place, pending = np.searchsorted(first, one), np.arange(len(one))
    while len(pending) and len(first):
        place = np.minimum(place, len(first) - 1)
        same = first[place] == one[pending]
        hit = same & (second[place] == two[pending])
        known[pending[hit]] = True
        more = same & ~hit & (place + 1 < len(first))
        pending, place = pending[more], place[more] + 1
    return known


def _compared(one: pa.DataType, two: pa.DataType) -> pa.DataType:
    """Return the type in which values of two types are compared."""
    if (pa.types.is_floating(one) and is_number(two)) or (is_number(one) and pa.types.is_floating(two)):
        return pa.float64()
    one, two = canonical(one), canonical(two)
    if pa.types.is_timestamp(one) and pa.types.is_timestamp(two) and one.tz == two.tz and one.unit != two.unit:
        return _INSTANT
    return common(one, two) or pa.string()


def _as(cells: pa.Array, kind: pa.DataType, rule: str = "") -> pa.Array:
    if pa.types.is_timestamp(cells.type) and kind == _INSTANT:
        counts = pc.cast(pc.cast(cells, pa.int64()), pa.decimal128(19, 0))
        return pc.cast(pc.multiply(counts, pa.scalar(_NANOSECONDS[cells.type.unit], pa.decimal128(10, 0))), kind)
    return pc.cast(cells, kind, safe=False) if pa.types.is_floating(kind) else cast(cells, kind, rule)


def _are_whole(columns: Sequence[pa.Array]) -> NDArray[np.bool_]:
    """Tell which rows have a value in each column."""
    return np.logical_and.reduce([cells.is_valid().to_numpy(zero_copy_only=False) for cells in columns])


def _prints(columns: Sequence[pa.Array]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return two hashes of each row's key."""
    first = combined(columns)
    if len(columns) == 1 and as_words(columns[0]) is not None:
        return first, np.zeros(len(first), np.uint64)  # the first one is the value itself, its bits spread
    return first, combined([pc.binary_join_element_wise(as_texts(cells), _SALT, "") for cells in columns])


def _on_disk(found: NDArray[Any]) -> NDArray[Any]:
    with tempfile.TemporaryFile() as file:  # the mapping keeps it alive
        kept = np.memmap(file, found.dtype, "w+", shape=found.shape)
    kept[:] = found
    return kept
