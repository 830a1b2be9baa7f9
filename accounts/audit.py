"""The audit log: who did what to what, from where and when, and what came of it. Rows are added, never changed.

A row cannot come apart from its action:

* an action that is a DynamoDB write carries its row in the same transaction (``beside``);
* an action elsewhere, at Cognito, is announced before it and concluded after it (``told``): one that was cut
  off between the two stays visible as ``unfinished``;
* what a request changed or was refused without any of these is noted by ``accounts.trail``.
"""

from __future__ import annotations

import heapq
import logging
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

import uuid6
from pynamodb.exceptions import PynamoDBException

from accounts.store import AuditEntry
from ingestion.errors import DataBridgeError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pynamodb.transactions import TransactWrite

logger = logging.getLogger(__name__)

END = "#end"
BEGUN, DONE, REFUSED, FAILED, UNFINISHED = "begun", "done", "refused", "failed", "unfinished"
OUTCOMES = (DONE, REFUSED, FAILED, UNFINISHED)
NOBODY = "nobody"
# What people do, as the log names it; what a refusal concerns is named by the role table instead.
ACTIONS = (
    "sign in", "sign out", "sign out everywhere", "get token", "renew token", "choose first password",
    "ask for a reset code", "choose new password", "change password", "set up authenticator",
    "create job", "retry job", "cancel job", "replay rejects", "dismiss rejects", "accept rejects",
    "create connection", "change connection", "remove connection",
    "invite", "invite again", "give role", "enable", "disable", "reset password", "require MFA",
    "stop requiring MFA", "remove MFA", "export audit log",
)  # fmt: skip
# The longest text of somebody else's making that a row keeps: an e-mail address has at most 254 characters.
LONGEST = 320

