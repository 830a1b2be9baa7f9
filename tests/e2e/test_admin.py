"""The whole life of an account in a real browser, and the admin's lists, filters and actions."""

from __future__ import annotations

import csv
import io
import uuid

import httpx
import pytest

from tests.e2e.browser import app_code, browsing, chromium, sign_in, sign_in_as, sign_out

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(chromium() is None, reason="needs Debian's chromium: apt-get install chromium"),
]
CHOSEN = "Chosen-By-Me-2026"


@pytest.fixture(scope="module")
def open_page():
    with browsing(viewport={"width": 1440, "height": 900}) as opener:
        yield opener


@pytest.fixture
def email():
    return f"new-{uuid.uuid4().hex[:8]}@databridge.example"


def invited(page, live, email: str, role: str) -> None:
    page.goto(f"{live}/admin/accounts/user/")
    page.get_by_role("link", name="Invite people").click()
    page.get_by_label("E-mail addresses").fill(email)
    page.get_by_label("Role").select_option(role)
    page.get_by_role("button", name="Invite").click()
    page.locator(".messagelist").get_by_text(f"{email} is invited").wait_for()


def found(page, live, email: str):
    page.goto(f"{live}/admin/accounts/user/?q={email[:12]}")
    page.get_by_role("link", name=email, exact=True).click()
    return page


def chooses_password(page, live, email: str, temporary: str) -> None:
    sign_in_as(page, live, email, temporary)
    page.get_by_label("New password").fill(CHOSEN)
    page.get_by_label("The same again").fill(CHOSEN)
    page.get_by_role("button", name="Save and sign in").click()


def test_an_account_from_the_invitation_to_the_end_of_its_access(open_page, live, mail, email):
    admin = open_page()
    sign_in(admin, live, "Admin")
    invited(admin, live, email, "Operator")
    found(admin, live, email).get_by_role("button", name="Require an authenticator app").click()
    admin.locator(".card", has_text="Account").first.get_by_text("required").wait_for()

    person = open_page()
    chooses_password(person, live, email, mail(email, "temporary password"))
    person.wait_for_url(f"{live}/app/authenticator")
    assert person.locator("img[alt^='QR code']").evaluate("image => image.naturalWidth") > 100
    letters = person.locator("#letters").inner_text()
    person.get_by_label("six digits").fill("000000")
    person.get_by_role("button", name="Confirm the code").click()
    assert "code is wrong" in person.get_by_role("alert").inner_text()
    person.get_by_label("six digits").fill(app_code(letters))
    person.get_by_role("button", name="Confirm the code").click()
    person.wait_for_url(f"{live}/app/")
    assert "Operator" in person.locator("header").inner_text()
    sign_out(person)

    sign_in_as(person, live, email, CHOSEN)
    person.wait_for_url(f"{live}/app/code")
    person.get_by_label("Code").fill(app_code(letters))
    person.get_by_role("button", name="Sign in").click()
    person.wait_for_url(f"{live}/app/")

    answer = httpx.post(f"{live}/token", json={"username": email, "password": CHOSEN})
    assert (answer.status_code, answer.json()["code"]) == (401, "MFA_REQUIRED")
    signed = {"username": email, "password": CHOSEN, "mfa_code": app_code(letters)}
    token = httpx.post(f"{live}/token", json=signed).json()
    assert _may_post(live, token["id_token"])

    found(admin, live, email).get_by_label("Role").select_option("Viewer")
    admin.get_by_role("button", name="Give role").click()
    person.goto(f"{live}/app/new")
    assert "Your session has ended" in person.get_by_role("status").inner_text()
    renewed = httpx.post(f"{live}/token", json={"refresh_token": token["refresh_token"]}).json()
    assert not _may_post(live, renewed["id_token"])
    sign_in_as(person, live, email, CHOSEN)
    person.get_by_label("Code").fill(app_code(letters))
    person.get_by_role("button", name="Sign in").click()
    person.wait_for_url(f"{live}/app/")
    assert "Viewer" in person.locator("header").inner_text()
    assert person.goto(f"{live}/app/new").status == 403

    found(admin, live, email).get_by_role("button", name="Disable").click()
    admin.get_by_role("button", name="Yes, disable").click()
    admin.locator(".messagelist").get_by_text("is disabled").wait_for()
    person.goto(f"{live}/app/")
    assert "/app/sign-in" in person.url
    assert httpx.get(f"{live}/jobs", headers=_bearer(renewed["id_token"])).json()["code"] == "TOKEN_REVOKED"
    assert httpx.post(f"{live}/token", json={"refresh_token": token["refresh_token"]}).status_code == 401
    sign_in_as(person, live, email, CHOSEN)
    assert "wrong" in person.get_by_role("alert").inner_text()

    admin.goto(f"{live}/admin/accounts/auditrow/?q={email}")
    log = admin.locator("#result_list").inner_text()
    for action in ("invite: as Operator", "require MFA", "choose first password", "set up authenticator", "sign in",
                   "sign out", "give role: Operator to Viewer", "disable", "get token", "renew token"):  # fmt: skip
        assert action in log, action
    assert "refused (SIGN_IN_REFUSED)" in log
    assert admin.complaints == []


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _may_post(live, token: str) -> bool:
    answer = httpx.post(f"{live}/ingest", headers=_bearer(token), json={})
    assert answer.status_code in {400, 403}, answer.text
    return answer.status_code == 400


