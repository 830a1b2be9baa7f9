"""The user pool's people, as an Admin manages them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from accounts.roles import Role
from databridge import config
from databridge.aws import client
from ingestion.errors import DataBridgeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

MOST = 600


class PersonRefused(DataBridgeError):
    """What was asked for a person cannot be done."""

    code: ClassVar[str] = "USER_REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One user of the pool."""

    username: str
    email: str
    role: str
    enabled: bool
    state: str
    created: datetime


def listed() -> list[Person]:
    """Return the people by e-mail, at most ``MOST``; one Cognito call a page of sixty and one a group."""
    cognito, pool = client("cognito-idp"), config.current().user_pool_id
    roles: dict[str, str] = {}
    for role in reversed(Role):
        for user in _pages(cognito, "list_users_in_group", UserPoolId=pool, GroupName=role.value):
            roles[user["Username"]] = role.value
    users = [_person(user, roles) for user in _pages(cognito, "list_users", UserPoolId=pool)]
    return sorted(users, key=lambda person: person.email)[:MOST]


def invite(email: str, role: str) -> None:
    """Make an account with a role; Cognito sends the temporary password by e-mail."""
    _check(role)
    if "@" not in email:
        raise PersonRefused(f"{email!r} is no e-mail address.", hint="Correct it.")
    attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
    with _told(email):
        _cognito("admin_create_user", email, UserAttributes=attributes, DesiredDeliveryMediums=["EMAIL"])
        _cognito("admin_add_user_to_group", email, GroupName=role)


def give_role(email: str, role: str) -> None:
    """Put somebody into the role's group and out of the others."""
    _check(role)
    with _told(email):
        _cognito("admin_add_user_to_group", email, GroupName=role)
        for other in Role:
            if other.value != role:
                _cognito("admin_remove_user_from_group", email, GroupName=other.value)


def disable(email: str) -> None:
    """Let somebody in no more, and end what they have open."""
    with _told(email):
        _cognito("admin_disable_user", email)
        _cognito("admin_user_global_sign_out", email)


def enable(email: str) -> None:
    """Let somebody in again."""
    with _told(email):
        _cognito("admin_enable_user", email)


def _cognito(operation: str, email: str, **arguments: Any) -> Any:
    pool = config.current().user_pool_id
    return getattr(client("cognito-idp"), operation)(UserPoolId=pool, Username=email, **arguments)


@contextmanager
def _told(email: str) -> Iterator[None]:
    """Turn Cognito's refusals into ours."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        known = {"UsernameExistsException": "has an account already", "UserNotFoundException": "has no account"}
        raise PersonRefused(f"{email} {known.get(code, f'could not be changed ({code})')}.", hint="Reload.") from error


def _check(role: str) -> None:
    if role not in {known.value for known in Role}:
        raise PersonRefused(f"There is no role {role!r}.", hint="Choose one of the list.")


def _pages(cognito: Any, operation: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    for page in cognito.get_paginator(operation).paginate(**arguments):
        yield from page["Users"]


def _person(user: dict[str, Any], roles: dict[str, str]) -> Person:
    attributes = {entry["Name"]: entry["Value"] for entry in user.get("Attributes", ())}
    return Person(
        username=user["Username"],
        email=attributes.get("email", user["Username"]),
        role=roles.get(user["Username"], ""),
        enabled=user["Enabled"],
        state=user["UserStatus"],
        created=user["UserCreateDate"],
    )