_noted: ContextVar[bool] = ContextVar("noted", default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: their id and e-mail at Cognito, the role they had, the address and the door they came through."""

    id: str = ""
    name: str = NOBODY
    role: str = ""
    address: str = ""
    door: str = "command"

    @classmethod
    def of(cls, user: Any) -> Actor:
        """Name a user; one who came through no door, on the command line, has no address."""
        return cls(
            id=user.sub,
            name=user.email or user.sub,
            role=str(getattr(user, "role", None) or ""),
            address=getattr(user, "address", ""),
            door=getattr(user, "door", "command"),
        )


def row(
    actor: Actor, action: str, object_: str, outcome: str = DONE, *, code: str = "", detail: str = ""
) -> AuditEntry:
    """Make a row of the present moment; the caller saves it."""
    moment = datetime.now(UTC)
    return AuditEntry(
        f"{moment:%Y-%m}",
        str(uuid6.uuid7()),
        at=moment,
        actor=_short(actor.name or actor.id) or NOBODY,
        actor_id=actor.id,
        role=actor.role,
        action=action,
        object=_short(object_) or "-",
        outcome=outcome,
        code=code,
        detail=_short(detail),
        address=actor.address,
        door=actor.door,
    )


def beside(actor: Actor, action: str, object_: str, *, detail: str = "") -> Callable[[TransactWrite], None]:
    """Return what adds the row to a transaction: both are written or neither is."""
    entry = row(actor, action, object_, detail=detail)

    def write(transaction: TransactWrite) -> None:
        transaction.save(entry, condition=AuditEntry.entry_id.does_not_exist())
        _noted.set(True)

    return write


def note(actor: Actor, action: str, object_: str, outcome: str = DONE, *, code: str = "", detail: str = "") -> None:
    """Write one row now; raises ``StoreUnavailable``, so that what cannot be recorded does not happen."""
    _save(row(actor, action, object_, outcome, code=code, detail=detail))


@contextmanager
def told(actor: Actor, action: str, object_: str, *, detail: str = "") -> Iterator[None]:
    """Announce an action outside DynamoDB, and conclude it when it is over; a refusal is concluded with its code.

    Raises ``StoreUnavailable`` before the action when it cannot be announced. When the conclusion cannot be
    written, or the process dies, the announcement stays without one, and is shown as unfinished.
    """
    entry = row(actor, action, object_, BEGUN, detail=detail)
    _save(entry)
    try:
        yield
    except DataBridgeError as error:
        _conclude(entry, FAILED if error.http_status >= 500 else REFUSED, error.code)
        raise
    _conclude(entry, DONE)


def begin_request() -> None:
    """Forget what an earlier request on this thread has noted."""
    _noted.set(False)


def was_noted() -> bool:
    """Tell whether the request at hand has its row already."""
    return _noted.get()


def _conclude(begun: AuditEntry, outcome: str, code: str = "") -> None:
    values = begun.attribute_values | {"entry_id": begun.entry_id + END, "outcome": outcome, "code": code}
    try:
        _save(AuditEntry(**{**values, "at": datetime.now(UTC)}))
    except StoreUnavailable:
        logger.exception("an action stays unfinished in the audit log", extra={"entry_id": begun.entry_id})


def _save(entry: AuditEntry) -> None:
    try:
        entry.save(condition=AuditEntry.entry_id.does_not_exist())
    except PynamoDBException as error:
        raise StoreUnavailable("The audit log cannot be written.", hint="Try again in a minute.") from error
    _noted.set(True)


def _short(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text[:LONGEST])


# ---- reading --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some entries, newest first, and where the next ones begin; ``None`` at the end."""

    entries: list[AuditEntry]
    next_cursor: str | None


# The first month that a table of this product can have entries of.
_FIRST_MONTH = "2025-01"
_ROUND = 200


def entries(*, about: str = "", first: str = "", cursor: str = "", limit: int = 50, **wanted: str) -> Page:
    """Return a page of entries, newest first, begun and concluded ones as one.

    ``about`` is who acted or what was acted on, ``first`` the earliest day, such as ``2026-10-31``, ``cursor`` an
    entry's id; ``wanted`` narrows by ``action``, ``outcome`` and ``role``. Never a scan: an index, or month by month.
    """
    found: list[AuditEntry] = []
    for entry in _merged(_newest(about, first, cursor)):
        if first and f"{entry.at:%Y-%m-%d}" < first:
            break
        if any(getattr(entry, name) != value for name, value in wanted.items() if value):
            continue
        if len(found) == limit:
            return Page(entries=found, next_cursor=found[-1].entry_id)
        found.append(entry)
    return Page(entries=found, next_cursor=None)


def get(entry_id: str) -> AuditEntry | None:
    """Return one entry, concluded where it is."""
    month = _month_of(entry_id)
    if month is None:
        return None
    rows = AuditEntry.query(month, AuditEntry.entry_id.between(entry_id, entry_id + END), scan_index_forward=False)
    return next(iter(_merged(rows)), None)


def unfinished(older_than_s: float = 300, within: timedelta = timedelta(days=1)) -> list[AuditEntry]:
    """Return actions announced in the last day that nobody concluded: somebody has to look whether they happened."""
    moment = datetime.now(UTC)
    page = entries(first=f"{moment - within:%Y-%m-%d}", outcome=UNFINISHED, limit=1000)
    return [entry for entry in page.entries if (moment - entry.at).total_seconds() > older_than_s]


def _newest(about: str, first: str, cursor: str) -> Iterator[AuditEntry]:
    before = AuditEntry.entry_id < cursor if cursor else None
    how: Any = {"scan_index_forward": False, "page_size": _ROUND}
    if about:
        did, was = (index.query(about, before, **how) for index in (AuditEntry.by_actor, AuditEntry.by_object))
        both = heapq.merge(did, was, key=lambda entry: entry.entry_id, reverse=True)
        for _, same in groupby(both, key=lambda entry: entry.entry_id):
            yield next(same)
        return
    month = (_month_of(cursor) if cursor else None) or f"{datetime.now(UTC):%Y-%m}"
    while month >= max(_FIRST_MONTH, first[:7]):
        yield from AuditEntry.query(month, before, **how)
        month = _month_before(month)


def _merged(rows: Any) -> Iterator[AuditEntry]:
    """Put begun and concluded rows together. Newest first, the conclusion comes just before its beginning."""
    ended: dict[str, AuditEntry] = {}
    for entry in rows:
        if entry.entry_id.endswith(END):
            ended[entry.entry_id.removesuffix(END)] = entry
            continue
        end = ended.pop(entry.entry_id, None)
        if end is not None:
            entry.outcome, entry.code = end.outcome, end.code
        elif entry.outcome == BEGUN:
            entry.outcome = UNFINISHED
        yield entry


def _month_of(entry_id: str) -> str | None:
    try:
        moment = uuid6.UUID(entry_id.removesuffix(END)).time / 1000
        return f"{datetime.fromtimestamp(moment, UTC):%Y-%m}"
    except (ValueError, OverflowError):
        return None


def _month_before(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year - 1}-12" if number == 1 else f"{year}-{number - 1:02d}"
