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

from ingestion import fetching, lake, lifecycle
from ingestion.errors import DataBridgeError, StoreError
from ingestion.moves import Cancelled, LeaseLost, now, record, unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


def _leave_to_the_sweep(_job_id: str) -> None:
    """Send nothing: the sweep finds jobs that nobody claimed."""


def run(job_id: str, send: Callable[[str], object] = _leave_to_the_sweep) -> str:
    """Try a job once and record how it ended. Returns its state; a job that is not ours is left alone.

    ``send`` hands on the jobs of further files that this one finds.
    """
    job = lifecycle.claim(job_id, worker=uuid.uuid4().hex)
    if job is None:
        return lifecycle.get(job_id).status
    try:
        _finish(job, send)
    except LeaseLost:
        logger.warning("lease lost, nothing published", extra={"job_id": job_id})
    return lifecycle.get(job_id).status


def _finish(job: Job, send: Callable[[str], object]) -> None:
    try:
        with tempfile.TemporaryDirectory(prefix="databridge-") as folder, _Pulse(job) as pulse:
            _attempt(job, Path(folder), pulse, send)
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


def _attempt(job: Job, folder: Path, pulse: _Pulse, send: Callable[[str], object]) -> None:
    source = folder / "raw"
    try:
        _bring_raw(job, source, pulse, send)
    except fetching.NothingNew as nothing:
        _succeed_without_rows(job, nothing)
        return
    _refuse_twice(job)
    output = folder / "out.parquet"
    report = _convert(job, source, output, pulse)
    _publish(job, output, report, pulse)


# ---- the raw object ------------------------------------------------------------------------------


def _bring_raw(job: Job, path: Path, pulse: _Pulse, send: Callable[[str], object]) -> None:
    """Make the bytes local; fetch them from the source only if no earlier attempt has kept them."""
    if not job.raw_path:
        fetching.fetch(job, pulse.bytes_of, send, path)
        return
    found = lake.download(lake.key_of(job.raw_path), path, pulse.bytes_of("fetch", job.raw_bytes))
    if found != job.sha256:
        raise RawDamaged(
            f"The raw object {job.raw_path} has changed since it was stored.",
            hint="Send the file again; the stored copy is not what came.",
        )


def _succeed_without_rows(job: Job, nothing: fetching.NothingNew) -> None:
    lifecycle.succeed(
        job,
        rows={"read": 0, "loaded": 0, "rejected": 0, "skipped": {}},
        progress={"stage": "done", "bytes": 0, "bytes_total": 0, "rows": 0},
        warnings=[{"code": nothing.code, "message": nothing.what}],
    )


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
    left = fetching.conclude(job)
    version = _remember_dataset(job, told)
    lifecycle.succeed(
        job,
        input_format=report.detection.format,
        output_path=lake.uri(staged.key),
        output_bytes=staged.size,
        output_sha256=staged.sha256,
        rows=told["rows"],
        progress={"stage": "done", "bytes": job.raw_bytes, "bytes_total": job.raw_bytes, "rows": report.rows.loaded},
        warnings=[*([left] if left else []), *told["warnings"]][:50],
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
