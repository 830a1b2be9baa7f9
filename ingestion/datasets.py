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
UNSETTLED = "unsettled"
"""The feed of those with objects that cannot get their contract's types; it repeats their names and these objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A load about to be noted; ``version`` is that of the contract it was made by."""

    dataset: str
    job_id: str
    columns: Sequence[Mapping[str, str]]
    rows: int
    version: int
    at: datetime

    def write(self, transaction: TransactWrite) -> None:
        """Note it in the transaction that ends the job, so that it counts once; refused if the contract has changed."""
        facts: list[Action] = [
            Dataset.columns.set(list(self.columns)),
            Dataset.last_job_id.set(self.job_id),
            Dataset.last_loaded_at.set(self.at),
            Dataset.loads.add(1),
            Dataset.rows.add(self.rows),
        ]
        as_known = Dataset.schema_version == self.version
        transaction.update(Dataset(FEED, self.dataset), actions=facts, condition=as_known)


def load(job: Job, columns: Sequence[Mapping[str, str]], rows: int, version: int) -> Load:
    """Prepare a load that was made by a version of the dataset's contract."""
    return Load(dataset=job.dataset, job_id=job.job_id, columns=columns, rows=rows, version=version, at=now())


def get(name: str) -> Dataset | None:
    """Return a dataset, or None when nothing was ever loaded into it."""
    try:
        return Dataset.get(FEED, name)
    except DoesNotExist:
        return None


def all_datasets(limit: int = 500) -> list[Dataset]:
    """Return the datasets by name."""
    return list(Dataset.query(FEED, limit=limit))


def unsettled(limit: int) -> list[Dataset]:
    """Return datasets with objects that cannot get their contract's types: ``name`` and ``unsettled`` of each."""
    return list(Dataset.query(UNSETTLED, filter_condition=Dataset.unsettled.exists(), limit=limit))
