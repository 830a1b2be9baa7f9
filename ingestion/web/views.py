"""The pages: they ask one query and render; what changes meanwhile is fetched by their script."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from accounts.models import signed_in
from accounts.refused import refused
from accounts.roles import Action, Scope, may, scope
from accounts.signin import to_sign_in
from ingestion import datasets as known_datasets
from ingestion import lake, lifecycle, queries
from ingestion.errors import BadRequest, JobMissing

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

STAGES = ("fetch", "detect", "read", "write", "publish")


def page(action: Action) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Open a page to whom the role table lets do ``action``; ask the others to sign in, or say whom to ask."""

    def guarded(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return to_sign_in(request)
            if not may(request.user, action):
                return refused(request, action)
            return view(request, *args, **kwargs)

        answer.action = action  # type: ignore[attr-defined]  # read by the test that walks all routes
        return ensure_csrf_cookie(require_GET(answer))

    return guarded


@page(Action.SEE_JOBS)
def dashboard(request: HttpRequest) -> HttpResponse:
    """Show what needs attention, the figures of the week and the latest jobs."""
    own = _own_only(request)
    figures = queries.stats(7)
    failed = queries.list_jobs(user_id=own, status="FAILED", limit=5).jobs
    recent = queries.list_jobs(user_id=own, limit=10).jobs
    rate, seconds = figures["success_rate"], figures["average_seconds"]
    return render(
        request,
        "web/dashboard.html",
        {
            "figures": figures,
            "by_status": [(name, figures["by_status"][name]) for name in _ORDER],
            "success_rate": "–" if rate is None else f"{rate:.0%}",
            "average": "–" if seconds is None else f"{seconds:.1f} s",
            "failed": failed,
            "recent": recent,
        },
    )


_ORDER = ("RUNNING", "PENDING", "SUCCESS", "FAILED", "CANCELLED")


@page(Action.SEE_JOBS)
def jobs(request: HttpRequest) -> HttpResponse:
    """List jobs, newest first, narrowed by status."""
    status = request.GET.get("status", "")
    status = status if status in _ORDER else ""
    cursor = request.GET.get("cursor", "")
    try:
        found = queries.list_jobs(user_id=_own_only(request), status=status, limit=50, cursor=cursor)
    except BadRequest:  # a cursor of another list
        return redirect("/app/jobs")
    return render(
        request,
        "web/jobs.html",
        {"jobs": found.jobs, "next_cursor": found.next_cursor, "status": status, "statuses": _ORDER},
    )


@page(Action.SEE_JOBS)
def job(request: HttpRequest, job_id: str) -> HttpResponse:
    """Show one job: where it stands, what came of it, its log."""
    try:
        found = lifecycle.get(job_id)
    except JobMissing as error:
        raise Http404 from error
    if _own_only(request) not in {None, found.user_id}:
        raise Http404
    lines, _ = queries.events(job_id)
    finished = found.status == "SUCCESS"
    return render(
        request,
        "web/job.html",
        {
            "job": found,
            "events": lines,
            "report": lake.get_json(lake.about_key(job_id, "report.json")) if finished else None,
            "preview": lake.get_json(lake.about_key(job_id, "preview.json")) if finished else None,
            "stages": STAGES,
            "can_change": may(request.user, Action.CHANGE_JOBS, found.user_id),
            "can_retry": found.status in {"FAILED", "CANCELLED"},
            "can_cancel": found.status in {"PENDING", "RUNNING"},
        },
    )


@page(Action.CREATE_JOBS)
def new(request: HttpRequest) -> HttpResponse:
    """Offer the forms for each kind of source."""
    return render(request, "web/new.html", {"datasets": known_datasets.all_datasets()})


@page(Action.SEE_DATASETS)
def datasets(request: HttpRequest) -> HttpResponse:
    """List the datasets with their latest load."""
    return render(request, "web/datasets.html", {"datasets": known_datasets.all_datasets()})


@page(Action.SEE_DATASETS)
def dataset(request: HttpRequest, name: str) -> HttpResponse:
    """Show a dataset's columns and its loads."""
    found = known_datasets.get(name)
    if found is None:
        raise Http404
    own = _own_only(request)
    loads = queries.list_jobs(user_id=own, dataset=name, limit=20).jobs
    return render(request, "web/dataset.html", {"dataset": found, "jobs": loads})


def _own_only(request: HttpRequest) -> str | None:
    everybody = scope(signed_in(request).role, Action.SEE_JOBS) is Scope.ALL
    return None if everybody else signed_in(request).sub
