"""The API's addresses. The same views stand behind two doors: a Cognito token at the root, and the
pages' session with CSRF under ``/app/api/``.
"""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path

from ingestion import setaside
from ingestion.api import connections, contracts, dryrun, files, rejects, uploads, views


def routes(**door: Any) -> list[URLPattern]:
    """Return the addresses for one door; ``door`` overrides attributes of every view (its authentication)."""
    preview: dict[str, Any] = {"columns": [], "rows": []}
    profile: dict[str, Any] = {"columns": []}
    changes: dict[str, Any] = {"contract_version": None, "changes": []}
    return [
        path("ingest", views.Ingest.as_view(**door), name="ingest"),
        path("upload", views.Upload.as_view(**door), name="upload"),
        path("uploads", uploads.Uploads.as_view(**door), name="uploads"),
        path("uploads/<str:upload_id>", uploads.UploadDetail.as_view(**door), name="one_upload"),
        path("uploads/<str:upload_id>/look", uploads.UploadLook.as_view(**door), name="look_at_upload"),
        path("uploads/<str:upload_id>/load", uploads.UploadLoad.as_view(**door), name="load_upload"),
        path("dry-run", dryrun.DryRun.as_view(**door), name="dry_run"),
        path("sources/test", dryrun.SourceTest.as_view(**door), name="source_test"),
        path("connections", connections.Connections.as_view(**door), name="connections"),
        path("connections/<str:name>", connections.ConnectionDetail.as_view(**door), name="connection"),
        path("connections/<str:name>/test", connections.ConnectionTest.as_view(**door), name="connection_test"),
        path("jobs", views.Jobs.as_view(**door), name="jobs"),
        path("jobs/<str:job_id>", views.JobDetail.as_view(**door), name="job"),
        path("jobs/<str:job_id>/events", views.JobEvents.as_view(**door), name="events"),
        path("jobs/<str:job_id>/report", views.JobDocument.as_view(name="report", **door), name="report"),
        path(
            "jobs/<str:job_id>/preview",
            views.JobDocument.as_view(name="preview", empty=preview, **door),
            name="preview",
        ),
        path(
            "jobs/<str:job_id>/profile",
            views.JobDocument.as_view(name="profile", empty=profile, **door),
            name="profile",
        ),
        path("jobs/<str:job_id>/rejects", rejects.Rejects.as_view(**door), name="rejects"),
        path("jobs/<str:job_id>/rejects/dismiss", rejects.Dismiss.as_view(**door), name="dismiss"),
        path("jobs/<str:job_id>/replay", rejects.Replay.as_view(**door), name="replay"),
        path("jobs/<str:job_id>/raw", files.RawFile.as_view(**door), name="raw_file"),
        path("jobs/<str:job_id>/parquet", files.ParquetFile.as_view(**door), name="parquet_file"),
        path("jobs/<str:job_id>/rejects.csv", rejects.RejectsFile.as_view(**door), name="rejects_file"),
        path(
            "jobs/<str:job_id>/rejects.parquet",
            rejects.RejectsFile.as_view(kind=setaside.TABLE, **door),
            name="rejects_table",
        ),
        path("jobs/<str:job_id>/retry", views.JobRetry.as_view(**door), name="retry"),
        path("jobs/<str:job_id>/cancel", views.JobCancel.as_view(**door), name="cancel"),
        path("jobs/<str:job_id>/approve", contracts.JobApprove.as_view(**door), name="approve"),
        path("jobs/<str:job_id>/refuse", contracts.JobRefuse.as_view(**door), name="refuse"),
        path(
            "jobs/<str:job_id>/changes",
            views.JobDocument.as_view(name="changes", empty=changes, **door),
            name="changes",
        ),
        path("datasets", contracts.Datasets.as_view(**door), name="datasets"),
        path("datasets/<str:name>", contracts.DatasetDetail.as_view(**door), name="dataset"),
        path("datasets/<str:name>/contract", contracts.ContractDetail.as_view(**door), name="contract"),
        path(
            "datasets/<str:name>/contract/versions",
            contracts.ContractVersions.as_view(**door),
            name="contract_versions",
        ),
        path("stats", views.Stats.as_view(**door), name="stats"),
    ]
