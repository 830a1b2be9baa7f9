"""One job's page: where it stands, what came of it, and what can be done; its log is read by its script."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.shortcuts import render

from accounts.roles import Action, may
from ingestion import lake, lifecycle, queries, setaside
from ingestion.web.access import job_or_404, page, part
from ingestion.web.stages import stages

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from ingestion.models import Job

SHOWN_ROWS = 100
SHOWN_REJECTS = 200


@page(Action.SEE_JOBS)
def job(request: HttpRequest, job_id: str) -> HttpResponse:
    """Show the page."""
    found = job_or_404(request, job_id)
    lines, cursor = queries.events(job_id)
    log = {"events": lines, "next_cursor": cursor, "tail_cursor": queries.tail(job_id, lines, "")}
    return render(request, "web/job.html", _facts(request, found) | log)


@part(Action.SEE_JOBS)
def job_part(request: HttpRequest, job_id: str) -> HttpResponse:
    """Show what of the page changes while the job is under way."""
    return render(request, "web/_job.html", _facts(request, job_or_404(request, job_id)))


def _facts(request: HttpRequest, job: Job) -> dict[str, Any]:
    rejects = _rejects(request, job)
    return {
        "is_open": job.status in {"PENDING", "RUNNING"} or bool(rejects.get("is_loading")),
        "job": job,
        "stages": stages(job),
        **_documents(job),
        **_changes(request, job),
        **rejects,
        **_actions(request, job),
    }


def _changes(request: HttpRequest, job: Job) -> dict[str, Any]:
    """Return in what the file is not as its dataset's contract agrees, where that keeps it out."""
    code = (job.error or {}).get("code")
    if not job.approval and code not in {"SCHEMA_CHANGED", "CHANGE_REFUSED"}:
        return {}
    return {
        "changes": lake.get_json(lake.about_key(job.job_id, "changes.json")),
        "can_decide": bool(job.approval) and not job.cancel_requested and may(request.user, Action.CHANGE_CONTRACTS),
    }


def _documents(job: Job) -> dict[str, Any]:
    """Return what the worker wrote about the job, once it has ended well."""
    if job.status != "SUCCESS" or not job.output_path:
        return {}
    preview = lake.get_json(lake.about_key(job.job_id, "preview.json")) or {"columns": [], "rows": []}
    return {
        "report": lake.get_json(lake.about_key(job.job_id, "report.json")),
        "profile": (lake.get_json(lake.about_key(job.job_id, "profile.json")) or {}).get("columns", []),
        "columns": preview["columns"],
        "rows": preview["rows"][:SHOWN_ROWS],
    }


def _rejects(request: HttpRequest, job: Job) -> dict[str, Any]:
    """Return the rows set aside, one entry a row with its reasons and cells, and what can be done with them."""
    state = setaside.State.of(job)
    if state is None:
        return {}
    shown: dict[int, dict[str, Any]] = {}
    for one in setaside.page_of(job, state, 0, SHOWN_REJECTS):
        row = shown.setdefault(one["row"], one | {"reasons": [], "wrong": [], "cells": json.loads(one["raw"] or "{}")})
        row["reasons"].append(one)
        row["wrong"].append(one["column"])
    # one that has ended well since the job was read has settled its rows too, which the next look shows
    loading = {name for name in state.held if lifecycle.get(name).status not in setaside.ENDED}
    fix = may(request.user, Action.FIX_REJECTS, job.user_id)
    return {
        "set_aside": state,
        "reject_rows": list(shown.values()),
        "is_loading": bool(loading),
        "failed_replays": sorted(state.held.keys() - loading),
        "is_fixable": fix and job.status == "SUCCESS" and bool(state.open),
        "is_acceptable": fix and state.refused and job.status == "FAILED" and not job.replays,
    }


def _actions(request: HttpRequest, job: Job) -> dict[str, Any]:
    """Return what this person can do with the job now."""
    change = may(request.user, Action.CHANGE_JOBS, job.user_id)
    get_files = may(request.user, Action.DOWNLOAD_FILES, job.user_id)
    code = (job.error or {}).get("code")
    return {
        "can_retry": change and job.status in {"FAILED", "CANCELLED"},
        "can_force": change and job.status == "FAILED" and code == "ALREADY_LOADED",
        "can_cancel": change and job.status in {"PENDING", "RUNNING"} and not job.cancel_requested,
        "can_get_raw": get_files and bool(job.raw_path),
        "can_get_parquet": get_files and bool(job.output_path) and job.status == "SUCCESS",
        "can_get_rejects": get_files and bool(job.rejects),
    }
