"""Whether lines look like anything but a table: a program, a log, a message, prose; only to warn, never to refuse."""

from __future__ import annotations

import re
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from ingestion.conversion.values import Notice
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LINES, LONGEST = 200, 300
WORDS, LONG = 3, 6
_LINE = re.compile(r"([^\r\n]*)(?:\r\n|\r|\n|\Z)")
_PROGRAM = re.compile(
    r"\s*(?:[{}\])]+[;,)]?|(?:#!|#include\b|<\?|//|/\*|\*/|\"\"\").*|.*[ ()].*;\s*|.*(?:\{|\):|\belse:|\btry:)\s*|@\w+"
    r"|import \w+|from \w+ import .*|def \w+\(.*|return\b.*|\w+\([^)]*\)"
    r"|(?:SELECT .* FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|CREATE TABLE)\b.*|(?: {2}|\t).*[=(){};].*)"
)
_LOG = re.compile(
    r"\s*(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d\S*|\[?\d{1,2}[./]\w{2,3}[./]\d{4}[ :]\d\d:\d\d\S*"
    r"|[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d|\[?(?:TRACE|DEBUG|INFO|WARN(?:ING)?|ERROR|FATAL)\b\]?:?"
    r"|\d{1,3}(?:\.\d{1,3}){3} \S+ \S+ \[[^]]*\])\s.*[^\W\d_]{3}.*"
)
_MARKUP = re.compile(r"\s*</?[A-Za-z!?][^<>]*>.*")
_FIELD = re.compile(
    r"(?:From|To|Cc|Subject|Date|Sent|Received|Message-ID|MIME-Version|Content-Type|Von|An|Betreff): .+"
)
_STOP = re.compile(r".*[.!?,:]\s*")
_OPENING = re.compile(r"(?:error|fehler|warning|exception|fatal|traceback)\b.*", re.IGNORECASE)


@slotted(frozen=True)
class _Kind:
    """What lines may be instead of a table, and how many of them must look so."""

    name: str
    looks: Callable[[str], object]
    share: float
    from_first: bool
    """A list of such lines below a name is a list all the same."""


_KINDS = (
    _Kind("an e-mail", _FIELD.fullmatch, 0.0, True),
    _Kind("markup, as of a web page", _MARKUP.fullmatch, 0.5, True),
    _Kind("a log", _LOG.fullmatch, 0.6, True),
    _Kind("the text of a program", _PROGRAM.fullmatch, 0.5, False),
)


def unlike_table(text: str, first_line: int) -> Notice | None:
    """Return a warning of a text whose first lines look like anything but rows of a list; None where they may be rows.

    ``text`` is one whose cut into columns is in doubt; it begins on ``first_line``.
    """
    lines = [line.group(1)[:LONGEST] for line in islice(_LINE.finditer(text), LINES)]
    while lines and not lines[-1].strip():
        lines.pop()
    filled = [line for line in lines if line.strip()]
    if not filled or not (what := _what(lines, filled)):
        return None
    return Notice(
        code="UNLIKE_TABLE",
        message=f"The text looks like {what}, not like a table; each of its lines was read as a row all the same.",
        lines=(first_line + lines.index(filled[0]),),
    )


def _what(lines: Sequence[str], filled: Sequence[str]) -> str:
    for kind in _KINDS:
        if kind.from_first and not kind.looks(filled[0]):
            continue
        found = sum(bool(kind.looks(line)) for line in filled)
        if found > 1 and found >= kind.share * len(filled):
            return kind.name
    return "prose" if _is_prose(lines, filled) else ""


def _is_prose(lines: Sequence[str], filled: Sequence[str]) -> bool:
    """Tell whether lines are sentences without a name above them, or that go on from line to line."""
    if len(filled) == 1:
        words = len(filled[0].split())
        return bool(_OPENING.fullmatch(filled[0].strip())) or words >= LONG or (words >= WORDS and _stops(filled[0]))
    sentences = sum(len(line.split()) >= LONG or (len(line.split()) >= WORDS and _stops(line)) for line in filled)
    goes_on = sum(
        one.strip()[-1:].isalpha() and two.strip()[:1].islower() and len(one.split()) >= WORDS
        for one, two in pairwise(filled)
    )
    parted = any(not line.strip() for line in lines)
    first = len(filled[0].split()) >= LONG or _stops(filled[0])
    return sentences * 3 >= len(filled) and (first or goes_on * 4 >= len(filled) or (parted and goes_on > 0))


def _stops(line: str) -> bool:
    return bool(_STOP.fullmatch(line))
