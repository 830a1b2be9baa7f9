"""How a request becomes a job: check, keep the bytes where they came with the request, record, send."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uuid6
from django.utils.crypto import salted_hmac

from accounts import audit
from ingestion import approvals, connections, fetching, lake, lifecycle, once, secrets, setaside, staging, uploads
from ingestion.conversion.checks.corrections import corrections_of
from ingestion.conversion.checks.totals import Totals
from ingestion.conversion.values import WIDTHS
from ingestion.errors import BadRequest, StoreError, StoreUnavailable
from ingestion.models import Job
from ingestion.moves import both, now, transact
from ingestion.sources import parse_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from accounts.models import User
    from ingestion.models import Upload
    from ingestion.moves import Also

logger = logging.getLogger(__name__)

DATASET = re.compile(r"[a-z][a-z0-9_]{0,62}")
NUMBERS = frozenset({"header_row", "skip_rows", "table"})
OPTIONS = NUMBERS | {
    "null_values", "encoding", "delimiter", "quote", "widths", "sheet", "member", "business_date", "force",
    "control_totals"
}  # fmt: skip
_HOLD_TRIES = 10


def submit_file(
    user: User,
    *,
    path: Path,
    dataset: str,
    filename: str,
    source_type: str,
    options: Mapping[str, Any],
    idempotency_key: str = "",
    came_from: Mapping[str, Any] | None = None,
) -> Job:
    """Make a job of bytes that somebody sent (``upload``, ``api``, or ``tcp`` to our listener, from ``came_from``).

    The bytes are sent first, then recorded with the job, then completed as its raw object: whatever is cut off, there
    is no object without a job, and no job without its bytes. Raises ``BadRequest`` or ``IdempotencyConflict``; then
    nothing is kept.
    """
    job = _new_job(user, dataset=dataset, source_type=source_type, options=options)
    job.filename = lake.safe_name(filename)
    job.source = {"type": source_type, "filename": job.filename, **(came_from or {})}
    fingerprint = _fingerprint(dataset, source_type, job.options, _sha256(path))
    if before := once.earlier(user.sub, idempotency_key, fingerprint):
        return before
    return _sent(job, path, idempotency_key, fingerprint, _audited(user, "create job", job))


def submit_replay(
    user: User, first: Job, *, body: bytes, filename: str, source_type: str, idempotency_key: str = ""
) -> Job:
    """Make a job that loads corrected rows which another one has set aside; it holds them until it has ended.

    Raises ``CorrectionsInvalid``, ``RejectsHeld``, ``BadRequest`` or ``IdempotencyConflict``.
    """
    rows = corrections_of(body)
    job = _new_job(user, dataset=first.dataset, source_type=source_type, options={})
    job.filename = lake.safe_name(filename)
    job.partition_date = first.partition_date
    job.source = {"type": source_type, "filename": job.filename, "replays": first.job_id}
    fingerprint = _fingerprint("replay", first.job_id, hashlib.sha256(body).hexdigest())
    if before := once.earlier(user.sub, idempotency_key, fingerprint):
        return before
    audited = _audited(user, "replay rejects", job)
    with tempfile.NamedTemporaryFile(prefix="databridge-") as file:
        file.write(body)
        file.flush()
        for _ in range(_HOLD_TRIES):
            held = setaside.hold(first, rows, job)
            try:
                return _sent(job, Path(file.name), idempotency_key, fingerprint, both(held, audited))
            except StoreUnavailable:
                version, first = first.rejects_version, lifecycle.get(first.job_id)
                if first.rejects_version == version:
                    raise
    raise StoreUnavailable(f"The rejects of job {first.job_id} change all the time.", hint="Send the request again.")


def dismiss(user: User, first: Job, rows: Iterable[int] | None, reason: str) -> Job:
    """Give up rows that a job has set aside, all open ones where none are named; the audit log has the reason.

    Raises ``RejectsHeld`` or ``BadRequest``.
    """
    for _ in range(_HOLD_TRIES):
        state, given_up = setaside.dismiss(first, rows, user.email or user.sub, reason)
        told = audit.beside(
            audit.Actor.of(user),
            "dismiss rejects",
            f"job {first.job_id}",
            detail=f"rows {state.dismissed[-1]['rows'][:200]}: {state.dismissed[-1]['reason']}",
        )
        if transact(both(given_up, told)):
            return lifecycle.get(first.job_id)
        first = lifecycle.get(first.job_id)
    raise StoreUnavailable(f"The rejects of job {first.job_id} change all the time.", hint="Send the request again.")


def _sent(job: Job, path: Path, idempotency_key: str, fingerprint: str, also: Also) -> Job:
    """Keep the bytes of a new job, record it, and hand it to a worker."""
    staged = staging.StagedObject.sent(lake.raw_key(job, job.filename), lake.read_blocks(path))
    job.raw_bytes, job.sha256, job.raw_path = staged.size, staged.sha256, lake.uri(staged.key)
    job.fence_key, job.fence_upload = staged.key, staged.upload_id
    try:
        created = once.create(job, idempotency_key=idempotency_key, fingerprint=fingerprint, also=also)
    except BaseException:
        staged.abort()
        raise
    if created.job_id != job.job_id:
        staged.abort()
        return created
    try:
        staged.publish()
    except StoreError:  # every byte is there: the worker completes it
        logger.warning("the raw object is not complete yet", exc_info=True, extra={"job_id": job.job_id})
    send(created.job_id)
    return created


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A file that came with a request, still local, and the dataset it is for."""

    path: Path
    dataset: str
    filename: str


