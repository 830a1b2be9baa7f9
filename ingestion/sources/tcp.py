"""Bytes from a TCP connection: connect, send a request if there is one, read to the agreed end."""

from __future__ import annotations

import base64
import binascii
import socket
import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from ingestion.sources import guard
from ingestion.sources.base import (
    CHUNK_BYTES,
    Entry,
    Fetched,
    Limits,
    OneFile,
    Version,
    block,
    port_of,
    refuse_unknown,
    text,
    tls_context,
    why_tls,
)
from ingestion.sources.errors import SourceError, SourceInvalid, SourceTimeout, SourceTruncated, TlsRefused
from ingestion.sources.resume import Deadline, bounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FIELDS = {"type", "host", "port", "tls", "send", "send_base64", "until", "filename", "ca"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpSource(OneFile):
    """A server that sends a file. ``ca`` is the PEM of the authority that TLS trusts; ``until`` is ``{"close": true}``,
    a delimiter, a length or an idle time (s).
    """

    host: str
    port: int
    tls: bool = False
    send: bytes = b""
    ca: str = ""
    until: Mapping[str, Any] = field(default_factory=lambda: {"close": True})
    filename: str = ""
    type: str = "tcp"

    @classmethod
    def parse(cls, spec: Mapping[str, Any]) -> Self:
        """Make the source of a request's ``source`` object; raises ``SourceInvalid``."""
        refuse_unknown(spec, _FIELDS)
        tls = spec.get("tls", False)
        if not isinstance(tls, bool):
            raise SourceInvalid("tls must be true or false.", hint="Correct source.tls.")
        return cls(
            host=text(spec, "host"),
            port=port_of(spec),
            tls=tls,
            send=_request(spec),
            ca=block(spec, "ca", ""),
            until=end_of(spec.get("until", {"close": True})),
            filename=text(spec, "filename", ""),
        )

    def public(self) -> dict[str, Any]:
        """Return host, port and how the end is known; what is sent may hold a password and is left out."""
        return {"type": "tcp", "host": self.host, "port": self.port, "tls": self.tls, "until": dict(self.until)}

    @contextmanager
    def open(self, limits: Limits) -> Iterator[Fetched]:
        """Connect, send, and stream what comes."""
        where = f"{self.host}:{self.port}"
        with translated(where), self._connected(limits) as sock:
            if self.send:
                sock.sendall(self.send)
            size = self.until.get("length")
            chunks = received(sock, self.until, where, limits)
            yield Fetched(filename=self._name(), size=size, chunks=chunks)

    def entries(self, limits: Limits) -> list[Entry]:
        """Return the one transfer that a connection is; nothing is dialled."""
        return [Entry(name=self._name(), path="", version=Version(), changes={})]

    def probe(self, limits: Limits) -> list[str]:
        """Connect, and shake hands if TLS is wanted; nothing is sent."""
        with translated(f"{self.host}:{self.port}"), self._connected(limits) as sock:
            cipher = sock.version() if isinstance(sock, ssl.SSLSocket) else "no TLS"
            return [f"{self.host}:{self.port} answers ({cipher})."]

    def _name(self) -> str:
        return self.filename or f"{self.host}-{self.port}.dat"

    @contextmanager
    def _connected(self, limits: Limits) -> Iterator[socket.socket]:
        with guard.connect(self.host, self.port, limits.policy, limits.connect_timeout_s) as plain:
            plain.settimeout(self.until.get("idle_s", limits.read_timeout_s))
            if not self.tls:
                yield plain
                return
            with tls_context(self.ca).wrap_socket(plain, server_hostname=self.host) as secured:
                yield secured


def received(sock: socket.socket, until: Mapping[str, Any], where: str, limits: Limits) -> Iterator[bytes]:
    """Yield what a connection brings up to the agreed end, bounded in size and time; raises ``SourceError``.

    The socket's own time-out says how long it may be silent.
    """
    chunks = translating(_read(sock, until), where)
    return bounded(chunks, size=until.get("length"), limits=limits, deadline=Deadline(limits))


def _read(sock: socket.socket, until: Mapping[str, Any]) -> Iterator[bytes]:
    if "length" in until:
        yield from _exactly(sock, until["length"])
    elif "delimiter" in until:
        yield from _up_to(sock, until["delimiter"].encode())
    else:
        yield from _to_the_end(sock, idle_ends="idle_s" in until)


def _exactly(sock: socket.socket, length: int) -> Iterator[bytes]:
    while length:
        chunk = sock.recv(min(length, CHUNK_BYTES))
        if not chunk:
            raise SourceTruncated(f"The connection closed {length:,} bytes too early.", hint="It is tried again.")
        length -= len(chunk)
        yield chunk


def _up_to(sock: socket.socket, delimiter: bytes) -> Iterator[bytes]:
    """Yield what stands before the delimiter, which may be cut by a packet's end."""
    kept = b""
    while True:
        chunk = sock.recv(CHUNK_BYTES)
        if not chunk:
            raise SourceTruncated("The connection closed before the delimiter came.", hint="It is tried again.")
        kept += chunk
        at = kept.find(delimiter)
        if at >= 0:
            yield kept[:at]
            return
        safe = max(0, len(kept) - len(delimiter) + 1)
        yield kept[:safe]
        kept = kept[safe:]


def _to_the_end(sock: socket.socket, *, idle_ends: bool) -> Iterator[bytes]:
    try:
        while chunk := sock.recv(CHUNK_BYTES):
            yield chunk
    except TimeoutError:
        if not idle_ends:
            raise


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn the socket's errors into ours."""
    try:
        yield
    except SourceError:
        raise
    except TimeoutError as error:
        raise SourceTimeout(f"{where} fell silent.", hint="It is tried again.") from error
    except OSError as error:
        if why := why_tls(error):
            raise TlsRefused(f"TLS with {where} failed: {why}.", hint="Check name, expiry and authority.") from error
        raise SourceTruncated(f"The connection to {where} broke.", hint="It is tried again.") from error


def translating(chunks: Iterator[bytes], where: str) -> Iterator[bytes]:
    """Yield chunks; the socket's errors meanwhile are ours."""
    with translated(where):
        yield from chunks


def _request(spec: Mapping[str, Any]) -> bytes:
    if "send" in spec and "send_base64" in spec:
        raise SourceInvalid("Both send and send_base64 are given.", hint="Give one of them.")
    try:
        return block(spec, "send", "").encode() or base64.b64decode(text(spec, "send_base64", ""), validate=True)
    except binascii.Error as error:
        raise SourceInvalid("send_base64 is not Base64.", hint="Correct source.send_base64.") from error


def end_of(until: Any) -> dict[str, Any]:
    """Return how the end of a transfer is known; raises ``SourceInvalid`` when that is not clear."""
    match until:
        case {"close": True} if len(until) == 1:
            return {"close": True}
        case {"delimiter": str(mark)} if mark and len(until) == 1:
            return {"delimiter": mark}
        case {"length": int(length)} if not isinstance(length, bool) and length >= 0 and len(until) == 1:
            return {"length": length}
        case {"idle_s": int() | float() as seconds} if seconds is not True and 0 < seconds <= 600 and len(until) == 1:
            return {"idle_s": seconds}
    raise SourceInvalid(
        "The end of the transfer is not clear.",
        hint='Give source.until as {"close": true}, {"delimiter": "\\n"}, {"length": 100} or {"idle_s": 5}.',
    )
