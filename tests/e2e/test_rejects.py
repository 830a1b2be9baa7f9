"""A failing file repaired in the browser: an Operator accepts its rejects, corrects them and loads them, on one page."""

from __future__ import annotations

import json
import uuid

import pytest

from tests.e2e.browser import chromium

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(chromium() is None, reason="needs Debian's chromium: apt-get install chromium"),
]
ROWS = [[f"A{n:03d}", f"{n},50", ("EUR", "USD")[n % 2]] for n in range(40)]


def text_of(rows):
    return ("id;amount;currency\n" + "".join(";".join(row) + "\n" for row in rows)).encode()


def load(client, dataset, rows, name="orders.csv"):
    answer = client.post("/upload", data={"dataset": dataset}, files={"file": (name, text_of(rows))})
    assert answer.status_code == 202, answer.text
    return answer.json()["job_id"]


@pytest.fixture
def failing(api, ended):
    """A job of an Operator that failed: more rows break the contract and a rule than the dataset allows."""
    dataset = f"orders_{uuid.uuid4().hex[:8]}"
    ended(load(api("Operator"), dataset, [[f"Z{row[0][1:]}", *row[1:]] for row in ROWS]))
    admin = api("Admin")
    told = admin.get(f"/datasets/{dataset}/contract").json()
    told["rules"] = [{"kind": "in_list", "column": "currency", "values": ["EUR", "USD"]}]
    assert admin.put(f"/datasets/{dataset}/contract", json=told).status_code == 200
    rows = [list(row) for row in ROWS]
    rows[4][1], rows[9][2], rows[30][2] = "vier", "EURO", "=1+1"
    job = ended(load(api("Operator"), dataset, rows))
    assert (job["status"], job["error"]["code"]) == ("FAILED", "REJECTS_OVER_LIMIT")
    return job["job_id"]


def test_an_operator_repairs_a_failing_file_without_leaving_its_page(as_role, live, api, failing):
    page = as_role("Operator")
    page.on("dialog", lambda dialog: dialog.accept())
    address = f"{live}/app/jobs/{failing}"
    page.goto(address)
    aside = page.locator("[data-rejects]")
    assert 'Column "currency" holds "EURO"' in aside.inner_text()
    page.get_by_role("button", name="Load the good rows, keep these aside").click()
    page.locator("#job .status-SUCCESS").wait_for(timeout=60_000)
    page.locator("[data-reject='1'] [data-cell='amount']").wait_for(timeout=60_000)
    assert page.locator("[data-open-rows]").inner_text() == "3"

    assert page.locator("[data-replay]").is_disabled()
    page.locator("[data-reject='1'] [data-cell='amount']").fill("4,50")
    page.locator("[data-reject='2'] [data-cell='currency']").fill("EUR")
    page.get_by_role("button", name="Load the selected rows").click()
    page.locator("[data-reject='1']", has_text="loaded").wait_for(timeout=60_000)
    page.locator("[data-reject='3'] [data-choose]").check()
    assert page.locator("[data-dismiss]").is_disabled()
    page.get_by_label("Reason for giving rows up").fill("a test record of the sender")
    page.get_by_role("button", name="Dismiss the selected rows").click()
    page.locator("[data-closed]").wait_for(timeout=60_000)
    assert page.url.split("#")[0] == address
    assert page.locator("[data-open-rows]").inner_text() == "0"
    assert "a test record of the sender" in aside.inner_text()
    assert page.complaints == []
    job = api("Operator").get(f"/jobs/{failing}").json()
    (replay,) = job["rejects"]["replays"]
    assert api("Operator").get(f"/jobs/{replay}").json()["rows"]["loaded"] == 2
    assert json.dumps(job["rejects"]["dismissed"]).count("a test record") == 1


def test_open_rejects_stand_on_the_dashboard_until_they_are_settled(as_role, live, api, ended, failing):
    client = api("Operator")
    client.post(f"/jobs/{failing}/retry", json={"accept_rejects": True})
    ended(failing)
    page = as_role("Operator")
    page.goto(f"{live}/app/")
    link = page.locator(f"a[href*='{failing}#rejects']")
    assert link.count() == 1
    client.post(f"/jobs/{failing}/rejects/dismiss", json={"reason": "sent by mistake"})
    page.reload()
    assert link.count() == 0
