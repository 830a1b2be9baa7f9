"""Containers: gzip, bzip2, xz, zstd and zip around the one file that is meant, found by content, nested once."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, cast

from ingestion.conversion.errors import BrokenFile, EmptyFile, MemberChoice, PasswordProtected, UnsafeArchive
from ingestion.conversion.values import Decision, Options
from ingestion.errors import Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAX_UNPACKED_BYTES = 20 * 1024**3
MAX_RATIO = 200
RATIO_COUNTS_FROM = 64 * 1024**2
_MAGIC: tuple[tuple[str, bytes], ...] = (
    ("gzip", b"\x1f\x8b"),
    ("bzip2", b"BZh"),
    ("xz", b"\xfd7zXZ\x00"),
    ("zstd", b"\x28\xb5\x2f\xfd"),
    ("zip", b"PK\x03\x04"),
    ("zip", b"PK\x05\x06"),
)
_WORKBOOK_PARTS = ("[Content_Types].xml", "mimetype")


@dataclass(slots=True)
class Payload:
    """The file that is meant, out of its containers, as a plain local file."""

    name: str
    path: Path
    size: int
    member: str | None = None
    decisions: tuple[Decision, ...] = field(default=())

    def open(self) -> IO[bytes]:
        """Return a fresh stream from the first byte."""
        return self.path.open("rb")

    def local_path(self) -> Path:
        """Return the file's path."""
        return self.path

    def place(self, **more: Any) -> Place:
        """Return a place within this file."""
        return Place(file=self.name, member=self.member, **more)


def open_payload(path: Path, *, name: str, options: Options, workdir: Path) -> Payload:
    """Return the payload of a file; raises ``EmptyFile``, ``BrokenFile``, ``UnsafeArchive``, ``MemberChoice``."""
    payload = Payload(name=name, path=path, size=path.stat().st_size)
    for depth in range(2):
        if payload.size == 0:
            raise EmptyFile("The file is empty.", hint="Export it again.", place=payload.place())
        container = _container(payload)
        if container is None:
            break
        payload = _unpacked(payload, container, options, workdir / f"unpacked-{depth}")
    return payload


def _container(payload: Payload) -> str | None:
    with payload.open() as file:
        head = file.read(8)
    found = next((name for name, magic in _MAGIC if head.startswith(magic)), None)
    if found == "zip":
        with _zip(payload) as archive:
            if any(part in archive.namelist() for part in _WORKBOOK_PARTS):
                return None  # a workbook is a zip too, and is read as it is
    return found


def _unpacked(payload: Payload, container: str, options: Options, target: Path) -> Payload:
    member = None
    try:
        if container == "zip":
            with _zip(payload) as archive:
                member = _choose(archive, payload, options)
                with archive.open(member) as stream:
                    _copy(stream, target, payload)
        else:
            with _open_stream(container, payload) as stream:
                _copy(stream, target, payload)
    except (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, _zstd_error()) as error:
        raise BrokenFile(
            f"The {container} container is cut off or damaged.",
            hint="Transfer or export the file again.",
            place=payload.place(),
        ) from error
    seen = Decision(name="container", value=container, confidence=1.0, evidence=f"its first bytes are {container}'s")
    return Payload(
        name=payload.name,
        path=target,
        size=target.stat().st_size,
        member=member,
        decisions=(*payload.decisions, seen),
    )


def _open_stream(container: str, payload: Payload) -> IO[bytes]:
    import zstandard

    openers: dict[str, Callable[[], Any]] = {
        "gzip": lambda: gzip.open(payload.path),  # noqa: SIM115  (the caller closes it)
        "bzip2": lambda: bz2.open(payload.path),  # noqa: SIM115
        "xz": lambda: lzma.open(payload.path),  # noqa: SIM115
        "zstd": lambda: zstandard.open(payload.path, "rb"),
    }
    return cast("IO[bytes]", openers[container]())


def _zstd_error() -> type[Exception]:
    import zstandard

    return zstandard.ZstdError


def _zip(payload: Payload) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(payload.path)
    except zipfile.BadZipFile as error:
        raise BrokenFile(
            "The zip archive is cut off or damaged.", hint="Transfer it again.", place=payload.place()
        ) from error


def _choose(archive: zipfile.ZipFile, payload: Payload, options: Options) -> str:
    members = [
        info
        for info in archive.infolist()
        if not info.is_dir() and not info.filename.startswith("__MACOSX/") and not info.filename.endswith(".DS_Store")
    ]
    names = [info.filename for info in members]
    if options.member is not None:
        members = [info for info in members if info.filename == options.member]
    if len(members) != 1:
        what = f"It has no member {options.member!r}." if options.member else f"It has {len(names)} files."
        raise MemberChoice(
            f"{what} They are: {', '.join(names[:20]) or 'none'}.",
            hint="Name one with the option member.",
            place=payload.place(),
        )
    if members[0].flag_bits & 1:
        raise PasswordProtected(
            "The zip archive is protected by a password.", hint="Send it without one.", place=payload.place()
        )
    return members[0].filename


def _copy(stream: IO[bytes], target: Path, payload: Payload) -> None:
    """Unpack to disk within the limits on size and ratio."""
    done = 0
    with target.open("wb") as file:
        while block := stream.read(1 << 20):
            done += len(block)
            bomb = done > RATIO_COUNTS_FROM and done > payload.size * MAX_RATIO
            if bomb or done > MAX_UNPACKED_BYTES:
                shutil.rmtree(target, ignore_errors=True)
                raise UnsafeArchive(
                    f"It unpacks to more than {done // payload.size} times its size.",
                    hint="Send the file unpacked, if it is really that large.",
                    place=payload.place(),
                )
            file.write(block)
