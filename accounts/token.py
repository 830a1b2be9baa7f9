"""Tokens for people's programs: ``POST /token``. Machine clients ask Cognito's own token endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import audit, authenticator, cognito, middleware, throttle
from accounts.origin import actor_of, address_of
from accounts.roles import OpenTo
from ingestion.api.serializers import ProblemSerializer
from ingestion.errors import BadRequest, DataBridgeError

if TYPE_CHECKING:
    from rest_framework.request import Request


# A refresh token goes out with Cognito's name of the person before it: renewing has to prove the client's secret
# for that name (SECRET_HASH), and nobody else keeps it. Neither part has a colon.
_NAME_ENDS = ":"


class TokenRequest(serializers.Serializer[Any]):
    """Either a user name and password, with the authenticator app's code if there is one, or a refresh token."""

    username = serializers.CharField(required=False, max_length=254, help_text="The e-mail address.")
    password = serializers.CharField(required=False, trim_whitespace=False, max_length=256)
    mfa_code = serializers.CharField(
        required=False, max_length=16, help_text="Six digits, when the account has an authenticator app."
    )
    refresh_token = serializers.CharField(required=False, max_length=8192)


class TokenAnswer(serializers.Serializer[Any]):
    """Cognito's tokens; send ``id_token`` as ``Authorization: Bearer``."""

    id_token = serializers.CharField()
    access_token = serializers.CharField()
    refresh_token = serializers.CharField(allow_null=True)
    expires_in = serializers.IntegerField(help_text="Seconds.")
    token_type = serializers.CharField(default="Bearer")


class Token(APIView):
    """Tokens for people and their programs."""

    open_to = OpenTo.EVERYBODY
    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (JSONParser,)

    @extend_schema(
        operation_id="token",
        request=TokenRequest,
        responses={200: TokenAnswer, 400: ProblemSerializer, 401: ProblemSerializer, 429: ProblemSerializer},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Answer tokens for a password or a refresh token; throttled per account and address.

        A 401 says in ``code`` what is missing: ``MFA_REQUIRED`` (send ``mfa_code`` too), ``MFA_SETUP_REQUIRED``
        and ``NEW_PASSWORD_REQUIRED`` (sign in on the web page once), ``SIGN_IN_REFUSED`` (everything else).
        """
        asked = TokenRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        if "refresh_token" in given:
            account, action = given["refresh_token"], "renew token"
        elif {"username", "password"} <= given.keys():
            account, action = given["username"], "get token"
        else:
            raise BadRequest(
                "Neither a password nor a refresh token was sent.",
                hint='Send {"username", "password"} or {"refresh_token"}.',
            )
        name = given.get("username", "")
        http = request._request  # noqa: SLF001  (DRF's own wrapper hides where the request comes from)
        try:
            with throttle.guessing(account, address_of(http)):
                tokens = _tokens(given)
        except DataBridgeError as error:
            audit.note(actor_of(http, name), action, name or "refresh token", audit.REFUSED, code=error.code)
            raise
        known = middleware.identity(tokens)
        audit.note(actor_of(http, known["email"]), action, known["email"])
        return Response(TokenAnswer({**_fields(tokens, known["username"]), "token_type": "Bearer"}).data)


def _tokens(given: dict[str, str]) -> cognito.Tokens:
    if "refresh_token" in given:
        username, _, token = given["refresh_token"].rpartition(_NAME_ENDS)
        return cognito.renew(token, username)
    try:
        tokens = cognito.sign_in(given["username"], given["password"])
    except cognito.MfaRequired as step:
        if "mfa_code" not in given:
            step.hint = "Send the app's six digits as mfa_code, with the password."
            raise
        return cognito.answer_code(step.username, given["mfa_code"], step.session)
    known = middleware.identity(tokens)
    if authenticator.is_missing(known["sub"], known["username"]):
        raise cognito.MfaSetupRequired("An authenticator app has to be set up.", hint="Sign in on the web page once.")
    return tokens


def _fields(tokens: cognito.Tokens, username: str) -> dict[str, Any]:
    fields = {name: getattr(tokens, name) for name in ("id_token", "access_token", "refresh_token", "expires_in")}
    if tokens.refresh_token:
        fields["refresh_token"] = f"{username}{_NAME_ENDS}{tokens.refresh_token}"
    return fields
