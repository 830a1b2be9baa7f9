"""Cognito's tokens: RS256 only, of this pool, for this client, not expired; keys are fetched and kept.

Checks follow AWS's "Verifying JSON web tokens" page: signature, ``iss``, ``exp``, ``token_use``, and
``aud`` of an ID token or ``client_id`` of an access token.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.error import URLError
from urllib.request import urlopen

import jwt
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header

from accounts.models import User
from databridge import config

SKEW_S = 30
REFETCH_AFTER_S = 60
KEEP_S = 3600


class TokenExpired(exceptions.AuthenticationFailed):
    """The token's time is over."""

    problem: ClassVar[tuple[str, str]] = ("TOKEN_EXPIRED", "Renew it with POST /token and send the new one.")


class KeysUnavailable(exceptions.APIException):
    """Cognito's keys cannot be fetched and none are kept, so no token can be checked."""

    status_code = 503
    default_detail = "The keys that tokens are checked with are out of reach."
    problem: ClassVar[tuple[str, str]] = ("IDENTITY_UNAVAILABLE", "Try again in a minute.")


@dataclass(slots=True)
class KeySet:
    """The pool's public keys: fetched when needed, kept an hour, kept longer while Cognito is out of reach.

    An unknown key id causes at most one fetch a minute, so that forged ids cannot make us call AWS.
    """

    url: str
    _keys: dict[str, Any] = field(default_factory=dict)
    _fetched_at: float = float("-inf")
    _tried_at: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def key(self, kid: str) -> Any | None:
        """Return the key, or None when the pool has no such key; raises ``KeysUnavailable``."""
        moment = time.monotonic()
        with self._lock:
            stale = moment - self._fetched_at > KEEP_S or kid not in self._keys
            if stale and (moment - self._tried_at > REFETCH_AFTER_S or not self._keys):
                self._tried_at = moment
                self._fetch(moment)
            return self._keys.get(kid)

    def _fetch(self, moment: float) -> None:
        try:
            with urlopen(self.url, timeout=5) as answer:  # noqa: S310  (the address is configuration)
                document = json.load(answer)
            self._keys = {key["kid"]: jwt.PyJWK(key).key for key in document["keys"] if key.get("kty") == "RSA"}
            self._fetched_at = moment
        except (URLError, OSError, ValueError, KeyError) as error:
            if not self._keys:
                raise KeysUnavailable from error


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
    if meant_for != stage.client_id:
        raise exceptions.AuthenticationFailed("The token was issued for another application.")
    return claims


def user_of(claims: dict[str, Any]) -> User:
    """Make the user of a token; an access token carries no e-mail address, so theirs stays empty."""
    return User.of(sub=claims["sub"], email=claims.get("email", ""), groups=list(claims.get("cognito:groups", ())))


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
        return user_of(claims), claims

    def authenticate_header(self, request: Any) -> str:
        """Name the scheme of the 401."""
        return 'Bearer realm="databridge"'
