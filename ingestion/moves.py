"""How a job's move is written: state, figures and a line of the log in one DynamoDB transaction."""

from __future__ import annotations

import logging
import random
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pynamodb.exceptions import DoesNotExist, PynamoDBException, TransactWriteError, UpdateError
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
STEPS = {"day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H"}  # what figures are kept of, and how a key names it
_TRIES, _CONFLICT_TRIES = 3, 30
CONDITION_FAILED = "ConditionalCheckFailedException"
NOT_CANCELLED = Job.cancel_requested == False  # noqa: E712  (an expression)
_LEVELS = {"warning": logging.WARNING, "error": logging.ERROR}


class LeaseLost(Exception):
    """Another worker has the job now, or a person ended it; stop without a trace."""


class Cancelled(Exception):
    """A person asked to stop the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a job's log, as somebody reads it who has never seen the code."""

    stage: str
    message: str
    level: str = "info"
    data: Mapping[str, Any] = field(default_factory=dict)

    def event(self, job_id: str, *, at: datetime | None = None) -> JobEvent:
        """Return the record of the line, as of now or another moment, which orders it."""
        moment = at or now()
        return JobEvent(
            job_id=job_id,
            seq=f"{moment.timestamp():017.6f}-{random.getrandbits(24):06x}",
            at=moment,
            level=self.level,
            stage=self.stage,
            message=self.message,
            data=dict(self.data),
            expires_at=EVENTS_KEPT,
        )

    def log(self, job_id: str) -> None:
        """Send the line to the process's structured log too."""
        logger.log(
            _LEVELS.get(self.level, logging.INFO),
            "%s: %s",
            self.stage,
            self.message,
            extra={"job_id": job_id, "stage": self.stage, "facts": dict(self.data)},
        )


def now() -> datetime:
    """Return the present, aware and in UTC."""
    return datetime.now(UTC)


def record(job: Job, stage: str, message: str, *, level: str = "info", data: Mapping[str, Any] | None = None) -> None:
    """Add a line to the job's log that no move carries, such as what was fetched."""
    record_all(job, [Line(stage=stage, message=message, level=level, data=data or {})])


def record_all(job: Job, lines: list[Line]) -> None:
    """Add lines to the job's log, in their order, by as few calls as there can be."""
    begun = now()
    try:
        with JobEvent.batch_write() as batch:
            for place, line in enumerate(lines):
                batch.save(line.event(job.job_id, at=begun + timedelta(microseconds=place)))
    except PynamoDBException:  # a line of the log is no reason to undo what it tells of
        logger.warning("lines are missing in the job's log", exc_info=True, extra={"job_id": job.job_id})
    for line in lines:
        line.log(job.job_id)


def move(
    job: Job,
    to: str,
    actions: list[Action],
    *,
    line: Line,
    condition: Condition | None = None,
    figures: Mapping[str, float] | None = None,
    also: Also | None = None,
) -> bool:
    """Move a job, its figures and its log in one transaction; False when the job was no longer as it was loaded.

    ``also`` adds writes of the caller's to the transaction; False may then mean that one of theirs was refused.
    """
    was, move_id, moment = job.status, new_move_id(), now()
    still = Job.status == was
    if condition is not None:
        still &= condition
    event = line.event(job.job_id)

    def write(transaction: TransactWrite) -> None:
        transaction.update(job, actions=[Job.status.set(to), Job.move_id.set(move_id), *actions], condition=still)
        transaction.save(event)
        count(transaction, move_id, {was.lower(): -1, to.lower(): 1})
        count(transaction, move_id, {to.lower(): 1, **(figures or {})}, day=moment)
        if also:
            also(transaction)

    if not transact(write, job_id=job.job_id, move_id=move_id):
        return False
    job.refresh(consistent_read=True)
    logger.info("job moved", extra={"job_id": job.job_id, "from": was, "to": to})
    line.log(job.job_id)
    return True


def both(one: Also, two: Also) -> Also:
    """Return the writes of two."""

    def write(transaction: TransactWrite) -> None:
        one(transaction)
        two(transaction)

    return write


