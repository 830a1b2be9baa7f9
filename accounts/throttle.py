"""A count of tries per key and window, kept in DynamoDB so that all instances share it."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from typing import ClassVar

from accounts.store import Throttle
from ingestion.errors import DataBridgeError


class TooManyTries(DataBridgeError):
    """The same account or address tried too often."""

    code: ClassVar[str] = "TOO_MANY_REQUESTS"
    http_status: ClassVar[int] = 429


def check(kind: str, name: str, *, tries: int, window_s: int) -> None:
    """Count one try; raises ``TooManyTries`` when there were more than ``tries`` in this window."""
    window = int(time.time()) // window_s
    key = hashlib.sha256(f"{kind}#{name}#{window}".encode()).hexdigest()
    entry = Throttle(key)
    ends = datetime.fromtimestamp((window + 1) * window_s, UTC)
    entry.update([Throttle.tries.add(1), Throttle.expires_at.set(ends)])
    if entry.tries > tries:
        raise TooManyTries("There were too many tries.", hint=f"Try again after {ends:%H:%M:%S} UTC.")
