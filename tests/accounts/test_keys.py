"""Cognito's keys: fetched seldom, kept through an outage, replaced without a restart; tokens signed by our own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from rest_framework.exceptions import AuthenticationFailed

from accounts import jwt

ISSUER, APP, MACHINE = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x", "app-client", "machine-client"


class Pool:
    """A user pool's keys behind a real address, and how often they were asked for."""

    def __init__(self) -> None:
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.fetches = 0
        self.broken = False
        pool = self

        class Endpoint(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pool.fetches += 1
                body = b"<html>" if pool.broken else json.dumps(pool.document()).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks.json"

    def document(self) -> dict:
        algorithm = pyjwt.algorithms.RSAAlgorithm
        return {
            "keys": [
                json.loads(algorithm.to_jwk(key.public_key())) | {"kid": kid, "alg": "RS256", "use": "sig"}
                for kid, key in self.keys.items()
            ]
        }

    def new_key(self, kid: str) -> None:
        self.keys = {kid: rsa.generate_private_key(public_exponent=65537, key_size=2048)}

    def token(self, kid: str, **changes) -> str:
        now = int(time.time())
        claims = {"sub": "person", "iss": ISSUER, "aud": APP, "token_use": "id", "iat": now, "exp": now + 60} | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return pyjwt.encode(claims, self.keys[kid], "RS256", headers={"kid": kid})

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Clock:
    """The time that ``accounts.jwt`` reads, which a test moves on."""

    def __init__(self) -> None:
        self.moment = 1000.0

    def monotonic(self) -> float:
        return self.moment


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(jwt, "time", clock)
    return clock


@pytest.fixture
def pool(stack, monkeypatch):
    pool = Pool()
    pool.new_key("first")
    monkeypatch.setattr(jwt, "_key_sets", {})
    monkeypatch.setenv("DATABRIDGE_JWKS_URL", pool.url)
    monkeypatch.setenv("DATABRIDGE_ISSUER", ISSUER)
    monkeypatch.setenv("DATABRIDGE_CLIENT_ID", APP)
    monkeypatch.setenv("DATABRIDGE_MACHINE_CLIENTS", MACHINE)
    yield pool
    pool.stop()


def test_the_keys_are_fetched_once(pool, clock):
    for _ in range(20):
        assert jwt.verified(pool.token("first"))["sub"] == "person"
    assert pool.fetches == 1


def test_unknown_key_ids_cause_one_fetch_a_minute_at_most(pool, clock):
    jwt.verified(pool.token("first"))
    stranger = Pool()
    stranger.new_key("unknown")
    try:
        for second in range(120):
            clock.moment = 1000.0 + second
            with pytest.raises(AuthenticationFailed):
                jwt.verified(stranger.token("unknown", aud=APP))
    finally:
        stranger.stop()
    assert pool.fetches <= 3


def test_a_new_key_is_known_within_a_minute_and_without_a_restart(pool, clock):
    jwt.verified(pool.token("first"))
    pool.new_key("second")
    clock.moment += 61
    assert jwt.verified(pool.token("second"))["sub"] == "person"


def test_a_key_that_was_withdrawn_is_refused_within_the_hour(pool, clock):
    old = pool.token("first")
    jwt.verified(old)
    pool.new_key("second")
    clock.moment += jwt.KEEP_S + 1
    with pytest.raises(AuthenticationFailed):
        jwt.verified(old)


@pytest.mark.parametrize("outage", ["rubbish", "no server"])
def test_known_keys_go_on_working_while_cognito_is_out_of_reach(pool, clock, outage):
    token = pool.token("first")
    jwt.verified(token)
    pool.broken = True
    if outage == "no server":
        pool.stop()
    for hours in range(1, 6):
        clock.moment = 1000.0 + hours * 3600
        assert jwt.verified(token)["sub"] == "person"


def test_without_any_key_the_answer_is_503_with_a_code(pool, monkeypatch):
    pool.broken = True
    answer = Client().get("/jobs", headers={"Authorization": f"Bearer {pool.token('first')}"})
    assert answer.status_code == 503
    assert answer.json()["code"] == "IDENTITY_UNAVAILABLE"
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("changes", "accepted"),
    [
        ({"exp": -jwt.SKEW_S + 5}, True),
        ({"exp": -jwt.SKEW_S - 5}, False),
        ({"nbf": jwt.SKEW_S - 5}, True),
        ({"nbf": jwt.SKEW_S + 5}, False),
        ({"iat": jwt.SKEW_S - 5}, True),
        ({"iat": jwt.SKEW_S + 5}, False),
    ],
)
def test_clocks_may_differ_by_half_a_minute_and_no_more(pool, changes, accepted):
    moments = {name: int(time.time()) + seconds for name, seconds in changes.items()}
    token = pool.token("first", **moments)
    if accepted:
        jwt.verified(token)
    else:
        with pytest.raises(AuthenticationFailed):
            jwt.verified(token)


def _hs256(claims: dict, secret: bytes) -> str:
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    signed = f"{part(json.dumps({'alg': 'HS256', 'kid': 'first'}).encode())}.{part(json.dumps(claims).encode())}"
    return f"{signed}.{part(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


@pytest.mark.parametrize("form", ["pem", "der", "jwk"])
def test_a_token_signed_by_the_public_key_as_a_secret_is_refused(pool, form):
    """The old confusion of RS256 and HS256: everybody knows the public key."""
    claims = pyjwt.decode(pool.token("first"), options={"verify_signature": False})
    public = pool.keys["first"].public_key()
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    secret = {
        "pem": public.public_bytes(serialization.Encoding.PEM, kind),
        "der": public.public_bytes(serialization.Encoding.DER, kind),
        "jwk": json.dumps(pool.document()["keys"][0]).encode(),
    }[form]
    with pytest.raises(AuthenticationFailed, match="RS256"):
        jwt.verified(_hs256(claims, secret))


def test_an_access_token_is_of_the_client_it_names(pool):
    access = {"token_use": "access", "aud": None, "username": "person"}
    assert jwt.verified(pool.token("first", **access, client_id=APP))["token_use"] == "access"
    with pytest.raises(AuthenticationFailed, match="another application"):
        jwt.verified(pool.token("first", **access, client_id="other"))
    with pytest.raises(AuthenticationFailed, match="another application"):
        jwt.verified(pool.token("first", token_use="access", client_id=None))


def _machine(**changes) -> dict:
    return {
        "token_use": "access",
        "aud": None,
        "sub": MACHINE,
        "client_id": MACHINE,
        "scope": "databridge/operator",
    } | changes


@pytest.mark.parametrize(
    ("scope", "role"),
    [
        ("databridge/operator", "Operator"),
        ("databridge/viewer databridge/admin", "Admin"),
        ("other/admin", None),
        ("", None),
    ],
)
def test_a_machine_has_the_role_of_its_scopes(pool, scope, role):
    user = jwt.user_of(jwt.verified(pool.token("first", **_machine(scope=scope))))
    assert (user.sub, user.role) == (MACHINE, role)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "unlisted", "sub": "unlisted"},
        {"username": "person"},  # a person's token that a machine's client got
        {"sub": "person"},
        {"token_use": "id"},
    ],
)
def test_what_only_looks_like_a_machine_is_refused(pool, changes):
    with pytest.raises(AuthenticationFailed):
        jwt.verified(pool.token("first", **_machine(**changes)))
