"""The lake on S3: where each object lies, and how bytes get there without ever being half visible.

``raw/<dataset>/date=<day>/<job>/<file>`` holds the bytes as they came,
``parquet/<dataset>/date=<day>/<job>.parquet`` the published rows, and ``jobs/<job>/`` what pages show
about a job (report, preview, rejects), so that the web process never opens Parquet.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from storages.backends.s3 import S3Storage

from databridge import config
from databridge.aws import client
from ingestion.errors import StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from ingestion.models import Job

PART_BYTES = 16 * 1024**2
_RETRYABLE = {
    "SlowDown", "ServiceUnavailable", "InternalError", "InternalFailure", "RequestTimeout", "Throttling",
    "ThrottlingException", "RequestLimitExceeded", "500", "503",
}  # fmt: skip
_LATER = "It is tried again."
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
            raise StoreUnavailable(f"S3 could not {what} just now ({code}).", hint="It is tried again.") from error
        raise StoreError(f"S3 refused to {what} ({code}).", hint="Check the stage's bucket and roles.") from error
    except BotoCoreError as error:
        raise StoreUnavailable(f"S3 was out of reach while trying to {what}.", hint="It is tried again.") from error


@dataclass(slots=True, kw_only=True)
class StagedObject:
    """A multipart upload: bytes sent but not visible. ``publish`` shows all of them at once; until then
    ``abort`` leaves no trace. Memory use is one part.
    """

    key: str
    size: int = 0
    _upload_id: str = ""
    _parts: list[dict[str, Any]] = field(default_factory=list)
    _hash: Any = field(default_factory=hashlib.sha256)

    def __post_init__(self) -> None:
        """Open the upload."""
        with translated(f"open {self.key}"):
            answer = client("s3").create_multipart_upload(
                Bucket=config.current().bucket, Key=self.key, ChecksumAlgorithm="SHA256"
            )
        self._upload_id = answer["UploadId"]

    @property
    def sha256(self) -> str:
        """The hash of all bytes written so far, in hex."""
        return self._hash.hexdigest()

    def write_all(self, chunks: Iterable[bytes], on_bytes: Callable[[int], None] | None = None) -> None:
        """Send a stream in parts of ``PART_BYTES``; ``on_bytes`` hears the total after each chunk."""
        buffer = bytearray()
        for chunk in chunks:
            self._hash.update(chunk)
            self.size += len(chunk)
            buffer += chunk
            while len(buffer) >= PART_BYTES:
                self._send(bytes(buffer[:PART_BYTES]))
                del buffer[:PART_BYTES]
            if on_bytes:
                on_bytes(self.size)
        if buffer or not self._parts:
            self._send(bytes(buffer))

    def _send(self, body: bytes) -> None:
        number = len(self._parts) + 1
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        with translated(f"write part {number} of {self.key}"):
            answer = client("s3").upload_part(
                Bucket=config.current().bucket,
                Key=self.key,
                UploadId=self._upload_id,
                PartNumber=number,
                Body=body,
                ChecksumSHA256=checksum,
            )
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum})

    def publish(self) -> None:
        """Make the object visible, whole, in one step."""
        with translated(f"complete {self.key}"):
            client("s3").complete_multipart_upload(
                Bucket=config.current().bucket,
                Key=self.key,
                UploadId=self._upload_id,
                MultipartUpload={"Parts": self._parts},
            )

    def abort(self) -> None:
        """Drop what was sent; nothing happens when it was published after all."""
        s3 = client("s3")
        with translated(f"drop the unfinished {self.key}"), suppress(s3.exceptions.NoSuchUpload):
            s3.abort_multipart_upload(Bucket=config.current().bucket, Key=self.key, UploadId=self._upload_id)


def put_stream(key: str, chunks: Iterable[bytes], on_bytes: Callable[[int], None] | None = None) -> tuple[int, str]:
    """Store a stream at a key, all or nothing; return its size in bytes and SHA-256 in hex."""
    staged = StagedObject(key=key)
    try:
        staged.write_all(chunks, on_bytes)
        staged.publish()
    except BaseException:
        staged.abort()
        raise
    return staged.size, staged.sha256


def read_blocks(path: Path) -> Iterator[bytes]:
    """Yield a local file in blocks of 1 MiB."""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block


def download(key: str, path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """Copy an object to a local file; return the SHA-256 of what arrived."""
    digest = hashlib.sha256()
    done = 0
    with translated(f"read {key}"), path.open("wb") as file:
        body = client("s3").get_object(Bucket=config.current().bucket, Key=key)["Body"]
        for block in body.iter_chunks(1 << 20):
            digest.update(block)
            file.write(block)
            done += len(block)
            if on_bytes:
                on_bytes(done)
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


def exists(key: str) -> bool:
    """Tell whether an object is there."""
    s3 = client("s3")
    with translated(f"look for {key}"):
        answer = s3.list_objects_v2(Bucket=config.current().bucket, Prefix=key, MaxKeys=1)
    return any(item["Key"] == key for item in answer.get("Contents", []))
