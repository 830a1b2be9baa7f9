"""A thin client of Cognito's user pool: sign in step by step, renew, recover. Every refusal becomes one of our errors.

AWS's answers are those documented for AdminInitiateAuth, AdminRespondToAuthChallenge, AssociateSoftwareToken,
VerifySoftwareToken, ForgotPassword, ConfirmForgotPassword, ChangePassword and RevokeToken.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from dataclasses import dataclass
from typing import Any, ClassVar

from databridge import config
from databridge.aws import client
from databridge.resources import PASSWORD_POLICY
from ingestion.errors import DataBridgeError

logger = logging.getLogger(__name__)

LONGEST_PASSWORD = 256  # Cognito's own limit


class SignInRefused(DataBridgeError):
    """Wrong e-mail or password, no such account, or a disabled or locked one: one answer for all."""

    code: ClassVar[str] = "SIGN_IN_REFUSED"
    http_status: ClassVar[int] = 401


class FurtherStep(DataBridgeError):
    """The password is right, and Cognito asks for more; ``username`` and ``session`` go on with it."""

    code: ClassVar[str] = "SIGN_IN_STEP_REQUIRED"
    http_status: ClassVar[int] = 401
    username: str = ""
    session: str = ""


class NewPasswordRequired(FurtherStep):
    """The first sign-in with a temporary password."""

    code: ClassVar[str] = "NEW_PASSWORD_REQUIRED"


class MfaRequired(FurtherStep):
    """A code of the authenticator app is needed."""

    code: ClassVar[str] = "MFA_REQUIRED"


class MfaSetupRequired(FurtherStep):
    """An authenticator app has to be set up first."""

    code: ClassVar[str] = "MFA_SETUP_REQUIRED"


class SignInExpired(DataBridgeError):
    """The time for the next step of the sign-in is over."""

    code: ClassVar[str] = "SIGN_IN_EXPIRED"
    http_status: ClassVar[int] = 401


class CodeRefused(DataBridgeError):
    """The authenticator app's code is wrong, used or too old."""

    code: ClassVar[str] = "MFA_CODE_REFUSED"
    http_status: ClassVar[int] = 401


class PasswordRefused(DataBridgeError):
    """The new password does not meet the pool's policy."""

    code: ClassVar[str] = "PASSWORD_REFUSED"


class ResetRefused(DataBridgeError):
    """A forgotten password was not replaced: the code is wrong or too old, or there is no such account."""

    code: ClassVar[str] = "PASSWORD_RESET_REFUSED"


class IdentityUnavailable(DataBridgeError):
    """Cognito is throttling or out of reach."""

    code: ClassVar[str] = "IDENTITY_UNAVAILABLE"
    retryable: ClassVar[bool] = True
    http_status: ClassVar[int] = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a sign-in gives; a renewal gives no new refresh token. ``expires_in`` is in seconds."""

    id_token: str
    access_token: str
    refresh_token: str | None
    expires_in: int


# ---- signing in -----------------------------------------------------------------------------------


def sign_in(email: str, password: str) -> Tokens:
    """Check a password; raises ``SignInRefused`` or a ``FurtherStep``."""
    return _tokens(
        email,
        _call(
            "admin_initiate_auth",
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            ClientId=config.current().client_id,
            AuthParameters={"USERNAME": email, "PASSWORD": password, **_secret_hash(email)},
        ),
    )


def set_first_password(username: str, password: str, session: str) -> Tokens:
    """Answer the first sign-in's challenge; raises ``PasswordRefused``, ``SignInExpired`` or a ``FurtherStep``."""
    check_password(password)
    return _answer(username, session, "NEW_PASSWORD_REQUIRED", NEW_PASSWORD=password)


def answer_code(username: str, code: str, session: str) -> Tokens:
    """Answer with the authenticator app's code; raises ``CodeRefused`` or ``SignInExpired``."""
    return _answer(username, session, "SOFTWARE_TOKEN_MFA", SOFTWARE_TOKEN_MFA_CODE=_digits(code))


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


def revoke(refresh_token: str) -> None:
    """End a refresh token and the access tokens made from it; one that is ended already is no error."""
    stage = config.current()
    secret = {"ClientSecret": stage.client_secret} if stage.client_secret else {}
    _call("revoke_token", Token=refresh_token, ClientId=stage.client_id, **secret)


# ---- the authenticator app ------------------------------------------------------------------------


def begin_enrolment(*, session: str = "", access_token: str = "") -> tuple[str, str]:
    """Return a new secret for an authenticator app, and the session to go on with where it began with one."""
    given = {"Session": session} if session else {"AccessToken": access_token}
    answer = _call("associate_software_token", **given)
    return answer["SecretCode"], answer.get("Session", "")


