"""How a job's bytes come into the raw store: from its source, from an upload's chunks; and what happens to the source's
file once its data is published.

A source that names several files becomes several jobs, one a file: the job that finds them takes the oldest itself.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

import uuid6
from pynamodb.exceptions import DoesNotExist

from ingestion import beside, connections, lake, lifecycle, network, once, secrets, staging, uploads
from ingestion.errors import DataBridgeError, JobMissing, StoreUnavailable
from ingestion.models import Job, Key
from ingestion.moves import now, record, transact
from ingestion.sources import parse_source
from ingestion.sources.base import Version
from ingestion.sources.errors import SourceAmbiguous, SourceError, SourceFileMissing
from ingestion.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pynamodb.transactions import TransactWrite

    from ingestion.sources.base import Entry, Limits, Source

    Send = Callable[[str], object]
    Listen = Callable[[str, float | None], Callable[[int], None]]

logger = logging.getLogger(__name__)

MOST_FILES = 5_000
_AFTER_TRIES = 3


class NothingNew(DataBridgeError):
    """A source that is asked again and again has nothing that is new. The job ends well, with no rows."""

    code: ClassVar[str] = "NOTHING_NEW"


def store(job: Job, spec: Mapping[str, Any]) -> None:
    """Put a new job's source where it belongs: into the row what anybody may see, else into Secrets Manager."""
    job.source_has_secret = connections.has_secret(spec)
    job.source_spec = None if job.source_has_secret else dict(spec)
    if job.source_has_secret:
        secrets.keep(job.job_id, dict(spec))


def shown(spec: Mapping[str, Any], source: Source) -> dict[str, Any]:
    """Return a source as a job shows it, with the connection's name if it is one."""
    named = {"connection": spec["connection"]} if "connection" in spec else {}
    return source.public() | named


def fetch(job: Job, listen: Listen, send: Send, copy: Path) -> None:
    """Bring a job's bytes into the raw store, and into the local file ``copy``; note where they are and their hash.

    Raises ``SourceError``, or ``NothingNew`` when there is nothing to fetch and that is no fault.
    """
    if "upload_id" in job.source:
        size, chunks = uploads.compose(job.source["upload_id"])
        _keep(job, job.filename, size, chunks, listen, copy)
        uploads.forget(job.source["upload_id"])
        return
    limits = network.limits()
    spec = _spec(job)
    source = parse_source(connections.resolve(spec))
    if source.lists:
        spec = _one_of(job, spec, source, limits, send)
        source = parse_source(connections.resolve(spec))
    _note_totals(job, spec, limits)
    with source.open(limits) as fetched:
        length = "" if fetched.size is None else f", {counted(fetched.size, 'byte')}"
        told = f"Connected to the source; {fetched.filename} is coming{length}."
        record(job, "fetch", told, data={"size": fetched.size})
        version = _told(fetched.version) if source.acts_afterwards else None
        _keep(job, lake.safe_name(fetched.filename), fetched.size, fetched.chunks, listen, copy, version)
    if not source.acts_afterwards:
        _forget(job)


def _note_totals(job: Job, spec: Mapping[str, Any], limits: Limits) -> None:
    """Fetch the control totals that lie beside the file, where they are asked for; before the file itself."""
    given = job.options.get("control_totals")
    if isinstance(given, dict) and (ending := given.get("beside")):
        text = beside.text_beside(connections.resolve(spec), job.filename or "", ending, limits)
        lifecycle.note(job, options={**job.options, "control_totals": text})
        record(
            job,
            "fetch",
            f"The control totals beside the file came, {counted(len(text), 'sign')}: {' '.join(text.split())[:200]}",
        )


def can_fetch(job: Job) -> bool:
    """Tell whether the bytes can be had again from where they came: not where somebody sent them whole."""
    return bool("upload_id" in job.source or job.source_has_secret or job.source_spec)


def conclude(job: Job) -> dict[str, str] | None:
    """Do what the source asks for once its data is published: delete or move the file. Done twice it does no harm.

    Returns a warning when that failed: the data is published all the same, and the file stays.
    """
    if job.source_version is None:
        return None
    try:
        source = parse_source(connections.resolve(_spec(job)))
        if not source.acts_afterwards:
            return None
        _patiently(lambda: source.after_publish(network.limits(), _read(job.source_version)))
    except DataBridgeError as error:
        record(job, "source", f"The file stays at its source. {error}", level="warning", data={"code": error.code})
        return {"code": "SOURCE_FILE_STAYS", "message": f"The file stays at its source: {error.what}"}
    record(job, "source", "The data is published; the file at its source was deleted or moved, as asked.")
    _forget(job)
    return None


def _keep(
    job: Job,
    filename: str,
    size: int | None,
    chunks: Iterator[bytes],
    listen: Listen,
    copy: Path,
    version: dict[str, Any] | None = None,
) -> None:
    key = lake.raw_key(job, filename)
    with copy.open("wb") as file:

        def doubled() -> Iterator[bytes]:
            for chunk in chunks:
                file.write(chunk)
                yield chunk

        def noted(staged: staging.StagedObject) -> None:
            """Know the raw object before it is there: a source may give its bytes only once."""
            facts = {"filename": filename, "raw_path": lake.uri(key), "raw_bytes": staged.size, "sha256": staged.sha256}
            facts |= {"source_version": version} if version else {}
            lifecycle.pass_fence(job, key, staged.upload_id, **facts)

        staged = staging.put_stream(key, doubled(), listen("fetch", size), fence=noted)
    told = f"All {counted(staged.size, 'byte')} came and are kept unchanged at {job.raw_path}: SHA-256 {staged.sha256}."
    record(job, "fetch", told, data={"sha256": staged.sha256})


