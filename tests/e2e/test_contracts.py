"""A dataset's contract in the browser: an Admin agrees on rules, sees what a file changes, and decides."""

from __future__ import annotations

import uuid

import pytest

from tests.e2e.axe import wrong
from tests.e2e.browser import chromium

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(chromium() is None, reason="needs Debian's chromium: apt-get install chromium"),
]
ROWS = [[f"A{n:03d}", f"{n},50", ("EUR", "USD")[n % 2]] for n in range(40)]


def send(client, dataset, rows):
    text = "id;amount;currency\n" + "".join(";".join(row) + "\n" for row in rows)
    answer = client.post("/upload", data={"dataset": dataset}, files={"file": ("orders.csv", text.encode())})
    assert answer.status_code == 202, answer.text
    return answer.json()["job_id"]


@pytest.fixture
def dataset(api, ended):
    """A dataset with one load, and so with the first version of its contract."""
    name = f"agreed_{uuid.uuid4().hex[:8]}"
    assert ended(send(api("Operator"), name, ROWS))["status"] == "SUCCESS"
    return name


def test_an_admin_agrees_on_rules_and_a_viewer_sees_them(as_role, live, api, dataset):
    page = as_role("Admin")
    page.goto(f"{live}/app/datasets/{dataset}")
    page.get_by_text("Add a rule").click()
    page.get_by_label("Kind", exact=True).select_option("in_list")
    page.get_by_label("Column", exact=True).select_option("currency")
    page.locator("#rule-in_list-values").fill("EUR\nUSD\n")
    page.get_by_role("button", name="Add to the rules").click()
    page.get_by_label("Kind", exact=True).select_option("row_count")
    assert page.get_by_label("Column", exact=True).is_disabled()
    page.locator("#rule-row_count-min").fill("10")
    page.get_by_role("button", name="Add to the rules").click()
    page.get_by_label("Kind", exact=True).select_option("unique")
    page.get_by_label("Column", exact=True).select_option(["id", "currency"])
    page.get_by_role("button", name="Add to the rules").click()
    assert wrong(page, "rules being added") == []
    page.get_by_role("button", name="Remove unique").click()
    page.get_by_role("button", name="Save as a new version").click()
    page.get_by_text('in_list of "currency": EUR, USD (reject)').wait_for()
    assert api("Admin").get(f"/datasets/{dataset}/contract").json()["rules"] == [
        {"kind": "in_list", "column": "currency", "values": ["EUR", "USD"], "severity": "reject"},
        {"kind": "row_count", "min": 10, "severity": "fail"},
    ]
    page.get_by_text("Add a rule").click()
    page.get_by_label("Kind", exact=True).select_option("regex")
    page.locator("#rule-regex-pattern").fill("(")
    page.get_by_role("button", name="Add to the rules").click()
    page.get_by_role("button", name="Save as a new version").click()
    page.get_by_role("alert").get_by_text("Rule 3").wait_for()
    page.complaints.clear()  # the browser itself tells of the answer 400

    seen = as_role("Viewer")
    seen.goto(f"{live}/app/datasets/{dataset}")
    assert "row_count: at least 10 (fail)" in seen.locator("[data-rules]").inner_text()
    assert seen.locator("#contract-form button, [data-adder]").count() == 0
    assert seen.complaints == []


