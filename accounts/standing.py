"""How a person stands now, whatever their session or token says of the moment it was made.

Two sources: our own mark (somebody was disabled, given another role or signed out everywhere: at once), and
Cognito (the same done in its console), asked again after ``CONFIRM_AFTER_S`` by each instance.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pynamodb.exceptions import DoesNotExist, PynamoDBException

from accounts import cognito
from accounts.store import Person
from ingestion.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pynamodb.expressions.update import Action

# The delay, at most, after which a token or session of somebody disabled at Cognito itself is refused.
CONFIRM_AFTER_S = 30
# While Cognito is out of reach, what it said last holds this long, and it is asked again after this.
TRUST_S = 600
ASK_AGAIN_S = 10
SEEN_EVERY_S = 300
_MOST_KEPT = 10_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Somebody's groups at Cognito, None when gone or disabled, and since when a token has to be."""

    groups: list[str] | None
    tokens_from: float
    email: str


@dataclass(frozen=True, slots=True)
class _Answer:
    """What Cognito said last and when, and when it was asked last, in vain if later; epoch seconds."""

    groups: list[str] | None
    said_at: float
    asked_at: float


_answers: dict[str, _Answer] = {}
_kept: dict[str, tuple[float, Person]] = {}
_seen: dict[str, float] = {}


def person(sub: str) -> Person:
    """Return what is kept of somebody at this moment; an empty record when nothing is. Raises ``StoreUnavailable``."""
    try:
        return Person.get(sub, consistent_read=True)
    except DoesNotExist:
        return Person(sub)
    except PynamoDBException as error:
        raise StoreUnavailable("Sign-ins cannot be checked.", hint="Try again in a minute.") from error


def people(subs: Iterable[str]) -> dict[str, Person]:
    """Return what is kept of many, by their ``sub``."""
    return {found.sub: found for found in Person.batch_get(list(subs))}


def groups(sub: str, *, not_before: float = 0) -> list[str] | None:
    """Return somebody's groups as Cognito knew them within ``CONFIRM_AFTER_S``; None when gone or disabled.

    An answer from before ``not_before`` does not count: that is when they signed in, perhaps with another role.
    Raises ``IdentityUnavailable`` when Cognito does not answer and has not for ``TRUST_S``.
    """
    moment = time.time()
    answer = _answers.get(sub)
    if answer and answer.said_at < not_before:
        answer = None
    if answer and (moment - answer.said_at < CONFIRM_AFTER_S or moment - answer.asked_at < ASK_AGAIN_S):
        return answer.groups
    try:
        answer = _Answer(cognito.groups_of(sub), moment, moment)
    except cognito.IdentityUnavailable:
        if answer is None or moment - answer.said_at > TRUST_S:
            raise
        logger.warning("Cognito is out of reach; what it said %d s ago is used", moment - answer.said_at)
        answer = replace(answer, asked_at=moment)
    _keep(_answers, sub, answer)
    return answer.groups


def now(sub: str, *, machine: bool) -> Standing:
    """Return how the bearer of a token stands, as of ``CONFIRM_AFTER_S`` ago at most; a machine has no groups."""
    moment = time.monotonic()
    asked_at, kept = _kept.get(sub, (float("-inf"), None))
    if kept is None or moment - asked_at >= CONFIRM_AFTER_S:
        kept = person(sub)
        _keep(_kept, sub, (moment, kept))
    return Standing(groups=[] if machine else groups(sub), tokens_from=kept.tokens_from, email=kept.email)


def _keep(cache: dict[str, Any], sub: str, value: Any) -> None:
    if len(cache) >= _MOST_KEPT:
        cache.clear()
    cache[sub] = value


def end_sessions(sub: str) -> None:
    """Void the sessions begun until now, on every instance."""
    _set(sub, [Person.sessions_from.set(time.time())])


def end_all(sub: str) -> None:
    """Void the sessions and the tokens of until now, on every instance."""
    _set(sub, [Person.sessions_from.set(time.time()), Person.tokens_from.set(time.time())])


def require_mfa(sub: str, *, required: bool) -> None:
    """Say whether somebody must use a second factor, whatever the stage asks."""
    _set(sub, [Person.mfa_required.set(required)])


def enrolled(sub: str, *, since: datetime | None) -> None:
    """Keep since when somebody has a second factor; None when it was taken away."""
    _set(sub, [Person.mfa_since.set(since) if since else Person.mfa_since.remove()])


def forget(sub: str) -> None:
    """Ask Cognito anew when somebody is needed next: they were changed."""
    _answers.pop(sub, None)
    _kept.pop(sub, None)


def seen(sub: str, email: str) -> None:
    """Keep that somebody was here, at most every few minutes. Not worth failing a request for."""
    moment = time.monotonic()
    if moment - _seen.get(sub, float("-inf")) < SEEN_EVERY_S:
        return
    _keep(_seen, sub, moment)
    actions: list[Action] = [Person.last_seen_at.set(datetime.now(UTC))]
    if email:
        actions.append(Person.email.set(email))
    try:
        Person(sub).update(actions)
    except PynamoDBException:
        logger.warning("when somebody was seen last was not kept", exc_info=True)


def _set(sub: str, actions: list[Action]) -> None:
    try:
        Person(sub).update(actions)
    except PynamoDBException as error:
        raise StoreUnavailable("The change could not be kept.", hint="Try again in a minute.") from error
    finally:
        forget(sub)
