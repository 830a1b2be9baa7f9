"""How long what changed at Cognito is not yet known here, how sessions go on, and the first Admin of a stage."""

from __future__ import annotations

import time
import uuid
from io import StringIO

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import audit, cognito, middleware, people, sessions, standing
from accounts.audit import Actor
from databridge import config
from databridge.aws import client
from databridge.local.provision import DEMO_PASSWORD

JOB_ROUTES = [
    ("GET", ""), ("GET", "/events"), ("GET", "/report"), ("GET", "/preview"), ("GET", "/rejects"),
    ("POST", "/retry"), ("POST", "/cancel"),
]  # fmt: skip


@pytest.fixture
def person(live):
    """Somebody with a password and a role, who is nobody else's."""

    def made(role: str = "Operator") -> str:
        email = f"{uuid.uuid4().hex[:12]}@example.com"
        pool = {"UserPoolId": config.current().user_pool_id, "Username": email}
        pool_client = client("cognito-idp")
        pool_client.admin_create_user(
            **pool, UserAttributes=[{"Name": "email", "Value": email}], MessageAction="SUPPRESS"
        )
        pool_client.admin_set_user_password(**pool, Password=DEMO_PASSWORD, Permanent=True)
        pool_client.admin_add_user_to_group(**pool, GroupName=role)
        return email

    return made


@pytest.fixture
def token(live):
    def got(email: str) -> dict:
        answer = httpx.post(f"{live}/token", json={"username": email, "password": DEMO_PASSWORD})
        assert answer.status_code == 200, answer.text
        return answer.json()

    return got


def _later(monkeypatch, seconds: float) -> None:
    """Let what is kept of people grow old."""
    monkeypatch.setattr(standing, "CONFIRM_AFTER_S", standing.CONFIRM_AFTER_S - seconds)
    monkeypatch.setattr(standing, "ASK_AGAIN_S", 0)


def test_a_token_of_somebody_disabled_at_cognito_is_refused_within_half_a_minute(live, person, token, monkeypatch):
    email = person()
    headers = {"Authorization": f"Bearer {token(email)['id_token']}"}
    assert httpx.get(f"{live}/jobs", headers=headers).status_code == 200
    client("cognito-idp").admin_disable_user(UserPoolId=config.current().user_pool_id, Username=email)
    _later(monkeypatch, 30)
    answer = httpx.get(f"{live}/jobs", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_REVOKED")


def test_a_token_does_not_give_back_a_role_that_was_taken(live, person, token):
    email = person("Admin")
    headers = {"Authorization": f"Bearer {token(email)['id_token']}"}
    people.give_role(Actor(name="test"), people.get(email), "Viewer")
    assert httpx.get(f"{live}/jobs", headers=headers).status_code == 200
    assert httpx.post(f"{live}/ingest", headers=headers, json={}).status_code == 403


def test_signing_out_everywhere_ends_tokens_that_are_out(live, person, token):
    email = person()
    given = token(email)
    people.sign_out(Actor(name="test"), people.get(email))
    headers = {"Authorization": f"Bearer {given['id_token']}"}
    assert httpx.get(f"{live}/jobs", headers=headers).status_code == 401
    assert httpx.post(f"{live}/token", json={"refresh_token": given["refresh_token"]}).status_code == 401


def test_an_operator_reaches_nothing_of_anothers_job_and_an_admin_all(live, person, token, ended):
    """Each action on one's own, another's and everybody's job."""
    mine, other = (httpx.Client(base_url=live, headers=_bearer(token(person()))) for _ in range(2))
    name = f"t_{uuid.uuid4().hex[:8]}"
    job = mine.post(
        f"/ingest?dataset={name}&filename=a.csv", content=b"a;b\n1;2\n", headers={"Content-Type": "text/csv"}
    )
    job_id = job.json()["job_id"]
    ended(job_id)
    told = {
        (method, path): [who.request(method, f"/jobs/{job_id}{path}").status_code for who in (mine, other)]
        for method, path in JOB_ROUTES
    }
    wrong = {route: codes for route, codes in told.items() if codes[0] in {401, 403, 404} or codes[1] not in {403, 404}}
    assert wrong == {}
    assert [found["job_id"] for found in mine.get("/jobs").json()["jobs"]] == [job_id]
    assert other.get("/jobs").json()["jobs"] == []
    admin = httpx.Client(base_url=live, headers=_bearer(token("admin@databridge.example")))
    assert all(admin.get(f"/jobs/{job_id}{path}").status_code == 200 for method, path in JOB_ROUTES if method == "GET")


def _bearer(given: dict) -> dict[str, str]:
    return {"Authorization": f"Bearer {given['id_token']}"}


# ---- sessions -------------------------------------------------------------------------------------


@pytest.fixture
def browser(person):
    """A browser that is signed in, and the key of its session."""
    page = Client()
    assert page.post("/app/sign-in", {"email": person("Viewer"), "password": DEMO_PASSWORD}).status_code == 302
    return page


def _change(page: Client, **changes) -> None:
    session = sessions.SessionStore(page.cookies["databridge_session"].value)
    session["person"] = session["person"] | changes
    session.save()


def _is_in(page: Client) -> bool:
    return page.get("/app/account").status_code == 200


def test_a_session_is_renewed_behind_the_page(browser):
    _change(browser, renew_at=0)
    assert _is_in(browser)
    kept = sessions.SessionStore(browser.cookies["databridge_session"].value)["person"]
    assert kept["renew_at"] > time.time() + 600


def test_a_session_ends_when_its_tokens_are_not_renewed(browser):
    _change(browser, renew_at=0, refresh_token="no longer good")
    assert not _is_in(browser)


def test_a_session_goes_on_while_cognito_is_out_of_reach(browser, monkeypatch):
    def busy(*_):
        raise cognito.IdentityUnavailable("busy")

    monkeypatch.setattr(cognito, "renew", busy)
    _change(browser, renew_at=0)
    assert _is_in(browser)


@pytest.mark.parametrize(
    "changes",
    [{"began_at": time.time() - middleware.LASTS_S - 60}, {"active_at": time.time() - middleware.IDLE_S - 60}],
    ids=["after twelve hours", "after an idle hour"],
)
def test_a_session_ends_by_itself(browser, changes):
    _change(browser, **changes)
    assert not _is_in(browser)
    assert "ended=1" in browser.get("/app/").headers["Location"] or not _is_in(browser)


# ---- the first admin ------------------------------------------------------------------------------


def _create_admin(email: str) -> str:
    said = StringIO()
    call_command("create_admin", email, stdout=said)
    return said.getvalue().strip()


def test_the_first_admin_is_invited_by_mail_and_only_once(live, mail):
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    assert _create_admin(f" {email.upper()} ") == (
        f"{email} is invited as Admin; a temporary password is on its way by e-mail."
    )
    assert mail(email, "temporary password")
    assert _create_admin(email) == f"{email} is an Admin already."
    (entry,) = audit.entries(about=email).entries
    assert (entry.action, entry.outcome, entry.door) == ("invite", "done", "command")


def test_somebody_who_is_there_becomes_an_admin(live, person):
    email = person("Viewer")
    client("cognito-idp").admin_disable_user(UserPoolId=config.current().user_pool_id, Username=email)
    assert _create_admin(email) == f"{email} has an account, and is an Admin now."
    found = people.get(email)
    assert (found.role, found.enabled) == ("Admin", True)


def test_what_is_no_address_is_refused_in_a_line(live):
    with pytest.raises(CommandError, match="is no e-mail address"):
        _create_admin("nobody")
