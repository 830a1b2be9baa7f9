"""What every page's frame shows: who is signed in, and where they may go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from accounts.roles import Action, may

if TYPE_CHECKING:
    from django.http import HttpRequest


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Return the menu for the signed-in person's role; nothing for somebody who is not."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    entries = [("Dashboard", "/app/", True), ("Jobs", "/app/jobs", True), ("Datasets", "/app/datasets", True)]
    entries.append(("Admin", "/admin/", may(user, Action.MANAGE_USERS)))
    return {
        "menu": [
            {"label": label, "url": url, "here": _here(request.path, url)} for label, url, shown in entries if shown
        ],
        "can_create": may(user, Action.CREATE_JOBS),
        "role": user.role,
    }


def _here(path: str, url: str) -> bool:
    return path == url if url == "/app/" else path.startswith(url)
