"""XML read as a stream, without a tree, and without any entity but XML's own five."""

from __future__ import annotations

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
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.text
    try:
        parser.Parse(b"<root>", False)
        parser.Parse(data, False)
        parser.Parse(b"</root>", True)
    except expat.ExpatError as error:
        raise ValueError(f"its XML is broken: {error}") from error


def parse(stream: IO[bytes], handler: Handler) -> None:
    """Parse an XML document; raises ``ValueError`` where it is broken or has entities of its own."""
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.text
    parser.EntityDeclHandler = _refuse_entities
    try:
        for block in utf8(stream):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise ValueError(f"its XML is broken: {error}") from error


def _refuse_entities(*_: object) -> None:
    raise ValueError("its XML defines entities, which a workbook never does")
