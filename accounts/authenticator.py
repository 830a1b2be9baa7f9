"""Authenticator apps (RFC 6238): who needs one, the QR code of a new one, and setting one up while signed in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import segno
from django.contrib import messages
from django.shortcuts import redirect, render

from accounts import audit, cognito, middleware, standing, throttle
from accounts.models import signed_in
from accounts.origin import actor_of, address_of
from databridge import config
from ingestion.errors import DataBridgeError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_SECRET = "authenticator_secret"  # noqa: S105  (a name in the session)


def is_missing(sub: str, username: str) -> bool:
    """Tell whether the stage or an Admin asks somebody for an authenticator app that they do not have."""
    required = config.current().mfa_required or standing.person(sub).mfa_required
    return required and not cognito.has_mfa(username)


def keep(sub: str) -> None:
    """Keep since when somebody has an authenticator app."""
    standing.enrolled(sub, since=datetime.now(UTC))


def shown(email: str, secret: str) -> dict[str, Any]:
    """Return what the page shows of a new secret: a QR code, drawn here, and the letters to type by hand.

    The address is Google Authenticator's key URI format, which the other apps read too.
    """
    stage = config.stage()
    issuer = "DataBridge ERP" if stage == "prod" else f"DataBridge ERP {stage}"
    address = f"otpauth://totp/{quote(issuer)}:{quote(email)}?{urlencode({'secret': secret, 'issuer': issuer})}"
    code = segno.make(address, error="m", micro=False)
    return {
        "qr": code.svg_data_uri(scale=5, border=3, light="white"),
        "letters": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
    }


def of_signed_in(request: HttpRequest) -> HttpResponse:
    """Set one up for somebody who is signed in already."""
    email = str(request.user)
    try:
        token = middleware.access_token(request)
        if _SECRET not in request.session:
            request.session[_SECRET], _ = cognito.begin_enrolment(access_token=token)
    except DataBridgeError as error:
        messages.error(request, str(error))
        return redirect("account")
    page = shown(email, request.session[_SECRET]) | {"email": email}
    if request.method == "GET":
        return render(request, "accounts/authenticator.html", page)
    try:
        with (
            throttle.guessing(email, address_of(request)),
            audit.told(actor_of(request), "set up authenticator", email),
        ):
            username = middleware.username_of(request)
            cognito.finish_enrolment(request.POST.get("code", ""), username=username, access_token=token)
            keep(signed_in(request).sub)
    except DataBridgeError as error:
        return render(request, "accounts/authenticator.html", {**page, "error": error})
    del request.session[_SECRET]
    messages.success(request, "The authenticator app is set up. The next sign-in asks for its code.")
    return redirect("account")
