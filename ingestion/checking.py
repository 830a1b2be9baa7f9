"""What is held against a job's file: the checks of its dataset's contract, its control totals, the rows of others.

A replay brings no file of its own: its rows are those that the first job has set aside, with what was corrected.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion import lake, lifecycle, setaside
from ingestion.conversion.checks.corrections import corrections_of
from ingestion.conversion.checks.errors import CorrectionsInvalid, RuleInvalid
from ingestion.conversion.formats.replayed import write_rows
from ingestion.ranged import RESTORE, parquet_source, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from ingestion.conversion.checks.corrections import Corrections
    from ingestion.conversion.checks.plan import Checks
    from ingestion.models import Job

BATCH_ROWS = 50_000


class LakeReferences:
    """The published rows of the datasets, for rules that look into another one."""

    def rows(self, dataset: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield some columns of all of a dataset's objects; raises ``RuleInvalid`` where there is no such thing."""
        keys = [key for key in lake.keys(f"parquet/{dataset}/") if key.endswith(".parquet")]
        if not keys:
            raise RuleInvalid(
                f"A foreign key looks into the dataset {dataset}, which has no rows yet.",
                hint="Load that dataset first, or correct the rule.",
            )

        def refuse(name: str) -> None:
            raise RuleInvalid(
                f'A foreign key looks for the column "{name}", which the dataset {dataset} does not have.',
                hint="Name its columns in the rule with to_columns.",
            )

        for key in keys:
            yield from _columns_of(key, columns, refuse)


class LoadedRows:
    """The rows that a dataset holds, but for those of one job: a key of theirs must not come again.

    An object without one of the columns has none of their keys.
    """

    def __init__(self, job: Job) -> None:
        """Name the job that brings more."""
        self._job = job

    def rows(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield some columns of all of these rows."""
        own = lake.parquet_key(self._job)
        for key in lake.keys(f"parquet/{self._job.dataset}/"):
            if key.endswith(".parquet") and key != own:
                yield from _columns_of(key, columns)


def _columns_of(
    key: str, columns: Sequence[str], on_missing: Callable[[str], None] = lambda _: None
) -> Iterator[pa.RecordBatch]:
    """Yield some columns of an object; nothing where it lacks one, of which ``on_missing`` is told.

    Only these are fetched, a row group at a time. Raises ``RuleInvalid`` for an object that is no Parquet any more.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from ingestion.conversion.checks.references import RULE

    def unreadable(why: str) -> RuleInvalid:
        told = f"{lake.uri(key)} cannot be read, so nothing can be compared with its rows: {why}"
        return RuleInvalid(told, hint=RESTORE)

    with refused(key, unreadable), pq.ParquetFile(parquet_source(key), pre_buffer=False) as file:
        if missing := [name for name in columns if name not in file.schema_arrow.names]:
            on_missing(missing[0])
            return
        ways = json.loads((file.metadata.metadata or {}).get(b"databridge.rules", b"{}"))
        fields = [file.schema_arrow.field(name) for name in columns]
        schema = pa.schema([field.with_metadata({RULE: ways.get(field.name, "")}) for field in fields])
        for batch in file.iter_batches(BATCH_ROWS, columns=list(columns)):
            yield pa.RecordBatch.from_arrays(batch.select(list(columns)).columns, schema=schema)


def checks_of(job: Job, contract: Mapping[str, Any]) -> Checks:
    """Return what is held against a job's file; raises ``RuleInvalid``."""
    from ingestion.conversion.checks.plan import NO_LIMITS, Checks

    checks = Checks.of(
        contract,
        totals=job.options.get("control_totals"),
        job_id=job.job_id,
        at=job.created_at,
        references=LakeReferences(),
        loaded=LoadedRows(job),
    )
    return replace(checks, limits=NO_LIMITS) if job.options.get("accept_rejects") else checks


# ---- a replay ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Made:
    """The files that an attempt makes in its folder; ``rows`` are a replay's, by their numbers among the rejects."""

    folder: Path
    rows: list[int] = field(default_factory=list)

    @property
    def output(self) -> Path:
        """The Parquet file to publish."""
        return self.folder / "out.parquet"

    @property
    def rejects(self) -> Path:
        """The Parquet file of the rows set aside."""
        return self.folder / "rejects.parquet"

    def still_wrong(self) -> set[int]:
        """Return which of a replay's rows were set aside again."""
        if not self.rows or not self.rejects.exists():
            return set()
        return {self.rows[one["source_row"] - 1] for one in setaside.read(self.rejects)}


def replayed(job: Job, source: Path, made: Made, checks: Checks) -> tuple[Path, Checks]:
    """Join the corrections that came with the rows that were set aside, as a file that the conversion reads.

    Rules about a file as a whole are left out. Raises ``CorrectionsInvalid``.
    """
    from ingestion.conversion.checks.plan import NO_LIMITS
    from ingestion.conversion.checks.rules import WHOLE

    first = lifecycle.get((job.replays or {})["job_id"])
    table = made.folder / "set-aside.parquet"
    lake.download(lake.about_key(first.job_id, setaside.TABLE), table)
    rows = list(_corrected(corrections_of(source.read_bytes()), table, first.rejects["columns"]))
    path = made.folder / "replay"
    write_rows(path, first.rejects["columns"], iter(rows))
    made.rows = [row["row"] for row in rows]
    return path, replace(
        checks,
        rules=tuple(rule for rule in checks.rules if rule.kind not in WHOLE),
        limits=NO_LIMITS,
        totals=None,
        source_rows=[row["source_row"] for row in rows],
        before=OutputOf(first),
    )


def _corrected(corrections: Corrections, table: Path, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows that are corrected, whole."""
    last = 0
    for one in setaside.read(table):
        number = one["row"]
        if number not in corrections or number == last:
            continue
        last, changed = number, corrections[number]
        if unknown := changed.keys() - set(names):
            raise CorrectionsInvalid(
                f'Row {number} has a cell for "{min(unknown)}", a column that the file did not have.',
                hint=f"It had {', '.join(names)[:200]}.",
            )
        place = {name: one[name] for name in ("row", "file", "member", "sheet", "line", "offset", "source_row")}
        yield {**place, "cells": json.loads(one["raw"] or "{}") | changed}


class OutputOf:
    """The rows that a job, and the replays of its rejects, have loaded: a key of theirs must not come again."""

    def __init__(self, first: Job) -> None:
        """Name the first job."""
        self._first = first

    def rows(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield some columns of all of these rows."""
        state = setaside.State.of(self._first)
        jobs = [self._first, *(lifecycle.get(name) for name in (state.replays if state else ()))]
        for job in jobs:
            if job.status == "SUCCESS" and job.output_path:
                yield from _columns_of(lake.key_of(job.output_path), columns)
