"""Every error of the API as ``application/problem+json`` (RFC 9457) with a stable ``code`` and a ``hint``."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from ingestion.errors import DataBridgeError, Place

logger = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"

# DRF's own refusals: what we call them, and what the caller can do.
_DRF: dict[type[Exception], tuple[str, str]] = {
    exceptions.NotAuthenticated: ("NOT_AUTHENTICATED", "Send the header Authorization: Bearer <token>."),
    exceptions.AuthenticationFailed: ("TOKEN_INVALID", "Sign in again and send the new token."),
    exceptions.PermissionDenied: ("FORBIDDEN", "Ask an Admin for a role that may do this."),
    exceptions.MethodNotAllowed: ("METHOD_NOT_ALLOWED", "See the API's description at /api/schema/."),
    exceptions.UnsupportedMediaType: ("UNSUPPORTED_MEDIA_TYPE", "See the API's description at /api/schema/."),
    exceptions.NotAcceptable: ("NOT_ACCEPTABLE", "Ask for application/json."),
    exceptions.ParseError: ("BAD_REQUEST", "Send a body that matches its Content-Type."),
    exceptions.ValidationError: ("BAD_REQUEST", "Correct the fields named."),
    exceptions.Throttled: ("TOO_MANY_REQUESTS", "Wait, then try again."),
    exceptions.NotFound: ("NOT_FOUND", "Check the address."),
}


def problem_body(status: int, code: str, detail: str, *, hint: str = "", place: Place | None = None) -> dict[str, Any]:
    """Return the document of one problem; ``place`` only where something is known of it."""
    body: dict[str, Any] = {
        "type": f"about:blank#{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        "hint": hint,
    }
    if place and place.as_dict():
        body["place"] = place.as_dict()
    return body


def problem(error: Exception, _context: dict[str, Any]) -> Response:
    """Answer any error of a view (DRF's exception handler); what nobody foresaw is logged, and a 500."""
    set_rollback()
    if isinstance(error, DataBridgeError):
        return _answer(
            error.http_status,
            problem_body(error.http_status, error.code, error.what, hint=error.hint, place=error.place),
        )
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, SuspiciousOperation):  # too many files or fields, a name that is none
        error = exceptions.ParseError(str(error))
    if isinstance(error, exceptions.APIException):
        return _answer_drf(error)
    logger.error("request failed", exc_info=error)
    return _answer(
        500,
        problem_body(500, "INTERNAL", "DataBridge itself failed.", hint="Try again; then tell an engineer."),
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:  # noqa: ARG001
    """Answer an unknown address of the API."""
    body = problem_body(404, "NOT_FOUND", f"There is nothing at {request.path}.", hint="See /api/schema/.")
    return JsonResponse(body, status=404, content_type=PROBLEM_JSON)


def _answer_drf(error: exceptions.APIException) -> Response:
    known = next((known for kind, known in _DRF.items() if isinstance(error, kind)), ("BAD_REQUEST", ""))
    code, hint = getattr(error, "problem", None) or known
    response = _answer(error.status_code, problem_body(error.status_code, code, _words(error.detail), hint=hint))
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        response["Retry-After"] = str(int(wait) + 1)
    return response


def _words(detail: Any) -> str:
    """Flatten DRF's nested details to a sentence."""
    if isinstance(detail, dict):
        return " ".join(f"{name}: {_words(told)}" for name, told in detail.items())
    if isinstance(detail, list):
        return " ".join(_words(told) for told in detail)
    return str(detail)


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(body, status=status, content_type=PROBLEM_JSON)
