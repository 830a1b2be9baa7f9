"""Contracts through the API and the pages: who sees them, who changes them, and how a waiting job is decided on."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from databridge.local.provision import DEMO_PASSWORD


@pytest.fixture
def dataset():
    return f"t_{uuid.uuid4().hex[:12]}"


@pytest.fixture
def loaded(api, ended, dataset):
    """Load a text as an Operator; return the job when it has ended or waits for an approval."""

    def load(content: str) -> dict:
        files = {"file": ("in.csv", content.encode())}
        job = api("Operator").post("/upload", files=files, data={"dataset": dataset}).json()
        return ended(job["job_id"])

    return load


def test_a_dataset_its_contract_and_its_versions_are_seen_by_everybody(api, loaded, dataset):
    loaded("id;qty\n1;3\n2;4\n")
    for role in ("Viewer", "Operator", "Admin"):
        client = api(role)
        assert client.get(f"/datasets/{dataset}").json()["schema_version"] == 1
        contract = client.get(f"/datasets/{dataset}/contract").json()
        assert [column["name"] for column in contract["columns"]] == ["id", "qty"]
        (version,) = client.get(f"/datasets/{dataset}/contract/versions").json()["versions"]
        assert version["contract"] == contract
    assert dataset in [one["name"] for one in api("Viewer").get("/datasets").json()["datasets"]]
    assert api("Viewer").get("/datasets/t_none/contract").json()["code"] == "CONTRACT_NOT_FOUND"


def test_only_an_admin_changes_a_contract_and_only_the_version_that_was_seen(api, loaded, dataset):
    from accounts import audit

    loaded("id;qty\n1;3\n2;4\n")
    address, body = f"/datasets/{dataset}/contract", {"version": 1, "preset": "strict"}
    for role in ("Viewer", "Operator"):
        assert api(role).put(address, json=body).status_code == 403
    answer = api("Admin").put(address, json=body)
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    assert answer.json()["policies"]["new_column"] == "fail"
    assert api("Admin").put(address, json=body).json()["code"] == "CONTRACT_CONFLICT"
    wrong = api("Admin").put(address, json={"version": 2, "policies": {"new_column": "perhaps"}})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "CONTRACT_INVALID")
    rows = audit.entries(about="admin@databridge.example", limit=20).entries
    assert any(entry.action == "change contract" and dataset in entry.object for entry in rows)


def test_a_contract_may_be_given_before_the_first_file(api, loaded, dataset):
    columns = [{"name": "id", "type": "int64"}, {"name": "day", "type": "date", "rule": "date DD/MM/YYYY"}]
    given = api("Admin").put(f"/datasets/{dataset}/contract", json={"columns": columns})
    assert (given.status_code, given.json()["version"]) == (200, 1), given.content
    job = loaded("id;day\n1;03/04/2026\n2;05/06/2026\n")
    assert (job["status"], job["schema_version"]) == ("SUCCESS", 1), job["error"]
    preview = api("Viewer").get(f"/jobs/{job['job_id']}/preview").json()
    assert preview["rows"][0] == ["1", "2026-04-03"]


def test_a_waiting_job_shows_its_changes_and_an_admin_approves_it(api, loaded, ended, dataset):
    loaded("id;qty\n1;3\n2;4\n")
    job = loaded("id;qty\n3;many\n4;few\n")
    assert (job["status"], job["approval"]["contract_version"]) == ("PENDING", 1)
    (change,) = api("Operator").get(f"/jobs/{job['job_id']}/changes").json()["changes"]
    assert (change["kind"], change["old"], change["outcome"], change["line"]) == ("changed_kind", "int64", "ask", 2)
    for role in ("Viewer", "Operator"):
        assert api(role).post(f"/jobs/{job['job_id']}/approve").status_code == 403
    assert api("Admin").post(f"/jobs/{job['job_id']}/approve").status_code == 202
    done = ended(job["job_id"])
    assert (done["status"], done["schema_version"], done["approval"]) == ("SUCCESS", 2, None)
    assert api("Admin").post(f"/jobs/{job['job_id']}/refuse").json()["code"] == "JOB_STATE_CONFLICT"


def test_a_refused_job_says_so(api, loaded, dataset):
    loaded("id;qty\n1;3\n2;4\n")
    job = loaded("id\n3\n4\n")
    refused = api("Admin").post(f"/jobs/{job['job_id']}/refuse").json()
    assert (refused["status"], refused["error"]["code"]) == ("FAILED", "CHANGE_REFUSED")


def test_what_an_admin_decides_on_is_in_the_audit_log(api, loaded, ended, dataset):
    from accounts import audit

    loaded("id;qty\n1;3\n2;4\n")
    refused, approved = loaded("id\n3\n4\n"), loaded("id;qty\n3;many\n4;few\n")
    api("Admin").post(f"/jobs/{refused['job_id']}/refuse")
    api("Admin").post(f"/jobs/{approved['job_id']}/approve")
    assert ended(approved["job_id"])["status"] == "SUCCESS"
    for job, action in ((refused, "refuse changes"), (approved, "approve changes")):
        entries = audit.entries(about=f"job {job['job_id']}", limit=20).entries
        assert (action, "admin@databridge.example") in [(one.action, one.actor) for one in entries]


def test_the_admin_shows_contract_rules_and_versions(live, api, loaded, dataset):
    loaded("id;qty\n1;3\n2;4\n")
    rule = {"kind": "unique", "column": "id", "scope": "dataset"}
    api("Admin").put(f"/datasets/{dataset}/contract", json={"version": 1, "rules": [rule]})
    client = Client()
    client.post("/app/sign-in", {"email": "admin@databridge.example", "password": DEMO_PASSWORD})
    page = client.get(f"/admin/ingestion/datasetrow/{dataset}/change/").content.decode()
    assert "Contract, version 2" in page
    assert "unique of &quot;id&quot;: in the whole dataset (reject)" in page
    assert "The rules were changed: 0 rules before, 1 now." in page
    assert f"/app/datasets/{dataset}#contract" in page


def test_the_pages_show_the_contract_the_diff_and_what_waits(live, loaded, dataset):
    loaded("id;qty\n1;3\n2;4\n")
    job = loaded("id;qty\n3;many\n4;few\n")
    for role, may in (("admin", True), ("viewer", False)):
        client = Client()
        client.post("/app/sign-in", {"email": f"{role}@databridge.example", "password": DEMO_PASSWORD})
        page = client.get(f"/app/jobs/{job['job_id']}").content.decode()
        assert "Waiting for approval" in page
        assert "many" in page
        assert ('data-action="approve"' in page) is may
        page = client.get(f"/app/datasets/{dataset}").content.decode()
        assert "Contract, version 1" in page
        assert ("Save as a new version" in page) is may
        assert dataset in client.get("/app/").content.decode().split("Recent jobs")[0]


def test_a_contract_of_very_many_columns_is_not_spread_out_on_its_page(live, loaded, dataset):
    names = [f"c{number}" for number in range(130)]
    loaded(";".join(names) + "\n" + ";".join("1" * 130) + "\n" + ";".join("2" * 130) + "\n")
    client = Client()
    client.post("/app/sign-in", {"email": "admin@databridge.example", "password": DEMO_PASSWORD})
    page = client.get(f"/app/datasets/{dataset}").content.decode()
    assert "It has 130 columns, too many to be edited here" in page
    assert "data-agreed" not in page
