"""Measures the pages on a fresh stage: ``python -m tests.e2e.paint`` prints first paint, bytes and requests of each."""

from __future__ import annotations

from statistics import median
from typing import Any

from tests.e2e.browser import browsing, sign_in
from tests.e2e.screenshots import SIZE, samples, served

ROUNDS = 7
GOAL_MS, GOAL_BYTES = 1000, 100_000
ROWS = "[...document.querySelectorAll('tbody, #datasets')].reduce((sum, rows) => sum + rows.outerHTML.length, 0)"
WEIGHT = """performance.getEntries().filter((e) => e.entryType === 'navigation' || e.entryType === 'resource')
  .reduce((sum, e) => sum + e.encodedBodySize, 0)"""


def measured(page: Any, address: str) -> dict[str, float]:
    """Load a page several times and return the median and worst first paint in ms, its bytes and its requests.

    The bytes are those of all that it loads without the rows of its lists and the names of datasets, which are the user's data.
    """
    paints, asked = [], []
    page.on("request", lambda request: asked.append(request.url))  # Playwright keeps no bound method
    for _ in range(ROUNDS):
        asked.clear()
        page.goto(address, wait_until="networkidle")
        paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
    return {
        "median": median(paints),
        "worst": max(paints),
        "bytes": page.evaluate(WEIGHT) - page.evaluate(ROWS),
        "requests": len(asked),
    }


def main() -> None:
    """Print the table; the browser keeps nothing between two visits."""
    with served() as base, browsing(viewport=SIZE) as open_page:
        ids = samples(base)
        page = open_page()
        page.goto(f"{base}/app/sign-in")
        found = {"sign in": measured(page, f"{base}/app/sign-in")}
        sign_in(page, base, "Admin")
        page.context.route("**/*", lambda route: route.continue_())  # which also turns the browser's cache off
        for name, path in {
            "dashboard": "/app/", "jobs": "/app/jobs", "job": f"/app/jobs/{ids['ledger']}",
            "failed job": f"/app/jobs/{ids['orders']}", "new job": "/app/new", "datasets": "/app/datasets",
            "dataset": "/app/datasets/ledger", "connections": "/app/connections", "account": "/app/account",
            "admin, people": "/admin/accounts/user/", "admin, jobs": "/admin/ingestion/jobrow/",
        }.items():  # fmt: skip
            found[name] = measured(page, base + path)
    print(f"{'page':<16}{'first paint':>12}{'worst':>9}{'KB':>8}{'requests':>10}")
    for name, of in found.items():
        late = "" if of["median"] < GOAL_MS and of["bytes"] < GOAL_BYTES else "  over the goal"
        print(
            f"{name:<16}{of['median']:>9.0f} ms{of['worst']:>6.0f} ms{of['bytes'] / 1000:>8.1f}{of['requests']:>10}{late}"
        )


if __name__ == "__main__":
    main()
