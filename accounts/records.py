"""Records that no SQL table holds, in the Django admin: its lists, filters, search and actions over any store.

A ``RecordAdmin`` says how to find a page of records and how to fetch one. Its rows are instances of an unmanaged
model, which carry the record itself as ``record``. Pages go on by a cursor: no store is ever counted or skipped
through.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.http import Http404
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path

from accounts.roles import Action, may
from ingestion.errors import DataBridgeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django.db.models import Model
    from django.http import HttpRequest, HttpResponse

CURSOR = "cursor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of rows, and where the next one begins; empty at the end. ``note`` is said above the list."""

    rows: list[Any]
    next_cursor: str = ""
    note: str = ""


class Records:
    """What Django's change list and its actions ask of a queryset, over rows found elsewhere."""

    def __init__(self, rows: list[Any], fetch: Callable[[str], Any]) -> None:
        """Keep the rows, and how to fetch one that is not among them."""
        self._rows = rows
        self._fetch = fetch

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def count(self) -> int:
        """Return how many rows there are."""
        return len(self._rows)

    def filter(self, pk__in: Iterable[str]) -> Records:
        """Return the rows chosen, also those that have left the page meanwhile; what is gone is left out."""
        here = {str(row.pk): row for row in self._rows}
        chosen = [here.get(pk) or self._fetch(pk) for pk in pk__in]
        return Records([row for row in chosen if row is not None], self._fetch)


