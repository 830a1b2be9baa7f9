"""One browser and one session a role for a module, and jobs in every state that pages show."""

from __future__ import annotations

import uuid

import pytest

from tests.e2e.browser import browsing, states

MARK = uuid.uuid4().hex[:6]
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
FORMULA = "=HYPERLINK(1)"


@pytest.fixture(scope="module")
def open_page():
    with browsing(viewport={"width": 1440, "height": 900}) as opener:
        yield opener


@pytest.fixture(scope="module")
def sessions(live, open_page):
    return states(live, open_page)


@pytest.fixture
def as_role(open_page, sessions):
    """Open a page of somebody signed in, and close it afterwards."""
    opened = []

    def page(role, **context):
        opened.append(open_page(storage_state=sessions[role], **context))
        return opened[-1]

    yield page
    for made in opened:
        made.context.close()


@pytest.fixture(scope="session")
def jobs(api, ended):
    """A job of each kind by name: one that ended well, one that failed, hostile texts, long names."""

    def load(dataset, filename, content):
        answer = api("Operator").post(
            "/upload", data={"dataset": f"{dataset}_{MARK}"}, files={"file": (filename, content.encode())}
        )
        assert answer.status_code == 202, answer.text
        return ended(answer.json()["job_id"])

    rows = "".join(f"{n:010d};{n + 1}.250,{n % 100:02d}-;{n % 28 + 1:02d}.10.2026;Text {n}\n" for n in range(300))
    hostile = f'"{HOSTILE.replace(chr(34), chr(34) * 2)}";{FORMULA};betrag\n'
    return {
        "good": load("ledger", "GL 2026.csv", f"konto;betrag;datum;text {MARK}\n{rows}"),
        "failed": load("orders", "orders.json", '{"orders": [1,\n {"total": '),
        "hostile": load("hostile", f"{HOSTILE}{FORMULA}.csv", hostile * 2 + f"{FORMULA};{MARK};1\n"),
        "long": load("w" * 56, f"{'Long Name ' * 15}.json", "{"),
        "broken": load("hostile", f"{HOSTILE}.json", f'{{"{HOSTILE}": '),
    }
