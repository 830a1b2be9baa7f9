"""The pages of lists and forms: they ask one query and render; what changes meanwhile is fetched by their script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.models import signed_in
from accounts.roles import Action, OpenTo, may, open_to
from accounts.signin import to_sign_in
from ingestion import connections, looking, queries
from ingestion import datasets as known_datasets
from ingestion.errors import BadRequest
from ingestion.web.access import own_only, page, part
from ingestion.web.dashboard import ORDER

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


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
    status = request.GET.get("status", "")
    status = status if status in ORDER else ""
    found = queries.list_jobs(user_id=own_only(request), status=status, limit=50, cursor=request.GET.get("cursor", ""))
    return {"jobs": found.jobs, "next_cursor": found.next_cursor, "status": status, "statuses": ORDER}


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
    """Show a dataset's columns and its loads."""
    found = known_datasets.get(name)
    if found is None:
        raise Http404
    loads = queries.list_jobs(user_id=own_only(request), dataset=name, limit=20).jobs
    return render(request, "web/dataset.html", {"dataset": found, "jobs": loads})


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
