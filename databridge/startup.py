"""What a process sees to once when it starts: two secrets that stand in no setting, and its database file."""

from __future__ import annotations

import os


class DatabaseFileInvalid(Exception):
    """The read-only database file is missing, unreadable, or older than the code."""


def load_secrets() -> None:
    """Put Django's signing key and the Cognito client's secret into this process's environment.

    Their names are in the environment already. Does nothing locally, and nothing for what is there.
    Raises botocore's errors: a function that cannot read its secrets must not start.
    """
    from databridge import config

    if config.stage() == "local":
        return
    if not os.environ.get("DATABRIDGE_SECRET_KEY") and (name := os.environ.get("DATABRIDGE_SIGNING_KEY_NAME")):
        from databridge.aws import client

        kept = client("secretsmanager").get_secret_value(SecretId=name)
        os.environ["DATABRIDGE_SECRET_KEY"] = kept["SecretString"]
    if not os.environ.get("DATABRIDGE_CLIENT_SECRET"):
        from databridge.aws import client

        stage = config.current()
        told = client("cognito-idp").describe_user_pool_client(UserPoolId=stage.user_pool_id, ClientId=stage.client_id)
        os.environ["DATABRIDGE_CLIENT_SECRET"] = told["UserPoolClient"].get("ClientSecret", "")


def check_database_file() -> None:
    """See that Django's read-only database file is there and knows every model of this version.

    It holds the content types and permissions that the admin asks for; nothing is ever written to it. Raises
    ``DatabaseFileInvalid`` saying how to make it. Django must be set up.
    """
    from django.apps import apps
    from django.conf import settings
    from django.db import DatabaseError, connection

    path, make = settings.SQLITE_PATH, "Make it with `manage.py migrate`; in an image, by building the image again."
    if not path.is_file():
        raise DatabaseFileInvalid(f"The read-only database file {path} is missing. {make}")
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT app_label, model FROM django_content_type")
            known = set(cursor.fetchall())
            cursor.execute("SELECT codename FROM auth_permission")
            granted = {name for (name,) in cursor.fetchall()}
    except DatabaseError as error:
        raise DatabaseFileInvalid(f"The read-only database file {path} cannot be read: {error}. {make}") from error
    models = [model._meta for model in apps.get_models()]  # noqa: SLF001  (Django's documented name)
    lacking = sorted(
        about.label
        for about in models
        if (about.app_label, about.model_name) not in known
        or not {f"{action}_{about.model_name}" for action in about.default_permissions} <= granted
    )
    if lacking:
        raise DatabaseFileInvalid(
            f"The read-only database file {path} is older than the code; it lacks {', '.join(lacking)}. {make}"
        )
