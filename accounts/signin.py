"""The pages of a sign-in: password, then what Cognito asks for more, and the way back for who forgot it.

Between two steps the session holds what goes on with them; nothing of it reaches the browser.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import audit, authenticator, cognito, middleware, throttle
from accounts.origin import actor_of, address_of
from accounts.roles import OpenTo, open_to
from ingestion.errors import BadRequest, DataBridgeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

HOME, SIGN_IN = "dashboard", "sign_in"  # names of pages, whose addresses depend on the stage
_STEP = "sign_in_step"
_PAGE_OF: dict[type[cognito.FurtherStep], str] = {
    cognito.NewPasswordRequired: "new_password",
    cognito.MfaRequired: "code",
    cognito.MfaSetupRequired: "authenticator",
}


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send somebody to the sign-in page, from where they come back; say so when their session has just ended."""
    asked = {"next": request.get_full_path() if request.method == "GET" else reverse(HOME)}
    if getattr(request, "session_ended", False):
        asked["ended"] = "1"
    return redirect(f"{reverse(SIGN_IN)}?{urlencode(asked)}")


@open_to(OpenTo.EVERYBODY)
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show the form; on a good password start a session and go where the person wanted to go."""
    wanted = request.POST.get("next") or request.GET.get("next") or reverse(HOME)
    if not url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        wanted = reverse(HOME)
    if request.method == "GET":
        said = {"ended": "ended" in request.GET, "saved": "saved" in request.GET}
        return render(request, "accounts/sign_in.html", {"next": wanted, **said})
    email, password = request.POST.get("email", "").strip(), request.POST.get("password", "")
    step = {"email": email, "next": wanted, "began_at": time.time()}
    return _go_on(
        request,
        step,
        lambda: cognito.sign_in(email, password),
        lambda error: _again(request, "accounts/sign_in.html", error, {"next": wanted, "email": email}),
    )


@open_to(OpenTo.EVERYBODY)
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def new_password(request: HttpRequest) -> HttpResponse:
    """Take the first password of an invited person, and go on."""
    step = request.session.get(_STEP)
    if not step or not step.get("session"):
        return redirect(SIGN_IN)
    if request.method == "GET":
        return render(request, "accounts/new_password.html", {"email": step["email"]})

    def chosen() -> cognito.Tokens:
        password = _twice(request)
        further: cognito.FurtherStep | None = None
        with audit.told(actor_of(request, step["email"]), "choose first password", step["email"]):
            try:
                return cognito.set_first_password(step["username"], password, step["session"])
            except cognito.FurtherStep as asked:  # the password is chosen
                further = asked
        raise further

    return _go_on(request, step, chosen, lambda error: _again(request, "accounts/new_password.html", error, step))


@open_to(OpenTo.EVERYBODY)
@require_http_methods(["GET", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Ask for the authenticator app's code, and go on."""
    step = request.session.get(_STEP)
    if not step or not step.get("session"):
        return redirect(SIGN_IN)
    if request.method == "GET":
        return render(request, "accounts/code.html", {"email": step["email"]})
    given = request.POST.get("code", "")
    return _go_on(
        request,
        step,
        lambda: cognito.answer_code(step["username"], given, step["session"]),
        lambda error: _again(request, "accounts/code.html", error, step),
    )


@open_to(OpenTo.EVERYBODY)
@require_http_methods(["GET", "POST"])
def set_up_authenticator(request: HttpRequest) -> HttpResponse:
    """Show the QR code of a new authenticator app, prove it by its first code, and go on."""
    if request.user.is_authenticated:
        return authenticator.of_signed_in(request)
    step = request.session.get(_STEP)
    if not step or not (step.get("session") or step.get("tokens")):
        return redirect(SIGN_IN)
    try:
        if not step.get("secret"):
            step["secret"], session = cognito.begin_enrolment(
                session=step.get("session", ""), access_token=(step.get("tokens") or {}).get("access_token", "")
            )
            step["session"] = session or step.get("session", "")
            request.session[_STEP] = step
    except DataBridgeError as error:
        return _start_over(request, step, error)
    shown = authenticator.shown(step["email"], step["secret"]) | {"email": step["email"], "forced": True}
    if request.method == "GET":
        return render(request, "accounts/authenticator.html", shown)
    given = request.POST.get("code", "")

    def proved() -> cognito.Tokens:
        with audit.told(actor_of(request, step["email"]), "set up authenticator", step["email"]):
            held = cognito.Tokens(**step["tokens"]) if step.get("tokens") else None
            tokens = cognito.finish_enrolment(
                given,
                username=step["username"],
                session=step.get("session", ""),
                access_token=held.access_token if held else "",
            )
        return tokens or held  # type: ignore[return-value]  # a session gives tokens, and else they were held

    return _go_on(
        request, step, proved, lambda error: _again(request, "accounts/authenticator.html", error, shown), enrolled=True
    )


