"""What every page's frame shows: who is signed in, and where they may go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import reverse

from accounts.roles import Action, may

if TYPE_CHECKING:
    from django.http import HttpRequest


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Return the menu for the signed-in person's role; nothing for somebody who is not."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    home = reverse("dashboard")
    entries = [
        ("Dashboard", home, may(user, Action.SEE_JOBS)),
        ("Jobs", reverse("jobs_page"), may(user, Action.SEE_JOBS)),
        ("Datasets", reverse("datasets_page"), may(user, Action.SEE_DATASETS)),
        ("Connections", reverse("connections_page"), may(user, Action.USE_CONNECTIONS)),
        ("Admin", reverse("admin:index"), may(user, Action.MANAGE_USERS)),
    ]
    return {
        "menu": [
            {"label": label, "url": url, "here": request.path == url if url == home else request.path.startswith(url)}
            for label, url, shown in entries
            if shown
        ],
        "can_create": may(user, Action.CREATE_JOBS),
        "role": user.role,
    }
