"""Writes the pictures of ``docs/images`` from a served app: ``python -m tests.e2e.screenshots http://127.0.0.1:8000``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.e2e.browser import browsing, sign_in

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


def main(base: str) -> None:
    """Take the dashboard, a job and the form."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with browsing(viewport={"width": 1200, "height": 800}, color_scheme="light") as open_page:
        page = open_page()
        sign_in(page, base, "Operator")
        page.screenshot(path=IMAGES / "dashboard.png", full_page=True)
        page.get_by_role("link", name="sap_open_items").first.click()
        page.wait_for_load_state()
        page.screenshot(path=IMAGES / "job.png", full_page=True)
        page.goto(f"{base}/app/new")
        page.screenshot(path=IMAGES / "new-job.png", full_page=True)


if __name__ == "__main__":
    main(sys.argv[1])
