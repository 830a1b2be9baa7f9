"""Sees to it that no request of a person that changes something, or is refused, is missing in the audit log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from accounts import audit
from accounts.origin import actor_of
from ingestion.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse
    from django.urls import ResolverMatch

SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
# What a refusal for lack of rights is answered with; noted for reading too.
FORBIDDEN = 403
logger = logging.getLogger(__name__)


class AuditTrail:
    """Notes what the view did not: refusals before it or by it, and changes that nobody gave a row."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next step."""
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, and note what is missing. The answer is given even when the note cannot be written."""
        audit.begin_request()
        response = self._next(request)
        match = request.resolver_match
        if match and not audit.was_noted() and (request.method not in SAFE or response.status_code == FORBIDDEN):
            try:
                _note(request, response, _action(request, match))
            except StoreUnavailable:
                logger.exception("a request is missing in the audit log", extra={"path": request.path})
        return response


def _note(request: HttpRequest, response: HttpResponse, action: str) -> None:
    status = response.status_code
    outcome = audit.DONE if status < 400 else audit.REFUSED if status < 500 else audit.FAILED
    body = getattr(response, "data", None)
    code = body.get("code", "") if isinstance(body, dict) else ""
    audit.note(actor_of(request), action, request.path, outcome, code=code or f"HTTP_{status}")


def _action(request: HttpRequest, match: ResolverMatch) -> str:
    """Name the action as the role table does where a view says it, else by the route."""
    view = getattr(match.func, "cls", None)
    action = getattr(view, "actions", {}).get(request.method) or getattr(match.func, "action", None)
    return str(action or match.view_name or match.route).replace("_", " ")
