"""The one seam of all formats: a detected table that gives typed record batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from ingestion.conversion.values import Column, Decision, Notice, Origin, Reject, RowCount


class PlanWidened(Exception):
    """A later part of the file contradicts a column's type; the table has widened it, read it again.

    Not an error: the pipeline drops what it has written and calls ``batches`` once more. Types only
    ever widen, so this happens at most as often as the lattice is high.
    """


class Table(Protocol):
    """One table of the input. ``batches`` starts at the first row each time it is called.

    ``rows``, ``rejects``, ``warnings`` and ``columns()`` describe the last complete pass. ``decisions`` are those
    that only reading could settle. ``progress`` is the number of bytes of the payload consumed so far. ``numbers``
    are those of the rows that the batches have among the input's rows of data, from 1; None for 1, 2, 3 and so on.
    """

    decisions: tuple[Decision, ...] = ()
    rows: RowCount
    rejects: Collection[Reject] = ()
    numbers: NDArray[np.int64] | None = None
    warnings: list[Notice]
    progress: int

    def schema(self) -> pa.Schema:
        """Return the schema of the batches that the next pass gives."""
        ...

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield batches in file order; raise ``PlanWidened`` when the pass must start again."""
        ...

    def columns(self) -> tuple[Column, ...]:
        """Return name, type, rule and null count of every column, after a complete pass."""
        ...

    def origin(self, row: int) -> Origin:
        """Return where a row of the batch last yielded stands, and how it is written.

        Costs nothing until it is called; call it for rows in ascending order, which is fastest.
        """
        ...
