"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Names the app and makes the description of its tokens known."""

    name = "accounts"

    def ready(self) -> None:
        """Register the OpenAPI extension."""
        from accounts import openapi  # noqa: F401
