"""Resumable uploads by tus 1.0 (tus.io): creation, checksum, termination, expiration. Bodies of at most 4 MiB."""

from __future__ import annotations

import base64
import binascii
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.http import http_date
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import signed_in
from accounts.roles import Action
from ingestion import looking, submit, uploads
from ingestion.api.bodies import AnyBinary
from ingestion.api.common import IDEMPOTENCY, REFUSALS, accepted, idempotency_key
from ingestion.api.serializers import JobSerializer, LoadSerializer, LookSerializer, ProblemSerializer
from ingestion.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_framework.request import Request

    from ingestion.models import Upload

VERSION = "1.0.0"
_TUS = OpenApiParameter("Tus-Resumable", str, OpenApiParameter.HEADER, required=True, enum=[VERSION])
_STATE = {
    "Upload-Offset": "how many bytes are here",
    "Upload-Length": "how many there will be",
    "Upload-Expires": "when the upload is given up if nothing comes",
    "Job-Id": "the job, once every byte is here",
}


class TusVersionUnknown(BadRequest):
    """The header Tus-Resumable is missing, or names a version of the protocol that is not spoken here."""

    code: ClassVar[str] = "TUS_VERSION"
    http_status: ClassVar[int] = HTTPStatus.PRECONDITION_FAILED


