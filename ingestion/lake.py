"""The lake on S3: where each object lies, and how bytes get there without ever being half visible.

``raw/<dataset>/date=<day>/<job>/<file>`` holds the bytes as they came,
``parquet/<dataset>/date=<day>/<job>.parquet`` the published rows, and ``jobs/<job>/`` what pages show
about a job (report, preview, rejects), so that the web process never opens Parquet.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from storages.backends.s3 import S3Storage

from databridge import config
from databridge.aws import client
from ingestion.errors import ObjectMissing, StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ingestion.models import Job

_RETRYABLE = {
    "SlowDown", "ServiceUnavailable", "InternalError", "InternalFailure", "RequestTimeout", "Throttling",
    "ThrottlingException", "RequestLimitExceeded", "500", "503",
}  # fmt: skip
LATER = "It is tried again."
_JOB_KEY = re.compile(
    r"(?:raw|parquet)/[^/]+/date=[^/]+/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/.*|\.parquet)"
)
_UNSAFE_NAME = re.compile(r"[^\w.\-()+ ]+", re.UNICODE)


def safe_name(filename: str) -> str:
    """Return the last part of a file name without what S3 keys, pages or shells could trip over."""
    last = filename.replace("\\", "/").rsplit("/", 1)[-1]
    return _UNSAFE_NAME.sub("_", last).strip(". ")[-200:] or "file"


def raw_key(job: Job, filename: str) -> str:
    """Return where a job's bytes are kept as they came, under the name they came with."""
    return f"raw/{job.dataset}/date={job.partition_date}/{job.job_id}/{safe_name(filename)}"


def parquet_key(job: Job) -> str:
    """Return the one object a job publishes; the same for every attempt, so that a retry overwrites."""
    return f"parquet/{job.dataset}/date={job.partition_date}/{job.job_id}.parquet"


def about_key(job_id: str, name: str) -> str:
    """Return where something a page shows about a job is kept, such as ``report.json``."""
    return f"jobs/{job_id}/{name}"


def uri(key: str) -> str:
    """Return the ``s3://`` address of a key."""
    return f"s3://{config.current().bucket}/{key}"


def key_of(address: str) -> str:
    """Return the key within the lake's bucket of an ``s3://`` address."""
    return address.removeprefix(f"s3://{config.current().bucket}/")


class LakeStorage(S3Storage):
    """Django's default storage: the stage's bucket, found when it is first used."""

    def get_default_settings(self) -> dict[str, Any]:
        """Take bucket and region from the stage; keep overwriting off, as the raw store only grows."""
        stage = config.current()
        return super().get_default_settings() | {
            "bucket_name": stage.bucket,
            "region_name": stage.region,
            "file_overwrite": False,
            "default_acl": None,
        }


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn boto's errors into ours: throttling and outages are retryable, the rest is not."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _RETRYABLE or status >= 500:
            raise StoreUnavailable(f"S3 could not {what} just now ({code}).", hint=LATER) from error
        raise StoreError(f"S3 refused to {what} ({code}).", hint="Check the stage's bucket and roles.") from error
    except BotoCoreError as error:
        raise StoreUnavailable(f"S3 was out of reach while trying to {what}.", hint=LATER) from error


def job_of(key: str) -> uuid.UUID | None:
    """Return the job whose raw or published object a key is; None for another kind of object."""
    found = _JOB_KEY.fullmatch(key)
    return uuid.UUID(found[1]) if found else None


def read_blocks(path: Path) -> Iterator[bytes]:
    """Yield a local file in blocks of 1 MiB."""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block


