"""The JSON of the API, in one place for answers and for the OpenAPI description."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ingestion import setaside


class ErrorSerializer(serializers.Serializer[Any]):
    """Why a job failed, and what to do."""

    code = serializers.CharField()
    message = serializers.CharField()
    hint = serializers.CharField(allow_blank=True)
    retryable = serializers.BooleanField()
    place = serializers.JSONField(allow_null=True)
    job_id = serializers.SerializerMethodField()

    def get_job_id(self, error: dict[str, Any]) -> str | None:
        """Return the job that the error names, such as the one that has loaded the same file."""
        return error.get("job_id")


class JobSerializer(serializers.Serializer[Any]):
    """A job, with every field that the design promises; what is not known yet is null."""

    job_id = serializers.CharField()
    user_id = serializers.CharField()
    user_email = serializers.CharField()
    dataset = serializers.CharField()
    source_type = serializers.CharField()
    source = serializers.JSONField()  # type: ignore[assignment]  # a name of the API that DRF uses too
    filename = serializers.CharField(allow_blank=True)
    options = serializers.JSONField()
    input_format = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(["PENDING", "RUNNING", "SUCCESS", "FAILED", "CANCELLED"])
    attempt = serializers.IntegerField()
    max_attempts = serializers.IntegerField()
    next_retry_at = serializers.DateTimeField(allow_null=True)
    cancel_requested = serializers.BooleanField()
    progress = serializers.JSONField(allow_null=True)
    raw_path = serializers.CharField(allow_null=True)
    raw_bytes = serializers.IntegerField(allow_null=True)
    output_path = serializers.CharField(allow_null=True)
    output_bytes = serializers.IntegerField(allow_null=True)
    rows = serializers.JSONField(allow_null=True)
    rejects = serializers.SerializerMethodField(
        help_text="Of the rows set aside: how many there are, are open, and what became of which. Where the lists are "
        "long, loaded, held, dismissed and replays are null here; `/jobs/{job_id}/rejects` has them."
    )
    replays = serializers.JSONField(
        allow_null=True,
        help_text="The job whose rejects this one loads, and which rows of them; null in place of a long list, "
        "which the raw file has.",
    )
    schema_version = serializers.IntegerField(allow_null=True)
    warnings = serializers.SerializerMethodField()
    error = ErrorSerializer(allow_null=True)
    approval = serializers.JSONField(
        allow_null=True, help_text="The changes of the contract for which a PENDING job waits until an Admin decides."
    )
    sha256 = serializers.CharField(allow_null=True)
    output_sha256 = serializers.CharField(allow_null=True)
    content_sha256 = serializers.CharField(
        allow_null=True, help_text="Of the Parquet's pages and types, without the footer, which names the job."
    )
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_rejects(self, job: Any) -> dict[str, Any] | None:
        """Return what became of the rows set aside; null where there are none."""
        return setaside.shown(job.rejects)

    def get_warnings(self, job: Any) -> list[dict[str, Any]]:
        """Return the warnings; an empty list where there are none."""
        return job.warnings or []


class JobsSerializer(serializers.Serializer[Any]):
    """The jobs that one request made."""

    jobs = JobSerializer(many=True)


class JobPageSerializer(serializers.Serializer[Any]):
    """Some jobs, newest first."""

    jobs = JobSerializer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class EventSerializer(serializers.Serializer[Any]):
    """One line of a job's log."""

    at = serializers.DateTimeField()
    level = serializers.ChoiceField(["info", "warning", "error"])
    stage = serializers.CharField()
    message = serializers.CharField()
    data = serializers.JSONField()  # type: ignore[assignment]  # a name of the API that DRF uses too


class EventPageSerializer(serializers.Serializer[Any]):
    """Some lines of a job's log, oldest first."""

    events = EventSerializer(many=True)
    next_cursor = serializers.CharField(
        allow_null=True, help_text="Where the following lines begin; null when these are the last so far."
    )
    tail_cursor = serializers.CharField(
        allow_blank=True, help_text="Send it later to get only what was written since; ask so while the job goes on."
    )


class EventFilterSerializer(serializers.Serializer[Any]):
    """Which part of a job's log."""

    limit = serializers.IntegerField(required=False, default=200, min_value=1, max_value=200)
    cursor = serializers.CharField(required=False, default="", allow_blank=True, max_length=1000)


class IngestSerializer(serializers.Serializer[Any]):
    """A request to fetch a file from a source."""

    dataset = serializers.CharField()
    source = serializers.DictField()  # type: ignore[assignment]  # a field of the API that shadows DRF's own
    options = serializers.DictField(required=False, default=dict)


class SourceSerializer(serializers.Serializer[Any]):
    """A source to try or to look at, and how its file is to be read."""

    source = serializers.DictField()  # type: ignore[assignment]
    options = serializers.DictField(required=False, default=dict)


class UploadSerializer(serializers.Serializer[Any]):
    """A file sent as a form, or several under the same name; ``options`` is a JSON object in a text field."""

    file = serializers.FileField(allow_empty_file=True)
    dataset = serializers.CharField()
    options = serializers.JSONField(required=False, default=dict)


