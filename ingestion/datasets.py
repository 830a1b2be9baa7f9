"""What is known of each dataset: its latest shape, version and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pynamodb.exceptions import DoesNotExist, PutError, UpdateError

from ingestion.models import Dataset
from ingestion.moves import CONDITION_FAILED, now, unavailable

if TYPE_CHECKING:
    from ingestion.models import Job

FEED = "datasets"
_TRIES = 20


def loaded(job: Job, columns: list[dict[str, str]], rows: int) -> int:
    """Note a load; return the schema version it belongs to. Counting the same job twice is prevented.

    The version grows by one whenever names, types or order differ from the load before.
    """
    for _ in range(_TRIES):
        try:
            known = Dataset.get(FEED, job.dataset, consistent_read=True)
        except DoesNotExist:
            if _first(job, columns, rows):
                return 1
            continue
        if known.last_job_id == job.job_id:
            return int(known.schema_version)
        version = int(known.schema_version) + (known.columns != columns)
        if _next(known, job, columns, rows, version):
            return version
    raise unavailable(RuntimeError(f"dataset {job.dataset} changed {_TRIES} times"))


def get(name: str) -> Dataset | None:
    """Return a dataset, or None when nothing was ever loaded into it."""
    try:
        return Dataset.get(FEED, name)
    except DoesNotExist:
        return None


def all_datasets(limit: int = 500) -> list[Dataset]:
    """Return the datasets by name."""
    return list(Dataset.query(FEED, limit=limit))


def _first(job: Job, columns: list[dict[str, str]], rows: int) -> bool:
    return _written(
        lambda: Dataset(
            FEED,
            job.dataset,
            columns=columns,
            last_job_id=job.job_id,
            last_loaded_at=now(),
            loads=1,
            rows=rows,
        ).save(condition=Dataset.name.does_not_exist())
    )


def _next(known: Dataset, job: Job, columns: list[dict[str, str]], rows: int, version: int) -> bool:
    return _written(
        lambda: known.update(
            [
                Dataset.columns.set(columns),
                Dataset.schema_version.set(version),
                Dataset.last_job_id.set(job.job_id),
                Dataset.last_loaded_at.set(now()),
                Dataset.loads.add(1),
                Dataset.rows.add(rows),
            ],
            condition=Dataset.last_job_id == known.last_job_id,
        )
    )


def _written(write: Any) -> bool:
    """Run a conditional write; False when somebody else came first."""
    try:
        write()
    except (PutError, UpdateError) as error:
        if error.cause_response_code == CONDITION_FAILED:
            return False
        raise unavailable(error) from error
    return True
