"""JSON in its layouts: an array, a document around an array, one document, or values one after another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingestion.conversion.detect.beginning import BLANK
from ingestion.conversion.detect.envelope import find_envelope, stands_behind
from ingestion.conversion.formats.jsontext.values import Malformed, Parser, Value
from ingestion.conversion.layout import Layout
from ingestion.conversion.values import Decision, Detection

if TYPE_CHECKING:
    from ingestion.conversion.detect.encoding import Encoding
    from ingestion.conversion.unpack import Payload

_SEPARATOR = re.compile(r"[ \t\r\n]*,?[ \t\r\n]*")
_TORN = 32  # a text that ends within so many characters of an error may only be cut there


def read_layout(payload: Payload, text: str, encoding: Encoding, *, whole: bool) -> Detection:
    """Return the layout of a JSON text, given its beginning, or the ``whole`` of it."""
    start = len(text) - len(text.lstrip(BLANK))
    layout, shape, why = _Reader(payload, text, encoding, whole=whole).layout(start)
    decision = Decision(name="layout", value=shape, confidence=0.99, evidence=why, runner_up=None)
    is_lines = shape == "lines"
    return Detection(
        format="ndjson" if is_lines else "json",
        decisions=(encoding.decision, decision),
        settings={"layout": layout},
    )


class _Reader:
    """Decides the layout from the text's beginning, and for a document from all of it."""

    def __init__(self, payload: Payload, text: str, encoding: Encoding, *, whole: bool) -> None:
        self._payload = payload
        self._text = text
        self._encoding = encoding
        self._whole = whole
        self._parser = Parser()

    def layout(self, start: int) -> tuple[Layout, str, str]:
        """Return the layout, its name, and why."""
        value, end, torn = self._first(start)
        following = self._text[end:].lstrip(BLANK) if end else ""
        if self._text[start] == "[":
            pages = following.startswith("[") and bool(value) and isinstance(value[0], dict)
            if not end or not following or pages:
                array = self._of(start + 1, array=True, separator=self._separator(start + 1, comma=True))
                return array, "array", "it is an array, and its elements are the records"
        may_be_envelope = not following and self._text[start] == "{" and (end or torn)
        if may_be_envelope and (found := self._document(start, end)) is not None:
            return found
        lines = bool(following) and "\n" not in self._text[start:end] and "\n" in self._between(end)
        name, why = ("lines", "each line is a JSON value") if lines else ("values", "JSON values follow one another")
        if not following:
            name, why = "document", "it is one JSON value, and that is the record"
        return self._of(start, separator=self._separator(start, comma=False)), name, why

    def _first(self, start: int) -> tuple[Value, int, bool]:
        """Return the first value and where it ends (0: not within the text), and whether the text may end before it."""
        try:
            value, end = self._parser.one(self._text, start)
        except Malformed as error:
            near_end = error.cut_off or error.position >= len(self._text) - _TORN
            return None, 0, near_end and not self._whole
        return value, end, False

    def _document(self, start: int, end: int) -> tuple[Layout, str, str] | None:
        """Return the layout of an object that may be an envelope; None when it is a record itself."""
        codec, mark = self._encoding.codec, self._encoding.mark
        if end and not self._whole and stands_behind(self._payload, codec, mark, self._bytes(end)):
            return None
        found = find_envelope(self._payload, codec, mark, self._bytes(start))
        if found is None:
            return None
        # The head is decoded text and the envelope's positions are bytes: where all is ASCII they are the same.
        at = len(_utf8(self._text[: found.start])[: found.start].decode(errors="ignore"))
        separator = self._separator(at, comma=True) if found.array else None
        layout = Layout(
            encoding=codec,
            bom_bytes=mark,
            array=found.array,
            start=found.start,
            end=found.end,
            path=found.path,
            around=found.around,
            separator=separator,
        )
        return layout, "envelope", f'the records are in "{".".join(found.path)}": {found.why}'

    def _of(self, start: int, *, array: bool = False, separator: bytes | None) -> Layout:
        return Layout(
            encoding=self._encoding.codec,
            bom_bytes=self._encoding.mark,
            array=array,
            start=self._bytes(start),
            separator=separator,
        )

    def _bytes(self, position: int) -> int:
        """Return a position of the text as bytes of UTF-8."""
        return len(_utf8(self._text[:position]))

    def _between(self, end: int) -> str:
        found = _SEPARATOR.match(self._text, end)
        return found.group() if found else ""

    def _separator(self, start: int, *, comma: bool) -> bytes | None:
        """Return what stands between the first two records, if these are objects."""
        position = start + len(self._text[start:]) - len(self._text[start:].lstrip(BLANK))
        if not self._text.startswith("{", position):
            return None
        try:
            _, end = self._parser.one(self._text, position)
        except Malformed:
            return None
        between = self._between(end)
        if not self._text.startswith("{", end + len(between)) or comma != ("," in between):
            return None
        return between.encode()


def _utf8(text: str) -> bytes:
    """Return a part of the beginning as bytes: it may end inside a character, or hold what is none."""
    return text.encode(errors="surrogateescape")
