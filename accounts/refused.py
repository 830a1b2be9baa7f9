"""The page for who is signed in but may not do this: it says whom to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.template.response import TemplateResponse

from accounts import people
from databridge import config
from ingestion.errors import DataBridgeError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def refused(request: HttpRequest, action: Any) -> HttpResponse:
    """Answer 403 with what the role lacks, and the stage's contact or the Admins to ask."""
    return TemplateResponse(request, "web/refused.html", {"action": action, "whom": _whom()}, status=403)


def _whom() -> list[str]:
    if contact := config.current().contact:
        return [contact]
    try:
        return people.admins()
    except DataBridgeError:
        return []
