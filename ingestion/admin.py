"""Jobs and datasets in the Django admin: everybody's, found, looked into, sent again or stopped."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.utils.html import format_html

from accounts import audit, people
from accounts.models import signed_in
from accounts.records import Found, RecordAdmin, choices, per_row, row_of
from accounts.roles import Action
from ingestion import connections_admin, contracts, datasets, lifecycle, once, queries, submit
from ingestion.errors import ContractMissing, JobMissing
from ingestion.rows import DatasetRow, JobRow

if TYPE_CHECKING:
    from django.http import HttpRequest

    from ingestion.models import Dataset, Job

__all__ = ["DatasetAdmin", "JobAdmin", "connections_admin"]  # importing the last registers it
STATUSES = ("PENDING", "RUNNING", "SUCCESS", "FAILED", "CANCELLED")
SOURCES = ("upload", "api", "http", "ftp", "tcp")


@admin.register(JobRow)
class JobAdmin(RecordAdmin):
    """Everybody's jobs, newest first."""

    action: ClassVar[Action] = Action.ADMINISTER_JOBS
    purpose = "Everybody's jobs: find one, read its log, send it again or stop it, one or many at once."
    detail_template = "admin/job.html"
    search_help_text = "A job's id, a dataset, or the e-mail of who made it"
    empty_text = "No job is found."
    list_display = ("dataset", "status", "source", "filename", "made_by", "created", "attempts", "rows", "why")
    list_filter = (choices("status", "status", STATUSES), choices("source", "source", SOURCES))
    actions = ("retry", "load_again", "cancel")

    def find(self, search: str, cursor: str, **wanted: str) -> Found:
        """Return jobs, newest first."""
        if _is_id(search):
            row = self.fetch(search)
            return Found(rows=[row] if row else [])
        asked: dict[str, Any] = {"status": wanted["status"], "source": wanted["source"]}
        if "@" in search:
            asked["user_id"] = people.get(search.lower()).sub
        elif search:
            asked["dataset"] = search.lower()
        page = queries.list_jobs(cursor=cursor, limit=self.list_per_page, **asked)
        rows = [_job_row(job) for job in page.jobs]
        looking = "No match among the jobs looked at so far; go on below." if not rows and page.next_cursor else ""
        return Found(rows=rows, next_cursor=page.next_cursor or "", note=looking)

    def fetch(self, pk: str) -> Any | None:
        """Return one job."""
        try:
            return _job_row(lifecycle.get(pk))
        except JobMissing:
            return None

    def detail(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return the job, its log and what people did to it."""
        job: Job = row.record
        events, more = queries.events(job.job_id)
        return {
            "title": f"{job.dataset}, {job.job_id}",
            "job": job,
            "events": events,
            "more_events": more,
            "can_retry": job.status in {"FAILED", "CANCELLED"},
            "can_load_again": (job.error or {}).get("code") == once.ALREADY_LOADED,
            "can_cancel": job.status in {"PENDING", "RUNNING"},
            "entries": audit.entries(about=f"job {job.job_id}", limit=20).entries,
        }

    # ---- columns ------------------------------------------------------------------------------

    @admin.display(description="Dataset")
    def dataset(self, row: Any) -> str:
        """Return where it goes."""
        return str(row.record.dataset)

    @admin.display(description="Status")
    def status(self, row: Any) -> str:
        """Return where it stands."""
        return format_html('<span class="status status-{0}">{0}</span>', row.record.status)

    @admin.display(description="Source")
    def source(self, row: Any) -> str:
        """Return where it comes from."""
        return str(row.record.source_type)

    @admin.display(description="File")
    def filename(self, row: Any) -> str:
        """Return the file's name."""
        return row.record.filename or "–"

    @admin.display(description="Made by")
    def made_by(self, row: Any) -> str:
        """Return whose it is."""
        return row.record.user_email or row.record.user_id

    @admin.display(description="Created, UTC")
    def created(self, row: Any) -> str:
        """Return when it was made."""
        return f"{row.record.created_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="Attempt")
    def attempts(self, row: Any) -> str:
        """Return how often it was tried."""
        return f"{row.record.attempt} of {row.record.max_attempts}"

    @admin.display(description="Rows")
    def rows(self, row: Any) -> str:
        """Return how many rows it loaded."""
        return str(row.record.rows["loaded"]) if row.record.rows else "–"

    @admin.display(description="Why it failed")
    def why(self, row: Any) -> str:
        """Return the error's code."""
        return row.record.error["code"] if row.record.error else "–"

    # ---- actions ------------------------------------------------------------------------------

    @per_row("Retry")
    def retry(self, request: HttpRequest, row: Any) -> str:
        """Send a job again."""
        job = submit.retry(row.pk, by=signed_in(request))
        return f"{job.dataset} ({job.job_id}) is sent again."

    @per_row("Load again all the same", confirm="Load these files even if their rows are in the dataset already?")
    def load_again(self, request: HttpRequest, row: Any) -> str:
        """Send a job again, to be loaded also where the same file is loaded already."""
        job = submit.retry(row.pk, by=signed_in(request), force=True)
        return f"{job.dataset} ({job.job_id}) is sent again and will be loaded all the same."

    @per_row("Cancel", confirm="Stop these jobs?")
    def cancel(self, request: HttpRequest, row: Any) -> str:
        """Stop a job."""
        job = submit.cancel(row.pk, by=signed_in(request))
        return f"{job.dataset} ({job.job_id}) is asked to stop."


@admin.register(DatasetRow)
class DatasetAdmin(RecordAdmin):
    """What is in the lake."""

    action: ClassVar[Action] = Action.ADMINISTER_JOBS
    purpose = "What is in the lake: when each table was loaded last, and its columns."
    detail_template = "admin/dataset.html"
    search_help_text = "Part of a name"
    empty_text = "No dataset is found. One appears with the first job that loads it."
    list_display = ("name", "loads", "rows", "schema_version", "last_loaded")
    actions = None

    def find(self, search: str, cursor: str, **wanted: str) -> Found:
        """Return datasets by name."""
        known = datasets.all_datasets()
        found = [entry for entry in known if search.lower() in entry.name and entry.name > cursor]
        page = found[: self.list_per_page]
        more = page[-1].name if len(found) > len(page) else ""
        return Found(rows=[_dataset_row(entry) for entry in page], next_cursor=more)

    def fetch(self, pk: str) -> Any | None:
        """Return one dataset."""
        entry = datasets.get(pk)
        return entry and _dataset_row(entry)

    def detail(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return the dataset, its contract with all versions, and its latest loads."""
        from ingestion.conversion.checks.rules import rules_of

        facts = {"dataset": row.record, "jobs": queries.list_jobs(dataset=row.pk, limit=20).jobs}
        try:
            contract = contracts.get(row.pk)
        except ContractMissing:
            return facts
        agreed = rules_of(contract.body.get("rules"))
        return {**facts, "contract": contract, "agreed_rules": agreed, "versions": contracts.versions(row.pk)}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a dataset is what its jobs made of it."""
        return False

    @admin.display(description="Loads")
    def loads(self, row: Any) -> int:
        """Return how often it was loaded."""
        return int(row.record.loads)

    @admin.display(description="Rows")
    def rows(self, row: Any) -> int:
        """Return how many rows its loads brought."""
        return int(row.record.rows)

    @admin.display(description="Schema version")
    def schema_version(self, row: Any) -> int:
        """Return the version of its shape."""
        return int(row.record.schema_version)

    @admin.display(description="Last loaded, UTC")
    def last_loaded(self, row: Any) -> str:
        """Return when it was loaded last."""
        return f"{row.record.last_loaded_at:%Y-%m-%d %H:%M:%S}" if row.record.last_loaded_at else "–"


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _job_row(job: Job) -> Any:
    return row_of(JobRow, job.job_id, job)


def _dataset_row(dataset: Dataset) -> Any:
    return row_of(DatasetRow, dataset.name, dataset)
