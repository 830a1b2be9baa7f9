"""An Admin manages people in the Django admin, in a real browser; the others are kept out."""

from __future__ import annotations

import uuid

import pytest

from tests.e2e.browser import browsing, chromium, sign_in

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(chromium() is None, reason="needs Debian's chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def open_page():
    with browsing(viewport={"width": 1440, "height": 900}) as opener:
        yield opener


def test_an_admin_invites_somebody_who_chooses_a_password_and_later_loses_access(open_page, live):
    from databridge.aws import client
    from databridge.config import current

    email = f"new-{uuid.uuid4().hex[:8]}@databridge.example"
    admin = open_page()
    sign_in(admin, live, "Admin")
    admin.goto(f"{live}/admin/")
    admin.get_by_role("link", name="Users, roles and access").click()
    admin.get_by_label("E-mail").fill(email)
    admin.get_by_label("Role", exact=True).select_option("Operator")
    admin.get_by_role("button", name="Invite").click()
    row = admin.locator("tr", has_text=email)
    assert "Operator" in row.inner_text()
    # Cognito would send this by e-mail; the embedded one sends none, so the test sets the temporary password itself.
    client("cognito-idp").admin_set_user_password(
        UserPoolId=current().user_pool_id, Username=email, Password="Temporary-Pass-1", Permanent=False
    )
    person = open_page()
    person.goto(f"{live}/app/sign-in")
    person.get_by_label("E-mail").fill(email)
    person.get_by_label("Password").fill("Temporary-Pass-1")
    person.get_by_role("button", name="Sign in").click()
    person.get_by_label("New password").fill("Chosen-By-Me-2026")
    person.get_by_label("The same again").fill("Chosen-By-Me-2026")
    person.get_by_role("button", name="Save and sign in").click()
    person.wait_for_url(f"{live}/app/")
    assert "Operator" in person.locator("header").inner_text()
    row.get_by_role("button", name="Disable").click()
    assert "disabled" in admin.locator("tr", has_text=email).inner_text()
    again = open_page()
    again.goto(f"{live}/app/sign-in")
    again.get_by_label("E-mail").fill(email)
    again.get_by_label("Password").fill("Chosen-By-Me-2026")
    again.get_by_role("button", name="Sign in").click()
    assert again.get_by_role("alert").is_visible()
    assert admin.complaints == []


@pytest.mark.parametrize("role", ["Operator", "Viewer"])
def test_the_admin_is_closed_to_others(open_page, live, role):
    page = open_page()
    sign_in(page, live, role)
    for path in ("/admin/", "/admin/accounts/user/"):
        page.goto(live + path)
        assert "Your role does not include this" in page.locator("main").inner_text()


def test_the_admin_asks_nobody_to_sign_in_elsewhere(open_page, live):
    page = open_page()
    page.goto(f"{live}/admin/")
    assert "/app/sign-in" in page.url
