"""The dashboard: what needs attention, the figures and their course, how fresh each dataset is, the latest jobs.

It costs a fixed number of DynamoDB requests, however many jobs, days and datasets there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.shortcuts import render

from accounts.roles import Action
from ingestion import datasets as known_datasets
from ingestion import queries
from ingestion.templatetags.show import grouped, share, size, span
from ingestion.web.access import own_only, page, part
from ingestion.web.charts import Point, bars

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.http import HttpRequest, HttpResponse

    from ingestion.models import Job

RECENT, ATTENTION, DATASETS = 8, 5, 200
FRESHEST = 8
WINDOWS = {"24h": "24 hours", "7d": "7 days", "30d": "30 days"}
ORDER = ("RUNNING", "PENDING", "SUCCESS", "FAILED", "CANCELLED")
_NO_FAULT = {"ALREADY_LOADED"}  # the file is in the dataset, which is what was wanted


@page(Action.SEE_JOBS)
def dashboard(request: HttpRequest) -> HttpResponse:
    """Show the page."""
    return render(request, "web/dashboard.html", _facts(request))


@part(Action.SEE_JOBS)
def dashboard_part(request: HttpRequest) -> HttpResponse:
    """Show what of the page changes by itself."""
    return render(request, "web/_dashboard.html", _facts(request))


def _facts(request: HttpRequest) -> dict[str, Any]:
    chosen = request.GET.get("window", "7d")
    chosen = chosen if chosen in WINDOWS else "7d"
    recent, failed = _jobs(own_only(request))
    open_rejects = queries.with_open_rejects(own_only(request), ATTENTION)
    trends = queries.trends()
    datasets = known_datasets.all_datasets(DATASETS)
    datasets.sort(key=lambda dataset: str(dataset.last_loaded_at or ""), reverse=True)
    return {
        "by_status": [(name, trends.by_status[name]) for name in ORDER],
        "is_empty": not any(trends.by_status.values()),
        "is_open": bool(trends.by_status["RUNNING"] or trends.by_status["PENDING"]),
        "windows": WINDOWS,
        "window": chosen,
        "figures": _figures(trends.windows[chosen]),
        "failed": failed[:ATTENTION],
        "open_rejects": open_rejects,
        "unsettled": known_datasets.unsettled(ATTENTION),
        "waiting": _waiting(recent, own_only(request))[:ATTENTION] if trends.by_status["PENDING"] else [],
        "recent": recent[:RECENT],
        "datasets": datasets[:FRESHEST],
        "more_datasets": len(datasets) > FRESHEST,
    }


def _jobs(own: str | None) -> tuple[list[Job], list[Job]]:
    """Return the latest jobs, and those among the latest that failed and that somebody should look at."""
    recent = queries.list_jobs(user_id=own, limit=50).jobs
    failed = (
        queries.list_jobs(status="FAILED", limit=20).jobs
        if own is None
        else [job for job in recent if job.status == "FAILED"]
    )
    return recent, [job for job in failed if (job.error or {}).get("code") not in _NO_FAULT]


def _waiting(recent: Sequence[Job], own: str | None) -> list[Job]:
    """Return the jobs that wait for an Admin's approval, as far as somebody sees them."""
    found = recent if own is not None else queries.list_jobs(status="PENDING", limit=50).jobs
    return [job for job in found if job.status == "PENDING" and job.approval]


def _figures(window: queries.Window) -> list[dict[str, Any]]:
    """Return one card a figure: its name, its value, and its course."""
    steps = window.steps

    def course(value: Callable[[Any], float], words: Callable[[float], str]) -> list[Point]:
        return [Point(label=step["label"], value=value(step), words=words(value(step))) for step in steps]

    ended = [
        Point(
            label=step["label"],
            value=step["success"] + step["failed"],
            bad=step["failed"],
            words=f"{step['success']} loaded, {step['failed']} failed",
        )
        for step in steps
    ]
    cards: Sequence[tuple[str, str, list[Point]]] = (
        ("Success rate", share(window.success_rate), ended),
        (
            "Average time per job",
            span(window.average_seconds),
            course(lambda step: step["seconds"] / step["success"] if step["success"] else 0, span),
        ),
        ("Rows loaded", grouped(window.total["rows"]), course(lambda step: step["rows"], grouped)),
        ("Bytes read", size(window.total["bytes_in"]), course(lambda step: step["bytes_in"], size)),
    )
    return [{"name": name, "value": value, "bars": bars(points)} for name, value, points in cards]
