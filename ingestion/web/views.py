"""The pages of lists and forms: they ask one query and render; what changes meanwhile is fetched by their script."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import Http404, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.models import signed_in
from accounts.roles import Action, OpenTo, may, open_to
from accounts.signin import to_sign_in
from ingestion import connections, contracts, lake, looking, queries
from ingestion import datasets as known_datasets
from ingestion.conversion.checks import rules
from ingestion.conversion.contract import policies
from ingestion.errors import BadRequest, ContractMissing
from ingestion.web.access import own_only, page, part
from ingestion.web.dashboard import ORDER
from ingestion.web.job import SHOWN_ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.http import HttpRequest, HttpResponse

SOURCES = ("upload", "api", "http", "ftp", "tcp")
PAGE_JOBS = 50
EDITED_COLUMNS = 120  # a page stays below 100 KB
TYPES = ("string", "int64", "decimal128(18, 2)", "date32", "timestamp[us]", "bool", "double")
_FILTERS = {"status": ORDER, "source": SOURCES}


@page(Action.SEE_JOBS)
def jobs(request: HttpRequest) -> HttpResponse:
    """List jobs, newest first, narrowed by status."""
    try:
        return render(request, "web/jobs.html", _jobs(request))
    except BadRequest:  # a cursor of another list
        return redirect("jobs_page")


@part(Action.SEE_JOBS)
def jobs_part(request: HttpRequest) -> HttpResponse:
    """Show the rows of the list as they are now."""
    return render(request, "web/_job_list.html", _jobs(request))


def _jobs(request: HttpRequest) -> dict[str, Any]:
    asked = {"q": request.GET.get("q", "").strip()[:200]}
    asked |= {name: _one_of(request.GET.get(name, ""), known) for name, known in _FILTERS.items()}
    found = queries.list_jobs(
        user_id=own_only(request),
        status=asked["status"],
        source=asked["source"],
        text=asked["q"],
        limit=PAGE_JOBS,
        cursor=request.GET.get("cursor", ""),
    )
    again = {"FAILED", "CANCELLED"}
    narrowed = {name: value for name, value in asked.items() if value}
    return {
        **asked,
        "jobs": found.jobs,
        "choosable": {
            job.job_id
            for job in found.jobs
            if job.status in again and may(request.user, Action.CHANGE_JOBS, job.user_id)
        },
        "next_cursor": found.next_cursor,
        "statuses": ORDER,
        "sources": SOURCES,
        "is_narrowed": bool(narrowed),
        "is_searched": bool(asked["q"]),
        "narrowed_query": urlencode(narrowed),
        "query": request.GET.urlencode(),
        "next_query": urlencode({**narrowed, "cursor": found.next_cursor}),
    }


def _one_of(given: str, known: tuple[str, ...]) -> str:
    return given if given in known else ""


@page(Action.CREATE_JOBS)
def new(request: HttpRequest) -> HttpResponse:
    """Offer the forms for each kind of source."""
    saved = connections.all_connections() if may(request.user, Action.USE_CONNECTIONS) else []
    facts = {"datasets": known_datasets.all_datasets(), "connections": saved, "head_bytes": looking.HEAD_BYTES}
    return render(request, "web/new.html", facts)


@page(Action.SEE_DATASETS)
def datasets(request: HttpRequest) -> HttpResponse:
    """List the datasets with their latest load."""
    return render(request, "web/datasets.html", {"datasets": known_datasets.all_datasets()})


@page(Action.SEE_DATASETS)
def dataset(request: HttpRequest, name: str) -> HttpResponse:
    """Show a dataset's columns, its loads, and rows of the latest load that this person may see."""
    found = known_datasets.get(name)
    if found is None:
        raise Http404
    loads = queries.list_jobs(user_id=own_only(request), dataset=name, limit=20).jobs
    shown = next((job for job in loads if job.status == "SUCCESS" and job.output_path), None)
    preview = (lake.get_json(lake.about_key(shown.job_id, "preview.json")) if shown else None) or {}
    report = (lake.get_json(lake.about_key(shown.job_id, "report.json")) if shown else None) or {}
    facts = {
        "dataset": found,
        "jobs": loads,
        "shown": shown,
        "columns": preview.get("columns", []),
        "rows": preview.get("rows", [])[:SHOWN_ROWS],
        "rules": {column["name"]: column for column in report.get("columns", [])},
        **_contract(request, name),
    }
    return render(request, "web/dataset.html", facts)


def _contract(request: HttpRequest, name: str) -> dict[str, Any]:
    """Return a dataset's contract and its history, and what an Admin may choose."""
    try:
        contract = contracts.get(name)
    except ContractMissing:
        return {}
    return {
        "contract": contract,
        "versions": contracts.versions(name),
        "can_change": may(request.user, Action.CHANGE_CONTRACTS),
        "presets": policies.PRESETS,
        "shares": policies.SHARES,
        "kinds": policies.KINDS,
        "outcomes": policies.OUTCOMES,
        "agreed_rules": [
            {"name": rule.name, "severity": rule.severity, "json": json.dumps(rule.as_dict(), ensure_ascii=False)}
            for rule in rules.rules_of(contract.body.get("rules"))
        ],
        "rule_kinds": rules.kinds(),
        "agreed": _agreed(contract.body["columns"]),
        "is_wide": len(contract.body["columns"]) > EDITED_COLUMNS,
        "types": TYPES,
    }


def _agreed(columns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the columns of a contract as its form shows them."""
    return [
        {
            **column,
            "type": column["type"] if isinstance(column["type"], str) else next(iter(column["type"])),
            "aliases": "; ".join(column.get("aliases", ())),
            "is_listable": all(name.strip() == name != "" and ";" not in name for name in column.get("aliases", ())),
        }
        for column in columns
    ]


@open_to(OpenTo.SIGNED_IN)
@never_cache
@require_GET
def session(request: HttpRequest) -> HttpResponse:
    """Tell a page whose session had ended whether there is one again, whose it is, and its CSRF token."""
    if not request.user.is_authenticated:
        return JsonResponse({"detail": "There is no session."}, status=401)
    return JsonResponse({"csrf_token": get_token(request), "person": signed_in(request).sub})


@open_to(OpenTo.SIGNED_IN)
@require_GET
def signed_in_again(request: HttpRequest) -> HttpResponse:
    """Close the window in which somebody has signed in again."""
    if not request.user.is_authenticated:
        return to_sign_in(request)
    return render(request, "web/signed_in.html")
