"""The stage's resources, defined once: the embedded AWS and the infrastructure code both build from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pynamodb.models import Model

GROUPS = ("Admin", "Operator", "Viewer")
PASSWORD_POLICY = {
    "MinimumLength": 12,
    "RequireUppercase": True,
    "RequireLowercase": True,
    "RequireNumbers": True,
    "RequireSymbols": False,
}
AUTH_FLOWS = ("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")


def tables() -> tuple[type[Model], ...]:
    """Return the PynamoDB models whose tables the stage needs."""
    from accounts import store
    from ingestion import models

    return (*models.TABLES, *store.TABLES)
