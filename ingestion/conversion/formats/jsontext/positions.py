"""Where the records of a block's text begin, in characters."""

from __future__ import annotations

import re

from ingestion.conversion.formats.jsontext.values import Parser

_SEPARATOR = re.compile(r"[ \t\r\n,]*")


def record_starts(text: str) -> list[int]:
    """Return where each record begins."""
    starts, parser, at = [], Parser(), _behind_separator(text, 0)
    while at < len(text):
        starts.append(at)
        at = _behind_separator(text, parser.one(text, at)[1])
    return starts


def record_start(text: str, index: int) -> int:
    """Return where the n-th record begins, counted from 0."""
    at, parser = 0, Parser()  # the table's own would take a name that stands twice for the next record's
    for _ in range(index):
        _, at = parser.one(text, _behind_separator(text, at))
    return _behind_separator(text, at)


def _behind_separator(text: str, at: int) -> int:
    found = _SEPARATOR.match(text, at)
    return found.end() if found else at
