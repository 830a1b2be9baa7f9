"""Files on FTP servers, plain or with TLS (FTPS, explicit and implicit)."""

from __future__ import annotations

import ftplib
import ssl
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit

from ingestion.sources import guard
from ingestion.sources.base import CHUNK_BYTES, Fetched, Limits, bounded, port_of, refuse_unknown, text
from ingestion.sources.errors import (
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

_FIELDS = {"type", "url", "host", "port", "path", "username", "password", "tls", "filename"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FtpSource:
    """One file of an FTP server. ``tls`` is empty, ``explicit`` (AUTH TLS) or ``implicit`` (port 990)."""

    host: str
    port: int
    path: str
    username: str = "anonymous"
    password: str = ""
    tls: str = ""
    filename: str = ""
    type: str = "ftp"

    @classmethod
    def parse(cls, spec: Mapping[str, Any]) -> Self:
        """Make the source of a request's ``source`` object, given as a URL or in parts; raises ``SourceInvalid``."""
        refuse_unknown(spec, _FIELDS)
        parts = _of_url(text(spec, "url")) if "url" in spec else {}
        whole = parts | {name: value for name, value in spec.items() if name != "url"}
        tls = text(whole, "tls", "")
        if tls not in {"", "explicit", "implicit"}:
            raise SourceInvalid("tls must be explicit or implicit.", hint="Correct source.tls.")
        path = text(whole, "path")
        if any(sign in path for sign in "\r\n\0"):
            raise SourceInvalid("The path holds a line break.", hint="Correct source.path.")
        return cls(
            host=text(whole, "host"),
            port=port_of(whole, 990 if tls == "implicit" else 21),
            path=path,
            username=text(whole, "username", "anonymous"),
            password=text(whole, "password", ""),
            tls=tls,
            filename=text(whole, "filename", ""),
        )

    def public(self) -> dict[str, Any]:
        """Return host, port, path and user; the password is left out."""
        shown = {"type": "ftp", "host": self.host, "port": self.port, "path": self.path, "username": self.username}
        return shown | ({"tls": self.tls} if self.tls else {})

    @contextmanager
    def open(self, limits: Limits) -> Iterator[Fetched]:
        """Sign in, ask for the size, and stream the file in binary over a passive connection."""
        ftp = (_GuardedFtps if self.tls else _GuardedFtp)(limits, implicit=self.tls == "implicit")
        where = f"{self.host}:{self.port}"
        with _translated(where, self.path):
            try:
                ftp.connect(self.host, self.port, timeout=limits.connect_timeout_s)
                ftp.login(self.username, self.password)
                if isinstance(ftp, ftplib.FTP_TLS):
                    ftp.prot_p()
                ftp.voidcmd("TYPE I")
                size = _size(ftp, self.path)
                chunks = bounded(_retrieve(ftp, self.path, limits), limits, size)
                name = self.filename or self.path.rsplit("/", 1)[-1]
                yield Fetched(filename=name, size=size, chunks=_translating(chunks, where, self.path))
            finally:
                ftp.close()


class _GuardedFtp(ftplib.FTP):
    """ftplib that dials only checked addresses, and data connections only to the control's own peer."""

    def __init__(self, limits: Limits, *, implicit: bool) -> None:
        super().__init__()
        self._limits = limits
        self._implicit = implicit

    def connect(self, host: str = "", port: int = 0, timeout: float = -999, source_address: Any = None) -> str:
        """Connect the control channel to a checked address."""
        self.host, self.port, self.timeout = host, port, timeout
        self.sock = self._secured(guard.connect(host, port, self._limits.policy, timeout))
        self.af = self.sock.family
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
        return self.welcome

    def _secured(self, sock: Any) -> Any:
        return sock

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[Any, int | None]:
        """Open the data channel; the address in the server's answer is not trusted, only its port."""
        if self.sock is None:
            raise EOFError
        _, port = self.makepasv()
        peer = str(self.sock.getpeername()[0])
        data = guard.connect(peer, port, _ToPeer(allow_cidrs=(peer,)), self._limits.read_timeout_s)
        try:
            if rest is not None:
                self.sendcmd(f"REST {rest}")
            answer = self.sendcmd(cmd)
            if answer[0] == "2":
                answer = self.getresp()
            if answer[0] != "1":
                raise ftplib.error_reply(answer)
        except BaseException:
            data.close()
            raise
        return self._data_secured(data), None

    def _data_secured(self, data: Any) -> Any:
        return data


_ToPeer = guard.GuardPolicy


class _GuardedFtps(_GuardedFtp, ftplib.FTP_TLS):
    """The same with TLS, the server's name and certificate checked."""

    def __init__(self, limits: Limits, *, implicit: bool) -> None:
        ftplib.FTP_TLS.__init__(self, context=ssl.create_default_context())
        self._limits = limits
        self._implicit = implicit

    def _secured(self, sock: Any) -> Any:
        return self.context.wrap_socket(sock, server_hostname=self.host) if self._implicit else sock

    def login(self, user: str = "", passwd: str = "", acct: str = "", secure: bool = True) -> str:
        """Turn TLS on before anything secret is sent."""
        if not self._implicit:
            self.auth()
        return ftplib.FTP.login(self, user, passwd, acct)

    def _data_secured(self, data: Any) -> Any:
        session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
        return self.context.wrap_socket(data, server_hostname=self.host, session=session)


def _retrieve(ftp: ftplib.FTP, path: str, limits: Limits) -> Iterator[bytes]:
    with ftp.transfercmd(f"RETR {path}") as data:
        data.settimeout(limits.read_timeout_s)
        while chunk := data.recv(CHUNK_BYTES):
            yield chunk
        if isinstance(data, ssl.SSLSocket):
            with suppress(OSError):
                data.unwrap()
    ftp.voidresp()


def _size(ftp: ftplib.FTP, path: str) -> int | None:
    try:
        return ftp.size(path)
    except ftplib.error_perm as error:
        if str(error).startswith("550"):
            raise
        return None  # the server does not know SIZE


@contextmanager
def _translated(where: str, path: str) -> Iterator[None]:
    """Turn ftplib's errors into ours; replies are RFC 959's."""
    try:
        yield
    except SourceError:
        raise
    except ssl.SSLError as error:
        raise TlsRefused(f"TLS with {where} failed.", hint="Check the server's certificate and name.") from error
    except (ftplib.error_perm, ftplib.error_temp) as error:
        raise _meaning(str(error), where, path) from error
    except (EOFError, ConnectionError) as error:
        raise SourceTruncated(f"{where} closed the connection.", hint="It is tried again.") from error
    except TimeoutError as error:
        raise SourceUnreachable(f"{where} did not answer in time.", hint="It is tried again.") from error
    except (ftplib.Error, OSError) as error:
        raise SourceUnreachable(f"The transfer from {where} failed.", hint="It is tried again.") from error


def _translating(chunks: Iterator[bytes], where: str, path: str) -> Iterator[bytes]:
    with _translated(where, path):
        yield from chunks


def _meaning(reply: str, where: str, path: str) -> SourceError:
    code = reply[:3]
    if code in {"530", "532"}:
        return SourceDenied(f"{where} refused user or password.", hint="Check both.")
    if code == "550":
        return SourceFileMissing(f"{where} has no file {path} to read.", hint="Check the path and its permissions.")
    if code in {"421", "425", "426", "450", "451", "452"}:
        return SourceUnreachable(f"{where} cannot serve the file now ({code}).", hint="It is tried again.")
    return SourceRefused(f"{where} refused the transfer ({code}).", hint="Check the request.")


def _of_url(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme not in {"ftp", "ftps"} or not parts.hostname:
        raise SourceInvalid("The url must begin with ftp:// or ftps://.", hint="Correct source.url.")
    found: dict[str, Any] = {"host": parts.hostname, "path": unquote(parts.path)}
    if parts.port:
        found["port"] = parts.port
    if parts.username:
        found |= {"username": unquote(parts.username), "password": unquote(parts.password or "")}
    if parts.scheme == "ftps":
        found["tls"] = "implicit" if parts.port == 990 else "explicit"
    return found
