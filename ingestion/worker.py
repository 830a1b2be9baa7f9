"""One attempt of a job, from the source to the published Parquet; every step before the last leaves no trace.

The order makes a crash at any point harmless: the raw object first, then a local conversion, then the
Parquet as an unfinished upload, then the fence, then the one call that publishes, then the record.
"""

from __future__ import annotations

import logging
import tempfile
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pynamodb.exceptions import PynamoDBException

from ingestion import (
    approvals,
    checking,
    contracts,
    datasets,
    fetching,
    lake,
    lifecycle,
    manifest,
    once,
    setaside,
    settling,
    staging,
)
from ingestion.errors import DataBridgeError, ObjectMissing, StoreError
from ingestion.moves import Cancelled, LeaseLost, Line, both, now, record, record_all, unavailable
from ingestion.pulse import Pulse
from ingestion.words import counted, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ingestion.conversion.contract.model import Contract
    from ingestion.conversion.values import Report
    from ingestion.models import Job

logger = logging.getLogger(__name__)

SHORTEST_WAIT_S, LONGEST_WAIT_S = 5, 60
WARNINGS_TOLD = 50
_SHAPE_TRIES = 20
_NOT_OF_THE_FILE = {"business_date", "force", "accept_rejects", "control_totals"}  # options that no reader is told


class AlreadyLoaded(DataBridgeError):
    """The same bytes are in the dataset already; loading them again would count every row twice."""

    code: ClassVar[str] = once.ALREADY_LOADED
    http_status: ClassVar[int] = 409

    def __init__(self, job: Job, first: Job) -> None:
        """Name the job that has loaded them, also for programs."""
        super().__init__(
            f"The same file is already loaded into {job.dataset} by job {first.job_id}.",
            hint="Nothing to do. To load it a second time all the same, retry the job with force.",
        )
        self.job_id = first.job_id


class BeingLoaded(DataBridgeError):
    """Another job is loading the same bytes into the same dataset at this moment; how it ends decides."""

    code: ClassVar[str] = "BEING_LOADED"
    retryable: ClassVar[bool] = True

    def __init__(self, job: Job, first: Job) -> None:
        """Name the job that is loading them, also for programs."""
        super().__init__(
            f"Job {first.job_id} is loading the same file into {job.dataset}; this one waits for how that ends."
        )
        self.job_id = first.job_id
        ran_s = (now() - (first.started_at or now())).total_seconds()
        self.wait_s = min(max(ran_s, SHORTEST_WAIT_S), LONGEST_WAIT_S)


class RawDamaged(StoreError):
    """The raw object does not have the hash that was recorded when it was stored."""

    code: ClassVar[str] = "RAW_DAMAGED"


class RawMissing(StoreError):
    """The raw object was removed from the lake, and there is no source that could be asked again."""

    code: ClassVar[str] = "RAW_MISSING"


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
        with tempfile.TemporaryDirectory(prefix="databridge-") as folder, Pulse(job) as pulse:
            _attempt(job, Path(folder), pulse, send)
    except Cancelled:
        lifecycle.cancelled(job)
    except LeaseLost:
        raise
    except BeingLoaded as error:
        if not lifecycle.try_again(job, lifecycle.told_of(error), error.wait_s, counts=False):
            lifecycle.cancelled(job)
    except DataBridgeError as error:
        _end(job, error)
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


def _end(job: Job, error: DataBridgeError) -> None:
    """End an attempt: let the job wait for a person where its contract says so, else fail it."""
    from ingestion.conversion.errors import ApprovalNeeded, ContractBroken

    if isinstance(error, ApprovalNeeded):
        if not approvals.ask(job, error):
            lifecycle.cancelled(job)
        return
    if isinstance(error, ContractBroken):
        approvals.keep(job, error)
    lifecycle.fail(job, error)


def _attempt(job: Job, folder: Path, pulse: Pulse, send: Callable[[str], object]) -> None:
    lifecycle.take_over(job)
    source = folder / "raw"
    try:
        _bring_raw(job, source, pulse, send)
    except fetching.NothingNew as nothing:
        _succeed_without_rows(job, nothing)
        return
    _refuse_twice(job)
    made = checking.Made(folder)
    report, contract = _towards_the_contract(job, source, made, pulse)
    _publish(job, made, report, contract, pulse)


# ---- the raw object ------------------------------------------------------------------------------


def _bring_raw(job: Job, path: Path, pulse: Pulse, send: Callable[[str], object]) -> None:
    """Make the bytes local; fetch them from the source only if no earlier attempt has kept them."""
    found = _kept(job, path, pulse)
    if found is None:
        fetching.fetch(job, pulse.bytes_of, send, path)
    elif found != job.sha256:
        raise RawDamaged(
            f"The raw object {job.raw_path} has changed since it was stored.",
            hint="Send the file again; the stored copy is not what came.",
        )
    else:
        record(job, "check", f"The kept file was read and is unchanged since it came: SHA-256 {found}.")


