"""The user pool's people, as an Admin manages them. Every change is announced and concluded in the audit log."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from accounts import audit, standing
from accounts.roles import Role
from databridge import config
from databridge.aws import client
from ingestion.errors import DataBridgeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from accounts.audit import Actor

# More people than an admin page reads at once; the page says so when there are more.
MOST = 5000
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,190}\.[^@\s,;<>\"]{2,}")


class PersonRefused(DataBridgeError):
    """What was asked for a person cannot be done."""

    code: ClassVar[str] = "USER_REFUSED"


class PersonMissing(DataBridgeError):
    """There is no such person."""

    code: ClassVar[str] = "USER_NOT_FOUND"
    http_status: ClassVar[int] = 404


class DirectoryUnavailable(DataBridgeError):
    """Cognito did not do what was asked for a person."""

    code: ClassVar[str] = "DIRECTORY_UNAVAILABLE"
    http_status: ClassVar[int] = 503
    retryable: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One user of the pool, with what is kept here of them."""

    sub: str
    email: str
    role: str
    enabled: bool
    state: str
    created: datetime
    last_seen: datetime | None
    mfa_required: bool
    mfa_since: datetime | None


# ---- reading --------------------------------------------------------------------------------------


def listed() -> list[Person]:
    """Return the people by e-mail, at most ``MOST``; one Cognito call a page of sixty and one a group."""
    with _explained("The people"):
        cognito, pool = client("cognito-idp"), config.current().user_pool_id
        roles: dict[str, str] = {}
        for role in reversed(Role):
            for user in _pages(cognito, "list_users_in_group", UserPoolId=pool, GroupName=role.value):
                roles[user["Username"]] = role.value
        users = list(_pages(cognito, "list_users", UserPoolId=pool))
    kept = standing.people(_sub(user) for user in users)
    people = [_person(user, roles.get(user["Username"], ""), kept) for user in users]
    return sorted(people, key=lambda person: person.email)


def get(name: str) -> Person:
    """Return one person by ``sub`` or e-mail; raises ``PersonMissing``."""
    with _explained(name):
        user = _cognito("admin_get_user", name)
        groups = _cognito("admin_list_groups_for_user", user["Username"])["Groups"]
    held = {group["GroupName"] for group in groups}
    role = next((role.value for role in Role if role.value in held), "")
    user = {"Attributes": user["UserAttributes"], **user}
    return _person(user, role, standing.people([_sub(user)]))


def admins(most: int = 5) -> list[str]:
    """Return the e-mail addresses of enabled Admins: whom to ask for a role."""
    with _explained("The Admins"):
        cognito, pool = client("cognito-idp"), config.current().user_pool_id
        found = cognito.list_users_in_group(UserPoolId=pool, GroupName=Role.ADMIN.value, Limit=60)["Users"]
    return sorted(_attributes(user).get("email", "") for user in found if user["Enabled"])[:most]


# ---- changing -------------------------------------------------------------------------------------


def invite(actor: Actor, email: str, role: str) -> Person:
    """Make an account with a role; Cognito sends the temporary password by e-mail.

    An account without its role, left by an invitation that was cut off, is given it.
    """
    email = email.strip().lower()
    _check(role)
    if not _EMAIL.fullmatch(email):
        raise PersonRefused(f"{email!r} is no e-mail address.", hint="Correct it.")
    attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
    with audit.told(actor, "invite", email, detail=f"as {role}"), _explained(email):
        _cognito("admin_create_user", email, UserAttributes=attributes, DesiredDeliveryMediums=["EMAIL"])
        _cognito("admin_add_user_to_group", email, GroupName=role)
    return get(email)


def invite_again(actor: Actor, person: Person) -> None:
    """Send a new temporary password to somebody who has not signed in yet."""
    if person.state != "FORCE_CHANGE_PASSWORD":
        raise PersonRefused(f"{person.email} has signed in already.", hint="Reset the password instead.")
    with audit.told(actor, "invite again", person.email), _explained(person.email):
        _cognito("admin_create_user", person.email, MessageAction="RESEND", DesiredDeliveryMediums=["EMAIL"])


def give_role(actor: Actor, person: Person, role: str) -> None:
    """Put somebody into the role's group and out of the others, and end their sessions; ``""`` takes all away."""
    if role:
        _check(role)
    _not_oneself(actor, person, "change your own role")
    change = f"{person.role or 'no role'} to {role or 'no role'}"
    with audit.told(actor, "give role", person.email, detail=change), _explained(person.email):
        # first what takes rights away, so that being cut off leaves somebody with less, not more
        for other in Role:
            if other.value != role:
                _cognito("admin_remove_user_from_group", person.sub, GroupName=other.value)
        if role:
            _cognito("admin_add_user_to_group", person.sub, GroupName=role)
        standing.end_sessions(person.sub)


def disable(actor: Actor, person: Person) -> None:
    """Let somebody in no more, and end what they have open."""
    _not_oneself(actor, person, "disable yourself")
    with audit.told(actor, "disable", person.email), _explained(person.email):
        _cognito("admin_disable_user", person.sub)
        standing.end_all(person.sub)
        _cognito("admin_user_global_sign_out", person.sub)


