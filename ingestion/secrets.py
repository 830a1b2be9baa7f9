"""What is needed to sign in somewhere, in Secrets Manager and nowhere else.

Of a job it is kept until its file is done with, and for some days after the job has ended without loading it; of a
connection as long as it is saved.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, ClassVar

from databridge import config
from databridge.aws import client
from ingestion.errors import StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


EXPIRE_DAYS = 7  # the shortest that Secrets Manager takes


class SecretGone(StoreError):
    """The password of a job's source was deleted, as its file was done with."""

    code: ClassVar[str] = "SECRET_GONE"


def keep(job_id: str, spec: dict[str, Any]) -> None:
    """Store the full source of a job; stored again it is replaced."""
    _put(f"jobs/{job_id}", spec)


def recall(job_id: str) -> dict[str, Any]:
    """Return the full source of a job."""
    return _read(f"jobs/{job_id}")


def forget(job_id: str) -> None:
    """Delete a job's source at once; it is no error when there is none."""
    _delete(f"jobs/{job_id}")


def expire(job_id: str) -> None:
    """Let a job's source be deleted in ``EXPIRE_DAYS`` days, unless a retry asks for it before."""
    manager = client("secretsmanager")
    gone = (manager.exceptions.ResourceNotFoundException, manager.exceptions.InvalidRequestException)
    with _translated(), suppress(*gone):  # there is none, or it expires already
        manager.delete_secret(SecretId=_whole_name(f"jobs/{job_id}"), RecoveryWindowInDays=EXPIRE_DAYS)


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
    with _translated():
        try:
            manager.create_secret(Name=_whole_name(name), SecretString=text)
        except manager.exceptions.ResourceExistsException:
            manager.put_secret_value(SecretId=_whole_name(name), SecretString=text)


def _read(name: str) -> dict[str, Any]:
    manager, whole_name = client("secretsmanager"), _whole_name(name)
    with _translated():
        try:
            try:
                found = manager.get_secret_value(SecretId=whole_name)
            except manager.exceptions.InvalidRequestException:  # it is about to be deleted, but is wanted again
                manager.restore_secret(SecretId=whole_name)
                found = manager.get_secret_value(SecretId=whole_name)
        except manager.exceptions.ResourceNotFoundException:
            raise SecretGone("The source's password is not kept any more.", hint="Send the request again.") from None
    return json.loads(found["SecretString"])


def _delete(name: str) -> None:
    manager = client("secretsmanager")
    with _translated(), suppress(manager.exceptions.ResourceNotFoundException):
        manager.delete_secret(SecretId=_whole_name(name), ForceDeleteWithoutRecovery=True)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn boto's errors into one that a retry may cure; what they say goes to the log only."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StoreUnavailable("Secrets Manager did not answer as it should.", hint="Try again in a minute.") from error


def _whole_name(name: str) -> str:
    return f"databridge/{config.stage()}/{name}"
