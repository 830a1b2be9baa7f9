"""A look at a file before it is loaded: its beginning, and whether a source answers. Nothing is kept.

The web process imports neither pandas nor PyArrow, so it hands the bytes to the worker and waits for what it says.
"""

from __future__ import annotations

import base64
import json
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from databridge import config
from databridge.aws import client
from ingestion import connections, network, uploads
from ingestion.errors import DataBridgeError, Place, StoreUnavailable
from ingestion.sources import parse_source
from ingestion.sources.errors import SourceInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestion.models import Upload

logger = logging.getLogger(__name__)

HEAD_BYTES = 3 << 20  # in Base64 it stays below the 6 MB that Lambda takes
WHOLE_BYTES = 100_000_000  # what a worker converts while somebody waits
TIMEOUT_S = 25  # API Gateway waits for 29 seconds
COMMAND = "ingestion.tasks.dry_run"
_LATER = frozenset({"after", "only_new", "settle", "since"})  # what is for a load, not for a look
_NOT_FOR_CONVERSION = frozenset({"business_date", "force", "control_totals"})


class LookRefused(DataBridgeError):
    """The beginning of the file cannot be converted; the answer has the conversion's own code, words and place.

    Read the message: it is what a job of this file would say.
    """

    code: ClassVar[str] = "DRY_RUN_FAILED"

    def __init__(self, told: Mapping[str, Any]) -> None:
        """Take over what the worker said."""
        place = told.get("place")
        super().__init__(told["message"], hint=told["hint"], place=Place(**place) if place else None)
        self.code = told["code"]  # type: ignore[misc]  # of the error that this one stands for


class LookTookTooLong(DataBridgeError):
    """The worker did not answer in time.

    Load the file all the same; its job says what is found.
    """

    code: ClassVar[str] = "DRY_RUN_TIMEOUT"
    retryable: ClassVar[bool] = True
    http_status: ClassVar[int] = 503


class LookTooLarge(DataBridgeError):
    """A whole file is larger than what is looked at while somebody waits.

    Load it: the job shows what was found, and a file that cannot be read loads nothing.
    """

    code: ClassVar[str] = "DRY_RUN_TOO_LARGE"
    http_status: ClassVar[int] = 413


def look(head: bytes, *, filename: str, is_whole: bool, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what would become of a file, from its first bytes, as ``conversion.dryrun`` tells it.

    ``options`` are checked ones. Raises ``LookRefused``, ``LookTookTooLong`` or ``StoreUnavailable``.
    """
    told = {
        "head": base64.b64encode(head[:HEAD_BYTES]).decode(),
        "is_whole": is_whole and len(head) <= HEAD_BYTES,
    }
    return _asked({**told, "filename": filename, "options": dict(options)})


def look_at_upload(upload: Upload, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what would become of an upload whose bytes are all here, from all of them.

    Raises ``UploadOffsetConflict`` while bytes are missing, ``LookTooLarge``, and what ``look`` raises.
    """
    if not uploads.is_whole(upload):
        raise uploads.UploadOffsetConflict("Bytes of the upload are missing.", hint="Send them, then look.")
    if upload.length > WHOLE_BYTES:
        raise LookTooLarge(
            f"The file has {int(upload.length):,} bytes; at most {WHOLE_BYTES:,} are looked at beforehand.",
            hint="Load it: the job shows what was found, and a file that cannot be read loads nothing.",
        )
    return _asked({"upload_id": upload.upload_id, "filename": upload.filename, "options": dict(options)})


def _asked(event: dict[str, Any]) -> dict[str, Any]:
    """Hand a look to the worker and return what it says."""
    from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

    event |= {"command": COMMAND}
    try:
        answer = client("lambda", timeout_s=TIMEOUT_S, attempts=1).invoke(
            FunctionName=config.current().worker_function, Payload=json.dumps(event)
        )
        told = json.loads(answer["Payload"].read())
    except ReadTimeoutError as error:
        raise LookTookTooLong("The look took too long.", hint="Load the file, or try again in a minute.") from error
    except (BotoCoreError, ClientError) as error:
        raise StoreUnavailable("The worker is out of reach.", hint="Try again in a minute.") from error
    if answer.get("FunctionError"):
        logger.error("a dry run failed: %s", told)
        raise LookTookTooLong("The worker ended during the look.", hint="Load the file; the job says what is wrong.")
    if "error" in told:
        raise LookRefused(told["error"])
    return dict(told)


def answered(event: Mapping[str, Any]) -> dict[str, Any]:
    """Answer ``look`` in the worker: a dry run, or the error that a person can act on."""
    from ingestion.conversion import Options
    from ingestion.conversion.dryrun import dry_run

    given = {name: value for name, value in event["options"].items() if name not in _NOT_FOR_CONVERSION}
    if "null_values" in given:
        given["null_values"] = tuple(given["null_values"])
    asked = {"filename": event["filename"], "options": Options(**given)}
    try:
        if "upload_id" not in event:
            return dry_run(base64.b64decode(event["head"]), is_whole=event["is_whole"], **asked)
        with tempfile.NamedTemporaryFile(prefix="look-") as file:
            file.writelines(uploads.compose(event["upload_id"])[1])
            file.flush()
            return dry_run(Path(file.name), is_whole=True, **asked)
    except DataBridgeError as error:
        place = error.place.as_dict() if error.place else None
        return {"error": {"code": error.code, "message": error.what, "hint": error.hint, "place": place}}


def probe(spec: Mapping[str, Any]) -> list[str]:
    """Return what a source sees that is not saved as a connection; raises ``SourceError`` saying what is wrong."""
    found = parse_source(connections.resolve(_for_a_look(spec))).probe(network.quick_limits())
    return found[: connections.SEEN_AT_MOST]


def first_bytes(spec: Mapping[str, Any]) -> tuple[str, bytes, bool]:
    """Return a source's file name, its first bytes, and whether these are all; raises ``SourceError``."""
    source = parse_source(connections.resolve(_for_a_look(spec)))
    if source.lists:
        raise SourceInvalid(
            "A pattern may name several files, so there is no one beginning to look at.",
            hint="Test the source to see its files, or give one file's path.",
        )
    with source.open(network.quick_limits()) as fetched:
        head = bytearray()
        for chunk in fetched.chunks:
            head += chunk
            if len(head) > HEAD_BYTES:
                break
    return fetched.filename, bytes(head[:HEAD_BYTES]), len(head) <= HEAD_BYTES


def _for_a_look(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name not in _LATER}
