"""Who gets in: no token, forged tokens, roles; every refusal in the one form."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

JOB = "01a20000-0000-7000-8000-000000000000"
ENDPOINTS = [
    ("POST", "/ingest"), ("POST", "/upload"), ("GET", "/jobs"), ("GET", f"/jobs/{JOB}"), ("GET", f"/jobs/{JOB}/events"),
    ("GET", f"/jobs/{JOB}/preview"), ("GET", f"/jobs/{JOB}/rejects"), ("GET", f"/jobs/{JOB}/report"),
    ("POST", f"/jobs/{JOB}/retry"), ("POST", f"/jobs/{JOB}/cancel"), ("GET", "/stats"),
]  # fmt: skip


def is_problem(answer: httpx.Response, status: int) -> bool:
    body = answer.json()
    return (
        answer.status_code == status
        and answer.headers["content-type"] == "application/problem+json"
        and body["status"] == status
        and {"code", "detail", "hint"} <= body.keys()
    )


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_without_a_token_the_answer_is_401_as_problem_json(api, method, path):
    answer = api().request(method, path)
    assert is_problem(answer, 401), answer.text
    assert answer.headers["www-authenticate"] == 'Bearer realm="databridge"'


@pytest.mark.parametrize("path", [path for method, path in ENDPOINTS if method == "POST"])
def test_a_viewer_may_post_nothing(api, path):
    answer = api("Viewer").post(path, json={})
    assert is_problem(answer, 403), answer.text
    assert answer.json()["code"] == "FORBIDDEN"


def test_a_token_in_the_query_string_is_not_looked_at(api, tokens):
    assert is_problem(api().get("/jobs", params={"token": tokens["Admin"], "access_token": tokens["Admin"]}), 401)


def _parts(token: str) -> tuple[dict, dict]:
    return jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})


def _encoded(value: dict) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _pool_key():
    """The key that moto signs with: public, in its package, so that a test can sign what Cognito would."""
    import gzip
    from importlib.resources import files

    content = files("moto.cognitoidp").joinpath("resources/jwks-private.json.gz").read_bytes()
    return jwt.PyJWK({**json.loads(gzip.decompress(content)), "alg": "RS256"}).key


def _signed(tokens, **changes) -> str:
    header, claims = _parts(tokens["Admin"])
    key = _pool_key()
    claims |= changes
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, key, "RS256", headers={"kid": header["kid"]})


def test_a_token_signed_anew_with_the_pools_key_is_accepted(api, tokens):
    """Proves that the refusals below are for what they change, not for being signed here."""
    assert api().get("/jobs", headers={"Authorization": f"Bearer {_signed(tokens)}"}).status_code == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": int(time.time()) - 3600}, "TOKEN_EXPIRED"),
        ({"exp": None}, "TOKEN_INVALID"),
        ({"aud": "another-client"}, "TOKEN_INVALID"),
        ({"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"}, "TOKEN_INVALID"),
        ({"token_use": "refresh"}, "TOKEN_INVALID"),
        ({"token_use": "access"}, "TOKEN_INVALID"),
        ({"nbf": int(time.time()) + 3600}, "TOKEN_INVALID"),
        ({"sub": None}, "TOKEN_INVALID"),
    ],
)
def test_a_token_of_the_right_key_with_a_wrong_claim_is_refused(api, tokens, changes, code):
    answer = api().get("/jobs", headers={"Authorization": f"Bearer {_signed(tokens, **changes)}"})
    assert is_problem(answer, 401)
    assert answer.json()["code"] == code


def _forgeries(tokens) -> dict[str, str]:
    header, claims = _parts(tokens["Admin"])
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    head, body, signature = tokens["Operator"].split(".")
    raised = _encoded(claims | {"cognito:groups": ["Admin"]})
    return {
        "no algorithm": f"{_encoded({'alg': 'none', 'typ': 'JWT'})}.{_encoded(claims)}.",
        "another key": jwt.encode(claims, other, "RS256", headers={"kid": header["kid"]}),
        "an unknown key id": jwt.encode(claims, other, "RS256", headers={"kid": "not-of-this-pool"}),
        "a shared secret": jwt.encode(claims, "x" * 32, "HS256", headers={"kid": header["kid"]}),
        "raised groups": f"{head}.{raised}.{signature}",
        "a cut signature": f"{head}.{body}.{signature[:-8]}",
        "no token at all": "rubbish",
    }


@pytest.mark.parametrize(
    "kind",
    ["no algorithm", "another key", "an unknown key id", "a shared secret", "raised groups", "a cut signature",
     "no token at all"],
)  # fmt: skip
def test_a_forged_token_is_refused(api, tokens, kind):
    answer = api().get("/jobs", headers={"Authorization": f"Bearer {_forgeries(tokens)[kind]}"})
    assert is_problem(answer, 401)
    assert answer.json()["code"] == "TOKEN_INVALID"


def test_a_wrong_password_and_an_unknown_account_get_the_same_answer(live):
    wrong = httpx.post(f"{live}/token", json={"username": "admin@databridge.example", "password": "no"})
    unknown = httpx.post(f"{live}/token", json={"username": "nobody@databridge.example", "password": "no"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


def test_a_refresh_token_gives_new_tokens(live):
    from databridge.local.provision import DEMO_PASSWORD

    first = httpx.post(
        f"{live}/token", json={"username": "viewer@databridge.example", "password": DEMO_PASSWORD}
    ).json()
    again = httpx.post(f"{live}/token", json={"refresh_token": first["refresh_token"]})
    assert again.status_code == 200
    jobs = httpx.get(f"{live}/jobs", headers={"Authorization": f"Bearer {again.json()['access_token']}"})
    assert jobs.status_code == 200


def test_guessing_a_password_is_slowed_down_but_signing_in_is_not(live):
    from databridge.local.provision import DEMO_PASSWORD

    def sign_in(account: str, password: str) -> int:
        return httpx.post(f"{live}/token", json={"username": account, "password": password}).status_code

    account = f"guessed-{time.time_ns()}@databridge.example"
    assert [sign_in(account, f"guess {n}") for n in range(12)][-1] == 429
    assert {sign_in("viewer@databridge.example", DEMO_PASSWORD) for _ in range(12)} == {200}
