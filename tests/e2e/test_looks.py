"""Every page as each role: it fits, complains of nothing, can be used by everybody, weighs little, and runs no text."""

from __future__ import annotations

import uuid

import pytest

from tests.e2e import axe
from tests.e2e.axe import violations
from tests.e2e.browser import chromium
from tests.e2e.conftest import FORMULA, HOSTILE
from tests.e2e.paint import ROWS, WEIGHT

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(chromium() is None, reason="needs Debian's chromium: apt-get install chromium"),
]
WIDTHS = (1440, 768, 390)
PAGE_BYTES = 100_000
PAGE_REQUESTS = 25


def pages(jobs, role):
    """Every page that a role may see, by what is special of it."""
    job = {name: f"/app/jobs/{found['job_id']}" for name, found in jobs.items()}
    return {
        "dashboard": "/app/", "hours": "/app/?window=24h", "jobs": "/app/jobs", "failed jobs": "/app/jobs?status=FAILED",
        "nothing found": "/app/jobs?q=nothing-has-this-name", "success": job["good"], "failure": job["failed"],
        "hostile": job["hostile"], "long names": job["long"], "datasets": "/app/datasets", "dataset": f"/app/datasets/{jobs['good']['dataset']}",
        "account": "/app/account", "not found": "/app/jobs/none", "signed in": "/app/signed-in", "new": "/app/new",
    }  # fmt: skip