def enable(actor: Actor, person: Person) -> None:
    """Let somebody in again."""
    with audit.told(actor, "enable", person.email), _explained(person.email):
        _cognito("admin_enable_user", person.sub)
        standing.forget(person.sub)


def reset_password(actor: Actor, person: Person) -> None:
    """Make the password worthless and have a code sent, with which they choose a new one; ends their sessions."""
    if person.state not in {"CONFIRMED", "RESET_REQUIRED"}:
        raise PersonRefused(f"{person.email} has not signed in yet.", hint="Invite them again instead.")
    with audit.told(actor, "reset password", person.email), _explained(person.email):
        _cognito("admin_reset_user_password", person.sub)
        standing.end_all(person.sub)
        _cognito("admin_user_global_sign_out", person.sub)


def require_mfa(actor: Actor, person: Person, *, required: bool) -> None:
    """Ask somebody for a second factor from the next sign-in on, or leave it to them; asking ends their sessions."""
    action = "require MFA" if required else "stop requiring MFA"
    with audit.told(actor, action, person.email):
        standing.require_mfa(person.sub, required=required)
        if required and not person.mfa_since:
            standing.end_all(person.sub)


def remove_mfa(actor: Actor, person: Person) -> None:
    """Take away the authenticator app of somebody who lost it, and end what they have open."""
    with audit.told(actor, "remove MFA", person.email), _explained(person.email):
        off = {"Enabled": False, "PreferredMfa": False}
        _cognito("admin_set_user_mfa_preference", person.sub, SoftwareTokenMfaSettings=off)
        standing.enrolled(person.sub, since=None)
        standing.end_all(person.sub)


def sign_out(actor: Actor, person: Person) -> None:
    """End every session and token of somebody."""
    with audit.told(actor, "sign out everywhere", person.email), _explained(person.email):
        standing.end_all(person.sub)
        _cognito("admin_user_global_sign_out", person.sub)


# ---- how it is asked ------------------------------------------------------------------------------


def _cognito(operation: str, name: str, **arguments: Any) -> Any:
    pool = config.current().user_pool_id
    return getattr(client("cognito-idp"), operation)(UserPoolId=pool, Username=name, **arguments)


_MEANING: dict[str, tuple[type[DataBridgeError], str, str]] = {
    "UsernameExistsException": (PersonRefused, "has an account already", "Find it in the list."),
    "AliasExistsException": (PersonRefused, "has an account already", "Find it in the list."),
    "UserNotFoundException": (PersonMissing, "has no account", "Reload the list."),
    "UnsupportedUserStateException": (PersonRefused, "is in a state that does not allow this", "Reload the page."),
    "NotAuthorizedException": (PersonRefused, "is in a state that does not allow this", "Reload the page."),
    "InvalidParameterException": (PersonRefused, "cannot be changed like this", "Check the address."),
    "CodeDeliveryFailureException": (PersonRefused, "could not be sent an e-mail", "Check the address."),
}


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn Cognito's refusals into ours."""
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        unknown = (DirectoryUnavailable, f"could not be changed ({code})", "Try again in a minute.")
        kind, words, hint = _MEANING.get(code, unknown)
        raise kind(f"{name} {words}.", hint=hint) from error
    except ParamValidationError as error:
        raise PersonRefused(f"{name} cannot be an account.", hint="Check the address.") from error
    except BotoCoreError as error:
        raise DirectoryUnavailable(f"{name} could not be changed.", hint="Try again in a minute.") from error


def _check(role: str) -> None:
    if role not in {known.value for known in Role}:
        raise PersonRefused(f"There is no role {role!r}.", hint="Choose one of the list.")


def _not_oneself(actor: Actor, person: Person, what: str) -> None:
    """Keep an Admin from locking themselves out; so one Admin always remains."""
    if actor.id == person.sub:
        raise PersonRefused(f"You cannot {what}.", hint="Ask another Admin.")


def _pages(cognito: Any, operation: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    read = 0
    for page in cognito.get_paginator(operation).paginate(**arguments):
        yield from page["Users"]
        read += len(page["Users"])
        if read > MOST:
            return


def _attributes(user: dict[str, Any]) -> dict[str, str]:
    return {entry["Name"]: entry["Value"] for entry in user.get("Attributes", ())}


def _sub(user: dict[str, Any]) -> str:
    return _attributes(user).get("sub", user["Username"])


def _person(user: dict[str, Any], role: str, kept: dict[str, Any]) -> Person:
    here = kept.get(_sub(user))
    return Person(
        sub=_sub(user),
        email=_attributes(user).get("email", user["Username"]),
        role=role,
        enabled=user["Enabled"],
        state=user["UserStatus"],
        created=user["UserCreateDate"],
        last_seen=here and here.last_seen_at,
        mfa_required=bool(here and here.mfa_required),
        mfa_since=here and here.mfa_since,
    )
