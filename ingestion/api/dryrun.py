"""What can be asked before a job is made: what would become of a file, and whether a source answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.roles import Action
from ingestion import looking, submit
from ingestion.api.bodies import AnyBinary, DecodedJson, body_blocks
from ingestion.api.common import REFUSALS
from ingestion.api.serializers import ProblemSerializer, SeenSerializer, SourceSerializer
from ingestion.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_framework.request import Request


class DryRun(APIView):
    """Convert the beginning of a file and keep nothing: what was detected and why, rows before and after."""

    actions: ClassVar[Mapping[str, Action]] = {"POST": Action.CREATE_JOBS}
    parser_classes = (DecodedJson, AnyBinary)

    @extend_schema(
        operation_id="dry_run",
        request={"application/octet-stream": bytes, "application/json": SourceSerializer},
        parameters=[
            OpenApiParameter("filename", str),
            OpenApiParameter("whole", bool, description="Whether the body is the whole file, not its beginning."),
            OpenApiParameter("options", str, description="A JSON object."),
        ],
        responses={200: dict, **REFUSALS, 503: ProblemSerializer},
    )
    def post(self, request: Request) -> Response:
        """Answer the report with ``rows_shown``, for at most the first 3 MiB of the body or of the source's file."""
        return Response(told(request))


class SourceTest(APIView):
    """Try a source that is not saved."""

    actions: ClassVar[Mapping[str, Action]] = {"POST": Action.USE_CONNECTIONS}

    @extend_schema(
        operation_id="test_source", request=SourceSerializer, responses={200: SeenSerializer, 400: ProblemSerializer}
    )
    def post(self, request: Request) -> Response:
        """Answer what the source sees, or the problem that keeps it from seeing anything."""
        asked = SourceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(SeenSerializer({"seen": looking.probe(asked.validated_data["source"])}).data)


def told(request: Request) -> dict[str, Any]:
    """Return the dry run that a request asks for: of its body, or of the source that its body names."""
    given = request.query_params
    if (request.content_type or "").startswith("application/json") and "filename" not in given:
        asked = SourceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        name, head, is_whole = looking.first_bytes(asked.validated_data["source"])
        options = asked.validated_data["options"]
    else:
        name, is_whole = given.get("filename", "file"), given.get("whole") == "true"
        head, options = _head(request), _options(given.get("options", ""))
    checked = submit.check_options(options)
    return {"filename": name, **looking.look(head, filename=name, is_whole=is_whole, options=checked)}


def _head(request: Request) -> bytes:
    """Return the body's beginning, without reading much more of it."""
    head = bytearray()
    for block in body_blocks(request):
        head += block
        if len(head) > looking.HEAD_BYTES:
            break
    return bytes(head)


def _options(text: str) -> dict[str, Any]:
    try:
        options = json.loads(text) if text else {}
    except ValueError:
        options = None
    if not isinstance(options, dict):
        raise BadRequest("The options are not a JSON object.", hint='Send {} or {"sheet": "Data"}.')
    return options
