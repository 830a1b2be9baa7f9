"""A text file as blocks of UTF-8 that end where a record ends, so that each can be read by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ingestion.conversion.decoding import TextDecoder, decoded_sample
from ingestion.conversion.errors import LineTooLong, UndecidedEncoding
from ingestion.conversion.formats.bytewise import byte_table, count, positions
from ingestion.conversion.formats.lines import Lines
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from ingestion.conversion.dialect import Dialect
    from ingestion.conversion.unpack import Payload

BLOCK_BYTES = 2 << 20
LARGE_BYTES = 128 << 20
"""From this size of a file on blocks are twice as large, because each costs some turns of the threads."""
SAMPLE_BYTES = 256 << 10
MAX_RECORD_BYTES = 64 << 20

_Quotes = tuple[int | None, bool]
_UNKNOWN: _Quotes = (None, True)  # a quote may break the rules


@slotted(frozen=True)
class Block:
    """Whole records: their bytes, where in the file they end, whether they are the last.

    ``start`` is where it begins in the text as UTF-8, behind the byte order mark; ``lines`` tells its line.
    ``quotes`` is how many quotes it has, where all of them are known to enclose whole cells or to stand doubled;
    ``doubled`` is whether some may do that.
    """

    data: bytes | bytearray
    end: int
    start: int = 0
    last: bool = False
    quotes: int | None = None
    doubled: bool = True
    lines: Lines | None = None

    @property
    def line(self) -> int:
        """Return the line of the first record; 0 of a sample from somewhere."""
        return self.lines.at(self.start) if self.lines is not None else 0


class Blocks:
    """Cuts a payload's text; iterate as often as needed, each time from the first data record."""

    def __init__(self, payload: Payload, dialect: Dialect, block_bytes: int | None = None) -> None:
        """Prepare the pattern of whole records for this dialect, and for blocks of about so many bytes."""
        self._payload = payload
        self._dialect = dialect
        self._block_bytes = block_bytes or BLOCK_BYTES * (2 if (payload.size or 0) >= LARGE_BYTES else 1)
        self._end = b"\r" if dialect.newline == "\r" else b"\n"
        self._whole = _whole_records(dialect, self._end) if dialect.quote else None
        self._is_utf8 = dialect.encoding in {"utf-8", "ascii"}
        self._has_ascii = _has_ascii(dialect.encoding)
        self._decoder = TextDecoder(dialect.encoding)
        self._lines = Lines(payload, self._end, dialect.bom_bytes if self._is_utf8 else None)

    def __iter__(self) -> Iterator[Block]:
        """Yield all blocks; the last one is at least a block long when the file is, so a footer lies in it."""
        line, start = self._dialect.first_line, self._dialect.start
        self._lines.note(start, line)
        held: tuple[bytearray, int, _Quotes] | None = None
        for cut in self._cut():
            if held is not None:
                data, position, (quotes, doubled) = held
                yield Block(data, position, start, quotes=quotes, doubled=doubled, lines=self._lines)
                start += len(data)
                if not self._is_utf8:
                    line += count(np.frombuffer(data, np.uint8), self._end[0])
                    self._lines.note(start, line)
            held = cut
        if held is not None:
            yield Block(held[0], held[1], start, last=True, lines=self._lines)

    def first(self) -> Block | None:
        """Return the first block, or a sample of it where more than one follows; None when there is none."""
        several = (self._payload.size or 0) > 2 * self._block_bytes and self._dialect.stop is None
        return next(iter(Blocks(self._payload, self._dialect, SAMPLE_BYTES) if several else self), None)

    def samples(self) -> Iterator[bytes]:
        """Yield whole records from the middle and the end, where a record's beginning is certain.

        With a quote in sight it is not certain whether a line end lies inside a cell, so such a sample is left out.
        """
        size = self._payload.size or 0
        if self._dialect.encoding.startswith(("utf-16", "utf-32")) or self._dialect.newline == "\r":
            return
        if self._dialect.stop is not None:
            return  # another table stands there
        for position in (size // 2, size - SAMPLE_BYTES):
            with self._payload.open() as file:
                file.seek(position)
                text = decoded_sample(file.read(SAMPLE_BYTES), self._dialect.encoding).encode()
            whole = text[text.find(b"\n") + 1 : text.rfind(b"\n") + 1]
            if whole and not (self._dialect.quote and self._dialect.quote.encode() in whole):
                yield whole

    def beginning(self, block: Block) -> Block:
        """Return a sample of a block: its first records."""
        cut = self._last_end(block.data[:SAMPLE_BYTES])[0] or len(block.data)
        return Block(block.data[:cut], block.end, block.start, lines=block.lines)

    def halves(self, data: bytes | bytearray) -> tuple[bytes | bytearray, bytes | bytearray]:
        """Return a block cut near its middle; the second part is empty when it is a single record."""
        cut, _ = self._last_end(data[: len(data) // 2])
        return data[:cut], data[cut:]

    def undecodable(self, data: bytes | bytearray, end: int, error: UnicodeDecodeError) -> UndecidedEncoding:
        """Return the error for a block that is no UTF-8, with the byte's position in the file."""
        return self._not_text(end - len(data) + error.start)

    def changed_line(self) -> int | None:
        """Return the first line with bytes that their text does not give back, as far as was read."""
        return self._decoder.changed_line

    def _cut(self) -> Iterator[tuple[bytearray, int, _Quotes]]:
        """Yield whole records, the position behind them, and what is known of their quotes.

        The end of the file is joined to its last block. A piece is read behind the rest of the one before and cut
        off in place, so that few bytes are copied.
        """
        rest, ready, seen = b"", bytearray(), 0
        quotes = _UNKNOWN
        position = self._dialect.bom_bytes
        self._decoder = decoder = TextDecoder(self._dialect.encoding)
        with self._payload.open() as file:
            file.seek(position)
            while (block := self._more(file, decoder, rest)) is not None:
                position = file.tell()
                seen = self._keep_table(block, len(rest), seen)
                cut, found = self._last_end(block)
                if not cut:
                    self._refuse_endless(block)
                rest = bytes(memoryview(block)[cut:])
                del block[cut:]
                if block and ready:
                    yield ready, position - len(rest) - len(block), quotes
                if block:
                    ready, quotes = block, found
        last = bytearray(rest)
        if ready or last:
            yield ready + last, position, _UNKNOWN

    def _more(self, file: IO[bytes], decoder: TextDecoder, rest: bytes) -> bytearray | None:
        """Return what was left over with the next piece of the file as UTF-8 behind it; None when there is no more.

        UTF-8 itself is checked where it is parsed.
        """
        block = bytearray(len(rest) + self._block_bytes)
        block[: len(rest)] = rest
        found = file.readinto(memoryview(block)[len(rest) :])  # type: ignore[attr-defined]
        del block[len(rest) + found :]
        if not self._is_utf8 and not (self._has_ascii and block.isascii() and decoder.is_between_characters):
            begun = decoder.begun
            try:
                block[len(rest) :] = decoder.decode(block[len(rest) :], final=not found).encode()
            except UnicodeDecodeError as error:
                raise self._not_text(file.tell() - found - begun + error.start) from error
        # A piece may hold no more than the beginning of a character, which must not end the text unseen.
        return block if found or len(block) > len(rest) else None

    def _refuse_endless(self, rest: bytes | bytearray) -> None:
        if len(rest) > MAX_RECORD_BYTES:
            raise LineTooLong(
                f"A record is longer than {MAX_RECORD_BYTES >> 20} MiB.",
                hint="Check quotes and line ends of the export.",
                place=self._payload.place(),
            )

    def _keep_table(self, block: bytearray, held: int, seen: int) -> int:
        """Cut what stands above and below the table off a piece behind ``held`` bytes; return the bytes seen so far."""
        start, stop = self._dialect.start, self._dialect.stop
        reached = seen + len(block) - held
        if stop is not None and reached > stop:
            del block[held + max(0, stop - seen) :]
        if seen < start:
            del block[held : held + start - seen]
        return reached

    def _last_end(self, text: bytes | bytearray) -> tuple[int, _Quotes]:
        """Return the position behind the last record end outside quotes, and what is known of the quotes before it.

        The position is 0 when there is none.
        """
        if self._whole is None or (self._dialect.quote or "").encode() not in text:
            return text.rfind(self._end) + 1, (0, False)
        if (found := self._last_end_by_parity(text)) is not None:
            return found
        position = 0
        while whole := self._whole.match(text, position):
            position = whole.end()
        return position, _UNKNOWN

    def _last_end_by_parity(self, text: bytes | bytearray) -> tuple[int, _Quotes] | None:
        """Find it by counting quotes; None where one is escaped, or stands inside an unquoted cell."""
        mark, delimiter = (self._dialect.quote or "").encode(), (self._dialect.delimiter or "").encode()
        if len(mark) != 1 or len(delimiter) != 1:
            return None
        if self._dialect.escape and self._dialect.escape.encode() + mark in text:
            return None
        raw = np.frombuffer(text, np.uint8)
        at = positions(raw, mark[0])
        beside = byte_table(mark.decode() + delimiter.decode() + "\r\n")
        opening, closing = at[0::2], at[1::2]
        if not beside.take(raw.take(opening[int(opening[0] == 0) :] - 1)).all():
            return None
        inside = len(closing) - int(len(closing) > 0 and closing[-1] == len(raw) - 1)
        if not beside.take(raw[1:].take(closing[:inside])).all():
            return None
        outside = len(raw) if len(at) % 2 == 0 else int(at[-1])
        cut = text.rfind(self._end, 0, outside) + 1
        while (before := int(np.searchsorted(at, cut))) % 2:
            cut = text.rfind(self._end, 0, int(at[before - 1])) + 1
        if self._dialect.escape:
            return cut, _UNKNOWN
        # Of quotes that enclose cells a closing one and the next opening one have a delimiter or a record end between.
        return cut, (before, bool((closing[: len(opening) - 1] + 1 == opening[1:]).any()))

    def _not_text(self, position: int) -> UndecidedEncoding:
        return UndecidedEncoding(
            f"The byte at position {position:,} is no text in {self._dialect.encoding}.",
            hint="Name the right encoding with the option encoding.",
            place=self._payload.place(),
        )


def _has_ascii(encoding: str) -> bool:
    """Tell whether ASCII bytes between whole characters stand for themselves."""
    signs = bytes(range(128))
    try:
        return signs.decode(encoding) == signs.decode("ascii")
    except (UnicodeDecodeError, LookupError):
        return False


def _whole_records(dialect: Dialect, end: bytes) -> re.Pattern[bytes]:
    """Return a pattern that matches up to the next certain record end, and not at all in an open quote."""
    mark, delimiter = re.escape((dialect.quote or "").encode()), re.escape((dialect.delimiter or "").encode())
    escape = re.escape((dialect.escape or "").encode())
    plain, inner = b"(?!%s)[^\r\n]" % delimiter, b"[^%s%s]++|%s%s" % (mark, escape, mark, mark)
    if escape:
        plain, inner = b"%s[^\r\n]|%s" % (escape, plain), b"%s|%s[\\s\\S]" % (inner, escape)
    plain, inner = b"(?:%s)*+" % plain, b"(?:%s)*+" % inner
    cell = b"(?:%s%s%s%s|(?!%s)%s)" % (mark, inner, mark, plain, mark, plain)
    if end == b"\r":
        return re.compile(b"(?:%s(?:%s|\n))*+%s\r" % (cell, delimiter, cell))
    return re.compile(b"(?:%s(?:%s|\r(?!\n)))*+%s\r?\n" % (cell, delimiter, cell))