def _kept(job: Job, path: Path, pulse: Pulse) -> str | None:
    """Bring the raw object that the record names; return its SHA-256, or None when the source has to be asked.

    The record names it a moment before it is there: who stored it may have stopped between the two, with every byte
    sent, and then it is completed here.
    """
    if not job.raw_path:
        return None
    key, listen = lake.key_of(job.raw_path), pulse.bytes_of("fetch", job.raw_bytes)
    with suppress(ObjectMissing):
        return lake.download(key, path, listen)
    if job.fence_key == key and job.fence_upload and staging.complete_upload(key, job.fence_upload):
        return lake.download(key, path, listen)
    if not fetching.can_fetch(job):
        raise RawMissing(f"The raw object {job.raw_path} is not in the lake any more.", hint="Send the file again.")
    lifecycle.forget_raw(job)
    record(job, "fetch", "The raw file is not in the lake any more; it is fetched anew.", level="warning")
    return None


def _succeed_without_rows(job: Job, nothing: fetching.NothingNew) -> None:
    lifecycle.succeed(
        job,
        rows={"read": 0, "loaded": 0, "rejected": 0, "skipped": {}},
        progress={"stage": "done", "bytes": 0, "bytes_total": 0, "rows": 0},
        warnings=[{"code": nothing.code, "message": nothing.what}],
    )


def _refuse_twice(job: Job) -> None:
    """Raise unless this job is the one that loads the content into the dataset, or it is forced to."""
    if job.options.get("force"):
        return
    first = once.reserve_content(job)
    if first is None:
        return
    if first.status != "SUCCESS":
        raise BeingLoaded(job, first)
    fetching.conclude(job)  # the file's rows are published: it would only be fetched again and again
    raise AlreadyLoaded(job, first)


# ---- conversion and publishing -------------------------------------------------------------------


def _towards_the_contract(job: Job, source: Path, made: checking.Made, pulse: Pulse) -> tuple[Report, Contract]:
    """Convert as the dataset's contract agrees; again where another job has changed it meanwhile.

    The version that the file needs is written before anything of it is published, and then earlier objects follow.
    """
    for _ in range(_SHAPE_TRIES):
        before = contracts.known(job.dataset)
        report = _convert(job, source, made, pulse, before.contract)
        if report.contract and contracts.agree(job.job_id, job.dataset, before, report.contract, report.changes):
            break
    else:
        raise unavailable(RuntimeError(f"the contract of {job.dataset} changed {_SHAPE_TRIES} times"))
    record_all(job, _told(report))
    present = contracts.known(job.dataset)
    if not present.is_settled:
        done, left = settling.settle(job.dataset, present.contract, job, lambda: pulse.beat("publish", 0, None, 0))
        if done:
            told = f"{counted(done, 'earlier object')} of {job.dataset} got the types of version "
            record(job, "publish", f"{told}{present.contract.version} of its contract.")
        record_all(job, [Line(stage="publish", level="warning", message=what) for what in left[: settling.LISTED]])
    return report, report.contract


def _convert(job: Job, source: Path, made: checking.Made, pulse: Pulse, contract: Contract) -> Report:
    from ingestion.conversion import Options, convert

    checks = checking.checks_of(job, contract.as_dict() if contract.version else {})  # a first file has no limits yet
    if job.replays:
        source, checks = checking.replayed(job, source, made, checks)
    given = {name: value for name, value in job.options.items() if name not in _NOT_OF_THE_FILE}
    if "null_values" in given:
        given["null_values"] = tuple(given["null_values"])
    try:
        return convert(
            source,
            made.output,
            filename=job.filename,
            options=Options(**given, replay=bool(job.replays), contract=contract),
            metadata={"job_id": job.job_id, "raw_path": job.raw_path, "raw_sha256": job.sha256},
            on_progress=pulse.conversion,
            checks=checks,
            rejects=made.rejects,
        )
    except DataBridgeError as error:
        if error.code == "REJECTS_OVER_LIMIT" and (state := setaside.keep(job, made.rejects, refused=True)):
            lifecycle.note(job, rejects=state.as_dict(), rejects_version=state.version + 1)
        raise


