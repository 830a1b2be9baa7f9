"""Resumable uploads: a file comes in chunks of at most 4 MiB, each kept as an object, and becomes one job.

Chunks are no parts of a multipart upload, because S3 wants parts of at least 5 MiB and Lambda takes no body that
large; the worker puts them together. An upload's row in DynamoDB says which chunks count: a chunk is stored first,
under its place and hash, and then the row moves on from the offset it was read at, so that of two senders one wins.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import logging
import time
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import uuid6
from pynamodb.exceptions import DeleteError, DoesNotExist, PutError, UpdateError

from accounts import audit
from ingestion import lake, once
from ingestion.errors import BadRequest, DataBridgeError, IdempotencyConflict
from ingestion.models import WATCHED, Job, Upload
from ingestion.moves import is_condition_failed, now, unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from accounts.models import User

logger = logging.getLogger(__name__)

CHUNK_BYTES = 4 << 20
MAX_BYTES = 10 << 30
KEPT = timedelta(days=3)
_ROW_KEPT = timedelta(days=7)  # the row outlives the sweep that removes the chunks
_JOB_WITHIN_S = 60
CHECKSUMS = ("sha1", "sha256", "md5")


class UploadMissing(DataBridgeError):
    """There is no such upload, it was ended, or it is not the caller's."""

    code: ClassVar[str] = "UPLOAD_NOT_FOUND"
    http_status: ClassVar[int] = 404


class UploadExpired(DataBridgeError):
    """Nothing came for so long that the chunks were given up."""

    code: ClassVar[str] = "UPLOAD_EXPIRED"
    http_status: ClassVar[int] = 410


class UploadOffsetConflict(DataBridgeError):
    """The chunk does not begin where the upload stands."""

    code: ClassVar[str] = "UPLOAD_OFFSET"
    http_status: ClassVar[int] = 409


class UploadTooLarge(DataBridgeError):
    """A chunk or a file is larger than is taken."""

    code: ClassVar[str] = "UPLOAD_TOO_LARGE"
    http_status: ClassVar[int] = 413


class UploadDamaged(DataBridgeError):
    """The chunk that came does not have the checksum it was sent with; nothing of it is kept."""

    code: ClassVar[str] = "UPLOAD_CHECKSUM"
    http_status: ClassVar[int] = 460


def create(
    user: User,
    *,
    length: int,
    dataset: str,
    filename: str,
    options: Mapping[str, Any],
    metadata: str = "",
    idempotency_key: str = "",
    held: bool = False,
) -> Upload:
    """Begin an upload; with an Idempotency-Key seen before, return the upload that it began.

    One that is ``held`` becomes a job not with its last byte but by ``release``, so that it can be looked at before.
    Dataset and options are the caller's to check. Raises ``UploadTooLarge`` or ``IdempotencyConflict``.
    """
    if length > MAX_BYTES:
        raise UploadTooLarge(f"{length:,} bytes are more than the {MAX_BYTES:,} of a file.", hint="Split the file.")
    upload = Upload(
        _id_of(user.sub, idempotency_key),
        user_id=user.sub,
        user_email=user.email,
        job_id=str(uuid6.uuid7()),
        dataset=dataset,
        filename=lake.safe_name(filename),
        options=dict(options),
        metadata=metadata,
        length=length,
        held=held or None,
        watch=WATCHED,
        **_times(),
    )
    try:
        upload.save(condition=Upload.upload_id.does_not_exist())
    except PutError as error:
        if not is_condition_failed(error):
            raise unavailable(error) from error
        before = get(user, upload.upload_id)
        if (before.length, before.dataset, before.metadata) != (length, dataset, metadata):
            raise IdempotencyConflict(
                "This Idempotency-Key was used for a different upload.", hint="Send a new key for a new file."
            ) from None
        return before
    return upload


def get(user: User, upload_id: str) -> Upload:
    """Return somebody's own upload; raises ``UploadMissing`` or ``UploadExpired``."""
    try:
        upload = Upload.get(upload_id, consistent_read=True)
    except DoesNotExist:
        upload = None
    if upload is None or upload.user_id != user.sub:
        raise UploadMissing(f"There is no upload {upload_id}.", hint="Begin a new one by POST /uploads.") from None
    if upload.until < now() and not is_whole(upload):
        raise UploadExpired("Nothing came for so long that the upload was ended.", hint="Begin a new one.")
    return upload