def test_a_forgotten_password_is_replaced_with_the_code_that_was_sent(open_page, live, mail, email):
    admin, person = open_page(), open_page()
    sign_in(admin, live, "Admin")
    invited(admin, live, email, "Viewer")
    chooses_password(person, live, email, mail(email, "temporary password"))
    person.wait_for_url(f"{live}/app/")
    other = open_page()
    other.goto(f"{live}/app/forgot-password")
    other.get_by_label("E-mail").fill(email)
    other.get_by_role("button", name="Send the code").click()
    other.get_by_label("Code").fill("000000" if mail(email, "reset code") != "000000" else "111111")
    for label in ("New password", "The same again"):
        other.get_by_label(label).fill("Another-One-2027")
    other.get_by_role("button", name="Save the new password").click()
    assert "code is wrong" in other.get_by_role("alert").inner_text()
    other.get_by_label("Code").fill(mail(email, "reset code"))
    for label in ("New password", "The same again"):
        other.get_by_label(label).fill("Another-One-2027")
    other.get_by_role("button", name="Save the new password").click()
    assert "new password is saved" in other.get_by_role("status").inner_text()
    sign_in_as(other, live, email, "Another-One-2027")
    other.wait_for_url(f"{live}/app/")
    assert other.complaints == []


def test_somebody_changes_their_password_and_signs_out_everywhere(open_page, live, mail, email):
    admin, here, there = open_page(), open_page(), open_page()
    sign_in(admin, live, "Admin")
    invited(admin, live, email, "Operator")
    chooses_password(here, live, email, mail(email, "temporary password"))
    here.wait_for_url(f"{live}/app/")
    sign_in_as(there, live, email, CHOSEN)
    there.wait_for_url(f"{live}/app/")
    here.goto(f"{live}/app/account")
    here.get_by_label("Present password").fill(CHOSEN)
    here.get_by_label("New password").fill("Another-One-2027")
    here.get_by_label("The same again").fill("Another-One-2027")
    here.get_by_role("button", name="Change the password").click()
    assert "password is changed" in here.get_by_role("status").inner_text()
    there.goto(f"{live}/app/jobs")
    assert "/app/sign-in" in there.url
    sign_in_as(there, live, email, "Another-One-2027")
    there.wait_for_url(f"{live}/app/")
    here.get_by_role("button", name="Sign out everywhere").click()
    for page in (here, there):
        page.goto(f"{live}/app/")
        assert "/app/sign-in" in page.url
    assert here.complaints == []


def test_somebody_without_a_role_is_told_whom_to_ask(open_page, live, mail, email):
    admin, person = open_page(), open_page()
    sign_in(admin, live, "Admin")
    invited(admin, live, email, "Viewer")
    found(admin, live, email).get_by_label("Role").select_option("no role")
    admin.get_by_role("button", name="Give role").click()
    admin.get_by_role("button", name="Yes, take the role away").click()
    chooses_password(person, live, email, mail(email, "temporary password"))
    person.get_by_text("You have no role yet").wait_for()
    assert "admin@databridge.example" in person.locator("main").inner_text()


def test_many_are_changed_at_once_and_an_admin_cannot_lock_themselves_out(open_page, live):
    admin = open_page()
    sign_in(admin, live, "Admin")
    batch = f"bulk-{uuid.uuid4().hex[:8]}"
    names = [f"{batch}-{n}@databridge.example" for n in range(3)]
    admin.goto(f"{live}/admin/accounts/user/add/")
    admin.get_by_label("E-mail addresses").fill(" ".join([*names, "no-address"]))
    admin.get_by_role("button", name="Invite").click()
    assert "no e-mail address" in admin.locator(".messagelist .error").inner_text()
    assert admin.get_by_label("E-mail addresses").input_value() == "no-address"
    admin.goto(f"{live}/admin/accounts/user/?q={batch}&role=Viewer&access=enabled")
    assert admin.locator("#result_list tbody tr").count() == 3
    admin.locator("#action-toggle").check()
    admin.locator("select[name=action]").select_option("disable")
    admin.get_by_role("button", name="Go").click()
    admin.get_by_role("button", name="Yes, disable").click()
    admin.locator(".messagelist .success").nth(2).wait_for()
    admin.goto(f"{live}/admin/accounts/user/?q={batch}&access=disabled")
    assert admin.locator("#result_list tbody tr").count() == 3
    found(admin, live, "admin@databridge.example")
    admin.get_by_text("This is you").wait_for()
    admin.goto(f"{live}/admin/accounts/user/?q=admin@databridge")
    admin.locator("#action-toggle").check()
    admin.locator("select[name=action]").select_option("make_viewer")
    admin.get_by_role("button", name="Go").click()
    assert "You cannot change your own role" in admin.locator(".messagelist .error").inner_text()
    assert admin.complaints == []