def download(key: str, path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """Copy an object to a local file; return the SHA-256 of what arrived. Raises ``ObjectMissing``."""
    digest = hashlib.sha256()
    done = 0
    s3 = client("s3")
    with translated(f"read {key}"), path.open("wb") as file:
        try:
            body = s3.get_object(Bucket=config.current().bucket, Key=key)["Body"]
        except s3.exceptions.NoSuchKey:
            raise ObjectMissing(f"There is no {key} in the lake.", hint="Send the file again.") from None
        for block in body.iter_chunks(1 << 20):
            digest.update(block)
            file.write(block)
            done += len(block)
            if on_bytes:
                on_bytes(done)
    return digest.hexdigest()


def sha256_of(key: str) -> str:
    """Return the SHA-256 of an object, read whole; raises ``ObjectMissing``."""
    digest, size = hashlib.sha256(), size_of(key)
    if size is None:
        raise ObjectMissing(f"There is no {key} in the lake.", hint="Send the file again.")
    for block in read_range(key, 0, size - 1) if size else ():
        digest.update(block)
    return digest.hexdigest()


def put_bytes(key: str, body: bytes) -> None:
    """Keep a small object."""
    with translated(f"write {key}"):
        client("s3").put_object(Bucket=config.current().bucket, Key=key, Body=body)


def get_bytes(key: str) -> bytes | None:
    """Return a small object, or None when there is none."""
    s3 = client("s3")
    with translated(f"read {key}"):
        try:
            return bytes(s3.get_object(Bucket=config.current().bucket, Key=key)["Body"].read())
        except s3.exceptions.NoSuchKey:
            return None


def put_json(key: str, value: Any) -> None:
    """Keep a small document."""
    with translated(f"write {key}"):
        client("s3").put_object(
            Bucket=config.current().bucket,
            Key=key,
            Body=json.dumps(value, ensure_ascii=False).encode(),
            ContentType="application/json",
        )


def get_json(key: str) -> Any | None:
    """Return a small document, or None when there is none."""
    body = get_bytes(key)
    return None if body is None else json.loads(body)


def tag_of(key: str) -> str | None:
    """Return what changes with an object's content, or None when there is no object."""
    s3 = client("s3")
    with translated(f"look at {key}"):
        try:
            return str(s3.head_object(Bucket=config.current().bucket, Key=key)["ETag"])
        except s3.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise


def replace_object(key: str, path: Path, tag: str) -> bool:
    """Put a file in the place of an object, in one step; False when the object is another or gone by now.

    S3 takes up to 5 GB at once, which is more than a worker writes.
    """
    s3 = client("s3")
    with translated(f"replace {key}"), path.open("rb") as body:
        try:
            s3.put_object(Bucket=config.current().bucket, Key=key, Body=body, IfMatch=tag, ChecksumAlgorithm="SHA256")
        except s3.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in {404, 409, 412}:
                return False
            raise
    return True


def delete(key: str) -> None:
    """Remove an object; it is no error when there is none."""
    with translated(f"delete {key}"):
        client("s3").delete_object(Bucket=config.current().bucket, Key=key)


def delete_all(prefix: str) -> None:
    """Remove every object whose key begins so."""
    s3, bucket = client("s3"), config.current().bucket
    with translated(f"delete {prefix}*"):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            keys = [{"Key": item["Key"]} for item in page.get("Contents", ())]
            if keys:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


def keys(prefix: str) -> Iterator[str]:
    """Yield every key that begins so, in order."""
    pages = client("s3").get_paginator("list_objects_v2")
    with translated(f"list {prefix}*"):
        for page in pages.paginate(Bucket=config.current().bucket, Prefix=prefix):
            yield from (item["Key"] for item in page.get("Contents", ()))


def size_of(key: str) -> int | None:
    """Return how many bytes an object has, or None when there is none."""
    s3 = client("s3")
    with translated(f"look at {key}"):
        try:
            return int(s3.head_object(Bucket=config.current().bucket, Key=key)["ContentLength"])
        except s3.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise


def read_range(key: str, first: int, last: int) -> Iterator[bytes]:
    """Yield the bytes of an object from ``first`` to ``last``, both counted from 0 and included, in blocks."""
    with translated(f"read {key}"):
        body = client("s3").get_object(Bucket=config.current().bucket, Key=key, Range=f"bytes={first}-{last}")["Body"]
        yield from body.iter_chunks(1 << 18)


def exists(key: str) -> bool:
    """Tell whether an object is there."""
    s3 = client("s3")
    with translated(f"look for {key}"):
        answer = s3.list_objects_v2(Bucket=config.current().bucket, Prefix=key, MaxKeys=1)
    return any(item["Key"] == key for item in answer.get("Contents", []))
