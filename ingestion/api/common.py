"""What the API's views share: the documented refusals, the Idempotency-Key, the answer 202."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drf_spectacular.utils import OpenApiParameter
from rest_framework.response import Response

from ingestion.api.serializers import JobSerializer, ProblemSerializer
from ingestion.errors import BadRequest

if TYPE_CHECKING:
    from rest_framework.request import Request

    from ingestion.models import Job

IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="The same key twice makes one job."
)
REFUSALS = {400: ProblemSerializer, 401: ProblemSerializer, 403: ProblemSerializer, 409: ProblemSerializer}


def accepted(job: Job) -> Response:
    """Answer 202 with the job; its address is relative, as the caller's scheme and host are not known."""
    return Response(JobSerializer(job).data, status=202, headers={"Location": f"/jobs/{job.job_id}"})


def idempotency_key(request: Request) -> str:
    """Return the request's Idempotency-Key, empty if there is none; raises ``BadRequest``."""
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > 255:
        raise BadRequest("The Idempotency-Key is longer than 255 characters.", hint="Send a shorter one.")
    return key
