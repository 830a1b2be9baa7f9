"""Go on after a cut: the same file from the byte where it stopped, within the time limit."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ingestion.sources.errors import (
    SourceBusy,
    SourceChanged,
    SourceError,
    SourceTimeout,
    SourceTooLarge,
    SourceTruncated,
    SourceUnreachable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestion.sources.base import Limits

T = TypeVar("T")

_PASSING = (SourceBusy, SourceTruncated, SourceUnreachable)
_LONGEST_PAUSE_S = 60.0


class Deadline:
    """The time by which a fetch must have ended."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ends = time.monotonic() + limits.deadline_s

    def check(self) -> None:
        """Raise ``SourceTimeout`` once the time is over: a server that drips bytes must not hold a worker."""
        if time.monotonic() > self._ends:
            raise SourceTimeout(
                f"The fetch takes longer than {self._limits.deadline_s:,.0f} seconds.",
                hint="Split the file, or ask for a higher limit.",
            )

    def pause(self, failures: int, error: SourceError) -> None:
        """Wait as long as the other side asks, else twice as long each time; raise the error if time is short."""
        asked = error.retry_after_s if isinstance(error, SourceBusy) else None
        doubled = min(self._limits.backoff_s * 2 ** (failures - 1), _LONGEST_PAUSE_S)
        wait_s = asked if asked is not None else doubled * random.uniform(0.5, 1.0)  # noqa: S311  (jitter, no secret)
        if time.monotonic() + wait_s > self._ends:
            raise error
        time.sleep(wait_s)


def patiently(call: Callable[[], T], limits: Limits, deadline: Deadline) -> T:
    """Call, again while the other side is busy; other errors and the last one are raised.

    A refused connection is not waited for here: the job's own attempts do that, where a person sees them.
    """
    failures = 0
    while True:
        try:
            return call()
        except SourceBusy as error:
            failures += 1
            if failures > limits.max_failures:
                raise
            deadline.pause(failures, error)


def resuming(
    begin: Callable[[int], Iterator[bytes]], *, size: int | None, limits: Limits, deadline: Deadline
) -> Iterator[bytes]:
    """Yield the bytes of ``begin(offset)``, which is called again with the next offset after every cut.

    ``begin`` answers for giving the same file; it raises ``SourceChanged`` if it cannot. Raises
    ``SourceTooLarge`` beyond the limit and ``SourceTruncated`` short of ``size``.
    """
    done = failures = 0
    while True:
        before = done
        try:
            for chunk in begin(done):
                done += len(chunk)
                _refuse_excess(done, size, limits)
                deadline.check()
                yield chunk
            if size is None or done == size:
                return
            raise SourceTruncated(f"{done:,} of {size:,} announced bytes came.", hint="It is tried again.")
        except _PASSING as error:
            failures = 1 if done > before else failures + 1
            if failures > limits.max_failures:
                raise
            deadline.check()
            deadline.pause(failures, error)


def bounded(chunks: Iterator[bytes], *, size: int | None, limits: Limits, deadline: Deadline) -> Iterator[bytes]:
    """Yield the bytes of a transfer that cannot go on after a cut; same errors as ``resuming``."""
    return resuming(lambda _: chunks, size=size, limits=replace(limits, max_failures=0), deadline=deadline)


def _refuse_excess(done: int, size: int | None, limits: Limits) -> None:
    if done > limits.max_bytes:
        raise SourceTooLarge(
            f"The file is larger than {limits.max_bytes:,} bytes.", hint="Split it, or ask for a higher limit."
        )
    if size is not None and done > size:
        raise SourceChanged(
            f"More than the {size:,} announced bytes came.", hint="Somebody writes the file; it is tried again."
        )