def test_an_admin_agrees_on_keys_empty_cells_and_other_names_by_the_keyboard(as_role, live, api, ended, dataset):
    page = as_role("Admin")
    page.goto(f"{live}/app/datasets/{dataset}")
    page.get_by_text("Keys, empty cells and other names").press("Enter")
    page.get_by_label("id: key", exact=True).press("Space")
    page.get_by_label("amount: may be empty", exact=True).press("Space")
    page.get_by_label("currency: other names", exact=True).fill("Währung; ccy")
    page.get_by_label("New column", exact=True).fill("tax")
    page.get_by_label("Type", exact=True).select_option("decimal128(18, 2)")
    page.get_by_role("button", name="Add the column").press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "tax: key"
    assert wrong(page, "columns being changed") == []
    page.get_by_role("button", name="Save as a new version").press("Enter")
    page.get_by_role("heading", name="Contract, version 2").wait_for()
    versions = page.get_by_role("region", name="Versions of the contract").inner_text()
    assert 'Column "currency" was changed: files may also call it Währung, ccy.' in versions
    assert 'Column "tax" was added: decimal128(18, 2).' in versions
    columns = {one["name"]: one for one in api("Admin").get(f"/datasets/{dataset}/contract").json()["columns"]}
    assert (columns["id"]["key"], columns["id"]["nullable"], columns["amount"]["nullable"]) == (True, False, True)
    assert (columns["currency"]["aliases"], columns["tax"]["nullable"]) == (["Währung", "ccy"], True)

    files = {"file": ("orders.csv", "id;amount;Währung;tax\nB1;1,50;EUR;0,19\nB2;;USD;0,07\n".encode())}
    sent = api("Operator").post("/upload", data={"dataset": dataset}, files=files)
    job = ended(sent.json()["job_id"])
    assert (job["status"], job["warnings"]) == ("SUCCESS", [])
    seen = as_role("Viewer")
    seen.goto(f"{live}/app/datasets/{dataset}")
    seen.get_by_text("Keys, empty cells and other names").click()
    assert seen.get_by_label("id: key", exact=True).is_checked()
    assert seen.get_by_label("id: key", exact=True).is_disabled()
    assert page.complaints == seen.complaints == []


def test_a_name_with_a_semicolon_stays_one_while_its_column_is_changed(as_role, live, api, dataset):
    columns = api("Admin").get(f"/datasets/{dataset}/contract").json()["columns"]
    columns[0]["aliases"] = ["a;b", " c"]
    api("Admin").put(f"/datasets/{dataset}/contract", json={"version": 1, "columns": columns}).raise_for_status()
    page = as_role("Admin")
    page.goto(f"{live}/app/datasets/{dataset}")
    page.get_by_text("Keys, empty cells and other names").press("Enter")
    assert not page.get_by_label("id: other names", exact=True).is_editable()
    page.get_by_label("id: key", exact=True).press("Space")
    page.get_by_role("button", name="Save as a new version").press("Enter")
    page.get_by_role("heading", name="Contract, version 3").wait_for()
    saved = api("Admin").get(f"/datasets/{dataset}/contract").json()["columns"]
    assert saved == [{**columns[0], "key": True}, *columns[1:]]
    assert page.complaints == []


def test_an_admin_sees_what_a_file_changes_and_approves_or_refuses(as_role, live, api, ended, dataset):
    texts = [[row[0], f"about {row[1]}", row[2]] for row in ROWS]
    jobs = [send(api("Operator"), dataset, texts), send(api("Operator"), dataset, [*texts, ["B1", "none", "EUR"]])]
    page = as_role("Admin")
    page.on("dialog", lambda dialog: dialog.accept())
    for job, button, status in zip(jobs, ("Refuse", "Approve"), ("FAILED", "SUCCESS"), strict=True):
        page.goto(f"{live}/app/jobs/{job}")
        page.get_by_role("heading", name="Waiting for approval").wait_for(timeout=60_000)
        diff = page.locator("[aria-labelledby=changes]").first.inner_text()
        assert "amount" in diff
        assert "about 0,50" in diff
        if button == "Refuse":
            assert wrong(page, "a job that waits") == []
            mine = as_role("Operator")
            mine.goto(f"{live}/app/jobs/{job}")
            assert mine.get_by_role("button", name="Approve").count() == 0
            page.goto(f"{live}/app/")
            assert page.locator(f"a[href*='{job}']").count() > 0
            page.goto(f"{live}/app/jobs/{job}")
        page.get_by_role("button", name=button).click()
        page.locator(f"#job .status-{status}").first.wait_for(timeout=60_000)
        assert ended(job)["status"] == status
    assert "CHANGE_REFUSED" in api("Admin").get(f"/jobs/{jobs[0]}").text
    assert page.complaints == []
