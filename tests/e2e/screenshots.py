"""Writes the pictures of ``docs/images``: ``python -m tests.e2e.screenshots`` serves a fresh stage of its own."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.e2e.browser import browsing, sign_in, until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
SIZE = {"width": 1100, "height": 760}
LEDGER = "Konto;Belegdatum;Betrag;Text\n" + "".join(
    f"{400000 + n % 90:010d};{n % 28 + 1:02d}.10.2026;{n % 900 + 1}.{n % 1000:03d},{n % 100:02d}{'-' if n % 3 else ''};Miete {n}\n"
    for n in range(5000)
)
INVOICES = "invoice;customer;amount;due\n" + "".join(
    f"R1{n:04d};Customer {n % 40:02d};{n % 90 + 10},{('00', '50')[n % 2]};{n % 28 + 1:02d}.11.2026\n"
    for n in range(600)
).replace("R10220;Customer 20;50,00", "R10220;Customer 20;230,00").replace(
    "R10327;Customer 07;67,50", "R10327;Customer 07;17,50"
)


@contextmanager
def served() -> Iterator[str]:
    """Serve the app on an embedded AWS in a folder of its own."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "databridge.settings"
    os.environ.setdefault("DATABRIDGE_SQLITE", str(ROOT / ".local" / "django.sqlite3"))
    import django

    django.setup()
    from databridge.local import Stack, processes, web

    port = processes.free_port()
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder)):
        server = web.server(port)

        def serve() -> None:
            with suppress(OSError):  # how its loop ends when the sockets are closed under it
                server.run()

        threading.Thread(target=serve, daemon=True).start()
        with web.sweeping():
            yield f"http://127.0.0.1:{port}"
        server.close()


def samples(base: str) -> dict[str, str]:
    """Load the samples, a ledger, a file that is cut off and one with wrong cells; return the ids of the last ones."""
    from databridge.local import outside
    from databridge.local import samples as kept

    api = kept.Api(base, "operator@databridge.example")
    with outside.serving(kept.FOLDER) as servers:
        for sample in kept.all_samples():
            api.wait(api.submit(sample, servers)["job_id"])
    token = httpx.post(f"{base}/token", json={"username": "operator@databridge.example",
                                              "password": "Try-DataBridge-1"}).json()["id_token"]  # fmt: skip
    found = {}
    for name, file, content in (
        ("ledger", "Ledger October.csv", LEDGER),
        ("orders", "orders.json", '{"orders": [{"id": 1, "total": "12.50"},\n {"id": 2, "total": '),
        ("invoices", "Invoices October.csv", INVOICES.replace("R1", "R0")),
        (
            "invoices",
            "Invoices November.csv",
            INVOICES.replace("R10327;Customer 07;17,50", "R10327;Customer 07;siebzehn").replace("230,00", "230,-"),
        ),
    ):
        made = httpx.post(f"{base}/upload", headers={"Authorization": f"Bearer {token}"}, data={"dataset": name},
                          files={"file": (file, content.encode())})  # fmt: skip
        found[name] = api.wait(made.json()["job_id"])["job_id"]
    return found


