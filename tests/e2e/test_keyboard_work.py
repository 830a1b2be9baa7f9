"""What people do with jobs, datasets, connections and accounts in their daily work, by the keyboard alone."""

from __future__ import annotations

import csv
import io
import random
import uuid
import zipfile

import pytest

from tests.e2e import axe
from tests.e2e.browser import app_code, chromium
from tests.e2e.conftest import ORDERS, sent
from tests.e2e.keys import Keys

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(chromium() is None, reason="needs Debian's chromium: apt-get install chromium"),
]


def test_rows_set_aside_are_corrected_loaded_and_given_up(as_role, live, failing, tmp_path):
    page = as_role("Operator")
    page.on("dialog", lambda dialog: dialog.accept())  # the browser's own question, answered with Enter
    page.goto(f"{live}/app/jobs/{failing}")
    keys = Keys(page)
    keys.to("Load the good rows").press()
    page.locator("[data-reject='1'] [data-cell='amount']").wait_for(timeout=60_000)
    keys.to("amount").type("4,50")
    keys.to("Load the selected rows").press()
    page.locator("[data-reject='1']", has_text="loaded").wait_for(timeout=60_000)
    keys.to("Download the rejects as CSV")
    with page.expect_download() as waiting:
        keys.press()
    rows = list(csv.reader(io.StringIO(waiting.value.path().read_text())))
    file = tmp_path / "corrected.csv"
    with file.open("w", newline="") as out:
        csv.writer(out).writerows(
            [rows[0], *([cell.replace("EURO", "EUR") for cell in row] for row in rows if "EURO" in row)]
        )
    keys.to("Load a corrected CSV")
    with page.expect_file_chooser() as chooser:
        keys.press()
    chooser.value.set_files(file)
    page.locator("[data-reject='2']", has_text="loaded").wait_for(timeout=60_000)
    keys.to("Row 3").press("Space")
    keys.to("Reason for giving rows up").type("a test record of the sender")
    keys.to("Dismiss the selected rows").press()
    page.locator("[data-closed]").wait_for(timeout=60_000)
    assert page.complaints == []


def test_a_file_that_is_sent_first_is_looked_at_and_loaded_with_its_totals(as_role, live, tmp_path):
    file = tmp_path / f"keys {random.randrange(10**9)}.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("ledger.csv", f"konto;betrag {random.random()}\n" + "0000400000;1,50\n" * 220_000)
    page = as_role("Operator")
    page.goto(f"{live}/app/new")
    keys = Keys(page)
    keys.choose(file)
    page.get_by_role("button", name="Send it, then look").wait_for()
    keys.to("Send it, then look").press()
    page.locator("[data-look-result] table").wait_for(timeout=30_000)
    keys.to("Rows before and after")
    keys.to("Control totals").press()
    keys.to("What the file must hold").type("rows=220000")
    keys.to("Load").press()
    page.locator("#job .status-SUCCESS").wait_for(timeout=60_000)
    assert page.complaints == []


@axe.in_this_process
def test_the_list_of_jobs_is_narrowed_and_read_on(as_role, live, jobs, monkeypatch):
    monkeypatch.setattr("ingestion.web.views.PAGE_JOBS", 1)
    page = as_role("Viewer")
    page.goto(f"{live}/app/jobs")
    keys = Keys(page)
    keys.to("Status")
    page.keyboard.type("Failed")
    keys.to("Source")
    page.keyboard.type("upload")
    keys.to("Find").press()
    page.wait_for_url("**status=FAILED**source=upload**")
    first = page.locator("tbody tr").get_attribute("data-job")
    keys.to("Older jobs").press()
    page.wait_for_url("**cursor=**")
    assert page.locator("tbody tr").get_attribute("data-job") != first
    keys.to("Show all").press()
    page.wait_for_url(f"{live}/app/jobs")
    assert page.complaints == []


