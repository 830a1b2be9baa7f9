"""The texts of .xls files: in a code page up to version 5, in one or two bytes a character in version 8."""

from __future__ import annotations

import codecs
import struct

import pyarrow as pa

from ingestion.conversion.typing.constants import text_array

CONTINUE = 0x3C
_CODEPAGES = {
    367: "ascii",
    1200: "utf-16-le",
    21010: "utf-16-le",
    10000: "mac-roman",
    32768: "mac-roman",
    32769: "cp1252",
}
_WIDE, _PHONETIC, _RICH = 1, 4, 8


class Strings:
    """Reads texts within records.

    ``codepage`` is what the file says of texts in bytes, if it does; ``guessed`` is the first text beyond ASCII that
    was read by guess, because the file does not say it or is wrong.
    """

    def __init__(self, data: bytes, version: int, codepage: int | None) -> None:
        """Remember how texts are written."""
        self._data = data
        self._version = version
        self.codepage = codepage
        self.guessed: str | None = None

    def _bytes(self, raw: bytes) -> str:
        codec = _CODEPAGES.get(self.codepage or 0, f"cp{self.codepage}")
        try:
            codecs.lookup(codec)
            return raw.decode(codec)
        except (LookupError, UnicodeDecodeError):
            return self._guess(raw)

    def _guess(self, raw: bytes) -> str:
        """Read bytes as Windows' texts of Western Europe, or each byte as one letter where that is no text."""
        try:
            text = raw.decode("cp1252")
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
        if self.guessed is None and not raw.isascii():
            self.guessed = text
        return text

    def short(self, at: int, end: int) -> str:
        """Return a text whose length is one byte."""
        return self._read(at + 1, self._data[at], end)

    def long(self, at: int, end: int) -> str:
        """Return a text whose length is two bytes (one in version 2)."""
        if self._version == 2:
            return self.short(at, end)
        return self._read(at + 2, self._data[at] | self._data[at + 1] << 8, end)

    def format_code(self, at: int, end: int) -> str:
        """Return a number format's code; some programs write it as version 5 did, whatever the version they claim."""
        if self._version < 8:
            return self.short(at, end)
        try:
            return self.long(at, end)
        except ValueError:
            return self._bytes(self._data[at + 1 : min(at + 1 + self._data[at], end)])

    def _read(self, at: int, count: int, end: int) -> str:
        if self._version < 8:
            return self._bytes(self._data[at : min(at + count, end)])
        if not count and at >= end:
            return ""  # some programs write nothing behind the length of an empty text
        cursor = _Cursor(self._data, at, end)
        return cursor.text(count)


class _Cursor:
    """Reads texts of version 8 that may go on in CONTINUE records."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data = data
        self.at = at
        self.end = end

    @property
    def more(self) -> bool:
        """Whether anything follows, in this record or in one that continues it."""
        return self.at < self.end or self.data[self.end : self.end + 2] == b"\x3c\x00"

    def _next_record(self) -> None:
        """Go to the beginning of the record that continues this one; raises ``ValueError``."""
        head = self.data[self.end : self.end + 4]
        if len(head) < 4 or head[0] | head[1] << 8 != CONTINUE:
            raise ValueError("a text is cut off")
        self.at = self.end + 4
        self.end = self.at + (head[2] | head[3] << 8)

    def byte(self) -> int:
        if self.at >= self.end:
            self._next_record()
        self.at += 1
        return self.data[self.at - 1]

    def number(self, size: int) -> int:
        if self.at >= self.end:
            self._next_record()
        self.at += size
        return int.from_bytes(self.data[self.at - size : self.at], "little")

    def skip(self, count: int) -> None:
        while count > self.end - self.at:
            count -= self.end - self.at
            self._next_record()
        self.at += count

    def text(self, count: int) -> str:
        """Return the next text; a continued one says again how wide its characters are."""
        flags = self.byte()
        runs = self.number(2) if flags & _RICH else 0
        phonetic = self.number(4) if flags & _PHONETIC else 0
        wide = flags & _WIDE
        parts = []
        while True:
            size = min(count << wide, (self.end - self.at) & ~wide)
            raw = self.data[self.at : self.at + size]
            parts.append(raw.decode("utf-16-le", "surrogatepass") if wide else raw.decode("latin-1"))
            self.at += size
            count -= size >> wide
            if not count:
                break
            self._next_record()
            wide = self.byte() & _WIDE
        if runs or phonetic:
            self.skip(4 * runs + phonetic)
        text = "".join(parts)
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if _has_halves(text) else text


def _has_halves(text: str) -> bool:
    """Tell whether a text holds halves of surrogate pairs, which the joint of two parts can make whole."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def shared_strings(data: bytes, at: int) -> pa.Array:
    """Return the table of shared strings whose record begins at a position; raises ``ValueError``.

    Some programs write no count, but 0: then the record holds as many as it holds.
    """
    length, _, count = struct.unpack_from("<HII", data, at + 2)
    count = count or 2**32
    cursor = _Cursor(data, at + 12, at + 4 + length)
    found: list[str] = []
    while len(found) < count:
        if not cursor.more:
            break
        _plain_strings(cursor, found, count)
        if len(found) < count and cursor.more:
            found.append(cursor.text(cursor.number(2)))
    return text_array(found)


def _plain_strings(cursor: _Cursor, found: list[str], count: int) -> None:
    """Take the texts that lie within the record and have one byte a character and no formats, quickly."""
    data, at, end = cursor.data, cursor.at, cursor.end
    while len(found) < count and at + 3 <= end and not data[at + 2]:
        behind = at + 3 + (data[at] | data[at + 1] << 8)
        if behind > end:
            break
        found.append(data[at + 3 : behind].decode("latin-1"))
        at = behind
    cursor.at = at
