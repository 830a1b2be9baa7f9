"""Files that mean harm, loaded through the real app: nothing of theirs runs, breaks a page, or hides."""

from __future__ import annotations

import csv
import io
import json
import uuid
import zipfile

import pytest

from tests.e2e.browser import chromium

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(chromium() is None, reason="needs Debian's chromium: apt-get install chromium"),
]
MARK = uuid.uuid4().hex[:6]
TURN = "\u202e"
IMAGE = "<img src=x onerror=\"window.hit='image'\">"
SCRIPT = "<script>window.hit='script'</script>"
CLOSING = "</td></table></main></textarea></title><svg onload=\"window.hit='svg'\">"
QUOTES = "\"' onmouseover=\"window.hit='attribute'\" x='"
TEMPLATE = "{{ request.user }}{% now 'Y' %}"
ADDRESS = "javascript:window.hit='address'"
FORMULAS = ("=HYPERLINK(1)", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "=1\t2")
TEXTS = (
    IMAGE,
    SCRIPT,
    CLOSING,
    QUOTES,
    TEMPLATE,
    ADDRESS,
    *FORMULAS,
    f"{TURN}fdp.exe",
    "\u200b\u2066hidden",
    "W" * 3000,
)
NAME = f"{IMAGE}{TURN}{QUOTES}.{MARK}"


def workbook() -> bytes:
    """A sheet with a hostile name, hostile columns and cells, and a row that is set aside."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = f"<svg onload=hit=1>{TURN}"[:31]
    rows = [
        [f"{text[:200]}{at}" for at, text in enumerate(TEXTS)],
        list(TEXTS),
        [*TEXTS[:-1], MARK],
        ["#N/A", *TEXTS[1:]],
    ]
    for at, row in enumerate(rows, start=1):
        for column, text in enumerate(row, start=1):
            cell = sheet.cell(at, column)
            cell.value = text
            cell.data_type = "e" if text == "#N/A" else "s"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def delimited() -> bytes:
    """The same as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerows([[f"{text[:200]}{at}" for at, text in enumerate(TEXTS)], TEXTS, [*TEXTS[:-1], MARK]])
    return text.getvalue().encode()


FILES = {
    "xlsx": workbook,
    "csv": delimited,
    "json": f'[{{"{SCRIPT}": "{TURN}{MARK}", '.encode,  # cut off
}


def harmless(page, name: str, width: int = 1440) -> list[str]:
    """What harm was done to the page: something ran, came into it, or made it wider than the window."""
    done = []
    if page.evaluate("window.hit ?? ''"):
        done.append(f"{name}: {page.evaluate('window.hit')} ran")
    if strange := page.locator("img[src=x], svg[onload], main script, [onmouseover], a[href^='javascript:' i]").count():
        done.append(f"{name}: {strange} elements came in")
    if page.evaluate("document.body.innerText").count(TURN):
        done.append(f"{name}: text is turned round")
    for size in (width, 390):
        page.set_viewport_size({"width": size, "height": 900})
        if (over := page.evaluate("document.documentElement.scrollWidth")) > size:
            done.append(f"{name}: {over} wide at {size}")
    page.set_viewport_size({"width": width, "height": 900})
    return done


@pytest.fixture(scope="module")
def loaded(live, open_page, sessions, ended):
    """A job of each file, made by the form with all its steps; what the form did is kept under ``form``."""
    page = open_page(storage_state=sessions["Operator"])
    page.on("dialog", lambda dialog: (page.complaints.append(f"{dialog.type}: {dialog.message}"), dialog.accept()))
    found = {"form": []}
    for kind, content in FILES.items():
        page.goto(f"{live}/app/new")
        page.locator("input[type=file]").set_input_files(
            {"name": f"{NAME}.{kind}", "mimeType": "text/html", "buffer": content()}
        )
        page.locator("[data-look-result] table, [data-look-result] .problem").first.wait_for()
        page.locator("[data-curl] summary").click()
        page.get_by_text("Why these types").click() if page.get_by_text("Why these types").count() else None
        page.locator("[data-dataset]").fill(f"hostile_{MARK}_{kind}")
        found["form"] += harmless(page, f"form, {kind}")
        page.get_by_role("button", name="Load", exact=True).click()
        page.wait_for_url("**/app/jobs/*")
        found[kind] = ended(page.url.rsplit("/", 1)[-1])
    found["form"] += page.complaints
    page.context.close()
    return found


