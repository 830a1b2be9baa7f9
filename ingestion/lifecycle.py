"""A job's states and the only ways between them, each one conditional write on DynamoDB.

::

    PENDING → RUNNING → SUCCESS | FAILED
    RUNNING → PENDING            a retryable error, or a lease that ran out, while attempts remain
    FAILED, CANCELLED → PENDING  a person's retry
    PENDING, RUNNING → CANCELLED

A worker holds a lease; who has lost it can no longer move the job. What it has sent to S3 it completes only after
the *fence*, a conditional write that names the upload; whoever takes the job over aborts that upload first, after
which S3 itself refuses to complete it. So two workers at once end in one result, however late one of them wakes up.
"""

from __future__ import annotations

import random
import time
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pynamodb.exceptions import DoesNotExist

from ingestion import lake, metrics, secrets, staging, story, words
from ingestion.errors import DataBridgeError, JobMissing, JobMoveRefused
from ingestion.models import WATCHED, Job
from ingestion.moves import NOT_CANCELLED, Cancelled, LeaseLost, Line, held, move, new_move_id, now, transact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pynamodb.expressions.update import Action
    from pynamodb.transactions import TransactWrite

    from ingestion.moves import Also

FINISHED = frozenset({"SUCCESS", "FAILED", "CANCELLED"})
ATTEMPTS = 3
LEASE_S = 60
CLAIM_WITHIN_S = 60
BACKOFF_S = (5, 20, 80)
LONGEST_WAIT_S = 3600
_PUBLISHED = "parquet/"


def get(job_id: str) -> Job:
    """Load a job as it is now; raises ``JobMissing``."""
    try:
        return Job.get(job_id, consistent_read=True)
    except DoesNotExist:
        raise JobMissing(f"There is no job {job_id}.", hint="Check the id in the list of jobs.") from None


# ---- what a worker does --------------------------------------------------------------------------


def claim(job_id: str, worker: str) -> Job | None:
    """Take a job that is PENDING and due. None: it is not, or another worker was quicker."""
    job = get(job_id)
    waits = job.next_retry_at and job.next_retry_at > now()
    if job.status != "PENDING" or job.cancel_requested or waits or job.approval:
        return None
    until = time.time() + LEASE_S
    attempt = int(job.attempt) + 1
    moved = move(
        job,
        "RUNNING",
        [
            Job.attempt.set(attempt),
            Job.started_at.set(now()),
            Job.lease_owner.set(worker),
            Job.lease_until.set(until),
            Job.due_at.set(until),
            Job.next_retry_at.remove(),
            Job.progress.remove(),
            Job.error.remove(),
        ],
        condition=(Job.attempt == job.attempt) & NOT_CANCELLED & Job.approval.does_not_exist(),
        line=Line(
            stage="started",
            message=f"A worker took the job{story.waited(job)}: attempt {attempt} of {job.max_attempts}.",
            data={"attempt": attempt},
        ),
    )
    return job if moved else None


def renew(job: Job, progress: Mapping[str, Any] | None = None) -> None:
    """Extend the lease and show the progress; raises ``LeaseLost`` or ``Cancelled``."""
    actions = _lease()
    if progress is not None:
        actions.append(Job.progress.set(dict(progress)))
    held(job, actions)
    if job.cancel_requested and not is_publishing(job):
        raise Cancelled


def note(job: Job, **facts: Any) -> None:
    """Write facts found on the way (``raw_path``, ``sha256`` ...) while holding the lease."""
    held(job, [getattr(Job, name).set(value) for name, value in facts.items()])


def pass_fence(job: Job, key: str, upload_id: str, **facts: Any) -> None:
    """Be allowed to complete an upload: still ours and not cancelled; raises ``LeaseLost`` or ``Cancelled``.

    ``facts`` are written with it, so that a raw object which is about to be there is known, whatever comes between.
    """
    allowed = [*_lease(), Job.fence_key.set(key), Job.fence_upload.set(upload_id)]
    told = [getattr(Job, name).set(value) for name, value in facts.items()]
    held(job, [*allowed, *told], unless_cancelled=True)


def is_publishing(job: Job) -> bool:
    """Whether the job's worker has passed the fence before its output."""
    return bool(job.fence_upload) and _may_be_visible(job)


def disarm(job: Job) -> None:
    """Settle what an earlier worker was allowed to complete: an output is aborted, the raw file is kept."""
    if job.fence_key and job.fence_upload:
        settle = staging.abort_upload if _may_be_visible(job) else staging.complete_upload
        settle(job.fence_key, job.fence_upload)


def take_over(job: Job) -> None:
    """Begin an attempt: an output that an earlier one may still be completing is aborted; raises ``LeaseLost``."""
    if is_publishing(job):
        disarm(job)
        held(job, [Job.fence_upload.remove()])


def forget_raw(job: Job) -> None:
    """Let the job have no raw object, where the one in its record is not in the lake; raises ``LeaseLost``."""
    held(job, [Job.raw_path.remove(), Job.raw_bytes.remove(), Job.sha256.remove(), Job.fence_upload.remove()])


