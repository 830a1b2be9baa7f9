"""XML read as a stream, without a tree, and without any entity but XML's own five."""

from __future__ import annotations

import re
from typing import IO
from xml.parsers import expat

from ingestion.conversion.formats.books.parts import utf8


class _Local(dict[str, str]):
    """The names of elements and attributes without their prefixes, each cut once."""

    def __missing__(self, name: str) -> str:
        local = name.rpartition(":")[2]
        if len(self) < MOST_NAMES:
            self[name] = local
        return local


MOST_NAMES = 10_000
LEAST_HALVED = 16 << 10
MOST_WAITING = 16 << 20
_MARKED = re.compile(rb"<[!?]")
_DECLARATION = 5  # where a document's own declaration has begun
LOCAL = _Local()


class Handler:
    """What is called for each element and text, in order. Names carry their prefix."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take up an element."""

    def end(self, name: str) -> None:
        """Finish an element."""

    def text(self, data: str) -> None:
        """Take up characters."""


def fragment(data: bytes, handler: Handler) -> None:
    """Parse a piece of XML that has no root; raises ``ValueError`` where it is not well formed.

    There is no document type, so that no entity but XML's own five is known.
    """
    parser = _document(handler)
    try:
        parser.Parse(b"<root>", False)
        parser.Parse(data, False)
        parser.Parse(b"</root>", True)
    except expat.ExpatError as error:
        raise ValueError(f"its XML is broken: {error}") from error


def parse(stream: IO[bytes], handler: Handler) -> None:
    """Parse an XML document; raises ``ValueError`` where it is broken or has entities of its own."""
    parser = _document(handler)
    try:
        for block in utf8(stream):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise ValueError(f"its XML is broken: {error}") from error


class SkippingHandler(Handler):
    """A handler that can take many elements at once, unparsed."""

    def skip(self, data: bytes) -> bool:
        """Take whole elements and return True; False where they have to be parsed, because of them or their place."""
        return False


class SkippingParser:
    """Parses a document whose elements of one name, in their hundreds of thousands, a handler may take unparsed.

    Such a stretch of elements, each well formed, leaves a parser as it was before, so that it need not see them. Where
    comments, CDATA or instructions may hold what only looks like elements, and behind them, everything is parsed.
    """

    def __init__(self, handler: SkippingHandler, within: str, item: str) -> None:
        """``item`` is the elements' name, ``within`` that of what they stand in, with their prefixes."""
        self._handler = handler
        self._parser = _document(handler)
        self._start = re.compile(rb"<" + item.encode() + rb"(?=[\s/>])")
        self._end = b"</" + item.encode() + b">"
        self._close = b"</" + within.encode() + b">"

    def parse(self, stream: IO[bytes]) -> None:
        """Parse a document; raises ``ValueError`` where it is broken or has entities of its own."""
        rest, plain = b"", True
        try:
            for at, block in enumerate(utf8(stream)):
                data = rest + block
                plain = plain and _MARKED.search(data, 0 if at else _DECLARATION) is None
                rest = self._taken(data) if plain else self._parsed(data)
            self._parser.Parse(rest, True)
        except expat.ExpatError as error:
            raise ValueError(f"its XML is broken: {error}") from error

    def _parsed(self, data: bytes) -> bytes:
        self._parser.Parse(data, False)
        return b""

    def _taken(self, data: bytes) -> bytes:
        """Take up a document's next part; return its end, which only makes sense with what follows."""
        at = 0
        while (found := self._start.search(data, at)) is not None:
            first = found.start()
            closed = data.find(self._close, first)
            last = data.rfind(self._end, first, closed if closed >= 0 else len(data)) + len(self._end)
            if last < first:
                if closed < 0 and len(data) - first < MOST_WAITING:
                    self._parsed(data[at:first])
                    return data[first:]
                last = found.end()
                self._parsed(data[at:last])
            else:
                self._parsed(data[at:first])
                self._items(data[first:last])
            at = last
        whole = max(at, data.rfind(b"<", at))
        self._parsed(data[at:whole])
        return data[whole:]

    def _items(self, data: bytes) -> None:
        """Have the handler take elements; where it does not, halve them down to those that have to be parsed."""
        if self._handler.skip(data):
            return
        cut = data.rfind(self._end, 0, len(data) // 2) + len(self._end)
        following = self._start.search(data, cut) if len(data) > LEAST_HALVED and cut >= len(self._end) else None
        if following is None:
            self._parsed(data)
            return
        self._items(data[:cut])
        self._parsed(data[cut : following.start()])
        self._items(data[following.start() :])


def _document(handler: Handler) -> expat.XMLParserType:
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.text
    parser.EntityDeclHandler = _refuse_entities
    return parser


def _refuse_entities(*_: object) -> None:
    raise ValueError("its XML defines entities, which a workbook never does")
