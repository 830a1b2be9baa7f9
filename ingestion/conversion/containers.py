"""What containers hold: a compressed stream's bytes, or the one file of an archive that is meant.

Nothing is ever unpacked to a path that a container names; what a container may unpack to is bounded.
"""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from ingestion.conversion.errors import (
    BrokenFile,
    ContainerUnsupported,
    EmptyFile,
    MemberChoice,
    PasswordProtected,
    UnsafeArchive,
    unwritable,
)
from ingestion.conversion.streams import Damaged, Decompressed
from ingestion.conversion.unpack import MAGIC, Beside, Payload
from ingestion.conversion.values import Decision, Notice
from ingestion.slotted import replace, slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ingestion.conversion.values import Options

MAX_UNPACKED_BYTES = 20 * 1024**3
MAX_RATIO = 200
RATIO_COUNTS_FROM = 64 * 1024**2
NAMED_AT_MOST = 20
BLOCK_BYTES = 1 << 20

_DAMAGED = (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)
_WORKBOOK_PARTS = {"[content_types].xml", "mimetype"}
_BESIDE_THE_DATA = ("readme", "license", "licence", "manifest", "schema.ini", "checksum")
TOTALS_ENDINGS = (".totals.json", ".totals", ".sha256", ".ctl")
_PACKED_ENDINGS = {".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip", ".tar"}
MAX_TOTALS_BYTES = 64 * 1024
_BESIDE_ENDINGS = (*TOTALS_ENDINGS, ".md", ".pdf", ".md5", ".sha1", ".sig", ".asc", ".log", ".xsd", ".png", ".jpg")


def unpacked(payload: Payload, kind: str, options: Options, target: Path) -> Payload:
    """Return what a container holds, written to ``target``; see ``unpack.open_payload``."""
    if kind in MAGIC:
        return _from_stream(payload, kind, target)
    return _from_archive(payload, kind, options, target)


def is_workbook(payload: Payload) -> bool:
    """Tell whether a zip holds the parts of a workbook, in capitals or not; raises ``BrokenFile``."""
    with _zip(payload) as archive:
        return any(name.lower().lstrip("/\\") in _WORKBOOK_PARTS for name in archive.namelist())


# ---- compressed streams ----


def _from_stream(payload: Payload, kind: str, target: Path) -> Payload:
    stream = Decompressed(kind)
    try:
        with payload.open() as file:
            size = _copy(stream.pieces(file), target, payload)
    except Damaged as error:
        raise BrokenFile(
            f"The {kind} container is cut off or damaged: {error}, near byte {error.position:,}.",
            hint="Transfer or export the file again.",
            place=payload.place(),
        ) from error
    several = f" in {stream.members} members" if stream.members > 1 else ""
    evidence = f"its first bytes are {kind}'s; {payload.size:,} bytes unpack to {size:,}{several}"
    notices = payload.notices
    if stream.trailing:
        message = f"{stream.trailing:,} bytes behind the end of the {kind} data are no {kind} data and were left out."
        notices = (*notices, Notice(code="TRAILING_BYTES", message=message))
    return replace(
        payload,
        path=target,
        size=size,
        decisions=(*payload.decisions, _told("container", kind, evidence)),
        notices=notices,
        layers=(*payload.layers, payload.path),
    )


# ---- archives ----


@slotted(frozen=True)
class _Member:
    """A file in an archive: its name as shown, its size, and the archive's own entry."""

    name: str
    size: int
    entry: Any
    locked: bool = False


def _from_archive(payload: Payload, kind: str, options: Options, target: Path) -> Payload:
    try:
        with _zip(payload) if kind == "zip" else tarfile.open(payload.path, "r:") as archive:
            members = list(_members(archive))
            chosen, why = _choose(members, payload, options)
            place = replace(payload, member=chosen.name)
            if chosen.locked:
                raise PasswordProtected(
                    "The zip archive is protected by a password.", hint="Send it without one.", place=place.place()
                )
            size = _copy(_content(archive, chosen), target, place)
            beside = [member for member in members if member is not chosen and _tells_of(member, chosen)]
            totals = [Beside(member.name, chosen.name, _text(archive, member)) for member in beside]
    except NotImplementedError as error:
        raise ContainerUnsupported(
            "The member is packed by a method that DataBridge does not know.",
            hint="Pack it with an ordinary zip program, or send it unpacked.",
            place=payload.place(),
        ) from error
    except _DAMAGED as error:
        raise BrokenFile(
            f"The {kind} archive is cut off or damaged.", hint="Transfer or export it again.", place=payload.place()
        ) from error
    others = [member.name for member in members if member is not chosen and member not in beside]
    decisions = (
        _told("container", kind, f"its first bytes are {kind}'s; it holds {len(members)} files"),
        Decision(
            name="member",
            value=chosen.name,
            confidence=1.0 if options.member or not others else 0.6,
            evidence=why,
            by="given" if options.member else "detected",
            runner_up=others[0] if others else None,
        ),
    )
    notices = payload.notices
    if others:
        message = f'Only "{chosen.name}" was loaded; left out: {_listed(others)}.'
        notices = (*notices, Notice(code="MEMBERS_LEFT_OUT", message=message))
    return replace(
        payload,
        path=target,
        size=size,
        member=f"{payload.member}/{chosen.name}" if payload.member else chosen.name,
        decisions=(*payload.decisions, *decisions),
        notices=notices,
        layers=(*payload.layers, payload.path),
        totals=(*payload.totals, *totals),
    )


