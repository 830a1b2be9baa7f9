"""After a type has changed: a dataset's earlier objects are written anew with it, so that all stay one table.

Each object is replaced under its own key in one step, on the condition that it is still the one that was read, and
what the job's record says of it follows. Doing it twice changes nothing, so that who finds it half done goes on.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ingestion import datasets, lake, lifecycle, manifest
from ingestion.errors import JobMissing, StoreError, StoreUnavailable
from ingestion.models import Dataset, Job
from ingestion.moves import record, transact, updated
from ingestion.ranged import RESTORE, parquet_source, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from pynamodb.expressions.update import Action
    from pynamodb.transactions import TransactWrite

    from ingestion.conversion.contract.model import Contract

_TRIES = 5
LISTED = 20


class ObjectUnsettled(StoreError):
    """An earlier object of a dataset cannot get the types of its contract, so the dataset is not one table.

    Restore the object from the bucket's versions, or remove it and load its raw file again; each load tries again.
    """

    code: ClassVar[str] = "OBJECT_UNSETTLED"


def settle(dataset: str, contract: Contract, job: Job, beat: Callable[[], None]) -> tuple[int, list[str]]:
    """Bring all objects of a dataset to a contract's types.

    Returns how many were written anew, and sentences about those that cannot be: the dataset then counts as
    unsettled, which its page and the dashboard show, and the next load tries again. ``beat`` is called before each
    object, and may raise to stop.
    """
    done, left = 0, []
    for key in [key for key in lake.keys(f"parquet/{dataset}/") if key.endswith(".parquet")]:
        beat()
        if key == lake.parquet_key(job):
            continue
        try:
            done += settle_object(key, contract, by=job.job_id)
        except ObjectUnsettled as error:
            left.append((key, error))
    keep_unsettled(dataset, contract.version, left)
    return done, [error.what for _, error in left]


def keep_unsettled(dataset: str, version: int, left: Sequence[tuple[str, ObjectUnsettled]]) -> None:
    """Note whether all objects of a dataset have the types of a version, and which of them cannot."""
    _keep(dataset, version, [_told(key, error) for key, error in left[:LISTED]])


def add_unsettled(dataset: str, version: int, key: str, error: ObjectUnsettled) -> None:
    """Note an object that cannot get the types of a version, beside those that are noted already."""
    one = _told(key, error)
    found = datasets.get(dataset)
    others = [other for other in (found.unsettled if found else None) or () if other["path"] != one["path"]]
    _keep(dataset, version, [one, *others][:LISTED])


def _keep(dataset: str, version: int, told: list[dict[str, Any]]) -> None:
    """Write the list where the dataset's record has it, and where the dashboard finds it without seeking."""
    actions: list[Action] = [Dataset.settled_version.set(0 if told else version)]
    actions.append(Dataset.unsettled.set(told) if told else Dataset.unsettled.remove())
    known = datasets.get(dataset)
    is_new_there = bool(told or (known and known.unsettled))

    def write(transaction: TransactWrite) -> None:
        transaction.update(
            Dataset(datasets.FEED, dataset), actions=actions, condition=Dataset.schema_version == version
        )
        if is_new_there:
            transaction.save(Dataset(datasets.UNSETTLED, dataset, unsettled=told or None))

    transact(write)  # refused where there is a newer version, whose job settles it


def _told(key: str, error: ObjectUnsettled) -> dict[str, Any]:
    return {"path": lake.uri(key), "job_id": str(lake.job_of(key) or ""), "why": error.what}


def settle_object(key: str, contract: Contract, *, by: str) -> bool:
    """Write one object anew where its types are not the contract's; tell whether that was needed.

    Raises ``ObjectUnsettled``.
    """

    def unsettled(why: str) -> ObjectUnsettled:
        told = f"{lake.uri(key)} cannot get the types of version {contract.version} of the contract: {why}"
        return ObjectUnsettled(told, hint=RESTORE)

    with refused(key, unsettled):
        return _settle_object(key, contract, by)


def _settle_object(key: str, contract: Contract, by: str) -> bool:
    from ingestion.conversion.contract.rewrite import is_settled, rewrite

    for _ in range(_TRIES):
        tag = lake.tag_of(key)
        if tag is None or is_settled(_schema(key), contract):
            return False
        with tempfile.TemporaryDirectory(prefix="databridge-") as folder:
            old, new = Path(folder) / "old", Path(folder) / "new"
            lake.download(key, old)
            rewrite(old, new, contract)
            if lake.replace_object(key, new, tag):
                _follow(key, new, contract, by)
                return True
    raise StoreUnavailable(f"{key} changed {_TRIES} times while it was written anew.", hint="It is tried again.")


def facts_of(path: Path) -> dict[str, object]:
    """Return what a job's record says of a Parquet file."""
    from ingestion.conversion.content import content_sha256

    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "output_bytes": path.stat().st_size,
        "output_sha256": digest,
        "content_sha256": content_sha256(path),
    }


def _follow(key: str, path: Path, contract: Contract, by: str) -> None:
    """Let the record of the job that published the object tell the new one."""
    job_id = lake.job_of(key)
    try:
        job = lifecycle.get(str(job_id))
    except JobMissing:
        return
    facts = facts_of(path)
    actions = [getattr(Job, name).set(value) for name, value in facts.items()]
    if not updated(job, actions, (Job.status == "SUCCESS") & (Job.output_path == lake.uri(key))):
        return  # its worker is about to record it, and looks at the object first
    manifest.follow(str(job_id), {"bytes": facts["output_bytes"], "sha256": facts["output_sha256"]})
    record(
        job,
        "publish",
        f"Written anew with the types of version {contract.version} of the dataset's contract, because of job {by}; "
        f"every value is what it was. SHA-256 {facts['output_sha256']}.",
    )


def _schema(key: str) -> pa.Schema:
    """Read an object's schema from its end."""
    import pyarrow.parquet as pq

    return pq.read_schema(parquet_source(key))