def succeed(job: Job, also: Also | None = None, watch: str | None = None, **facts: Any) -> bool:
    """Move RUNNING → SUCCESS with what the load produced; raises ``LeaseLost``.

    ``watch`` is for what the job still needs attention. False when not the job's but one of ``also``'s conditions
    failed: then nothing is written.
    """
    rows = facts.get("rows") or {}
    finished = now()
    seconds = (finished - (job.started_at or finished)).total_seconds()
    _expire_secret(job)
    moved = move(
        job,
        "SUCCESS",
        [getattr(Job, name).set(value) for name, value in facts.items()] + ending(finished, watch),
        condition=Job.lease_owner == job.lease_owner,
        figures={"rows": rows.get("loaded", 0), "bytes_in": job.raw_bytes or 0, "seconds": seconds},
        also=also,
        line=Line(
            stage="succeeded",
            message=story.done(job, seconds, rows, facts.get("output_path")),
            data={"rows": rows},
        ),
    )
    if moved:
        metrics.ended(job, seconds=seconds, rows=rows.get("loaded", 0))
        return True
    present = get(job.job_id)
    if present.status != "RUNNING" or present.lease_owner != job.lease_owner:
        raise LeaseLost
    return False


def fail(job: Job, error: DataBridgeError) -> None:
    """End an attempt: back to PENDING with a time for the next one if a retry can cure it, else FAILED."""
    told = told_of(error)
    if error.retryable and job.attempt < job.max_attempts and try_again(job, told, _backoff(job, error)):
        return
    if get(job.job_id).cancel_requested:
        cancelled(job)
        return
    withdraw(job)
    _expire_secret(job)
    moved = move(
        job,
        "FAILED",
        [Job.error.set(told), *ending(now())],
        condition=Job.lease_owner == job.lease_owner,
        line=Line(
            stage="failed",
            level="error",
            message=f"{error} (Code {error.code}.) {story.why_no_more(job, error)} Nothing was loaded."
            + story.kept(job),
            data={"error": told},
        ),
    )
    if not moved:
        raise LeaseLost
    metrics.ended(job, code=error.code)


def told_of(error: DataBridgeError) -> dict[str, Any]:
    """Return an error as a job shows it."""
    return {
        "code": error.code,
        "message": error.what,
        "hint": error.hint,
        "retryable": error.retryable,
        "place": error.place.as_dict() if error.place else None,
        "job_id": getattr(error, "job_id", None),
    }


def try_again(job: Job, told: Mapping[str, Any], seconds: float, *, counts: bool = True) -> bool:
    """Move RUNNING → PENDING until a moment; False when a person asked to stop it meanwhile.

    An attempt that only waited for another job does not count.
    """
    moment = now() + timedelta(seconds=seconds)
    moved = move(
        job,
        "PENDING",
        [
            Job.error.set(dict(told)),
            Job.next_retry_at.set(moment),
            Job.waiting_since.set(moment),
            Job.due_at.set(moment.timestamp()),
            Job.attempt.set(job.attempt if counts else job.attempt - 1),
            Job.lease_owner.remove(),
            Job.lease_until.remove(),
        ],
        condition=(Job.lease_owner == job.lease_owner) & NOT_CANCELLED,
        line=Line(
            stage="retrying" if counts else "waiting",
            level="warning" if counts else "info",
            message=f"{told['message']} (Code {told['code']}.) "
            + (f"That was attempt {job.attempt} of {job.max_attempts}. " if counts else "")
            + f"Nothing needs to be done: the job tries again by itself in {words.seconds(seconds)}, at "
            f"{moment:%Y-%m-%d %H:%M:%S} UTC.",
            data={"error": dict(told), "next_retry_at": moment.isoformat()},
        ),
    )
    if moved:
        return True
    present = get(job.job_id)
    if present.status == "RUNNING" and present.lease_owner == job.lease_owner and present.cancel_requested:
        return False
    raise LeaseLost


def cancelled(job: Job) -> None:
    """Move RUNNING → CANCELLED, by the worker that was asked to stop, or in its place."""
    withdraw(job)
    _expire_secret(job)
    if not move(
        job,
        "CANCELLED",
        ending(now()),
        condition=Job.lease_owner == job.lease_owner,
        line=Line(stage="cancelled", message=f"The job was stopped. Nothing was loaded.{story.kept(job)}"),
    ):
        raise LeaseLost
    metrics.ended(job)


def withdraw(job: Job) -> None:
    """Take back what the job may have published; only who holds the lease may, or a success could lose its rows.

    The lease gets another name first: where a listening thread ends the job, its attempt can pass no fence any more.
    """
    held(job, [*_lease(), Job.lease_owner.set(f"ending-{uuid.uuid4().hex}")])
    disarm(job)
    if _may_be_visible(job):
        lake.delete(job.fence_key)


# ---- what a person does --------------------------------------------------------------------------


