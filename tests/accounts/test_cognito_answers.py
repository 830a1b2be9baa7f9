"""What Cognito may answer and the embedded one never does, from AWS's reference of each operation."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

import pytest
from botocore.stub import ANY

from accounts import cognito
from tests.accounts.conftest import CLIENT_SECRET

TOKENS = {"AuthenticationResult": {"IdToken": "i", "AccessToken": "a", "RefreshToken": "r", "ExpiresIn": 3600}}
PASSWORD = "a good phrase of 5 words"


def _proof(username: str) -> str:
    """Cognito's SECRET_HASH: Base64(HMAC_SHA256(secret, username + client id))."""
    text = username + os.environ["DATABRIDGE_CLIENT_ID"]
    return base64.b64encode(hmac.new(CLIENT_SECRET.encode(), text.encode(), hashlib.sha256).digest()).decode()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("NotAuthorizedException", "Incorrect username or password."),
        ("NotAuthorizedException", "User is disabled."),
        ("NotAuthorizedException", "Password attempts exceeded"),
        ("NotAuthorizedException", "Unable to verify secret hash for client"),
        ("NotAuthorizedException", "Temporary password has expired and must be reset by an administrator."),
        ("UserNotFoundException", "User does not exist."),
        ("UserNotConfirmedException", "User is not confirmed."),
        ("PasswordResetRequiredException", "Password reset required for the user"),
        ("InvalidParameterException", "Invalid username"),
    ],
)
def test_every_refusal_of_a_password_reads_the_same(cognito_answers, code, message):
    """A locked, disabled or unknown account is not told from a wrong password."""
    cognito_answers.add_client_error("admin_initiate_auth", code, message, 400)
    with pytest.raises(cognito.SignInRefused) as refused:
        cognito.sign_in("somebody@example.com", PASSWORD)
    told = refused.value
    assert str(told) == (
        "The e-mail address or the password is wrong. Check both and try again, or reset the password."
    )
    assert told.http_status == 401


@pytest.mark.parametrize("code", ["TooManyRequestsException", "InternalErrorException", "ThrottlingException"])
def test_a_busy_cognito_is_no_refusal(cognito_answers, code):
    cognito_answers.add_client_error("admin_initiate_auth", code, "busy", 400)
    with pytest.raises(cognito.IdentityUnavailable) as busy:
        cognito.sign_in("somebody@example.com", PASSWORD)
    assert busy.value.http_status == 503
    assert busy.value.retryable


def test_an_answer_that_nobody_foresaw_opens_nothing_and_is_logged(cognito_answers, caplog):
    cognito_answers.add_client_error("admin_initiate_auth", "UserLambdaValidationException", "secret detail", 400)
    with pytest.raises(cognito.IdentityUnavailable, match="does not work") as refused:
        cognito.sign_in("somebody@example.com", PASSWORD)
    assert "secret detail" not in str(refused.value)
    assert "UserLambdaValidationException" in caplog.text


def test_the_secret_is_proved_for_the_address_and_then_for_cognitos_own_name(cognito_answers, with_secret):
    """With an e-mail address as alias the challenge is answered in the name that Cognito gave."""
    pool, app = os.environ["DATABRIDGE_USER_POOL_ID"], os.environ["DATABRIDGE_CLIENT_ID"]
    parameters = {"USERNAME": "a@example.com", "PASSWORD": PASSWORD, "SECRET_HASH": _proof("a@example.com")}
    cognito_answers.add_response(
        "admin_initiate_auth",
        {
            "ChallengeName": "SOFTWARE_TOKEN_MFA",
            "Session": "s" * 20,
            "ChallengeParameters": {"USER_ID_FOR_SRP": "sub-1"},
        },
        {"UserPoolId": pool, "ClientId": app, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "AuthParameters": parameters},
    )
    with pytest.raises(cognito.MfaRequired) as step:
        cognito.sign_in("a@example.com", PASSWORD)
    assert (step.value.username, step.value.session) == ("sub-1", "s" * 20)
    responses = {"USERNAME": "sub-1", "SOFTWARE_TOKEN_MFA_CODE": "123456", "SECRET_HASH": _proof("sub-1")}
    cognito_answers.add_response(
        "admin_respond_to_auth_challenge",
        TOKENS,
        {
            "UserPoolId": pool,
            "ClientId": app,
            "ChallengeName": "SOFTWARE_TOKEN_MFA",
            "Session": "s" * 20,
            "ChallengeResponses": responses,
        },
    )
    assert cognito.answer_code("sub-1", "123 456", "s" * 20).id_token == "i"


def test_tokens_are_renewed_with_the_proof_for_the_same_name(cognito_answers, with_secret):
    cognito_answers.add_response(
        "admin_initiate_auth",
        {"AuthenticationResult": {"IdToken": "i", "AccessToken": "a", "ExpiresIn": 3600}},
        {
            "UserPoolId": ANY,
            "ClientId": ANY,
            "AuthFlow": "REFRESH_TOKEN_AUTH",
            "AuthParameters": {"REFRESH_TOKEN": "r", "SECRET_HASH": _proof("sub-1")},
        },
    )
    assert cognito.renew("r", "sub-1").refresh_token is None