def _told(report: Report) -> list[Line]:
    """Return the conversion's part of the log: how the file was read, what to know, what became of the rows."""
    from ingestion.conversion.explain import story

    more = len(report.warnings) - WARNINGS_TOLD
    warned = [
        Line(stage="type", message=warning.message, level="warning", data={"code": warning.code})
        for warning in report.warnings[:WARNINGS_TOLD]
    ]
    if more > 0:
        warned.append(Line(stage="type", message=f"There are {counted(more, 'further warning')}.", level="warning"))
    rows, bytes_ = report.rows, {"bytes_in": report.bytes_in, "bytes_out": report.bytes_out}
    accounted = (
        f"Every row has its place: {rows.read:,} read = {rows.loaded:,} to load + {rows.rejected:,} rejected + "
        f"{sum(rows.skipped.values()):,} skipped{_kinds(rows.skipped)}. The conversion took {seconds(report.seconds)}."
    )
    return [
        *(Line(stage="detect", message=message) for message in story(report)),
        *warned,
        Line(stage="convert", message=accounted, data=bytes_),
    ]


def _kinds(skipped: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{kind}: {count:,}' for kind, count in skipped.items())})" if skipped else ""


def _publish(job: Job, made: checking.Made, report: Report, contract: Contract, pulse: Pulse) -> None:
    from ingestion.conversion.shown import preview

    output, told = made.output, report.as_dict()
    told["rejects"] = told["rejects"][: setaside.PAGE]
    content = _checked(output, report)
    lake.put_json(lake.about_key(job.job_id, "report.json"), told)
    lake.put_json(lake.about_key(job.job_id, "preview.json"), preview(output))
    lake.put_json(lake.about_key(job.job_id, "profile.json"), {"columns": told.get("profile", [])})
    rejects = setaside.keep(job, made.rejects, refused=bool(job.replays))
    key = lake.parquet_key(job)
    published = staging.put_stream(
        key,
        lake.read_blocks(output),
        pulse.bytes_of("publish", output.stat().st_size),
        fence=lambda staged: lifecycle.pass_fence(job, key, staged.upload_id),
    )
    size, sha256 = published.size, published.sha256
    record(
        job,
        "publish",
        f"Checked, then published whole in one step: {counted(size, 'byte')} of Parquet with "
        f"{counted(report.rows.loaded, 'row')}, SHA-256 {sha256}.",
        data={"content_sha256": content},
    )
    made_it = {"path": lake.uri(key), "bytes": size, "sha256": sha256, "content_sha256": content}
    manifest.write(job, told, made_it, contract=contract.as_dict())
    left = fetching.conclude(job)
    _succeed(
        job,
        told,
        contract,
        progress={**pulse.progress("done"), "bytes": job.raw_bytes, "rows": report.rows.loaded},
        warnings=[*([left] if left else []), *told["warnings"]][:WARNINGS_TOLD],
        input_format=report.detection.format,
        output_path=lake.uri(key),
        output_bytes=size,
        output_sha256=sha256,
        content_sha256=content,
        rejects=rejects and rejects.as_dict(),
        rejects_version=int(job.rejects_version or 0),
        watch=setaside.watch(rejects),
        still_wrong=made.still_wrong(),
    )


def _checked(output: Path, report: Report) -> str:
    """Return the hash of what the Parquet file holds, after comparing it with what was counted."""
    import pyarrow.parquet as pq

    from ingestion.conversion.content import content_sha256
    from ingestion.conversion.errors import AccountingBroken

    with pq.ParquetFile(output) as file:
        rows, schema = file.metadata.num_rows, file.schema_arrow
    if not report.rows.balanced or rows != report.rows.loaded or len(schema.names) != len(report.columns):
        raise AccountingBroken(
            f"{report.rows.read} rows were read, {report.rows.loaded} counted as loaded, and the file has {rows}.",
            hint="Nothing was published; report this file as a fault.",
        )
    return content_sha256(output)


def _succeed(job: Job, told: dict[str, Any], contract: Contract, still_wrong: Iterable[int], **facts: Any) -> None:
    """Record the success and the dataset's load together; where the contract has changed, the object follows first."""
    loaded, key = told["rows"]["loaded"], lake.parquet_key(job)
    for _ in range(_SHAPE_TRIES):
        load = datasets.load(job, contracts.shape(contract), loaded, contract.version)
        settled = setaside.closing(job, still_wrong)
        if lifecycle.succeed(
            job,
            also=both(load.write, settled) if settled else load.write,
            rows=told["rows"],
            schema_version=contract.version,
            **facts,
        ):
            return
        contract = contracts.known(job.dataset).contract
        try:
            settling.settle_object(key, contract, by=job.job_id)
        except settling.ObjectUnsettled as error:  # it is published: a person has to look
            settling.add_unsettled(job.dataset, contract.version, key, error)
            record(job, "publish", error.what, level="warning")
        with tempfile.TemporaryDirectory(prefix="databridge-") as folder:
            lake.download(key, Path(folder) / "published")
            now_there = settling.facts_of(Path(folder) / "published")
        facts |= now_there
        manifest.follow(job.job_id, {"bytes": now_there["output_bytes"], "sha256": now_there["output_sha256"]})
    raise unavailable(RuntimeError(f"the contract of {job.dataset} changed {_SHAPE_TRIES} times"))
