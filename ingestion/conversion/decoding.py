"""Bytes of any encoding as text, a piece at a time, with the proof that the text gives the bytes back."""

from __future__ import annotations

import codecs

from ingestion.conversion.values import Notice

EBCDIC = ("cp037", "cp500", "cp273", "cp1140", "cp1026")
_PAIRED = ("cp932", "cp950", "big5", "big5hkscs", "iso2022_jp", "iso2022_kr", "hz", "utf-7")
"""Encodings in which several byte sequences may mean one character; Python decodes all of them alike."""


class TextDecoder:
    """An incremental decoder. EBCDIC's next-line sign becomes a line feed: mainframes end their records with it."""

    def __init__(self, encoding: str) -> None:
        """Begin at a character's first byte."""
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._is_ebcdic = encoding in EBCDIC
        self._encoder = codecs.getincrementalencoder(encoding)() if encoding in _PAIRED else None
        self._line = 1
        self._wanted, self._got = b"", b""
        self.changed_line: int | None = None

    @property
    def is_between_characters(self) -> bool:
        """Tell whether the next byte begins a character, in the state of the beginning."""
        pending, flag = self._decoder.getstate()
        return not pending and not flag

    @property
    def begun(self) -> int:
        """Return how many bytes of a character are held back, from where ``UnicodeDecodeError`` counts."""
        return len(self._decoder.getstate()[0])

    def decode(self, data: bytes | bytearray, *, final: bool = False) -> str:
        """Return the text of the next bytes; raises ``UnicodeDecodeError``.

        ``changed_line`` is the first line with bytes that the text does not give back: the same characters have
        another code as well, such as the NEC and IBM copies in cp932.
        """
        text = self._decoder.decode(data, final=final)
        if self._is_ebcdic:
            text = text.replace("\x85", "\n")
        if self._encoder is not None and self.changed_line is None:
            self._compare(self._encoder.encode(text, final=final), bytes(data), text)
        return text

    def _compare(self, encoded: bytes, data: bytes, text: str) -> None:
        self._wanted, self._got = self._wanted + data, self._got + encoded
        length = min(len(self._wanted), len(self._got))
        if self._wanted[:length] != self._got[:length]:
            self.changed_line = self._line + _lines_before_difference(self._wanted, self._got)
        self._line += self._got[:length].count(b"\n")
        self._wanted, self._got = self._wanted[length:], self._got[length:]


def _lines_before_difference(one: bytes, two: bytes) -> int:
    at = next(place for place, (first, second) in enumerate(zip(one, two, strict=False)) if first != second)
    return one.count(b"\n", 0, at)


def decoded_sample(sample: bytes, encoding: str) -> str:
    """Return a text from anywhere; wrong bytes and characters cut at its ends are replaced."""
    text = sample.decode(encoding, errors="replace")
    return text.replace("\x85", "\n") if encoding in EBCDIC else text


def decoded_beginning(sample: bytes, encoding: str) -> str:
    """Return a text from its beginning, without the cut character at its end; wrong bytes are replaced."""
    if encoding in {"utf-8", "ascii"}:
        return sample.decode(errors="surrogateescape")
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(sample)
    return text.replace("\x85", "\n") if encoding in EBCDIC else text


def not_reversible(encoding: str, line: int) -> Notice:
    """Return the warning for a text that does not give its bytes back."""
    return Notice(
        code="NOT_REVERSIBLE",
        message=f"From line {line} on there are characters with two codes in {encoding}; the text is right, "
        "but encoding it again would give other bytes.",
        lines=(line,),
    )