def submit_files(
    user: User, *, files: list[Incoming], options: Mapping[str, Any], idempotency_key: str = ""
) -> list[Job]:
    """Make one job a file of a form, in their order. All names are checked before the first is kept.

    The Idempotency-Key stands for the whole form: sent again after a failure it makes only what is missing.
    """
    for file in files:
        check_dataset(file.dataset)
    return [
        submit_file(
            user,
            path=file.path,
            dataset=file.dataset,
            filename=file.filename,
            source_type="upload",
            options=options,
            idempotency_key=f"{idempotency_key}#{number}" if idempotency_key and number else idempotency_key,
        )
        for number, file in enumerate(files)
    ]


def begin_upload(
    user: User,
    *,
    length: int,
    dataset: str,
    filename: str,
    options: Mapping[str, Any],
    metadata: str = "",
    idempotency_key: str = "",
    held: bool = False,
) -> Upload:
    """Begin a resumable upload; the dataset's name and the options are checked now, not after the last byte.

    Raises ``BadRequest``, ``UploadTooLarge`` or ``IdempotencyConflict``.
    """
    check_dataset(dataset)
    upload = uploads.create(
        user,
        length=length,
        dataset=dataset,
        filename=filename,
        options=check_options(options),
        metadata=metadata,
        idempotency_key=idempotency_key,
        held=held,
    )
    if uploads.is_whole(upload) and not upload.held:
        finish_upload(user, upload)
    return upload


def load_upload(user: User, upload: Upload, *, dataset: str, options: Mapping[str, Any]) -> Job:
    """Make the job of a held upload, with what was settled after a look at it; called again it is the same job.

    Raises ``BadRequest``, or ``UploadOffsetConflict`` while bytes are missing.
    """
    check_dataset(dataset)
    uploads.release(upload, dataset=dataset, options=check_options(options))
    return finish_upload(user, upload)


def finish_upload(user: User, upload: Upload) -> Job:
    """Make the job of an upload whose bytes are all here; called again it returns the same job."""
    return uploads.finish(upload, send, audit.Actor.of(user))


def submit_source(
    user: User,
    *,
    spec: Mapping[str, Any],
    dataset: str,
    options: Mapping[str, Any],
    idempotency_key: str = "",
) -> Job:
    """Make a job that fetches from a source, given whole or by a connection's name; secrets go to Secrets Manager.

    Raises ``BadRequest``, ``SourceInvalid``, ``ConnectionMissing`` or ``IdempotencyConflict``.
    """
    source = parse_source(connections.resolve(spec))
    job = _new_job(user, dataset=dataset, source_type=source.type, options=options)
    job.source = fetching.shown(spec, source)
    # keyed, because a weak password could be guessed from a plain hash
    told = salted_hmac("source", json.dumps(dict(spec), sort_keys=True), algorithm="sha256").hexdigest()
    fingerprint = _fingerprint(dataset, source.type, job.options, told)
    if before := once.earlier(user.sub, idempotency_key, fingerprint):
        return before
    fetching.store(job, spec)
    created = once.create(
        job, idempotency_key=idempotency_key, fingerprint=fingerprint, also=_audited(user, "create job", job)
    )
    if created.job_id != job.job_id:
        secrets.forget(job.job_id)
        return created
    send(created.job_id)
    return created