def finish_enrolment(code: str, *, username: str, session: str = "", access_token: str = "") -> Tokens | None:
    """Prove the app by its first code; with a sign-in's ``session`` also end the sign-in.

    Raises ``CodeRefused`` or ``SignInExpired``.
    """
    given = {"Session": session} if session else {"AccessToken": access_token}
    answer = _call("verify_software_token", UserCode=_digits(code), FriendlyDeviceName="DataBridge", **given)
    if answer.get("Status") != "SUCCESS":
        raise CodeRefused(_WRONG_CODE[0], hint=_WRONG_CODE[1])
    tokens = _answer(username, answer.get("Session", session), "MFA_SETUP") if session else None
    preference = {"Enabled": True, "PreferredMfa": True}
    _call("admin_set_user_mfa_preference", Username=username, SoftwareTokenMfaSettings=preference)
    return tokens


def has_mfa(username: str) -> bool:
    """Tell whether somebody's sign-in asks for a code."""
    return "SOFTWARE_TOKEN_MFA" in _call("admin_get_user", Username=username).get("UserMFASettingList", ())


# ---- passwords ------------------------------------------------------------------------------------


def forgot_password(email: str) -> None:
    """Have a code sent, if there is such an account: whether there is one cannot be told from the answer."""
    try:
        _call("forgot_password", ClientId=config.current().client_id, Username=email, **_secret(email))
    except IdentityUnavailable:
        raise
    except DataBridgeError as error:
        logger.info("no reset code was sent: %s", error.code)


def reset_password(email: str, code: str, password: str) -> None:
    """Replace a forgotten password; raises ``PasswordRefused`` or ``ResetRefused``."""
    check_password(password)
    try:
        _call(
            "confirm_forgot_password",
            ClientId=config.current().client_id,
            Username=email,
            ConfirmationCode=code.strip(),
            Password=password,
            **_secret(email),
        )
    except IdentityUnavailable:
        raise
    except DataBridgeError as error:
        # one answer, also for a password that Cognito has seen before: only an account has a history
        raise ResetRefused(
            "The code is wrong or too old, or the password was used before.", hint="Ask for a new code and try again."
        ) from error


def change_password(access_token: str, old: str, new: str) -> None:
    """Replace a known password; raises ``PasswordRefused`` or ``SignInRefused``."""
    check_password(new)
    _call("change_password", AccessToken=access_token, PreviousPassword=old, ProposedPassword=new)


def check_password(password: str) -> None:
    """Raise ``PasswordRefused`` for a password that is too short, too long, or easy to guess.

    Said before any account is looked at. Common ones are Django's list of 20,000 (OWASP ASVS 5.0, 6.2.4); words of
    this product stand in no password either (6.2.11).
    """
    from django.contrib.auth.password_validation import CommonPasswordValidator
    from django.core.exceptions import ValidationError

    least = PASSWORD_POLICY["MinimumLength"]
    if len(password) < least:
        raise PasswordRefused(f"The password needs at least {least} characters.", hint="Choose a longer one.")
    if len(password) > LONGEST_PASSWORD:
        raise PasswordRefused(
            f"The password has more than {LONGEST_PASSWORD} characters.", hint="Choose a shorter one."
        )
    plain = password.lower()
    try:
        for guess in (plain, plain.rstrip("0123456789!.?-_ ")):
            CommonPasswordValidator().validate(guess)
    except ValidationError as error:
        raise PasswordRefused("This password is easy to guess.", hint="Choose another.") from error
    if any(word in plain for word in ("databridge", "password")) or len(set(plain)) < 5:
        raise PasswordRefused("This password is easy to guess.", hint="Choose another.")


# ---- people ---------------------------------------------------------------------------------------


def groups_of(username: str) -> list[str] | None:
    """Return the groups of a user as they are now; None when the user is gone or disabled."""
    try:
        found = _call("admin_get_user", Username=username)
    except SignInRefused:
        return None
    if not found["Enabled"]:
        return None
    return [group["GroupName"] for group in _call("admin_list_groups_for_user", Username=username)["Groups"]]


# ---- how it is asked ------------------------------------------------------------------------------


def _call(operation: str, **arguments: Any) -> dict[str, Any]:
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    pool = {"UserPoolId": config.current().user_pool_id} if operation.startswith("admin_") else {}
    try:
        return getattr(client("cognito-idp"), operation)(**pool, **arguments)
    except ClientError as error:
        told = error.response["Error"]
        if "secret hash" in told.get("Message", "").lower():  # looks like a wrong password to everybody
            logger.error("the secret of the app's client is wrong or missing: %s", told["Message"])  # noqa: TRY400
        raise _meaning(told["Code"], operation) from error
    except ParamValidationError as error:  # an address or a code longer than Cognito takes
        raise _meaning("InvalidParameterException", operation) from error
    except BotoCoreError as error:
        raise IdentityUnavailable("Sign-in is out of reach.", hint="Try again in a minute.") from error


