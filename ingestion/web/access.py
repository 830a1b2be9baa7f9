"""Who gets to see a page, and whose jobs they see there."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from django.http import Http404, JsonResponse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from accounts.models import signed_in
from accounts.refused import refused
from accounts.roles import Action, Scope, may, scope
from accounts.signin import to_sign_in
from ingestion import lifecycle
from ingestion.errors import JobMissing

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from ingestion.models import Job

    View = Callable[..., HttpResponse]


def page(action: Action) -> Callable[[View], View]:
    """Open a page to whom the role table lets do ``action``; ask the others to sign in, or say whom to ask."""
    return _opened(action, to_sign_in, lambda request: refused(request, action))


def part(action: Action) -> Callable[[View], View]:
    """Open a part of a page, which its script asks for again and again: 401 and 403 in place of other pages."""
    return _opened(
        action,
        lambda _: JsonResponse({"detail": "Your session has ended."}, status=401),
        lambda _: JsonResponse({"detail": "Your role does not include this."}, status=403),
    )


def _opened(action: Action, unknown: View, lacking: View) -> Callable[[View], View]:
    def guarded(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return unknown(request)
            if not may(request.user, action):
                return lacking(request)
            return view(request, *args, **kwargs)

        answer.action = action  # type: ignore[attr-defined]  # read by the test that walks all routes
        return ensure_csrf_cookie(require_GET(answer))

    return guarded


def own_only(request: HttpRequest) -> str | None:
    """Return whose jobs somebody sees: their own user's id, or None for everybody's."""
    everybody = scope(signed_in(request).role, Action.SEE_JOBS) is Scope.ALL
    return None if everybody else signed_in(request).sub


def job_or_404(request: HttpRequest, job_id: str) -> Job:
    """Return a job that somebody may see; raises ``Http404``."""
    try:
        found = lifecycle.get(job_id)
    except JobMissing as error:
        raise Http404 from error
    if own_only(request) not in {None, found.user_id}:
        raise Http404
    return found
