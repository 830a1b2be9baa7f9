"""The pages' door to the API: the Django session, with CSRF."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import SessionAuthentication


class PageSession(SessionAuthentication):
    """DRF's session authentication that answers 401, not 403, so that a page knows to ask for sign-in."""

    def authenticate_header(self, request: Any) -> str:
        """Name the scheme of the 401."""
        return 'Session realm="databridge"'