def main() -> None:
    """Take every picture."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for old in IMAGES.glob("*.png"):
        old.unlink()
    with served() as base, browsing(viewport=SIZE, color_scheme="light", timezone_id="UTC") as open_page:
        page = open_page()
        page.goto(f"{base}/app/")
        take(page, "sign-in")
        sign_in(page, base, "Operator")
        take(page, "dashboard-empty")
        ids = samples(base)
        operator(page, base, ids)
        states(page, base, ids)
        retrying(page, base)
        connections(open_page(), base)
        contract(open_page(), base)
        for role, name, path in (
            ("Viewer", "viewer-job", f"/app/jobs/{ids['ledger']}"),
            ("Viewer", "not-allowed", "/app/new"),
            ("Admin", "admin", "/admin/"),
            ("Admin", "admin-people", "/admin/accounts/user/"),
            ("Admin", "admin-audit", "/admin/accounts/auditrow/"),
        ):
            other = open_page()
            sign_in(other, base, role)
            other.goto(base + path)
            take(other, name)
            other.context.close()


def operator(page: Any, base: str, ids: dict[str, str]) -> None:
    """Take the pages as an Operator sees them."""
    for name, path in (
        ("dashboard", "/app/"), ("jobs", "/app/jobs?status=FAILED"), ("datasets", "/app/datasets"),
        ("dataset", "/app/datasets/ledger"), ("account", "/app/account"), ("not-found", "/app/jobs/none"),
        ("job-failed", f"/app/jobs/{ids['orders']}"), ("new-job", "/app/new"),
    ):  # fmt: skip
        page.goto(base + path)
        take(page, name)
    page.goto(f"{base}/app/jobs/{ids['ledger']}")
    take(page, "job")
    for part in ("understood", "preview", "lineage", "log"):
        page.locator(f"section[aria-labelledby={part}]").screenshot(path=IMAGES / f"job-{part}.png")
    page.goto(f"{base}/app/jobs/{ids['invoices']}")
    page.locator("section[aria-labelledby=rejects]").screenshot(path=IMAGES / "job-rejects.png")
    page.emulate_media(color_scheme="dark")
    page.goto(f"{base}/app/")
    take(page, "dashboard-dark")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 390, "height": 800})
    take(page, "dashboard-phone")
    page.set_viewport_size(SIZE)


def states(page: Any, base: str, ids: dict[str, str]) -> None:
    """Take a look before loading, an upload, a running job, no connection, and a session that has ended."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "Ledger November.csv", Path(folder) / "Ledger 2026.csv"
        small.write_text(LEDGER.replace(".10.", ".11."))
        large.write_text(LEDGER * 400)
        page.goto(f"{base}/app/new")
        page.locator("input[type=file]").set_input_files(small)
        page.locator("[data-look-result] table").wait_for()
        page.set_viewport_size({**SIZE, "height": 1080})
        take(page, "new-job-look")
        page.locator("[data-look]").screenshot(path=IMAGES / "look.png")
        page.set_viewport_size(SIZE)
        page.goto(f"{base}/app/new")
        page.locator("input[type=file]").set_input_files(large)
        page.locator("[data-look-result] table").wait_for()
        page.get_by_role("button", name="Load", exact=True).click()
        until(page, "document.querySelector('[data-files] progress').value >= 20")
        page.get_by_role("button", name="Pause").click()
        page.locator("[data-state]", has_text="Paused").wait_for()
        take(page, "uploading")
        page.get_by_role("button", name="Go on").click()
        page.locator("#job .stage-now", has_text="Read").wait_for(timeout=90_000)
        take(page, "job-running")
        page.locator("#job .status-SUCCESS").wait_for(timeout=90_000)
    page.goto(f"{base}/app/new")
    page.context.set_offline(True)
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    take(page, "offline")
    page.context.set_offline(False)
    page.goto(f"{base}/app/jobs/{ids['orders']}")
    page.context.clear_cookies()
    page.get_by_role("button", name="Retry").click()
    page.get_by_role("dialog").wait_for()
    take(page, "session-ended")


def retrying(page: Any, base: str) -> None:
    """Take the question before many jobs are sent again."""
    sign_in(page, base, "Operator")
    page.goto(f"{base}/app/jobs?status=FAILED")
    page.get_by_role("button", name="Retry all that match").click()
    page.get_by_role("button", name="Yes, retry").wait_for()
    take(page, "jobs-retry")


def connections(page: Any, base: str) -> None:
    """Take the form of a connection, and the list with one."""
    sign_in(page, base, "Admin")
    page.goto(f"{base}/app/new-connection")
    page.get_by_label("SFTP").check()
    for label, text in (("Name", "erp-exports"), ("Host", "erp.example.com"), ("User", "databridge"),
                        ("Password", "not-shown"), ("The server's key", "SHA256:4mPz0ZB9u7bSxqJ0m1n5h3w9rQvJt0qgqKjv0r2m8yE"),
                        ("Path, if jobs name none", "/out")):  # fmt: skip
        page.get_by_label(label, exact=True).fill(text)
    take(page, "connection")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(f"{base}/app/connections/erp-exports")
    page.goto(f"{base}/app/connections")
    take(page, "connections")
    page.context.close()


def contract(page: Any, base: str) -> None:
    """Take a contract as a rule is added to it, and a job whose file would change it."""
    sign_in(page, base, "Admin")
    page.goto(f"{base}/app/datasets/invoices")
    page.get_by_text("Add a rule").click()
    page.get_by_label("Kind", exact=True).select_option("range")
    page.get_by_label("Column", exact=True).select_option("amount")
    page.locator("#rule-range-min").fill("0.01")
    page.get_by_role("button", name="Add to the rules").click()
    page.locator("section[aria-labelledby=contract]").screenshot(path=IMAGES / "contract.png")
    with tempfile.TemporaryDirectory() as folder:
        changed = Path(folder) / "Invoices.csv"
        changed.write_text(INVOICES.replace(",00", ",00 EUR").replace(",50", ",50 EUR").replace(".11.", ".12."))
        page.goto(f"{base}/app/new")
        page.locator("input[type=file]").set_input_files(changed)
        page.locator("[data-look-result] table").wait_for()
        page.get_by_role("button", name="Load", exact=True).click()
        page.get_by_role("heading", name="Waiting for approval").wait_for(timeout=90_000)
    take(page, "job-approval")
    page.context.close()


def take(page: Any, name: str) -> None:
    """Take what is seen without scrolling."""
    time.sleep(0.3)
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
