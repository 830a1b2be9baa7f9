"""The Lambda entry point fed with API Gateway's REST events, through Zappa's handler as on AWS."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import json, sys, types
from databridge.lambda_entry import handler
context = types.SimpleNamespace(aws_request_id="1", function_name="f", memory_limit_in_mb=1024)
def answer(event):
    try:
        return handler(event, context)
    except Exception as error:
        return {"raised": type(error).__name__, "text": str(error)}
print(json.dumps([answer(event) for event in json.load(sys.stdin)], default=str))
"""
EXECUTE_API = "abc123.execute-api.eu-west-1.amazonaws.com"
CHUNK = bytes(range(256)) * (4 * 1024**2 // 256)  # the largest body that the product sends in one request


def event(method: str, path: str, headers: dict | None = None, body: str | None = None) -> dict:
    """A REST (v1) proxy event in the shape that AWS documents."""
    headers = {"Host": "localhost", "X-Forwarded-Proto": "https", **(headers or {})}
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [text] for name, text in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "requestContext": {"stage": "dev", "identity": {"sourceIp": "203.0.113.7"}, "path": path},
        "body": body,
        "isBase64Encoded": False,
    }


def _with_query(request: dict, **query: list[str]) -> dict:
    """The request with a query string, as the gateway gives it: the last value of each, and all of them."""
    last = {name: texts[-1] for name, texts in query.items()}
    return request | {"queryStringParameters": last, "multiValueQueryStringParameters": query}


def _binary(token: str) -> dict:
    """A binary body of the largest size, encoded as the gateway encodes it, with the authorizer's claims beside it."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    request = event("POST", "/ingest", headers, base64.b64encode(CHUNK).decode())
    request["isBase64Encoded"] = True
    request["requestContext"]["authorizer"] = {"claims": {"cognito:groups": "Admin", "sub": "someone else"}}
    return _with_query(request, dataset=["contract_of_events"], filename=["chunk.bin"])


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """A folder with the settings that Zappa writes into the image."""
    folder = tmp_path_factory.mktemp("package")
    shutil.copy(ROOT / "zappa_settings.json", folder)
    zappa = Path(sys.executable).with_name("zappa")
    subprocess.run(
        [str(zappa), "save-python-settings-file", "dev_web"], cwd=folder, check=True, capture_output=True, timeout=60
    )
    return folder


def answered(package: Path, events: dict[str, dict], **environment: str) -> dict[str, dict]:
    """The answers to some events, given by one process as cold as a new Lambda instance."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(list(events.values())),
        env={
            **os.environ,
            "PYTHONPATH": f"{package}:{ROOT}",
            "DATABRIDGE_HOSTS": f"localhost,{EXECUTE_API}",
            **environment,
        },
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(zip(events, json.loads(done.stdout.splitlines()[-1]), strict=True))


@pytest.fixture(scope="module")
def answers(stack, tokens, package):
    """The answers of one new instance to events of every kind."""
    events = {
        "sign-in page": event("GET", "/app/sign-in"),
        "no token": event("GET", "/jobs"),
        "wrong password": event(
            "POST", "/token", {"Content-Type": "application/json"}, '{"username": "x@y.example", "password": "z"}'
        ),
        "style": event("GET", "/static/css/app.css"),
        "binary": _binary(tokens["Operator"]),
        "claims without a token": {
            **event("GET", "/jobs"),
            "requestContext": {"stage": "dev", "authorizer": {"claims": {"cognito:groups": "Admin"}}},
        },
        "query twice": _with_query(
            event("GET", "/jobs", {"Authorization": f"Bearer {tokens['Admin']}"}), status=["FAILED", "SUCCESS"]
        ),
        "execute-api host": event("GET", "/app/sign-in", {"Host": EXECUTE_API}),
        "a path like the stage": event("GET", "/devices", {"Host": EXECUTE_API}),
        "another stage": {
            **event("GET", "/app/sign-in", {"Host": EXECUTE_API}),
            "requestContext": {"stage": "prod", "identity": {"sourceIp": "203.0.113.7"}},
        },
        "sweep": {"command": "ingestion.tasks.sweep"},
        "task": {
            "command": "zappa.asynchronous.route_lambda_task",
            "task_path": "ingestion.tasks.run_job",
            "args": ["01a20000-0000-7000-8000-00000000dead"],
            "kwargs": {},
        },
        "another task": {
            "command": "zappa.asynchronous.route_lambda_task",
            "task_path": "os.system",
            "args": ["true"],
            "kwargs": {},
        },
        "raw command": {"raw_command": "print('executed')"},
        "any command": {"command": "os.getcwd"},
        "manage": {"manage": "flush --noinput"},
        "an object was made": {
            "version": "0",
            "id": "17793124-05d4-b198-2fde-7ededc63b103",
            "detail-type": "Object Created",
            "source": "aws.s3",
            "detail": {"bucket": {"name": "databridge-erp-dev"}, "object": {"key": "raw/x"}},
        },
        "a queue's message": {"Records": [{"eventSource": "aws:sqs", "body": "x"}]},
        "nothing": {},
    }
    return answered(package, events)


