"""The project's own Django app: commands and the local stack."""

from django.apps import AppConfig


class DataBridgeConfig(AppConfig):
    """Names the app."""

    name = "databridge"
