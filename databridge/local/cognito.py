"""What moto's Cognito leaves out and the app needs: mail, reset codes that count, revocation, machine clients' tokens.

Mail goes to a file, one line of JSON a message, where a developer and the tests read temporary passwords and codes.
The private parts of moto used here are why its version is pinned and why tests run through all of them.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from joserfc import jwt
from moto.cognitoidp.exceptions import ExpiredCodeException, NotAuthorizedError
from moto.cognitoidp.models import (
    CognitoIdpBackend,
    CognitoIdpUser,
    CognitoIdpUserPool,
    UserStatus,
    cognitoidp_backends,
)
from moto.cognitoidp.responses import CognitoIdpResponse
from moto.core.exceptions import JsonRESTError
from moto.core.responses import EmptyResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

TOKEN_SECONDS = 3600


def install(mailbox: Path) -> None:
    """Add the missing parts to moto, once in a process; ``mailbox`` is the file that mail goes to."""

    def send(to: str, kind: str, secret: str) -> None:
        mail = {"at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "to": to, "kind": kind, "secret": secret}
        with mailbox.open("a") as file:
            file.write(json.dumps(mail) + "\n")

    _invitations(send)
    _resets(send)
    _renewals()


def _invitations(send: Callable[[str, str, str], None]) -> None:
    create = CognitoIdpBackend.admin_create_user

    def admin_create_user(
        self: CognitoIdpBackend, user_pool_id: str, username: str, message_action: str, *rest: Any
    ) -> CognitoIdpUser:
        if message_action == "RESEND":  # moto would make a second user of the same address
            user = self.admin_get_user(user_pool_id, username)
            user.password = _temporary_password()
        else:
            user = create(self, user_pool_id, username, message_action, *rest)
            user.password = user.password or _temporary_password()
        if message_action != "SUPPRESS":
            send(user.attribute_lookup.get("email", username), "temporary password", user.password)
        return user

    CognitoIdpBackend.admin_create_user = admin_create_user  # type: ignore[method-assign, assignment]


def _temporary_password() -> str:
    return f"Aa1-{secrets.token_urlsafe(9)}"


def _resets(send: Callable[[str, str, str], None]) -> None:
    reset, sign_in = CognitoIdpBackend.admin_reset_user_password, CognitoIdpBackend.admin_initiate_auth

    def post_code(user: CognitoIdpUser | None) -> None:
        if user is not None:
            user.confirmation_code = f"{secrets.randbelow(10**6):06d}"
            send(user.attribute_lookup.get("email", user.username), "reset code", user.confirmation_code)

    def forgot_password(self: CognitoIdpBackend, client_id: str, username: str) -> tuple[str | None, dict[str, Any]]:
        pool = _pool_of(self, client_id)
        user = _user_of(pool, username)
        post_code(user if user is not None and user.enabled else None)
        return None, {"CodeDeliveryDetails": {"Destination": "x***", "DeliveryMedium": "EMAIL"}}

    def confirm_forgot_password(
        self: CognitoIdpBackend, client_id: str, username: str, password: str, confirmation_code: str
    ) -> None:
        pool = _pool_of(self, client_id)
        user = _user_of(pool, username)
        if user is None or not user.confirmation_code or user.confirmation_code != confirmation_code:
            raise ExpiredCodeException("Invalid code provided, please request a code again.")
        self._validate_password(pool.id, password)
        user.password, user.confirmation_code, user.status = password, None, UserStatus.CONFIRMED

    def admin_reset_user_password(self: CognitoIdpBackend, user_pool_id: str, username: str) -> None:
        reset(self, user_pool_id, username)
        post_code(self.admin_get_user(user_pool_id, username))

    def admin_initiate_auth(
        self: CognitoIdpBackend, user_pool_id: str, client_id: str, auth_flow: str, auth_parameters: dict[str, str]
    ) -> dict[str, Any]:
        user = _user_of(self.describe_user_pool(user_pool_id), auth_parameters.get("USERNAME", ""))
        if user is not None and user.status is UserStatus.RESET_REQUIRED:
            raise JsonRESTError("PasswordResetRequiredException", "Password reset required for the user")
        return sign_in(self, user_pool_id, client_id, auth_flow, auth_parameters)

    CognitoIdpBackend.forgot_password = forgot_password  # type: ignore[method-assign]
    CognitoIdpBackend.confirm_forgot_password = confirm_forgot_password  # type: ignore[method-assign]
    CognitoIdpBackend.admin_reset_user_password = admin_reset_user_password  # type: ignore[method-assign]
    CognitoIdpBackend.admin_initiate_auth = admin_initiate_auth  # type: ignore[method-assign]


def _pool_of(backend: CognitoIdpBackend, client_id: str) -> CognitoIdpUserPool:
    return next(pool for pool in backend.user_pools.values() if client_id in pool.clients)


def _user_of(pool: CognitoIdpUserPool, username: str) -> CognitoIdpUser | None:
    return pool._get_user(username)  # noqa: SLF001


def _renewals() -> None:
    renewed = CognitoIdpUserPool.create_tokens_from_refresh_token

    def create_tokens_from_refresh_token(self: CognitoIdpUserPool, refresh_token: str) -> tuple[str, str, int]:
        entry = self.refresh_tokens.get(refresh_token)  # unknown ones end moto's request with a KeyError
        user = _user_of(self, entry[1]) if entry and entry[1] else None
        if user is None or not user.enabled:
            raise NotAuthorizedError("Refresh Token has been revoked")
        return renewed(self, refresh_token)

    def revoke_token(self: CognitoIdpResponse) -> EmptyResult:
        token = self._get_param("Token")
        for region in cognitoidp_backends[self.current_account].values():
            for pool in region.user_pools.values():
                if token in pool.refresh_tokens:
                    pool.refresh_tokens[token] = None
        return EmptyResult()

    def sign_out(self: CognitoIdpUserPool, username: str) -> None:
        user = _user_of(self, username)  # by any of their names; moto looks for the one they signed in by
        for token, entry in self.refresh_tokens.items():
            if entry and _user_of(self, entry[1]) is user:
                self.refresh_tokens[token] = None

    CognitoIdpUserPool.sign_out = sign_out  # type: ignore[method-assign]
    CognitoIdpUserPool.create_tokens_from_refresh_token = create_tokens_from_refresh_token  # type: ignore[method-assign]
    CognitoIdpResponse.revoke_token = revoke_token  # type: ignore[attr-defined]


# ---- machine clients ------------------------------------------------------------------------------


def token_endpoint(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer ``POST /oauth2/token`` by client credentials (RFC 6749, 4.4), as a WSGI application.

    The answers are those of AWS's "Token endpoint" page.
    """
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
    asked = {name: values[0] for name, values in parse_qs(body).items()}
    status, answer = _granted(asked, environ.get("HTTP_AUTHORIZATION", ""))
    start_response(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
    return [json.dumps(answer).encode()]


def _granted(asked: dict[str, str], authorization: str) -> tuple[str, dict[str, Any]]:
    bad = "400 Bad Request"
    if asked.get("grant_type") != "client_credentials":
        return bad, {"error": "unsupported_grant_type"}
    client_id, secret = asked.get("client_id", ""), asked.get("client_secret", "")
    if authorization.startswith("Basic "):
        client_id, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
    found = [
        (pool, pool.clients[client_id])
        for regions in cognitoidp_backends.values()
        for backend in regions.values()
        for pool in backend.user_pools.values()
        if client_id in pool.clients
    ]
    if not found or not found[0][1].secret or found[0][1].secret != secret:
        return bad, {"error": "invalid_client"}
    pool, client = found[0]
    allowed = client.extended_config.get("AllowedOAuthScopes", [])
    wanted = asked.get("scope", "").split() or allowed
    if not set(wanted) <= set(allowed):
        return bad, {"error": "invalid_scope"}
    return "200 OK", {
        "access_token": _signed(pool, client_id, wanted),
        "expires_in": TOKEN_SECONDS,
        "token_type": "Bearer",
    }


def _signed(pool: CognitoIdpUserPool, client_id: str, scopes: list[str]) -> str:
    moment = int(time.time())
    claims = {
        "iss": f"https://cognito-idp.{pool.region}.amazonaws.com/{pool.id}",
        "sub": client_id,
        "client_id": client_id,
        "token_use": "access",
        "scope": " ".join(scopes),
        "iat": moment,
        "auth_time": moment,
        "exp": moment + TOKEN_SECONDS,
        "version": 2,
        "jti": secrets.token_hex(16),
    }
    return str(jwt.encode({"kid": "dummy", "alg": "RS256"}, claims, pool.json_web_key))
