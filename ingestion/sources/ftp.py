"""Files on FTP, FTPS and SFTP servers."""

from __future__ import annotations

import codecs
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

from ingestion.sources.base import Entry, Fetched, Limits, Version, block, port_of, refuse_unknown, text, url_of
from ingestion.sources.errors import SourceAmbiguous, SourceChanged, SourceFileMissing, SourceInvalid
from ingestion.sources.ftp_session import FtpSession
from ingestion.sources.remote import Session, Settle, listed
from ingestion.sources.resume import Deadline, resuming

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FIELDS = {
    "type",
    "url",
    "protocol",
    "host",
    "port",
    "path",
    "pattern",
    "username",
    "password",
    "tls",
    "ca",
    "encoding",
}
_FIELDS |= {"filename", "private_key", "passphrase", "host_key", "settle", "since", "only_new", "after"}
_PORTS = {"ftp": 21, "ftps": 990, "sftp": 22}


@dataclass(frozen=True, slots=True, kw_only=True)
class FtpSource:
    """One file of a server, or with ``pattern`` the matching files of the folder ``path``.

    ``protocol`` is ftp, ftps or sftp; ``tls`` is empty, ``explicit`` (AUTH TLS) or ``implicit`` (port 990).
    """

    protocol: str
    host: str
    port: int
    path: str
    pattern: str = ""
    username: str = "anonymous"
    password: str = ""
    tls: str = ""
    ca: str = ""
    encoding: str = "utf-8"
    private_key: str = ""
    passphrase: str = ""
    host_key: str = ""
    settle: Settle = field(default_factory=Settle)
    since: datetime | None = None
    only_new: bool = False
    after: Mapping[str, str] = field(default_factory=dict)
    filename: str = ""
    type: str = "ftp"

    @classmethod
    def parse(cls, spec: Mapping[str, Any]) -> Self:
        """Make the source of a request's ``source`` object, given as a URL or in parts; raises ``SourceInvalid``."""
        refuse_unknown(spec, _FIELDS)
        whole = (_of_url(spec) if "url" in spec else {}) | {name: spec[name] for name in spec if name != "url"}
        protocol, tls = _protocol(whole)
        path, pattern = _path_and_pattern(whole)
        return cls(
            protocol=protocol,
            host=text(whole, "host"),
            port=port_of(whole, 21 if tls == "explicit" else _PORTS[protocol]),
            path=path,
            pattern=pattern,
            username=text(whole, "username", "anonymous"),
            password=text(whole, "password", ""),
            tls=tls,
            ca=block(whole, "ca", ""),
            encoding=_encoding(whole),
            private_key=block(whole, "private_key", ""),
            passphrase=text(whole, "passphrase", ""),
            host_key=text(whole, "host_key", ""),
            settle=Settle.parse(whole),
            since=_since(whole),
            only_new=_flag(whole, "only_new"),
            after=_after(whole),
            filename=text(whole, "filename", ""),
        )

    def public(self) -> dict[str, Any]:
        """Return where the file is and who signs in; passwords and keys are left out."""
        shown = {"type": "ftp", "host": self.host, "port": self.port, "path": self.path, "username": self.username}
        named: dict[str, Any] = {"tls": self.tls, "pattern": self.pattern, "filename": self.filename}
        named |= {"host_key": self.host_key, "only_new": self.only_new, "after": self._after_told()}
        shown |= {"protocol": self.protocol} if self.protocol == "sftp" else {}
        return shown | {name: value for name, value in named.items() if value}

    @contextmanager
    def open(self, limits: Limits) -> Iterator[Fetched]:
        """Sign in, see that the file is whole, and stream it; after a cut the rest is asked for by offset.

        Raises ``SourceChanged`` if the file is another one when the transfer ends than when it began.
        """
        with closing(self._session(limits)) as session:
            path = self._only_path(session)
            version = self.settle.check(session, path)
            transfer = _Transfer(self, limits, path, version, session)
            try:
                chunks = resuming(transfer.rest, size=version.size, limits=limits, deadline=Deadline(limits))
                yield Fetched(
                    filename=self.filename or path.rsplit("/", 1)[-1],
                    size=version.size,
                    chunks=transfer.checked(chunks),
                    version=version,
                )
            finally:
                transfer.session.close()

    def entries(self, limits: Limits) -> list[Entry]:
        """Return the files that match and are ready, oldest first; without a pattern the one file."""
        with closing(self._session(limits)) as session:
            return self._seen(session)

    def probe(self, limits: Limits) -> list[str]:
        """Sign in and return what would be fetched, one line each."""
        found = self.entries(limits)
        return [f"{entry.path}, {entry.version.size} bytes, {entry.version.modified}" for entry in found]

    def after_publish(self, limits: Limits, fetched: Version) -> None:
        """Delete or move the file if ``after`` says so; what was changed since ``fetched`` stays."""
        if not self.after:
            return
        with closing(self._session(limits)) as session:
            try:
                path = self._only_path(session)
                found = session.stat(path)
            except SourceFileMissing:
                return  # done by an earlier delivery
            if found != fetched:
                raise SourceChanged(f"{path} was changed after it was fetched and stays.", hint="Fetch it again.")
            if self.settle.done_flag:  # first the flag: left behind it would call the next file of this name ready
                self._put_away(session, path + self.settle.done_flag, fetched)
            self._put_away(session, path, fetched)

    @property
    def lists(self) -> bool:
        """Whether ``entries`` must be asked which file is meant."""
        return bool(self.pattern or self.only_new)

    @property
    def acts_afterwards(self) -> bool:
        """Whether the file is deleted or moved once its data is published."""
        return bool(self.after)

    @property
    def polls(self) -> bool:
        """Whether the source is asked again and again, so that no file, or no new one, is no fault."""
        return bool(self.only_new or self.since or (self.pattern and self.after))

    def _after_told(self) -> Any:
        return dict(self.after) if "move" in self.after else next(iter(self.after), "")

    def _put_away(self, session: Session, path: str, fetched: Version) -> None:
        """Delete or move a file. A file of the same name in the archive stays: the newer one gets its time added."""
        if "move" not in self.after:
            session.delete(path)
            return
        to = self.after["move"].rstrip("/") + "/" + path.rsplit("/", 1)[-1]
        if _exists(session, to):
            to += f".{fetched.modified or datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        session.move(path, to)

    def connected(self, limits: Limits) -> Session:
        """Return a signed-in session; the caller closes it."""
        return self._session(limits)

    def _session(self, limits: Limits) -> Session:
        if self.protocol != "sftp":
            return FtpSession(self, limits)
        from ingestion.sources.sftp_session import SftpSession  # paramiko takes long to import

        return SftpSession(self, limits)

    def _seen(self, session: Session) -> list[Entry]:
        if self.pattern:
            return listed(session, self.path, self.pattern, self.settle, self.since)
        name = self.path.rsplit("/", 1)[-1]
        return [Entry(name=name, path=self.path, version=session.stat(self.path), changes={})]

    def _only_path(self, session: Session) -> str:
        if not self.pattern:
            return self.path
        found = self._seen(session)
        if not found:
            raise SourceFileMissing(f"No file matches {self.pattern} in {self.path or '.'}.", hint="Check the pattern.")
        if len(found) > 1:
            raise SourceAmbiguous(
                f"{len(found)} files match {self.pattern}, where one job takes one.", hint="Narrow source.pattern."
            )
        return found[0].path