@pytest.mark.parametrize("code", ["CodeMismatchException", "ExpiredCodeException"])
def test_a_wrong_or_used_code_can_be_typed_again(cognito_answers, code):
    cognito_answers.add_client_error("admin_respond_to_auth_challenge", code, "Invalid code received for user", 400)
    with pytest.raises(cognito.CodeRefused):
        cognito.answer_code("sub-1", "000000", "s" * 20)


def test_a_sign_in_that_took_too_long_begins_anew(cognito_answers):
    cognito_answers.add_client_error(
        "admin_respond_to_auth_challenge", "NotAuthorizedException", "Invalid session for the user.", 400
    )
    with pytest.raises(cognito.SignInExpired):
        cognito.answer_code("sub-1", "000000", "s" * 20)


@pytest.mark.parametrize("code", ["12345", "1234567", "12a456", "١٢٣٤٥٦"])
def test_what_is_no_code_is_not_sent(cognito_answers, code):
    with pytest.raises(cognito.CodeRefused, match="six digits"):
        cognito.answer_code("sub-1", code, "s" * 20)


def test_an_authenticator_that_does_not_prove_itself_is_not_enrolled(cognito_answers):
    cognito_answers.add_client_error("verify_software_token", "EnableSoftwareTokenMFAException", "Code mismatch", 400)
    with pytest.raises(cognito.CodeRefused):
        cognito.finish_enrolment("000000", username="sub-1", session="s" * 20)
    cognito_answers.add_response("verify_software_token", {"Status": "ERROR"})
    with pytest.raises(cognito.CodeRefused):
        cognito.finish_enrolment("000000", username="sub-1", access_token="a")


def test_a_way_of_signing_in_that_is_not_offered_is_refused(cognito_answers):
    cognito_answers.add_response(
        "admin_initiate_auth", {"ChallengeName": "SMS_MFA", "Session": "s" * 20, "ChallengeParameters": {}}
    )
    with pytest.raises(cognito.SignInRefused, match="not offered"):
        cognito.sign_in("somebody@example.com", PASSWORD)


def test_asking_for_a_code_tells_nothing_about_the_account(cognito_answers):
    for code in (
        "UserNotFoundException",
        "InvalidParameterException",
        "NotAuthorizedException",
        "LimitExceededException",
    ):
        cognito_answers.add_client_error("forgot_password", code, "x", 400)
        cognito.forgot_password("nobody@example.com")


@pytest.mark.parametrize(
    "code",
    [
        "CodeMismatchException",
        "ExpiredCodeException",
        "UserNotFoundException",
        "PasswordHistoryPolicyViolationException",
    ],
)
def test_a_reset_that_fails_reads_the_same_whatever_the_cause(cognito_answers, code):
    cognito_answers.add_client_error("confirm_forgot_password", code, "x", 400)
    with pytest.raises(cognito.ResetRefused, match="The code is wrong or too old, or the password was used before"):
        cognito.reset_password("a@example.com", "123456", PASSWORD)


def test_a_wrong_present_password_and_a_bad_new_one_are_told_apart(cognito_answers):
    cognito_answers.add_client_error(
        "change_password", "NotAuthorizedException", "Incorrect username or password.", 400
    )
    with pytest.raises(cognito.SignInRefused):
        cognito.change_password("a", "wrong", PASSWORD)
    cognito_answers.add_client_error("change_password", "InvalidPasswordException", "x", 400)
    with pytest.raises(cognito.PasswordRefused):
        cognito.change_password("a", "right", PASSWORD)
    cognito_answers.add_client_error("change_password", "LimitExceededException", "x", 400)
    with pytest.raises(cognito.IdentityUnavailable):
        cognito.change_password("a", "right", PASSWORD)


def test_a_refresh_token_is_revoked_with_the_clients_secret(cognito_answers, with_secret):
    cognito_answers.add_response(
        "revoke_token",
        {},
        {"Token": "r", "ClientId": os.environ["DATABRIDGE_CLIENT_ID"], "ClientSecret": CLIENT_SECRET},
    )
    cognito.revoke("r")


def test_signing_out_ends_the_session_also_when_the_token_cannot_be_revoked(cognito_answers, rf):
    """``UnsupportedTokenTypeException``, an outage: the page's session is over all the same."""
    from accounts import middleware, sessions

    request = rf.post("/app/sign-out")
    request.session = sessions.SessionStore()
    request.session["person"] = {"refresh_token": "r"}
    request.session.save()
    key = request.session.session_key
    cognito_answers.add_client_error("revoke_token", "UnsupportedTokenTypeException", "x", 400)
    middleware.forget(request)
    assert not request.user.is_authenticated
    assert not sessions.SessionStore().exists(key)


@pytest.mark.parametrize(
    "password",
    [
        "short-1",
        "x" * 257,
        "Password12345",
        "qwertyuiop12345",
        "iloveyou2026!",
        "databridge-2026",
        "aaaaaaaaaaaaaa",
        "abababababab",
    ],
)
def test_a_password_that_is_easy_to_guess_is_refused_before_any_account_is_looked_at(cognito_answers, password):
    with pytest.raises(cognito.PasswordRefused):
        cognito.set_first_password("sub-1", password, "s" * 20)


@pytest.mark.parametrize(
    "password", ["correct horse battery", "ärger mit der küche", "x1" + "é" * 3 + " & viel mehr Worte" * 5]
)
def test_letters_of_any_kind_make_a_password(password):
    cognito.check_password(password)