def header(answer: dict, name: str) -> list[str]:
    many = answer["multiValueHeaders"]
    return [text for key, texts in many.items() if key.lower() == name.lower() for text in texts]


def test_a_page_is_served_with_each_cookie_once(answers):
    page = answers["sign-in page"]
    assert page["statusCode"] == 200
    assert "Sign in" in page["body"]
    assert len(header(page, "Set-Cookie")) == 1
    assert "default-src 'self'" in header(page, "Content-Security-Policy")[0]


def test_the_api_refuses_as_problem_json(answers):
    assert answers["no token"]["statusCode"] == 401
    assert header(answers["no token"], "Content-Type") == ["application/problem+json"]
    assert json.loads(answers["wrong password"]["body"])["code"] == "SIGN_IN_REFUSED"


def test_styles_come_from_the_same_function(answers):
    assert answers["style"]["statusCode"] == 200
    assert header(answers["style"], "Content-Type")[0].startswith("text/css")


def test_a_binary_body_of_the_largest_size_arrives_unaltered(answers, api, ended):
    assert answers["binary"]["statusCode"] == 202, answers["binary"]
    job = ended(json.loads(answers["binary"]["body"])["job_id"])
    assert job["sha256"] == hashlib.sha256(CHUNK).hexdigest()


def test_the_gateways_claims_alone_open_nothing(answers):
    assert answers["claims without a token"]["statusCode"] == 401


def test_the_token_decides_who_it_is_not_the_claims_beside_it(answers, api):
    job_id = json.loads(answers["binary"]["body"])["job_id"]
    with api("Admin") as admin:
        assert admin.get(f"/jobs/{job_id}").json()["user_email"] == "operator@databridge.example"


def test_a_parameter_given_twice_is_not_lost_in_the_event(answers):
    assert answers["query twice"]["statusCode"] == 200
    assert {job["status"] for job in json.loads(answers["query twice"]["body"])["jobs"]} <= {"SUCCESS"}


@pytest.mark.parametrize("name", ["execute-api host", "another stage"])
def test_the_stage_before_the_path_is_taken_off_whatever_the_stage(answers, name):
    assert answers[name]["statusCode"] == 200


def test_a_path_that_begins_like_the_stage_is_left_whole(answers):
    page = answers["a path like the stage"]
    assert page["statusCode"] == 404
    assert "/ices" not in page["body"]


def test_pages_link_below_the_stage_on_the_gateways_own_host(stack, package):
    at = {"Host": EXECUTE_API}
    pages = answered(
        package,
        {"sign-in": event("GET", "/app/sign-in", at), "home": event("GET", "/", at), "app": event("GET", "/app/", at)}
        | {"style": event("GET", "/static/css/app.css", at)},
        DATABRIDGE_PREFIX="/dev",
    )
    links = re.findall(r'(?:href|src|action)="(/[^"]*)"', pages["sign-in"]["body"])
    assert len(links) > 2
    assert [link for link in links if not link.startswith("/dev/")] == []
    assert header(pages["home"], "Location") == ["/dev/app/"]
    assert header(pages["app"], "Location") == ["/dev/app/sign-in?next=%2Fdev%2Fapp%2F"]
    assert pages["style"]["statusCode"] == 200


def test_the_schedule_and_asynchronous_tasks_reach_their_functions(answers):
    assert set(answers["sweep"]) == {"sent", "taken_back", "ended", "uploads"}
    assert answers["task"]["raised"] == "JobMissing"  # the task itself says so: Lambda's retries and its queue know


@pytest.mark.parametrize(
    "name",
    ["another task", "raw command", "any command", "manage", "an object was made", "a queue's message", "nothing"],
)
def test_what_is_neither_a_request_nor_a_task_of_ours_is_refused_loudly(answers, name):
    """Raised, so that Lambda tries it again and then keeps it: it is never lost, and never executed."""
    assert answers[name]["raised"] == "EventRefused"
