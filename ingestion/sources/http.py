"""Files behind an HTTP or HTTPS address."""

from __future__ import annotations

import json
import re
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx

from ingestion.sources.base import (
    CHUNK_BYTES,
    Entry,
    Fetched,
    Limits,
    OneFile,
    Version,
    block,
    refuse_unknown,
    text,
    url_of,
)
from ingestion.sources.errors import SourceChanged, SourceInvalid, SourceRefused
from ingestion.sources.http_auth import credentials, parse_auth
from ingestion.sources.http_client import HttpClient, origin, time_of, translated, without_secrets
from ingestion.sources.http_pages import parse_pages, whole_array
from ingestion.sources.resume import Deadline, bounded, patiently, resuming

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FIELDS = {"type", "url", "method", "headers", "query", "body", "auth", "filename", "ca", "pages"}
# What the client itself must say, or a request could be smuggled past the guard's view of it.
_OWN_HEADERS = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "range", "if-range"}
_PAGE_BYTES = 64 << 20
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSource(OneFile):
    """One request whose answer's body is the file; or, with ``pages``, many whose rows become one JSON array."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    auth: Mapping[str, str] = field(default_factory=dict)
    pages: Mapping[str, Any] = field(default_factory=dict)
    ca: str = ""
    filename: str = ""
    type: str = "http"

    @classmethod
    def parse(cls, spec: Mapping[str, Any]) -> Self:
        """Make the source of a request's ``source`` object; raises ``SourceInvalid``."""
        refuse_unknown(spec, _FIELDS)
        parts = url_of(spec, {"http", "https"})
        method = text(spec, "method", "GET").upper()
        if method not in {"GET", "POST"}:
            raise SourceInvalid(f"The method cannot be {method}.", hint="Use GET or POST.")
        auth = parse_auth(spec)
        if parts.username and not auth:
            auth = {"username": unquote(parts.username), "password": unquote(parts.password or "")}
        headers, body = _body(spec, _headers(spec))
        return cls(
            url=urlunsplit(parts._replace(netloc=parts.netloc.rsplit("@", 1)[-1], fragment="")),
            method=method,
            headers=headers,
            query=_texts(spec, "query"),
            body=body if method == "POST" else None,
            auth=auth,
            pages=parse_pages(spec),
            ca=block(spec, "ca", ""),
            filename=text(spec, "filename", ""),
        )

    def public(self) -> dict[str, Any]:
        """Return address and method; credentials, query values, headers' values and the body are left out."""
        shown: dict[str, Any] = {"type": "http", "url": without_secrets(self.url)}
        if self.method != "GET":
            shown["method"] = self.method
        if self.auth:
            shown["auth"] = sorted(self.auth)
        if self.headers:
            shown["headers"] = sorted(self.headers)
        return shown | ({"filename": self.filename} if self.filename else {})

    @contextmanager
    def open(self, limits: Limits) -> Iterator[Fetched]:
        """Send the request, following redirects that the guard allows, and stream the body.

        After a cut the rest is asked for by Range, if the answer had an entity tag or a date to hold on to.
        A body that the server insists on compressing is kept as it came: a gzip file.
        """
        deadline = Deadline(limits)
        with HttpClient(limits, self.ca) as client:
            headers, query = patiently(lambda: credentials(self.auth, client), limits, deadline)
            download = _Download(client, self, dict(self.headers) | headers, query)
            if self.pages:
                chunks = whole_array(
                    self.pages, download.url, download.page, lambda call: patiently(call, limits, deadline)
                )
                chunks = bounded(chunks, size=None, limits=limits, deadline=deadline)
                yield Fetched(filename=self.filename or "pages.json", size=None, chunks=chunks)
                return
            with closing(patiently(download.begin, limits, deadline)) as response:
                name = self.filename or _name(response)
                size, version = _content_length(response), _version(response)
                take = resuming if download.resumable else _once
                chunks = take(download.rest, size=size, limits=limits, deadline=deadline)
                yield Fetched(filename=name, size=size, chunks=chunks, version=version)

    def entries(self, limits: Limits) -> list[Entry]:
        """Return the one file that the address is; nothing is dialled."""
        name = self.filename or _last(self.url)
        return [Entry(name=name, path=without_secrets(self.url), version=Version(), changes={})]

    def probe(self, limits: Limits) -> list[str]:
        """Send the request and return what the answer's head says; the body is not read."""
        with self.open(limits) as fetched:
            size = "unknown size" if fetched.size is None else f"{fetched.size:,} bytes"
            return [f"{fetched.filename}, {size}"]