def _tells_of(member: _Member, chosen: _Member) -> bool:
    """Tell whether a member is named as control totals of another one: ``a.totals.json`` or ``a.csv.sha256``."""
    if member.locked or not 0 < member.size <= MAX_TOTALS_BYTES:
        return False
    data, own = PurePosixPath(chosen.name.lower()), str(PurePosixPath(member.name.lower()))  # without a "./" in front
    unpacked = data.with_suffix("") if data.suffix in _PACKED_ENDINGS else data
    stems = {str(data), str(unpacked), str(unpacked.with_suffix(""))}
    return any(own.endswith(ending) and own.removesuffix(ending) in stems for ending in TOTALS_ENDINGS)


def _text(archive: zipfile.ZipFile | tarfile.TarFile, member: _Member) -> str:
    return b"".join(_content(archive, member)).decode("utf-8-sig", errors="replace")


def _zip(payload: Payload) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(payload.path)
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise BrokenFile(
            "The zip archive is cut off or damaged.", hint="Transfer it again.", place=payload.place()
        ) from error


def _members(archive: zipfile.ZipFile | tarfile.TarFile) -> Iterator[_Member]:
    """Yield the archive's files, without folders, links and what macOS leaves beside them."""
    if isinstance(archive, zipfile.ZipFile):
        found: Iterable[_Member] = (
            _Member(_shown(info.filename), info.file_size, info, bool(info.flag_bits & 1))
            for info in archive.infolist()
            if not info.filename.endswith("/")  # is_dir() fails on a name without any sign
        )
    else:
        found = (_Member(_shown(info.name), info.size, info) for info in archive if info.isreg())
    for member in found:
        path = PurePosixPath(member.name)
        if path.parts[:1] != ("__MACOSX",) and path.name not in {".DS_Store", "Thumbs.db", "desktop.ini"}:
            yield member


def _shown(name: str) -> str:
    """Return a member's name without characters that could disturb a line or a page."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in name)


def _choose(members: list[_Member], payload: Payload, options: Options) -> tuple[_Member, str]:
    """Return the member asked for, or the first with data that is no companion of the data, and why."""
    if not members:
        raise EmptyFile("The archive holds no files.", hint="Pack it again.", place=payload.place())
    if options.member is not None:
        named = [member for member in members if member.name == options.member]
        named = named or [member for member in members if PurePosixPath(member.name).name == options.member]
        if len(named) != 1:
            how_many = f"{len(named)} members" if named else "no member"
            raise MemberChoice(
                f"It has {how_many} {options.member!r}. Its files are: {_listed([m.name for m in members])}.",
                hint="Name one by its whole path with the option member.",
                place=payload.place(),
            )
        return named[0], "the caller named it"
    if len(members) == 1:
        return members[0], "it is the only file"
    filled = [member for member in members if member.size] or members
    data = [member for member in filled if not _is_beside_data(member.name)] or filled
    why = "the first file with data" if len(data) > 1 else "the only file with data"
    return data[0], f"it is {why} of {len(members)} files"


def _is_beside_data(name: str) -> bool:
    """Tell whether a file goes with data rather than being it: a read-me, a checksum, a picture."""
    own = PurePosixPath(name).name.lower()
    return own.startswith((".", *_BESIDE_THE_DATA)) or own.endswith(_BESIDE_ENDINGS)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
    return ", ".join(names[:NAMED_AT_MOST]) + more


# ---- to disk ----


def _content(archive: zipfile.ZipFile | tarfile.TarFile, member: _Member) -> Iterator[bytes]:
    if isinstance(archive, zipfile.ZipFile):
        stream: IO[bytes] | None = archive.open(member.entry)
    else:
        stream = archive.extractfile(member.entry)
    while stream is not None and (block := stream.read(BLOCK_BYTES)):
        yield block


def _copy(blocks: Iterable[bytes], target: Path, payload: Payload) -> int:
    """Write blocks to disk within the limits on size and ratio; return how many bytes they were."""
    done = 0
    with target.open("wb") as file:
        for block in blocks:
            done += len(block)
            bomb = done > RATIO_COUNTS_FROM and done > payload.size * MAX_RATIO
            if bomb or done > MAX_UNPACKED_BYTES:
                raise UnsafeArchive(
                    f"It unpacks to more than {done // payload.size} times its size ({done:,} bytes and more).",
                    hint="Send the file unpacked, if it is really that large.",
                    place=payload.place(),
                )
            try:
                file.write(block)
            except OSError as error:
                raise unwritable(error, "The folder for temporary files") from error
    return done


def _told(name: str, value: str, evidence: str) -> Decision:
    return Decision(name=name, value=value, confidence=1.0, evidence=evidence)
