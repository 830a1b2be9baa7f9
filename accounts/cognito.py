"""A thin client of Cognito's user pool: sign in, renew, look up. Every refusal becomes one of our errors."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, ClassVar

from databridge import config
from databridge.aws import client
from ingestion.errors import DataBridgeError


class SignInRefused(DataBridgeError):
    """Wrong e-mail or password, no such account, or a disabled one: one answer for all."""

    code: ClassVar[str] = "SIGN_IN_REFUSED"
    http_status: ClassVar[int] = 401


class NewPasswordRequired(DataBridgeError):
    """The first sign-in with a temporary password; ``challenge`` goes on with a new one."""

    code: ClassVar[str] = "NEW_PASSWORD_REQUIRED"
    http_status: ClassVar[int] = 401
    challenge: str = ""


class PasswordRefused(DataBridgeError):
    """The new password does not meet the pool's policy."""

    code: ClassVar[str] = "PASSWORD_REFUSED"


class IdentityUnavailable(DataBridgeError):
    """Cognito is throttling or out of reach."""

    code: ClassVar[str] = "IDENTITY_UNAVAILABLE"
    retryable: ClassVar[bool] = True
    http_status: ClassVar[int] = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a sign-in gives; a renewal gives no new refresh token."""

    id_token: str
    access_token: str
    refresh_token: str | None
    expires_in: int


def sign_in(email: str, password: str) -> Tokens:
    """Check a password; raises ``SignInRefused`` or ``NewPasswordRequired``."""
    return _tokens(
        email,
        _call(
            "admin_initiate_auth",
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            ClientId=config.current().client_id,
            AuthParameters={"USERNAME": email, "PASSWORD": password, **_secret_hash(email)},
        ),
    )


def set_first_password(email: str, password: str, challenge: str) -> Tokens:
    """Answer the first sign-in's challenge; raises ``PasswordRefused`` or ``SignInRefused``."""
    return _tokens(
        email,
        _call(
            "admin_respond_to_auth_challenge",
            ChallengeName="NEW_PASSWORD_REQUIRED",
            ClientId=config.current().client_id,
            Session=challenge,
            ChallengeResponses={"USERNAME": email, "NEW_PASSWORD": password, **_secret_hash(email)},
        ),
    )


def renew(refresh_token: str, username: str = "") -> Tokens:
    """Trade a refresh token for new tokens; raises ``SignInRefused`` when it is no longer good."""
    return _tokens(
        username,
        _call(
            "admin_initiate_auth",
            AuthFlow="REFRESH_TOKEN_AUTH",
            ClientId=config.current().client_id,
            AuthParameters={"REFRESH_TOKEN": refresh_token, **_secret_hash(username)},
        ),
    )


def groups_of(username: str) -> list[str] | None:
    """Return the groups of a user as they are now; None when the user is gone or disabled."""
    cognito = client("cognito-idp")
    pool = config.current().user_pool_id
    try:
        found = cognito.admin_get_user(UserPoolId=pool, Username=username)
    except cognito.exceptions.UserNotFoundException:
        return None
    if not found["Enabled"]:
        return None
    answer = cognito.admin_list_groups_for_user(UserPoolId=pool, Username=username)
    return [group["GroupName"] for group in answer["Groups"]]


def _call(operation: str, **arguments: Any) -> dict[str, Any]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return getattr(client("cognito-idp"), operation)(UserPoolId=config.current().user_pool_id, **arguments)
    except ClientError as error:
        raise _meaning(error.response["Error"]["Code"], error.response["Error"].get("Message", "")) from error
    except BotoCoreError as error:
        raise IdentityUnavailable("Sign-in is out of reach.", hint="Try again in a minute.") from error


_THROTTLED = {"TooManyRequestsException", "LimitExceededException", "InternalErrorException"}


def _meaning(code: str, message: str) -> DataBridgeError:
    """Map Cognito's refusals; an unknown account and a wrong password must not differ."""
    if code == "InvalidPasswordException":
        return PasswordRefused(message or "The password is too weak.", hint="Choose a longer one.")
    if code in _THROTTLED:
        return IdentityUnavailable("Sign-in is busy.", hint="Try again in a minute.")
    return SignInRefused("The e-mail address or the password is wrong.", hint="Check both and try again.")


def _tokens(email: str, answer: dict[str, Any]) -> Tokens:
    if answer.get("ChallengeName") == "NEW_PASSWORD_REQUIRED":
        error = NewPasswordRequired(f"{email} has to choose a new password.", hint="Sign in on the web page.")
        error.challenge = answer["Session"]
        raise error
    result = answer.get("AuthenticationResult")
    if result is None:
        raise SignInRefused("This account needs a further step to sign in.", hint="Sign in on the web page instead.")
    return Tokens(
        id_token=result["IdToken"],
        access_token=result["AccessToken"],
        refresh_token=result.get("RefreshToken"),
        expires_in=int(result["ExpiresIn"]),
    )


def _secret_hash(username: str) -> dict[str, str]:
    """Return the proof of the client's secret, where the client has one (Cognito's SECRET_HASH)."""
    stage = config.current()
    if not stage.client_secret:
        return {}
    digest = hmac.digest(stage.client_secret.encode(), (username + stage.client_id).encode(), hashlib.sha256)
    return {"SECRET_HASH": base64.b64encode(digest).decode()}