def test_the_form_and_its_look_stay_whole(loaded):
    assert not loaded["form"], "\n".join(loaded["form"])
    assert {kind: loaded[kind]["status"] for kind in FILES} == {"xlsx": "SUCCESS", "csv": "SUCCESS", "json": "FAILED"}
    assert loaded["xlsx"]["rows"]["rejected"] == 1


@pytest.mark.parametrize("role", ["Operator", "Viewer", "Admin"])
def test_no_page_runs_it_breaks_or_turns_round(as_role, live, loaded, role):
    page, done = as_role(role), []
    page.on("dialog", lambda dialog: (page.complaints.append(f"{dialog.type}: {dialog.message}"), dialog.accept()))
    paths = {"dashboard": "", "jobs": f"jobs?q={MARK}", "searched": f"jobs?q={SCRIPT}", "datasets": "datasets"}
    for kind in FILES:
        paths |= {f"job, {kind}": f"jobs/{loaded[kind]['job_id']}"}
        paths |= {f"dataset, {kind}": f"datasets/hostile_{MARK}_{kind}"} if kind != "json" else {}
    for name, path in paths.items():
        page.goto(f"{live}/app/{path}", wait_until="networkidle")
        done += harmless(page, name)
    page.goto(f"{live}/app/jobs/{loaded['csv']['job_id']}")
    text = page.locator("section[aria-labelledby=preview]").inner_text()
    for shown in (IMAGE, SCRIPT, TEMPLATE, *FORMULAS[:4], "⟨U+202E⟩fdp.exe"):
        assert shown in text, shown
    page.get_by_label("Search the log").fill(MARK)
    done += harmless(page, "searched log")
    assert not done, "\n".join(done)
    assert page.complaints == []


def test_the_admin_stays_whole_too(as_role, live, loaded):
    page, done = as_role("Admin"), []
    page.on("dialog", lambda dialog: (page.complaints.append(f"{dialog.type}: {dialog.message}"), dialog.accept()))
    for name, path in {
        "jobs": f"ingestion/jobrow/?q=hostile_{MARK}_json", "searched": f"ingestion/jobrow/?q={SCRIPT}", "all jobs": "ingestion/jobrow/",
        "job": f"ingestion/jobrow/{loaded['json']['job_id']}/change/", "workbook": f"ingestion/jobrow/{loaded['xlsx']['job_id']}/change/",
        "datasets": "ingestion/datasetrow/", "dataset": f"ingestion/datasetrow/hostile_{MARK}_xlsx/change/",
        "audit log": "accounts/auditrow/", "audit of it": f"accounts/auditrow/?q={SCRIPT}",
    }.items():  # fmt: skip
        page.emulate_media(color_scheme="dark")
        page.goto(f"{live}/admin/{path}")
        done += harmless(page, name)
    assert not done, "\n".join(done)
    assert page.complaints == []


def test_exports_hold_no_formula_and_downloads_no_markup(as_role, live, loaded, api):
    page = as_role("Operator")
    page.goto(f"{live}/app/jobs/{loaded['xlsx']['job_id']}")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download the rejects as CSV").click()
    rows = list(csv.reader(io.StringIO(waiting.value.path().read_text())))
    cells = [cell for row in rows for cell in row]
    assert any(IMAGE in cell for cell in cells)
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))] == []
    answer = api("Operator").get(f"/jobs/{loaded['xlsx']['job_id']}/raw")
    assert answer.content == workbook() or answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "\n" not in answer.headers["Content-Disposition"]
    page.set_viewport_size({"width": 1440, "height": 900})
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download the raw file").click()
    assert "/" not in waiting.value.suggested_filename


