"""The list of jobs and the parts of pages: searched, narrowed, closed to whom they are not for."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from databridge.local.provision import DEMO_PASSWORD

MARK = uuid.uuid4().hex[:8]


@pytest.fixture(scope="module")
def clients(stack):
    def client(role):
        made = Client()
        answer = made.post("/app/sign-in", {"email": f"{role}@databridge.example", "password": DEMO_PASSWORD})
        assert answer.status_code == 302
        return made

    return {role: client(role) for role in ("admin", "operator", "viewer")}


@pytest.fixture(scope="module")
def jobs(api, ended):
    made = {}
    for role in ("Admin", "Operator"):
        answer = api(role).post(f"/ingest?dataset={role.lower()}_{MARK}&filename=Needle-{MARK}.json&force=true",
                                content=b"{", headers={"Content-Type": "x/y"})  # fmt: skip
        made[role] = ended(answer.json()["job_id"])["job_id"]
    return made


@pytest.mark.parametrize("words", ["NEEDLE-{}", "operator_{}", "broken_file"])
def test_a_search_finds_by_file_dataset_and_code_whatever_the_case(clients, jobs, words):
    page = clients["admin"].get("/app/jobs", {"q": words.format(MARK), "status": "FAILED"}).content.decode()
    assert jobs["Operator"] in page


def test_a_search_by_id_finds_one_and_nonsense_none(clients, jobs):
    found = clients["viewer"].get("/app/jobs", {"q": jobs["Admin"]}).content.decode()
    assert (jobs["Admin"] in found, jobs["Operator"] in found) == (True, False)
    assert "No job fits" in clients["viewer"].get("/app/jobs", {"q": "no such thing"}).content.decode()


def test_an_operator_finds_their_own_jobs_only_and_only_they_can_choose_them(clients, jobs):
    mine = clients["operator"].get("/app/jobs", {"q": MARK}).content.decode()
    assert (jobs["Admin"] in mine, jobs["Operator"] in mine) == (False, True)
    assert f'value="{jobs["Operator"]}"' in mine
    assert 'type="checkbox"' not in clients["viewer"].get("/app/jobs", {"q": MARK}).content.decode()


def test_filters_that_do_not_exist_and_foreign_cursors_are_passed_over(clients, jobs):
    assert clients["admin"].get("/app/jobs", {"status": "ODD", "source": "ODD"}).status_code == 200
    assert clients["admin"].get("/app/jobs", {"cursor": "made-up"}).status_code == 302


@pytest.mark.parametrize("part", ["dashboard", "jobs", "jobs/{job}"])
def test_a_part_is_refused_in_a_way_that_a_script_understands(clients, jobs, part):
    path = f"/app/api/parts/{part.format(job=jobs['Admin'])}"
    assert Client().get(path).status_code == 401
    assert clients["viewer"].get(path).status_code == 200
    assert clients["operator"].get(path).status_code == (404 if "{job}" in part else 200)


def test_asking_for_a_part_is_no_activity_that_keeps_a_session(clients):
    from django.test import RequestFactory

    from accounts.middleware import _is_activity

    assert not _is_activity(RequestFactory().get("/app/api/parts/dashboard"))
    assert _is_activity(RequestFactory().get("/app/"))


def test_a_session_is_told_with_its_token_and_whose_it_is(clients):
    told = clients["viewer"].get("/app/session").json()
    assert told["csrf_token"]
    assert told["person"]
    assert Client().get("/app/session").status_code == 401


def test_links_stand_below_a_prefix(clients, jobs):
    from django.urls import set_script_prefix

    set_script_prefix("/dev/")  # as the server does for a request that came below it
    try:
        page = clients["operator"].get("/app/").content.decode()
    finally:
        set_script_prefix("/")
    assert '<meta name="base" content="/dev/app/">' in page
    assert 'href="/app/' not in page