class JobFilterSerializer(serializers.Serializer[Any]):
    """What narrows a list of jobs."""

    status = serializers.ChoiceField(
        ["PENDING", "RUNNING", "SUCCESS", "FAILED", "CANCELLED"], required=False, default="", allow_blank=True
    )
    dataset = serializers.CharField(required=False, default="", allow_blank=True)
    source = serializers.ChoiceField(  # type: ignore[assignment]
        ["upload", "api", "http", "ftp", "tcp"], required=False, default="", allow_blank=True
    )
    q = serializers.CharField(
        source="text",
        required=False,
        default="",
        allow_blank=True,
        max_length=200,
        help_text="Part of a job's id, dataset, file, person or error code.",
    )
    limit = serializers.IntegerField(required=False, default=25, min_value=1, max_value=100)
    cursor = serializers.CharField(required=False, default="", allow_blank=True, max_length=1000)


class RejectsFilterSerializer(serializers.Serializer[Any]):
    """Which part of a job's rejects."""

    limit = serializers.IntegerField(required=False, default=100, min_value=1, max_value=500)
    cursor = serializers.IntegerField(required=False, default=0, min_value=0)


class RejectPageSerializer(serializers.Serializer[Any]):
    """Some rejects in the order of the file: each is one wrong cell, and a row may have several."""

    rejects = serializers.ListField(
        child=serializers.DictField(),
        help_text="row, file, member, sheet, line, offset, cell, column, value, raw, rule, code, reason, hint, state.",
    )
    total = serializers.IntegerField(help_text="Rows set aside.")
    rows = serializers.JSONField(allow_null=True, help_text="What became of them: open, loaded, held, dismissed.")
    columns = serializers.ListField(child=serializers.CharField())
    next_cursor = serializers.IntegerField(allow_null=True)


class ReplaySerializer(serializers.Serializer[Any]):
    """Corrected rows."""

    rows = serializers.ListField(
        child=serializers.DictField(),
        help_text='`{"row": 1, "cells": {"amount": "12.50"}}`: a row by its number, its cells to change; null empties.',
    )


class DismissalSerializer(serializers.Serializer[Any]):
    """Rows that are given up, all open ones where none are named."""

    rows = serializers.ListField(child=serializers.IntegerField(min_value=1), required=False, min_length=1)
    reason = serializers.CharField(max_length=500)


class LookSerializer(serializers.Serializer[Any]):
    """How a file is to be read."""

    options = serializers.DictField(required=False, default=dict)


class LoadSerializer(LookSerializer):
    """Where a file goes, and how it is to be read."""

    dataset = serializers.CharField()


class RetrySerializer(serializers.Serializer[Any]):
    """How a job is sent again."""

    accept_rejects = serializers.BooleanField(
        required=False, default=False, help_text="Load the good rows, however many others are set aside."
    )

    force = serializers.BooleanField(
        required=False, default=False, help_text="Load the file even where the same bytes are in the dataset already."
    )


class ProblemSerializer(serializers.Serializer[Any]):
    """An error, by RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    hint = serializers.CharField(allow_blank=True)
    place = serializers.JSONField(required=False)


class ConnectionSerializer(serializers.Serializer[Any]):
    """A saved source as people may see it. ``secrets`` names the fields that are kept and never shown."""

    name = serializers.CharField()
    source = serializers.DictField(source="spec")  # type: ignore[assignment]  # a name of the API that DRF uses too
    secrets = serializers.ListField(child=serializers.CharField(), source="secret_fields")
    changed_by = serializers.CharField()
    changed_at = serializers.DateTimeField()


class ConnectionsSerializer(serializers.Serializer[Any]):
    """The saved sources by name."""

    connections = ConnectionSerializer(many=True)


class NewConnectionSerializer(serializers.Serializer[Any]):
    """A source to save under a name."""

    name = serializers.CharField()
    source = serializers.DictField()  # type: ignore[assignment]


class ChangedConnectionSerializer(serializers.Serializer[Any]):
    """A saved source's new form; a secret that is left out stays if it goes where it went before."""

    source = serializers.DictField()  # type: ignore[assignment]


class SeenSerializer(serializers.Serializer[Any]):
    """What a connection sees: one line a file."""

    seen = serializers.ListField(child=serializers.CharField())


class DatasetSerializer(serializers.Serializer[Any]):
    """A dataset as it is now; its schema's version is that of its contract."""

    name = serializers.CharField()
    schema_version = serializers.IntegerField()
    columns = serializers.JSONField()
    rows = serializers.IntegerField()
    loads = serializers.IntegerField()
    last_job_id = serializers.CharField(allow_null=True)
    last_loaded_at = serializers.DateTimeField(allow_null=True)
    unsettled = serializers.JSONField(
        allow_null=True,
        help_text="Earlier objects that cannot get the contract's types, so that the dataset is not one table: a list "
        "of `path`, `job_id` and `why`; null where there are none. Each load tries again.",
    )


class DatasetsSerializer(serializers.Serializer[Any]):
    """The datasets by name."""

    datasets = DatasetSerializer(many=True)


class ContractVersionSerializer(serializers.Serializer[Any]):
    """One version of a contract, and how it came to be: by a job's file, or by a person."""

    version = serializers.IntegerField()
    changes = serializers.ListField(child=serializers.CharField())
    changed_by = serializers.CharField(allow_blank=True)
    changed_at = serializers.DateTimeField()
    job_id = serializers.CharField(allow_null=True)
    contract = serializers.JSONField(source="body")


class ContractVersionsSerializer(serializers.Serializer[Any]):
    """The versions of a contract, the newest first."""

    versions = ContractVersionSerializer(many=True)
