"""The parts of a workbook in a zip: found by name, read within limits, their XML never believed."""

from __future__ import annotations

import codecs
import re
import zipfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from lxml import etree

from ingestion.conversion.errors import BrokenFile, ConversionError, PasswordProtected, UnsafeArchive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.conversion.unpack import Payload

BLOCK_BYTES = 1 << 20
HEAD_BYTES = 64 << 20
MAX_RATIO, RATIO_COUNTS_FROM = 400, 256 << 20
SMALL_PART_BYTES = 64 << 20
_DECLARED = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([\w.:-]+)["']""")
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, LookupError, NotImplementedError, RuntimeError)


class Parts:
    """An open zip whose members are found whatever the case and the direction of their slashes."""

    def __init__(self, payload: Payload) -> None:
        """Read the directory; raises ``BrokenFile``."""
        self._payload = payload
        with damage_explained(payload):
            self._zip = zipfile.ZipFile(payload.path)
        listed = self._zip.infolist()
        self._names = {_plain(info.filename): info for info in listed}
        self._exact = {info.filename: info for info in listed}

    def __contains__(self, name: str) -> bool:
        return _plain(name) in self._names

    def _info(self, name: str) -> zipfile.ZipInfo:
        """Return a member; where two names differ by capitals alone, the one that is written so."""
        return self._exact.get(name) or self._names[_plain(name)]

    def names(self) -> list[str]:
        """Return the members' names in lower case."""
        return list(self._names)

    def close(self) -> None:
        """Close the zip."""
        self._zip.close()

    def open(self, name: str) -> IO[bytes]:
        """Return a stream; raises ``KeyError`` when there is none, ``PasswordProtected`` or ``UnsafeArchive``."""
        info = self._info(name)
        if info.flag_bits & 1:
            raise PasswordProtected(
                "The workbook is protected by a password.",
                hint="Save it without a password and send it again.",
                place=self._payload.place(),
            )
        if info.file_size > RATIO_COUNTS_FROM and info.file_size > info.compress_size * MAX_RATIO:
            raise self._unsafe(name, info.file_size)
        return self._zip.open(info)

    def read(self, name: str) -> bytes:
        """Return a small part as a whole."""
        size = self._info(name).file_size
        if size > SMALL_PART_BYTES:
            raise self._unsafe(name, size)
        with self.open(name) as stream:
            return stream.read()

    def _unsafe(self, name: str, size: int) -> UnsafeArchive:
        return UnsafeArchive(
            f"Its part {name} unpacks to {size >> 20} MiB.",
            hint="Send the sheet as CSV, if it is really that large.",
            place=self._payload.place(),
        )


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


@contextmanager
def damage_explained(payload: Payload, sheet: str | None = None) -> Iterator[None]:
    """Turn what zip and XML readers raise into ``BrokenFile``."""
    try:
        yield
    except ConversionError:
        raise
    except DAMAGE as error:
        words = (str(error).splitlines() or ["no details"])[0].strip("'\"")[:200]
        raise BrokenFile(
            f"The workbook is cut off or damaged: {words}.",
            hint="Open it, save it again and send that.",
            place=payload.place(sheet=sheet),
        ) from error


def parsed(content: bytes) -> Any:
    """Return the root element of a small XML document; entities are never resolved, nothing is fetched."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(str(error)) from error
    if root is None:
        raise ValueError("an empty XML document")
    return root


def local(element: Any) -> str:
    """Return an element's name without its name space; empty for comments and the like."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def children(element: Any, name: str) -> list[Any]:
    """Return the children of a name, whatever their name space."""
    return [child for child in element if local(child) == name]


def attribute(element: Any, name: str) -> str | None:
    """Return an attribute by its local name."""
    return next((value for key, value in element.attrib.items() if etree.QName(key).localname == name), None)


def utf8(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield an XML document in UTF-8, whatever its encoding."""
    head = stream.read(BLOCK_BYTES)
    declared = _DECLARED.match(head)
    codec = declared.group(1).decode() if declared else "utf-8"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        codec = "utf-16"
    elif head[:4] in {b"<\x00?\x00", b"\x00<\x00?"}:
        codec = "utf-16-le" if head[0] else "utf-16-be"
    if codec.lower() in {"utf-8", "utf8", "us-ascii", "ascii"}:
        yield head
        while block := stream.read(BLOCK_BYTES):
            yield block
        return
    decoder = codecs.getincrementaldecoder(codec)()
    block = head
    while block:
        yield decoder.decode(block).encode()
        block = stream.read(BLOCK_BYTES)
    yield decoder.decode(b"", final=True).encode()


def elements(stream: IO[bytes], within: str, item: str) -> Iterator[bytes]:
    """Yield the XML between ``<within>`` and ``</within>``, cut where an ``<item`` begins.

    A name space's prefix is dropped and line ends are normalised. Raises ``ValueError`` when the element does not
    end or the document has a type of its own (which could define entities).
    """
    source = utf8(stream)
    rest, prefix, ended = _after_start(source, within.encode())
    starts = b"<" + prefix + item.encode()
    ends = b"</" + prefix + within.encode()
    overlap = 0
    while not ended:
        end = rest.find(ends, overlap)
        if end >= 0:
            ended, piece, rest = True, rest[:end], b""
        else:
            cut = rest.rfind(starts, 1)
            piece, rest = (rest[:cut], rest[cut:]) if cut > 0 else (b"", rest)
            overlap = max(0, len(rest) - len(ends))
        if piece.strip():
            yield _normal(piece, prefix)
        if not ended:
            block = next(source, None)
            if block is None:
                raise ValueError(f"the element {within} does not end")
            rest += block
    for _ in source:
        pass  # to the end, where the zip's checksum is compared


def _after_start(source: Iterator[bytes], within: bytes) -> tuple[bytes, bytes, bool]:
    """Return what follows the start tag, its prefix, and whether it is empty."""
    start = re.compile(rb"<((?:[\w.-]+:)?)" + within + rb"(?:\s[^>]*?)?(/?)>")
    head = b""
    for block in source:
        head += block
        found = start.search(head, max(0, len(head) - len(block) - 4096))
        if b"<!DOCTYPE" in head[: found.start() if found else None]:
            raise ValueError("its XML has a document type, which a workbook never has")
        if found:
            return head[found.end() :], found.group(1), bool(found.group(2))
        if len(head) > HEAD_BYTES:
            break
    return b"", b"", True


def _normal(piece: bytes, prefix: bytes) -> bytes:
    if prefix:
        piece = piece.replace(b"<" + prefix, b"<").replace(b"</" + prefix, b"</")
    return piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in piece else piece
