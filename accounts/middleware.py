"""Who is looking at a page: the session says, and it is checked on every request that it still holds."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.middleware.csrf import rotate_token
from django.utils.functional import SimpleLazyObject

from accounts import cognito, jwt, standing
from accounts.models import User
from ingestion.errors import DataBridgeError

if TYPE_CHECKING:
    from django.http import HttpRequest

# A session ends this long after the sign-in, and after this long without a page being asked for.
LASTS_S = 12 * 3600
IDLE_S = 3600
# The tokens behind a session are renewed this long before they run out.
RENEW_BEFORE_S = 300
_KEY = "person"
logger = logging.getLogger(__name__)


def remember(request: HttpRequest, tokens: cognito.Tokens, *, began: float | None = None) -> User:
    """Sign a user in: a new session key and CSRF token, so that what was known before is worth nothing.

    ``began`` is when their password was checked, in epoch seconds: what voided sessions since voids this one too.
    """
    moment = time.time()
    known = identity(tokens)
    request.session.flush()
    request.session[_KEY] = {
        **known,
        "began_at": began or moment,
        "active_at": moment,
        "renew_at": _renew_at(tokens),
        "refresh_token": tokens.refresh_token,
    }
    request.session.cycle_key()
    rotate_token(request)
    request.user = user = User.of(sub=known["sub"], email=known["email"], groups=known["groups"])
    standing.seen(user.sub, user.email)
    return user


def identity(tokens: cognito.Tokens) -> dict[str, Any]:
    """Return whose tokens they are: ``sub``, ``username`` at Cognito, ``email`` and ``groups``."""
    claims = jwt.verified(tokens.id_token)
    return {
        "sub": claims["sub"],
        "username": claims.get("cognito:username", claims["sub"]),
        "email": claims.get("email", ""),
        "groups": list(claims.get("cognito:groups") or ()),
    }


def end_other_sessions(request: HttpRequest) -> None:
    """Void the signed-in person's other sessions; this one goes on under a new key."""
    known = request.session[_KEY]
    standing.end_sessions(known["sub"])
    request.session[_KEY] = known | {"began_at": time.time()}
    request.session.cycle_key()


def forget(request: HttpRequest) -> None:
    """End the session of this browser, and the tokens behind it."""
    known = request.session.get(_KEY)
    request.session.flush()
    request.user = AnonymousUser()
    if known:
        try:
            cognito.revoke(known["refresh_token"])
        except DataBridgeError:  # the session is over; its refresh token, known to nobody, runs out by itself
            logger.warning("a refresh token was not revoked", exc_info=True)


def access_token(request: HttpRequest) -> str:
    """Return a fresh access token of the signed-in person, for what Cognito lets only them do."""
    known = request.session[_KEY]
    return cognito.renew(known["refresh_token"], known["username"]).access_token


def username_of(request: HttpRequest) -> str:
    """Return how Cognito names the signed-in person."""
    return str(request.session[_KEY]["username"])


def current_user(request: HttpRequest) -> User | AnonymousUser:
    """Return the session's user as they stand now; the session of somebody who may not be here any more ends."""
    known = request.session.get(_KEY)
    if not known:
        return AnonymousUser()
    groups = _groups_now(request, known)
    if groups is None:
        request.session.flush()
        request.session_ended = True  # type: ignore[attr-defined]  # the sign-in page says so
        return AnonymousUser()
    user = User.of(sub=known["sub"], email=known["email"], groups=groups)
    standing.seen(user.sub, user.email)
    return user


def _groups_now(request: HttpRequest, known: dict[str, Any]) -> list[str] | None:
    """Return the groups of the session's user; None when the session has ended."""
    moment = time.time()
    if moment - known["began_at"] > LASTS_S or moment - known["active_at"] > IDLE_S:
        return None
    if known["began_at"] < standing.person(known["sub"]).sessions_from:
        return None
    if moment > known["renew_at"] and not _renewed(request, known):
        return None
    if _is_activity(request) and moment - known["active_at"] > IDLE_S / 20:
        request.session[_KEY] = known | {"active_at": moment}
    return standing.groups(known["sub"], not_before=known["began_at"])


def _renewed(request: HttpRequest, known: dict[str, Any]) -> bool:
    """Renew the tokens behind the session; False when Cognito refuses. While it is out of reach, go on."""
    try:
        tokens = cognito.renew(known["refresh_token"], known["username"])
    except cognito.IdentityUnavailable:
        known |= {"renew_at": time.time() + standing.ASK_AGAIN_S}
    except (cognito.SignInRefused, cognito.FurtherStep):
        return False
    else:
        known |= {**identity(tokens), "renew_at": _renew_at(tokens)}
        known |= {"refresh_token": tokens.refresh_token or known["refresh_token"]}
    request.session[_KEY] = known
    return True


def _renew_at(tokens: cognito.Tokens) -> float:
    return time.time() + max(60, tokens.expires_in - RENEW_BEFORE_S)


def _is_activity(request: HttpRequest) -> bool:
    """Tell a person's doing from a page that asks for news by itself."""
    return request.method != "GET" or not request.path_info.startswith("/app/api/")


class SessionUser(AuthenticationMiddleware):
    """Puts ``request.user`` in place, found when it is first asked for."""

    def process_request(self, request: Any) -> None:
        """Attach the user."""
        request.user = SimpleLazyObject(lambda: current_user(request))