def transact(write: Callable[[TransactWrite], None], *, job_id: str = "", move_id: str = "") -> bool:
    """Run one transaction; False when a condition failed. Conflicts with neighbours are tried again.

    ``write`` must add the same each time: DynamoDB refuses a known token that comes with another content. A condition
    also fails when the transaction was written before and only its answer was lost; the move's id on the job tells,
    however long ago that was (DynamoDB itself remembers a token for ten minutes). What moves no job has no such id.
    """
    token = move_id or uuid.uuid4().hex
    for attempt in range(_CONFLICT_TRIES):
        try:
            # the models' own connection: a new one would read botocore's description of DynamoDB again
            connection = Job._get_connection().connection  # noqa: SLF001  (pynamodb has no public way to it)
            with TransactWrite(connection=connection, client_request_token=token) as transaction:
                write(transaction)
        except TransactWriteError as error:
            reasons = {reason.code for reason in error.cancellation_reasons if reason}
            if "ConditionalCheckFailed" in reasons:
                return bool(job_id) and _was_written(job_id, move_id)
            conflict = bool(reasons & {"TransactionConflict", "ThrottlingError"})
            if attempt == (_CONFLICT_TRIES if conflict else _TRIES) - 1:
                raise unavailable(error) from error
            time.sleep(random.uniform(0, 0.02 * 2 ** min(attempt, 6)))  # noqa: S311
        else:
            return True
    return False


def _was_written(job_id: str, move_id: str) -> bool:
    try:
        return Job.get(job_id, consistent_read=True).move_id == move_id
    except DoesNotExist:
        return False


def new_move_id() -> str:
    """Return an id for a move that is about to be written."""
    return uuid.uuid4().hex


def count(
    transaction: TransactWrite,
    move_id: str,
    amounts: Mapping[str, float],
    *,
    day: datetime | None = None,
    user: str = "",
) -> None:
    """Add to the figures of a moment's day and hour, or of the present, on the shard that the move's id falls to."""
    shard = int(move_id, 16) % SHARDS
    keys = [(scope, f"{day:{form}}#{shard}") for scope, form in STEPS.items()] if day else [("now", f"#{shard}")]
    for scope, key in keys:
        actions: list[Action] = [getattr(Counter, name).add(amount) for name, amount in amounts.items() if amount]
        if user and scope == "day":
            actions.append(Counter.users.add({user}))
        if actions:
            transaction.update(Counter(scope, key), actions=actions)


def held(job: Job, actions: Iterable[Action], *, unless_cancelled: bool = False) -> None:
    """Update a job only while this worker holds its lease; raises ``LeaseLost``, or ``Cancelled`` if that is asked."""
    mine = (Job.status == "RUNNING") & (Job.lease_owner == job.lease_owner)
    if updated(job, actions, mine & NOT_CANCELLED if unless_cancelled else mine):
        return
    present = Job.get(job.job_id, consistent_read=True)
    if present.status != "RUNNING" or present.lease_owner != job.lease_owner:
        raise LeaseLost
    if unless_cancelled and present.cancel_requested:
        raise Cancelled
    raise unavailable(RuntimeError("a condition failed that holds"))


def updated(job: Job, actions: Iterable[Action], condition: Condition) -> bool:
    """Update a job without moving it; False when the condition failed."""
    try:
        job.update(list(actions), condition=condition)
    except UpdateError as error:
        if is_condition_failed(error):
            return False
        raise unavailable(error) from error
    return True


def is_condition_failed(error: PynamoDBException) -> bool:
    """Tell whether a write was refused for its condition; PynamoDB's own way fails where no answer came."""
    answer = getattr(error.cause, "response", None) or {}
    return bool(answer.get("Error", {}).get("Code") == CONDITION_FAILED)


def unavailable(error: Exception) -> StoreUnavailable:
    """Log what DynamoDB said and return the error a caller raises: the same call may succeed later."""
    logger.warning("DynamoDB refused a call: %s", error)
    return StoreUnavailable("The job store did not answer as it should.", hint="Try again in a minute.")
