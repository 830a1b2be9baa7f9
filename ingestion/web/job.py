"""One job's page: where it stands, what came of it, its log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.shortcuts import render

from accounts.roles import Action, may
from ingestion import lake, queries
from ingestion.web.access import job_or_404, page

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

STAGES = ("fetch", "detect", "read", "write", "publish")


@page(Action.SEE_JOBS)
def job(request: HttpRequest, job_id: str) -> HttpResponse:
    """Show the page."""
    return render(request, "web/job.html", _facts(request, job_id))


def _facts(request: HttpRequest, job_id: str) -> dict[str, Any]:
    found = job_or_404(request, job_id)
    lines, _ = queries.events(job_id)
    finished = found.status == "SUCCESS"
    return {
        "job": found,
        "events": lines,
        "report": lake.get_json(lake.about_key(job_id, "report.json")) if finished else None,
        "preview": lake.get_json(lake.about_key(job_id, "preview.json")) if finished else None,
        "stages": STAGES,
        "can_change": may(request.user, Action.CHANGE_JOBS, found.user_id),
        "can_retry": found.status in {"FAILED", "CANCELLED"},
        "can_cancel": found.status in {"PENDING", "RUNNING"},
    }
