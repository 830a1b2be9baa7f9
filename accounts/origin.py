"""Where a request comes from and who makes it, as the audit log and the throttle need it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accounts.audit import Actor

if TYPE_CHECKING:
    from django.http import HttpRequest

_DOORS = {"/admin/": "admin", "/app/": "page"}


def address_of(request: HttpRequest) -> str:
    """Return the caller's address.

    On Lambda it is the one that API Gateway saw: Zappa's ``REMOTE_ADDR`` is taken from ``X-Forwarded-For``,
    whose first entries the caller may have made up.
    """
    event = request.META.get("lambda.event")
    if event is None:
        return str(request.META.get("REMOTE_ADDR", ""))
    context = event.get("requestContext") or {}
    return str((context.get("identity") or context.get("http") or {}).get("sourceIp", ""))


def door_of(request: HttpRequest) -> str:
    """Name the way in: ``page``, ``admin`` or ``api``."""
    return next((door for prefix, door in _DOORS.items() if request.path_info.startswith(prefix)), "api")


def actor_of(request: HttpRequest, name: str = "") -> Actor:
    """Return who acts; ``name`` is what somebody not signed in says they are."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return Actor(name=name or Actor().name, address=address_of(request), door=door_of(request))
    user.address, user.door = address_of(request), door_of(request)
    return user.actor
