"""The file that is meant: as it lies there, or out of the containers around it, found by content, nested once."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from ingestion.conversion.errors import ContainerUnsupported, EmptyFile, MemberChoice, unwritable
from ingestion.errors import Place
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

    from ingestion.conversion.values import Decision, Notice, Options

MAX_LAYERS = 2
HEAD_BYTES = 512

# How a member begins, by RFC 1952, bzip2's own source, the xz and lz4 frame formats, RFC 8878 with skippable frames.
MAGIC: dict[str, tuple[bytes, ...]] = {
    "gzip": (b"\x1f\x8b\x08",),
    "bzip2": tuple(b"BZh%d" % level + block for level in range(1, 10) for block in (b"1AY&SY", b"\x17rE8P\x90")),
    "xz": (b"\xfd7zXZ\x00",),
    "zstd": (b"\x28\xb5\x2f\xfd", *(bytes([0x50 + number]) + b"\x2a\x4d\x18" for number in range(16))),
    "lz4": (b"\x04\x22\x4d\x18",),
}
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_TAR_MARK = slice(257, 262), b"ustar"
_UNSUPPORTED: dict[bytes, str] = {
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"MSCF\0\0\0\0": "a Windows cabinet",
    b"\x1f\x9d": "a file of the Unix program compress",
    b"\x1f\xa0": "a file of the Unix program compress",
    b"LZIP\x01": "an lzip file",
    b"PK\x07\x08": "one part of a zip archive in several parts",
}


@slotted(frozen=True)
class Beside:
    """A text of control totals in an archive, with its name and that of the member beside which it lay."""

    name: str
    of: str
    text: str


@slotted(frozen=True)
class Payload:
    """The file that is meant, out of its containers, as a plain local file; ``notices`` tell what stayed behind.

    ``layers`` are the bytes that it came out of, from the outermost container in; ``totals`` are control totals that
    lay beside it, or beside what holds it, in an archive.
    """

    name: str
    path: Path
    size: int
    member: str | None = None
    decisions: tuple[Decision, ...] = ()
    notices: tuple[Notice, ...] = ()
    layers: tuple[Path, ...] = ()
    totals: tuple[Beside, ...] = ()

    def open(self) -> IO[bytes]:
        """Return a fresh stream from the first byte."""
        return self.path.open("rb")

    def local_path(self) -> Path:
        """Return the file's path."""
        return self.path

    def place(self, **more: Any) -> Place:
        """Return a place within this file."""
        return Place(file=self.name, member=self.member, **more)


class Workdir:
    """A folder for what is unpacked: made when it is first asked for, and removed at the end."""

    def __init__(self) -> None:
        """Begin without a folder; few files need one."""
        self._folder: TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def folder(self) -> Path:
        """Return the folder."""
        if self._folder is None:
            import tempfile

            try:
                self._folder = tempfile.TemporaryDirectory(prefix="convert-")
            except OSError as error:
                raise unwritable(error, "The folder for temporary files") from error
        return Path(self._folder.name)


def open_payload(path: Path, *, name: str, options: Options, workdir: Workdir) -> Payload:
    """Return the payload of a file, unpacked into ``workdir`` where it was packed.

    Raises ``EmptyFile``, ``BrokenFile``, ``UnsafeArchive``, ``MemberChoice``, ``PasswordProtected`` or
    ``ContainerUnsupported``.
    """
    payload = Payload(name=name, path=path, size=path.stat().st_size)
    for depth in range(MAX_LAYERS + 1):
        if payload.size == 0:
            raise EmptyFile("The file is empty.", hint="Export it again.", place=payload.place())
        container = _container(payload)
        if container is None:
            break
        if depth == MAX_LAYERS:
            raise ContainerUnsupported(
                f"It is packed more than {MAX_LAYERS} times over.",
                hint="Unpack it before sending it.",
                place=payload.place(),
            )
        from ingestion.conversion.containers import unpacked

        payload = unpacked(payload, container, options, workdir.folder() / f"unpacked-{depth}")
    if options.member is not None and payload.member is None:
        raise MemberChoice(
            f"It is no archive, so it has no member {options.member!r}.",
            hint="Leave the option member out.",
            place=payload.place(),
        )
    return payload


def _container(payload: Payload) -> str | None:
    """Return the kind of container by its first bytes; raises ``ContainerUnsupported`` for kinds we do not open."""
    with payload.open() as file:
        head = file.read(HEAD_BYTES)
    for magic, kind in _UNSUPPORTED.items():
        if head.startswith(magic):
            raise ContainerUnsupported(
                f"It is {kind}, which DataBridge does not open.",
                hint="Send the file itself, or as zip or gzip.",
                place=payload.place(),
            )
    if head.startswith(_ZIP):
        from ingestion.conversion.containers import is_workbook

        return None if is_workbook(payload) else "zip"  # a workbook is a zip too, and is read as it is
    where, mark = _TAR_MARK
    if head[where] == mark:
        return "tar"
    return next((kind for kind, magic in MAGIC.items() if head.startswith(magic)), None)