@open_to(OpenTo.EVERYBODY)
@require_http_methods(["GET", "POST"])
def forgot_password(request: HttpRequest) -> HttpResponse:
    """Have a code sent; the answer is the same whether there is such an account or not."""
    if request.method == "GET":
        return render(request, "accounts/forgot_password.html", {})
    email = request.POST.get("email", "").strip()
    began = time.monotonic()
    try:
        throttle.asking(email, address_of(request))
        audit.note(actor_of(request, email), "ask for a reset code", email or "-")
        cognito.forgot_password(email)
    except DataBridgeError as error:
        return _again(request, "accounts/forgot_password.html", error, {"email": email})
    throttle.rest(began)
    return render(request, "accounts/reset_password.html", {"email": email, "sent": True})


@open_to(OpenTo.EVERYBODY)
@sensitive_post_parameters("password", "again", "code")
@require_http_methods(["GET", "POST"])
def reset_password(request: HttpRequest) -> HttpResponse:
    """Take the code that was sent and a new password."""
    if request.method == "GET":
        return render(request, "accounts/reset_password.html", {"email": request.GET.get("email", "")})
    email = request.POST.get("email", "").strip()
    try:
        password = _twice(request)
        actor = actor_of(request, email)
        with (
            throttle.guessing(email, address_of(request)),
            audit.told(actor, "choose new password", email or "-"),
        ):
            cognito.reset_password(email, request.POST.get("code", ""), password)
    except DataBridgeError as error:
        return _again(request, "accounts/reset_password.html", error, {"email": email})
    return redirect(f"{reverse(SIGN_IN)}?saved=1")


@open_to(OpenTo.EVERYBODY)
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, and the tokens behind it."""
    if request.user.is_authenticated:
        audit.note(actor_of(request), "sign out", str(request.user))
    middleware.forget(request)
    return redirect(SIGN_IN)


# ---- the way on -----------------------------------------------------------------------------------


def _go_on(
    request: HttpRequest,
    step: dict[str, Any],
    prove: Callable[[], cognito.Tokens],
    again: Callable[[DataBridgeError], HttpResponse],
    *,
    enrolled: bool = False,
) -> HttpResponse:
    """Take one step: sign in when it was the last, ask the next question, or show the page ``again``."""
    email = step["email"]
    try:
        with throttle.guessing(email, address_of(request)):
            tokens = prove()
    except cognito.FurtherStep as further:
        request.session[_STEP] = step | {
            "username": further.username, "session": further.session, "tokens": None, "secret": ""
        }  # fmt: skip
        return redirect(_PAGE_OF[type(further)])
    except cognito.SignInExpired as error:
        return _start_over(request, step, error)
    except DataBridgeError as error:
        refused = audit.FAILED if error.http_status >= 500 else audit.REFUSED
        audit.note(actor_of(request, email), "sign in", email or "-", refused, code=error.code)
        return again(error)
    return _welcome(request, tokens, step, enrolled=enrolled)


def _welcome(request: HttpRequest, tokens: cognito.Tokens, step: dict[str, Any], *, enrolled: bool) -> HttpResponse:
    """Sign in, unless an authenticator app is asked for and there is none yet."""
    known = middleware.identity(tokens)
    if enrolled:
        authenticator.keep(known["sub"])
    elif authenticator.is_missing(known["sub"], known["username"]):
        held = {name: getattr(tokens, name) for name in tokens.__dataclass_fields__}
        request.session[_STEP] = step | {
            "username": known["username"], "session": "", "tokens": held, "secret": ""
        }  # fmt: skip
        return redirect(_PAGE_OF[cognito.MfaSetupRequired])
    user = middleware.remember(request, tokens, began=step["began_at"])
    audit.note(actor_of(request), "sign in", str(user))
    return redirect(step["next"])


def _start_over(request: HttpRequest, step: dict[str, Any], error: DataBridgeError) -> HttpResponse:
    request.session.pop(_STEP, None)
    audit.note(actor_of(request, step["email"]), "sign in", step["email"] or "-", audit.REFUSED, code=error.code)
    return _again(request, "accounts/sign_in.html", error, {"next": step["next"], "email": step["email"]})


def _again(request: HttpRequest, page: str, error: DataBridgeError, known: dict[str, Any]) -> HttpResponse:
    status = error.http_status if error.http_status in {429, 503} else 200
    return render(request, page, {**known, "error": error}, status=status)


def _twice(request: HttpRequest) -> str:
    password = request.POST.get("password", "")
    if password != request.POST.get("again", ""):
        raise BadRequest("The two passwords differ.", hint="Type the same one twice.")
    return password
