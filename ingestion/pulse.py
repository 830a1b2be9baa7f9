"""A worker's sign of life: progress at most once a second, a lease that is renewed, an ear for "stop"."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pynamodb.exceptions import PynamoDBException

from ingestion import lifecycle
from ingestion.errors import DataBridgeError
from ingestion.moves import LeaseLost, now

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestion.conversion.values import Progress
    from ingestion.models import Job

logger = logging.getLogger(__name__)

PROGRESS_EVERY_S = 1.0
LISTEN_EVERY_S = 2.0
LIMIT_S = 14 * 60  # Lambda ends a function after 15 minutes, and then nobody could say why


class TooLong(DataBridgeError):
    """The attempt took longer than a worker may run."""

    code: ClassVar[str] = "TIME_LIMIT"


class Stages:
    """What each stage of an attempt took: seconds, and the bytes and rows it came to. A stage may come again."""

    def __init__(self) -> None:
        """Begin before the first one."""
        self.last: dict[str, Any] = {}
        self._since = time.monotonic()
        self._found: dict[str, dict[str, Any]] = {}

    def at(self, moment: float, now_at: dict[str, Any]) -> None:
        """Note where the attempt stands; the time since the last note belongs to the stage of that one."""
        self._add(moment)
        self.last = now_at
        stage = self._found.setdefault(now_at["stage"], {"seconds": 0.0, "bytes": 0, "rows": 0})
        stage |= {"bytes": now_at["bytes"] or stage["bytes"], "rows": now_at["rows"] or stage["rows"]}

    def told(self) -> dict[str, dict[str, Any]]:
        """Return the stages in the order they began."""
        self._add(time.monotonic())
        return {name: {**found, "seconds": round(found["seconds"], 3)} for name, found in self._found.items()}

    def _add(self, moment: float) -> None:
        if self.last:
            self._found[self.last["stage"]]["seconds"] += moment - self._since
        self._since = moment


class Pulse:
    """Shows progress and renews the lease as the attempt goes on; raises in it when it has to stop.

    A thread does the same while a step is silent for long, such as a large workbook that is read by one call. It
    ends the job itself when a person asked to stop or the time is up; the attempt finds out at its next step, and
    can publish nothing meanwhile.
    """

    def __init__(self, job: Job) -> None:
        """Begin with the attempt."""
        self._job = job
        self._began = self._renewed = self._heard = time.monotonic()
        self._next = 0.0
        self._stopped = False
        self._stages = Stages()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        """Start to listen."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stop; afterwards nothing but the caller touches the job. What failed is shown where it failed."""
        self._done.set()
        self._thread.join()
        if kind is not None and issubclass(kind, DataBridgeError) and self._stages.last:
            with suppress(DataBridgeError, PynamoDBException):  # the error itself is more than where it happened
                lifecycle.note(self._job, progress=self.progress())

    def progress(self, stage: str = "") -> dict[str, Any]:
        """Return where the attempt stands and what each stage so far took, as a job keeps it."""
        return {**self._stages.last, **({"stage": stage} if stage else {}), "stages": self._stages.told()}

    def beat(self, stage: str, done: int, total: float | None, rows: int) -> None:
        """Report where the attempt stands; raises ``Cancelled``, ``LeaseLost`` or ``TooLong``."""
        if self._stopped:
            raise LeaseLost
        moment = time.monotonic()
        self._stages.at(moment, {"stage": stage, "bytes": done, "bytes_total": total, "rows": rows})
        if moment - self._began > LIMIT_S:
            raise too_long()
        if moment < self._next:
            return
        self._next = moment + PROGRESS_EVERY_S
        lifecycle.renew(self._job, {**self.progress(), "at": now().isoformat()})
        self._renewed = self._heard = moment

    def bytes_of(self, stage: str, total: float | None) -> Callable[[int], None]:
        """Return a listener for a transfer's byte count."""
        return lambda done: self.beat(stage, done, total, 0)

    def conversion(self, progress: Progress) -> None:
        """Listen to the conversion core."""
        self.beat(progress.stage, progress.bytes_done, progress.bytes_total, progress.rows)

    def _listen(self) -> None:
        while not self._done.wait(LISTEN_EVERY_S):
            if time.monotonic() - self._heard < LISTEN_EVERY_S:
                continue
            try:
                if self._is_over():
                    self._stopped = True
                    return
            except LeaseLost:
                self._stopped = True
                return
            except (DataBridgeError, PynamoDBException):
                logger.warning("the job could not be looked at this time", extra={"job_id": self._job.job_id})

    def _is_over(self) -> bool:
        """Look at the job in place of a silent attempt; end it when it has to end, else renew its lease in time."""
        own = lifecycle.get(self._job.job_id)  # the other thread's copy is the other thread's
        if own.status != "RUNNING" or own.lease_owner != self._job.lease_owner:
            raise LeaseLost
        moment = time.monotonic()
        if own.cancel_requested and not lifecycle.is_publishing(own):
            lifecycle.cancelled(own)
            return True
        if moment - self._began > LIMIT_S and not lifecycle.is_publishing(own):
            lifecycle.fail(own, too_long())
            return True
        if moment - self._renewed > lifecycle.LEASE_S / 4:
            lifecycle.renew(own)
            self._renewed = moment
        self._heard = moment
        return False


def too_long() -> TooLong:
    """Return the error of an attempt that took longer than a worker may run."""
    return TooLong(
        f"The attempt was not done after {LIMIT_S // 60} minutes, which is all that a worker has.",
        hint="Split the file, for example by month, and load the parts.",
    )
