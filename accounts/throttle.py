"""How often an account or an address may try to sign in, counted in DynamoDB so that all instances share it."""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from pynamodb.exceptions import PynamoDBException

from accounts.cognito import FurtherStep
from accounts.store import Throttle
from ingestion.errors import DataBridgeError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

WINDOW_S = 300
TRIES = {"account": 10, "address": 100}
# A refusal takes at least this long, so that its time does not tell an unknown account from a wrong password.
REFUSAL_S = 0.35


class TooManyTries(DataBridgeError):
    """The same account or address tried too often."""

    code: ClassVar[str] = "TOO_MANY_REQUESTS"
    http_status: ClassVar[int] = 429


@contextmanager
def guessing(account: str, address: str) -> Iterator[None]:
    """Count a try to prove who one is, and take it back when it succeeds: only failures add up.

    Counted before the try, so that many at once cannot slip through together. Raises ``TooManyTries``; a refusal
    from within is passed on no sooner than ``REFUSAL_S`` after the beginning.
    """
    began = time.monotonic()
    entries = _count(account, address)
    try:
        yield
    except FurtherStep:  # the password was right
        _take_back(entries)
        raise
    except DataBridgeError:
        rest(began)
        raise
    _take_back(entries)


def asking(account: str, address: str) -> None:
    """Count a request for a code, whatever comes of it; raises ``TooManyTries``."""
    _count(f"code#{account}", address)


def rest(began: float) -> None:
    """Wait until ``REFUSAL_S`` have passed since ``began`` (monotonic seconds)."""
    time.sleep(max(0, REFUSAL_S - (time.monotonic() - began)))


def _count(account: str, address: str) -> list[Throttle]:
    named = (("account", account.strip().lower()), ("address", address))
    try:
        return [_counted(kind, name, time.time()) for kind, name in named]
    except PynamoDBException as error:
        raise StoreUnavailable("Sign-in is out of reach.", hint="Try again in a minute.") from error


def _counted(kind: str, name: str, moment: float) -> Throttle:
    """Count in a window that slides: of the fixed one before, the part that still lies within counts."""
    window, since = divmod(moment, WINDOW_S)
    ends = datetime.fromtimestamp((window + 1) * WINDOW_S, UTC)
    entry = Throttle(_key(kind, name, window))
    entry.update([Throttle.tries.add(1), Throttle.expires_at.set(ends + timedelta(seconds=WINDOW_S))])
    before = next(iter(Throttle.batch_get([_key(kind, name, window - 1)])), None)
    earlier = before.tries if before else 0
    if entry.tries + earlier * (1 - since / WINDOW_S) > TRIES[kind]:
        raise TooManyTries("There were too many tries.", hint=f"Try again after {ends:%H:%M:%S} UTC.")
    return entry


def _key(kind: str, name: str, window: float) -> str:
    return hashlib.sha256(f"{kind}#{name}#{window:.0f}".encode()).hexdigest()


def _take_back(entries: list[Throttle]) -> None:
    for entry in entries:
        entry.update([Throttle.tries.add(-1)])
