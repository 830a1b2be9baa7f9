"""The one interface of all sources: describe yourself without secrets, then stream bytes."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import SplitResult, urlsplit

import certifi

from ingestion.sources.errors import SourceInvalid
from ingestion.sources.guard import GuardPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one fetch may take, and from where. Sizes in bytes, times in seconds.

    ``deadline_s`` bounds the whole fetch with all its resumptions and stays below a Lambda's 15 minutes.
    ``max_failures`` is how often in a row a connection may break without bringing a single byte;
    ``backoff_s`` the first pause, which doubles.
    """

    max_bytes: int = 10 * 1024**3
    connect_timeout_s: float = 15.0
    read_timeout_s: float = 60.0
    deadline_s: float = 780.0
    max_redirects: int = 5
    max_failures: int = 4
    backoff_s: float = 0.5
    policy: GuardPolicy = field(default_factory=GuardPolicy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What tells one state of a remote file from another: size in bytes, time, and HTTP's entity tag."""

    size: int | None = None
    modified: datetime | None = None
    etag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file that a source sees. ``changes`` laid over the source's spec make a source of this file alone."""

    name: str
    path: str
    version: Version
    changes: Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Fetched:
    """An open transfer: a file name, the size if the other side told it, and the bytes as they come."""

    filename: str
    size: int | None
    chunks: Iterator[bytes]
    version: Version = field(default_factory=Version)


class OneFile:
    """A source that is always one file, which is only read."""

    __slots__ = ()
    lists = only_new = polls = acts_afterwards = False

    def after_publish(self, limits: Limits, fetched: Version) -> None:
        """Do nothing: there is no file that could be deleted or moved."""


class Source(Protocol):
    """A place files come from.

    A class is made from the ``source`` object of ``POST /ingest``. Every failure is a ``SourceError`` that
    says whether a retry can cure it; no address is dialled that the guard has not checked.
    """

    @property
    def type(self) -> str:
        """Name the kind: http, ftp or tcp."""
        ...

    @classmethod
    def parse(cls, spec: Mapping[str, Any]) -> Self:
        """Make the source of its spec; raises ``SourceInvalid`` naming the field."""
        ...

    def public(self) -> dict[str, Any]:
        """Return the source as a job may show it: passwords, tokens and credentials in URLs left out."""
        ...

    @property
    def lists(self) -> bool:
        """Whether ``entries`` must be asked which file is meant, as there may be several, or none that is new."""
        ...

    @property
    def only_new(self) -> bool:
        """Whether a state of a file that was loaded before is left alone."""
        ...

    @property
    def polls(self) -> bool:
        """Whether the source is asked again and again, so that no file, or no new one, is no fault."""
        ...

    @property
    def acts_afterwards(self) -> bool:
        """Whether ``after_publish`` does something."""
        ...

    def open(self, limits: Limits) -> AbstractContextManager[Fetched]:
        """Connect and stream one file; closing the context ends the transfer."""
        ...

    def entries(self, limits: Limits) -> list[Entry]:
        """Return the files that are ready to be fetched, oldest first; one job takes one of them."""
        ...

    def probe(self, limits: Limits) -> list[str]:
        """Test the connection: return what the source sees, one line each, without fetching it."""
        ...

    def after_publish(self, limits: Limits, fetched: Version) -> None:
        """Delete or move the file if the source says so, once its data is published.

        ``fetched`` is the version that was published; a file changed since then stays (``SourceChanged``).
        Doing it twice does no harm.
        """
        ...


def text(spec: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """Return a one-line text field of a source; raises ``SourceInvalid`` when it is missing or something else."""
    value = block(spec, name, default)
    if any(sign in value for sign in "\r\n\0"):
        raise SourceInvalid(f"The source's field {name!r} holds a line break.", hint=f"Correct source.{name}.")
    return value


def block(spec: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """Return a text field that may have several lines, such as a key; raises ``SourceInvalid``."""
    value = spec.get(name, default)
    if not isinstance(value, str) or (default is None and not value):
        raise SourceInvalid(f"The source's field {name!r} must be a text.", hint=f"Give source.{name}.")
    return value


def number(spec: Mapping[str, Any], name: str, default: float, *, most: float) -> float:
    """Return a number from 0 to ``most``; raises ``SourceInvalid``."""
    value = spec.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        raise SourceInvalid(f"{name!r} must be a number from 0 to {most:g}.", hint=f"Correct source.{name}.")
    return value


def port_of(spec: Mapping[str, Any], default: int | None = None) -> int:
    """Return the port; raises ``SourceInvalid`` when it is none."""
    value = spec.get("port", default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65535:
        raise SourceInvalid("The source's port must be a number from 1 to 65535.", hint="Give source.port.")
    return value


def url_of(spec: Mapping[str, Any], schemes: set[str], name: str = "url") -> SplitResult:
    """Return a URL's parts; raises ``SourceInvalid`` for another scheme, no host, or a port that is none."""
    begin = " or ".join(f"{scheme}://" for scheme in sorted(schemes))
    try:
        parts = urlsplit(text(spec, name))
        if parts.scheme in schemes and parts.hostname and parts.port != 0:
            return parts
    except ValueError as error:
        raise SourceInvalid(f"The source's {name!r} is no URL.", hint=f"Correct source.{name}.") from error
    raise SourceInvalid(f"The {name} must begin with {begin} and name a host.", hint=f"Correct source.{name}.")


def refuse_unknown(spec: Mapping[str, Any], known: set[str], kind: str = "") -> None:
    """Raise ``SourceInvalid`` for a field nobody would read: a typo must not be ignored in silence."""
    for name in spec:
        if name not in known:
            raise SourceInvalid(
                f"A {kind or spec.get('type')} source has no field {name!r}.",
                hint=f"Known are {', '.join(sorted(known))}.",
            )


@cache
def tls_context(ca: str = "") -> ssl.SSLContext:
    """Return a context that checks name and certificate, against the given authority's PEM alone if there is one.

    Raises ``SourceInvalid`` when the text is no certificate.
    """
    try:
        context = ssl.create_default_context(cadata=ca or None)
    except ssl.SSLError as error:
        raise SourceInvalid("'ca' is no certificate in PEM.", hint="Correct source.ca.") from error
    if not ca:
        context.load_verify_locations(certifi.where())
    return context


def why_tls(error: BaseException | None) -> str | None:
    """Return what is wrong with a certificate, if an error or one of its causes says so."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        if isinstance(error, ssl.SSLError) and not isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return (error.reason or "handshake failed").lower().replace("_", " ")
        error = error.__cause__ or error.__context__
    return None
