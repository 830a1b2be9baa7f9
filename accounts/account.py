"""One's own account: password, authenticator app, and signing out everywhere."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from accounts import audit, cognito, middleware, people, standing, throttle
from accounts.models import signed_in
from accounts.origin import actor_of, address_of
from accounts.roles import OpenTo, open_to
from accounts.signin import SIGN_IN, to_sign_in
from databridge import config
from ingestion.errors import BadRequest, DataBridgeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

ACCOUNT = "account"


def for_signed_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Open a page to everybody who is signed in, also without a role."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return to_sign_in(request)
        return view(request, *args, **kwargs)

    return open_to(OpenTo.SIGNED_IN)(answer)


@for_signed_in
@require_GET
def account(request: HttpRequest) -> HttpResponse:
    """Show the account."""
    kept = standing.person(signed_in(request).sub)
    required = kept.mfa_required or config.current().mfa_required
    return render(request, "accounts/account.html", {"kept": kept, "mfa_required": required})


@for_signed_in
@sensitive_post_parameters("old", "password", "again")
@require_POST
def change_password(request: HttpRequest) -> HttpResponse:
    """Replace the password by who knows the present one; other sessions of theirs end."""
    user = signed_in(request)
    given = request.POST
    try:
        if given.get("password", "") != given.get("again", ""):
            raise BadRequest("The two new passwords differ.", hint="Type the same one twice.")
        with (
            throttle.guessing(user.email, address_of(request)),
            audit.told(actor_of(request), "change password", user.email),
        ):
            token = middleware.access_token(request)
            cognito.change_password(token, given.get("old", ""), given.get("password", ""))
            middleware.end_other_sessions(request)
    except cognito.SignInRefused:
        messages.error(request, "The present password is wrong.")
    except DataBridgeError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The password is changed. You are signed out elsewhere.")
    return redirect(ACCOUNT)


@for_signed_in
@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End every session and token of one's own."""
    user = signed_in(request)
    try:
        people.sign_out(user.actor, people.get(user.sub))
    except DataBridgeError as error:
        messages.error(request, str(error))
        return redirect(ACCOUNT)
    request.session.flush()
    return redirect(SIGN_IN)
