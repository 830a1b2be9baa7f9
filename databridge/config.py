"""The stage's settings, read from the environment when they are needed.

Read late, not at import, so that one process can bring the embedded AWS up and then use it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

STAGES = ("local", "dev", "staging", "prod")


class ConfigInvalid(Exception):
    """An environment variable is missing or has a value that cannot be meant."""


def env_bool(name: str, *, default: bool) -> bool:
    """Read ``true`` or ``false``; anything else stops the start: a typo must not switch a guard off."""
    text = os.environ.get(name, str(default)).lower()
    if text not in {"true", "false"}:
        raise ConfigInvalid(f"{name} must be true or false, not {text!r}.")
    return text == "true"


def env_list(name: str) -> tuple[str, ...]:
    """Read a comma-separated list; blanks around the entries do not count."""
    return tuple(part.strip() for part in os.environ.get(name, "").split(",") if part.strip())


def stage() -> str:
    """Return the stage this process serves; ``local`` where nothing is said."""
    name = os.environ.get("DATABRIDGE_STAGE", "local")
    if name not in STAGES:
        raise ConfigInvalid(f"DATABRIDGE_STAGE must be one of {', '.join(STAGES)}, not {name!r}.")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Names and addresses of the stage's AWS resources, and what the stage asks of people.

    ``machine_clients`` are the app clients whose client-credentials tokens are accepted, ``contact`` is whom to
    ask for a role (empty: the Admins).
    """

    stage: str
    region: str
    bucket: str
    user_pool_id: str
    client_id: str
    client_secret: str
    issuer: str
    jwks_url: str
    machine_clients: tuple[str, ...]
    mfa_required: bool
    contact: str
    worker_function: str


def current() -> Config:
    """Read the configuration; raises ``ConfigInvalid`` naming the first variable that is missing."""
    region = os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION") or "us-east-1"
    pool = _required("DATABRIDGE_USER_POOL_ID")
    issuer = os.environ.get("DATABRIDGE_ISSUER", f"https://cognito-idp.{region}.amazonaws.com/{pool}")
    return Config(
        stage=stage(),
        region=region,
        bucket=_required("DATABRIDGE_BUCKET"),
        user_pool_id=pool,
        client_id=_required("DATABRIDGE_CLIENT_ID"),
        client_secret=os.environ.get("DATABRIDGE_CLIENT_SECRET", ""),
        issuer=issuer,
        jwks_url=os.environ.get("DATABRIDGE_JWKS_URL", f"{issuer}/.well-known/jwks.json"),
        machine_clients=env_list("DATABRIDGE_MACHINE_CLIENTS"),
        mfa_required=env_bool("DATABRIDGE_MFA_REQUIRED", default=False),
        contact=os.environ.get("DATABRIDGE_CONTACT", ""),
        worker_function=os.environ.get("DATABRIDGE_WORKER_FUNCTION", f"databridge-{stage()}-worker"),
    )


def table_name(kind: str) -> str:
    """Return the DynamoDB table of a kind of record on this stage, such as ``databridge-dev-jobs``."""
    return f"databridge-{stage()}-{kind}"


def _required(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ConfigInvalid(
            f"{name} is not set. On AWS it comes from the stage's outputs; locally start with `make demo`."
        )
    return value
