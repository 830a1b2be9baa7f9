"""What the form of a new job shows of a file before it is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.template.loader import render_to_string

from ingestion.api.dryrun import DryRun, told
from ingestion.api.session import PageSession
from ingestion.api.uploads import looked_at
from ingestion.errors import DataBridgeError

if TYPE_CHECKING:
    from rest_framework.request import Request


class Look(DryRun):
    """The API's dry run as a part of the page; what is wrong with the file is an answer, not a failure."""

    authentication_classes = (PageSession,)
    schema = None

    def post(self, request: Request) -> HttpResponse:  # type: ignore[override]  # a page's part in place of JSON
        """Answer the part: of the file's beginning, of a source, or of a whole upload."""
        upload_id = request.query_params.get("upload")
        try:
            found = looked_at(request, upload_id) if upload_id else told(request)
            return HttpResponse(render_to_string("web/_look.html", shown(found)))
        except DataBridgeError as error:
            can_send = error.code == "WHOLE_FILE_ONLY" and "filename" in request.query_params
            return HttpResponse(render_to_string("web/_look_failed.html", {"error": error, "can_send": can_send}))


def shown(look: dict[str, Any]) -> dict[str, Any]:
    """Return a dry run with what each shown column changes, and the columns whose type needs an explanation."""
    rows = look["rows_shown"]
    width = len(rows[0]) if rows else 0
    columns = [
        {**column, "changed": sum(row[number][2] for row in rows)}
        for number, column in enumerate(look["columns"][:width])
    ]
    return {
        **look,
        "shown_columns": columns,
        "hidden_columns": len(look["columns"]) - width,
        "notes": [column for column in look["columns"] if column["note"]],
    }
