"""Signing in and out on pages, and tokens for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import cognito, jwt, throttle
from accounts.middleware import remember
from ingestion.errors import BadRequest, DataBridgeError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from django.http import HttpRequest, HttpResponse
    from rest_framework.request import Request

HOME = "/app/"
_CHALLENGE = "first_password"


def _try(request: HttpRequest, account: str) -> AbstractContextManager[None]:
    """Return the throttle for one try to sign in."""
    return throttle.sign_in_of(account, request.META.get("REMOTE_ADDR", ""))


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show the form; on a good password start a session and go where the person wanted to go."""
    wanted = request.POST.get("next") or request.GET.get("next") or HOME
    if not url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        wanted = HOME
    if request.method == "GET":
        return render(request, "accounts/sign_in.html", {"next": wanted})
    email, password = request.POST.get("email", "").strip(), request.POST.get("password", "")
    try:
        with _try(request, email):
            tokens = cognito.sign_in(email, password)
    except cognito.NewPasswordRequired as step:
        request.session[_CHALLENGE] = {"email": email, "challenge": step.challenge, "next": wanted}
        return redirect("/app/new-password")
    except DataBridgeError as error:
        return _again(request, "accounts/sign_in.html", error, {"next": wanted, "email": email})
    return _welcome(request, tokens, wanted)


@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def new_password(request: HttpRequest) -> HttpResponse:
    """Take the first password of an invited person, and sign them in."""
    step = request.session.get(_CHALLENGE)
    if not step:
        return redirect("/app/sign-in")
    if request.method == "GET":
        return render(request, "accounts/new_password.html", {"email": step["email"]})
    password = request.POST.get("password", "")
    try:
        if password != request.POST.get("again", ""):
            raise BadRequest("The two passwords differ.", hint="Type the same one twice.")
        tokens = cognito.set_first_password(step["email"], password, step["challenge"])
    except DataBridgeError as error:
        return _again(request, "accounts/new_password.html", error, {"email": step["email"]})
    return _welcome(request, tokens, step["next"])


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    request.session.flush()
    return redirect("/app/sign-in")


def _welcome(request: HttpRequest, tokens: cognito.Tokens, wanted: str) -> HttpResponse:
    claims = jwt.verified(tokens.id_token)
    remember(request, jwt.user_of(claims), list(claims.get("cognito:groups", ())))
    return redirect(wanted)


def _again(request: HttpRequest, page: str, error: DataBridgeError, known: dict[str, Any]) -> HttpResponse:
    status = 429 if error.http_status == 429 else 200
    return render(request, page, {**known, "error": error}, status=status)


class TokenRequest(serializers.Serializer[Any]):
    """Either a user name and password, or a refresh token."""

    username = serializers.CharField(required=False)
    password = serializers.CharField(required=False, trim_whitespace=False)
    refresh_token = serializers.CharField(required=False)


class TokenAnswer(serializers.Serializer[Any]):
    """Cognito's tokens; send ``id_token`` as ``Authorization: Bearer``."""

    id_token = serializers.CharField()
    access_token = serializers.CharField()
    refresh_token = serializers.CharField(allow_null=True)
    expires_in = serializers.IntegerField()
    token_type = serializers.CharField(default="Bearer")


class Token(APIView):
    """Tokens for people and programs."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="token", request=TokenRequest, responses={200: TokenAnswer}, auth=[])
    def post(self, request: Request) -> Response:
        """Answer tokens for a password or a refresh token; throttled per account and address."""
        asked = TokenRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        if "refresh_token" in given:
            with _try(request._request, given["refresh_token"]):  # noqa: SLF001
                tokens = cognito.renew(given["refresh_token"], given.get("username", ""))
        elif {"username", "password"} <= given.keys():
            with _try(request._request, given["username"]):  # noqa: SLF001
                tokens = cognito.sign_in(given["username"], given["password"])
        else:
            raise BadRequest(
                "Neither a password nor a refresh token was sent.",
                hint='Send {"username", "password"} or {"refresh_token"}.',
            )
        return Response(TokenAnswer({**_fields(tokens), "token_type": "Bearer"}).data)


def _fields(tokens: cognito.Tokens) -> dict[str, Any]:
    return {
        "id_token": tokens.id_token,
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "expires_in": tokens.expires_in,
    }
