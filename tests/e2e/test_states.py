"""Every state that a page can be in, and every page of the admin: it fits, and everybody can use it."""

from __future__ import annotations

import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.e2e import axe
from tests.e2e.axe import in_this_process, wrong
from tests.e2e.browser import app_code, chromium, sign_in_as

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(chromium() is None, reason="needs Debian's chromium: apt-get install chromium"),
    pytest.mark.skipif(not axe.SCRIPT.exists(), reason="needs axe-core: npm ci"),
]


@pytest.fixture
def slow():
    """The address of a file whose end does not come before the test is over."""
    over = threading.Event()

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(b"a;b\n1;2\n")
            self.wfile.flush()
            over.wait(60)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/ledger.csv"
    over.set()
    server.shutdown()


def ingest(api, url: str) -> str:
    body = {"dataset": f"state_{uuid.uuid4().hex[:8]}", "source": {"type": "http", "url": url}}
    answer = api("Operator").post("/ingest", json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()["job_id"]


@in_this_process
def test_a_stage_where_nothing_was_loaded_yet(as_role, live, monkeypatch):
    from ingestion import datasets, queries

    nothing = queries.Page(jobs=[], next_cursor=None)
    zero = dict.fromkeys(("pending", "running", "success", "failed", "cancelled", "rows", "bytes_in", "seconds"), 0)
    window = queries.Window(steps=[], total=zero)
    trends = queries.Trends(
        by_status=dict.fromkeys(("PENDING", "RUNNING", "SUCCESS", "FAILED", "CANCELLED"), 0),
        windows=dict.fromkeys(("24h", "7d", "30d"), window),
    )
    monkeypatch.setattr(queries, "trends", lambda: trends)
    monkeypatch.setattr(queries, "list_jobs", lambda **_: nothing)
    monkeypatch.setattr(datasets, "all_datasets", lambda *_: [])
    found = []
    for role, words in (("Operator", "Load the first file"), ("Viewer", "As soon as an Operator loads a file")):
        page = as_role(role)
        page.goto(f"{live}/app/")
        assert words in page.locator("main").inner_text()
        found += wrong(page, f"empty dashboard, {role}")
        for path in ("jobs", "datasets"):
            page.goto(f"{live}/app/{path}")
            found += wrong(page, f"empty {path}, {role}")
    assert not found, "\n".join(found)


@in_this_process
def test_a_fault_of_our_own(as_role, live, monkeypatch):
    from ingestion import queries

    def broken(**_):
        raise RuntimeError("a fault")

    monkeypatch.setattr(queries, "list_jobs", broken)
    page = as_role("Operator")
    assert page.goto(f"{live}/app/jobs").status == 500
    assert "Nothing of yours is lost" in page.locator("main").inner_text()
    assert wrong(page, "500") == []


def test_a_job_that_runs_is_stopped_and_is_usable_all_the_while(as_role, live, api, slow):
    page = as_role("Operator")
    page.goto(f"{live}/app/jobs/{ingest(api, slow)}")
    page.locator("#job .stage-now").wait_for(timeout=30_000)
    found = wrong(page, "running")
    page.goto(f"{live}/app/")
    found += wrong(page, "dashboard with a running job")
    page.go_back()
    page.get_by_role("button", name="Cancel").click()
    ended = page.locator("#job .status-CANCELLED")
    page.get_by_text("Somebody asked to stop this job").or_(ended).first.wait_for()  # a worker may be quicker
    found += wrong(page, "stopping")
    ended.wait_for(timeout=30_000)
    found += wrong(page, "cancelled")
    assert not found, "\n".join(found)
    assert page.complaints == []


def test_a_job_whose_next_attempt_comes_by_itself(as_role, live, api, quiet):
    page = as_role("Operator")
    page.goto(f"{live}/app/jobs/{ingest(api, 'http://127.0.0.1:9/ledger.csv')}")
    page.get_by_text("the next one comes by itself").wait_for(timeout=30_000)
    assert "Next attempt" in page.locator("#job").inner_text()
    assert wrong(page, "waiting for the next attempt") == []


def test_a_file_on_its_way(as_role, live, tmp_path):
    page = as_role("Operator")
    page.goto(f"{live}/app/new")
    held = []
    page.route("**/api/parts/look*", lambda route: held.append(route))  # noqa: PLW0108  (Playwright keeps no bound method)
    page.route("**/api/uploads/*", lambda route: held.append(route))  # noqa: PLW0108
    file = tmp_path / f"on its way {uuid.uuid4().hex[:6]}.csv"
    file.write_text("a;b\n1;2\n" * 90_000)
    page.locator("input[type=file]").set_input_files(file)
    page.locator("[data-look-state].busy").wait_for()
    found = wrong(page, "looking")
    page.get_by_role("button", name="Load", exact=True).click()
    page.locator("[data-state]", has_text="Sending").wait_for()
    found += wrong(page, "sending")
    page.get_by_role("button", name="Pause").click()
    page.locator("[data-state]", has_text="Paused").wait_for()
    found += wrong(page, "paused")
    page.unroute_all()
    page.context.set_offline(True)
    page.get_by_role("button", name="Go on").click()
    page.locator("[data-state]", has_text="Interrupted").wait_for()
    page.locator("#offline", has_text="out of reach").wait_for()
    found += wrong(page, "offline, interrupted")
    page.get_by_role("button", name="Pause").click()
    page.context.set_offline(False)
    page.reload()
    page.locator("[data-unfinished]", has_text="was interrupted").wait_for()
    found += wrong(page, "unfinished")
    page.get_by_role("button", name="Give it up").click()
    page.locator("[data-unfinished]").wait_for(state="hidden")
    assert not found, "\n".join(found)


def test_a_source_that_is_tried(as_role, live, outside):
    page = as_role("Operator")
    page.goto(f"{live}/app/new")
    found = []
    for kind in ("HTTP", "FTP or SFTP", "TCP"):
        page.get_by_label(kind, exact=True).check()
        found += wrong(page, kind)
    page.get_by_label("HTTP", exact=True).check()
    held = []
    page.route("**/api/sources/test", lambda route: held.append(route))  # noqa: PLW0108
    page.get_by_label("Address").locator("visible=true").fill("http://169.254.169.254/x.csv")
    page.get_by_role("button", name="Test connection").click()
    page.locator("[data-tested].busy").wait_for()
    found += wrong(page, "connecting")
    held[0].continue_()
    page.locator("[data-tested].problem").wait_for()
    found += wrong(page, "refused source")
    page.unroute_all()
    page.get_by_label("Address").locator("visible=true").fill(f"http://127.0.0.1:{outside.http}/infor_inventory.txt")
    page.get_by_role("button", name="Test connection").click()
    page.locator("[data-tested].notice").wait_for()
    found += wrong(page, "tried source")
    assert not found, "\n".join(found)


def test_a_log_that_is_searched_and_a_download(as_role, live, jobs):
    page = as_role("Operator")
    page.goto(f"{live}/app/jobs/{jobs['good']['job_id']}")
    page.get_by_label("Search the log").fill("no line has this")
    page.get_by_text("No line matches.").wait_for()
    page.get_by_role("link", name="Download the Parquet").click()
    page.locator("[data-downloading]", has_text="is downloaded").wait_for()
    assert wrong(page, "searched log, downloaded") == []


def test_every_page_of_the_admin(as_role, live, jobs):
    page = as_role("Admin")
    found = []
    for name, path in {
        "index": "", "people": "accounts/user/", "nobody": "accounts/user/?q=nobody-has-this-name",
        "invite": "accounts/user/add/", "jobs": "ingestion/jobrow/", "no job": "ingestion/jobrow/?q=nothing_has_this",
        "failed jobs": "ingestion/jobrow/?status=FAILED", "job": f"ingestion/jobrow/{jobs['good']['job_id']}/change/",
        "failed job": f"ingestion/jobrow/{jobs['failed']['job_id']}/change/",
        "hostile job": f"ingestion/jobrow/{jobs['hostile']['job_id']}/change/",
        "long job": f"ingestion/jobrow/{jobs['long']['job_id']}/change/",
        "datasets": "ingestion/datasetrow/", "dataset": f"ingestion/datasetrow/{jobs['good']['dataset']}/change/",
        "connections": "ingestion/connectionrow/", "new connection": "ingestion/connectionrow/add/",
        "audit log": "accounts/auditrow/", "refusals": "accounts/auditrow/?outcome=refused",
    }.items():  # fmt: skip
        page.goto(f"{live}/admin/{path}")
        found += wrong(page, name, widths=(1440, 768, 390))
    page.goto(f"{live}/admin/accounts/auditrow/")
    with page.expect_navigation():
        page.locator("#result_list a").first.click()
    found += wrong(page, "entry of the audit log")
    page.goto(f"{live}/admin/accounts/user/?q=viewer@")
    with page.expect_navigation():
        page.locator("#result_list a").first.click()
    found += wrong(page, "person")
    page.get_by_role("button", name="Disable").click()
    found += wrong(page, "question")
    page.goto(f"{live}/admin/ingestion/connectionrow/add/")
    name = f"state-{uuid.uuid4().hex[:8]}"
    page.get_by_label("Name").fill(name)
    page.get_by_label("Source").fill("no JSON")
    page.get_by_role("button", name="Save").click()
    found += wrong(page, "refused connection")
    page.get_by_label("Source").fill('{"type": "http", "url": "http://erp.example.com/out.csv"}')
    page.get_by_role("button", name="Save").click()
    found += wrong(page, "saved connection")
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Yes, remove").click()
    found += wrong(page, "removed connection")
    assert not found, "\n".join(found)
    assert page.complaints == []


def test_the_pages_of_an_account(open_page, as_role, live, mail):
    admin, person = as_role("Admin"), open_page(viewport={"width": 390, "height": 800})
    email, found = f"state-{uuid.uuid4().hex[:8]}@databridge.example", []
    admin.goto(f"{live}/admin/accounts/user/add/")
    admin.get_by_label("E-mail addresses").fill(f"{email} no-address")
    admin.get_by_role("button", name="Invite").click()
    found += wrong(admin, "invited, refused")
    sign_in_as(person, live, email, "wrong")
    found += wrong(person, "refused sign-in")
    sign_in_as(person, live, email, mail(email, "temporary password"))
    person.get_by_label("New password").fill("Chosen-By-Me-2026")
    person.get_by_label("The same again").fill("another")
    person.get_by_role("button", name="Save and sign in").click()
    found += wrong(person, "refused password")
    for label in ("New password", "The same again"):
        person.get_by_label(label).fill("Chosen-By-Me-2026")
    person.get_by_role("button", name="Save and sign in").click()
    person.wait_for_url(f"{live}/app/")
    person.goto(f"{live}/app/authenticator")
    found += wrong(person, "authenticator")
    letters = person.locator("#letters").inner_text()
    person.get_by_label("six digits").fill(app_code(letters))
    person.get_by_role("button", name="Confirm the code").click()
    person.wait_for_url(f"{live}/app/account")
    found += wrong(person, "account")
    person.context.clear_cookies()
    sign_in_as(person, live, email, "Chosen-By-Me-2026")
    person.wait_for_url(f"{live}/app/code")
    found += wrong(person, "code")
    person.goto(f"{live}/app/forgot-password")
    person.get_by_label("E-mail").fill(email)
    person.get_by_role("button", name="Send the code").click()
    found += wrong(person, "code sent")
    assert not found, "\n".join(found)
    person.context.close()


def test_a_job_with_rows_set_aside(as_role, live, api, ended):
    from io import BytesIO

    from openpyxl import Workbook

    book, stream = Workbook(), BytesIO()
    for row in (["konto", "betrag"], ["0001", "1,50"], ["#N/A", uuid.uuid4().hex], ["0003", "2,50"]):
        book.active.append(row)
    book.active["A3"].data_type = "e"
    book.save(stream)
    sent = api("Operator").post(
        "/upload", data={"dataset": f"aside_{uuid.uuid4().hex[:8]}"}, files={"file": ("aside.xlsx", stream.getvalue())}
    )
    job, found = ended(sent.json()["job_id"]), []
    for role in ("Operator", "Viewer"):
        page = as_role(role)
        page.goto(f"{live}/app/jobs/{job['job_id']}")
        page.locator("[data-rejects]").wait_for()
        for words in page.get_by_text("The whole row").all():
            words.click()
        found += wrong(page, f"rows set aside, {role}")
        assert page.complaints == []
    assert not found, "\n".join(found)
