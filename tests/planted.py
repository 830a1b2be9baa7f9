"""Secrets that tests plant, and a search for them in everything that a stack keeps, shows or logs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Every secret that a test sends somewhere holds one of these.
PLANTED = ("pl4nted-", "S3cr3t-pass", "wr0ng-secret", "planted-connection-s3cret")


def found(stack) -> list[str]:
    """Return where a planted secret lies that is not Secrets Manager: tables, what pages read, names, logs."""
    return [f"{where}: {mark}" for where, text in everything(stack) for mark in PLANTED if mark in text]


def everything(stack) -> Iterator[tuple[str, str]]:
    """Yield every row of DynamoDB, every document and name in the lake, and every log of the stack's processes."""
    import boto3

    from databridge import config

    dynamodb, s3 = boto3.client("dynamodb"), boto3.client("s3")
    for table in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                yield f"table {table}", json.dumps(item, default=str)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=config.current().bucket):
        for entry in page.get("Contents", []):
            yield "a name in the lake", entry["Key"]
            if entry["Key"].startswith("jobs/"):
                body = s3.get_object(Bucket=config.current().bucket, Key=entry["Key"])["Body"].read()
                yield entry["Key"], body.decode(errors="replace")
    for log in sorted(stack.folder.glob("*.log")):
        yield log.name, log.read_text(errors="replace")
