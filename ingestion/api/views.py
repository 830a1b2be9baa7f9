"""The API's views: parse, call one service, answer. Who may do what stands in ``accounts.roles``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import signed_in
from accounts.roles import Action, Scope, scope
from ingestion import lake, lifecycle, queries, submit
from ingestion.api.bodies import AnyBinary, DecodedJson, body_blocks
from ingestion.api.common import IDEMPOTENCY, REFUSALS, accepted, idempotency_key
from ingestion.api.serializers import (
    EventFilterSerializer,
    EventPageSerializer,
    IngestSerializer,
    JobFilterSerializer,
    JobPageSerializer,
    JobSerializer,
    JobsSerializer,
    ProblemSerializer,
    RetrySerializer,
    UploadSerializer,
)
from ingestion.errors import BadRequest, JobMissing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_framework.request import Request

    from ingestion.models import Job


class Ingest(APIView):
    """Start a job: fetch a file from a source (JSON), or take the body itself as the file (anything else)."""

    actions: ClassVar[Mapping[str, Action]] = {"POST": Action.CREATE_JOBS}
    parser_classes = (DecodedJson, AnyBinary)

    @extend_schema(
        operation_id="ingest",
        request={"application/json": IngestSerializer, "application/octet-stream": bytes},
        responses={202: JobSerializer, **REFUSALS},
        parameters=[IDEMPOTENCY, OpenApiParameter("dataset", str), OpenApiParameter("filename", str)],
    )
    def post(self, request: Request) -> Response:
        """Answer 202 with the job at once; the work is done by a worker."""
        if "dataset" in request.query_params:
            return self._payload(request)
        if not (request.content_type or "").startswith("application/json"):
            raise BadRequest(
                "A binary payload needs ?dataset=NAME in the address.",
                hint="POST /ingest?dataset=NAME&filename=FILE with the file as the body.",
            )
        body = IngestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        job = submit.submit_source(
            signed_in(request),
            spec=body.validated_data["source"],
            dataset=body.validated_data["dataset"],
            options=body.validated_data["options"],
            idempotency_key=idempotency_key(request),
        )
        return accepted(job)

    def _payload(self, request: Request) -> Response:
        with tempfile.NamedTemporaryFile(prefix="databridge-") as file:
            for block in body_blocks(request):
                file.write(block)
            file.flush()
            job = submit.submit_file(
                signed_in(request),
                path=Path(file.name),
                dataset=request.query_params["dataset"],
                filename=request.query_params.get("filename", "payload"),
                source_type="api",
                options=_options_of_query(request),
                idempotency_key=idempotency_key(request),
            )
        return accepted(job)


class Upload(APIView):
    """Start jobs from files sent as a form, one a file."""

    actions: ClassVar[Mapping[str, Action]] = {"POST": Action.CREATE_JOBS}
    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="upload",
        request={"multipart/form-data": UploadSerializer},
        responses={
            202: PolymorphicProxySerializer(
                "JobOrJobs", [JobSerializer, JobsSerializer], resource_type_field_name=None
            ),
            **REFUSALS,
        },
        parameters=[IDEMPOTENCY],
    )
    def post(self, request: Request) -> Response:
        """Answer 202 with the job once the bytes are kept; with the list of ``jobs`` if several files came."""
        form = UploadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        options = form.validated_data["options"]
        if not isinstance(options, dict):
            raise BadRequest("The options are not a JSON object.", hint='Send {} or {"sheet": "Data"}.')
        files = request.FILES.getlist("file")
        key = idempotency_key(request)
        jobs = submit.submit_files(
            signed_in(request),
            files=[
                submit.Incoming(path=Path(file.temporary_file_path()), dataset=dataset, filename=file.name or "")
                for file, dataset in zip(files, _datasets(request, len(files)), strict=True)
            ],
            options=options,
            idempotency_key=key,
        )
        if len(jobs) == 1:
            return accepted(jobs[0])
        return Response(JobsSerializer({"jobs": jobs}).data, status=202)


class Jobs(APIView):
    """The caller's jobs, newest first; Admins and Viewers see everybody's."""

    actions: ClassVar[Mapping[str, Action]] = {"GET": Action.SEE_JOBS}

    @extend_schema(
        operation_id="list_jobs",
        parameters=[JobFilterSerializer],
        responses={200: JobPageSerializer, 401: ProblemSerializer},
    )
    def get(self, request: Request) -> Response:
        """Answer one page and the cursor of the next."""
        asked = JobFilterSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        page = queries.list_jobs(user_id=_own_only(request), **asked.validated_data)
        return Response(JobPageSerializer({"jobs": page.jobs, "next_cursor": page.next_cursor}).data)


class JobView(APIView):
    """Whatever concerns one job: finds it, and hides it from who may not see it."""

    def job(self, job_id: str) -> Job:
        """Return the job; raises ``JobMissing`` also when it is not the caller's to see."""
        job = lifecycle.get(job_id)
        if (
            scope(signed_in(self.request).role, Action.SEE_JOBS) is not Scope.ALL
            and job.user_id != signed_in(self.request).sub
        ):
            raise JobMissing(f"There is no job {job_id}.", hint="Check the id in the list of jobs.")
        self.check_object_permissions(self.request, job)
        return job


