"""One attempt of a job, from the source to the published Parquet; every step before the last leaves no trace.

The order makes a crash at any point harmless: the raw object first, then a local conversion, then the
Parquet as an unfinished upload, then the fence, then the one call that publishes, then the record.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pynamodb.exceptions import PynamoDBException

from ingestion import lake, lifecycle, secrets, uploads
from ingestion.errors import DataBridgeError, StoreError
from ingestion.moves import Cancelled, LeaseLost, now, record, unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.conversion.values import Progress, Report
    from ingestion.models import Job

logger = logging.getLogger(__name__)

PROGRESS_EVERY_S = 1.0
PREVIEW_ROWS = 100


class AlreadyLoaded(DataBridgeError):
    """The same bytes are in the dataset already; loading them again would count every row twice."""

    code: ClassVar[str] = "ALREADY_LOADED"
    http_status: ClassVar[int] = 409


class RawDamaged(StoreError):
    """The raw object does not have the hash that was recorded when it was stored."""

    code: ClassVar[str] = "RAW_DAMAGED"


class Unexpected(DataBridgeError):
    """A fault of DataBridge itself; the log of the worker has the details."""

    code: ClassVar[str] = "INTERNAL"


def run(job_id: str) -> str:
    """Try a job once and record how it ended. Returns its state; a job that is not ours is left alone."""
    job = lifecycle.claim(job_id, worker=uuid.uuid4().hex)
    if job is None:
        return lifecycle.get(job_id).status
    try:
        _finish(job)
    except LeaseLost:
        logger.warning("lease lost, nothing published", extra={"job_id": job_id})
    return lifecycle.get(job_id).status


def _finish(job: Job) -> None:
    try:
        with tempfile.TemporaryDirectory(prefix="databridge-") as folder, _Pulse(job) as pulse:
            _attempt(job, Path(folder), pulse)
    except Cancelled:
        lifecycle.cancelled(job)
    except DataBridgeError as error:
        lifecycle.fail(job, error)
    except LeaseLost:
        raise
    except PynamoDBException as error:
        lifecycle.fail(job, unavailable(error))
    except Exception:
        logger.exception("the worker failed", extra={"job_id": job.job_id})
        lifecycle.fail(
            job,
            Unexpected(
                "DataBridge itself failed while working on this job.",
                hint=f"Tell an engineer the job's id, {job.job_id}; the raw file is kept.",
            ),
        )


def _attempt(job: Job, folder: Path, pulse: _Pulse) -> None:
    source = folder / "raw"
    _bring_raw(job, source, pulse)
    _refuse_twice(job)
    output = folder / "out.parquet"
    report = _convert(job, source, output, pulse)
    _publish(job, output, report, pulse)


# ---- the raw object ------------------------------------------------------------------------------


def _bring_raw(job: Job, path: Path, pulse: _Pulse) -> None:
    """Make the bytes local; fetch them from the source only if no earlier attempt has kept them."""
    if not job.raw_path:
        _compose(job, pulse) if "upload_id" in job.source else _fetch(job, pulse)
    found = lake.download(lake.key_of(job.raw_path), path, pulse.bytes_of("fetch", job.raw_bytes))
    if found != job.sha256:
        raise RawDamaged(
            f"The raw object {job.raw_path} has changed since it was stored.",
            hint="Send the file again; the stored copy is not what came.",
        )


def _fetch(job: Job, pulse: _Pulse) -> None:
    from django.conf import settings

    from ingestion.sources import parse_source
    from ingestion.sources.base import Limits
    from ingestion.sources.guard import GuardPolicy

    policy = GuardPolicy(allow_cidrs=settings.SOURCE_ALLOW_CIDRS, allow_hosts=settings.SOURCE_ALLOW_HOSTS)
    spec = secrets.recall(job.job_id) if job.source_has_secret else job.source
    with parse_source(spec).open(Limits(policy=policy)) as fetched:
        record(job, "fetch", f"Connected; receiving {fetched.filename}.", data={"size": fetched.size})
        name = lake.safe_name(fetched.filename)
        key = lake.raw_key(job, name)
        size, sha256 = lake.put_stream(key, fetched.chunks, pulse.bytes_of("fetch", fetched.size))
    lifecycle.note(job, filename=name, raw_path=lake.uri(key), raw_bytes=size, sha256=sha256)
    if job.source_has_secret:
        secrets.forget(job.job_id)
    record(job, "fetch", f"{size:,} bytes are kept at {job.raw_path}.", data={"sha256": sha256})


def _compose(job: Job, pulse: _Pulse) -> None:
    upload_id = job.source["upload_id"]
    size, chunks = uploads.compose(upload_id)
    key = lake.raw_key(job, job.filename)
    done, sha256 = lake.put_stream(key, chunks, pulse.bytes_of("fetch", size))
    lifecycle.note(job, raw_path=lake.uri(key), raw_bytes=done, sha256=sha256)
    uploads.forget(upload_id)
    record(job, "fetch", f"{done:,} bytes are kept at {job.raw_path}.", data={"sha256": sha256})


def _refuse_twice(job: Job) -> None:
    if job.options.get("force"):
        return
    first = lifecycle.reserve_content(job, job.sha256)
    if first:
        raise AlreadyLoaded(
            f"The same file is already loaded into {job.dataset} by job {first}.",
            hint='Nothing to do; to load it a second time all the same, send the option "force".',
        )


# ---- conversion and publishing -------------------------------------------------------------------


def _convert(job: Job, source: Path, output: Path, pulse: _Pulse) -> Report:
    from ingestion.conversion import Options, convert

    given = {name: value for name, value in job.options.items() if name not in {"business_date", "force"}}
    if "null_values" in given:
        given["null_values"] = tuple(given["null_values"])
    report = convert(
        source,
        output,
        filename=job.filename,
        options=Options(**given),
        metadata={"job_id": job.job_id, "raw_path": job.raw_path, "raw_sha256": job.sha256},
        on_progress=pulse.conversion,
    )
    for decision in report.detection.decisions:
        record(job, "detect", f"{decision.name}: {decision.value} ({decision.evidence})")
    for warning in report.warnings:
        record(job, "type", warning.message, level="warning", data={"code": warning.code})
    return report


def _publish(job: Job, output: Path, report: Report, pulse: _Pulse) -> None:
    told = report.as_dict()
    lake.put_json(lake.about_key(job.job_id, "report.json"), told)
    lake.put_json(lake.about_key(job.job_id, "preview.json"), _preview(output))
    staged = lake.StagedObject(key=lake.parquet_key(job))
    try:
        staged.write_all(lake.read_blocks(output), pulse.bytes_of("publish", output.stat().st_size))
        lifecycle.begin_publishing(job)
        staged.publish()
    except BaseException:
        staged.abort()
        raise
    version = _remember_dataset(job, told)
    lifecycle.succeed(
        job,
        input_format=report.detection.format,
        output_path=lake.uri(staged.key),
        output_bytes=staged.size,
        output_sha256=staged.sha256,
        rows=told["rows"],
        progress={"stage": "done", "bytes": job.raw_bytes, "bytes_total": job.raw_bytes, "rows": report.rows.loaded},
        warnings=told["warnings"][:50],
        schema_version=version,
    )


def _preview(output: Path) -> dict[str, Any]:
    """Return the first rows as texts, so that a page shows them without opening Parquet."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(output) as file:
        batch = next(file.iter_batches(batch_size=PREVIEW_ROWS), None)
        names = file.schema_arrow.names
    rows: Iterator[tuple[Any, ...]] = (
        zip(*(column.to_pylist() for column in batch.columns), strict=True) if batch else iter(())
    )
    return {
        "columns": [{"name": name, "type": str(file.schema_arrow.field(name).type)} for name in names],
        "rows": [[None if cell is None else str(cell) for cell in row] for row in rows],
    }


