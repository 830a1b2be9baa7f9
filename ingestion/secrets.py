"""What a job needs to sign in somewhere, in Secrets Manager and nowhere else, until the bytes are here."""

from __future__ import annotations

import json
from typing import Any

from databridge import config
from databridge.aws import client


def keep(job_id: str, spec: dict[str, Any]) -> None:
    """Store the full source of a job."""
    client("secretsmanager").create_secret(Name=_name(job_id), SecretString=json.dumps(spec))


def recall(job_id: str) -> dict[str, Any]:
    """Return the full source of a job."""
    return json.loads(client("secretsmanager").get_secret_value(SecretId=_name(job_id))["SecretString"])


def forget(job_id: str) -> None:
    """Delete it at once; it is no error when there is none."""
    manager = client("secretsmanager")
    try:
        manager.delete_secret(SecretId=_name(job_id), ForceDeleteWithoutRecovery=True)
    except manager.exceptions.ResourceNotFoundException:
        return


def _name(job_id: str) -> str:
    return f"databridge/{config.stage()}/jobs/{job_id}"
