"""The beginning of a file as a smaller file of the same kind, so that it can be looked at before all of it is here.

What is cut off is at most the last record. A file that can only be read whole has no beginning in this sense.
"""

from __future__ import annotations

import io
import json
import re
from typing import ClassVar

from ingestion.conversion.errors import ConversionError
from ingestion.conversion.streams import Damaged, Decompressed
from ingestion.conversion.structure import Scanner
from ingestion.conversion.unpack import MAGIC

UNPACKED_BYTES = 8 << 20
NEAR_BYTES = 16
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WHOLE_ONLY: dict[bytes, str] = {
    b"PK\x03\x04": "a workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "a workbook",
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"\xff\xff\xff\xff": "an Arrow stream",
    b"FEA1": "a Feather file",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
}
_UTF16 = {b"\xff\xfe": b"\n\x00", b"\xfe\xff": b"\x00\n"}


class WholeOnly(ConversionError):
    """The file is of a kind that cannot be looked at in part.

    Load it: the job shows what was found, and a file that cannot be read loads nothing.
    """

    code: ClassVar[str] = "WHOLE_FILE_ONLY"


def whole_part(head: bytes) -> bytes:
    """Return the part of a file's first bytes that is a file of its own; raises ``WholeOnly``.

    A compressed text comes back unpacked, at most ``UNPACKED_BYTES`` of it.
    """
    for kind, marks in MAGIC.items():
        if head.startswith(marks):
            return whole_part(_unpacked(kind, head))
    for mark, name in _WHOLE_ONLY.items():
        if head.startswith(mark) and not _is_name(head, mark):
            raise WholeOnly(
                f"This is {name}, which can only be read whole, and it is too large to be looked at by its beginning.",
                hint="Load it: the job shows what was found, and a file that cannot be read loads nothing.",
            )
    if head[:2] in _UTF16:
        return _cut_wide(head, _UTF16[head[:2]])
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start in {b"[", b"{"} and not _is_lines(head):
        return _cut_json(head)
    return _cut_lines(head)


def _is_name(head: bytes, mark: bytes) -> bool:
    """Tell a text whose first name begins with a mark, such as ``ORCAMENTO``, from the file that the mark is of."""
    behind = head[len(mark) : len(mark) + NEAR_BYTES]
    return mark.isalnum() and bool(behind) and not _CONTROL.search(behind)


def _unpacked(kind: str, head: bytes) -> bytes:
    """Return what the beginning of a compressed stream unpacks to; that it ends too early is no surprise."""
    out = bytearray()
    try:
        for piece in Decompressed(kind).pieces(io.BytesIO(head)):
            out += piece
            if len(out) >= UNPACKED_BYTES:
                break
    except Damaged:
        if not out:
            raise WholeOnly(
                "Nothing of this compressed file can be unpacked from its beginning.", hint="Load it to see more."
            ) from None
    return bytes(out)


def _cut_wide(head: bytes, newline: bytes) -> bytes:
    """Cut UTF-16 behind its last line end that stands on a whole code unit."""
    at = head.rfind(newline)
    while at % 2:
        at = head.rfind(newline, 0, at)
    return head[: at + 2] if at > 0 else head[: len(head) // 2 * 2]


def _cut_lines(head: bytes) -> bytes:
    """Cut behind the last line end that is not inside of quotes, as far as their number tells."""
    newline = b"\n" if b"\n" in head else b"\r"
    at = head.rfind(newline)
    while at > 0 and head.count(b'"', 0, at) % 2:
        at = head.rfind(newline, 0, head.rfind(b'"', 0, at))
    return head[: at + 1] if at > 0 else head[: head.rfind(newline) + 1] or head


def _is_lines(head: bytes) -> bool:
    """Tell JSON lines: the first line is a value of its own."""
    first, newline, _ = head.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")
    try:
        json.loads(first)
    except ValueError:
        return False
    return bool(newline)


def _cut_json(head: bytes) -> bytes:
    """Cut behind the last whole record of the outermost list that is still open, and close what is open."""
    found = Scanner().feed(head)
    opened: list[int] = []
    for at, opens in zip(found.at.tolist(), found.opens.tolist(), strict=True):
        if opens:
            opened.append(at)
        elif opened:
            opened.pop()
    depth = next((depth for depth, at in enumerate(opened, 1) if head[at] == ord("[")), 0)
    if depth:
        ends = found.at[~found.opens & (found.depth == depth) & (found.at > opened[depth - 1])]
        followed = [int(end) for end in ends[-2:] if head[int(end) + 1 :].lstrip()[:1] == b","]
        if followed:
            closing = bytes(ord("]") if head[at] == ord("[") else ord("}") for at in reversed(opened[:depth]))
            return head[: followed[-1] + 1] + closing
    raise WholeOnly(
        "The beginning of this JSON holds no whole record of a list.", hint="Load it: the job shows what was found."
    )