def _spec(job: Job) -> dict[str, Any]:
    return secrets.recall(job.job_id) if job.source_has_secret else dict(job.source_spec or job.source)


def _forget(job: Job) -> None:
    if job.source_has_secret:
        secrets.forget(job.job_id)


# ---- several files -------------------------------------------------------------------------------


def _one_of(job: Job, spec: dict[str, Any], source: Source, limits: Limits, send: Send) -> dict[str, Any]:
    """Look which files there are; make a job of each but the oldest, and this job's source that one.

    An attempt that is cut off makes no file a job twice: each has an Idempotency-Key of its own.
    """
    entries = source.entries(limits)
    if len(entries) > MOST_FILES:
        raise SourceAmbiguous(f"{len(entries):,} files match.", hint=f"Narrow the pattern to {MOST_FILES:,} files.")
    found = [entry for entry in entries if not (source.only_new and _is_taken(job, _holder(job, source, entry)))]
    if not found:
        if source.polls:
            raise NothingNew(f"Of {len(entries)} matching files none is new.", hint="Nothing to do.")
        raise SourceFileMissing("No file matches the pattern.", hint="Check source.path and source.pattern.")
    first, *others = found
    made = [_sibling(job, spec, source, entry, send) for entry in others]
    if made:
        told = f"{len(found)} files match; {first.name} is this job's, each other one has its own."
        record(job, "source", told, data={"jobs": [sibling.job_id for sibling in made]})
    narrowed = spec | dict(first.changes)
    if job.source_has_secret:
        secrets.keep(job.job_id, narrowed)
    if source.only_new:
        take = _take(job, source, first, job.job_id)
        if not transact(take):
            raise _raced(first)
    chosen = parse_source(connections.resolve(narrowed))
    lifecycle.note(
        job, source=shown(spec, chosen), source_spec=None if job.source_has_secret else narrowed, filename=first.name
    )
    return narrowed


def _sibling(job: Job, spec: dict[str, Any], source: Source, entry: Entry, send: Send) -> Job:
    """Make the job of another file of the same request."""
    narrowed = spec | dict(entry.changes)
    moment = now()
    sibling = Job(
        str(uuid6.uuid7()),
        user_id=job.user_id,
        user_email=job.user_email,
        dataset=job.dataset,
        source_type=job.source_type,
        source=shown(spec, parse_source(connections.resolve(narrowed))) | {"found_by": job.job_id},
        filename=lake.safe_name(entry.name),
        options=job.options,
        partition_date=job.options.get("business_date") or f"{moment:%Y-%m-%d}",
        created_at=moment,
    )
    store(sibling, narrowed)

    take = _take(job, source, entry, sibling.job_id) if source.only_new else None
    key = f"file {job.job_id} {entry.path} {_told(entry.version)}"
    created = once.create(sibling, idempotency_key=key, fingerprint=job.job_id, also=take)
    if created is sibling:
        send(sibling.job_id)
    else:
        _forget(sibling)
    return created


def _holder(job: Job, source: Source, entry: Entry) -> str:
    """Return the job that has this state of the file (place, name, size, time), empty if none has."""
    try:
        return str(Key.get(_taken_key(job, source, entry), consistent_read=True).job_id)
    except DoesNotExist:
        return ""


def _is_taken(job: Job, holder: str) -> bool:
    """Tell whether another job has loaded it or is about to, or has found that its content is loaded already."""
    if holder in {"", job.job_id}:
        return False
    try:
        found = lifecycle.get(holder)
    except JobMissing:
        return False
    return found.status not in {"FAILED", "CANCELLED"} or (found.error or {}).get("code") == once.ALREADY_LOADED


def _take(job: Job, source: Source, entry: Entry, taker: str) -> Callable[[TransactWrite], None]:
    """Return what makes this state of the file a job's, if nobody was quicker."""
    holder = _holder(job, source, entry)
    key = Key(key=_taken_key(job, source, entry), job_id=taker)
    still = Key.job_id == holder if holder else Key.key.does_not_exist()
    return lambda transaction: transaction.save(key, condition=still)


def _raced(entry: Entry) -> StoreUnavailable:
    return StoreUnavailable(f"Another job took {entry.name} at the same time.", hint="It is tried again.")


def _taken_key(job: Job, source: Source, entry: Entry) -> str:
    told = source.public()
    place = [told.get(name) for name in ("host", "port", "username")]
    facts = [job.dataset, *place, entry.path, _told(entry.version)]
    return f"taken#{hashlib.sha256(json.dumps(facts).encode()).hexdigest()}"


# ---- versions as JSON ----------------------------------------------------------------------------


def _told(version: Version) -> dict[str, Any]:
    modified = version.modified.isoformat() if version.modified else None
    return {"size": version.size, "modified": modified, "etag": version.etag}


def _read(told: Mapping[str, Any]) -> Version:
    modified = told.get("modified")
    return Version(
        size=told.get("size"), modified=datetime.fromisoformat(modified) if modified else None, etag=told["etag"]
    )


def _patiently(act: Callable[[], None]) -> None:
    for tried in range(1, _AFTER_TRIES + 1):
        try:
            return act()
        except SourceError as error:
            if not error.retryable or tried == _AFTER_TRIES:
                raise
            time.sleep(tried)
    return None
