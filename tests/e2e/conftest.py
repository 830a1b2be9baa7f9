"""One browser and one session a role for a module, and jobs in every state that pages show."""

from __future__ import annotations

import uuid

import pytest

from tests.e2e.browser import browsing, states

MARK = uuid.uuid4().hex[:6]
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
FORMULA = "=HYPERLINK(1)"
ORDERS = [[f"A{n:03d}", f"{n},50", ("EUR", "USD")[n % 2]] for n in range(40)]


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


def text_of(rows):
    return ("id;amount;currency\n" + "".join(";".join(row) + "\n" for row in rows)).encode()


def sent(client, dataset, rows, name="orders.csv"):
    answer = client.post("/upload", data={"dataset": dataset}, files={"file": (name, text_of(rows))})
    assert answer.status_code == 202, answer.text
    return answer.json()["job_id"]


@pytest.fixture
def failing(api, ended):
    """A job of an Operator that failed: more rows break the contract and a rule than the dataset allows."""
    dataset = f"orders_{uuid.uuid4().hex[:8]}"
    ended(sent(api("Operator"), dataset, [[f"Z{row[0][1:]}", *row[1:]] for row in ORDERS]))
    admin = api("Admin")
    told = admin.get(f"/datasets/{dataset}/contract").json()
    told["rules"] = [{"kind": "in_list", "column": "currency", "values": ["EUR", "USD"]}]
    assert admin.put(f"/datasets/{dataset}/contract", json=told).status_code == 200
    rows = [list(row) for row in ORDERS]
    rows[4][1], rows[9][2], rows[30][2] = "vier", "EURO", "=1+1"
    job = ended(sent(api("Operator"), dataset, rows))
    assert (job["status"], job["error"]["code"]) == ("FAILED", "REJECTS_OVER_LIMIT")
    return job["job_id"]