class _Transfer:
    """One file, read over a session that is made anew after a cut."""

    def __init__(self, source: FtpSource, limits: Limits, path: str, version: Version, session: Session) -> None:
        self._source, self._limits, self._path, self._version = source, limits, path, version
        self.session = session
        self._fresh = True

    def rest(self, offset: int) -> Iterator[bytes]:
        """Yield the file from an offset; raises ``SourceChanged`` if it is another one by now."""
        if not self._fresh:
            self.session.close()
            self.session = self._source.connected(self._limits)
            self._same()
        self._fresh = False
        yield from self.session.read(self._path, offset)

    def checked(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass the bytes on and see at the end that nobody wrote the file meanwhile."""
        yield from chunks
        self._same()

    def _same(self) -> None:
        if self.session.stat(self._path) != self._version:
            raise SourceChanged(f"{self._path} changed while it was fetched.", hint="It is tried again from the start.")


def _exists(session: Session, path: str) -> bool:
    with suppress(SourceFileMissing):
        session.stat(path)
        return True
    return False


def _path_and_pattern(whole: Mapping[str, Any]) -> tuple[str, str]:
    """Return the path and, where its last part or ``pattern`` has wildcards, the folder and the pattern."""
    pattern = text(whole, "pattern", "")
    path = text(whole, "path", "" if pattern else None)
    folder, slash, name = path.rpartition("/")
    if not pattern and ("*" in name or "?" in name):  # a [ alone is a name such as report[1].csv
        path, pattern = folder or slash, name
    if "*" in path or "?" in path or "/" in pattern:
        raise SourceInvalid("Only the last part of a path may have wildcards.", hint="Correct source.path.")
    return path, pattern


def _flag(whole: Mapping[str, Any], name: str) -> bool:
    value = whole.get(name, False)
    if not isinstance(value, bool):
        raise SourceInvalid(f"{name} must be true or false.", hint=f"Correct source.{name}.")
    return value


def _protocol(whole: Mapping[str, Any]) -> tuple[str, str]:
    """Return protocol and TLS mode; FTPS is implicit where nothing or port 990 says so."""
    protocol, tls = text(whole, "protocol", "ftp"), text(whole, "tls", "")
    if protocol not in _PORTS:
        raise SourceInvalid("protocol must be ftp, ftps or sftp.", hint="Correct source.protocol.")
    if tls not in {"", "explicit", "implicit"} or (tls and protocol == "sftp"):
        raise SourceInvalid("tls must be explicit or implicit, and none with sftp.", hint="Correct source.tls.")
    if protocol == "ftps" and not tls:
        tls = "implicit" if whole.get("port", 990) == 990 else "explicit"
    return ("ftps" if tls else protocol), tls


def _of_url(spec: Mapping[str, Any]) -> dict[str, Any]:
    parts = url_of(spec, set(_PORTS))
    if parts.fragment:
        raise SourceInvalid("A # in the url's path must be written %23.", hint="Correct source.url.")
    path = parts.path + (f"?{parts.query}" if parts.query else "")  # FTP has no queries (RFC 1738, 3.2)
    if parts.scheme != "sftp":
        path = path.removeprefix("/")  # which divides host and path; //etc or /%2Fetc is from the root
    found: dict[str, Any] = {"protocol": parts.scheme, "host": parts.hostname, "path": unquote(path)}
    if parts.port:
        found["port"] = parts.port
    elif parts.scheme == "ftps":
        found["tls"] = "explicit"  # a URL without a port: what most servers mean by FTPS
    if parts.username:
        found |= {"username": unquote(parts.username), "password": unquote(parts.password or "")}
    return found


def _encoding(whole: Mapping[str, Any]) -> str:
    try:
        return codecs.lookup(text(whole, "encoding", "utf-8")).name
    except LookupError as error:
        raise SourceInvalid("There is no such encoding.", hint="Correct source.encoding.") from error


def _since(whole: Mapping[str, Any]) -> datetime | None:
    given = text(whole, "since", "")
    try:
        found = datetime.fromisoformat(given) if given else None
    except ValueError as error:
        raise SourceInvalid("since is no time.", hint="Give source.since as 2026-01-31T00:00:00+00:00.") from error
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found


def _after(whole: Mapping[str, Any]) -> dict[str, str]:
    match whole.get("after", {}):
        case {} as given if not given:
            return {}
        case "delete":
            return {"delete": ""}
        case {"move": str(folder)} as given if folder and len(given) == 1 and folder.isprintable():
            return {"move": folder}
    raise SourceInvalid("after is not clear.", hint='Give source.after as "delete" or {"move": "/archive"}.')
