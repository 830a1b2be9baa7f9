"""Connections: saved by Admins, used by Operators, and their secret never leads or shows elsewhere."""

from __future__ import annotations

import json
import time

import pytest

from databridge.local.outside import FTP_PASSWORD, FTP_USER

SECRET = "planted-connection-s3cret"


@pytest.fixture
def name():
    return f"erp-{time.time_ns()}"


@pytest.fixture
def saved(api, outside, name):
    """An FTP connection to the folder of the samples."""
    source = {"type": "ftp", "host": "127.0.0.1", "port": outside.ftp, "username": FTP_USER, "password": FTP_PASSWORD}
    with api("Admin") as admin:
        made = admin.post("/connections", json={"name": name, "source": source})
    assert made.status_code == 201, made.text
    return source


def test_an_operator_loads_by_a_connections_name_and_never_sees_the_password(api, ended, saved, name):
    source = {"connection": name, "path": "/stock.csv.gz"}
    with api("Operator") as client:
        made = client.post(
            "/ingest", json={"dataset": "by_connection", "source": source, "options": {"force": True}}
        ).json()
        job = ended(made["job_id"])
        shown = client.get(f"/connections/{name}").text + client.get("/connections").text + json.dumps([made, job])
    assert job["status"] == "SUCCESS", job["error"]
    assert job["source"]["connection"] == name
    assert FTP_PASSWORD not in shown.replace("/export/", "")
    assert json.loads(client_get(api, name))["secrets"] == ["password"]


def client_get(api, name: str) -> str:
    with api("Admin") as client:
        return client.get(f"/connections/{name}").text


def test_a_test_lists_what_the_connection_sees_or_says_why_it_sees_nothing(api, saved, name):
    with api("Operator") as client:
        answer = client.post(f"/connections/{name}/test")
    assert answer.status_code == 200, answer.text
    seen = answer.json()["seen"]
    assert any(line.startswith("stock.csv.gz, ") for line in seen), seen
    with api("Admin") as admin:
        wrong = saved | {"password": SECRET}
        assert admin.put(f"/connections/{name}", json={"source": wrong}).status_code == 200
        answer = admin.post(f"/connections/{name}/test")
    assert (answer.status_code, answer.json()["code"]) == (400, "SOURCE_LOGIN")
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    "more",
    [
        {"host": "198.51.100.7"}, {"port": 2121}, {"url": "ftp://198.51.100.7/x"}, {"username": "x"}, {"tls": "explicit"},
        {"ca": "x"}, {"protocol": "sftp"}, {"host_key": "x"}, {"password": "x"}, {"type": "http"}, {"encoding": "utf-8"},
    ],
)  # fmt: skip
def test_a_request_cannot_lead_the_secret_elsewhere(api, saved, name, more):
    source = {"connection": name, "path": "/stock.csv.gz"} | more
    with api("Operator") as client:
        answer = client.post("/ingest", json={"dataset": "x", "source": source})
    assert (answer.status_code, answer.json()["code"]) == (400, "SOURCE_INVALID")


@pytest.mark.parametrize("path", ["../admin", "a/../../admin", "a/./b", "//198.51.100.7/x/..", "%2e%2e/admin/.."])
def test_an_http_connections_path_stays_below_it(api, name, path):
    from ingestion import connections
    from ingestion.sources.errors import SourceInvalid

    whole = {"type": "http", "url": "https://erp.example.com/api/v1?sap-client=100", "auth": {"bearer": SECRET}}
    assert connections._http(dict(whole), {"path": "/orders?$top=5", "query": {"a": "b"}}) == whole | {
        "url": "https://erp.example.com/api/v1/orders?sap-client=100&$top=5",
        "query": {"a": "b"},
    }
    assert connections._http(dict(whole), {"path": "https://198.51.100.7/x"})["url"].startswith(
        "https://erp.example.com/"
    )
    assert connections._http(dict(whole), {"path": "@198.51.100.7/x"})["url"].startswith(
        "https://erp.example.com/api/v1/@"
    )
    with pytest.raises(SourceInvalid):
        connections._http(dict(whole), {"path": path})


def test_a_secret_stays_on_a_change_but_not_when_it_would_go_elsewhere(api, saved, name):
    without = {field: value for field, value in saved.items() if field != "password"}
    with api("Admin") as admin:
        changed = admin.put(f"/connections/{name}", json={"source": without | {"path": "/", "pattern": "s*"}})
        assert changed.status_code == 200, changed.text
        assert admin.post(f"/connections/{name}/test").status_code == 200
        for more in ({"host": "localhost"}, {"port": 2}, {"tls": "explicit"}, {"username": "other"}):
            answer = admin.put(f"/connections/{name}", json={"source": without | more})
            assert answer.status_code == 400, answer.text
            assert "password" in answer.json()["hint"]


def test_a_removed_connection_takes_its_secret_along_and_its_jobs_say_so(api, ended, saved, name):
    from databridge.aws import client as aws
    from ingestion import connections

    secret_id = connections.get(name).secret_id
    with api("Admin") as admin:
        assert admin.delete(f"/connections/{name}").status_code == 204
        assert admin.get(f"/connections/{name}").status_code == 404
        answer = admin.post("/ingest", json={"dataset": "x", "source": {"connection": name, "path": "/a"}})
    assert answer.json()["code"] == "CONNECTION_NOT_FOUND"
    listed = aws("secretsmanager").list_secrets()["SecretList"]
    assert not [secret for secret in listed if secret_id in secret["Name"]]


def test_who_may_what(api, saved, name):
    source = {"type": "tcp", "host": "erp.example.com", "port": 9}
    for role, listing, making, testing in (("Viewer", 403, 403, 403), ("Operator", 200, 403, 200)):
        with api(role) as client:
            assert client.get("/connections").status_code == listing
            assert client.get(f"/connections/{name}").status_code == listing
            assert client.post("/connections", json={"name": "x", "source": source}).status_code == making
            assert client.put(f"/connections/{name}", json={"source": source}).status_code == making
            assert client.delete(f"/connections/{name}").status_code == making
            assert client.post(f"/connections/{name}/test").status_code == testing


@pytest.mark.parametrize(
    ("wrong", "source"),
    [
        ("Bad Name", {"type": "tcp", "host": "h", "port": 9}), ("", {"type": "tcp", "host": "h", "port": 9}),
        ("good", {"type": "tcp", "host": "h"}), ("good", {"type": "smtp"}), ("good", {"connection": "other"}),
        ("good", {"type": "ftp", "host": "h", "password": SECRET, "pasword": SECRET}),
    ],
)  # fmt: skip
def test_what_cannot_be_a_connection_is_refused(api, wrong, source):
    with api("Admin") as admin:
        answer = admin.post("/connections", json={"name": wrong, "source": source})
    assert answer.status_code == 400
    assert answer.json()["hint"]
    assert SECRET not in answer.text


def test_a_name_is_taken_once_and_a_loser_harms_nothing(api, saved, name):
    with api("Admin") as admin:
        again = admin.post("/connections", json={"name": name, "source": saved | {"password": SECRET}})
        assert (again.status_code, again.json()["code"]) == (409, "CONNECTION_CONFLICT")
        assert admin.post(f"/connections/{name}/test").status_code == 200
