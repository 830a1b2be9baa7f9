"""A session with an SFTP server: password or private key, and a host key that must be the pinned one."""

from __future__ import annotations

import base64
import hashlib
import io
import socket
import stat
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import paramiko

from ingestion.sources import guard
from ingestion.sources.base import CHUNK_BYTES, Limits, Version
from ingestion.sources.errors import (
    HostKeyRefused,
    SourceDenied,
    SourceError,
    SourceFileMissing,
    SourceInvalid,
    SourceLoginRefused,
    SourceRefused,
    SourceTimeout,
    SourceTruncated,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.sources.ftp import FtpSource

# Requests sent ahead of the answers: enough for speed over long lines, and a bound on memory.
_AHEAD = 32
_BLOCK_BYTES = 32 << 10
# By the name that a public key's text begins with: the names under which that kind of key signs.
_HOST_KEYS: dict[str, tuple[str, ...]] = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}


class _NoSuchKey(Exception):
    """The server has no host key of the kind that was asked for."""


class SftpSession:
    """One signed-in SSH connection; see ``remote.Session``."""

    def __init__(self, source: FtpSource, limits: Limits) -> None:
        self._where = f"{source.host}:{source.port}"
        key = private_key(source.private_key, source.passphrase) if source.private_key else None
        self._transport = self._to_the_pinned(source, limits)
        try:
            with self._translated():
                if key:
                    self._transport.auth_publickey(source.username, key)
                else:
                    self._transport.auth_password(source.username, source.password)
                self._sftp = paramiko.SFTPClient.from_transport(self._transport)
                self._sftp.get_channel().settimeout(limits.read_timeout_s)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the connection; never fails."""
        self._transport.close()

    def stat(self, path: str) -> Version:
        """Return a file's size and time."""
        with self._translated(path):
            return _version(self._client.stat(path))

    def names(self, folder: str) -> Iterator[tuple[str, Version]]:
        """Yield the plain files of a folder."""
        with self._translated(folder):
            for found in self._client.listdir_iter(folder or "."):
                if stat.S_ISREG(found.st_mode or 0):
                    yield found.filename, _version(found)

    def read(self, path: str, offset: int) -> Iterator[bytes]:
        """Yield a file's bytes from an offset, several requests on the way at once."""
        with self._translated(path), self._client.open(path, "rb") as file:
            size = file.stat().st_size or 0
            window = _AHEAD * _BLOCK_BYTES
            while offset < size:
                blocks = [
                    (at, min(_BLOCK_BYTES, size - at)) for at in range(offset, min(size, offset + window), _BLOCK_BYTES)
                ]
                for block in file.readv(blocks):
                    if not block:
                        return
                    offset += len(block)
                    yield block
            file.seek(offset)
            while more := file.read(CHUNK_BYTES):  # what was written meanwhile; the caller counts and refuses it
                yield more

    def delete(self, path: str) -> None:
        """Remove a file."""
        with self._translated(path):
            self._client.remove(path)

    def move(self, path: str, to: str) -> None:
        """Rename a file."""
        with self._translated(path):
            self._client.rename(path, to)

    @property
    def _client(self) -> paramiko.SFTPClient:
        if self._sftp is None:
            raise SourceRefused(f"{self._where} has no SFTP.", hint="Let the server offer the sftp subsystem.")
        return self._sftp

    def _to_the_pinned(self, source: FtpSource, limits: Limits) -> paramiko.Transport:
        """Return a connection to a server that has shown the pinned key; nothing secret was sent before.

        A server has keys of several kinds and shows one: the kind that is pinned is asked for, or, where only the
        digest is pinned, each kind in turn.
        """
        shown = ""
        for kinds in _kinds_to_ask_for(source.host_key):
            plain = guard.connect(source.host, source.port, limits.policy, limits.connect_timeout_s)
            with self._translated():
                transport = paramiko.Transport(plain)
            try:
                with self._translated():
                    if kinds:
                        transport.get_security_options().key_types = kinds
                    transport.start_client(timeout=limits.connect_timeout_s)
                    key = transport.get_remote_server_key()
                if _is_pinned(key, source.host_key):
                    return transport
                shown = shown or _digest(key)
            except _NoSuchKey:
                pass
            except BaseException:
                transport.close()
                raise
            transport.close()
        said = "another host key than the pinned one" if source.host_key else "a host key that is not pinned yet"
        hint = f"If its operator confirms {shown}, give that as source.host_key." if shown else "Ask its operator."
        raise HostKeyRefused(f"{self._where} shows {said}.", hint=hint)

    @contextmanager
    def _translated(self, path: str = "") -> Iterator[None]:
        """Turn paramiko's errors into ours."""
        where = self._where
        try:
            yield
        except SourceError:
            raise
        except paramiko.IncompatiblePeer as error:
            if "host key" in str(error):
                raise _NoSuchKey from error
            raise SourceRefused(
                f"{where} and DataBridge have no cipher in common.", hint="Update the server."
            ) from error
        except paramiko.AuthenticationException as error:
            raise SourceLoginRefused(f"{where} refused user, password or key.", hint="Check them.") from error
        except FileNotFoundError as error:
            raise SourceFileMissing(f"{where} has no file {path}.", hint="Check the path.") from error
        except PermissionError as error:
            hint = "Check the file's permissions."
            raise SourceDenied(f"{where} does not let this user at {path}.", hint=hint) from error
        except (TimeoutError, socket.timeout) as error:  # noqa: UP041  (paramiko raises its alias)
            raise SourceTimeout(f"{where} did not answer in time.", hint="It is tried again.") from error
        except (paramiko.SSHException, paramiko.SFTPError, EOFError, OSError) as error:
            raise SourceTruncated(f"{where} closed the connection.", hint="It is tried again.") from error


def private_key(pem: str, passphrase: str) -> paramiko.PKey:
    """Read a private key in OpenSSH's or PEM form; raises ``SourceInvalid`` when it is none or stays locked."""
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(pem), passphrase or None)
        except paramiko.PasswordRequiredException as error:
            raise SourceInvalid("The private key is locked.", hint="Give source.passphrase.") from error
        except (paramiko.SSHException, ValueError, IndexError):
            continue
    raise SourceInvalid(
        "'private_key' is no Ed25519, ECDSA or RSA key, or the passphrase is wrong.",
        hint="Correct source.private_key or source.passphrase.",
    )


def _kinds_to_ask_for(pinned: str) -> list[tuple[str, ...]]:
    """Return which kinds of host keys to accept, one set a try; an empty set is whatever the server prefers."""
    named = [kinds for name, kinds in _HOST_KEYS.items() if name in pinned.split()]
    return named or ([(), *_HOST_KEYS.values()] if pinned else [()])


def _is_pinned(key: paramiko.PKey, pinned: str) -> bool:
    """Compare with a digest, or a key as in ``known_hosts`` with or without the host's name before it."""
    return pinned == _digest(key) or f" {key.get_name()} {key.get_base64()} " in f" {' '.join(pinned.split())} "


def _digest(key: paramiko.PKey) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def _version(found: paramiko.SFTPAttributes) -> Version:
    modified = None if found.st_mtime is None else datetime.fromtimestamp(found.st_mtime, UTC)
    return Version(size=found.st_size, modified=modified)
