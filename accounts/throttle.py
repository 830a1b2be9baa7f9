"""How often an account or an address may try to sign in, counted in DynamoDB so that all instances share it."""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from accounts.store import Throttle
from ingestion.errors import DataBridgeError

if TYPE_CHECKING:
    from collections.abc import Iterator

WINDOW_S = 300
TRIES = {"account": 10, "address": 100}


class TooManyTries(DataBridgeError):
    """The same account or address tried too often."""

    code: ClassVar[str] = "TOO_MANY_REQUESTS"
    http_status: ClassVar[int] = 429


@contextmanager
def sign_in_of(account: str, address: str) -> Iterator[None]:
    """Count a try, and take it back when it succeeds: only failures add up. Raises ``TooManyTries``.

    Counted before the try, so that many at once cannot slip through together.
    """
    window = int(time.time()) // WINDOW_S
    entries = [_counted(kind, name, window) for kind, name in (("account", account.lower()), ("address", address))]
    yield
    for entry in entries:
        entry.update([Throttle.tries.add(-1)])


def _counted(kind: str, name: str, window: int) -> Throttle:
    entry = Throttle(hashlib.sha256(f"{kind}#{name}#{window}".encode()).hexdigest())
    ends = datetime.fromtimestamp((window + 1) * WINDOW_S, UTC)
    entry.update([Throttle.tries.add(1), Throttle.expires_at.set(ends)])
    if entry.tries > TRIES[kind]:
        raise TooManyTries("There were too many tries.", hint=f"Try again after {ends:%H:%M:%S} UTC.")
    return entry