def test_a_connection_is_opened_and_changed(as_role, live, api, outside):
    name = f"keys-{uuid.uuid4().hex[:8]}"
    source = {"type": "ftp", "host": "127.0.0.1", "port": outside.ftp, "username": "erp", "password": "export"}
    assert api("Admin").post("/connections", json={"name": name, "source": source}).status_code == 201
    page = as_role("Admin")
    page.goto(f"{live}/app/connections")
    keys = Keys(page)
    keys.to(f"Test {name}").press()
    page.locator("[data-tested].notice", has_text="stock.csv.gz").wait_for()
    keys.press("Shift+Tab")  # the button has the focus again; before it stands its connection's name
    keys.press()
    page.wait_for_url(f"{live}/app/connections/{name}")
    keys.to("Path, if jobs name none").type("/stock.csv.gz")
    keys.to("Save the change")
    with page.expect_navigation():
        keys.press()
    assert page.get_by_label("Path, if jobs name none").input_value() == "/stock.csv.gz"
    assert api("Admin").get(f"/connections/{name}").json()["secrets"] == ["password"]
    keys.to("More, as JSON").press()
    keys.to("Further fields").type("{")
    keys.to("Save the change").press()
    page.get_by_role("alert").get_by_text("is no JSON object").wait_for()
    assert page.complaints == []


def test_rules_are_agreed_on_and_a_change_is_approved(as_role, live, api, ended):
    dataset = f"keys_{uuid.uuid4().hex[:8]}"
    ended(sent(api("Operator"), dataset, ORDERS))
    page = as_role("Admin")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{live}/app/datasets/{dataset}")
    keys = Keys(page)
    keys.to("Add a rule").press()
    keys.to("Kind")
    page.keyboard.type("row_count")
    keys.to("min").type("10")
    keys.to("Save as a new version").press()
    page.get_by_role("alert").get_by_text('"10" is typed, but not added').wait_for()
    assert api("Admin").get(f"/datasets/{dataset}/contract").json()["version"] == 1
    keys.to("min").press()  # adds the rule, and does not save the contract without it
    page.get_by_text("row_count, min 10 (fail), not saved yet").wait_for()
    keys.to("Save as a new version")
    with page.expect_navigation():
        keys.press()
    keys.to("Remove row_count")
    assert api("Admin").get(f"/datasets/{dataset}/contract").json()["rules"][0]["min"] == 10
    job = sent(api("Operator"), dataset, [[row[0], f"about {row[1]}", row[2]] for row in ORDERS])
    assert ended(job)["approval"]
    page.goto(f"{live}/app/jobs/{job}")
    keys.to("Approve").press()
    page.locator("#job .status-SUCCESS").wait_for(timeout=60_000)
    assert page.complaints == []


def test_an_account_from_its_first_password_to_another_authenticator_app(as_role, open_page, live, mail):
    admin, page = as_role("Admin"), open_page()
    email, chosen, other = f"keys-{uuid.uuid4().hex[:8]}@databridge.example", "Chosen-By-Me-2026", "Another-One-2027"
    admin.goto(f"{live}/admin/accounts/user/add/")
    admin.get_by_label("E-mail addresses").fill(email)
    admin.get_by_role("button", name="Invite").click()
    admin.get_by_text(f"{email} is invited").wait_for()
    page.goto(f"{live}/app/account")
    keys = Keys(page)
    page.keyboard.type(email)  # the first field has the focus
    keys.to("Password").type(mail(email, "temporary password")).press()
    page.get_by_label("The same again").wait_for()
    keys.to("New password").type(chosen)
    keys.to("The same again").type(chosen).press()
    page.wait_for_url(f"{live}/app/account")
    keys.to("Set one up").press()
    for _ in range(2):
        page.wait_for_url(f"{live}/app/authenticator")
        letters = page.locator("#letters").inner_text()
        page.keyboard.type(app_code(letters))  # the field of the code has the focus
        keys.to("Confirm the code").press()
        page.wait_for_url(f"{live}/app/account")
        keys.to("Replace it by another").press()
    page.wait_for_url(f"{live}/app/authenticator")
    keys.to("Back to the account").press()
    page.wait_for_url(f"{live}/app/account")
    keys.to("Present password").type(chosen)
    keys.to("New password").type(other)
    keys.to("The same again").type(other)
    keys.to("Change the password").press()
    page.get_by_role("status").get_by_text("password is changed").wait_for()
    keys.to("Sign out everywhere").press()
    page.wait_for_url("**/app/sign-in*")
    keys.to("Forgotten or reset password?").press()
    page.wait_for_url("**/app/forgot-password")
    page.keyboard.type(email)
    keys.to("Send the code").press()
    page.get_by_role("button", name="Save the new password").wait_for()
    keys.to("Code").type(mail(email, "reset code"))
    keys.to("New password").type(chosen)
    keys.to("The same again").type(chosen)
    keys.to("Save the new password").press()
    page.get_by_role("status").get_by_text("new password is saved").wait_for()
    page.context.close()
