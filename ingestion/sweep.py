"""What nobody finished: jobs never claimed, retries that are due, leases that ran out, uploads left behind."""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from ingestion import lake, lifecycle, metrics, staging, uploads
from ingestion.errors import DataBridgeError, JobMissing, WorkerLost
from ingestion.models import WATCHED, Job
from ingestion.moves import LeaseLost, Line, move, now, updated

if TYPE_CHECKING:
    from collections.abc import Callable

UPLOAD_WITHIN_S = 24 * 3600
LOOKED_AT = 200
logger = logging.getLogger(__name__)


class _Dispatch(Protocol):
    def __call__(self, job_id: str, /) -> object: ...


@dataclass(slots=True)
class Swept:
    """How many jobs were sent to a worker, ended or put back, and how many uploads were finished or dropped."""

    sent: int = 0
    taken_back: int = 0
    ended: int = 0
    uploads: int = 0


def sweep(dispatch: _Dispatch, limit: int = 500) -> Swept:
    """Look after everything that is overdue; what fails for one job is logged and does not keep the others waiting."""
    swept = Swept()
    for entry in Job.due.query(WATCHED, Job.due_at < time.time(), limit=limit):
        _alone(partial(_look_after, entry.job_id, dispatch, swept), entry.job_id)
    _alone(partial(_finish_uploads, dispatch, swept), "uploads")
    _alone(partial(_drop_uploads, swept), "multipart uploads")
    _alone(_tell_how_long_jobs_wait, "the longest wait")
    return swept


def _tell_how_long_jobs_wait() -> None:
    """Send how long the job waits that no worker has taken for the longest time; 0 where none waits."""
    moment = now()
    waiting = Job.by_status.query("PENDING", limit=LOOKED_AT)  # the oldest jobs first
    waits = [(moment - job.waiting_since).total_seconds() for job in waiting if job.waiting_since]
    metrics.waiting(max([0.0, *waits]))


def _alone(work: Callable[[], None], what: str) -> None:
    try:
        work()
    except LeaseLost:
        logger.info("somebody else was quicker", extra={"job_id": what})
    except (DataBridgeError, PynamoDBException, BotoCoreError, ClientError):
        logger.exception("the sweep could not look after this; the next one will", extra={"job_id": what})


# ---- jobs ----------------------------------------------------------------------------------------


def _look_after(job_id: str, dispatch: _Dispatch, swept: Swept) -> None:
    job = lifecycle.get(job_id)
    if job.status in lifecycle.FINISHED or (job.due_at or 0) > time.time():
        return  # the index lags behind the table
    if job.status == "RUNNING":
        if not _seized(job):
            return
        if not _take_back(job):
            swept.ended += 1
            return
        swept.taken_back += 1
    if job.cancel_requested:
        lifecycle.end_waiting(job)
        swept.ended += 1
    # the new delivery gets time to arrive before the sweep sends it again
    elif updated(job, [Job.due_at.set(time.time() + lifecycle.CLAIM_WITHIN_S)], Job.status == "PENDING"):
        dispatch(job_id)
        swept.sent += 1


def _seized(job: Job) -> bool:
    """Take over a lease that ran out; False when its worker, or another sweep, was quicker."""
    until, rescuer = time.time() + lifecycle.LEASE_S, f"sweep-{uuid.uuid4().hex}"
    actions = [Job.lease_owner.set(rescuer), Job.lease_until.set(until), Job.due_at.set(until)]
    expired = (Job.status == "RUNNING") & (Job.lease_until < time.time()) & (Job.attempt == job.attempt)
    if updated(job, actions, expired):
        return True
    job.refresh(consistent_read=True)
    return bool(job.lease_owner == rescuer)  # it was written, and only the answer was lost


def _take_back(job: Job) -> bool:
    """Put a seized job back to PENDING; False when it ended instead: cancelled, or out of attempts."""
    lifecycle.disarm(job)
    if job.cancel_requested:
        lifecycle.cancelled(job)
        return False
    if job.attempt >= job.max_attempts:
        lifecycle.fail(
            job,
            WorkerLost(
                f"The worker stopped without a word in attempt {job.attempt}, the last one.",
                hint="Retry once; if it recurs, the file may need more memory or time than a worker has.",
            ),
        )
        return False
    moved = move(
        job,
        "PENDING",
        [
            Job.due_at.set(time.time()),
            Job.waiting_since.set(now()),
            Job.lease_owner.remove(),
            Job.lease_until.remove(),
            Job.fence_upload.remove(),
        ],
        condition=Job.lease_owner == job.lease_owner,
        line=Line(
            stage="recovered",
            level="warning",
            message=f"The worker of attempt {job.attempt} of {job.max_attempts} stopped without a word: killed, out of "
            "memory or out of time. Whatever it had not finished is dropped, and the job is sent to another worker.",
        ),
    )
    if not moved:
        raise LeaseLost
    return True


# ---- uploads -------------------------------------------------------------------------------------


def _finish_uploads(dispatch: _Dispatch, swept: Swept) -> None:
    """Make the job of a resumable upload whose sender vanished after the last chunk; end those that expired."""
    swept.uploads += uploads.sweep(dispatch)


def _drop_uploads(swept: Swept) -> None:
    """Abort multipart uploads whose job has ended, or never came to be and is a day old."""
    for key, upload_id in staging.unfinished_uploads():
        job_id = lake.job_of(key)
        if job_id and _is_over(job_id):
            staging.abort_upload(key, upload_id)
            swept.uploads += 1
            logger.info("unfinished upload dropped", extra={"job_id": job_id, "key": key})


def _is_over(job_id: uuid.UUID) -> bool:
    try:
        return lifecycle.get(str(job_id)).status in lifecycle.FINISHED
    except JobMissing:
        return time.time() - (job_id.int >> 80) / 1000 > UPLOAD_WITHIN_S  # a UUIDv7 begins with its milliseconds
