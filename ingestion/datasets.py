"""What is known of each dataset: its latest shape, version and figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pynamodb.exceptions import DoesNotExist

from ingestion.models import Dataset
from ingestion.moves import now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pynamodb.expressions.update import Action
    from pynamodb.transactions import TransactWrite

    from ingestion.models import Job

FEED = "datasets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A load about to be noted; ``version`` is the schema version it belongs to."""

    dataset: str
    job_id: str
    columns: Sequence[Mapping[str, str]]
    rows: int
    version: int
    known_version: int | None
    at: datetime

    def write(self, transaction: TransactWrite) -> None:
        """Note it in the transaction that ends the job, so that it counts once; refused if the shape has changed."""
        facts: list[Action] = [
            Dataset.columns.set(list(self.columns)),
            Dataset.schema_version.set(self.version),
            Dataset.last_job_id.set(self.job_id),
            Dataset.last_loaded_at.set(self.at),
            Dataset.loads.add(1),
            Dataset.rows.add(self.rows),
        ]
        as_known = (
            Dataset.name.does_not_exist()
            if self.known_version is None
            else Dataset.schema_version == self.known_version
        )
        transaction.update(Dataset(FEED, self.dataset), actions=facts, condition=as_known)


def load(job: Job, columns: Sequence[Mapping[str, str]], rows: int) -> Load:
    """Prepare a load; the version grows by one whenever names, types or order differ from the load before."""
    try:
        known = Dataset.get(FEED, job.dataset, consistent_read=True)
    except DoesNotExist:
        known_version, version = None, 1
    else:
        known_version = int(known.schema_version)
        version = known_version + (known.columns != columns)
    return Load(
        dataset=job.dataset,
        job_id=job.job_id,
        columns=columns,
        rows=rows,
        version=version,
        known_version=known_version,
        at=now(),
    )


def get(name: str) -> Dataset | None:
    """Return a dataset, or None when nothing was ever loaded into it."""
    try:
        return Dataset.get(FEED, name)
    except DoesNotExist:
        return None


def all_datasets(limit: int = 500) -> list[Dataset]:
    """Return the datasets by name."""
    return list(Dataset.query(FEED, limit=limit))