class JobDetail(JobView):
    """One job."""

    actions: ClassVar[Mapping[str, Action]] = {"GET": Action.SEE_JOBS}

    @extend_schema(
        operation_id="get_job", responses={200: JobSerializer, 401: ProblemSerializer, 404: ProblemSerializer}
    )
    def get(self, _request: Request, job_id: str) -> Response:
        """Answer the job as it is now."""
        return Response(JobSerializer(self.job(job_id)).data)


class JobEvents(JobView):
    """A job's log."""

    actions: ClassVar[Mapping[str, Action]] = {"GET": Action.SEE_JOBS}

    @extend_schema(
        operation_id="list_job_events",
        parameters=[EventFilterSerializer],
        responses={200: EventPageSerializer, 400: ProblemSerializer, 404: ProblemSerializer},
    )
    def get(self, request: Request, job_id: str) -> Response:
        """Answer lines, oldest first: the first ones, those after ``next_cursor``, or those since ``tail_cursor``."""
        job = self.job(job_id)
        asked = EventFilterSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        lines, following = queries.events(job.job_id, **asked.validated_data)
        tail = queries.tail(job.job_id, lines, asked.validated_data["cursor"])
        return Response(EventPageSerializer({"events": lines, "next_cursor": following, "tail_cursor": tail}).data)


class JobDocument(JobView):
    """A document the worker wrote about a job: how it was read, its first rows, or the rows set aside."""

    actions: ClassVar[Mapping[str, Action]] = {"GET": Action.SEE_JOBS}
    name = ""
    empty: ClassVar[dict[str, Any]] = {}

    @extend_schema(responses={200: dict, 404: ProblemSerializer})
    def get(self, _request: Request, job_id: str) -> Response:
        """Answer the document; an empty one while there is none, or where nothing of what it shows was loaded."""
        job = self.job(job_id)
        if self.name == "preview" and job.status != "SUCCESS":
            return Response(self.empty)
        return Response(lake.get_json(lake.about_key(job.job_id, f"{self.name}.json")) or self.empty)


class JobRetry(JobView):
    """Send a job again."""

    actions: ClassVar[Mapping[str, Action]] = {"POST": Action.CHANGE_JOBS}

    @extend_schema(
        operation_id="retry_job",
        request=RetrySerializer,
        responses={202: JobSerializer, 404: ProblemSerializer, **REFUSALS},
    )
    def post(self, request: Request, job_id: str) -> Response:
        """Answer 202 with the job, PENDING again; it loads from its raw file where that is kept."""
        asked = RetrySerializer(data=request.data)
        job = self.job(job_id)
        asked.is_valid(raise_exception=True)
        return accepted(submit.retry(job.job_id, by=signed_in(request), **asked.validated_data))


class JobCancel(JobView):
    """Stop a job."""

    actions: ClassVar[Mapping[str, Action]] = {"POST": Action.CHANGE_JOBS}

    @extend_schema(
        operation_id="cancel_job", request=None, responses={202: JobSerializer, 404: ProblemSerializer, **REFUSALS}
    )
    def post(self, request: Request, job_id: str) -> Response:
        """Answer 202 with the job; a running one ends within seconds."""
        return accepted(submit.cancel(self.job(job_id).job_id, by=signed_in(request)))


class Stats(APIView):
    """The dashboard's figures, over everybody's jobs."""

    actions: ClassVar[Mapping[str, Action]] = {"GET": Action.SEE_JOBS}

    @extend_schema(operation_id="get_stats", parameters=[OpenApiParameter("days", int)], responses={200: dict})
    def get(self, request: Request) -> Response:
        """Answer counts by status now and the figures of the last ``days`` (1 to 90, 7 when not said)."""
        asked = request.query_params.get("days", "7")
        if not asked.isdecimal() or not 1 <= int(asked) <= 90:
            raise BadRequest(f"days cannot be {asked!r}.", hint="Give a whole number from 1 to 90.")
        return Response(queries.stats(int(asked)))


def _datasets(request: Request, files: int) -> list[str]:
    """Return each file's dataset: the one that is given, or as many as there are files, in their order."""
    given = request.POST.getlist("dataset")
    if len(given) not in {1, files}:
        raise BadRequest(
            f"{len(given)} datasets are named for {files} files.",
            hint="Name one for all, or one a file.",
        )
    return given * files if len(given) == 1 else given


def _own_only(request: Request) -> str | None:
    everybody = scope(signed_in(request).role, Action.SEE_JOBS) is Scope.ALL
    return None if everybody else signed_in(request).sub


def _options_of_query(request: Request) -> dict[str, Any]:
    """Return a binary payload's options from the query, ``null_values`` separated by commas."""
    given = request.query_params
    options: dict[str, Any] = {
        name: given[name] for name in submit.OPTIONS - submit.NUMBERS - {"null_values", "force"} if name in given
    }
    if "null_values" in given:
        options["null_values"] = given["null_values"].split(",")
    for name in submit.NUMBERS & given.keys():
        options[name] = int(given[name]) if given[name].isdecimal() else given[name]
    if "force" in given:
        options["force"] = {"true": True, "false": False}.get(given["force"], given["force"])
    return options
