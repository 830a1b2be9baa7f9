"""Who may do what, for every address that the app has: a route without a rule fails here."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import product

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver

from accounts import audit
from accounts.roles import Action, OpenTo, Role, Scope, scope
from databridge.resources import guarded
from ingestion.api.urls import routes

JOB = "01a20000-0000-7000-8000-000000000000"
ACTORS = ("Admin", "Operator", "Viewer", None)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def _routes(patterns=None, prefix=""):
    """Yield every address with its view, as the URL configuration has them."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route, pattern.callback
        else:
            yield from _routes(pattern.url_patterns, route)


def _rule(view, method: str) -> Action | OpenTo | None:
    """Return what the view declares for a method: an action of the role table, or whom it is open to."""
    api = getattr(view, "cls", None)
    declared = getattr(api, "actions", {}).get(method)
    return declared or getattr(view, "action", None) or getattr(view, "open_to", None) or getattr(api, "open_to", None)


def _methods(view) -> list[str]:
    api = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if api is not None:
        return [method for method in METHODS if hasattr(api, method.lower())]
    return ["GET", "POST"]


ROUTES = list(_routes())
CELLS = [(actor, method, route) for route, view in ROUTES for method, actor in product(_methods(view), ACTORS)]


def test_every_route_has_a_rule():
    lacking = [
        f"{method} {route}" for route, view in ROUTES for method in _methods(view) if _rule(view, method) is None
    ]
    assert lacking == []


def test_the_gateway_asks_for_a_token_at_every_endpoint_and_before_no_page():
    endpoints = {str(one.pattern): one.callback for one in routes()}
    unguarded = [
        f"{method} {route}"
        for route, view in endpoints.items()
        for method in _methods(view)
        if guarded(method, _address(route)) != "id" or guarded(method, f"/machine{_address(route)}") != "access"
    ]
    assert unguarded == []
    pages = [route for route, _ in ROUTES if route.removeprefix("machine/") not in endpoints]
    assert [route for route in pages if guarded("GET", _address(route)) or guarded("POST", _address(route))] == []


def test_there_are_enough_cells_to_mean_something():
    assert len(CELLS) >= 150


@pytest.fixture(scope="module")
def cookies(live):
    """A session of each role, made by signing in."""
    from databridge.local.provision import DEMO_PASSWORD

    made = {}
    for role in Role:
        client = Client()
        answer = client.post(
            "/app/sign-in", {"email": f"{role.value.lower()}@databridge.example", "password": DEMO_PASSWORD}
        )
        assert answer.status_code == 302
        made[role.value] = client.cookies
    return made


def _address(route: str) -> str:
    import re

    return "/" + re.sub(r"<[^>]*>", JOB, route)


def _allowed(rule: Action | OpenTo, actor: str | None) -> bool:
    if rule is OpenTo.EVERYBODY:
        return True
    if actor is None:
        return False
    return rule is OpenTo.SIGNED_IN or scope(Role(actor), rule) is not Scope.NONE


@pytest.mark.parametrize("actor", ACTORS)
def test_the_table_holds_at_every_address(live, tokens, cookies, actor):
    wrong = []
    for who, method, route in CELLS:
        view = dict(ROUTES)[route]
        if who != actor or "sign-out" in route:  # signing out would end the session that the others need
            continue
        client = Client()
        headers = {}
        if actor and route.startswith(("app/", "admin/")):
            client.cookies.load({name: morsel.value for name, morsel in cookies[actor].items()})
        elif actor:
            headers["Authorization"] = f"Bearer {tokens[actor]}"
        answer = client.generic(method, _address(route), data="{}", content_type="application/json", headers=headers)
        if answer.status_code == 405:  # a page's address takes no such method, from nobody
            continue
        refused = answer.status_code in {401, 403} or "/app/sign-in?next" in answer.headers.get("Location", "")
        if refused is _allowed(_rule(view, method), actor):
            wrong.append(f"{actor} {method} {route}: {answer.status_code} {answer.headers.get('Location', '')}")
    assert wrong == []


@pytest.mark.parametrize("actor", ["Operator", "Viewer"])
def test_every_attempt_to_change_something_is_in_the_audit_log(live, tokens, cookies, actor):
    """Granted, refused or impossible: one row a request, with who, what, on what, the outcome and the door."""
    email, began = f"{actor.lower()}@databridge.example", datetime.now(UTC)
    asked = Counter[str]()
    for who, method, route in CELLS:
        if who != actor or method == "GET" or "sign-out" in route or route in {"", "token", "app/sign-in"}:
            continue
        client = Client()
        headers = {}
        if route.startswith(("app/", "admin/")):
            client.cookies.load({name: morsel.value for name, morsel in cookies[actor].items()})
        else:
            headers["Authorization"] = f"Bearer {tokens[actor]}"
        client.generic(method, _address(route), data="{}", content_type="application/json", headers=headers)
        asked["page" if route.startswith("app/") else "admin" if route.startswith("admin/") else "api"] += 1
    rows = [entry for entry in audit.entries(about=email, limit=1000).entries if entry.at >= began]
    assert all(entry.action and entry.object and entry.role == actor for entry in rows)
    noted = Counter(entry.door for entry in rows)
    assert {door: noted[door] >= count for door, count in asked.items()} == {"page": True, "admin": True, "api": True}
