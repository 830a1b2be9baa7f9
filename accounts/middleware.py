"""Who is looking at a page: the session says, and Cognito confirms it every half minute."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.utils.functional import SimpleLazyObject

from accounts import cognito
from accounts.models import User

if TYPE_CHECKING:
    from django.http import HttpRequest

CONFIRM_AFTER_S = 30
_KEY = "user"


def remember(request: HttpRequest, user: User, groups: list[str]) -> None:
    """Sign a user in: a new session key, so that one known before is worth nothing."""
    request.session.flush()
    request.session[_KEY] = {
        "sub": user.sub,
        "email": user.email,
        "groups": groups,
        "confirmed_at": time.time(),
    }
    request.session.cycle_key()


def current_user(request: HttpRequest) -> User | AnonymousUser:
    """Return the session's user; a person disabled or with another role meanwhile is treated as they are now."""
    known = request.session.get(_KEY)
    if not known:
        return AnonymousUser()
    if time.time() - known["confirmed_at"] > CONFIRM_AFTER_S:
        groups = cognito.groups_of(known["sub"])
        if groups is None:
            request.session.flush()
            return AnonymousUser()
        known = known | {"groups": groups, "confirmed_at": time.time()}
        request.session[_KEY] = known
    return User.of(sub=known["sub"], email=known["email"], groups=known["groups"])


class SessionUser(AuthenticationMiddleware):
    """Puts ``request.user`` in place, found when it is first asked for."""

    def process_request(self, request: Any) -> None:
        """Attach the user."""
        request.user = SimpleLazyObject(lambda: current_user(request))
