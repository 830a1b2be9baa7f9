"""Cognito's tokens: RS256 only, of this pool, for this client, not expired; keys are fetched and kept.

Checks follow AWS's "Verifying JSON web tokens" page: signature, ``iss``, ``exp``, ``token_use``, and
``aud`` of an ID token or ``client_id`` of an access token.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.request import urlopen

import jwt
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header

from accounts import roles, standing
from accounts.models import User
from databridge import config

logger = logging.getLogger(__name__)

# How far clocks may differ, for a token's end and its beginning.
SKEW_S = 30
# After an unknown key id, or a failed fetch, the keys are asked for again no sooner than this.
REFETCH_AFTER_S = 60
# The same while there are no keys at all: everybody waits for them.
RETRY_EMPTY_S = 5
# How long keys are used without asking; a key that Cognito withdraws is refused after this time.
KEEP_S = 3600


class TokenExpired(exceptions.AuthenticationFailed):
    """The token's time is over."""

    problem: ClassVar[tuple[str, str]] = ("TOKEN_EXPIRED", "Renew it with POST /token and send the new one.")


class TokenRevoked(exceptions.AuthenticationFailed):
    """The token is sound, but its account was disabled or signed out everywhere."""

    default_detail = "The account was disabled or signed out after this token was issued."
    problem: ClassVar[tuple[str, str]] = ("TOKEN_REVOKED", "Sign in again; if that is refused, ask an Admin.")


class KeysUnavailable(exceptions.APIException):
    """Cognito's keys cannot be fetched and none are kept, so no token can be checked."""

    status_code = 503
    default_detail = "The keys that tokens are checked with are out of reach."
    problem: ClassVar[tuple[str, str]] = ("IDENTITY_UNAVAILABLE", "Try again in a minute.")


@dataclass(slots=True)
class KeySet:
    """The pool's public keys: fetched when needed, kept an hour, kept longer while Cognito is out of reach.

    An unknown key id causes at most one fetch a minute, so that forged ids cannot make us call AWS; hence a key
    that Cognito begins to use is known after a minute at the latest.
    """

    url: str
    _keys: dict[str, Any] = field(default_factory=dict)
    _fetched_at: float = float("-inf")
    _tried_at: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def key(self, kid: str) -> Any | None:
        """Return the key, or None when the pool has no such key; raises ``KeysUnavailable``."""
        moment = time.monotonic()
        known = self._keys.get(kid)
        if known is not None and moment - self._fetched_at < KEEP_S:
            return known
        # who has a usable key does not wait for somebody else's fetch
        if self._lock.acquire(blocking=known is None):
            try:
                self._fetch_if_due(moment)
            finally:
                self._lock.release()
        if not self._keys:
            raise KeysUnavailable
        return self._keys.get(kid)

    def _fetch_if_due(self, moment: float) -> None:
        if moment - self._tried_at < (REFETCH_AFTER_S if self._keys else RETRY_EMPTY_S):
            return
        self._tried_at = moment
        try:
            with urlopen(self.url, timeout=5) as answer:  # noqa: S310  (the address is configuration)
                document = json.load(answer)
            keys = {key["kid"]: jwt.PyJWK(key).key for key in document["keys"] if key.get("kty") == "RSA"}
        except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
            logger.warning("the keys of the user pool could not be fetched: %s", error)
            return
        if keys:
            self._keys, self._fetched_at = keys, moment


_key_sets: dict[str, KeySet] = {}


def verified(token: str) -> dict[str, Any]:
    """Return the claims of a token that holds; raises ``TokenExpired`` or ``AuthenticationFailed``."""
    stage = config.current()
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") != "RS256":
            raise exceptions.AuthenticationFailed("The token is not signed with RS256.")
        keys = _key_sets.setdefault(stage.jwks_url, KeySet(stage.jwks_url))
        key = keys.key(str(header.get("kid", "")))
        if key is None:
            raise exceptions.AuthenticationFailed("The token was signed by a key that is not this pool's.")
        claims = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            issuer=stage.issuer,
            leeway=SKEW_S,
            options={"require": ["exp", "iat", "iss", "sub", "token_use"], "verify_aud": False},
        )
    except jwt.ExpiredSignatureError as error:
        raise TokenExpired("The token has expired.") from error
    except jwt.InvalidTokenError as error:
        raise exceptions.AuthenticationFailed("The token is not valid.") from error
    use = claims["token_use"]
    meant_for = claims.get("aud") if use == "id" else claims.get("client_id") if use == "access" else None
    if meant_for != stage.client_id and not is_machine(claims):
        raise exceptions.AuthenticationFailed("The token was issued for another application.")
    return claims


def is_machine(claims: dict[str, Any]) -> bool:
    """Tell whether a token is a machine client's: by client credentials, so nobody's, and of a client we list."""
    client = claims.get("client_id")
    return (
        claims["token_use"] == "access"  # noqa: S105  (a kind, not a secret)
        and client in config.current().machine_clients
        and claims["sub"] == client
        and "username" not in claims
    )


def user_of(claims: dict[str, Any]) -> User:
    """Make the user of a token that holds, as they stand now.

    A token never gives more than it says, nor more than the person may at present. Raises ``TokenRevoked`` for
    somebody disabled or signed out, at the latest ``standing.CONFIRM_AFTER_S`` after it happened, and
    ``IdentityUnavailable`` or ``StoreUnavailable`` when that cannot be found out.
    """
    now = standing.now(claims["sub"], machine=is_machine(claims))
    # a token's second is all that is known of its moment: one of the very second of the end counts as before it
    if claims["iat"] <= int(now.tokens_from) or now.groups is None:
        raise TokenRevoked
    if is_machine(claims):
        return User.with_role(sub=claims["sub"], email="", role=roles.of_scopes(claims.get("scope", "")))
    granted = roles.highest(claims.get("cognito:groups") or ())
    # an access token carries no e-mail address
    email = claims.get("email") or now.email
    return User.with_role(sub=claims["sub"], email=email, role=roles.lesser(granted, roles.highest(now.groups)))


class CognitoJWTAuthentication(BaseAuthentication):
    """DRF's authentication by ``Authorization: Bearer``; a token anywhere else is not looked at."""

    def authenticate(self, request: Any) -> tuple[User, dict[str, Any]] | None:
        """Return the user and the claims; None when there is no such header."""
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        if len(words) != 2:
            raise exceptions.AuthenticationFailed("The Authorization header must be: Bearer <token>.")
        try:
            claims = verified(words[1].decode("ascii"))
        except UnicodeDecodeError as error:
            raise exceptions.AuthenticationFailed("The token is not valid.") from error
        user = user_of(claims)
        standing.seen(user.sub, user.email)
        return user, claims

    def authenticate_header(self, request: Any) -> str:
        """Name the scheme of the 401."""
        return 'Bearer realm="databridge"'
