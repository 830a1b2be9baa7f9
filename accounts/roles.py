"""Who may do what: one table for the API, the pages and the admin."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission

from databridge.resources import RESOURCE_SERVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rest_framework.request import Request


class Role(StrEnum):
    """The Cognito groups that mean something here."""

    ADMIN = "Admin"
    OPERATOR = "Operator"
    VIEWER = "Viewer"


class Action(StrEnum):
    """What a person can do."""

    SEE_JOBS = "see jobs"
    CREATE_JOBS = "create jobs"
    CHANGE_JOBS = "retry and cancel jobs"
    DOWNLOAD_FILES = "download files"
    SEE_DATASETS = "see datasets"
    CHANGE_CONTRACTS = "change contracts"
    FIX_REJECTS = "fix rejects"
    MANAGE_CONNECTIONS = "manage connections"
    ADMINISTER_JOBS = "administer jobs"
    USE_CONNECTIONS = "use connections"
    MANAGE_USERS = "manage users"
    SEE_AUDIT = "see the audit log"


class Scope(StrEnum):
    """On which objects."""

    NONE = "none"
    OWN = "own"
    ALL = "all"


_ALL, _OWN, _NONE = Scope.ALL, Scope.OWN, Scope.NONE
_TABLE: dict[Action, dict[Role, Scope]] = {
    Action.SEE_JOBS: {Role.VIEWER: _ALL, Role.OPERATOR: _OWN, Role.ADMIN: _ALL},
    Action.CREATE_JOBS: {Role.VIEWER: _NONE, Role.OPERATOR: _OWN, Role.ADMIN: _ALL},
    Action.CHANGE_JOBS: {Role.VIEWER: _NONE, Role.OPERATOR: _OWN, Role.ADMIN: _ALL},
    Action.DOWNLOAD_FILES: {Role.VIEWER: _NONE, Role.OPERATOR: _OWN, Role.ADMIN: _ALL},
    Action.SEE_DATASETS: {Role.VIEWER: _ALL, Role.OPERATOR: _ALL, Role.ADMIN: _ALL},
    Action.CHANGE_CONTRACTS: {Role.VIEWER: _NONE, Role.OPERATOR: _NONE, Role.ADMIN: _ALL},
    Action.FIX_REJECTS: {Role.VIEWER: _NONE, Role.OPERATOR: _OWN, Role.ADMIN: _ALL},
    Action.MANAGE_CONNECTIONS: {Role.VIEWER: _NONE, Role.OPERATOR: _NONE, Role.ADMIN: _ALL},
    Action.ADMINISTER_JOBS: {Role.VIEWER: _NONE, Role.OPERATOR: _NONE, Role.ADMIN: _ALL},
    Action.USE_CONNECTIONS: {Role.VIEWER: _NONE, Role.OPERATOR: _ALL, Role.ADMIN: _ALL},
    Action.MANAGE_USERS: {Role.VIEWER: _NONE, Role.OPERATOR: _NONE, Role.ADMIN: _ALL},
    Action.SEE_AUDIT: {Role.VIEWER: _NONE, Role.OPERATOR: _NONE, Role.ADMIN: _ALL},
}


def highest(groups: Iterable[str]) -> Role | None:
    """Return the role of somebody in these groups: the one that may do most, None when there is none."""
    held = set(groups)
    return next((role for role in Role if role.value in held), None)


def of_scopes(scopes: str) -> Role | None:
    """Return the role of a machine client's token: its scopes are named ``databridge/operator`` and the like."""
    names = {word.removeprefix(f"{RESOURCE_SERVER}/") for word in scopes.split() if word.startswith(RESOURCE_SERVER)}
    return next((role for role in Role if role.value.lower() in names), None)


def lesser(one: Role | None, other: Role | None) -> Role | None:
    """Return the role that may do less."""
    if one is None or other is None:
        return None
    order = list(Role)
    return max(one, other, key=order.index)


def scope(role: Role | None, action: Action) -> Scope:
    """Return on which objects a role may do an action."""
    return Scope.NONE if role is None else _TABLE[action][role]


def may(user: Any, action: Action, owner_id: str | None = None) -> bool:
    """Tell whether a user may do an action: on anything, or on what belongs to ``owner_id``."""
    allowed = scope(getattr(user, "role", None), action)
    return allowed is Scope.ALL or (allowed is Scope.OWN and owner_id in {None, user.sub})


class OpenTo(StrEnum):
    """Who may use a view that is about no action of the table."""

    EVERYBODY = "everybody"
    SIGNED_IN = "signed in"


def open_to(whom: OpenTo) -> Callable[[Any], Any]:
    """Declare that a view is for ``whom``, whatever their role. A view declares this or its action, or a test fails."""

    def declared(view: Any) -> Any:
        view.open_to = whom
        return view

    return declared


class RolePermission(BasePermission):
    """DRF's gate: each view says in ``actions`` what a method does; a method it does not name is refused."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Refuse who is not signed in, has no role, or a role that may not do this at all."""
        method = "GET" if request.method in {"HEAD", "OPTIONS"} else request.method
        action = getattr(view, "actions", {}).get(method)
        if action is None and request.method == "OPTIONS":
            return bool(request.user.is_authenticated)
        if action is None:
            return bool(request.user.is_authenticated) and method not in view.allowed_methods
        return bool(request.user.is_authenticated) and may(request.user, action)

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        """Refuse what belongs to somebody else, where the role covers one's own only."""
        action = view.actions["GET" if request.method in {"HEAD", "OPTIONS"} else request.method]
        return may(request.user, action, obj.user_id)