@pytest.mark.parametrize("role", ["Admin", "Operator", "Viewer"])
def test_every_page_fits_complains_of_nothing_and_is_accessible(as_role, live, jobs, role):
    if not axe.SCRIPT.exists():
        pytest.skip("needs axe-core: npm ci")
    page = as_role(role)
    wrong = []
    for name, path in pages(jobs, role).items():
        page.goto(live + path)
        page.wait_for_load_state("networkidle") if name == "dashboard" else None
        if role == "Operator":
            wrong += axe.wrong(page, name, widths=WIDTHS)
            continue
        for scheme, width in (("light", 1440), ("light", 768), ("dark", 390)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            if (over := page.evaluate("document.documentElement.scrollWidth")) > width:
                wrong.append(f"{name} {scheme} {width}: {over} wide")
            if width != WIDTHS[1]:
                wrong += [f"{name} {scheme} {width}: {text}" for text in violations(page)]
    allowed = ("404", "403") if role == "Viewer" else ("404",)
    wrong += [text for text in page.complaints if not any(code in text for code in allowed)]
    assert wrong == []


@pytest.mark.parametrize("path", ["/app/sign-in", "/app/forgot-password", "/app/reset-password"])
def test_the_pages_before_the_sign_in_are_accessible_too(open_page, live, path):
    page = open_page()
    page.goto(live + path)
    assert axe.wrong(page, path) == []
    assert page.complaints == []
    page.context.close()


def test_the_form_is_accessible_in_all_its_states(as_role, live, tmp_path):
    page = as_role("Operator")
    page.goto(f"{live}/app/new")
    good, bad = tmp_path / "amounts.csv", tmp_path / "broken.json"
    good.write_text("a;b\n1;1.250,00-\n")
    bad.write_text("{")
    page.locator("input[type=file]").set_input_files([good])
    page.locator("[data-look-result] table").wait_for()
    page.locator("[data-options] summary").click()
    page.locator("[data-totals] summary").click()
    page.locator("[data-curl] summary").click()
    found = axe.wrong(page, "looked at")
    page.locator("input[type=file]").set_input_files([bad])
    page.locator("[data-look-result] .problem").wait_for()
    page.locator("[data-dataset]").first.fill("Not Allowed")
    page.get_by_role("button", name="Load 2 files").click()
    page.get_by_role("alert").wait_for()
    found += axe.wrong(page, "refused")
    page.get_by_label("FTP").check()
    page.locator("header summary").click()
    found += axe.wrong(page, "FTP, the menu open")
    page.set_viewport_size({"width": 390, "height": 800})
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


ADMIN = {"admin": "/admin/", "people": "/admin/accounts/user/", "jobs in the admin": "/admin/ingestion/jobrow/",
         "audit": "/admin/accounts/auditrow/"}  # fmt: skip


def test_pages_are_light_and_ask_no_other_host_and_little_of_ours(as_role, live, jobs):
    page = as_role("Admin")
    for name, path in {**pages(jobs, "Admin"), **ADMIN}.items():
        if name in {"hostile", "not found"}:
            continue
        asked = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(live + path, wait_until="networkidle")
        weight = page.evaluate(WEIGHT) - page.evaluate(ROWS)
        assert weight < PAGE_BYTES, f"{name}: {weight} bytes"
        assert len(asked) < PAGE_REQUESTS, f"{name}: {asked}"
        assert [url for url in asked if not url.startswith(live)] == []


def test_hostile_names_cells_errors_and_log_lines_stay_text(as_role, live, jobs, tmp_path):
    page = as_role("Operator")
    page.on("dialog", lambda dialog: page.complaints.append(dialog.message))
    for name in ("hostile", "broken"):
        page.goto(f"{live}/app/jobs/{jobs[name]['job_id']}")
        assert page.locator("main img, main script").count() == 0
        assert page.title().startswith(jobs[name]["dataset"])
    page.goto(f"{live}/app/jobs/{jobs['hostile']['job_id']}")
    text = page.locator("main").inner_text()
    assert HOSTILE in text
    assert FORMULA in text
    file = tmp_path / "<b>bold<b>.csv"
    file.write_text(f'"{HOSTILE.replace(chr(34), chr(34) * 2)}";b\n{FORMULA};1,50\n')
    page.goto(f"{live}/app/new")
    page.locator("input[type=file]").set_input_files(file)
    page.locator("[data-look-result] table").wait_for()
    assert HOSTILE in page.locator("[data-look-result]").inner_text()
    assert page.locator("main img, main script, [data-name] b").count() == 0
    for path in ("/app/", "/app/jobs?q=<script>alert(1)</script>", f"/app/datasets/{jobs['hostile']['dataset']}"):
        page.goto(live + path)
        assert page.locator("main script, main img[src=x]").count() == 0
    assert page.complaints == []


def test_a_session_that_ends_asks_to_sign_in_and_loses_no_form(as_role, live, tmp_path):
    from tests.e2e.browser import DEMO_OPERATOR, fill_sign_in

    file = tmp_path / "kept form.csv"
    file.write_text("a;b\n1;2\n")
    page = as_role("Operator")
    page.goto(f"{live}/app/new")
    page.locator("input[type=file]").set_input_files(file)
    page.locator("[data-look-result] table").wait_for()
    page.locator("[data-dataset]").first.fill("kept_over_a_sign_in")
    page.locator("[data-options] summary").click()
    page.get_by_label("Load even if").check()
    page.context.clear_cookies()
    page.get_by_role("button", name="Load", exact=True).click()
    page.get_by_role("dialog").wait_for()
    assert "Your session has ended" in page.get_by_role("dialog").inner_text()
    assert violations(page) == []
    with page.expect_popup() as waiting:
        page.get_by_role("dialog").get_by_role("button", name="Sign in", exact=True).click()
    fill_sign_in(waiting.value, *DEMO_OPERATOR)
    page.locator("#job .status-SUCCESS").wait_for(timeout=60_000)
    assert "kept_over_a_sign_in" in page.locator("h1").inner_text()


def test_a_hidden_tab_asks_for_nothing_and_goes_on_when_it_is_seen(as_role, live, jobs):
    page = as_role("Viewer")
    page.clock.install()
    asked = []
    page.on("request", lambda request: "/api/parts/" in request.url and asked.append(request.url))
    page.goto(f"{live}/app/jobs", wait_until="networkidle")
    with page.expect_response("**/api/parts/jobs*"):
        page.clock.run_for(6_000)
    assert len(asked) == 1
    hide = "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
    page.evaluate(hide + " document.dispatchEvent(new Event('visibilitychange')); }", True)
    for _ in range(5):  # a step under way would end meanwhile, and its next one come
        page.clock.run_for(120_000)
        with page.expect_response("**/icon*"):  # whatever the page asked for before is told by then
            page.evaluate("fetch(document.querySelector('link[rel=icon]').href, {cache: 'no-store'})")
    assert len(asked) == 1
    with page.expect_response("**/api/parts/jobs*"):
        page.evaluate(hide + " document.dispatchEvent(new Event('visibilitychange')); }", False)
        page.clock.run_for(6_000)
    assert len(asked) == 2


def test_focus_stays_where_it_is_when_a_part_comes_anew(as_role, live, jobs):
    page = as_role("Viewer")
    page.clock.install()
    page.goto(f"{live}/app/")
    same_place = page.locator("a[href$='?status=FAILED']")
    assert same_place.count() == 2
    same_place.last.focus()
    page.evaluate("document.querySelectorAll('[data-live] a').forEach((link) => link.setAttribute('data-old', ''))")
    page.clock.run_for(6_000)
    page.locator("[data-live] a:not([data-old])").first.wait_for()
    assert same_place.last.evaluate("link => link === document.activeElement")


def test_failed_jobs_are_searched_and_retried_at_once(as_role, live, jobs, api, ended):
    page = as_role("Operator")
    page.goto(f"{live}/app/jobs?status=FAILED")
    page.get_by_label("Search").fill(jobs["failed"]["dataset"])
    page.get_by_role("button", name="Find").click()
    assert page.locator("tbody tr").count() == 1
    page.get_by_label("Choose all").check()
    page.get_by_role("button", name="Retry 1 job").click()
    question = page.get_by_role("dialog")
    question.get_by_text("BROKEN_FILE: 1 job. A retry ends in the same way").wait_for()
    found = axe.wrong(page, "question")
    question.get_by_role("button", name="Yes, retry 1 job").click()
    question.get_by_role("heading", name="1 job sent again").wait_for()
    found += axe.wrong(page, "result")
    with page.expect_navigation():  # the list shows what became of them
        question.get_by_role("button", name="Close").click()
    assert ended(jobs["failed"]["job_id"])["attempt"] >= 2
    page.goto(f"{live}/app/jobs?q=nothing-has-this-name")
    assert "No job fits" in page.locator("main").inner_text()
    assert not found, "\n".join(found)
    assert page.complaints == []


@axe.in_this_process
def test_all_jobs_that_match_are_retried_over_all_pages_of_the_list(as_role, live, api, ended, monkeypatch):
    mark = f"pages_{uuid.uuid4().hex[:8]}"
    monkeypatch.setattr("ingestion.web.views.PAGE_JOBS", 2)
    ids = [
        api("Operator")
        .post(
            f"/ingest?dataset={mark}&filename={number}.json&force=true", content=b"{", headers={"Content-Type": "x/y"}
        )
        .json()["job_id"]
        for number in range(5)
    ]
    assert {ended(job_id)["status"] for job_id in ids} == {"FAILED"}
    page = as_role("Operator")
    page.goto(f"{live}/app/jobs?status=FAILED&q={mark}")
    assert page.locator("tbody tr").count() == 2
    question = page.get_by_role("dialog")
    page.get_by_role("button", name="Retry all that match").click()
    question.get_by_role("button", name="No, leave them").click()
    assert {api("Operator").get(f"/jobs/{job_id}").json()["attempt"] for job_id in ids} == {1}
    page.get_by_role("button", name="Retry all that match").click()
    question.get_by_text("BROKEN_FILE: 5 jobs").wait_for()
    page.route(f"**/jobs/{ids[0]}/retry", lambda route: route.fulfill(status=409, json={"detail": "<b>Refused.</b>"}))
    question.get_by_role("button", name="Yes, retry 5 jobs").click()
    question.get_by_role("heading", name="4 jobs sent again").wait_for()
    assert f"{mark}, 0.json: <b>Refused.</b>" in question.inner_text()
    found = axe.wrong(page, "result")
    with page.expect_navigation():
        question.get_by_role("button", name="Close").click()
    assert [ended(job_id)["attempt"] for job_id in ids] == [1, 2, 2, 2, 2]
    assert not found, "\n".join(found)