class RecordList(ChangeList):
    """Django's list over ``RecordAdmin.find``."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        """Find the page that the address asks for."""
        self.filter_specs, self.has_filters, _, _, self.has_active_filters = self.get_filters(request)
        self.clear_all_filters_qs = "?"
        wanted = {spec.parameter_name: spec.value() or "" for spec in self.filter_specs}  # type: ignore[attr-defined]
        record_admin: RecordAdmin = self.model_admin  # type: ignore[assignment]
        try:
            found = record_admin.find(self.query.strip(), request.GET.get(CURSOR, ""), **wanted)
        except DataBridgeError as error:
            messages.error(request, str(error))
            found = Found(rows=[])
        self.note, self.next_page = found.note, ""
        if found.next_cursor:
            self.next_page = self.get_query_string({CURSOR: found.next_cursor})
        self.first_page = self.get_query_string(remove=[CURSOR]) if CURSOR in request.GET else ""
        return Records(found.rows, record_admin.fetch)

    def get_results(self, request: HttpRequest) -> None:
        """Show all that was found."""
        self.result_list = list(self.queryset)
        self.result_count = len(self.result_list)
        self.full_result_count, self.show_full_result_count = self.result_count, False
        self.show_admin_actions, self.can_show_all, self.multi_page, self.paginator = True, False, False, None

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        """Leave the cursor out: it is no filter."""
        return {name: value for name, value in super().get_filters_params(params).items() if name != CURSOR}


def choices(label: str, name: str, values: Iterable[str | tuple[str, str]]) -> type[SimpleListFilter]:
    """Return a filter of the list: a few values, handed to ``find`` under ``name``."""
    pairs = [(value, value) if isinstance(value, str) else value for value in values]

    class Choice(SimpleListFilter):
        title = label
        parameter_name = name

        def lookups(self, _request: Any, _model_admin: Any) -> list[tuple[str, str]]:
            return pairs

        def queryset(self, _request: Any, queryset: Any) -> Any:
            return queryset

        def value(self) -> str | None:
            """Return the value chosen; one that is not offered is none."""
            value = super().value()
            return value if value in {known for known, _ in pairs} else None

    return Choice


def per_row(does: str, *, confirm: str = "") -> Callable[[Any], Any]:
    """Make an admin action of a method that does something to one row and returns what to say.

    ``confirm`` is the question asked first, on a page of its own. A refusal is said, and the other rows go on.
    """

    def made(method: Callable[[Any, HttpRequest, Any], str]) -> Any:
        @wraps(method)
        def act(self: RecordAdmin, request: HttpRequest, rows: Records) -> HttpResponse | None:
            if confirm and "confirmed" not in request.POST:
                return self.ask(request, rows, confirm, does)
            for row in rows:
                try:
                    messages.success(request, method(self, request, row))
                except DataBridgeError as error:
                    messages.error(request, str(error))
            return None

        return admin.action(description=does)(act)

    return made


class RecordAdmin(admin.ModelAdmin):
    """An admin over records: subclasses give ``find`` and ``fetch``, the columns, filters and actions."""

    action: ClassVar[Action] = Action.MANAGE_USERS
    change_list_template = "admin/records.html"
    detail_template = ""
    purpose = ""
    empty_text = "There is nothing here yet."
    list_per_page = 50
    sortable_by = ()
    actions_selection_counter = True
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def find(self, search: str, cursor: str, **wanted: str) -> Found:
        """Return a page of rows; ``wanted`` holds the filters' values, empty where nothing is chosen."""
        raise NotImplementedError

    def fetch(self, pk: str) -> Any | None:
        """Return one row, or None."""
        raise NotImplementedError

    def detail(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return what the detail page shows."""
        raise NotImplementedError

    @property
    def media(self) -> forms.Media:
        """Bring what chooses rows for an action, without jQuery and the scripts of forms, which no page here has."""
        return forms.Media(js=["admin/js/actions.js"])

    # ---- what Django asks ---------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return no rows: the list finds its own."""
        return Records([], self.fetch)

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        """Use the list over records."""
        return RecordList

    def get_search_fields(self, request: HttpRequest) -> Any:
        """Show the search box where it says what it searches."""
        return ("pk",) if self.search_help_text else ()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask the role table."""
        return may(request.user, self.action)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask the role table."""
        return may(request.user, self.action)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Ask the role table."""
        return may(request.user, self.action)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse, unless a subclass knows how."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: nothing is deleted here."""
        return False

    def get_urls(self) -> list[Any]:
        """Return the list's and the detail's address, and those of ``extra_urls``."""
        view, name = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("", view(self.changelist_view), name=f"{name}_changelist"),
            *self.extra_urls(),
            path("<path:object_id>/change/", view(self.change_view), name=f"{name}_change"),
        ]

    def extra_urls(self) -> list[Any]:
        """Return further addresses; none unless a subclass has some."""
        return []

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Show the list under its own name, or carry out an action on what was chosen."""
        title = str(self.opts.verbose_name_plural).capitalize()
        more = {"title": title, "empty_text": self.empty_text, **(extra_context or {})}
        return super().changelist_view(request, more)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show one record, or carry out an action on it and show it again."""
        try:
            row = self.fetch(unquote(object_id))
        except DataBridgeError as error:
            messages.error(request, str(error))
            return redirect("admin:index")
        if row is None:
            raise Http404
        if request.method == "POST":
            return self._act(request, row) or self._after(request, row)
        return TemplateResponse(request, self.detail_template, self._frame(request, row) | self.detail(request, row))

    def ask(self, request: HttpRequest, rows: Records, question: str, does: str) -> HttpResponse:
        """Ask whether an action is meant, on the way to it."""
        asked = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": question,
            "does": does,
            "rows": rows,
            "action": request.POST["action"],
            "box": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/confirm.html", asked)

    def list_address(self, **wanted: str) -> str:
        """Return the list's address with filters."""
        return f"../../?{urlencode(wanted)}"

    def _act(self, request: HttpRequest, row: Any) -> HttpResponse | None:
        """Carry out the action that a button of the detail page names."""
        known = self.get_actions(request).get(request.POST.get("action", ""))
        if known is None:
            messages.error(request, "There is no such action. Reload the page.")
            return None
        does: Any = known[0]
        return does(self, request, Records([row], self.fetch))

    def _after(self, request: HttpRequest, row: Any) -> HttpResponse:
        """Show the record again, or the list where the action has removed it."""
        if self.fetch(str(row.pk)) is not None:
            return redirect(request.get_full_path())
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def _frame(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, "title": str(row), "row": row}


def row_of(model: type[Model], pk: str, record: Any) -> Any:
    """Return a row of a list for a record."""
    row = model(pk=pk)
    row.record = record  # type: ignore[attr-defined]
    return row
