"""Columns that tell of each row where it came from: the job, the number of the row in its file, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ingestion.conversion.checks.errors import RuleColumnMissing, RuleInvalid
from ingestion.conversion.values import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.checks.rejects import Numbers, Rejects
    from ingestion.conversion.formats.base import Table

JOB, ROW, LOADED = "_job_id", "_source_row", "_loaded_at"
TYPES = {JOB: pa.string(), ROW: pa.int64(), LOADED: pa.timestamp("us", "UTC")}
_RULES = {JOB: "the job", ROW: "the number of the row in its file, from 1", LOADED: "when the job was made"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """The columns wanted, and what they tell: ``at`` is a moment that is the same for every attempt of a job."""

    columns: tuple[str, ...] = ()
    job_id: str = ""
    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    @classmethod
    def of(cls, given: Any, job_id: str, at: datetime) -> Lineage:
        """Read ``lineage`` of a contract; raises ``RuleInvalid``."""
        names = [] if given is None else given
        if not isinstance(names, list | tuple) or set(map(str, names)) - TYPES.keys():
            raise RuleInvalid("lineage takes _job_id, _source_row and _loaded_at.", hint="Give a list of them.")
        return cls(columns=tuple(name for name in TYPES if name in names), job_id=job_id, at=at)


class LineageGate:
    """Appends the columns; the last of all gates."""

    def __init__(self, lineage: Lineage, source_rows: Sequence[int | None] | None = None) -> None:
        """``source_rows`` are the numbers of the rows where these are not 1, 2, 3: of rows that come a second time."""
        self._lineage = lineage
        self._given = source_rows

    def schema(self, schema: pa.Schema) -> pa.Schema:
        """Begin a pass; raises ``RuleColumnMissing`` where the file has a column of such a name."""
        if taken := [name for name in self._lineage.columns if name in schema.names]:
            raise RuleColumnMissing(
                f'The file has a column "{taken[0]}" itself, so the lineage column cannot have this name.',
                hint="Take it out of the contract's lineage, or rename it in the file.",
            )
        for name in self._lineage.columns:
            schema = schema.append(pa.field(name, TYPES[name]))
        return schema

    def pass_(self, batch: pa.RecordBatch, rows: Numbers | None, rejects: Rejects) -> pa.RecordBatch:
        """Append them to a batch."""
        numbers = rejects.numbers if rows is None else rejects.numbers[rows]
        made = {
            JOB: lambda: pa.repeat(pa.scalar(self._lineage.job_id), batch.num_rows),
            ROW: lambda: self._numbers(numbers),
            LOADED: lambda: pa.repeat(pa.scalar(self._lineage.at, TYPES[LOADED]), batch.num_rows),
        }
        for name in self._lineage.columns:
            batch = batch.append_column(name, made[name]())
        return batch

    def _numbers(self, numbers: Numbers) -> pa.Array:
        if self._given is None:
            return pa.array(numbers, pa.int64())
        return pa.array([self._given[at - 1] for at in numbers.tolist()], pa.int64())

    def finish(self, table: Table, rejects: Rejects) -> None:
        """Have nothing to judge."""

    def columns(self, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        """Describe them too."""
        return (*columns, *(Column(name=name, type=TYPES[name], rule=_RULES[name]) for name in self._lineage.columns))
