"""The lake on S3: where each object lies, and how bytes get there without ever being half visible.

``raw/<dataset>/date=<day>/<job>/<file>`` holds the bytes as they came,
``parquet/<dataset>/date=<day>/<job>.parquet`` the published rows, and ``jobs/<job>/`` what pages show
about a job (report, preview, rejects), so that the web process never opens Parquet.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import re
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from storages.backends.s3 import S3Storage

from databridge import config
from databridge.aws import client
from ingestion.errors import ObjectMissing, StoreDamaged, StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from ingestion.models import Job

logger = logging.getLogger(__name__)

PART_BYTES = 16 * 1024**2
_RETRYABLE = {
    "SlowDown", "ServiceUnavailable", "InternalError", "InternalFailure", "RequestTimeout", "Throttling",
    "ThrottlingException", "RequestLimitExceeded", "500", "503",
}  # fmt: skip
_LATER = "It is tried again."
_UPLOAD = "databridge-upload"  # an object's metadata: which upload made it
_JOB_KEY = re.compile(
    r"(?:raw|parquet)/[^/]+/date=[^/]+/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/.*|\.parquet)"
)
_PART_NAMES = {"PartNumber", "ETag", "ChecksumSHA256"}
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
            raise StoreUnavailable(f"S3 could not {what} just now ({code}).", hint=_LATER) from error
        raise StoreError(f"S3 refused to {what} ({code}).", hint="Check the stage's bucket and roles.") from error
    except BotoCoreError as error:
        raise StoreUnavailable(f"S3 was out of reach while trying to {what}.", hint=_LATER) from error


@dataclass(slots=True, kw_only=True)
class StagedObject:
    """A multipart upload: bytes sent but not visible. ``publish`` shows all of them at once; until then
    ``abort`` leaves no trace. Memory use is one part.
    """

    key: str
    size: int = 0
    upload_id: str = ""
    _name: str = field(default_factory=lambda: uuid.uuid4().hex)
    _parts: list[_Part] = field(default_factory=list)
    _hash: Any = field(default_factory=hashlib.sha256)

    def __post_init__(self) -> None:
        """Open the upload."""
        with translated(f"open {self.key}"):
            answer = client("s3").create_multipart_upload(
                Bucket=config.current().bucket,
                Key=self.key,
                ChecksumAlgorithm="SHA256",
                Metadata={_UPLOAD: self._name},
            )
        self.upload_id = answer["UploadId"]

    @classmethod
    def sent(cls, key: str, chunks: Iterable[bytes], on_bytes: Callable[[int], None] | None = None) -> StagedObject:
        """Send a whole stream and check what S3 holds of it; a failure leaves no trace."""
        staged = cls(key=key)
        try:
            staged.write_all(chunks, on_bytes)
            staged.check()
        except BaseException:
            staged.abort()
            raise
        return staged

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
            answer = client("s3").upload_part(**self._ids(), PartNumber=number, Body=body, ChecksumSHA256=checksum)
        self._parts.append(_Part(number, answer["ETag"], checksum, len(body)))

    def check(self) -> None:
        """Compare what S3 says it holds with what was sent, part by part; raises ``StoreDamaged``."""
        with translated(f"list the parts of {self.key}"):
            pages = client("s3").get_paginator("list_parts").paginate(**self._ids())
            kept = [part for page in pages for part in page.get("Parts", [])]
        if len(kept) != len(self._parts) or not all(map(_Part.is_kept_as, self._parts, kept)):
            raise StoreDamaged(f"S3 does not hold what was sent for {self.key}.", hint=_LATER)

    def publish(self) -> None:
        """Make the object visible, whole, in one step.

        Where the answer says otherwise, the object itself is asked: the call may have been carried out and only
        its answer lost, and a second call for a completed upload is refused.
        """
        parts = [{"PartNumber": part.number, "ETag": part.etag, "ChecksumSHA256": part.sha256} for part in self._parts]
        try:
            with translated(f"complete {self.key}"):
                client("s3").complete_multipart_upload(**self._ids(), MultipartUpload={"Parts": parts})
        except StoreError:
            if not self._is_published():
                raise

    def _is_published(self) -> bool:
        s3 = client("s3")
        with translated(f"look at {self.key}"):
            try:
                found = s3.head_object(Bucket=config.current().bucket, Key=self.key)
            except s3.exceptions.ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                    return False
                raise
        return bool(found["Metadata"].get(_UPLOAD) == self._name)

    def abort(self) -> None:
        """Drop what was sent, if that is possible just now: nobody sees it, and the sweep drops what stays."""
        try:
            abort_upload(self.key, self.upload_id)
        except StoreError:
            logger.warning("an unfinished upload stays for the sweep", exc_info=True, extra={"key": self.key})

    def _ids(self) -> dict[str, str]:
        return {"Bucket": config.current().bucket, "Key": self.key, "UploadId": self.upload_id}


@dataclass(frozen=True, slots=True)
class _Part:
    """A part as it was sent, and S3's name for it."""

    number: int
    etag: str
    sha256: str
    size: int

    def is_kept_as(self, told: Mapping[str, Any]) -> bool:
        """Whether S3 lists it so; the embedded one lists no checksum, but its ETag is one too."""
        same = (told["PartNumber"], told["ETag"].strip('"'), told["Size"]) == (
            self.number,
            self.etag.strip('"'),
            self.size,
        )
        return same and told.get("ChecksumSHA256", self.sha256) == self.sha256


def put_stream(
    key: str,
    chunks: Iterable[bytes],
    on_bytes: Callable[[int], None] | None = None,
    *,
    fence: Callable[[StagedObject], None],
) -> StagedObject:
    """Store a stream at a key, all or nothing.

    ``fence`` is asked when all is sent and checked, and raises to keep it from being seen. What it let pass is not
    dropped when publishing fails: whoever takes the job over completes or aborts it.
    """
    staged = StagedObject.sent(key, chunks, on_bytes)
    try:
        fence(staged)
    except BaseException:
        staged.abort()
        raise
    staged.publish()
    return staged


def abort_upload(key: str, upload_id: str) -> None:
    """Drop an unfinished upload: from then on S3 refuses to complete it. No error when there is none."""
    s3 = client("s3")
    with translated(f"drop the unfinished {key}"), suppress(s3.exceptions.NoSuchUpload):
        s3.abort_multipart_upload(Bucket=config.current().bucket, Key=key, UploadId=upload_id)


def complete_upload(key: str, upload_id: str) -> bool:
    """Show an upload that was sent whole, in the place of who sent it; False when it was dropped meanwhile.

    True also when somebody else has completed it: S3 forgets an upload that ended, and then the object is looked for.
    """
    s3, ids = client("s3"), {"Bucket": config.current().bucket, "Key": key, "UploadId": upload_id}
    with translated(f"complete {key}"):
        try:
            pages = s3.get_paginator("list_parts").paginate(**ids)
            kept = [part for page in pages for part in page.get("Parts", [])]
            parts = [{name: part[name] for name in _PART_NAMES & part.keys()} for part in kept]
            s3.complete_multipart_upload(**ids, MultipartUpload={"Parts": parts})
        except s3.exceptions.NoSuchUpload:
            return exists(key)
    return True


def unfinished_uploads() -> Iterator[tuple[str, str]]:
    """Yield key and id of every upload that is neither completed nor dropped."""
    with translated("list unfinished uploads"):
        for page in client("s3").get_paginator("list_multipart_uploads").paginate(Bucket=config.current().bucket):
            for upload in page.get("Uploads", []):
                yield upload["Key"], upload["UploadId"]


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
