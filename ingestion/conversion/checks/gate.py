"""The one seam between reading and writing: every batch goes through it, and leaves with the rows that may be loaded.

A load without contract, rules and totals has no gate, and costs nothing for it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from ingestion.conversion.checks.rejects import Rejects
from ingestion.conversion.formats.base import Table
from ingestion.conversion.values import RowCount

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ingestion.conversion.checks.rejects import Numbers
    from ingestion.conversion.values import Column, Decision, Notice, Origin, Reject


class Gate(Protocol):
    """One thing that is held against the batches of a table, or done to them; several stand one behind the other.

    A pass begins with ``schema``, so that is where what an unfinished pass has counted is forgotten. A gate with the
    attribute ``sees_all`` is given the rows too that those before it have set aside.
    """

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """Begin a pass over batches of a schema; return that of the batches that go on."""
        ...

    def pass_(self, batch: pa.RecordBatch, rows: Numbers | None, rejects: Rejects) -> pa.RecordBatch:
        """Return the batch as it goes on, with as many rows; those to be set aside are added to ``rejects``.

        ``rows`` are the numbers that the batch's rows have in ``rejects``; None for 0, 1, 2 and so on. They differ
        where a gate before this one has set rows aside. Raises a ``ConversionError`` to stop the load.
        """
        ...

    def finish(self, table: Table, rejects: Rejects) -> None:
        """End a pass in which every row was seen; raises a ``ConversionError`` to stop the load."""
        ...

    def columns(self, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        """Describe the columns that go on, after a complete pass."""
        ...


class GatedTable(Table):
    """A table behind its gates: what it yields is what is loaded, and ``rows`` and ``rejects`` tell the rest."""

    def __init__(self, table: Table, gates: Sequence[Gate], rejects_path: Path | None = None) -> None:
        """Put some gates before a table; all rejects go to ``rejects_path`` as Parquet."""
        self.rows = RowCount()
        self.rejects: tuple[Reject, ...] = ()
        self.warnings: list[Notice] = []
        self.collected = Rejects(table.origin)
        self._nulls: dict[str, int] = {}
        self._seen = 0
        self._table = table
        self.gates = tuple(gates)
        self._path = rejects_path
        self._schema: pa.Schema | None = None

    @property
    def decisions(self) -> tuple[Decision, ...]:  # type: ignore[override]
        """What only reading could settle."""
        return self._table.decisions

    @property
    def progress(self) -> int:  # type: ignore[override]
        """How many bytes of the payload are read."""
        return self._table.progress

    def schema(self) -> pa.Schema:
        """Return what is written; the first call after a pass that was not finished begins the next one."""
        if self._schema is None:
            self._schema = self._table.schema()
            for gate in self.gates:
                self._schema = gate.schema(self._schema)
        return self._schema

    def origin(self, row: int) -> Origin:
        """Return the origin of a row of the batch last read, which may have more rows than the one yielded."""
        return self._table.origin(row)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows that may be loaded; raises ``PlanWidened``, or an error of a gate."""
        schema = self.schema()
        self.collected = rejects = Rejects(self._table.origin, self._path)
        self._seen = 0
        self._nulls = dict.fromkeys(schema.names, 0)
        try:
            for batch in self._table.batches():
                passed = self._passed(batch, rejects)
                for name, cells in zip(schema.names, passed.columns, strict=True):
                    self._nulls[name] += cells.null_count
                yield passed
            self._finish(rejects)
        except BaseException:
            self._schema = None
            raise
        finally:
            rejects.close()

    def columns(self) -> tuple[Column, ...]:
        """Describe what is written; nulls are those of the rows that stay."""
        columns = self._table.columns()
        for gate in self.gates:
            columns = gate.columns(columns)
        return tuple(replace(column, nulls=self._nulls.get(column.name, column.nulls)) for column in columns)

    def _passed(self, batch: pa.RecordBatch, rejects: Rejects) -> pa.RecordBatch:
        """Send a batch through all gates; each sees only the rows that those before it have let pass.

        One that sees all comes before those that do not, behind the one that gives the batch its shape.
        """
        begin, self._seen = self._seen, self._seen + batch.num_rows
        known = self._table.numbers
        rejects.numbers = np.arange(begin + 1, self._seen + 1) if known is None else known[begin : self._seen]
        rows = None
        for gate in self.gates:
            if rejects.marked and not getattr(gate, "sees_all", False):
                batch, rows = _without(batch, rows, rejects)
            batch = gate.pass_(batch, rows, rejects)
        if rejects.marked:
            batch, _ = _without(batch, rows, rejects)
            rejects.settle()
        return batch

    def _finish(self, rejects: Rejects) -> None:
        """Add up what became of the rows, and let each gate judge the whole."""
        own = self._table.rows
        self.warnings = list(self._table.warnings)
        self.rows = RowCount(
            read=own.read,
            loaded=own.loaded - rejects.count,
            rejected=own.rejected + rejects.count,
            skipped=own.skipped,
        )
        if self._table.rejects:
            rejects.take(self._table.rejects, own.rejected)
        self.rejects = tuple(rejects.listed)
        for gate in self.gates:
            gate.finish(self, rejects)


def _without(batch: pa.RecordBatch, rows: Numbers | None, rejects: Rejects) -> tuple[pa.RecordBatch, Numbers]:
    """Return a batch without the rows that are set aside, and the numbers of those that stay."""
    numbers = np.arange(batch.num_rows) if rows is None else rows
    stay = ~np.isin(numbers, rejects.marked)
    return (batch, numbers) if stay.all() else (batch.filter(pa.array(stay)), numbers[stay])
