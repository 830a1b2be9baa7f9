"""Files behind an HTTP or HTTPS address."""

from __future__ import annotations

import re
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import httpcore
import httpx

from ingestion.sources import guard
from ingestion.sources.base import CHUNK_BYTES, Fetched, Limits, bounded, refuse_unknown, text
from ingestion.sources.errors import (
    SourceBusy,
    SourceDenied,
    SourceError,
    SourceFileMissing,
    SourceInvalid,
    SourceRefused,
    SourceTruncated,
    SourceUnreachable,
    TlsRefused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FIELDS = {"type", "url", "method", "headers", "query", "body", "auth", "filename"}
_SENSITIVE_HEADER = re.compile(r"authorization|cookie|key|token|secret|password", re.IGNORECASE)
_REDIRECTS = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSource:
    """One request whose answer's body is the file. ``auth`` is ``{"basic": ...}``, ``{"bearer": ...}`` or a header."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    auth: Mapping[str, str] = field(default_factory=dict)
    filename: str = ""
    type: str = "http"

    @classmethod
    def parse(cls, spec: Mapping[str, Any]) -> Self:
        """Make the source of a request's ``source`` object; raises ``SourceInvalid``."""
        refuse_unknown(spec, _FIELDS)
        url = text(spec, "url")
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SourceInvalid("The url must begin with http:// or https://.", hint="Correct source.url.")
        method = text(spec, "method", "GET").upper()
        if method not in {"GET", "POST"}:
            raise SourceInvalid(f"The method cannot be {method}.", hint="Use GET or POST.")
        return cls(
            url=url,
            method=method,
            headers=_texts(spec, "headers"),
            query=_texts(spec, "query"),
            body=text(spec, "body", ""),
            auth=_texts(spec, "auth"),
            filename=text(spec, "filename", ""),
        )

    def public(self) -> dict[str, Any]:
        """Return address and method; credentials, query values and sensitive headers are left out."""
        shown: dict[str, Any] = {"type": "http", "url": _without_secrets(self.url)}
        if self.method != "GET":
            shown["method"] = self.method
        if self.auth:
            shown["auth"] = sorted(self.auth)
        if names := [name for name in self.headers if not _SENSITIVE_HEADER.search(name)]:
            shown["headers"] = {name: self.headers[name] for name in names}
        return shown

    @contextmanager
    def open(self, limits: Limits) -> Iterator[Fetched]:
        """Send the request, following redirects that the guard allows, and stream the body."""
        with _client(limits) as client, _translated(self.url):
            response = self._answer(client, limits)
            try:
                _check(response)
                size = _content_length(response)
                chunks = bounded(response.iter_bytes(CHUNK_BYTES), limits, size)
                yield Fetched(
                    filename=self.filename or _name(response), size=size, chunks=_translating(chunks, self.url)
                )
            finally:
                response.close()

    def _answer(self, client: httpx.Client, limits: Limits) -> httpx.Response:
        url, method, headers = self._request_url(), self.method, dict(self.headers) | self._auth_header()
        for _ in range(limits.max_redirects + 1):
            request = client.build_request(
                method, url, headers=headers, content=self.body or None if method == "POST" else None
            )
            response = client.send(request, stream=True, follow_redirects=False)
            if response.status_code not in _REDIRECTS or "location" not in response.headers:
                return response
            response.close()
            target = urljoin(str(response.url), response.headers["location"])
            if urlsplit(target).scheme not in {"http", "https"}:
                raise SourceRefused("The server redirects to an address that is not HTTP.", hint="Check the url.")
            if urlsplit(target).netloc != urlsplit(str(response.url)).netloc:
                headers = {name: value for name, value in headers.items() if not _SENSITIVE_HEADER.search(name)}
            if response.status_code in {301, 302, 303}:
                method = "GET"
            url = target
        raise SourceRefused(f"The server redirects more than {limits.max_redirects} times.", hint="Check the url.")

    def _request_url(self) -> str:
        return str(httpx.URL(self.url).copy_merge_params(dict(self.query))) if self.query else self.url

    def _auth_header(self) -> dict[str, str]:
        parts = urlsplit(self.url)
        if "bearer" in self.auth:
            return {"Authorization": f"Bearer {self.auth['bearer']}"}
        user = self.auth.get("username", unquote(parts.username or ""))
        if user:
            secret = self.auth.get("password", unquote(parts.password or ""))
            return {"Authorization": "Basic " + b64encode(f"{user}:{secret}".encode()).decode()}
        if "header" in self.auth and "value" in self.auth:
            return {self.auth["header"]: self.auth["value"]}
        return {}


class _GuardedBackend(httpcore.SyncBackend):
    """httpcore's network that dials only what the guard has checked."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> httpcore.NetworkStream:
        """Resolve and check first, then dial the checked address itself; TLS still checks the name."""
        address = guard.resolve(host, port, self._limits.policy)[0]
        return super().connect_tcp(address, port, *args, **options)


def _client(limits: Limits) -> httpx.Client:
    transport = httpx.HTTPTransport(trust_env=False)
    pool: Any = transport._pool  # noqa: SLF001  (httpx offers no public way to give a network backend)
    pool._network_backend = _GuardedBackend(limits)  # noqa: SLF001
    timeout = httpx.Timeout(limits.read_timeout_s, connect=limits.connect_timeout_s)
    return httpx.Client(transport=transport, timeout=timeout, trust_env=False, headers={"Accept-Encoding": "identity"})


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Turn httpx's errors into ours."""
    host = urlsplit(url).hostname
    try:
        yield
    except SourceError:
        raise
    except httpx.ConnectError as error:
        if "CERTIFICATE" in str(error).upper() or "SSL" in str(error).upper():
            raise TlsRefused(f"The certificate of {host} does not hold.", hint="Check name and expiry date.") from error
        raise SourceUnreachable(f"{host} could not be reached.", hint="Check the url; it is tried again.") from error
    except httpx.TimeoutException as error:
        raise SourceUnreachable(f"{host} did not answer in time.", hint="It is tried again.") from error
    except httpx.RemoteProtocolError as error:
        raise SourceTruncated(f"{host} broke the transfer off.", hint="It is tried again.") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceUnreachable(f"The transfer from {host} failed.", hint="It is tried again.") from error


def _translating(chunks: Iterator[bytes], url: str) -> Iterator[bytes]:
    with _translated(url):
        yield from chunks


def _check(response: httpx.Response) -> None:
    status = response.status_code
    if status < 300:
        return
    said = f"{response.url.host} answered {status}."
    if status in {401, 403}:
        raise SourceDenied(said, hint="Check user, password or token, and the right to read the file.")
    if status in {404, 410}:
        raise SourceFileMissing(said, hint="Check the path in the url.")
    if status == 429 or status >= 500:
        raise SourceBusy(said, hint="It is tried again.")
    raise SourceRefused(said, hint="Check the request.")


def _content_length(response: httpx.Response) -> int | None:
    """Return the announced size; none when the body is coded, because then it counts other bytes."""
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() and "content-encoding" not in response.headers else None


def _name(response: httpx.Response) -> str:
    given = response.headers.get("content-disposition", "")
    if found := re.search(r"filename\*=(?:UTF-8|utf-8)''([^;]+)", given) or re.search(r'filename="?([^";]+)', given):
        return unquote(found.group(1))
    return unquote(urlsplit(str(response.url)).path.rsplit("/", 1)[-1]) or "download"


def _without_secrets(url: str) -> str:
    """Return a URL without user, password and query, which may carry tokens."""
    parts = urlsplit(url)
    host = parts.netloc.rsplit("@", 1)[-1]
    return urlunsplit((parts.scheme, host, parts.path, "…" if parts.query else "", ""))


def _texts(spec: Mapping[str, Any], name: str) -> dict[str, str]:
    value = spec.get(name, {})
    if not isinstance(value, dict) or not all(isinstance(entry, str) for entry in value.values()):
        raise SourceInvalid(f"The source's {name!r} must be an object of texts.", hint=f"Correct source.{name}.")
    return value