def retry(job_id: str, by: User, *, force: bool = False, accept_rejects: bool = False) -> Job:
    """Send a failed or cancelled job again; its raw object is used when it is there."""
    job = lifecycle.get(job_id)
    action = "accept rejects" if accept_rejects else "retry job"
    job = lifecycle.retry(
        job_id, by.email or by.sub, force=force, accept_rejects=accept_rejects, also=_audited(by, action, job)
    )
    send(job.job_id)
    return job


def cancel(job_id: str, by: User) -> Job:
    """Stop a job that waits or runs."""
    job = lifecycle.get(job_id)
    return lifecycle.cancel(job_id, by.email or by.sub, also=_audited(by, "cancel job", job))


def approve(job_id: str, by: User) -> Job:
    """Agree to the changes for which a job waits, and send it to a worker."""
    job = lifecycle.get(job_id)
    job = approvals.approve(job_id, by.email or by.sub, also=_audited(by, "approve changes", job))
    send(job.job_id)
    return job


def refuse(job_id: str, by: User) -> Job:
    """End a job that waits, as its changes are not wanted."""
    job = lifecycle.get(job_id)
    return approvals.refuse(job_id, by.email or by.sub, also=_audited(by, "refuse changes", job))


def _audited(user: User, action: str, job: Job) -> Also:
    return audit.beside(
        audit.Actor.of(user), action, f"job {job.job_id}", detail=f"{job.dataset} from {job.source_type}"
    )


def send(job_id: str) -> None:
    """Hand the job to a worker. A send that fails is not lost: the sweep finds the job and sends it again."""
    from botocore.exceptions import BotoCoreError, ClientError

    from ingestion import tasks  # Zappa makes four clients when it is imported

    try:
        tasks.run_job(job_id)
    except (BotoCoreError, ClientError):
        logger.exception("job not sent; the sweep will", extra={"job_id": job_id})


def _new_job(user: User, *, dataset: str, source_type: str, options: Mapping[str, Any]) -> Job:
    check_dataset(dataset)
    created = now()
    checked = check_options(options)
    return Job(
        str(uuid6.uuid7()),
        user_id=user.sub,
        user_email=user.email,
        dataset=dataset,
        source_type=source_type,
        options=checked,
        partition_date=checked.get("business_date") or f"{created:%Y-%m-%d}",
        created_at=created,
    )


def check_dataset(name: str) -> None:
    """Raise ``BadRequest`` unless a dataset may have this name."""
    if not DATASET.fullmatch(name):
        raise BadRequest(
            f"{name!r} cannot be a dataset's name." if name else "The dataset's name is missing.",
            hint="Use a lower-case letter, then up to 62 letters, digits or underscores.",
        )


def check_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options if each is known and of its kind; raises ``BadRequest`` naming one that is not."""
    known = dict(options)
    for name, value in known.items():
        if name not in OPTIONS:
            known_names = ", ".join(sorted(OPTIONS))
            raise BadRequest(f"There is no option {name!r}.", hint=f"Known are {known_names}.")
        if not _fits(name, value):
            raise BadRequest(f"The option {name!r} cannot be {value!r}.", hint=_FORMS.get(name, "Give a text."))
    if "widths" in known and "delimiter" in known:
        raise BadRequest("There cannot be both widths and a delimiter.", hint="Leave one of the two options out.")
    return known


_FORMS = {
    "null_values": "Give a list of texts.",
    "widths": "Give the columns' numbers of characters, such as 10,35,12.",
    "header_row": "Give the number of the header's row, from 1; 0 for none.",
    "skip_rows": "Give how many lines at the beginning are no data.",
    "table": "Give the number of the table in the file, from 1.",
    "business_date": "Give a date such as 2026-10-31.",
    "force": "Give true or false.",
}


def _fits(name: str, value: Any) -> bool:
    match name:
        case "null_values":
            return isinstance(value, list) and all(isinstance(text, str) for text in value)
        case "header_row" | "skip_rows" | "table":
            return isinstance(value, int) and not isinstance(value, bool) and value >= (name == "table")
        case "force":
            return isinstance(value, bool)
        case "widths":
            return isinstance(value, str) and WIDTHS.fullmatch(value) is not None
        case "control_totals":
            return bool(Totals.of(value))
        case "business_date":
            return isinstance(value, str) and _is_date(value)
        case _:
            return isinstance(value, str)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _fingerprint(*facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
