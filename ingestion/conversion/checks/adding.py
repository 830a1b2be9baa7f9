"""The gate that adds up what control totals tell of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestion.conversion.checks.errors import RuleColumnMissing, TotalsMismatch
from ingestion.conversion.checks.sums import Sum
from ingestion.conversion.checks.totals import HINT
from ingestion.conversion.values import Notice
from ingestion.errors import Place

if TYPE_CHECKING:
    import pyarrow as pa

    from ingestion.conversion.checks.rejects import Numbers, Rejects
    from ingestion.conversion.checks.totals import Totals
    from ingestion.conversion.formats.base import Table
    from ingestion.conversion.values import Column


class TotalsGate:
    """Adds up columns over all rows read, those set aside too, and compares at the end; rows are counted already."""

    sees_all = True

    def __init__(self, totals: Totals) -> None:
        """Keep what the file is said to hold."""
        self._totals = totals
        self._sums: dict[str, Sum] = {}
        self._any: dict[str, Sum] = {}
        self._left_out: list[str] = []

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """Begin a pass; raises ``RuleColumnMissing``."""
        loosely = self._totals.loosely
        self._left_out = [name for name in self._totals.sums if name in loosely and not _can_add(schema, name)]
        said = [name for name in self._totals.sums if name not in self._left_out]
        if missing := [name for name in said if name not in schema.names]:
            raise RuleColumnMissing(
                f'The control totals name a sum of "{missing[0]}", a column that the file does not have.',
                hint=f"It has {', '.join(schema.names)[:200]}.",
            )
        self._sums = {name: Sum(schema.field(name)) for name in said}
        self._any = {field.name: Sum(field) for field in schema} if self._totals.loose else {}
        return schema

    def pass_(self, batch: pa.RecordBatch, rows: Numbers | None, rejects: Rejects) -> pa.RecordBatch:
        """Add."""
        for name, total in (*self._sums.items(), *self._any.items()):
            total.add(batch.column(batch.schema.names.index(name)))
        return batch

    def finish(self, table: Table, rejects: Rejects) -> None:
        """Compare; raises ``TotalsMismatch``."""
        rows = table.rows.loaded + table.rows.rejected
        wrong = []
        if self._totals.rows is not None and rows != self._totals.rows:
            wrong.append(f"it has {rows:,} rows, the control totals say {self._totals.rows:,}")
        for name, total in self._sums.items():
            said = self._totals.sums[name]
            if total.value is None and name in self._totals.loosely:
                self._left_out.append(name)
            elif total.value is None:
                wrong.append(f'the sum of "{name}" cannot be told, because {total.why.rstrip(".")}')
            elif total.value != said:
                wrong.append(f'the sum of "{name}" is {total.value:f}, the control totals say {said:f}')
        values = {total.value for total in self._any.values()}
        loose = [said for said in self._totals.loose if said not in values]
        wrong += [f"no column has the sum {said:f} of the last line" for said in loose]
        if wrong:
            told = "; ".join(wrong)
            aside = f" {rejects.count:,} of its rows have cells that could not be read." if rejects.count else ""
            raise TotalsMismatch(f"{told[0].upper()}{told[1:]}.{aside}", hint=HINT, place=_file(rejects))
        table.warnings += self._told()

    def _told(self) -> list[Notice]:
        left_out = [
            Notice(
                code="CONTROL_FILE_NOT_READ",
                message=f'The control file tells "{name}", which is no column of numbers here; it is not compared.',
            )
            for name in self._left_out
        ]
        if self._totals.is_whole:
            return left_out
        message = (
            "The control totals tell of numbers only: a change that keeps them, such as two rows that change places, "
            "is seen only where they have the file's sha256 too."
        )
        return [*left_out, Notice(code="TOTALS_IN_PART", message=message)]

    def columns(self, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        """Change nothing."""
        return columns


def _can_add(schema: pa.Schema, name: str) -> bool:
    return name in schema.names and not Sum(schema.field(name)).why


def _file(rejects: Rejects) -> Place | None:
    first = rejects.listed[0] if rejects.listed else None
    return Place(file=first.file) if first else None