class _Download:
    """One file of one request, which can be asked for again from an offset."""

    def __init__(self, client: HttpClient, source: HttpSource, headers: dict[str, str], query: dict[str, str]) -> None:
        self._client, self._source, self._headers, self._query = client, source, headers, query
        fields = dict(source.query) | query
        self.url = str(httpx.URL(source.url).copy_merge_params(fields)) if fields else source.url
        self._first: httpx.Response | None = None
        self._validator = ""
        self.resumable = False

    def begin(self) -> httpx.Response:
        """Send the request; the answer's body is what ``rest(0)`` yields first."""
        self._first = self._client.send(self._source.method, self.url, self._headers, self._source.body)
        _refuse_coding(self._first)
        self._validator = _validator(self._first)
        self.resumable = bool(self._validator) and self._source.method == "GET"
        return self._first

    def rest(self, offset: int) -> Iterator[bytes]:
        """Yield the file from an offset; raises ``SourceChanged`` if it is another one by now."""
        response, self._first = self._first, None
        skip = 0
        if response is None:
            condition = {"Range": f"bytes={offset}-", "If-Range": self._validator}
            try:
                response = self._client.send("GET", self.url, self._headers | condition)
            except SourceRefused as error:  # 416: the file is shorter than what is already here
                raise _changed() from error
            if response.status_code != 206:
                skip = offset  # the server knows no ranges; what is here already is read past
        with closing(response), translated(self.url):
            partial, found = response.status_code == 206, _validator(response)
            if found != self._validator and not (partial and not found):  # a 206 may leave the tag out
                raise _changed()
            if partial and _start(response) != offset:
                raise _changed()
            for chunk in response.iter_raw(CHUNK_BYTES):
                if len(chunk) > skip:
                    yield chunk[skip:]
                skip = max(0, skip - len(chunk))

    def page(self, url: str) -> tuple[bytes, Mapping[str, str]]:
        """Return one page's decoded body and headers; credentials do not follow a page to another host."""
        if origin(url) != origin(self.url):
            self._client.check(url)
            raise SourceRefused("A page names its next one on another host.", hint="Check the service's own url.")
        signed = str(httpx.URL(url).copy_merge_params(self._query)) if self._query else url
        response = self._client.send(self._source.method, signed, self._headers, self._source.body)
        return self._client.read(response, _PAGE_BYTES), response.headers


def _once(rest: Any, *, size: int | None, limits: Limits, deadline: Deadline) -> Iterator[bytes]:
    return bounded(rest(0), size=size, limits=limits, deadline=deadline)


def _changed() -> SourceChanged:
    return SourceChanged("The file was replaced while it was fetched.", hint="It is tried again from the start.")


def _validator(response: httpx.Response) -> str:
    """Return what If-Range may hold (RFC 9110, 13.1.5): a strong entity tag, else the date."""
    tag = response.headers.get("etag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("last-modified", "")


def _start(response: httpx.Response) -> int | None:
    found = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
    return int(found.group(1)) if found else None


def _refuse_coding(response: httpx.Response) -> None:
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in {"identity", "gzip", "x-gzip", ""}:
        response.close()
        raise SourceRefused(
            f"The server compresses by {coding!r} although it was asked not to.", hint="Turn that off for this file."
        )


def _version(response: httpx.Response) -> Version:
    headers = response.headers
    return Version(
        size=_content_length(response), modified=time_of(headers.get("last-modified")), etag=headers.get("etag", "")
    )


def _content_length(response: httpx.Response) -> int | None:
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


def _name(response: httpx.Response) -> str:
    """Return the file's name: Content-Disposition (RFC 6266, the encoded form first), else the URL's end."""
    given = response.headers.get("content-disposition", "")
    if found := re.search(r"filename\*\s*=\s*([\w-]+)'[^']*'([^;\s]+)", given, re.IGNORECASE):
        try:
            return unquote(found.group(2), encoding=found.group(1))
        except LookupError:
            return unquote(found.group(2))
    if found := re.search(r'filename\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^;\s]+))', given, re.IGNORECASE):
        return re.sub(r"\\(.)", r"\1", found.group(1)) if found.group(1) else found.group(2)
    return _last(str(response.url))


def _last(url: str) -> str:
    return unquote(urlsplit(url).path.rsplit("/", 1)[-1]) or "download"


def _headers(spec: Mapping[str, Any]) -> dict[str, str]:
    found = _texts(spec, "headers")
    for name, value in found.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS or not value.isprintable():
            raise SourceInvalid(f"The header {name!r} cannot be given.", hint="Correct source.headers.")
    return found


def _body(spec: Mapping[str, Any], headers: dict[str, str]) -> tuple[dict[str, str], bytes]:
    """Return headers and body; an object or array is sent as JSON."""
    body = spec.get("body", "")
    if isinstance(body, (dict, list)):
        if not any(name.lower() == "content-type" for name in headers):
            headers = headers | {"Content-Type": "application/json"}
        return headers, json.dumps(body, ensure_ascii=False).encode()
    return headers, block(spec, "body", "").encode()


def _texts(spec: Mapping[str, Any], name: str) -> dict[str, str]:
    value = spec.get(name, {})
    if not isinstance(value, dict) or not all(isinstance(entry, str) for entry in value.values()):
        raise SourceInvalid(f"The source's {name!r} must be an object of texts.", hint=f"Correct source.{name}.")
    return value