def test_failed_jobs_are_found_looked_into_and_sent_again_many_at_once(open_page, live, api, ended):
    dataset = f"broken_{uuid.uuid4().hex[:8]}"
    ids = [
        api("Operator")
        .post(f"/ingest?dataset={dataset}&filename=a.json&force=true", content=b"{", headers={"Content-Type": "x/y"})
        .json()["job_id"]
        for _ in range(2)
    ]
    assert {ended(job_id)["status"] for job_id in ids} == {"FAILED"}
    admin = open_page()
    sign_in(admin, live, "Admin")
    admin.goto(f"{live}/admin/ingestion/jobrow/?q={dataset}&status=FAILED")
    assert admin.locator("#result_list tbody tr").count() == 2
    admin.locator("#action-toggle").check()
    admin.locator("select[name=action]").select_option("retry")
    admin.get_by_role("button", name="Go").click()
    admin.locator(".messagelist .success").nth(1).wait_for()
    assert {ended(job_id)["attempt"] for job_id in ids} == {2}
    admin.goto(f"{live}/admin/ingestion/jobrow/?q={ids[0]}")
    admin.locator("#result_list a").first.click()
    admin.get_by_text("admin@databridge.example sent the job again").first.wait_for()
    text = admin.locator("main").inner_text()
    assert "BROKEN_FILE" in text
    assert "retry job" in text
    admin.goto(f"{live}/admin/ingestion/jobrow/?q=operator@databridge.example&source=api")
    assert admin.locator("#result_list tbody tr").count() >= 2
    admin.goto(f"{live}/admin/ingestion/datasetrow/")
    assert admin.complaints == []


def test_the_audit_log_is_exported_without_formulas(open_page, live):
    httpx.post(f"{live}/token", json={"username": "=HYPERLINK(1)@evil.example", "password": "x"})
    admin = open_page()
    sign_in(admin, live, "Admin")
    admin.goto(f"{live}/admin/accounts/auditrow/?outcome=refused&days=1")
    with admin.expect_download() as waiting:
        admin.get_by_role("link", name="Export these as CSV").click()
    rows = list(csv.DictReader(io.StringIO(waiting.value.path().read_text())))
    assert {row["outcome"] for row in rows} == {"refused"}
    assert "'=HYPERLINK(1)@evil.example" in {row["actor"] for row in rows}
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    admin.goto(f"{live}/admin/accounts/auditrow/?q=admin@databridge.example")
    assert "export audit log" in admin.locator("#result_list").inner_text()


@pytest.mark.parametrize("role", ["Operator", "Viewer"])
def test_the_admin_is_closed_to_others(open_page, live, role):
    page = open_page()
    sign_in(page, live, role)
    for path in ("/admin/", "/admin/accounts/user/"):
        page.goto(live + path)
        assert "Your role does not include this" in page.locator("main").inner_text()


def test_the_admin_asks_nobody_to_sign_in_elsewhere(open_page, live):
    page = open_page()
    page.goto(f"{live}/admin/accounts/user/?q=a&role=Admin")
    assert "/app/sign-in" in page.url
    page.get_by_label("E-mail").fill("admin@databridge.example")
    from databridge.local.provision import DEMO_PASSWORD

    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{live}/admin/accounts/user/?q=a&role=Admin")


WIDE = """document.querySelectorAll('td, th, dd, dt, li, h1, h2, p, label, .breadcrumbs, code')
  .forEach((e) => e.children.length || (e.textContent = 'W'.repeat(400)))"""


WIDEST = """[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1
  && !e.closest('.scroll, .changelist-form-container')).slice(0, 3).map((e) => e.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_nothing_overflows_in_the_admin_whatever_it_shows(open_page, live, width):
    page = open_page(viewport={"width": width, "height": 900}, color_scheme="dark")
    sign_in(page, live, "Admin")
    wide = []
    for path in ("/admin/", "/admin/accounts/user/", "/admin/accounts/user/add/", "/admin/ingestion/jobrow/",
                 "/admin/ingestion/connectionrow/", "/admin/accounts/auditrow/", "/app/account"):  # fmt: skip
        page.goto(live + path)
        for words in ("as it is", "long texts"):
            if words == "long texts":
                page.evaluate(WIDE)
            if (over := page.evaluate("document.documentElement.scrollWidth")) > width:
                wide.append(f"{path}, {words}: {over} by {page.evaluate(WIDEST)}")
    assert not wide, "\n".join(wide)
    assert page.complaints == []
