"""Which calls of AWS each function makes: one line of JSON a call, for the comparison with what its role allows.

``DATABRIDGE_CALLS`` names the folder that the lines go to; without it nothing is recorded. A function is known by
where its code runs: a worker's process, a web server's thread; the sweep counts as the web function's, which runs
it on AWS.
"""

from __future__ import annotations

import json
import os
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore import UNSIGNED

from databridge.lambda_entry import ASYNC_COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable

WEB, WORKER = "web", "worker"
FOLDER = "DATABRIDGE_CALLS"
_S3 = {
    "HeadObject": "GetObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "ListParts": "ListMultipartUploadParts",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
    "DeleteObjects": "DeleteObject",
}
_COPIES = {"CopyObject", "UploadPartCopy"}
_IN_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
_serving = ""  # an instance serves one event at a time, with whatever threads it starts for it


def install() -> None:
    """Record every call that this process makes as one of the two functions, when the environment asks for it."""
    if not os.environ.get(FOLDER):
        return
    from botocore.client import BaseClient

    original: Callable[..., Any] = BaseClient._make_api_call  # noqa: SLF001  (what boto3 and PynamoDB both go through)

    def recorded(self: Any, operation: str, arguments: dict[str, Any]) -> Any:
        role = _role()
        if role and self.meta.config.signature_version is not UNSIGNED:
            for action, resource in needed(self.meta.service_model.service_name, operation, arguments):
                _write(role, action, resource)
        return original(self, operation, arguments)

    BaseClient._make_api_call = recorded  # noqa: SLF001


def serve(event: Any) -> None:
    """Say which event this process serves from now on: requests and the sweep are the web function's."""
    global _serving  # noqa: PLW0603  (one a process, as the environment is)
    asynchronous = isinstance(event, dict) and event.get("command") == ASYNC_COMMAND
    _serving = WORKER if asynchronous else WEB


def needed(service: str, operation: str, arguments: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the IAM actions that a call needs, each with the name of what it is done to.

    Sources: the Service Authorization Reference's pages on S3, DynamoDB, Cognito user pools, Secrets Manager and
    Lambda; for transactions, DynamoDB's "Using IAM with DynamoDB transactions".
    """
    if service == "s3":
        return _of_s3(operation, arguments)
    if service == "dynamodb":
        return _of_dynamodb(operation, arguments)
    if service == "cognito-idp":
        return [(f"{service}:{operation}", str(arguments.get("UserPoolId", "")))] if "UserPoolId" in arguments else []
    if service == "secretsmanager":
        return [(f"{service}:{operation}", arguments.get("SecretId") or arguments.get("Name", ""))]
    if service == "lambda" and operation == "Invoke":
        return [("lambda:InvokeFunction", arguments["FunctionName"])]
    return [(f"{service}:{operation}", "")]


def _of_s3(operation: str, arguments: dict[str, Any]) -> list[tuple[str, str]]:
    bucket, key = arguments["Bucket"], arguments.get("Key")
    if operation in _COPIES:
        source = arguments["CopySource"]
        read = source["Key"] if isinstance(source, dict) else source.partition("/")[2]
        return [("s3:GetObject", f"{bucket}/{read}"), ("s3:PutObject", f"{bucket}/{key}")]
    action = f"s3:{_S3.get(operation, operation)}"
    if operation == "DeleteObjects":
        return [(action, f"{bucket}/{entry['Key']}") for entry in arguments["Delete"]["Objects"]]
    return [(action, f"{bucket}/{key}" if key else bucket)]


def _of_dynamodb(operation: str, arguments: dict[str, Any]) -> list[tuple[str, str]]:
    if operation in {"TransactWriteItems", "TransactGetItems"}:
        return [
            (f"dynamodb:{_IN_TRANSACTION.get(kind, 'GetItem')}", about["TableName"])
            for entry in arguments["TransactItems"]
            for kind, about in entry.items()
        ]
    if "RequestItems" in arguments:
        return [(f"dynamodb:{operation}", table) for table in arguments["RequestItems"]]
    index = f"/index/{arguments['IndexName']}" if arguments.get("IndexName") else ""
    return [(f"dynamodb:{operation}", arguments.get("TableName", "") + index)]


def _role() -> str:
    if threading.current_thread().name.startswith("waitress"):
        return WEB
    return _serving


@cache
def _write(role: str, action: str, resource: str) -> None:
    """Add a line, once a process; lines of a few hundred bytes are appended whole (POSIX, PIPE_BUF)."""
    line = json.dumps({"role": role, "action": action, "resource": resource}) + "\n"
    with (Path(os.environ[FOLDER]) / f"{os.getpid()}.jsonl").open("a") as file:
        file.write(line)
