"""How a job's move is written: one DynamoDB transaction for state and figures, and a line in its log."""

from __future__ import annotations

import logging
import random
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pynamodb.exceptions import PynamoDBException, TransactWriteError, UpdateError
from pynamodb.transactions import TransactWrite

from ingestion.errors import StoreUnavailable
from ingestion.models import Counter, Job, JobEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pynamodb.expressions.condition import Condition
    from pynamodb.expressions.update import Action

    # what else a transaction writes, so that the two cannot come apart
    Also = Callable[[TransactWrite], None]

logger = logging.getLogger(__name__)

EVENTS_KEPT = timedelta(days=90)
SHARDS = 8
_TRIES, _CONFLICT_TRIES = 3, 12
CONDITION_FAILED = "ConditionalCheckFailedException"


class LeaseLost(Exception):
    """Another worker has the job now, or a person ended it; stop without a trace."""


class Cancelled(Exception):
    """A person asked to stop the job."""


def now() -> datetime:
    """Return the present, aware and in UTC."""
    return datetime.now(UTC)


def record(job: Job, stage: str, message: str, *, level: str = "info", data: Any = None) -> None:
    """Add a line to the job's log and to the process's structured log."""
    moment = now()
    event = JobEvent(
        job_id=job.job_id,
        seq=f"{moment.timestamp():017.6f}-{random.getrandbits(24):06x}",
        at=moment,
        level=level,
        stage=stage,
        message=message,
        data=data or {},
        expires_at=EVENTS_KEPT,
    )
    try:
        event.save()
    except PynamoDBException:  # a line of the log is no reason to undo what it tells of
        logger.warning("this line is missing in the job's log", exc_info=True, extra={"job_id": job.job_id})
    logger.log(
        {"warning": logging.WARNING, "error": logging.ERROR}.get(level, logging.INFO),
        "%s: %s",
        stage,
        message,
        extra={"job_id": job.job_id, "stage": stage},
    )


def move(
    job: Job,
    to: str,
    actions: list[Action],
    *,
    condition: Condition | None = None,
    figures: dict[str, float] | None = None,
    also: Also | None = None,
) -> bool:
    """Move a job, its figures and what ``also`` adds in one transaction; False when the job had changed meanwhile."""
    was = job.status
    still = Job.status == was
    if condition is not None:
        still &= condition

    def write(transaction: TransactWrite) -> None:
        transaction.update(job, actions=[Job.status.set(to), *actions], condition=still)
        count(transaction, {was.lower(): -1, to.lower(): 1})
        count(transaction, {to.lower(): 1, **(figures or {})}, day=now())
        if also is not None:
            also(transaction)

    if not transact(write):
        return False
    job.refresh(consistent_read=True)
    logger.info("job moved", extra={"job_id": job.job_id, "from": was, "to": to})
    return True


def transact(write: Callable[[TransactWrite], None]) -> bool:
    """Run one transaction; False when a condition failed. Conflicts with neighbours are tried again."""
    token = uuid.uuid4().hex  # a call whose answer was lost and is sent again counts once
    for attempt in range(_CONFLICT_TRIES):
        try:
            # the models' own connection: a new one would read botocore's description of DynamoDB again
            connection = Job._get_connection().connection  # noqa: SLF001  (pynamodb has no public way to it)
            with TransactWrite(connection=connection, client_request_token=token) as transaction:
                write(transaction)
        except TransactWriteError as error:
            reasons = {reason.code for reason in error.cancellation_reasons if reason}
            if "ConditionalCheckFailed" in reasons:
                return False
            conflict = bool(reasons & {"TransactionConflict", "ThrottlingError"})
            if attempt == (_CONFLICT_TRIES if conflict else _TRIES) - 1:
                raise unavailable(error) from error
            time.sleep(random.uniform(0, 0.02 * 2 ** min(attempt, 6)))  # noqa: S311
        else:
            return True
    return False


def count(
    transaction: TransactWrite, amounts: Mapping[str, float], *, day: datetime | None = None, user: str = ""
) -> None:
    """Add to the figures of a day, or of the present, on one random shard."""
    shard = random.randrange(SHARDS)  # noqa: S311
    scope, key = ("day", f"{day:%Y-%m-%d}#{shard}") if day else ("now", f"#{shard}")
    actions: list[Action] = [getattr(Counter, name).add(amount) for name, amount in amounts.items() if amount]
    if user:
        actions.append(Counter.users.add({user}))
    if actions:
        transaction.update(Counter(scope, key), actions=actions)


def held(
    job: Job,
    actions: Iterable[Action],
    *,
    condition: Condition | None = None,
    refused: type[Exception] = LeaseLost,
) -> None:
    """Update a job only while this worker holds its lease."""
    mine = (Job.status == "RUNNING") & (Job.lease_owner == job.lease_owner)
    try:
        job.update(list(actions), condition=mine if condition is None else mine & condition)
    except UpdateError as error:
        if error.cause_response_code != CONDITION_FAILED:
            raise unavailable(error) from error
        present = Job.get(job.job_id, consistent_read=True)
        if present.status == "RUNNING" and present.lease_owner == job.lease_owner:
            raise refused from None
        raise LeaseLost from None


def unavailable(error: Exception) -> StoreUnavailable:
    """Log what DynamoDB said and return the error a caller raises: the same call may succeed later."""
    logger.warning("DynamoDB refused a call: %s", error)
    return StoreUnavailable("The job store did not answer as it should.", hint="Try again in a minute.")