_BUSY = {"TooManyRequestsException", "LimitExceededException", "InternalErrorException", "ThrottlingException"}
_WRONG_CODES = {"CodeMismatchException", "ExpiredCodeException", "EnableSoftwareTokenMFAException"}
_REFUSALS = {
    "NotAuthorizedException",  # also: disabled, "Password attempts exceeded", a session that ran out
    "UserNotFoundException",
    "UserNotConfirmedException",
    "PasswordResetRequiredException",
    "InvalidParameterException",
    "ResourceNotFoundException",
}
_STEPS = {"admin_respond_to_auth_challenge", "associate_software_token", "verify_software_token"}
_WRONG_CODE = ("The code is wrong or was used before.", "Wait for the app's next code and type that.")


def _meaning(code: str, operation: str) -> DataBridgeError:
    """Map Cognito's refusals; an unknown, disabled or locked account and a wrong password must not differ."""
    if code in {"InvalidPasswordException", "PasswordHistoryPolicyViolationException"}:
        return PasswordRefused("This password may not be used.", hint="Choose another, longer one.")
    if code == "LimitExceededException" and operation == "forgot_password":
        return SignInRefused("Too many codes were asked for.", hint="Wait, then ask again.")
    if code in _BUSY:
        return IdentityUnavailable("Sign-in is busy.", hint="Try again in a minute.")
    if code in _WRONG_CODES:
        return CodeRefused(_WRONG_CODE[0], hint=_WRONG_CODE[1])
    if code not in _REFUSALS:
        logger.error("Cognito refused %s: %s", operation, code)
        return IdentityUnavailable("Sign-in does not work at present.", hint="Tell an engineer of DataBridge.")
    if operation in _STEPS:
        return SignInExpired("The sign-in took too long.", hint="Sign in again from the beginning.")
    return SignInRefused(
        "The e-mail address or the password is wrong.", hint="Check both and try again, or reset the password."
    )


def _answer(username: str, session: str, challenge: str, **responses: str) -> Tokens:
    return _tokens(
        username,
        _call(
            "admin_respond_to_auth_challenge",
            ChallengeName=challenge,
            ClientId=config.current().client_id,
            Session=session,
            ChallengeResponses={"USERNAME": username, **responses, **_secret_hash(username)},
        ),
    )


_STEP_OF: dict[str, tuple[type[FurtherStep], str]] = {
    "NEW_PASSWORD_REQUIRED": (NewPasswordRequired, "A new password has to be chosen."),
    "SOFTWARE_TOKEN_MFA": (MfaRequired, "A code of the authenticator app is needed."),
    "MFA_SETUP": (MfaSetupRequired, "An authenticator app has to be set up."),
}


def _tokens(username: str, answer: dict[str, Any]) -> Tokens:
    result = answer.get("AuthenticationResult")
    if result is not None:
        return Tokens(
            id_token=result["IdToken"],
            access_token=result["AccessToken"],
            refresh_token=result.get("RefreshToken"),
            expires_in=int(result["ExpiresIn"]),
        )
    if answer.get("ChallengeName") not in _STEP_OF:
        raise SignInRefused("This account signs in in a way that is not offered here.", hint="Ask an Admin.")
    kind, words = _STEP_OF[answer["ChallengeName"]]
    step = kind(words, hint="Sign in on the web page.")
    # with an e-mail address as alias, Cognito names the user itself, and checks SECRET_HASH against that name
    step.username = answer.get("ChallengeParameters", {}).get("USER_ID_FOR_SRP") or username
    step.session = answer["Session"]
    raise step


def _digits(code: str) -> str:
    digits = "".join(code.split())
    if not (digits.isascii() and digits.isdecimal() and len(digits) == 6):
        raise CodeRefused("The code is not six digits.", hint="Type the six digits that the app shows.")
    return digits


def _secret_hash(username: str) -> dict[str, str]:
    """Return the proof of the client's secret, where the client has one (Cognito's SECRET_HASH)."""
    stage = config.current()
    if not stage.client_secret:
        return {}
    digest = hmac.digest(stage.client_secret.encode(), (username + stage.client_id).encode(), hashlib.sha256)
    return {"SECRET_HASH": base64.b64encode(digest).decode()}


def _secret(username: str) -> dict[str, str]:
    proof = _secret_hash(username)
    return {"SecretHash": proof["SECRET_HASH"]} if proof else {}
