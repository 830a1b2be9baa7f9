"""The pages in a real browser: sign in as each role, load a file, see a failure, and what a role may not see."""

from __future__ import annotations

import pytest

from tests.e2e.browser import browsing, chromium, sign_in, sign_out

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(chromium() is None, reason="needs Debian's chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def open_page():
    with browsing(viewport={"width": 1440, "height": 900}) as opener:
        yield opener


@pytest.mark.parametrize("role", ["Admin", "Operator", "Viewer"])
def test_each_role_signs_in_and_sees_its_pages_without_a_complaint(open_page, live, role):
    page = open_page()
    sign_in(page, live, role)
    assert role in page.locator("header").inner_text()
    for path in ("/app/", "/app/jobs", "/app/datasets"):
        assert page.goto(live + path).status == 200
    assert page.get_by_role("link", name="New job").count() == (0 if role == "Viewer" else 1)
    assert page.goto(f"{live}/app/new").status == (403 if role == "Viewer" else 200)
    allowed = [] if role != "Viewer" else [text for text in page.complaints if "403" in text]
    assert page.complaints == allowed
    sign_out(page)
    page.goto(f"{live}/app/")
    assert "/app/sign-in" in page.url


def test_a_wrong_password_is_said_and_opens_nothing(open_page, live):
    page = open_page()
    page.goto(f"{live}/app/sign-in")
    page.get_by_label("E-mail").fill("admin@databridge.example")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    assert "wrong" in page.get_by_role("alert").inner_text()
    page.goto(f"{live}/app/")
    assert "/app/sign-in" in page.url


def test_a_file_is_uploaded_followed_and_shown(open_page, live, tmp_path):
    file = tmp_path / "GL Export 2026.csv"
    file.write_text("konto;betrag\n0000400000;1.250,00-\n0000400001;3,50\n")
    page = open_page()
    sign_in(page, live, "Operator")
    page.get_by_role("link", name="New job").click()
    page.get_by_label("File").set_input_files(file)
    assert page.get_by_label("Dataset").input_value() == "gl_export_2026"
    page.get_by_role("button", name="Start the job").click()
    page.locator(".status-SUCCESS").wait_for(timeout=60_000)
    text = page.locator("main").inner_text()
    assert "0000400000" in text
    assert "-1250.00" in text
    assert "minus behind" in text
    assert page.complaints == []


def test_a_failed_job_shows_what_where_and_what_to_do_and_hostile_text_is_inert(open_page, live, tmp_path):
    file = tmp_path / "<img src=x onerror=alert(1)>.json"
    file.write_text('{"a": ')
    page = open_page()
    page.on("dialog", lambda dialog: page.complaints.append(dialog.message))
    sign_in(page, live, "Operator")
    page.goto(f"{live}/app/new")
    page.get_by_label("File").set_input_files(file)
    page.get_by_label("Dataset").fill("broken_one")
    page.get_by_role("button", name="Start the job").click()
    page.locator(".status-FAILED").wait_for(timeout=60_000)
    text = page.locator(".problem", has_text="Why it failed").inner_text()
    assert "BROKEN_FILE" in text
    assert "line 1" in text
    assert "transfer the file again" in text
    assert page.get_by_role("button", name="Retry").is_visible()
    assert page.locator("main img").count() == 0
    assert page.complaints == []


def test_a_job_from_an_http_address_runs_from_the_form(open_page, live, outside):
    page = open_page()
    sign_in(page, live, "Admin")
    page.goto(f"{live}/app/new")
    page.get_by_label("HTTP").check()
    page.get_by_label("Address").locator("visible=true").fill(f"http://127.0.0.1:{outside.http}/infor_inventory.txt")
    page.get_by_label("Dataset").fill("from_a_form")
    page.get_by_role("button", name="Start the job").click()
    page.locator(".status-SUCCESS").wait_for(timeout=60_000)
    assert "12E5" in page.locator("main").inner_text()


@pytest.mark.parametrize("width", [390, 768, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows(open_page, live, width, scheme):
    page = open_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    sign_in(page, live, "Admin")
    for path in ("/app/", "/app/jobs", "/app/new", "/app/datasets"):
        page.goto(live + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.goto(f"{live}/app/jobs")
    first = page.locator("tbody a").first
    if first.count():
        first.click()
        page.wait_for_load_state()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