def is_whole(upload: Upload) -> bool:
    """Tell whether every byte is here."""
    return bool(upload.offset == upload.length)


def append(upload: Upload, *, offset: int, chunk: bytes, checksum: str = "") -> None:
    """Keep the next chunk, all of it or nothing.

    ``checksum`` is ``<algorithm> <Base64>``. Raises ``UploadOffsetConflict`` where another sender was quicker or the
    chunk begins elsewhere, ``UploadTooLarge``, ``UploadDamaged`` or ``BadRequest``.
    """
    _check(upload, offset, chunk, checksum)
    if not chunk:
        return
    digest = hashlib.sha256(chunk).hexdigest()[:16]
    lake.put_bytes(_chunk_key(upload.upload_id, offset, digest), chunk)
    due = offset + len(chunk) == upload.length and not upload.held
    times = _times(due_in_s=_JOB_WITHIN_S) if due else _times()
    actions = [
        Upload.offset.set(offset + len(chunk)),
        Upload.parts.set(Upload.parts.append([f"{len(chunk)}-{digest}"])),
        *(getattr(Upload, name).set(value) for name, value in times.items()),
    ]
    try:
        upload.update(actions, condition=Upload.offset == offset)
    except UpdateError as error:
        if not is_condition_failed(error):
            raise unavailable(error) from error
        raise _elsewhere() from None


def release(upload: Upload, *, dataset: str, options: Mapping[str, Any]) -> None:
    """Let a held upload become its job, with the dataset and options that are settled only now; again it does nothing.

    Dataset and options are the caller's to check. Raises ``UploadOffsetConflict`` while bytes are missing.
    """
    if not is_whole(upload):
        raise _elsewhere()
    if not upload.held:
        return
    times = _times(due_in_s=_JOB_WITHIN_S)
    actions = [
        Upload.held.remove(),
        Upload.dataset.set(dataset),
        Upload.options.set(dict(options)),
        *(getattr(Upload, name).set(value) for name, value in times.items()),
    ]
    try:
        upload.update(actions, condition=Upload.held == True)  # noqa: E712  (PynamoDB's own way to say it)
    except UpdateError as error:
        if not is_condition_failed(error):
            raise unavailable(error) from error
        upload.refresh(consistent_read=True)


def finish(upload: Upload, send: Callable[[str], object], actor: audit.Actor | None = None) -> Job:
    """Make the job of an upload whose bytes are all here, and send it; done again it is the same job.

    ``actor`` is who sent the last chunk, for the audit log; where the sweep finishes it, its owner.
    """
    actor = actor or audit.Actor(id=upload.user_id, name=upload.user_email)
    moment = now()
    job = Job(
        upload.job_id,
        user_id=upload.user_id,
        user_email=upload.user_email,
        dataset=upload.dataset,
        source_type="upload",
        source={"type": "upload", "filename": upload.filename, "upload_id": upload.upload_id},
        filename=upload.filename,
        options=upload.options,
        partition_date=upload.options.get("business_date") or f"{moment:%Y-%m-%d}",
        created_at=moment,
    )
    created = once.create(
        job,
        idempotency_key=f"upload {upload.upload_id}",
        fingerprint=upload.upload_id,
        also=audit.beside(actor, "create job", f"job {job.job_id}", detail=f"{job.dataset} from upload"),
    )
    upload.update([Upload.due_at.set(upload.until.timestamp() + 1)])  # the sweep need not look before it expires
    if created is job:
        send(job.job_id)
    return created


def terminate(upload: Upload) -> None:
    """End an upload and remove its chunks; one that is whole is a job's already, unless it is held, and is refused."""
    if is_whole(upload) and not upload.held:
        raise UploadOffsetConflict("The upload is whole and is a job now.", hint=f"Cancel the job {upload.job_id}.")
    try:
        upload.delete(condition=(Upload.offset < upload.length) | (Upload.held == True))  # noqa: E712
    except DeleteError as error:
        if not is_condition_failed(error):
            raise unavailable(error) from error
        raise _elsewhere() from None
    lake.delete_all(_folder(upload.upload_id))


