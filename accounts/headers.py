"""Security headers on every answer: nothing from other hosts, no inline script or style, no framing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityHeaders:
    """Adds what Django's own middleware does not set."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next step."""
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the headers; pages of signed-in people are not kept by caches."""
        response = self._next(request)
        for name, value in HEADERS.items():
            response.setdefault(name, value)
        if request.path_info.startswith(("/app/", "/admin/")):
            response.setdefault("Cache-Control", "no-store")
        return response
