"""The audit log in the Django admin: read, narrowed, exported; nothing of it can be changed."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.timezone import localtime

from accounts import audit
from accounts.origin import actor_of
from accounts.records import Found, RecordAdmin, choices, row_of
from accounts.roles import Action, Role

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.store import AuditEntry

# An answer of Lambda has at most 6 MB; an entry is some 250 bytes.
MOST_EXPORTED = 15_000
COLUMNS = ("at", "actor", "role", "action", "object", "outcome", "code", "detail", "address", "door", "entry_id")
_PERIODS = {"1": "today", "7": "the last 7 days", "30": "the last 30 days", "365": "the last 365 days"}
# A spreadsheet takes a cell that begins with one of these for a formula (OWASP, "CSV Injection").
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


class AuditAdmin(RecordAdmin):
    """Who did what to what, from where, and what came of it."""

    action: ClassVar[Action] = Action.SEE_AUDIT
    purpose = "Who did what to what, from where, and what came of it."
    detail_template = "admin/audit_entry.html"
    change_list_template = "admin/audit.html"
    search_help_text = "The e-mail of who acted or was acted on, or a job's id; or an object as it stands here"
    empty_text = "Nothing is recorded for this."
    list_per_page = 100
    list_display = ("when", "who", "as_role", "did", "to_what", "outcome", "address")
    list_filter = (
        choices("outcome", "outcome", audit.OUTCOMES),
        choices("time", "days", list(_PERIODS.items())),
        choices("role", "role", [role.value for role in Role]),
        choices("action", "action", audit.ACTIONS),
    )
    actions = None

    def find(self, search: str, cursor: str, **wanted: str) -> Found:
        """Return entries, newest first."""
        page = audit.entries(cursor=cursor, limit=self.list_per_page, **_asked(search, wanted))
        return Found(rows=[_row(entry) for entry in page.entries], next_cursor=page.next_cursor or "")

    def fetch(self, pk: str) -> Any | None:
        """Return one entry."""
        entry = audit.get(pk)
        return entry and _row(entry)

    def detail(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return every field of it."""
        return {"entry": row.record, "fields": [(name, getattr(row.record, name)) for name in COLUMNS]}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: the log is only ever added to."""
        return False

    def extra_urls(self) -> list[Any]:
        """Return the address of the export."""
        return [path("export/", self.admin_site.admin_view(self.export_view), name="accounts_auditrow_export")]

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """Answer the entries that the filters leave as CSV; the export itself is an entry too."""
        given = {name: request.GET.get(name, "") for name in ("outcome", "action", "role", "days")}
        page = audit.entries(limit=MOST_EXPORTED, **_asked(request.GET.get("q", "").strip(), given))
        if page.next_cursor:
            messages.error(request, f"More than {MOST_EXPORTED} entries match, too many for one file. Narrow the list.")
            return redirect(f"../?{request.GET.urlencode()}")
        audit.note(actor_of(request), "export audit log", "audit log", detail=request.GET.urlencode())
        answer = HttpResponse(as_csv(page.entries), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="audit-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.csv"'
        return answer

    # ---- columns ------------------------------------------------------------------------------

    @admin.display(description="Time, UTC")
    def when(self, row: Any) -> str:
        """Return when."""
        return f"{localtime(row.record.at, UTC):%Y-%m-%d %H:%M:%S}"

    @admin.display(description="Who")
    def who(self, row: Any) -> str:
        """Return who."""
        return str(row.record.actor)

    @admin.display(description="Role")
    def as_role(self, row: Any) -> str:
        """Return the role they had."""
        return row.record.role or "–"

    @admin.display(description="Did")
    def did(self, row: Any) -> str:
        """Return what they did."""
        return f"{row.record.action}: {row.record.detail}" if row.record.detail else str(row.record.action)

    @admin.display(description="To what")
    def to_what(self, row: Any) -> str:
        """Return what it was done to."""
        return str(row.record.object)

    @admin.display(description="Outcome")
    def outcome(self, row: Any) -> str:
        """Return what came of it."""
        return f"{row.record.outcome} ({row.record.code})" if row.record.code else str(row.record.outcome)

    @admin.display(description="From")
    def address(self, row: Any) -> str:
        """Return from where, and through which door."""
        return f"{row.record.address or '–'} ({row.record.door})"


def as_csv(entries: list[AuditEntry]) -> str:
    """Return entries as CSV (RFC 4180), with nothing in it that a spreadsheet would run."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for entry in entries:
        fields = (getattr(entry, name) for name in COLUMNS)
        writer.writerow([_inert(field.isoformat() if isinstance(field, datetime) else str(field)) for field in fields])
    return text.getvalue()


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _asked(search: str, wanted: dict[str, str]) -> dict[str, str]:
    """Return what the list's search and filters mean to ``audit.entries``."""
    asked = {name: wanted.get(name, "") for name in ("outcome", "action", "role")}
    days = wanted.get("days", "")
    if days in _PERIODS:
        asked["first"] = f"{datetime.now(UTC) - timedelta(days=int(days) - 1):%Y-%m-%d}"
    if search:
        is_job = len(search) == 36 and search.count("-") == 4
        asked["about"] = f"job {search}" if is_job else search.lower() if "@" in search else search
    return asked


def _row(entry: AuditEntry) -> Any:
    from accounts.models import AuditRow

    return row_of(AuditRow, entry.entry_id, entry)