def test_connections_contracts_totals_members_and_reasons_stay_text(as_role, live, loaded, api, ended):
    operator, admin = api("Operator"), api("Admin")
    dataset, name = f"hostile_{MARK}_csv", f"hostile-{MARK}"
    source = {
        "type": "ftp",
        "host": "127.0.0.1",
        "port": 9,
        "username": IMAGE,
        "password": "x",
        "path": f"/{SCRIPT}{TURN}",
    }
    assert admin.post("/connections", json={"name": name, "source": source}).status_code == 201
    agreed = admin.get(f"/datasets/{dataset}/contract").json()
    column = agreed["columns"][0]["name"]
    agreed["columns"][0]["aliases"] = [QUOTES, f"{SCRIPT}{TURN}"]
    agreed["rules"] = [
        {"kind": "in_list", "column": column, "values": [IMAGE, SCRIPT, f"{TURN}x", MARK], "severity": "warn"},
        {"kind": "regex", "column": column, "pattern": "<img src=x onerror=.*|.*", "severity": "warn"},
    ]
    assert admin.put(f"/datasets/{dataset}/contract", json=agreed).status_code == 200

    def send(file, content, into, **options):
        answer = operator.post(
            "/upload", data={"dataset": into, "options": json.dumps(options)}, files={"file": (file, content)}
        )
        assert answer.status_code == 202, answer.text
        return ended(answer.json()["job_id"])

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{IMAGE.replace('/', '')}{TURN}.csv", f"a;b\n{MARK};1\n")
        archive.writestr(f"{SCRIPT.replace('/', '')}.csv", "a;b\n1;2\n")
    other = f"hostile_{MARK}_changed"
    table = "id;amount\n" + "".join(f"A{n};{n},50\n" for n in range(30))
    assert send("first.csv", table.encode(), other)["status"] == "SUCCESS"
    jobs = {
        "member": send("packed.zip", packed.getvalue(), f"hostile_{MARK}_zip"),
        "approval": send("second.csv", table.replace(",50", f" {IMAGE}").encode(), other),
        "totals": send(
            "third.csv", table.encode(), other, control_totals=f"rows=30\n{IMAGE.replace('=', '')}=5", force=True
        ),
    }
    assert [job["status"] for job in jobs.values()] == ["SUCCESS", "PENDING", "FAILED"]
    assert jobs["approval"]["approval"]
    reason = {"reason": f"{IMAGE}{TURN}"}
    assert operator.post(f"/jobs/{loaded['xlsx']['job_id']}/rejects/dismiss", json=reason).status_code == 200
    page, done = as_role("Admin"), []
    page.on("dialog", lambda dialog: (page.complaints.append(f"{dialog.type}: {dialog.message}"), dialog.accept()))
    for path in ("app/", "app/connections", f"app/connections/{name}", "app/new", f"app/datasets/{dataset}", f"app/jobs/{loaded['xlsx']['job_id']}",
                 f"app/datasets/{other}", *(f"app/jobs/{job['job_id']}" for job in jobs.values()), "admin/ingestion/connectionrow/",
                 f"admin/ingestion/connectionrow/{name}/change/", f"admin/ingestion/jobrow/{jobs['totals']['job_id']}/change/"):  # fmt: skip
        page.goto(f"{live}/{path}")
        done += harmless(page, path)
    page.goto(f"{live}/app/jobs/{jobs['approval']['job_id']}")
    assert IMAGE in page.locator("[aria-labelledby=changes]").first.inner_text()
    page.goto(f"{live}/admin/accounts/user/add/")
    page.get_by_label("E-mail addresses").fill(
        f"{IMAGE.replace(' ', '')}@evil.example {QUOTES.replace(' ', '')}@evil.example"
    )
    page.get_by_role("button", name="Invite").click()
    page.locator(".messagelist .error").first.wait_for()
    done += harmless(page, "invitations")
    assert not done, "\n".join(done)
    assert page.complaints == []
