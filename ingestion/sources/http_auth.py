"""How an HTTP source signs in: basic, bearer, an API key in a header or the query, OAuth2 client credentials."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from ingestion.sources.base import text, url_of
from ingestion.sources.errors import SourceInvalid, SourceLoginRefused, SourceRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestion.sources.http_client import HttpClient

_TOKEN_BYTES = 1 << 20
_KINDS = (
    {"username", "password"},
    {"bearer"},
    {"header", "value"},
    {"query", "value"},
    {"token_url", "client_id", "client_secret"},
    {"token_url", "client_id", "client_secret", "scope"},
)


def parse_auth(spec: Mapping[str, Any]) -> dict[str, str]:
    """Return the ``auth`` object of a source; raises ``SourceInvalid`` unless it is one of the known kinds."""
    given = spec.get("auth", {})
    if not isinstance(given, dict) or (given and set(given) not in _KINDS):
        known = "; ".join(", ".join(sorted(kind)) for kind in _KINDS)
        raise SourceInvalid("The source's 'auth' is no known way to sign in.", hint=f"Give one of: {known}.")
    found = {name: text(given, name, "" if name == "password" else None) for name in given}
    if "token_url" in found:
        url_of(found, {"https", "http"}, "token_url")
    return found


def credentials(auth: Mapping[str, str], client: HttpClient) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers and query fields that sign a request in; asks for a token if OAuth2 is meant."""
    if "bearer" in auth:
        return {"Authorization": f"Bearer {auth['bearer']}"}, {}
    if "username" in auth:
        return {"Authorization": _basic(auth["username"], auth["password"])}, {}
    if "header" in auth:
        return {auth["header"]: auth["value"]}, {}
    if "query" in auth:
        return {}, {auth["query"]: auth["value"]}
    if "token_url" in auth:
        return {"Authorization": f"Bearer {_token(auth, client)}"}, {}
    return {}, {}


def _token(auth: Mapping[str, str], client: HttpClient) -> str:
    """Return an access token of the client credentials grant (RFC 6749, 4.4)."""
    form = {"grant_type": "client_credentials"} | ({"scope": auth["scope"]} if "scope" in auth else {})
    # RFC 6749, 2.3.1: identifier and secret are form-encoded before they become a Basic password.
    headers = {
        "Authorization": _basic(quote(auth["client_id"], safe=""), quote(auth["client_secret"], safe="")),
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    hint = "Check token_url, client_id and client_secret."
    try:
        response = client.send("POST", auth["token_url"], headers, urlencode(form).encode())
        answer = json.loads(client.read(response, _TOKEN_BYTES))
        token = answer["access_token"]
    except SourceRefused as error:  # 400 is how RFC 6749, 5.2 says invalid_client and invalid_scope
        raise SourceLoginRefused("The token endpoint refused the client.", hint=hint) from error
    except (ValueError, KeyError, TypeError) as error:
        raise SourceLoginRefused("The token endpoint gave no access token.", hint=hint) from error
    return str(token)


def _basic(user: str, secret: str) -> str:
    return "Basic " + b64encode(f"{user}:{secret}".encode()).decode()
