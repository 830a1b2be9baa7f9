"""How a JSON text is laid out: what detection hands to its reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestion.conversion.decoding import TextDecoder
from ingestion.conversion.errors import UndecidedEncoding
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestion.conversion.unpack import Payload

PIECE_BYTES = 2 << 20
BLANKS = b" \t\r\n"


@slotted(frozen=True, kw_only=True)
class Layout:
    """Where the records stand. Positions are bytes of the text as UTF-8, behind its byte order mark.

    ``array``: the records are the elements of the array whose content begins at ``start`` and, where that is
    known, ends at ``end``; otherwise every value from ``start`` to ``end`` is a record. ``path`` names the members
    that lead to the records, and ``around`` is the document's JSON text without them. ``separator`` is what stood
    between the first two records, if these are objects; it is a guess for the others.
    """

    encoding: str
    bom_bytes: int = 0
    array: bool = False
    start: int = 0
    end: int | None = None
    path: tuple[str, ...] = ()
    around: str = ""
    separator: bytes | None = None


def utf8(
    payload: Payload, encoding: str, bom_bytes: int, start: int = 0, changed: Callable[[int], None] | None = None
) -> Iterator[bytes]:
    """Yield the text from a position on as pieces of UTF-8; raises ``UndecidedEncoding`` with the byte's position.

    A text in UTF-8 is passed on as it is, and checked where it is parsed. ``changed`` hears of the first line with
    bytes that the text does not give back.
    """
    with payload.open() as file:
        if encoding in {"utf-8", "ascii"}:
            file.seek(bom_bytes + start)
            while piece := file.read(PIECE_BYTES):
                yield piece
            return
        decoder = TextDecoder(encoding)
        file.seek(bom_bytes)
        done, last = bom_bytes, False
        while not last:
            piece = file.read(PIECE_BYTES)
            last = not piece
            begun = decoder.begun
            try:
                text = decoder.decode(piece, final=last).encode()
            except UnicodeError as error:
                at = done - begun + (error.start if isinstance(error, UnicodeDecodeError) else 0)
                raise not_text(payload, encoding, at) from error
            if changed is not None and decoder.changed_line is not None:
                changed(decoder.changed_line)
            done += len(piece)
            skipped = min(start, len(text))
            start -= skipped
            if len(text) > skipped:
                yield text[skipped:]


def not_text(payload: Payload, encoding: str, position: int) -> UndecidedEncoding:
    """Return the error for a byte that is no text."""
    return UndecidedEncoding(
        f"The byte at position {position:,} is no text in {encoding}.",
        hint="Export the JSON as UTF-8, or name its encoding with the option encoding.",
        place=payload.place(),
    )


def line_and_column(payload: Payload, layout: Layout, position: int) -> tuple[int, int]:
    """Return line and column, both from 1, of a byte of the text; the column counts characters."""
    line, last, left = 1, b"", position
    for piece in utf8(payload, layout.encoding, layout.bom_bytes):
        before = piece[:left]
        left -= len(before)
        line += before.count(b"\n")
        last = before.rpartition(b"\n")[2] if b"\n" in before else last + before
        if not left:
            break
    return line, len(last.decode(errors="replace")) + 1
