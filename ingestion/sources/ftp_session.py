"""A session with an FTP server: passive, binary, plain or with TLS (FTPS, explicit and implicit)."""

from __future__ import annotations

import ftplib
import ssl
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ingestion.sources import guard
from ingestion.sources.base import CHUNK_BYTES, Limits, Version, tls_context, why_tls
from ingestion.sources.errors import (
    BlockedAddress,
    SourceBusy,
    SourceDenied,
    SourceError,
    SourceFileMissing,
    SourceInvalid,
    SourceLoginRefused,
    SourceRefused,
    SourceTimeout,
    SourceTruncated,
    SourceUnreachable,
    TlsRefused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.sources.ftp import FtpSource


class FtpSession:
    """One signed-in control connection; see ``remote.Session``."""

    def __init__(self, source: FtpSource, limits: Limits) -> None:
        self._where = f"{source.host}:{source.port}"
        self._limits = limits
        self._ftp = _GuardedFtps(source, limits) if source.tls else _GuardedFtp(source, limits)
        try:
            with self._translated():
                self._ftp.connect(source.host, source.port, limits.connect_timeout_s)
                self._ftp.login(source.username, source.password)
                if isinstance(self._ftp, _GuardedFtps):
                    self._ftp.prot_p()
                self._ftp.voidcmd("TYPE I")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the connection; never fails."""
        self._ftp.close()

    def stat(self, path: str) -> Version:
        """Return size and time by SIZE and MDTM, each None where the server does not know the command."""
        with self._translated(path):
            size = self._asked("SIZE", path)
            return Version(size=int(size) if size else None, modified=_time(self._asked("MDTM", path)))

    def names(self, folder: str) -> Iterator[tuple[str, Version]]:
        """Yield the plain files of a folder, by MLSD (RFC 3659), else by NLST with SIZE and MDTM of each."""
        with self._translated(folder):
            try:
                lines = self._lines(f"MLSD {folder}")
            except ftplib.error_perm as error:
                if str(error)[:3] not in {"500", "501", "502", "504"}:
                    raise
                yield from self._names_one_by_one(folder)
                return
            for line in lines:
                facts, _, name = line.partition(" ")
                told = dict(fact.lower().split("=", 1) for fact in facts.split(";") if "=" in fact)
                if told.get("type") == "file":
                    size = told.get("size", "")
                    yield (
                        name,
                        Version(size=int(size) if size.isdecimal() else None, modified=_time(told.get("modify"))),
                    )

    def read(self, path: str, offset: int) -> Iterator[bytes]:
        """Yield a file's bytes, by REST from an offset."""
        with self._translated(path, exists=True):
            with self._ftp.transfercmd(f"RETR {path}", offset or None) as data:
                data.settimeout(self._limits.read_timeout_s)
                while chunk := data.recv(CHUNK_BYTES):
                    yield chunk
                if isinstance(data, ssl.SSLSocket):
                    with suppress(OSError):
                        data.unwrap()
            self._ftp.voidresp()

    def delete(self, path: str) -> None:
        """Remove a file."""
        with self._translated(path):
            self._ftp.delete(path)

    def move(self, path: str, to: str) -> None:
        """Rename a file."""
        with self._translated(path):
            self._ftp.rename(path, to)

    def _names_one_by_one(self, folder: str) -> Iterator[tuple[str, Version]]:
        try:
            lines = self._lines(f"NLST {folder}")
        except ftplib.error_perm as error:
            if str(error).startswith("550"):
                return  # how several servers say that a folder is empty
            raise
        for line in lines:
            path = line if "/" in line or not folder else f"{folder.rstrip('/')}/{line}"
            with suppress(SourceFileMissing):  # a folder has no size; a file may go while we look
                yield line.rsplit("/", 1)[-1], self.stat(path)

    def _lines(self, command: str) -> list[str]:
        """Return a listing's lines; raises ``SourceTooLarge`` by the transfer's own bound of 16 MiB."""
        with self._ftp.transfercmd(command) as data:
            data.settimeout(self._limits.read_timeout_s)
            received = bytearray()
            while chunk := data.recv(CHUNK_BYTES):
                received += chunk
                if len(received) > 16 << 20:
                    raise SourceRefused("The folder's listing is too long.", hint="Give a folder with fewer files.")
        self._ftp.voidresp()
        return received.decode(self._ftp.encoding).splitlines()

    def _asked(self, command: str, path: str) -> str | None:
        try:
            return self._ftp.sendcmd(f"{command} {path}")[3:].strip()
        except ftplib.error_perm as error:
            if str(error).startswith("550"):
                raise
            return None

    @contextmanager
    def _translated(self, path: str = "", *, exists: bool = False) -> Iterator[None]:
        """Turn ftplib's errors into ours; ``exists`` says that a 550 (RFC 959) cannot mean a missing file."""
        where = self._where
        try:
            yield
        except SourceError:
            raise
        except (ftplib.error_perm, ftplib.error_temp) as error:
            raise _meaning(str(error), where, path, exists=exists) from error
        except UnicodeError as error:
            hint = "Give source.encoding, for example latin-1."
            raise SourceInvalid(f"{where} has names in another encoding.", hint=hint) from error
        except TimeoutError as error:
            raise SourceTimeout(f"{where} did not answer in time.", hint="It is tried again.") from error
        except (EOFError, OSError, ftplib.Error) as error:
            if why := why_tls(error):
                hint = "Check name, expiry and authority of the certificate."
                raise TlsRefused(f"TLS with {where} failed: {why}.", hint=hint) from error
            raise SourceTruncated(f"{where} closed the connection.", hint="It is tried again.") from error


class _GuardedFtp(ftplib.FTP):
    """ftplib that dials only checked addresses, and data connections only to the control's own peer."""

    def __init__(self, source: FtpSource, limits: Limits) -> None:
        super().__init__(encoding=source.encoding)
        self._limits = limits
        self._implicit = source.tls == "implicit"

    def connect(self, host: str = "", port: int = 0, timeout: float = -999, source_address: Any = None) -> str:
        """Connect the control channel to a checked address."""
        self.host, self.port, self.timeout = host, port, timeout
        plain = guard.connect(host, port, self._limits.policy, timeout)
        try:
            plain.settimeout(max(timeout, self._limits.read_timeout_s))  # servers answer a wrong password late
            self.sock = self._secured(plain)
        except BaseException:
            plain.close()
            raise
        self.af = self.sock.family
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()
        return self.welcome

    def makepasv(self) -> tuple[str, int]:
        """Ask for a data port by EPSV, which names no address; a PASV answer must name the control's peer."""
        peer = str(self.sock.getpeername()[0])  # type: ignore[union-attr]  # connected
        try:
            answer = self.sendcmd("EPSV")
        except ftplib.error_perm:
            told, port = ftplib.parse227(self.sendcmd("PASV"))
        else:
            port = ftplib.parse229(answer, (peer, 0))[1]
            told = _named(answer)
        if told not in {"", peer.removeprefix("::ffff:"), peer}:
            raise BlockedAddress(
                f"The FTP server points to {told} for its data.", hint="Let its passive mode name its own address."
            )
        return peer, port

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[Any, int | None]:
        """Open the data channel to the address that was checked for the control channel."""
        peer, port = self.makepasv()
        data = guard.connect(peer, port, guard.GuardPolicy(allow_hosts=(peer,)), self._limits.connect_timeout_s)
        try:
            if rest is not None:
                self.sendcmd(f"REST {rest}")
            answer = self.sendcmd(cmd)
            if answer[0] == "2":
                answer = self.getresp()
            if answer[0] != "1":
                raise ftplib.error_reply(answer)
            return self._data_secured(data), None
        except BaseException:
            data.close()
            raise

    def _secured(self, sock: Any) -> Any:
        return sock

    def _data_secured(self, data: Any) -> Any:
        return data


class _GuardedFtps(_GuardedFtp, ftplib.FTP_TLS):
    """The same with TLS, the server's name and certificate checked."""

    def __init__(self, source: FtpSource, limits: Limits) -> None:
        ftplib.FTP_TLS.__init__(self, context=tls_context(source.ca), encoding=source.encoding)
        self._limits = limits
        self._implicit = source.tls == "implicit"

    def _secured(self, sock: Any) -> Any:
        return self.context.wrap_socket(sock, server_hostname=self.host) if self._implicit else sock

    def login(self, user: str = "", passwd: str = "", acct: str = "", secure: bool = True) -> str:
        """Turn TLS on before anything secret is sent."""
        if not self._implicit:
            self.auth()
        return ftplib.FTP.login(self, user, passwd, acct)

    def _data_secured(self, data: Any) -> Any:
        """Go on in the control channel's TLS session, which servers demand as proof that it is the same client."""
        session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
        return self.context.wrap_socket(data, server_hostname=self.host, session=session)


def _meaning(reply: str, where: str, path: str, *, exists: bool) -> SourceError:
    code = reply[:3]
    if code in {"530", "532", "430"}:
        return SourceLoginRefused(f"{where} refused user or password.", hint="Check both.")
    if code == "550" and (exists or "ermission" in reply or "denied" in reply):
        return SourceDenied(f"{where} does not let this user at {path}.", hint="Check the file's permissions.")
    if code == "550":
        return SourceFileMissing(f"{where} has no file {path}.", hint="Check the path.")
    if code in {"421", "450", "451", "452"}:
        return SourceBusy(f"{where} cannot serve the file now ({code}).")
    if code in {"425", "426"}:
        return SourceUnreachable(f"The data connection with {where} failed ({code}).", hint="It is tried again.")
    return SourceRefused(f"{where} refused the request ({code}).", hint="Check the source's fields.")


def _named(answer: str) -> str:
    """Return the address in an EPSV answer, where RFC 2428 wants none: ``229 ... (|||6446|)``."""
    inside = answer[answer.find("(") + 1 : answer.rfind(")")]
    return inside.split(inside[0])[2]


def _time(told: str | None) -> datetime | None:
    """Return MDTM's or MLSD's time, which RFC 3659 fixes as UTC."""
    try:
        return datetime.strptime((told or "")[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
