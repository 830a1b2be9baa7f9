"""Objects on their way into the lake: sent whole and checked before anybody sees them, or dropped without a trace."""

from __future__ import annotations

import base64
import hashlib
import logging
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from databridge import config
from databridge.aws import client
from ingestion.errors import StoreDamaged, StoreError
from ingestion.lake import LATER, exists, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

logger = logging.getLogger(__name__)

PART_BYTES = 16 * 1024**2
_UPLOAD = "databridge-upload"  # an object's metadata: which upload made it
_PART_NAMES = {"PartNumber", "ETag", "ChecksumSHA256"}


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
            raise StoreDamaged(f"S3 does not hold what was sent for {self.key}.", hint=LATER)

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
