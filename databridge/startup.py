"""What a function fetches once when it starts, because it must not stand in its settings: two secrets."""

from __future__ import annotations

import os


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
