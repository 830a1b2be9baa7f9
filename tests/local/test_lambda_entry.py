"""The Lambda entry point fed with API Gateway's REST events, through Zappa's handler as on AWS."""

from __future__ import annotations

import json
import os
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
print(json.dumps([handler(event, context) for event in json.load(sys.stdin)]))
"""


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


@pytest.fixture(scope="module")
def answers(stack, tmp_path_factory):
    """The answers to some events, given by one process as cold as a new Lambda instance."""
    folder = tmp_path_factory.mktemp("package")
    shutil.copy(ROOT / "zappa_settings.json", folder)
    zappa = Path(sys.executable).with_name("zappa")
    subprocess.run(
        [str(zappa), "save-python-settings-file", "dev_web"], cwd=folder, check=True, capture_output=True, timeout=60
    )
    events = {
        "sign-in page": event("GET", "/app/sign-in"),
        "no token": event("GET", "/jobs"),
        "wrong password": event(
            "POST", "/token", {"Content-Type": "application/json"}, '{"username": "x@y.example", "password": "z"}'
        ),
        "style": event("GET", "/static/css/app.css"),
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(list(events.values())),
        env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT}", "DATABRIDGE_HOSTS": "localhost"},
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(zip(events, json.loads(done.stdout.splitlines()[-1]), strict=True))


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
