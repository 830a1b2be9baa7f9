"""Headers and cookies on every answer, and Django's own check of production settings."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import httpx
import pytest

from tests.api.test_access_table import ROUTES
from tests.conftest import ROOT

JOB = "01a20000-0000-7000-8000-000000000000"
ADDRESSES = sorted({"/" + re.sub(r"<[^>]*>", JOB, route) for route, _ in ROUTES} | {"/nowhere", "/static/css/app.css"})
PRODUCTION = {
    "DATABRIDGE_STAGE": "prod",
    "DATABRIDGE_SECRET_KEY": "x" * 25 + "0123456789-abcdefghij-klmno",
    "DATABRIDGE_HOSTS": "erp.example.com",
}


@pytest.mark.parametrize("role", ["Admin", None])
def test_every_answer_has_the_security_headers(live, tokens, role):
    headers = {"Authorization": f"Bearer {tokens[role]}"} if role else {}
    wrong = []
    with httpx.Client(base_url=live, headers=headers, timeout=60) as client:
        for address in ADDRESSES:
            told = client.get(address).headers
            policy = told.get("content-security-policy", "")
            held = (
                "default-src 'self'" in policy
                and "unsafe" not in policy
                and "frame-ancestors 'none'" in policy
                and told.get("x-frame-options") == "DENY"
                and told.get("x-content-type-options") == "nosniff"
                and told.get("referrer-policy") == "same-origin"
                and "camera=()" in told.get("permissions-policy", "")
                and told.get("cross-origin-opener-policy") == "same-origin"
            )
            if not held:
                wrong.append(f"{address}: {dict(told)}")
    assert wrong == []


def test_pages_are_not_kept_by_caches(live):
    assert httpx.get(f"{live}/app/sign-in").headers["cache-control"] == "no-store"


def test_a_sign_in_changes_the_sessions_key(live):
    from databridge.local.provision import DEMO_PASSWORD

    with httpx.Client(base_url=live) as client:
        page = client.get("/app/sign-in")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        client.cookies.set("databridge_session", "chosen-by-somebody-else", domain="127.0.0.1")
        form = {"email": "viewer@databridge.example", "password": DEMO_PASSWORD, "csrfmiddlewaretoken": token}
        answer = client.post("/app/sign-in", data=form, headers={"Referer": f"{live}/app/sign-in"})
        assert answer.status_code == 302
        given = [cookie for cookie in answer.headers.get_list("set-cookie") if cookie.startswith("databridge_session=")]
        assert len(given) == 1
        assert "chosen-by-somebody-else" not in given[0]
        assert {"httponly", "samesite=lax", "path=/"} <= {part.strip().lower() for part in given[0].split(";")}


def _in_production(*command: str) -> subprocess.CompletedProcess[str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("DATABRIDGE_")}
    sqlite = {"DATABRIDGE_SQLITE": str(ROOT / ".local" / "django.sqlite3")}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env={**kept, **PRODUCTION, **sqlite}, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip


def test_djangos_check_of_a_deployment_is_silent():
    done = _in_production("manage.py", "check", "--deploy", "--fail-level", "INFO")
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


def test_cookies_in_production_are_for_this_host_over_tls_alone():
    told = (
        "import django; django.setup(); from django.conf import settings as s\n"
        "for n in ('SESSION', 'CSRF'): print(*[getattr(s, f'{n}_COOKIE_{k}')"
        " for k in ('NAME', 'SECURE', 'HTTPONLY', 'SAMESITE', 'PATH', 'DOMAIN')])\n"
        "print(s.SECURE_HSTS_SECONDS, s.SECURE_SSL_REDIRECT)"
    )
    done = _in_production("-c", "import os; os.environ['DJANGO_SETTINGS_MODULE']='databridge.settings'\n" + told)
    assert done.stdout.splitlines() == [
        "__Host-databridge_session True True Lax / None",
        "__Host-databridge_csrf True True Lax / None",
        "31536000 True",
    ], done.stderr
