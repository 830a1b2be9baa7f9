"""People in the Django admin: Cognito's users, found, invited, given roles, signed out. No SQL table is behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path

from accounts import audit, people
from accounts.audit_admin import AuditAdmin
from accounts.models import AuditRow, User
from accounts.origin import actor_of
from accounts.records import Found, RecordAdmin, choices, per_row, row_of
from accounts.roles import Action, Role
from ingestion.errors import DataBridgeError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.people import Person

NO_ROLE = "none"
_STATES = {
    "CONFIRMED": "active",
    "FORCE_CHANGE_PASSWORD": "invited",
    "RESET_REQUIRED": "password reset",
}

admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(RecordAdmin):
    """The people of the user pool."""

    action = Action.MANAGE_USERS
    purpose = "Invite people, give them roles, and end their access."
    detail_template = "admin/person.html"
    change_list_template = "admin/people.html"
    search_help_text = "Part of an e-mail address"
    empty_text = "Nobody is found. Invite somebody, or search for less."
    list_display = ("email", "role", "access", "state", "mfa", "last_seen")
    list_filter = (
        choices("role", "role", [*(role.value for role in Role), (NO_ROLE, "no role")]),
        choices("access", "access", ["enabled", "disabled"]),
        choices("authenticator app", "mfa", [("yes", "set up"), ("no", "not set up")]),
    )
    actions = (
        "make_viewer",
        "make_operator",
        "make_admin",
        "take_role",
        "enable",
        "disable",
        "sign_out",
        "reset_password",
        "require_mfa",
        "stop_requiring_mfa",
        "remove_mfa",
        "invite_again",
    )

    def find(self, search: str, cursor: str, **wanted: str) -> Found:
        """Return people by e-mail, from after ``cursor`` on."""
        everybody = people.listed()
        found = [
            person
            for person in everybody
            if search.lower() in person.email.lower()
            and person.email > cursor
            and wanted["role"] in {"", person.role or NO_ROLE}
            and wanted["access"] in {"", "enabled" if person.enabled else "disabled"}
            and wanted["mfa"] in {"", "yes" if person.mfa_since else "no"}
        ]
        page = found[: self.list_per_page]
        more = len(found) > len(page)
        note = f"Only the first {people.MOST} people were looked at." if len(everybody) > people.MOST else ""
        return Found(rows=[_row(person) for person in page], next_cursor=page[-1].email if more else "", note=note)

    def fetch(self, pk: str) -> Any | None:
        """Return one person."""
        try:
            return _row(people.get(pk))
        except people.PersonMissing:
            return None

    def detail(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return the person, what can be done, and what they did and was done to them lately."""
        person: Person = row.record
        return {
            "person": person,
            "state": _STATES.get(person.state, person.state),
            "roles": [role.value for role in reversed(Role)],
            "oneself": person.sub == actor_of(request).id,
            "entries": audit.entries(about=person.email, limit=20).entries,
        }

    def extra_urls(self) -> list[Any]:
        """Return the address of the invitation."""
        return [path("add/", self.admin_site.admin_view(self.invite_view), name="accounts_user_add")]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let Admins invite."""
        return self.has_change_permission(request)

    def invite_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for an address and a role, and invite; several addresses are invited one by one."""
        given = {"emails": request.POST.get("emails", ""), "role": request.POST.get("role", "")}
        if request.method == "POST":
            left = []
            for email in given["emails"].replace(",", " ").replace(";", " ").split():
                try:
                    people.invite(actor_of(request), email, given["role"])
                    messages.success(request, f"{email} is invited; a temporary password is on its way by e-mail.")
                except DataBridgeError as error:
                    messages.error(request, str(error))
                    left.append(email)
            if not left and given["emails"].strip():
                return redirect("admin:accounts_user_changelist")
            given["emails"] = "\n".join(left)
        page = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Invite people",
            "roles": [role.value for role in reversed(Role)],  # the least first: nobody becomes Admin by a slip
            "given": given,
        }
        return TemplateResponse(request, "admin/invite.html", page)

    # ---- columns ------------------------------------------------------------------------------

    @admin.display(description="Role")
    def role(self, row: Any) -> str:
        """Return the role."""
        return row.record.role or "no role"

    @admin.display(description="Enabled", boolean=True)
    def access(self, row: Any) -> bool:
        """Tell whether they may sign in."""
        return bool(row.record.enabled)

    @admin.display(description="State")
    def state(self, row: Any) -> str:
        """Return how far the account has come."""
        return _STATES.get(row.record.state, row.record.state)

    @admin.display(description="Authenticator app")
    def mfa(self, row: Any) -> str:
        """Return whether there is one, or should be."""
        if row.record.mfa_since:
            return "set up"
        return "required" if row.record.mfa_required else "–"

    @admin.display(description="Last seen")
    def last_seen(self, row: Any) -> str:
        """Return when they were here last."""
        return f"{row.record.last_seen:%Y-%m-%d %H:%M}" if row.record.last_seen else "never"

    # ---- actions ------------------------------------------------------------------------------

    @per_row("Give the role Viewer")
    def make_viewer(self, request: HttpRequest, row: Any) -> str:
        """Give a role."""
        return self._make(request, row, Role.VIEWER.value)

    @per_row("Give the role Operator")
    def make_operator(self, request: HttpRequest, row: Any) -> str:
        """Give a role."""
        return self._make(request, row, Role.OPERATOR.value)

    @per_row("Give the role Admin", confirm="Give them every right, also over people?")
    def make_admin(self, request: HttpRequest, row: Any) -> str:
        """Give a role."""
        return self._make(request, row, Role.ADMIN.value)

    @per_row("Take the role away", confirm="Take the role away?")
    def take_role(self, request: HttpRequest, row: Any) -> str:
        """Leave them without a role."""
        return self._make(request, row, "")

    @per_row("Enable")
    def enable(self, request: HttpRequest, row: Any) -> str:
        """Let somebody in again."""
        people.enable(actor_of(request), row.record)
        return f"{row} is enabled."

    @per_row("Disable", confirm="Disable these accounts and sign them out?")
    def disable(self, request: HttpRequest, row: Any) -> str:
        """Let somebody in no more."""
        people.disable(actor_of(request), row.record)
        return f"{row} is disabled and signed out."

    @per_row("Sign out everywhere", confirm="End all their sessions and tokens?")
    def sign_out(self, request: HttpRequest, row: Any) -> str:
        """End what somebody has open."""
        people.sign_out(actor_of(request), row.record)
        return f"{row} is signed out everywhere."

    @per_row("Reset the password", confirm="Make their passwords worthless and send a code for a new one?")
    def reset_password(self, request: HttpRequest, row: Any) -> str:
        """Have somebody choose a new password."""
        people.reset_password(actor_of(request), row.record)
        return f"{row} is sent a code to choose a new password with."

    @per_row("Require an authenticator app")
    def require_mfa(self, request: HttpRequest, row: Any) -> str:
        """Ask for a second factor."""
        people.require_mfa(actor_of(request), row.record, required=True)
        return f"{row} needs an authenticator app from the next sign-in on."

    @per_row("Stop requiring an authenticator app")
    def stop_requiring_mfa(self, request: HttpRequest, row: Any) -> str:
        """Leave the second factor to them."""
        people.require_mfa(actor_of(request), row.record, required=False)
        return f"{row} may use an authenticator app, but need not."

    @per_row("Remove the authenticator app", confirm="Remove their authenticator app? Be sure who asks for it.")
    def remove_mfa(self, request: HttpRequest, row: Any) -> str:
        """Help somebody who lost their device."""
        people.remove_mfa(actor_of(request), row.record)
        return f"{row} signs in without a code, and can set up a new app."

    @per_row("Send the invitation again")
    def invite_again(self, request: HttpRequest, row: Any) -> str:
        """Send a new temporary password."""
        people.invite_again(actor_of(request), row.record)
        return f"{row} is sent a new temporary password."

    def _make(self, request: HttpRequest, row: Any, role: str) -> str:
        people.give_role(actor_of(request), row.record, role)
        return f"{row} is now {role}, and signs in again." if role else f"{row} has no role any more."


def _row(person: Person) -> Any:
    row = row_of(User, person.sub, person)
    row.email = person.email
    return row


admin.site.register(AuditRow, AuditAdmin)
