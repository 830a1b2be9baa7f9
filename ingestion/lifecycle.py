"""A job's states and the only ways between them, each one conditional write on DynamoDB.

::

    PENDING → RUNNING → SUCCESS | FAILED
    RUNNING → PENDING            a retryable error, or a lease that ran out, while attempts remain
    FAILED, CANCELLED → PENDING  a person's retry
    PENDING, RUNNING → CANCELLED

Every move changes the day's figures in the same transaction. A worker holds a lease; who has lost
it can no longer move the job, so two workers at once end in one result.
"""

from __future__ import annotations

import hashlib
import random
import time
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pynamodb.exceptions import DoesNotExist, PutError, UpdateError

from ingestion import lake, metrics
from ingestion.errors import (
    DataBridgeError,
    IdempotencyConflict,
    JobMissing,
    JobMoveRefused,
    StoreUnavailable,
    WorkerLost,
)
from ingestion.models import WATCHED, Job, Key
from ingestion.moves import (
    CONDITION_FAILED,
    Cancelled,
    LeaseLost,
    count,
    held,
    move,
    now,
    record,
    transact,
    unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pynamodb.expressions.update import Action
    from pynamodb.transactions import TransactWrite

    from ingestion.moves import Also

FINISHED = frozenset({"SUCCESS", "FAILED", "CANCELLED"})
ATTEMPTS = 3
LEASE_S = 60
CLAIM_WITHIN_S = 60
BACKOFF_S = (5, 20, 80)
KEYS_KEPT = timedelta(days=1)


def get(job_id: str) -> Job:
    """Load a job as it is now; raises ``JobMissing``."""
    try:
        return Job.get(job_id, consistent_read=True)
    except DoesNotExist:
        raise JobMissing(f"There is no job {job_id}.", hint="Check the id in the list of jobs.") from None


# ---- moves ---------------------------------------------------------------------------------------


def create(job: Job, *, idempotency_key: str = "", fingerprint: str = "", also: Also | None = None) -> Job:
    """Record a new job as PENDING; with an Idempotency-Key seen before, return that request's job instead.

    ``also`` is written in the same transaction: the row of the audit log. Raises ``IdempotencyConflict``
    when the key came with another request.
    """
    job.status = "PENDING"
    job.watch, job.due_at = WATCHED, time.time() + CLAIM_WITHIN_S
    key = Key(
        key=_idempotency_hash(job.user_id, idempotency_key),
        job_id=job.job_id,
        fingerprint=fingerprint,
        expires_at=KEYS_KEPT,
    )

    def write(transaction: TransactWrite) -> None:
        transaction.save(job, condition=Job.job_id.does_not_exist())
        if idempotency_key:
            transaction.save(key, condition=Key.key.does_not_exist())
        count(transaction, {"pending": 1})
        count(transaction, {"pending": 1}, day=job.created_at, user=job.user_id)
        if also is not None:
            also(transaction)

    if not transact(write):
        return earlier(job.user_id, idempotency_key, fingerprint) or _raise_conflict(job)
    record(job, "created", f"Job created by {job.user_email or job.user_id} for dataset {job.dataset}.")
    return job


def earlier(user_id: str, idempotency_key: str, fingerprint: str) -> Job | None:
    """Return the job that this Idempotency-Key already made, if any; raises ``IdempotencyConflict``."""
    if not idempotency_key:
        return None
    try:
        key = Key.get(_idempotency_hash(user_id, idempotency_key), consistent_read=True)
    except DoesNotExist:
        return None
    if key.fingerprint != fingerprint:
        raise IdempotencyConflict(
            "This Idempotency-Key was used for a different request.",
            hint="Send a new key, or repeat the first request unchanged.",
        )
    return get(key.job_id)


def claim(job_id: str, worker: str) -> Job | None:
    """Take a job that is PENDING and due, or RUNNING with a lease that ran out. None: not ours to do."""
    job = get(job_id)
    moment = time.time()
    if job.status == "RUNNING" and (job.lease_until or 0) < moment:
        return claim(job_id, worker) if _release_expired(job) else None
    waits = job.next_retry_at and job.next_retry_at > now()
    if job.status != "PENDING" or job.cancel_requested or waits:
        return None
    moved = move(
        job,
        "RUNNING",
        [
            Job.attempt.set(job.attempt + 1),
            Job.started_at.set(now()),
            Job.lease_owner.set(worker),
            Job.lease_until.set(moment + LEASE_S),
            Job.due_at.set(moment + LEASE_S),
            Job.next_retry_at.remove(),
            Job.error.remove(),
        ],
        condition=(Job.attempt == job.attempt) & (Job.cancel_requested == False),  # noqa: E712  (an expression)
    )
    if not moved:
        return None
    record(job, "started", f"Attempt {job.attempt} of {job.max_attempts} started.")
    return job


def renew(job: Job, progress: dict[str, Any] | None = None) -> None:
    """Extend the lease and show the progress; raises ``LeaseLost`` or ``Cancelled``."""
    until = time.time() + LEASE_S
    actions: list[Action] = [Job.lease_until.set(until), Job.due_at.set(until)]
    if progress is not None:
        actions.append(Job.progress.set(progress))
    held(job, actions)
    if job.cancel_requested:
        raise Cancelled


def note(job: Job, **facts: Any) -> None:
    """Write facts found on the way (``raw_path``, ``sha256`` ...) while holding the lease."""
    held(job, [getattr(Job, name).set(value) for name, value in facts.items()])


def begin_publishing(job: Job) -> None:
    """Pass the fence before the output becomes visible: still ours, not cancelled, safe from a takeover."""
    until = time.time() + 5 * LEASE_S
    held(
        job,
        [Job.lease_until.set(until), Job.due_at.set(until)],
        condition=Job.cancel_requested == False,  # noqa: E712  (an expression)
        refused=Cancelled,
    )


def succeed(job: Job, **facts: Any) -> None:
    """Move RUNNING → SUCCESS with what the load produced; raises ``LeaseLost``."""
    rows = facts.get("rows") or {}
    finished = now()
    seconds = (finished - (job.started_at or finished)).total_seconds()
    moved = move(
        job,
        "SUCCESS",
        [getattr(Job, name).set(value) for name, value in facts.items()]
        + [Job.finished_at.set(finished), *_unwatched()],
        condition=Job.lease_owner == job.lease_owner,
        figures={
            "rows": rows.get("loaded", 0),
            "bytes_in": job.raw_bytes or 0,
            "seconds": seconds,
        },
    )
    if not moved:
        raise LeaseLost
    metrics.ended(job, seconds=seconds, rows=rows.get("loaded", 0))
    record(
        job,
        "succeeded",
        f"{rows.get('loaded', 0)} rows of {rows.get('read', 0)} read are in {job.output_path}."
        if job.output_path
        else "There was nothing new to load.",
        data={"rows": rows},
    )


def fail(job: Job, error: DataBridgeError) -> None:
    """End an attempt: back to PENDING with a time for the next one if a retry can cure it, else FAILED."""
    told = {
        "code": error.code,
        "message": error.what,
        "hint": error.hint,
        "retryable": error.retryable,
        "place": error.place.as_dict() if error.place else None,
    }
    if error.retryable and job.attempt < job.max_attempts:
        wait = BACKOFF_S[min(int(job.attempt), len(BACKOFF_S)) - 1] * random.uniform(0.75, 1.25)  # noqa: S311
        _again(job, told, seconds=wait)
        return
    _withdraw(job)  # it may be published when only the record failed
    moved = move(
        job,
        "FAILED",
        [Job.error.set(told), Job.finished_at.set(now()), *_unwatched()],
        condition=Job.lease_owner == job.lease_owner,
    )
    if not moved:
        raise LeaseLost
    metrics.ended(job, code=error.code)
    record(job, "failed", f"{error.code}: {error}", level="error", data={"error": told})


def cancelled(job: Job) -> None:
    """Move RUNNING → CANCELLED, by the worker that was asked to stop."""
    _withdraw(job)
    if not move(
        job,
        "CANCELLED",
        [Job.finished_at.set(now()), *_unwatched()],
        condition=Job.lease_owner == job.lease_owner,
    ):
        raise LeaseLost
    metrics.ended(job)
    record(job, "cancelled", "Stopped. No output was published.")


def cancel(job_id: str, by: str, also: Also | None = None) -> Job:
    """Stop a job: at once when it waits, within seconds when it runs; raises ``JobMoveRefused``.

    ``also`` is written in the same transaction.
    """
    job = get(job_id)

    def write(transaction: TransactWrite) -> None:
        waits_or_runs = Job.status.is_in("PENDING", "RUNNING")
        transaction.update(job, actions=[Job.cancel_requested.set(True)], condition=waits_or_runs)
        if also is not None:
            also(transaction)

    if not transact(write):
        raise JobMoveRefused(
            f"The job is {get(job_id).status}, so there is nothing to cancel.", hint="Reload the page."
        )
    job.refresh(consistent_read=True)
    record(job, "cancelling", f"{by} asked to stop the job.")
    if job.status == "PENDING":
        _end_waiting(job)
    return job


def retry(job_id: str, by: str, also: Also | None = None) -> Job:
    """Move FAILED or CANCELLED → PENDING for a new round of attempts; raises ``JobMoveRefused``.

    ``also`` is written in the same transaction.
    """
    job = get(job_id)
    if job.status not in {"FAILED", "CANCELLED"} or not move(
        job,
        "PENDING",
        [
            Job.max_attempts.set(job.attempt + ATTEMPTS),
            Job.cancel_requested.set(False),
            Job.watch.set(WATCHED),
            Job.due_at.set(time.time() + CLAIM_WITHIN_S),
            Job.finished_at.remove(),
            Job.progress.remove(),
            Job.error.remove(),
        ],
        also=also,
    ):
        raise JobMoveRefused(
            f"The job is {get(job_id).status}, so it cannot be retried.",
            hint="Only a FAILED or CANCELLED job can; reload the page.",
        )
    record(job, "retried", f"Sent again by {by}.")
    return job


def sweep(dispatch: Callable[[str], None], limit: int = 500) -> int:
    """Look after unfinished jobs that are overdue: send them again, or end those out of attempts.

    Finds jobs never claimed, retries whose time has come and leases that ran out. Returns how many.
    """
    overdue = Job.due.query(WATCHED, Job.due_at < time.time(), limit=limit)
    found = 0
    for entry in overdue:
        job = get(entry.job_id)
        if job.status in FINISHED or (job.due_at or 0) > time.time():
            continue  # the index lags behind the table
        found += 1
        if job.status == "RUNNING" and not _release_expired(job):
            continue
        if job.cancel_requested:
            _end_waiting(job)
        elif job.status == "PENDING":
            _touch(job)
            dispatch(job.job_id)
    return found


# ---- content loaded once -------------------------------------------------------------------------


def reserve_content(job: Job, sha256: str) -> str | None:
    """Claim a content for a dataset; return the id of another job that has loaded or is loading it.

    A reservation whose job ended without loading passes to this job.
    """
    key = f"content#{job.dataset}#{sha256}"
    holder = Key(key=key, job_id=job.job_id)
    try:
        holder.save(condition=Key.key.does_not_exist() | (Key.job_id == job.job_id))
    except PutError as error:
        if error.cause_response_code != CONDITION_FAILED:
            raise unavailable(error) from error
    else:
        return None
    first = Key.get(key, consistent_read=True).job_id
    try:
        if get(first).status not in {"FAILED", "CANCELLED"}:
            return first
        holder.save(condition=Key.job_id == first)
    except JobMissing:
        holder.save(condition=Key.job_id == first)
    except PutError:
        return Key.get(key, consistent_read=True).job_id
    return None


# ---- pieces of the moves --------------------------------------------------------------------------


def _again(job: Job, told: dict[str, Any], *, seconds: float) -> None:
    moment = now() + timedelta(seconds=seconds)
    moved = move(
        job,
        "PENDING",
        [
            Job.error.set(told),
            Job.next_retry_at.set(moment),
            Job.due_at.set(moment.timestamp()),
            Job.lease_owner.remove(),
            Job.lease_until.remove(),
        ],
        condition=Job.lease_owner == job.lease_owner,
    )
    if not moved:
        raise LeaseLost
    record(
        job,
        "retrying",
        f"{told['code']}: {told['message']} Next try at {moment:%H:%M:%S} UTC.",
        level="warning",
        data={"error": told},
    )


def _withdraw(job: Job) -> None:
    """Remove what the job may have published; only who holds the lease may, or a success could lose its rows."""
    until = time.time() + LEASE_S
    held(job, [Job.lease_until.set(until), Job.due_at.set(until)])
    lake.delete(lake.parquet_key(job))


def _end_waiting(job: Job) -> None:
    """Move PENDING → CANCELLED. Nobody claims a job whose cancelling was asked for, so its output can go first."""
    lake.delete(lake.parquet_key(job))
    if move(job, "CANCELLED", [Job.finished_at.set(now()), Job.next_retry_at.remove(), *_unwatched()]):
        metrics.ended(job)
        record(job, "cancelled", "Cancelled before an attempt ran. No output is published.")


def _release_expired(job: Job) -> bool:
    """Take a job from a worker whose lease ran out: back to PENDING, or ended when attempts are used up."""
    if not _seized(job):
        return False
    if job.cancel_requested:
        cancelled(job)
        return False
    if job.attempt >= job.max_attempts:
        fail(
            job,
            WorkerLost(
                f"The worker stopped without a word {job.attempt} times.",
                hint="Retry once; if it recurs, the file may need more memory or time than a worker has.",
            ),
        )
        return False
    moved = move(
        job,
        "PENDING",
        [Job.due_at.set(time.time()), Job.lease_owner.remove(), Job.lease_until.remove()],
        condition=Job.lease_owner == job.lease_owner,
    )
    if moved:
        record(job, "recovered", "The worker stopped without a word; the job is sent again.", level="warning")
    return moved


def _seized(job: Job) -> bool:
    """Take over a lease that ran out; False when its worker, or another rescuer, was quicker."""
    until = time.time() + LEASE_S
    try:
        job.update(
            [Job.lease_owner.set(f"rescue-{uuid.uuid4().hex}"), Job.lease_until.set(until), Job.due_at.set(until)],
            condition=(Job.status == "RUNNING") & (Job.lease_until < time.time()) & (Job.attempt == job.attempt),
        )
    except UpdateError as error:
        if error.cause_response_code != CONDITION_FAILED:
            raise unavailable(error) from error
        return False
    return True


def _touch(job: Job) -> None:
    """Give the new delivery time to arrive before the sweep sends it again."""
    try:
        job.update([Job.due_at.set(time.time() + CLAIM_WITHIN_S)], condition=Job.status == "PENDING")
    except UpdateError as error:
        if error.cause_response_code != CONDITION_FAILED:
            raise unavailable(error) from error


def _unwatched() -> list[Action]:
    return [Job.watch.remove(), Job.due_at.remove(), Job.lease_owner.remove(), Job.lease_until.remove()]


def _idempotency_hash(user_id: str, key: str) -> str:
    return "request#" + hashlib.sha256(f"{user_id}\0{key}".encode()).hexdigest()


def _raise_conflict(job: Job) -> Job:
    raise StoreUnavailable(f"The job {job.job_id} could not be recorded.", hint="Send the request again.")
