"""A JSON text as blocks of whole records, so that each can be read by itself.

Records are cut apart where the separator of the first two stands again: a search, which costs next to nothing.
It may hit a string or a nested array, and then the block is no JSON and its reader says so; ``restart`` then cuts
by brackets from that block on, which is slower and certain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ingestion.conversion.errors import LineTooLong
from ingestion.conversion.layout import BLANKS, Layout, utf8
from ingestion.conversion.structure import Scanner
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from ingestion.conversion.structure import Positions
    from ingestion.conversion.unpack import Payload

MAX_RECORD_BYTES = 64 << 20
FAR_BYTES = 4 << 20
SAMPLE_BYTES = 128 << 10


@slotted(frozen=True, eq=False)
class Block:
    """Whole records as they stand in the text from ``start`` on (its bytes as UTF-8).

    ``commas`` says that one comma separates each two records; ``commas_at`` tells where, when that is known.
    ``certain`` says that the block was cut by brackets.
    """

    data: bytes
    start: int
    commas: bool
    certain: bool
    commas_at: Positions | None = None

    @property
    def end(self) -> int:
        """Return the position behind the block."""
        return self.start + len(self.data)


class Blocks:
    """Cuts a payload's text; iterate as often as needed, each time from the first record.

    ``changed_line`` is the first line with bytes that the text does not give back, as far as was read.
    """

    def __init__(self, payload: Payload, layout: Layout) -> None:
        """Begin with the search for the separator, where the layout has one."""
        self._payload = payload
        self._layout = layout
        self._mark = b"" if layout.separator is None else b"}" + layout.separator + b"{"
        self.changed_line: int | None = None

    def __iter__(self) -> Iterator[Block]:
        """Yield all blocks of whole records; raises ``MalformedAt`` where the text around them is no JSON."""
        if self._mark:
            yield from self._searched()
        else:
            yield from self._by_brackets(self._layout.start)

    def from_block(self, block: Block) -> Iterator[Block]:
        """Yield the text again from a block on that could not be read, now cut by brackets."""
        return self._by_brackets(block.start)

    def beginning(self, block: Block) -> Block:
        """Return the first records of a long block as a sample."""
        cut = block.data.rfind(self._mark, 0, SAMPLE_BYTES) + 1 if self._mark and not block.certain else 0
        return Block(block.data[:cut], block.start, block.commas, certain=False) if cut else block

    def samples(self) -> Iterator[Block]:
        """Yield records from the middle and the end of a long text, cut by the separator."""
        size = (self._layout.end or self._payload.size) - self._layout.start
        if not self._mark or size < 4 * SAMPLE_BYTES or self._layout.encoding not in {"utf-8", "ascii"}:
            return
        for position in (size // 2, size - SAMPLE_BYTES):
            with self._payload.open() as file:
                file.seek(self._layout.bom_bytes + self._layout.start + position)
                text = file.read(SAMPLE_BYTES)
            first, last = text.find(self._mark), text.rfind(self._mark)
            if first < last:
                start = first + len(self._mark) - 1
                yield Block(text[start : last + 1], self._layout.start + position + start, self._layout.array, False)

    # ---- by the separator ----

    def _searched(self) -> Iterator[Block]:
        """Cut at the last separator of each piece but the last; the array's closing bracket is left off."""
        rest, start = b"", self._layout.start
        pieces = self._pieces(start)
        piece = next(pieces, b"")
        for following in pieces:
            # Nearly always one stands in the piece itself, and then its bytes are copied once.
            cut = piece.rfind(self._mark) + 1
            if not cut:
                rest, piece = b"", rest + piece
                cut = piece.rfind(self._mark) + 1
            if cut:
                data = b"".join((rest, memoryview(piece)[:cut]))
                yield Block(data, start, self._layout.array, certain=False)
                cut += len(self._mark) - 2
                start += len(rest) + cut
                rest = piece[cut:]
            else:
                rest = piece
            piece = following
            if not cut and len(rest) > FAR_BYTES:
                yield from self._by_brackets(start)
                return
        last = (rest + piece).rstrip(BLANKS)
        if self._layout.array and self._layout.end is None:
            if not last.endswith(b"]"):
                yield from self._by_brackets(start)
                return
            last = last[:-1].rstrip(BLANKS)
        yield Block(last, start, self._layout.array, certain=False)

    # ---- by brackets ----

    def _by_brackets(self, start: int) -> Iterator[Block]:
        """Cut where the brackets say that a record ends; several arrays in a row are pages of one table."""
        if not self._layout.array:
            yield from self._values(start)
            return
        page: int | None = start
        while page is not None:
            end = yield from self._elements(page)
            page = self._next_page(end) if self._layout.end is None else None

    def _values(self, start: int) -> Iterator[Block]:
        rest, scanner = b"", Scanner()
        for piece in self._pieces(start):
            found = scanner.feed(piece)
            closing = found.at[(found.depth == 0) & ~found.opens]
            cut = len(rest) + int(closing[-1]) + 1 if len(closing) else 0
            rest += piece
            if cut:
                yield Block(rest[:cut], start, commas=False, certain=True)
                rest, start = rest[cut:], start + cut
            self._refuse_endless(rest)
        if rest.strip(BLANKS):
            yield Block(rest, start, commas=False, certain=True)

    def _elements(self, start: int) -> Generator[Block, None, int]:
        """Yield an array's elements and return the position behind its closing bracket."""
        rest, scanner, first = b"", Scanner(), start
        commas = np.empty(0, np.int64)
        for piece in self._pieces(start):
            before, found = scanner.depth, scanner.feed(piece)
            closing = found.at[found.depth < 0]
            end = int(closing[0]) if len(closing) else len(piece)
            more = scanner.commas(piece, found, before)
            commas = np.append(commas, more[more < end] + len(rest))
            rest += piece[:end]
            if len(closing):
                if piece[end] != ord("]"):
                    raise MalformedAt(start + len(rest), "the array ends with }", "An array ends with ].")
                yield from self._last(rest, start, commas, is_only=start == first)
                return start + len(rest) + 1
            if len(commas):
                cut = int(commas[-1])
                yield Block(rest[:cut], start, commas=True, certain=True, commas_at=commas[:-1])
                rest, start, commas = rest[cut + 1 :], start + cut + 1, commas[:0]
            self._refuse_endless(rest)
        yield from self._last(rest, start, commas, is_only=start == first)
        if self._layout.end is None:
            raise MalformedAt(
                start + len(rest), "the text ends inside the array", "Export or transfer the file again; it is cut off."
            )
        return self._layout.end

    def _last(self, data: bytes, start: int, commas: Positions, *, is_only: bool) -> Iterator[Block]:
        """Yield the last block; only an array without any element may have a blank one."""
        if data.strip(BLANKS):
            yield Block(data, start, commas=True, certain=True, commas_at=commas)
        elif not is_only:
            raise MalformedAt(start - 1, "a comma stands behind the last value", "Remove the comma.")

    def _next_page(self, position: int) -> int | None:
        """Return where the elements of a following array start; raises ``MalformedAt`` for any other text."""
        for piece in self._pieces(position):
            following = piece.lstrip(BLANKS)
            at = position + len(piece) - len(following)
            if following.startswith(b"["):
                return at + 1
            if following:
                raise MalformedAt(at, "more text stands behind the end of the array", "Send one JSON text a file.")
            position += len(piece)
        return None

    def _pieces(self, start: int) -> Iterator[bytes]:
        """Yield the text from a position to the layout's end."""
        left = None if self._layout.end is None else self._layout.end - start
        for piece in utf8(self._payload, self._layout.encoding, self._layout.bom_bytes, start, self._note):
            if left is not None and len(piece) >= left:
                yield piece[:left]
                return
            left = None if left is None else left - len(piece)
            yield piece

    def _note(self, line: int) -> None:
        self.changed_line = line

    def _refuse_endless(self, rest: bytes) -> None:
        if len(rest) > MAX_RECORD_BYTES:
            raise LineTooLong(
                f"A record is longer than {MAX_RECORD_BYTES >> 20} MiB.",
                hint="Check the export for a bracket or quote that is never closed.",
                place=self._payload.place(),
            )


class MalformedAt(Exception):
    """The text is no JSON at ``position``, a byte of it as UTF-8."""

    def __init__(self, position: int, why: str, hint: str) -> None:
        """Keep place, cause and cure."""
        super().__init__(why)
        self.position = position
        self.why = why
        self.hint = hint
