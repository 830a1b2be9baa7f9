"""The rows that a job has set aside: seen, downloaded, corrected and loaded, or dismissed with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response

from accounts.models import signed_in
from accounts.roles import Action
from ingestion import lake, setaside, submit
from ingestion.api.bodies import AnyBinary, BodyTooLarge, body_blocks
from ingestion.api.common import IDEMPOTENCY, REFUSALS, accepted, idempotency_key
from ingestion.api.files import JobFileMissing, LakeFile
from ingestion.api.serializers import (
    DismissalSerializer,
    JobSerializer,
    ProblemSerializer,
    RejectPageSerializer,
    RejectsFilterSerializer,
    ReplaySerializer,
)
from ingestion.api.views import JobView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpResponseBase
    from rest_framework.request import Request

    from ingestion.models import Job

MAX_BYTES = 32 << 20


class Rejects(JobView):
    """What was wrong, cell by cell, and what became of each row."""

    actions: ClassVar[Mapping[str, Action]] = {"GET": Action.SEE_JOBS}

    @extend_schema(
        operation_id="list_rejects",
        parameters=[RejectsFilterSerializer],
        responses={200: RejectPageSerializer, 404: ProblemSerializer},
    )
    def get(self, request: Request, job_id: str) -> Response:
        """Answer one page in the order of the file, and how many rows are open, loaded and dismissed."""
        job = self.job(job_id)
        asked = RejectsFilterSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return Response(page(job, **asked.validated_data))


def page(job: Job, limit: int, cursor: int) -> dict[str, Any]:
    """Return a page of a job's rejects as the API answers it; ``cursor`` counts from 0."""
    state = setaside.State.of(job)
    if state is None:
        return {"rejects": [], "total": 0, "rows": None, "columns": [], "next_cursor": None}
    found = setaside.page_of(job, state, cursor, limit)
    more = cursor + len(found) < min(state.entries, setaside.LISTED) and found
    told = state.as_dict()
    return {
        "rejects": found,
        "total": state.total,
        "rows": {name: told[name] for name in ("total", "open", "loaded", "held", "dismissed", "refused", "replays")},
        "columns": told["columns"],
        "next_cursor": cursor + len(found) if more else None,
    }


class RejectsFile(LakeFile):
    """The rejects as a file: CSV to correct in a spreadsheet and to send back, or Parquet for programs."""

    kind = setaside.CSV

    @extend_schema(responses={(200, "application/octet-stream"): bytes, 404: ProblemSerializer, 416: ProblemSerializer})
    def get(self, request: Request, job_id: str) -> HttpResponseBase:
        """Answer the file; one line of the CSV is a row, with what is wrong in front of its cells."""
        job = self.job(job_id)
        if not job.rejects:
            raise JobFileMissing("No row of this job was set aside.", hint="All rows read are loaded or skipped.")
        address = lake.uri(lake.about_key(job.job_id, self.kind))
        return self.answer(request, address, f"{job.dataset}-{job.job_id}-{self.kind}")


class Replay(JobView):
    """Load rows that were set aside, once they are corrected."""

    actions: ClassVar[Mapping[str, Action]] = {"POST": Action.FIX_REJECTS}
    parser_classes = (MultiPartParser, AnyBinary)

    @extend_schema(
        operation_id="replay_rejects",
        request={"application/json": ReplaySerializer, "text/csv": bytes, "multipart/form-data": dict},
        responses={202: JobSerializer, 404: ProblemSerializer, **REFUSALS},
        parameters=[IDEMPOTENCY],
    )
    def post(self, request: Request, job_id: str) -> Response:
        """Answer 202 with a new job that loads these rows only; it names the first one in ``replays``.

        The body is the corrected CSV, as such or in a form as ``file``, or JSON with the rows and the cells to change.
        """
        first, name, body = self.job(job_id), "corrections.csv", b""
        if (request.content_type or "").startswith("multipart/"):
            file = request.FILES.get("file")
            if file is not None:
                name, body = file.name or name, b"".join(file.chunks())
        else:
            name = "corrections.json" if "json" in (request.content_type or "") else name
            for block in body_blocks(request):
                body += block
                _refuse_large(body)
        _refuse_large(body)
        job = submit.submit_replay(
            signed_in(request),
            first,
            body=body,
            filename=name,
            source_type="upload" if name.endswith(".csv") else "api",
            idempotency_key=idempotency_key(request),
        )
        return accepted(job)


def _refuse_large(body: bytes) -> None:
    if len(body) > MAX_BYTES:
        raise BodyTooLarge(f"The corrections have more than {MAX_BYTES:,} bytes.", hint="Send them in parts.")


class Dismiss(JobView):
    """Give up rows that were set aside."""

    actions: ClassVar[Mapping[str, Action]] = {"POST": Action.FIX_REJECTS}

    @extend_schema(
        operation_id="dismiss_rejects",
        request=DismissalSerializer,
        responses={200: JobSerializer, 404: ProblemSerializer, **REFUSALS},
    )
    def post(self, request: Request, job_id: str) -> Response:
        """Answer the job; the reason stays in its record and in the audit log."""
        job = self.job(job_id)
        asked = DismissalSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        rows, reason = asked.validated_data.get("rows"), asked.validated_data["reason"]
        return Response(JobSerializer(submit.dismiss(signed_in(request), job, rows, reason)).data)