def cancel(job_id: str, by: str, also: Also | None = None) -> Job:
    """Stop a job: at once when it waits, within seconds when it runs; raises ``JobMoveRefused``.

    ``also`` is written in the same transaction.
    """
    job, move_id = get(job_id), new_move_id()
    line = Line(stage="cancelling", message=f"{by} asked to stop the job.")
    event = line.event(job_id)
    early = Job.fence_upload.does_not_exist() | ~Job.fence_key.startswith(_PUBLISHED) | (Job.status == "PENDING")
    requested: list[Action] = [Job.cancel_requested.set(True), Job.move_id.set(move_id)]

    def write(transaction: TransactWrite) -> None:
        transaction.update(job, actions=requested, condition=Job.status.is_in("PENDING", "RUNNING") & early)
        transaction.save(event)
        if also:
            also(transaction)

    if not transact(write, job_id=job_id, move_id=move_id):
        job = get(job_id)
        raise JobMoveRefused(
            "The job is publishing its output at this moment, too late to stop it."
            if job.status == "RUNNING"
            else f"The job is {job.status}, so there is nothing to cancel.",
            hint="Reload the page.",
        )
    line.log(job_id)
    job.refresh(consistent_read=True)
    if job.status == "PENDING":
        end_waiting(job)
    return job


def end_waiting(job: Job) -> None:
    """Move PENDING → CANCELLED. Nobody claims a job whose cancelling was asked for, so its output can go first."""
    disarm(job)
    if _may_be_visible(job):
        lake.delete(job.fence_key)
    _expire_secret(job)
    line = Line(stage="cancelled", message=f"The job was stopped while it waited. Nothing was loaded.{story.kept(job)}")
    if move(job, "CANCELLED", [Job.next_retry_at.remove(), *ending(now())], line=line):
        metrics.ended(job)


def retry(job_id: str, by: str, *, force: bool = False, accept_rejects: bool = False, also: Also | None = None) -> Job:
    """Move FAILED or CANCELLED → PENDING for a new round of attempts; raises ``JobMoveRefused``.

    With ``force`` the job loads its file even where the same bytes are in the dataset already; with
    ``accept_rejects`` however many rows are set aside. ``also`` is written in the same transaction.
    """
    job = get(job_id)
    if job.superseded_by:
        raise JobMoveRefused(
            f"Its rows were taken over by job {job.superseded_by}.", hint="Look at that job, or at the first one."
        )
    actions: list[Action] = [
        Job.max_attempts.set(job.attempt + ATTEMPTS),
        Job.cancel_requested.set(False),
        Job.watch.set(WATCHED),
        Job.due_at.set(time.time() + CLAIM_WITHIN_S),
        Job.waiting_since.set(now()),
        Job.finished_at.remove(),
        Job.progress.remove(),
        Job.error.remove(),
    ]
    options = {name: True for name, is_set in (("force", force), ("accept_rejects", accept_rejects)) if is_set}
    if options:
        actions.append(Job.options.set({**job.options, **options}))
    origin = "The kept file is used; nothing is fetched again." if job.raw_path else "The file is fetched anew."
    line = Line(
        stage="retried",
        message=f"{by} sent the job again{', to be loaded even if its file is loaded already' if force else ''}"
        f"{', and to set aside as many rows as are wrong' if accept_rejects else ''}. "
        f"{origin} The job waits for a worker.",
    )
    alone = Job.superseded_by.does_not_exist()
    if job.status not in FINISHED - {"SUCCESS"} or not move(
        job, "PENDING", actions, line=line, condition=alone, also=also
    ):
        raise JobMoveRefused(
            f"The job is {get(job_id).status}, so it cannot be retried.",
            hint="Only a FAILED or CANCELLED job can; reload the page.",
        )
    return job


# ---- pieces of the moves --------------------------------------------------------------------------


def _may_be_visible(job: Job) -> bool:
    """Whether some attempt of the job came so far that its output may be in the lake."""
    return (job.fence_key or "").startswith(_PUBLISHED)


def _expire_secret(job: Job) -> None:
    """Let what signs in at the source go some days after the end; before the move, as nobody would come back for it."""
    if job.source_has_secret:
        secrets.expire(job.job_id)


def _lease() -> list[Action]:
    until = time.time() + LEASE_S
    return [Job.lease_until.set(until), Job.due_at.set(until)]


def ending(moment: Any, watch: str | None = None) -> list[Action]:
    """Return what every end writes: no fence stands, and nobody watches the job but for what ``watch`` names."""
    gone = (Job.lease_owner, Job.lease_until, Job.fence_key, Job.fence_upload, Job.approval)
    watched = [Job.watch.set(watch), Job.due_at.set(moment.timestamp())] if watch else []
    unwatched = [] if watch else [Job.watch.remove(), Job.due_at.remove()]
    return [Job.finished_at.set(moment), *(attribute.remove() for attribute in gone), *watched, *unwatched]


def _backoff(job: Job, error: DataBridgeError) -> float:
    """Return the seconds until the next attempt: exponential with jitter, and never less than a source asked for."""
    wait = BACKOFF_S[min(int(job.attempt), len(BACKOFF_S)) - 1] * random.uniform(0.75, 1.25)  # noqa: S311
    return max(wait, min(float(getattr(error, "retry_after_s", None) or 0), LONGEST_WAIT_S))
