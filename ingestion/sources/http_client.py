"""An HTTP client that dials only what the guard has checked, and whose errors are ours."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit, urlunsplit

import httpcore
import httpx

from ingestion.sources import guard
from ingestion.sources.base import Limits, tls_context, why_tls
from ingestion.sources.errors import (
    SourceBusy,
    SourceDenied,
    SourceError,
    SourceFileMissing,
    SourceInvalid,
    SourceLoginRefused,
    SourceRefused,
    SourceTimeout,
    SourceTooLarge,
    SourceTruncated,
    SourceUnreachable,
    TlsRefused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_REDIRECTS = {301, 302, 303, 307, 308}
# What may follow a redirect to another origin; anything else may be a secret under a name of its own.
_HARMLESS_HEADERS = {"accept", "accept-language", "range", "if-range", "user-agent"}


class _GuardedBackend(httpcore.SyncBackend):
    """httpcore's network that dials only what the guard has checked."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> httpcore.NetworkStream:
        """Resolve and check first, then dial the checked addresses in turn; TLS still checks the name."""
        failure: Exception | None = None
        for address in guard.resolve(host, port, self._limits.policy):
            try:
                return super().connect_tcp(address, port, *args, **options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        timed_out = isinstance(failure, httpcore.ConnectTimeout)
        cause = TimeoutError() if timed_out else failure and failure.__cause__
        raise guard.unreachable(host, port, cause if isinstance(cause, Exception) else None) from failure


class HttpClient:
    """Sends requests within limits. Use it as a context; a response that is streamed is the caller's to close."""

    def __init__(self, limits: Limits, ca: str = "") -> None:
        transport = httpx.HTTPTransport(verify=tls_context(ca), trust_env=False)
        pool: Any = transport._pool  # noqa: SLF001  (httpx offers no public way to give a network backend)
        pool._network_backend = _GuardedBackend(limits)  # noqa: SLF001
        self._limits = limits
        self._client = httpx.Client(
            transport=transport,
            timeout=httpx.Timeout(limits.read_timeout_s, connect=limits.connect_timeout_s),
            trust_env=False,
            headers={"Accept-Encoding": "identity", "User-Agent": "DataBridge-ERP"},
            event_hooks={"response": [self._refuse_led_inside]},
        )

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> httpx.Response:
        """Send, follow redirects that the guard allows, and return the answer with its body still to be read.

        Credentials stay with the origin they were meant for. Raises ``SourceError`` for a status that is no success.
        """
        for _ in range(self._limits.max_redirects + 1):
            with translated(url):
                request = self._client.build_request(method, url, headers=dict(headers), content=body)
                response = self._client.send(request, stream=True, follow_redirects=False)
            if response.status_code not in _REDIRECTS or "location" not in response.headers:
                return _checked(response)
            response.close()
            target = _target(url, response.headers["location"])
            if response.status_code in {301, 302, 303}:
                method, body = "GET", None
            if origin(target) != origin(url):
                if body is not None:
                    raise SourceRefused("The server redirects a body to another host.", hint="Check the url.")
                headers = {name: value for name, value in headers.items() if name.lower() in _HARMLESS_HEADERS}
            url = target
        raise SourceRefused(
            f"The server redirects more than {self._limits.max_redirects} times.", hint="Check the url."
        )

    def _refuse_led_inside(self, response: httpx.Response) -> None:
        """Check a redirect's target before httpx reads it, which takes some forms of an address for no URL at all."""
        if response.status_code in _REDIRECTS and "location" in response.headers:
            self.check(_target(str(response.request.url), response.headers["location"]))

    def check(self, url: str) -> None:
        """Raise ``BlockedAddress`` if the guard refuses the url's host; nothing is dialled."""
        host, port = origin(url)[1:]
        guard.resolve(host, port, self._limits.policy)

    def read(self, response: httpx.Response, most: int) -> bytes:
        """Return a whole small body, decoded, and close the answer; raises ``SourceTooLarge`` beyond ``most`` bytes."""
        parts, done = [], 0
        try:
            with translated(str(response.url)):
                for chunk in response.iter_bytes():
                    done += len(chunk)
                    if done > most:
                        raise SourceTooLarge(f"One answer has more than {most:,} bytes.", hint="Ask for smaller pages.")
                    parts.append(chunk)
        finally:
            response.close()
        return b"".join(parts)


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn httpx's errors into ours."""
    host = urlsplit(url).hostname
    try:
        yield
    except SourceError:
        raise
    except httpx.TimeoutException as error:
        raise SourceTimeout(f"{host} did not answer in time.", hint="It is tried again.") from error
    except httpx.InvalidURL as error:
        raise SourceInvalid("The url is none.", hint="Correct source.url.") from error
    except (httpx.HTTPError, httpx.StreamError) as error:
        if why := why_tls(error):
            hint = "Check name, expiry and authority of the certificate."
            raise TlsRefused(f"TLS with {host} failed: {why}.", hint=hint) from error
        if isinstance(error, (httpx.RemoteProtocolError, httpx.ReadError)):
            raise SourceTruncated(f"{host} broke the transfer off.", hint="It is tried again.") from error
        raise SourceUnreachable(f"The transfer from {host} failed.", hint="It is tried again.") from error


def without_secrets(url: str) -> str:
    """Return a URL without user, password and query, which may carry tokens."""
    parts = urlsplit(url)
    host = parts.netloc.rsplit("@", 1)[-1]
    return urlunsplit((parts.scheme, host, parts.path, "…" if parts.query else "", ""))


def origin(url: str) -> tuple[str, str, int]:
    """Return what credentials are meant for: scheme, host and port of a URL."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def time_of(text: str | None) -> datetime | None:
    """Return an HTTP date (RFC 9110, 5.6.7) as an aware time, None if it is none."""
    try:
        return parsedate_to_datetime(text) if text else None
    except ValueError:
        return None


def _target(url: str, location: str) -> str:
    target = urljoin(url, location)
    if urlsplit(target).scheme not in {"http", "https"}:
        raise SourceRefused("The server redirects to an address that is not HTTP.", hint="Check the url.")
    return target


def _checked(response: httpx.Response) -> httpx.Response:
    status = response.status_code
    if 200 <= status < 300:
        return response
    response.close()
    said = f"{response.url.host} answered {status}."
    if status == 401:
        raise SourceLoginRefused(said, hint="Check user, password or token.")
    if status == 403:
        raise SourceDenied(said, hint="Check the right to read the file.")
    if status in {404, 410}:
        raise SourceFileMissing(said, hint="Check the path in the url.")
    if status in {408, 425, 429} or status >= 500:
        raise SourceBusy(said, retry_after_s=_retry_after_s(response.headers.get("retry-after", "")))
    raise SourceRefused(said, hint="Check the request.")


def _retry_after_s(value: str) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, given as a number or as a date."""
    if value.isdecimal():
        return float(value)
    until = time_of(value)
    if until is None or until.tzinfo is None:
        return None
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
