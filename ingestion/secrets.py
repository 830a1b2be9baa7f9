"""What is needed to sign in somewhere, in Secrets Manager and nowhere else.

Of a job it is kept until its file is done with, of a connection as long as it is saved.
"""

from __future__ import annotations

import json
from typing import Any

from databridge import config
from databridge.aws import client


def keep(job_id: str, spec: dict[str, Any]) -> None:
    """Store the full source of a job; stored again it is replaced."""
    _put(f"jobs/{job_id}", spec)


def recall(job_id: str) -> dict[str, Any]:
    """Return the full source of a job."""
    return _read(f"jobs/{job_id}")


def forget(job_id: str) -> None:
    """Delete a job's source at once; it is no error when there is none."""
    _delete(f"jobs/{job_id}")


def keep_connection(secret_id: str, spec: dict[str, Any]) -> None:
    """Store the full source of a connection."""
    _put(f"connections/{secret_id}", spec)


def recall_connection(secret_id: str) -> dict[str, Any]:
    """Return the full source of a connection."""
    return _read(f"connections/{secret_id}")


def forget_connection(secret_id: str) -> None:
    """Delete a connection's source at once; it is no error when there is none."""
    _delete(f"connections/{secret_id}")


def _put(name: str, spec: dict[str, Any]) -> None:
    manager = client("secretsmanager")
    text = json.dumps(spec)
    try:
        manager.create_secret(Name=_whole_name(name), SecretString=text)
    except manager.exceptions.ResourceExistsException:
        manager.put_secret_value(SecretId=_whole_name(name), SecretString=text)


def _read(name: str) -> dict[str, Any]:
    return json.loads(client("secretsmanager").get_secret_value(SecretId=_whole_name(name))["SecretString"])


def _delete(name: str) -> None:
    manager = client("secretsmanager")
    try:
        manager.delete_secret(SecretId=_whole_name(name), ForceDeleteWithoutRecovery=True)
    except manager.exceptions.ResourceNotFoundException:
        return


def _whole_name(name: str) -> str:
    return f"databridge/{config.stage()}/{name}"