def compose(upload_id: str) -> tuple[int, Iterator[bytes]]:
    """Return a whole upload's size and its bytes in order, each chunk compared with its hash.

    Raises ``UploadExpired`` when the upload is gone.
    """
    try:
        upload = Upload.get(upload_id, consistent_read=True)
    except DoesNotExist:
        raise UploadExpired("The upload's chunks are gone.", hint="Send the file again.") from None
    return int(upload.length), _chunks(upload)


def forget(upload_id: str) -> None:
    """Remove the chunks of an upload whose raw object is stored. The row stays, so that its sender can ask for it."""
    lake.delete_all(_folder(upload_id))
    Upload(upload_id).update([Upload.watch.remove(), Upload.due_at.remove()], condition=Upload.upload_id.exists())


def sweep(send: Callable[[str], object], limit: int = 100) -> int:
    """Look after uploads that are due: a whole one becomes its job, an expired one is removed.

    A sender may vanish between its last chunk and the job; no byte that was taken is lost by that. Returns how many.
    """
    found = 0
    for entry in Upload.due.query(WATCHED, Upload.due_at < time.time(), limit=limit):
        try:
            upload = Upload.get(entry.upload_id, consistent_read=True)
        except DoesNotExist:
            continue
        if not upload.watch or (upload.due_at or 0) > time.time():
            continue  # the index lags behind the table
        found += 1
        if upload.until < now():
            lake.delete_all(_folder(upload.upload_id))
            upload.delete()
            logger.info("upload expired", extra={"upload_id": upload.upload_id, "whole": is_whole(upload)})
        elif is_whole(upload) and not upload.held:
            finish(upload, send)
    return found


def _chunks(upload: Upload) -> Iterator[bytes]:
    offset = 0
    for part in upload.parts:
        size, _, digest = part.partition("-")
        chunk = lake.get_bytes(_chunk_key(upload.upload_id, offset, digest))
        if chunk is None or len(chunk) != int(size) or not hashlib.sha256(chunk).hexdigest().startswith(digest):
            raise UploadExpired(f"The upload's chunk at byte {offset:,} is gone.", hint="Send the file again.")
        offset += len(chunk)
        yield chunk


def _check(upload: Upload, offset: int, chunk: bytes, checksum: str) -> None:
    if offset != upload.offset:
        raise _elsewhere()
    if len(chunk) > CHUNK_BYTES:
        raise UploadTooLarge(f"A chunk has at most {CHUNK_BYTES:,} bytes.", hint="Send smaller chunks.")
    if offset + len(chunk) > upload.length:
        raise UploadTooLarge(
            f"More than the announced {upload.length:,} bytes came.", hint="Announce the file's size in Upload-Length."
        )
    if not checksum:
        return
    algorithm, _, coded = checksum.partition(" ")
    try:
        wanted = base64.b64decode(coded.strip(), validate=True)
    except binascii.Error:
        wanted = b""
    if algorithm not in CHECKSUMS or not wanted:
        raise BadRequest("The Upload-Checksum cannot be read.", hint=f"Use one of {', '.join(CHECKSUMS)} with Base64.")
    if hashlib.new(algorithm, chunk, usedforsecurity=False).digest() != wanted:
        raise UploadDamaged("The chunk was damaged on its way.", hint="Send it again.")


def _id_of(user_id: str, idempotency_key: str) -> str:
    if not idempotency_key:
        return uuid.uuid4().hex
    return hashlib.sha256(json.dumps([user_id, idempotency_key]).encode()).hexdigest()[:32]


def _times(due_in_s: float | None = None) -> dict[str, Any]:
    """Return until when an upload waits, when the sweep looks at it, and when DynamoDB may drop its row."""
    until = now() + KEPT
    due_at = until.timestamp() + 1 if due_in_s is None else time.time() + due_in_s
    return {"until": until, "due_at": due_at, "expires_at": now() + _ROW_KEPT}


def _elsewhere() -> UploadOffsetConflict:
    return UploadOffsetConflict("The upload stands at another offset.", hint="Ask for it by HEAD, then go on there.")


def _folder(upload_id: str) -> str:
    return f"up/{upload_id}/"


def _chunk_key(upload_id: str, offset: int, digest: str) -> str:
    return f"{_folder(upload_id)}{offset:015d}-{digest}"
