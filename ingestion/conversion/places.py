"""From a place in a text's UTF-8 form to its line and to the byte of the file: a text may be in any encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestion.conversion.decoding import EBCDIC

if TYPE_CHECKING:
    from typing import IO

    from ingestion.conversion.unpack import Payload

PIECE_BYTES = 1 << 16
_UTF8 = {"utf-8", "ascii"}
_WITH_STATE = {"utf-7", "hz", "iso2022_jp", "iso2022_kr", "iso2022_jp_2", "iso2022_jp_ext"}
"""Encodings in which the bytes of a character depend on what stands before it."""


class Places:
    """Finds places of one text, fastest in ascending order: what was passed is not read again."""

    def __init__(self, payload: Payload, encoding: str, bom_bytes: int) -> None:
        """Begin at the text's first byte, behind its byte order mark."""
        self._payload = payload
        self._encoding = encoding
        self._bom = bom_bytes
        self._done = self._at = 0
        self._line = 1

    def offset(self, position: int) -> int | None:
        """Return the byte of the file at a position of the UTF-8 text; None where the encoding has no such place."""
        if self._encoding in _UTF8:
            return self._bom + position
        if self._encoding in _WITH_STATE:
            return None
        self._go_to(position)
        return self._bom + self._at

    def line(self, position: int) -> int:
        """Return the line, from 1, of a position of the UTF-8 text; lines end with a line feed."""
        self._go_to(position)
        return self._line

    def _go_to(self, position: int) -> None:
        """Read on to a position; ``_done`` counts bytes of UTF-8, ``_at`` those of the file behind its mark."""
        if position < self._done:
            self._done = self._at = 0
            self._line = 1
        with self._payload.open() as file:
            file.seek(self._bom + self._at)
            while self._done < position and self._step(file, position - self._done):
                pass

    def _step(self, file: IO[bytes], left: int) -> bool:
        """Pass at most ``left`` bytes of UTF-8; False at the end of the file."""
        if self._encoding in _UTF8:
            piece = file.read(min(left, PIECE_BYTES))
            self._pass(piece, len(piece))
            return bool(piece)
        data = file.read(PIECE_BYTES)
        text = self._decoded(data)
        if not text:
            return False
        whole = text.encode()[:left].decode(errors="ignore")
        as_written = len(whole.encode(self._encoding, errors="replace"))
        self._pass(whole.encode(), as_written)
        file.seek(self._bom + self._at)
        return bool(whole)

    def _decoded(self, data: bytes) -> str:
        """Return the whole characters at the beginning of some bytes."""
        for cut in range(min(4, len(data))):
            try:
                text = data[: len(data) - cut].decode(self._encoding)
            except UnicodeDecodeError:
                continue
            return text.replace("\x85", "\n") if self._encoding in EBCDIC else text
        return ""

    def _pass(self, piece: bytes, written: int) -> None:
        self._line += piece.count(b"\n")
        self._done += len(piece)
        self._at += written
