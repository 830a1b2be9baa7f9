"""Everything that can be done is done by the keyboard alone, with the focus always to be seen."""

from __future__ import annotations

import random
import uuid

import pytest

from tests.e2e.browser import DEMO_ADMIN, DEMO_OPERATOR, chromium, until
from tests.e2e.keys import Keys

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(chromium() is None, reason="needs Debian's chromium: apt-get install chromium"),
]


def test_signing_in_and_out_and_one_s_account(open_page, live):
    page = open_page()
    page.goto(f"{live}/app/jobs?status=FAILED")
    keys = Keys(page)
    page.keyboard.type(DEMO_OPERATOR[0])
    keys.to("Password").type(DEMO_OPERATOR[1]).press()
    page.wait_for_url(f"{live}/app/jobs?status=FAILED")
    keys.to("Skip to the content").press()
    assert page.evaluate("document.activeElement.id") == "main"
    page.reload()
    keys.to("Your account").press()
    page.locator("details.menu[open]").wait_for()
    keys.press("Escape")
    assert page.locator("details.menu[open]").count() == 0
    keys.press()
    keys.to("Your account").press()
    page.wait_for_url(f"{live}/app/account")
    keys.to("Set one up").press()
    page.wait_for_url(f"{live}/app/authenticator")
    keys.to("Your account").press().to("Sign out").press()
    page.wait_for_url("**/app/sign-in*")
    page.context.close()


def test_a_file_is_chosen_renamed_corrected_loaded_and_its_job_used(as_role, live, tmp_path):
    good, other = tmp_path / "by keyboard.csv", tmp_path / "not wanted.csv"
    good.write_text(f"konto;betrag\n0001;{random.random()}\n0002;1,50\n")
    other.write_text("a;b\n1;2\n")
    page = as_role("Operator")
    page.goto(f"{live}/app/")
    keys = Keys(page)
    keys.to("30 days").press()
    page.wait_for_url("**window=30d")
    keys.to("New job").press()
    page.wait_for_url(f"{live}/app/new")
    keys.choose(good, other)
    page.locator("[data-look-result] table").wait_for()
    keys.to("Remove not wanted.csv").press()
    until(page, "document.querySelectorAll('[data-files] li').length === 1")
    keys.to("Dataset").type("by_keyboard_alone")
    keys.to("Options, if").press()
    keys.to("Header row").type("0")
    page.locator("[data-look-result] tbody tr").nth(2).wait_for()
    keys.to("Texts that mean null")
    keys.to("The same with curl").press()
    keys.to("Load").press()
    page.locator("#job .status-SUCCESS").wait_for(timeout=60_000)
    assert page.locator("h1").inner_text() == "by_keyboard_alone"
    for label in ("Download the raw file", "Download the Parquet"):
        keys.to(label)
        with page.expect_download():
            keys.press()
    keys.to("Search the log").type("no line has this")
    page.get_by_text("No line matches.").wait_for()
    page.reload()
    keys.to("Level").press("ArrowDown")
    keys.to("Lines of the log")


def test_an_upload_is_paused_and_goes_on(as_role, live, tmp_path):
    file = tmp_path / "large by keyboard.csv"
    file.write_text(f"a;b\n{random.random()};2\n" + "1;2\n" * 1_500_000)
    page, held = as_role("Operator"), []
    page.goto(f"{live}/app/new")
    keys = Keys(page)
    keys.choose(file)
    page.locator("[data-look-result] table").wait_for()
    page.route("**/api/uploads/*", lambda route: held.append(route))  # noqa: PLW0108  (Playwright keeps no bound method)
    keys.to("Load").press()
    keys.to("Pause").press()
    page.locator("[data-state]", has_text="Paused").wait_for()
    page.unroute_all()
    keys.to("Go on").press()
    page.locator("#job").wait_for(timeout=60_000)


