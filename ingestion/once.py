"""What happens once: a request with its Idempotency-Key, and a content in a dataset."""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from pynamodb.exceptions import DoesNotExist, PutError

from ingestion import lifecycle
from ingestion.errors import IdempotencyConflict, JobMissing, StoreUnavailable
from ingestion.models import WATCHED, Job, Key
from ingestion.moves import Line, count, is_condition_failed, new_move_id, now, transact, unavailable
from ingestion.words import counted

if TYPE_CHECKING:
    from pynamodb.expressions.condition import Condition
    from pynamodb.transactions import TransactWrite

    from ingestion.moves import Also

ALREADY_LOADED = "ALREADY_LOADED"
KEYS_KEPT = timedelta(days=1)
_TRIES = 20


# ---- requests ------------------------------------------------------------------------------------


def create(job: Job, *, idempotency_key: str = "", fingerprint: str = "", also: Also | None = None) -> Job:
    """Record a new job as PENDING; with an Idempotency-Key seen before, return that request's job instead.

    ``also`` is written in the same transaction: the row of the audit log. Raises ``IdempotencyConflict``
    when the key came with another request.
    """
    job.status = "PENDING"
    job.watch, job.due_at = WATCHED, time.time() + lifecycle.CLAIM_WITHIN_S
    job.waiting_since = job.created_at
    job.move_id = move_id = new_move_id()
    line = _first_line(job)
    event = line.event(job.job_id)
    key = Key(
        key=_idempotency_hash(job.user_id, idempotency_key),
        job_id=job.job_id,
        fingerprint=fingerprint,
        expires_at=KEYS_KEPT,
    )
    free = Key.key.does_not_exist() | (Key.expires_at < now())

    def write(transaction: TransactWrite) -> None:
        transaction.save(job, condition=Job.job_id.does_not_exist())
        transaction.save(event)
        if idempotency_key:
            transaction.save(key, condition=free)
        count(transaction, move_id, {"pending": 1})
        count(transaction, move_id, {"pending": 1}, day=job.created_at, user=job.user_id)
        if also:
            also(transaction)

    if transact(write, job_id=job.job_id, move_id=move_id):
        line.log(job.job_id)
        return job
    before = earlier(job.user_id, idempotency_key, fingerprint)
    if before is None:
        raise StoreUnavailable(f"The job {job.job_id} could not be recorded.", hint="Send the request again.")
    return before


def earlier(user_id: str, idempotency_key: str, fingerprint: str) -> Job | None:
    """Return the job that this Idempotency-Key already made, if any; raises ``IdempotencyConflict``."""
    if not idempotency_key:
        return None
    try:
        key = Key.get(_idempotency_hash(user_id, idempotency_key), consistent_read=True)
    except DoesNotExist:
        return None
    if key.expires_at and key.expires_at < now():
        return None  # DynamoDB removes what has expired within days, not at once
    if key.fingerprint != fingerprint:
        raise IdempotencyConflict(
            "This Idempotency-Key was used for a different request.",
            hint="Send a new key, or repeat the first request unchanged.",
        )
    return lifecycle.get(key.job_id)


def _first_line(job: Job) -> Line:
    who = job.user_email or job.user_id
    if job.raw_path or "upload_id" in job.source:
        size = f", {counted(int(job.raw_bytes or 0), 'byte')}," if job.raw_path else ""
        told = f"{who} sent {job.filename or 'a file'}{size} to be loaded into dataset {job.dataset}."
        told += f" It is kept unchanged at {job.raw_path}." if job.raw_path else ""
    else:
        origin = job.filename or job.source.get("path") or "a file"
        place = job.source.get("url") or f"{job.source.get('host')}:{job.source.get('port')}"
        what = f"the file at {place}" if "url" in job.source else f"{origin} from {place} ({job.source_type})"
        told = f"{who} asked to fetch {what} and to load it into dataset {job.dataset}."
    return Line(
        stage="created",
        message=f"{told} The job waits for a worker.",
        data={"sha256": job.sha256} if job.sha256 else {},
    )


def _idempotency_hash(user_id: str, key: str) -> str:
    return "request#" + hashlib.sha256(f"{user_id}\0{key}".encode()).hexdigest()


# ---- contents ------------------------------------------------------------------------------------


def reserve_content(job: Job) -> Job | None:
    """Claim the job's raw content for its dataset; return another job that has loaded or is loading it.

    A reservation whose job ended without loading passes to this one. It names the holder's attempt, so that it
    is not taken from a job that a person has sent again meanwhile.
    """
    mine = Key(key=f"content#{job.dataset}#{job.sha256}", job_id=job.job_id, fingerprint=str(job.attempt))
    for _ in range(_TRIES):
        if _saved(mine, Key.key.does_not_exist() | (Key.job_id == job.job_id)):
            return None
        holder = Key.get(mine.key, consistent_read=True)
        try:
            first = lifecycle.get(holder.job_id)
        except JobMissing:
            first = None
        if first and first.status not in {"FAILED", "CANCELLED"}:
            return first
        if _saved(mine, (Key.job_id == holder.job_id) & (Key.fingerprint == holder.fingerprint)):
            return None
    raise unavailable(RuntimeError(f"{mine.key} changed hands {_TRIES} times"))


def _saved(key: Key, condition: Condition) -> bool:
    try:
        key.save(condition=condition)
    except PutError as error:
        if is_condition_failed(error):
            return False
        raise unavailable(error) from error
    return True
