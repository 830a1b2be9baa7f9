"""What each column holds, from the same pass: nulls, how many different values, the least and the greatest, samples.

Nulls and samples are exact. The number of different values is exact up to ``EXACT`` and estimated beyond: from the
smallest hashes (Bar-Yossef et al. 2002, the K minimum values), all rows of a file up to ``ALL_ROWS``, and of a longer
one every sixteenth batch, carried on as the number has grown so far. The least and the greatest are those that
Parquet's footer tells of the rows that were written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.checks.hashing import hashes
from ingestion.conversion.pythonic import value
from ingestion.conversion.shown import shown
from ingestion.conversion.values import shortened

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ingestion.conversion.checks.rejects import Numbers, Rejects
    from ingestion.conversion.formats.base import Table
    from ingestion.conversion.values import Column

ALL_ROWS = 1 << 17
EACH = 16
EXACT = 4096
SAMPLES = 5
LONGEST = 80
_SPACE = 2.0**64


@dataclass(slots=True)
class _Sketch:
    """The smallest hashes of one column's values, and how many rows they are of."""

    smallest: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    rows: int = 0
    nulls: int = 0
    samples: dict[str, None] = field(default_factory=dict)
    grown: list[tuple[int, float]] = field(default_factory=list)

    def look(self, cells: pa.Array) -> None:
        """Take in some values."""
        known = cells.drop_null() if cells.null_count else cells
        if not len(known):
            return
        if len(self.samples) < SAMPLES:
            self._sample(known)
        if pa.types.is_string(known.type) or pa.types.is_large_string(known.type):
            known = pc.unique(known.slice(0, ALL_ROWS))
        found = hashes(known)
        if len(self.smallest) > EXACT:
            found = found[found < self.smallest[-1]]
        if len(found):
            self.smallest = np.unique(np.concatenate([self.smallest, found]))[: EXACT + 1]
        self.rows += len(cells) - cells.null_count
        if not self.grown or self.rows >= 2 * self.grown[-1][0]:
            self.grown.append((self.rows, self.of_rows_seen()))

    def _sample(self, known: pa.Array) -> None:
        for at in range(0, len(known), max(1, len(known) // SAMPLES)):
            if len(self.samples) < SAMPLES:
                self.samples[shortened(shown(value(known[at])) or "", LONGEST)] = None

    def of_rows_seen(self) -> float:
        """Return how many different values the rows looked at have."""
        if len(self.smallest) <= EXACT:
            return float(len(self.smallest))
        return (len(self.smallest) - 1) / (float(self.smallest[-1]) / _SPACE)

    def of_all(self, rows: int) -> tuple[int, bool]:
        """Return how many different values so many rows have, and whether that is exact."""
        seen = self.of_rows_seen()
        if rows <= self.rows:
            return min(rows, round(seen)), len(self.smallest) <= EXACT
        before = [(count, number) for count, number in self.grown if count <= self.rows / 2 and number]
        growth = 0.0
        if before and seen > before[-1][1]:
            growth = min(1.0, math.log(seen / before[-1][1]) / math.log(self.rows / before[-1][0]))
        return min(rows, round(seen * (rows / max(1, self.rows)) ** growth)), False


class ProfileGate:
    """Looks at the rows that stay; changes nothing."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._sketches: dict[str, _Sketch] = {}
        self._rows = self._batches = 0

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """Begin a pass."""
        self._sketches = {name: _Sketch() for name in schema.names}
        self._rows = self._batches = 0
        return schema

    def pass_(self, batch: pa.RecordBatch, rows: Numbers | None, rejects: Rejects) -> pa.RecordBatch:
        """Look at a batch, or only count its nulls."""
        whole = self._rows < ALL_ROWS or self._batches % EACH == 0
        for sketch, cells in zip(self._sketches.values(), batch.columns, strict=True):
            sketch.nulls += cells.null_count
            if whole:
                sketch.look(cells)
        self._rows += batch.num_rows
        self._batches += 1
        return batch

    def finish(self, table: Table, rejects: Rejects) -> None:
        """Have nothing to judge."""

    def columns(self, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        """Change nothing."""
        return columns

    def told(self, path: Path) -> list[dict[str, Any]]:
        """Return the profile of each column; ``path`` is the Parquet file that was written."""
        ends = _ends(path)
        told = []
        for name, sketch in self._sketches.items():
            number, exact = sketch.of_all(self._rows - sketch.nulls)
            least, greatest = ends.get(name, (None, None))
            told.append(
                {
                    "name": name,
                    "rows": self._rows,
                    "nulls": sketch.nulls,
                    "distinct": number,
                    "distinct_is_exact": exact,
                    "min": least,
                    "max": greatest,
                    "samples": list(sketch.samples),
                }
            )
        return told


def _ends(path: Path) -> dict[str, tuple[str | None, str | None]]:
    """Return the least and the greatest value of each flat column, from the statistics of all row groups."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        footer, schema = file.metadata, file.schema_arrow
        found: dict[str, list[tuple[Any, Any]]] = {}
        for group in map(footer.row_group, range(footer.num_row_groups)):
            for column in map(group.column, range(footer.num_columns)):
                stats = column.statistics
                if stats is not None and stats.has_min_max:
                    found.setdefault(column.path_in_schema, []).append((stats.min, stats.max))
                elif stats is None or stats.num_values:
                    found.setdefault(column.path_in_schema, []).append((None, None))
    return {
        name: _told(values)
        for name, values in found.items()
        if name in schema.names and not pa.types.is_nested(schema.field(name).type)
    }


def _told(values: list[tuple[Any, Any]]) -> tuple[str | None, str | None]:
    if any(least is None for least, _ in values):
        return None, None  # Parquet keeps no ends of very long texts
    least, greatest = min(one for one, _ in values), max(one for _, one in values)
    return shortened(shown(least) or "", LONGEST), shortened(shown(greatest) or "", LONGEST)
