"""Connections in the Django admin: an Admin saves, tests, changes and removes one, and sees its secret nowhere."""

from __future__ import annotations

import html
import re
import time

import httpx
import pytest

from databridge.local.outside import FTP_PASSWORD, FTP_USER
from databridge.local.provision import DEMO_PASSWORD, DEMO_USERS

SECRET = "pl4nted-admin-password"
LIST = "/admin/ingestion/connectionrow/"


def token_of(page: str) -> str:
    return re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]


@pytest.fixture
def browse(live):
    """Sign somebody in as a browser does; return a client, and a way to send a form."""
    opened = []

    def as_role(role: str) -> httpx.Client:
        email = next(email for email, has in DEMO_USERS.items() if has == role)
        client = httpx.Client(base_url=live, follow_redirects=True, timeout=30)
        opened.append(client)
        form = {
            "email": email,
            "password": DEMO_PASSWORD,
            "csrfmiddlewaretoken": token_of(client.get("/app/sign-in").text),
        }
        assert client.post("/app/sign-in", data=form, headers={"Referer": live}).status_code == 200
        return client

    yield as_role
    for client in opened:
        client.close()


def send(client: httpx.Client, address: str, **form: str) -> str:
    page = client.get(address).text
    answer = client.post(
        address, data={**form, "csrfmiddlewaretoken": token_of(page)}, headers={"Referer": str(client.base_url)}
    )
    assert answer.status_code == 200, answer.status_code
    return html.unescape(answer.text)


def test_a_connection_from_its_first_form_to_its_end_and_its_secret_on_no_page(browse, outside):
    admin, name = browse("Admin"), f"adm-{time.time_ns()}"
    here = f"{LIST}{name}/change/"
    source = f'"type": "ftp", "host": "127.0.0.1", "port": {outside.ftp}, "username": "{FTP_USER}"'
    pages = [send(admin, f"{LIST}add/", name=name, source=f'{{{source}, "password": "{SECRET}"}}')]
    assert f"{name} is saved" in pages[0]
    pages.append(send(admin, here, action="test"))
    assert "refused user or password" in pages[-1]
    send(admin, here, source=f'{{{source}, "password": "{FTP_PASSWORD}"}}')
    pages.append(send(admin, here, action="test"))
    assert f"{name} works. It sees: " in pages[-1]
    pages.append(send(admin, here, source=f"{{{source}}}"))
    assert f"{name} is changed" in pages[-1]
    pages.append(send(admin, here, action="test"))
    assert f"{name} works" in pages[-1], "the secret that was left out has stayed"
    pages.append(admin.get(f"{LIST}?q={name}").text)
    assert name in pages[-1]
    pages.append(send(admin, here, action="remove"))
    assert "Remove these connections" in pages[-1]
    pages.append(send(admin, LIST, action="remove", _selected_action=name, confirmed="yes"))
    assert "its secret are removed" in pages[-1]
    assert admin.get(here).status_code == 404
    assert SECRET not in "".join(pages)


@pytest.mark.parametrize(
    ("name", "source", "told"),
    [
        ("Bad Name", '{"type": "tcp", "host": "h", "port": 9}', "cannot be a connection's name"),
        ("good", "no json", "is no JSON"),
        ("good", "[]", "must be a JSON object"),
        (
            "good",
            f'{{"type": "ftp", "host": "h", "password": "{SECRET}", "pasword": "{SECRET}"}}',
            "no field 'pasword'",
        ),
    ],
)
def test_what_cannot_be_a_connection_is_said_and_the_form_comes_back_without_the_secret(browse, name, source, told):
    page = send(browse("Admin"), f"{LIST}add/", name=name, source=source)
    assert told in page
    assert 'id="source"' in page
    assert SECRET not in page


@pytest.mark.parametrize("role", ["Operator", "Viewer"])
def test_only_admins_may(browse, role):
    client = browse(role)
    for address in (LIST, f"{LIST}add/", f"{LIST}any/change/"):
        answer = client.get(address)
        assert "Save a connection" not in answer.text
        assert answer.status_code in {403, 404} or "may" in answer.text