def test_a_source_is_filled_in_and_tried(as_role, live):
    page = as_role("Operator")
    page.goto(f"{live}/app/new")
    keys = Keys(page)
    keys.to("Upload").press("ArrowRight")
    keys.to("Address").type("http://169.254.169.254/x.csv")
    keys.to("Test connection").press()
    page.locator("[data-tested].problem").wait_for()
    keys.to("Look at the first rows").press()
    page.locator("[data-look-result] .problem").wait_for()


def test_jobs_are_found_chosen_and_sent_again(as_role, live, jobs):
    page = as_role("Operator")
    page.goto(f"{live}/app/jobs")
    keys = Keys(page)
    keys.to("Search").type(jobs["broken"]["dataset"]).press()
    page.wait_for_url("**q=**")
    keys.to("Choose hostile").press("Space")
    keys.to("Retry 1 job").press()
    page.get_by_role("dialog").get_by_text("BROKEN_FILE").wait_for()
    keys.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    keys.to("Retry all that match").press()
    page.get_by_role("dialog").get_by_text("BROKEN_FILE").wait_for()
    keys.press()  # the question has the focus
    page.get_by_role("heading", name="sent again").wait_for()
    keys.press()
    page.get_by_role("dialog").wait_for(state="hidden")


def test_a_session_that_has_ended_is_begun_again(as_role, live, jobs):
    page = as_role("Operator")
    page.goto(f"{live}/app/jobs/{jobs['failed']['job_id']}")
    keys = Keys(page)
    page.context.clear_cookies()
    keys.to("Retry").press()
    page.get_by_role("dialog", name="Your session has ended").wait_for()
    keys.press("Escape")
    assert page.get_by_role("dialog").is_visible()
    with page.expect_popup() as waiting:
        keys.press()  # the first button has the focus
    window = waiting.value
    window.wait_for_load_state()
    window.keyboard.type(DEMO_OPERATOR[0])
    Keys(window).to("Password").type(DEMO_OPERATOR[1])
    window.keyboard.press("Enter")
    page.locator("#events li", has_text="sent the job again").first.wait_for()


def test_an_admin_invites_disables_exports_and_saves_a_connection(as_role, live):
    page, name = as_role("Admin"), f"keys-{uuid.uuid4().hex[:8]}"
    page.goto(f"{live}/admin/")
    keys = Keys(page)
    keys.to("Users").press()
    page.wait_for_url("**/accounts/user/")
    keys.to("Invite people").press()
    page.get_by_label("E-mail addresses").wait_for()
    page.keyboard.type(f"{name}@databridge.example")
    keys.to("Role")
    page.keyboard.type("Operator")
    keys.to("Invite").press()
    page.get_by_text("is invited").wait_for()
    page.goto(f"{live}/admin/accounts/user/?q={name}")
    keys.to(f"{name}@databridge.example").press()
    page.wait_for_url("**/change/**")
    keys.to("Disable").press()
    page.get_by_role("button", name="Yes, disable").wait_for()
    keys.to("Yes, disable").press()
    page.get_by_text("is disabled").first.wait_for()
    page.goto(f"{live}/admin/accounts/auditrow/?q={DEMO_ADMIN[0]}")
    keys.to("Export these")
    with page.expect_download():
        keys.press()
    page.goto(f"{live}/app/connections")
    page.goto(f"{live}/app/new-connection")
    keys.to("Name").type(name)
    keys.to("HTTP").press("ArrowRight").press("ArrowRight").press("ArrowRight")
    keys.to("Host").type("127.0.0.1")
    keys.to("Port").type("9")
    keys.to("Save").press()
    page.wait_for_url(f"{live}/app/connections/{name}")
    keys.to("Test as saved").press()
    page.locator("[data-tested].problem").wait_for()
    keys.to("Remove").press()
    page.get_by_role("dialog").wait_for()
    keys.to("Yes, remove it").press()
    page.wait_for_url(f"{live}/app/connections")
