"""People in the Django admin: Cognito's users, listed, invited, given roles, disabled. No SQL table is behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from accounts import people
from accounts.models import User
from accounts.origin import actor_of
from accounts.roles import Action, Role
from ingestion.errors import DataBridgeError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

admin.site.site_header = "DataBridge ERP"
admin.site.site_title = "DataBridge ERP"
admin.site.index_title = "Administration"
admin.site.index_template = "admin/databridge_index.html"
admin.site.unregister(Group)


def _to_sign_in(request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # noqa: ARG001
    """Send everybody to the product's own sign-in page; who is signed in without the role is told so there."""
    if request.user.is_authenticated:
        return TemplateResponse(request, "web/refused.html", {"action": Action.MANAGE_USERS}, status=403)
    return redirect(f"/app/sign-in?next={request.path}")


admin.site.login = _to_sign_in  # type: ignore[method-assign]


@admin.register(User)
class UserAdmin(admin.ModelAdmin[User]):
    """One page: the list, an invitation, and for each person role and access."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """People are invited on the list's page."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """People are disabled, never deleted: the jobs they made keep their name."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the people, or do what the form asks and show them again."""
        if request.method == "POST":
            try:
                messages.success(request, self._do(request))
            except DataBridgeError as error:
                messages.error(request, str(error))
            return redirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            "title": "Users",
            "opts": self.opts,
            "people": people.listed(),
            "roles": [role.value for role in reversed(Role)],  # the least first: nobody becomes Admin by a slip
        }
        return TemplateResponse(request, "admin/people.html", context)

    def _do(self, request: HttpRequest) -> str:
        """Carry out one action of the form; returns what to say."""
        email, role = request.POST.get("email", "").strip(), request.POST.get("role", "")
        actor = actor_of(request)
        match request.POST.get("action"):
            case "invite":
                people.invite(actor, email, role)
                return f"{email} is invited as {role}; Cognito sends a temporary password."
            case "role":
                people.give_role(actor, people.get(email), role)
                return f"{email} is now {role}."
            case "disable":
                people.disable(actor, people.get(email))
                return f"{email} is disabled and signed out."
            case "enable":
                people.enable(actor, people.get(email))
                return f"{email} is enabled."
            case other:
                raise people.PersonRefused(f"There is no action {other!r}.", hint="Reload the page.")
