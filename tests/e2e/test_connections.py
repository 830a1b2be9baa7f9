"""Connections in the browser: an Admin saves, tries, changes and removes one; an Operator uses it; nobody sees its secret."""

from __future__ import annotations

import uuid

import pytest

from tests.e2e import axe
from tests.e2e.axe import wrong
from tests.e2e.browser import DEMO_ADMIN, chromium, sign_in_again

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(chromium() is None, reason="needs Debian's chromium: apt-get install chromium"),
    pytest.mark.skipif(not axe.SCRIPT.exists(), reason="needs axe-core: npm ci"),
]
SECRET = "export"  # the password that the server takes


def test_a_connection_from_its_form_to_its_end(as_role, live, outside, api):
    name, found = f"erp-{uuid.uuid4().hex[:8]}", []
    admin = as_role("Admin")
    admin.goto(f"{live}/app/")
    admin.get_by_role("link", name="Connections").click()
    found += wrong(admin, "list")
    admin.get_by_role("link", name="New connection").click()
    found += wrong(admin, "new")
    admin.get_by_label("FTP or FTPS").check()
    found += wrong(admin, "new, FTP")
    admin.get_by_label("Name", exact=True).fill("Not Allowed")
    admin.get_by_label("Host").fill("127.0.0.1")
    admin.get_by_label("Port").fill(str(outside.ftp))
    admin.get_by_label("User").fill("erp")
    admin.get_by_label("Password").fill(SECRET)
    admin.get_by_text("More, as JSON").click()
    admin.get_by_label("Further fields").fill("{")
    admin.get_by_role("button", name="Save").click()
    admin.get_by_role("alert").get_by_text("is no JSON object").wait_for()
    admin.get_by_label("Further fields").fill('{"pattern": "*.gz"}')
    admin.get_by_role("button", name="Save").click()
    admin.get_by_role("alert").get_by_text("cannot be a connection's name").wait_for()
    found += wrong(admin, "refused")

    admin.get_by_label("Name", exact=True).fill(name)
    admin.context.clear_cookies()
    admin.get_by_role("button", name="Save").click()
    sign_in_again(admin, *DEMO_ADMIN)
    admin.wait_for_url(f"{live}/app/connections/{name}")
    assert api("Admin").get(f"/connections/{name}").json()["secrets"] == ["password"]
    assert '"pattern": "*.gz"' in admin.get_by_label("Further fields").input_value()
    admin.get_by_role("button", name="Test as saved").click()
    admin.locator("[data-tested].notice", has_text="stock.csv.gz").wait_for()
    found += wrong(admin, "tested")
    assert f">{SECRET}" not in admin.content()
    assert f'"{SECRET}"' not in admin.content()

    admin.get_by_label("Host").fill("localhost")
    admin.get_by_role("button", name="Save the change").click()
    admin.get_by_role("alert").get_by_text("must be given again").wait_for()
    admin.get_by_label("Host").fill("127.0.0.1")
    admin.get_by_label("Path").fill("/")
    with admin.expect_navigation():
        admin.get_by_role("button", name="Save the change").click()
    assert admin.get_by_label("Path").input_value() == "/"

    operator = as_role("Operator")
    operator.goto(f"{live}/app/connections")
    operator.get_by_role("button", name=f"Test {name}").click()
    operator.locator("[data-tested].notice", has_text="stock.csv.gz").wait_for()
    found += wrong(operator, "list, tested, Operator")
    assert operator.get_by_role("link", name=name).count() == 0
    assert f">{SECRET}" not in operator.content()
    assert f'"{SECRET}"' not in operator.content()
    assert operator.goto(f"{live}/app/connections/{name}").status == 403
    assert operator.goto(f"{live}/app/new-connection").status == 403
    operator.goto(f"{live}/app/new")
    operator.get_by_label("Saved connection").check()
    operator.locator("#connection").select_option(name)
    operator.get_by_label("Path, if not the saved one").fill("stock.csv.gz")
    operator.get_by_role("button", name="Look at the first rows").click()
    operator.locator("[data-look-result] table").wait_for()
    assert [text for text in operator.complaints if "403" not in text] == []  # a form of its own, not a connection's
    assert as_role("Viewer").goto(f"{live}/app/connections").status == 403

    admin.get_by_role("button", name="Remove").click()
    found += wrong(admin, "question")
    admin.get_by_role("button", name="No, keep it").click()
    admin.get_by_role("button", name="Remove").click()
    admin.get_by_role("button", name="Yes, remove it").click()
    admin.wait_for_url(f"{live}/app/connections")
    assert name not in admin.locator("main").inner_text()
    assert not found, "\n".join(found)
    assert [text for text in admin.complaints if "400" not in text and "401" not in text] == []


@axe.in_this_process
def test_the_list_without_connections(as_role, live, monkeypatch):
    monkeypatch.setattr("ingestion.connections.all_connections", list)
    found = []
    for role, words in (("Admin", "Save the first one"), ("Operator", "An Admin can save one")):
        page = as_role(role)
        page.goto(f"{live}/app/connections")
        assert words in page.locator("main").inner_text()
        found += wrong(page, role)
    assert not found, "\n".join(found)
