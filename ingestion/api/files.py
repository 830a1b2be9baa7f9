"""A job's files through the app, as nobody but the app reads the lake: the raw file, the Parquet, the rejects.

A function on Lambda answers with at most 6 MB, so a large file comes in ranges there (RFC 9110, 14), as the pages
ask for it; elsewhere it comes whole too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema

from accounts.roles import Action
from ingestion import lake
from ingestion.api.serializers import ProblemSerializer
from ingestion.api.views import JobView
from ingestion.errors import BadRequest, DataBridgeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_framework.request import Request

AT_ONCE_BYTES = 4 << 20
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})")


class JobFileMissing(DataBridgeError):
    """The job has no such file: it has not come so far, failed before, or no row was set aside.

    Look at how the job ended.
    """

    code: ClassVar[str] = "JOB_FILE_NOT_FOUND"
    http_status: ClassVar[int] = 404


class RangeRefused(BadRequest):
    """The range lies outside of the file.

    Ask for a range within the size that is told.
    """

    code: ClassVar[str] = "RANGE_OUTSIDE"
    http_status: ClassVar[int] = 416


class FileTooLargeAtOnce(BadRequest):
    """The file is larger than one answer can be here.

    Ask for it in ranges, by the header Range.
    """

    code: ClassVar[str] = "FILE_TOO_LARGE_AT_ONCE"
    http_status: ClassVar[int] = 413


_ANSWERS: dict[Any, Any] = {(200, "application/octet-stream"): bytes, 404: ProblemSerializer, 416: ProblemSerializer}
_RANGES = OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="`bytes=0-4194303`: a part of the file.")


class LakeFile(JobView):
    """An object of the lake that belongs to a job."""

    actions: ClassVar[Mapping[str, Action]] = {"GET": Action.DOWNLOAD_FILES}

    def answer(self, request: Request, address: str | None, name: str) -> StreamingHttpResponse:
        """Answer the object, or the range of it that is asked for; raises ``DataBridgeError``."""
        key = lake.key_of(address) if address else ""
        size = lake.size_of(key) if key else None
        if size is None:
            raise JobFileMissing("The job has no such file.", hint="Look at how the job ended.")
        asked = _range(request.headers.get("Range", ""), size)
        first, last = asked or (0, size - 1)
        if "lambda.event" in request.META and last - first >= AT_ONCE_BYTES:
            if not asked:
                raise FileTooLargeAtOnce(
                    f"The file has {size:,} bytes; one answer has at most {AT_ONCE_BYTES:,}.",
                    hint="Ask for it in ranges, by the header Range.",
                )
            last = first + AT_ONCE_BYTES - 1
        answer = StreamingHttpResponse(
            lake.read_range(key, first, last) if size else iter(()),
            status=206 if asked else 200,
            content_type="application/octet-stream",
        )
        answer["Content-Length"] = str(last - first + 1)
        answer["Accept-Ranges"] = "bytes"
        answer["Content-Disposition"] = attachment(name)
        if asked:
            answer["Content-Range"] = f"bytes {first}-{last}/{size}"
        return answer


class RawFile(LakeFile):
    """The bytes as they came."""

    @extend_schema(operation_id="download_raw", parameters=[_RANGES], responses=_ANSWERS)
    def get(self, request: Request, job_id: str) -> StreamingHttpResponse:
        """Answer the raw file under the name it came with."""
        job = self.job(job_id)
        return self.answer(request, job.raw_path, (job.raw_path or "").rsplit("/", 1)[-1])


class ParquetFile(LakeFile):
    """What was published."""

    @extend_schema(operation_id="download_parquet", parameters=[_RANGES], responses=_ANSWERS)
    def get(self, request: Request, job_id: str) -> StreamingHttpResponse:
        """Answer the Parquet file, named by dataset and job."""
        job = self.job(job_id)
        return self.answer(request, job.output_path, f"{job.dataset}-{job.job_id}.parquet")


def attachment(name: str) -> str:
    """Return the Content-Disposition that saves under a name, whatever is in it (RFC 6266)."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name) or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _range(header: str, size: int) -> tuple[int, int] | None:
    """Return the first and the last byte that are asked for; None for all, also by a form that is not served.

    A server may pass over a Range that it does not serve (RFC 9110, 14.2). Raises ``RangeRefused``.
    """
    found = _RANGE.fullmatch(header)
    if not found:
        return None
    first, last = int(found[1]), min(int(found[2] or size - 1), size - 1)
    if first > last:
        raise RangeRefused(f"The file has {size:,} bytes.", hint="Ask for a range within them.")
    return first, last
