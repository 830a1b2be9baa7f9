"""A session that ends under a page: whatever is done then asks for a sign-in, and goes on with what was filled in."""

from __future__ import annotations

import random
import uuid

import pytest

from tests.e2e import axe
from tests.e2e.browser import DEMO_ADMIN, DEMO_OPERATOR, chromium, sign_in_again

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(chromium() is None, reason="needs Debian's chromium: apt-get install chromium"),
]


@pytest.fixture
def ends(as_role):
    """End the session of a page, do something there, and sign in again where it asks."""

    def end(page, act, person=DEMO_OPERATOR):
        page.context.clear_cookies()
        act()
        sign_in_again(page, *person)

    return end


def later(page):
    """Let a page grow old, once all its scripts are there."""
    page.wait_for_load_state("networkidle")
    page.clock.fast_forward(20_000)


def test_a_source_that_is_filled_in_is_tried_looked_at_and_loaded(as_role, live, outside, ends):
    page = as_role("Operator")
    page.goto(f"{live}/app/new")
    page.get_by_label("HTTP", exact=True).check()
    address = f"http://127.0.0.1:{outside.http}/infor_inventory.txt"
    page.get_by_label("Address").locator("visible=true").fill(address)
    page.get_by_label("Password").locator("visible=true").fill("typed")
    ends(page, page.get_by_role("button", name="Test connection").click)
    page.locator("[data-tested].problem, [data-tested].notice").wait_for()
    ends(page, page.get_by_role("button", name="Look at the first rows").click)
    page.locator("[data-look-result] table, [data-look-result] .problem").wait_for()
    page.get_by_label("Dataset").locator("visible=true").fill(f"ended_{uuid.uuid4().hex[:8]}")
    assert page.get_by_label("Address").locator("visible=true").input_value() == address
    assert page.get_by_label("Password").locator("visible=true").input_value() == "typed"
    ends(page, page.get_by_role("button", name="Load", exact=True).click)
    page.wait_for_url("**/app/jobs/*")


def test_a_file_that_is_being_sent_goes_on(as_role, live, ends, tmp_path):
    file = tmp_path / f"ended {uuid.uuid4().hex[:6]}.csv"
    file.write_text(f"a;b\n{random.random()};2\n" + "1;2\n" * 1_000_000)
    page = as_role("Operator")
    page.goto(f"{live}/app/new")
    ends(page, lambda: page.locator("input[type=file]").set_input_files(file))
    page.locator("[data-look-result] table").wait_for()
    page.get_by_role("button", name="Load", exact=True).click()
    page.locator("[data-state]", has_text="Sending").wait_for()
    ends(page, lambda: None)
    page.locator("#job").wait_for(timeout=30_000)


def test_a_job_is_downloaded_searched_and_sent_again(as_role, live, jobs, ends):
    page = as_role("Operator")
    page.goto(f"{live}/app/jobs/{jobs['good']['job_id']}")
    ends(page, page.get_by_role("link", name="Download the raw file").click)
    page.locator("[data-downloading]", has_text="is downloaded").wait_for()
    page.goto(f"{live}/app/jobs/{jobs['broken']['job_id']}")
    ends(page, page.get_by_role("button", name="Retry").click)
    page.locator("#events li", has_text="sent the job again").wait_for()
    page.locator("#job .status-FAILED").wait_for(timeout=30_000)
    page.goto(f"{live}/app/jobs?status=FAILED&q={jobs['broken']['dataset']}")
    ends(page, page.get_by_role("button", name="Retry all that match").click)
    page.get_by_role("dialog").get_by_text("BROKEN_FILE").wait_for()
    ends(page, page.get_by_role("button", name="Yes, retry").click)
    page.get_by_role("heading", name="sent again").wait_for()


def test_the_forms_of_the_admin_and_the_account_are_sent_after_all(as_role, live, ends):
    page, email = as_role("Admin"), f"ended-{uuid.uuid4().hex[:8]}@databridge.example"
    page.clock.install()  # a form of a page that has only just come is sent without a look
    page.goto(f"{live}/admin/accounts/user/add/")
    page.get_by_label("E-mail addresses").fill(email)
    later(page)
    page.context.clear_cookies()
    page.get_by_role("button", name="Invite").click()
    page.get_by_role("dialog", name="Your session has ended").wait_for()
    found = axe.wrong(page, "session ended in the admin") if axe.SCRIPT.exists() else []
    sign_in_again(page, *DEMO_ADMIN)
    page.get_by_text(f"{email} is invited").wait_for()
    page.goto(f"{live}/admin/accounts/user/?q={email}")
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option("disable")
    later(page)
    ends(page, page.get_by_role("button", name="Go").click, DEMO_ADMIN)
    page.get_by_role("button", name="Yes, disable").wait_for()
    later(page)
    ends(page, page.get_by_role("button", name="Yes, disable").click, DEMO_ADMIN)
    page.get_by_text(f"{email} is disabled").wait_for()
    page.goto(f"{live}/app/account")
    page.get_by_label("Present password").fill("wrong")
    for label in ("New password", "The same again"):
        page.get_by_label(label).fill("Another-One-2027")
    later(page)
    ends(page, page.get_by_role("button", name="Change the password").click, DEMO_ADMIN)
    page.get_by_role("alert").get_by_text("wrong").wait_for()
    assert not found, "\n".join(found)


def test_rules_and_corrections_are_sent_after_all(as_role, live, api, ended, ends, failing):
    dataset = api("Admin").get(f"/jobs/{failing}").json()["dataset"]
    admin = as_role("Admin")
    admin.goto(f"{live}/app/datasets/{dataset}")
    admin.get_by_text("Add a rule").click()
    admin.get_by_label("Kind", exact=True).select_option("row_count")
    admin.locator("#rule-row_count-min").fill("10")
    admin.get_by_role("button", name="Add to the rules").click()
    ends(admin, admin.get_by_role("button", name="Save as a new version").click, DEMO_ADMIN)
    admin.get_by_text("row_count: at least 10 (fail)").wait_for()
    page = as_role("Operator")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{live}/app/jobs/{failing}")
    ends(page, page.get_by_role("button", name="Load the good rows").click)
    page.locator("[data-reject='1'] [data-cell='amount']").wait_for(timeout=60_000)
    page.locator("[data-reject='1'] [data-cell='amount']").fill("4,50")
    ends(page, page.get_by_role("button", name="Load the selected rows").click)
    page.locator("[data-reject='1']", has_text="loaded").wait_for(timeout=60_000)
    page.locator("[data-reject='3'] [data-choose]").check()
    page.get_by_label("Reason for giving rows up").fill("kept over a sign-in")
    ends(page, page.get_by_role("button", name="Dismiss the selected rows").click)
    page.get_by_text("kept over a sign-in").wait_for()
