"""The pages of saved sources: who may use them tries them, who may manage them writes them. No secret is shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.shortcuts import render

from accounts.roles import Action, may
from ingestion import connections as saved
from ingestion.web.access import page

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from ingestion.models import Connection

KINDS = {"http": "HTTP", "ftp": "FTP or FTPS", "sftp": "SFTP", "tcp": "TCP"}
_COMMON = {"type", "protocol"}
# What the form has a field of its own for, by kind; everything else is shown as JSON.
FIELDS: dict[str, frozenset[str]] = {
    "http": frozenset({"url"}),
    "ftp": frozenset({"host", "port", "tls", "username", "path"}),
    "sftp": frozenset({"host", "port", "username", "host_key", "path"}),
    "tcp": frozenset({"host", "port", "tls"}),
}


@page(Action.USE_CONNECTIONS)
def connections(request: HttpRequest) -> HttpResponse:
    """List the saved sources."""
    found = [{"connection": one, "kind": KINDS[_kind(one)], "place": _place(one)} for one in saved.all_connections()]
    return render(request, "web/connections.html", {"found": found, "can_manage": _can_manage(request)})


@page(Action.MANAGE_CONNECTIONS)
def new_connection(request: HttpRequest) -> HttpResponse:
    """Ask for a new one."""
    return render(request, "web/connection.html", {"kinds": KINDS, "kind": "http"})


@page(Action.MANAGE_CONNECTIONS)
def connection(request: HttpRequest, name: str) -> HttpResponse:
    """Show one to be changed, tried or removed."""
    try:
        found = saved.get(name)
    except saved.ConnectionMissing as error:
        raise Http404 from error
    return render(request, "web/connection.html", {"kinds": KINDS, "connection": found, **_form(found)})


def _form(one: Connection) -> dict[str, Any]:
    """Return what the form shows of a saved source: the fields it has, and the rest as JSON."""
    kind = _kind(one)
    spec: dict[str, Any] = one.spec
    own = FIELDS[kind]
    if kind == "tcp" and not isinstance(spec.get("tls", False), bool):
        own -= {"tls"}
    rest = {name: value for name, value in spec.items() if name not in own | _COMMON}
    return {
        "kind": kind,
        "given": {name: spec[name] for name in own if name in spec},
        "rest": json.dumps(rest, indent=2, ensure_ascii=False) if rest else "",
    }


def _kind(one: Connection) -> str:
    kind = str(one.spec.get("protocol") or one.spec.get("type"))
    return kind if kind in KINDS else str(one.spec["type"])


def _place(one: Connection) -> str:
    spec: dict[str, Any] = one.spec
    host = ":".join(str(spec[part]) for part in ("host", "port") if part in spec)
    return str(spec.get("url") or f"{host}{spec.get('path', '')}")


def _can_manage(request: HttpRequest) -> bool:
    return may(request.user, Action.MANAGE_CONNECTIONS)
