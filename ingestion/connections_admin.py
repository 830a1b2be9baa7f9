"""Connections in the Django admin: saved, changed, tested and removed. A secret goes in and is never shown again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from accounts import audit
from accounts.models import signed_in
from accounts.records import Found, RecordAdmin, choices, per_row, row_of
from accounts.roles import Action
from ingestion import connections, network
from ingestion.errors import BadRequest, DataBridgeError
from ingestion.rows import ConnectionRow

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from ingestion.models import Connection

EXAMPLE = '{"type": "ftp", "host": "ftp.example.com", "username": "erp", "password": "..."}'
SEEN_IN_A_MESSAGE = 20
# What a refused form shows again: a secret may stand under any other name, as where one was misspelt.
SHOWN_AGAIN = frozenset(
    {"type", "url", "host", "port", "protocol", "tls", "username", "host_key", "path", "pattern", "method", "until"}
)


@admin.register(ConnectionRow)
class ConnectionAdmin(RecordAdmin):
    """The saved sources."""

    action: ClassVar[Action] = Action.MANAGE_CONNECTIONS
    purpose = "Save a source with its password under a name, which requests then use; test it, change it, remove it."
    change_list_template = "admin/connections.html"
    detail_template = "admin/connection.html"
    search_help_text = "Part of a name or of a host"
    empty_text = "No connection is found. Save one, or search for less."
    list_display = ("name", "kind", "place", "secrets", "changed")
    list_filter = (choices("kind", "kind", ("http", "ftp", "tcp")),)
    actions = ("test", "remove")

    def find(self, search: str, cursor: str, **wanted: str) -> Found:
        """Return connections by name."""
        found = [
            one
            for one in connections.all_connections()
            if search.lower() in f"{one.name} {_place(one)}".lower()
            and one.name > cursor
            and wanted["kind"] in {"", one.spec.get("type")}
        ]
        page = found[: self.list_per_page]
        return Found(rows=[_row(one) for one in page], next_cursor=page[-1].name if len(found) > len(page) else "")

    def fetch(self, pk: str) -> Any | None:
        """Return one connection."""
        try:
            return _row(connections.get(pk))
        except connections.ConnectionMissing:
            return None

    def detail(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return the connection as it may be seen, and what people did to it."""
        return {
            "connection": row.record,
            "spec": json.dumps(row.record.spec, indent=2, ensure_ascii=False),
            "entries": audit.entries(about=f"connection {row.pk}", limit=20).entries,
        }

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a connection; save its new form, or carry out an action, and show it again."""
        if request.method == "POST" and "source" in request.POST:
            try:
                connections.change(signed_in(request), object_id, _source(request))
                messages.success(request, f"{object_id} is changed.")
            except DataBridgeError as error:
                messages.error(request, str(error))
            return redirect(request.get_full_path())
        return super().change_view(request, object_id, form_url, extra_context)

    def extra_urls(self) -> list[Any]:
        """Return the address of the form for a new one."""
        return [path("add/", self.admin_site.admin_view(self.new_view), name="ingestion_connectionrow_add")]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let Admins save connections."""
        return self.has_change_permission(request)

    def new_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a name and a source, and save them. What was sent is shown again without its secrets."""
        name, kept = request.POST.get("name", "").strip(), EXAMPLE
        if request.method == "POST":
            try:
                source = _source(request)
                plain = {name: value for name, value in connections.visible(source).items() if name in SHOWN_AGAIN}
                kept = json.dumps(plain, indent=2, ensure_ascii=False)
                connections.create(signed_in(request), name, source)
            except DataBridgeError as error:
                messages.error(request, f"{error} A password has to be given again.")
            else:
                messages.success(request, f"{name} is saved. Test it now.")
                return redirect(reverse("admin:ingestion_connectionrow_change", args=[name]))
        page = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Save a connection",
            "name": name,
            "source": kept,
        }
        return TemplateResponse(request, "admin/connection_new.html", page)

    # ---- columns ------------------------------------------------------------------------------

    @admin.display(description="Kind")
    def kind(self, row: Any) -> str:
        """Return the protocol."""
        return str(row.record.spec.get("protocol") or row.record.spec.get("type"))

    @admin.display(description="Place")
    def place(self, row: Any) -> str:
        """Return where it leads."""
        return _place(row.record)

    @admin.display(description="Kept secrets")
    def secrets(self, row: Any) -> str:
        """Return which fields are kept and not shown."""
        return ", ".join(row.record.secret_fields) or "–"

    @admin.display(description="Changed, UTC")
    def changed(self, row: Any) -> str:
        """Return when and by whom it was changed last."""
        return f"{row.record.changed_at:%Y-%m-%d %H:%M} by {row.record.changed_by}"

    # ---- actions ------------------------------------------------------------------------------

    @per_row("Test")
    def test(self, request: HttpRequest, row: Any) -> str:
        """Sign in and say what it sees."""
        seen = connections.test(row.pk, network.quick_limits())
        more = f"; and {len(seen) - SEEN_IN_A_MESSAGE} more" if len(seen) > SEEN_IN_A_MESSAGE else ""
        return f"{row.pk} works. It sees: {'; '.join(seen[:SEEN_IN_A_MESSAGE]) or 'no file'}{more}."

    @per_row("Remove", confirm="Remove these connections and their secrets?")
    def remove(self, request: HttpRequest, row: Any) -> str:
        """Remove it and its secret."""
        connections.remove(signed_in(request), row.pk)
        return f"{row.pk} and its secret are removed; jobs that would use it fail and say so."


def _source(request: HttpRequest) -> dict[str, Any]:
    """Return the source that a form gives as JSON; raises ``BadRequest``, which repeats nothing of it."""
    try:
        given = json.loads(request.POST.get("source", ""))
    except ValueError as error:
        raise BadRequest("The source is no JSON.", hint=f"Write it as {EXAMPLE}.") from error
    if not isinstance(given, dict):
        raise BadRequest("The source must be a JSON object.", hint=f"Write it as {EXAMPLE}.")
    return given


def _place(one: Connection) -> str:
    spec = one.spec
    return str(spec.get("url") or ":".join(str(spec[part]) for part in ("host", "port") if part in spec))


def _row(one: Connection) -> Any:
    return row_of(ConnectionRow, one.name, one)