def _remember_dataset(job: Job, told: dict[str, Any]) -> int:
    """Keep the dataset's latest shape; its version grows whenever the columns differ from the last load's."""
    from ingestion import datasets

    columns = [{"name": c["name"], "type": c["type"]} for c in told["columns"]]
    return datasets.loaded(job, columns, told["rows"]["loaded"])


class _Pulse:
    """Shows progress and renews the lease, at most once a second; says stop when a person asked to.

    A thread renews it while a step is silent for long, such as a large workbook that is read by one call.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._next = 0.0
        self._stopped: Exception | None = None
        self._done = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._keep_alive, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()

    def beat(self, stage: str, done: int, total: float | None, rows: int) -> None:
        """Report where the attempt stands; raises ``Cancelled`` or ``LeaseLost``."""
        if self._stopped:
            raise self._stopped
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + PROGRESS_EVERY_S
        lifecycle.renew(
            self._job,
            {"stage": stage, "bytes": done, "bytes_total": total, "rows": rows, "at": now().isoformat()},
        )

    def bytes_of(self, stage: str, total: float | None) -> Any:
        """Return a listener for a transfer's byte count."""
        return lambda done: self.beat(stage, done, total, 0)

    def conversion(self, progress: Progress) -> None:
        """Listen to the conversion core."""
        self.beat(progress.stage, progress.bytes_done, progress.bytes_total, progress.rows)

    def _keep_alive(self) -> None:
        while not self._done.wait(lifecycle.LEASE_S / 4):
            if time.monotonic() < self._next + lifecycle.LEASE_S / 4:
                continue
            try:
                own = lifecycle.get(self._job.job_id)  # the other thread's copy is the other thread's
                if own.lease_owner != self._job.lease_owner:
                    raise LeaseLost
                lifecycle.renew(own)
            except (Cancelled, LeaseLost) as stop:
                self._stopped = stop
                return
            except (DataBridgeError, PynamoDBException):
                logger.warning("the lease could not be renewed this time", extra={"job_id": self._job.job_id})
