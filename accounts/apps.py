"""The accounts app."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    """Django's admin, on our site."""

    default_site = "accounts.site.Console"


class AccountsConfig(AppConfig):
    """Names the app and makes the description of its tokens known."""

    name = "accounts"

    def ready(self) -> None:
        """Register the OpenAPI extension."""
        from accounts import openapi  # noqa: F401
