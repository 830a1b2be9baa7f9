"""A failing file repaired in the browser: an Operator accepts its rejects, corrects them and loads them, on one page."""

from __future__ import annotations

import json

import pytest

from tests.e2e import axe
from tests.e2e.browser import chromium

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(chromium() is None, reason="needs Debian's chromium: apt-get install chromium"),
]


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


@axe.in_this_process
def test_open_rejects_stand_on_the_dashboard_until_they_are_settled(as_role, live, api, ended, failing, monkeypatch):
    monkeypatch.setattr("ingestion.web.dashboard.ATTENTION", 200)  # those of other tests stand longer, and come first
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