class ChunkTypeRefused(BadRequest):
    """A chunk is sent with another Content-Type than application/offset+octet-stream."""

    code: ClassVar[str] = "UPLOAD_MEDIA_TYPE"
    http_status: ClassVar[int] = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class TusView(APIView):
    """What every answer of the protocol has: its version, and on OPTIONS what the server can do."""

    parser_classes = (AnyBinary,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let in who may; then refuse another version of the protocol."""
        super().initial(request, *args, **kwargs)
        if request.method != "OPTIONS" and request.headers.get("Tus-Resumable") != VERSION:
            raise TusVersionUnknown(
                "The header Tus-Resumable must name a version that is spoken here.", hint=f"Send {VERSION}."
            )

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Name the version on refusals too."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Tus-Resumable"] = VERSION
        if response.status_code == HTTPStatus.PRECONDITION_FAILED:
            response["Tus-Version"] = VERSION
        return response

    @extend_schema(exclude=True)
    def options(self, *_: Any, **__: Any) -> Response:
        """Say what the server can do."""
        return Response(
            status=204,
            headers={
                "Tus-Version": VERSION,
                "Tus-Extension": "creation,checksum,termination,expiration",
                "Tus-Max-Size": str(uploads.MAX_BYTES),
                "Tus-Checksum-Algorithm": ",".join(uploads.CHECKSUMS),
            },
        )


class Uploads(TusView):
    """Begin resumable uploads."""

    actions: ClassVar[Mapping[str, Action]] = {"POST": Action.CREATE_JOBS}

    @extend_schema(
        operation_id="create_upload",
        request=None,
        parameters=[
            _TUS,
            OpenApiParameter("Upload-Length", int, OpenApiParameter.HEADER, required=True),
            OpenApiParameter(
                "Upload-Metadata",
                str,
                OpenApiParameter.HEADER,
                required=True,
                description="`dataset <Base64>,filename <Base64>`, also `options <Base64>`, a JSON object, "
                "and `hold dHJ1ZQ==`: no job yet, so that the file can be looked at first.",
            ),
            IDEMPOTENCY,
        ],
        responses={201: OpenApiResponse(description="Begun; its address is in Location."), **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Answer 201 with the upload's address; an empty file is a job at once."""
        given = request.headers.get("Upload-Metadata", "")
        told = _metadata(given)
        upload = submit.begin_upload(
            signed_in(request),
            length=_whole_number(request, "Upload-Length"),
            dataset=told.get("dataset", ""),
            filename=told.get("filename") or told.get("name") or "upload",
            options=_options(told.get("options", "")),
            metadata=given,
            idempotency_key=idempotency_key(request),
            held=told.get("hold") == "true",
        )
        return Response(status=201, headers=_state(upload) | {"Location": f"{request.path}/{upload.upload_id}"})


class UploadDetail(TusView):
    """One resumable upload."""

    actions: ClassVar[Mapping[str, Action]] = dict.fromkeys(("GET", "POST", "PATCH", "DELETE"), Action.CREATE_JOBS)
    http_method_names = ["head", "patch", "delete", "post", "options"]  # noqa: RUF012  (as Django declares it)

    @extend_schema(
        operation_id="get_upload",
        parameters=[_TUS],
        responses={200: OpenApiResponse(description=f"In the headers: {_STATE}"), 404: ProblemSerializer},
    )
    def head(self, request: Request, upload_id: str) -> Response:
        """Answer where the upload stands."""
        upload = uploads.get(signed_in(request), upload_id)
        told = {"Upload-Metadata": upload.metadata} if upload.metadata else {}
        return Response(headers=_state(upload) | told | {"Cache-Control": "no-store"})

    @extend_schema(
        operation_id="append_upload",
        request={"application/offset+octet-stream": bytes},
        parameters=[
            _TUS,
            OpenApiParameter("Upload-Offset", int, OpenApiParameter.HEADER, required=True),
            OpenApiParameter(
                "Upload-Checksum", str, OpenApiParameter.HEADER, description="`sha256 <Base64>`, also sha1 and md5."
            ),
        ],
        responses={204: OpenApiResponse(description="Kept."), **REFUSALS, 404: ProblemSerializer},
    )
    def patch(self, request: Request, upload_id: str) -> Response:
        """Keep a chunk; the last one makes the job, unless it is held back, whose id is then in the header Job-Id."""
        if request.content_type != "application/offset+octet-stream":
            raise ChunkTypeRefused("A chunk has another Content-Type.", hint="Send application/offset+octet-stream.")
        upload = uploads.get(signed_in(request), upload_id)
        uploads.append(
            upload,
            offset=_whole_number(request, "Upload-Offset"),
            chunk=_chunk(request),
            checksum=request.headers.get("Upload-Checksum", ""),
        )
        if uploads.is_whole(upload) and not upload.held:
            submit.finish_upload(signed_in(request), upload)
        return Response(status=204, headers=_state(upload))

    @extend_schema(
        operation_id="delete_upload",
        request=None,
        parameters=[_TUS],
        responses={204: OpenApiResponse(description="Ended; what came is removed."), 404: ProblemSerializer},
    )
    def delete(self, request: Request, upload_id: str) -> Response:
        """End the upload and remove what came."""
        uploads.terminate(uploads.get(signed_in(request), upload_id))
        return Response(status=204)

    @extend_schema(exclude=True)
    def post(self, request: Request, upload_id: str) -> Response:
        """Serve clients that can only POST, by X-HTTP-Method-Override (tus 1.0)."""
        meant = {"PATCH": self.patch, "DELETE": self.delete, "HEAD": self.head}
        asked = meant.get(request.headers.get("X-HTTP-Method-Override", "").upper())
        if asked is None:
            self.http_method_not_allowed(request)
            raise AssertionError  # the line above raises
        return asked(request, upload_id)


class UploadLook(APIView):
    """Look at an upload that is held back."""

    actions: ClassVar[Mapping[str, Action]] = {"POST": Action.CREATE_JOBS}

    @extend_schema(
        operation_id="look_at_upload",
        request=LookSerializer,
        responses={200: dict, **REFUSALS, 404: ProblemSerializer, 503: ProblemSerializer},
    )
    def post(self, request: Request, upload_id: str) -> Response:
        """Answer what would become of the whole file, as a dry run does of its beginning."""
        return Response(looked_at(request, upload_id))


class UploadLoad(APIView):
    """Load an upload that is held back."""

    actions: ClassVar[Mapping[str, Action]] = {"POST": Action.CREATE_JOBS}

    @extend_schema(
        operation_id="load_upload",
        request=LoadSerializer,
        responses={202: JobSerializer, **REFUSALS, 404: ProblemSerializer},
    )
    def post(self, request: Request, upload_id: str) -> Response:
        """Answer 202 with its job, by the dataset and options given now; again it is the same job."""
        asked = LoadSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user = signed_in(request)
        return accepted(submit.load_upload(user, uploads.get(user, upload_id), **asked.validated_data))


def looked_at(request: Request, upload_id: str) -> dict[str, Any]:
    """Return the dry run of a whole upload; raises ``DataBridgeError``."""
    asked = LookSerializer(data=request.data)
    asked.is_valid(raise_exception=True)
    upload = uploads.get(signed_in(request), upload_id)
    options = submit.check_options(asked.validated_data["options"])
    return {"filename": upload.filename, **looking.look_at_upload(upload, options)}


def _state(upload: Upload) -> dict[str, str]:
    told = {"Upload-Offset": str(int(upload.offset)), "Upload-Length": str(int(upload.length))}
    if uploads.is_whole(upload) and not upload.held:
        return told | {"Job-Id": upload.job_id}
    return told | {"Upload-Expires": http_date(upload.until.timestamp())}


def _whole_number(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdecimal()) or len(text) > 15:
        raise BadRequest(f"The header {header} must be a number of bytes.", hint=f"Send {header}.")
    return int(text)


def _chunk(request: Request) -> bytes:
    """Return the body, or as much of it as shows that it is too large."""
    return bytes(request._request.read(uploads.CHUNK_BYTES + 1))  # noqa: SLF001  (DRF's wrapper would parse it)


def _metadata(header: str) -> dict[str, str]:
    """Read ``Upload-Metadata``: pairs of a key and its Base64 value, separated by commas; a value may be missing."""
    found: dict[str, str] = {}
    for pair in filter(None, (pair.strip() for pair in header.split(","))):
        key, _, coded = pair.partition(" ")
        try:
            found[key] = base64.b64decode(coded.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise BadRequest(
                f"Upload-Metadata's {key!r} is no text in Base64.", hint="Send dataset and filename as Base64 of UTF-8."
            ) from error
    return found


def _options(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadRequest("The options are not a JSON object.", hint='Send {} or {"sheet": "Data"}.')
    return found
