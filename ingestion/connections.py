"""Saved sources: host, sign-in and defaults under a name, which a request uses without knowing the secret.

The row in DynamoDB holds what people may see; the whole source is one secret in Secrets Manager, read only to
fetch or to test. A request may say which file it wants, never where the secret is sent.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

import uuid6
from pynamodb.exceptions import DoesNotExist

from accounts import audit
from ingestion import secrets
from ingestion.errors import BadRequest, DataBridgeError
from ingestion.models import Connection
from ingestion.moves import now, transact
from ingestion.sources import parse_source
from ingestion.sources.errors import SourceInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pynamodb.transactions import TransactWrite

    from accounts.models import User
    from ingestion.sources.base import Limits

FEED = "connections"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
SEEN_AT_MOST = 200
# What may hold a secret: kept out of every row, page and answer.
SECRET_FIELDS = frozenset(
    {"password", "private_key", "passphrase", "auth", "headers", "query", "body", "send", "send_base64"}
)
# What a request may say beside the connection's name: which file, and what becomes of it. Nothing of these leads
# the connection's secret to another place.
_CHOICES: dict[str, frozenset[str]] = {
    "http": frozenset({"path", "query", "body", "method", "pages", "filename"}),
    "ftp": frozenset({"path", "pattern", "filename", "settle", "since", "only_new", "after"}),
    "tcp": frozenset({"send", "send_base64", "until", "filename"}),
}
# Where a secret goes. If one of these changes, the secret has to be given again.
_PLACE_FIELDS = ("type", "host", "port", "protocol", "tls", "ca", "host_key", "username", "url")


class ConnectionMissing(DataBridgeError):
    """There is no connection of this name; it may have been removed since the job was made."""

    code: ClassVar[str] = "CONNECTION_NOT_FOUND"
    http_status: ClassVar[int] = 404


class ConnectionExists(DataBridgeError):
    """Another connection has this name already, or somebody changed it at the same time."""

    code: ClassVar[str] = "CONNECTION_CONFLICT"
    http_status: ClassVar[int] = 409


def all_connections() -> list[Connection]:
    """Return the saved sources by name."""
    return list(Connection.query(FEED, limit=500))


def get(name: str) -> Connection:
    """Return a saved source as people may see it; raises ``ConnectionMissing``."""
    try:
        return Connection.get(FEED, name, consistent_read=True)
    except DoesNotExist:
        raise ConnectionMissing(f"There is no connection {name!r}.", hint="Check its name, or make it.") from None


def create(user: User, name: str, spec: Mapping[str, Any]) -> Connection:
    """Save a source; raises ``BadRequest``, ``SourceInvalid`` or ``ConnectionExists``."""
    if not NAME.fullmatch(name):
        raise BadRequest(
            f"{name!r} cannot be a connection's name.",
            hint="Use up to 63 lower-case letters, digits, hyphens and underscores.",
        )
    return _save(user, _row(user, name, dict(spec)), dict(spec), was=None)


def change(user: User, name: str, spec: Mapping[str, Any]) -> Connection:
    """Replace a saved source; a secret that is left out stays, as long as it goes where it went before.

    Raises ``ConnectionMissing``, ``SourceInvalid`` or ``ConnectionExists``.
    """
    was = get(name)
    whole = _with_kept_secrets(dict(spec), _whole(was), was)
    return _save(user, _row(user, name, whole), whole, was=was)


def remove(user: User, name: str) -> None:
    """Remove a saved source and its secret; raises ``ConnectionMissing``. Jobs that would use it fail and say so."""
    found = get(name)

    def write(transaction: TransactWrite) -> None:
        transaction.delete(found, condition=Connection.secret_id == found.secret_id)
        audit.beside(audit.Actor.of(user), "remove connection", f"connection {name}")(transaction)

    if not transact(write):
        raise _changed(name)
    secrets.forget_connection(found.secret_id)


def test(name: str, limits: Limits) -> list[str]:
    """Sign in and return what the source sees, one line each; raises ``SourceError`` saying what is wrong."""
    found = get(name)
    spec = _whole(found)
    if spec["type"] == "ftp" and not spec.keys() & {"path", "pattern"}:
        spec = {"pattern": "*"} | spec
    seen = parse_source(spec).probe(limits)
    more = [f"… and {len(seen) - SEEN_AT_MOST:,} more"] if len(seen) > SEEN_AT_MOST else []
    return seen[:SEEN_AT_MOST] + more


def resolve(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request's source with the saved one under it where it names a ``connection``.

    Raises ``ConnectionMissing`` or ``SourceInvalid``.
    """
    if "connection" not in spec:
        return dict(spec)
    name = spec["connection"]
    if not isinstance(name, str):
        raise SourceInvalid("The connection's name must be a text.", hint="Correct source.connection.")
    whole = _whole(get(name))
    kind = whole["type"]
    chosen = {field: value for field, value in spec.items() if field not in {"connection", "type"}}
    if spec.get("type", kind) != kind:
        raise SourceInvalid(f"The connection {name!r} is of type {kind}.", hint="Leave source.type out.")
    for field in chosen:
        if field not in _CHOICES[kind]:
            raise SourceInvalid(
                f"Beside a connection of type {kind} a source has no field {field!r}.",
                hint=f"Known are {', '.join(sorted(_CHOICES[kind]))}.",
            )
    if kind == "http":
        return _http(whole, chosen)
    if "path" in chosen and "pattern" not in chosen:
        whole.pop("pattern", None)
    if kind == "tcp" and {"send", "send_base64"} & chosen.keys():
        whole = {field: value for field, value in whole.items() if field not in {"send", "send_base64"}}
    return whole | chosen


def has_secret(spec: Mapping[str, Any]) -> bool:
    """Tell whether a source may hold something that must not be seen."""
    return bool(SECRET_FIELDS & spec.keys()) or _url_has_secret(spec)


def visible(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a source without what may hold a secret."""
    shown = {field: value for field, value in spec.items() if field not in SECRET_FIELDS}
    if _url_has_secret(spec):
        shown["url"] = _bare(str(spec["url"]))
    return shown


def _http(whole: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
    """Lay a request's choice over an HTTP connection: the path goes below the saved one, on the same host."""
    path = chosen.pop("path", "")
    if not isinstance(path, str) or any(part in {".", ".."} for part in path.split("?")[0].split("/")):
        raise SourceInvalid("The path leads out of the connection's.", hint="Correct source.path.")
    if path:
        parts = urlsplit(whole["url"])
        below, _, query = path.partition("?")
        joined = f"{parts.path.rstrip('/')}/{below.lstrip('/')}"
        queries = "&".join(filter(None, [parts.query, query]))
        whole["url"] = urlunsplit(parts._replace(path=joined, query=queries))
    if "query" in chosen:
        if not isinstance(chosen["query"], dict):
            raise SourceInvalid("The source's 'query' must be an object of texts.", hint="Correct source.query.")
        chosen["query"] = whole.get("query", {}) | chosen["query"]
    return whole | chosen


def _row(user: User, name: str, spec: dict[str, Any]) -> Connection:
    if "connection" in spec:
        raise SourceInvalid("A connection cannot be made of another one.", hint="Give the source itself.")
    parse_source({"path": "-"} | spec if spec.get("type") == "ftp" else spec)  # it may leave the file open
    return Connection(
        FEED,
        name,
        spec=visible(spec),
        secret_fields=sorted((SECRET_FIELDS & spec.keys()) | ({"url"} if _url_has_secret(spec) else set())),
        secret_id=f"{name}-{uuid6.uuid7().hex}",
        changed_by=user.email or user.sub,
        changed_at=now(),
    )


def _save(user: User, row: Connection, whole: dict[str, Any], *, was: Connection | None) -> Connection:
    """Write the new secret under a name of its own, then the row that points to it, then drop the old secret.

    Cut off at any point, the row points to a secret that is whole.
    """
    secrets.keep_connection(row.secret_id, whole)
    still = Connection.name.does_not_exist() if was is None else Connection.secret_id == was.secret_id
    action = "create connection" if was is None else "change connection"

    def write(transaction: TransactWrite) -> None:
        transaction.save(row, condition=still)
        audit.beside(audit.Actor.of(user), action, f"connection {row.name}")(transaction)

    if not transact(write):
        secrets.forget_connection(row.secret_id)
        raise _changed(row.name)
    if was is not None:
        secrets.forget_connection(was.secret_id)
    return row


def _with_kept_secrets(new: dict[str, Any], old: dict[str, Any], was: Connection) -> dict[str, Any]:
    if "url" in was.secret_fields and new.get("url") == was.spec.get("url"):
        new["url"] = old["url"]  # as it was shown, without what it hides
    missing = [field for field in was.secret_fields if field in old and field not in new]
    if not missing:
        return new
    moved = [field for field in _PLACE_FIELDS if new.get(field) != old.get(field)]
    if moved:
        raise SourceInvalid(
            f"{', '.join(moved)} changed, so the secret must be given again.", hint=f"Give {', '.join(missing)} too."
        )
    return new | {field: old[field] for field in missing}


def _whole(found: Connection) -> dict[str, Any]:
    return secrets.recall_connection(found.secret_id)


def _url_has_secret(spec: Mapping[str, Any]) -> bool:
    url = spec.get("url")
    return isinstance(url, str) and _bare(url) != url


def _bare(url: str) -> str:
    """Return a URL without user, password and, over HTTP, query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    query = "" if parts.scheme in {"http", "https"} else parts.query
    return urlunsplit(parts._replace(netloc=parts.netloc.rsplit("@", 1)[-1], query=query))


def _changed(name: str) -> ConnectionExists:
    return ConnectionExists(f"The connection {name!r} exists already or was changed meanwhile.", hint="Look again.")
