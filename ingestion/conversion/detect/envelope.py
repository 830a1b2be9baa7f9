"""JSON documents around one table: which member holds the records, decided from the whole document's outline.

The outline is the document with the content of each array left out. It is found by brackets alone, a piece at a
time, so that a document of any size can be looked at to its end before anything is decided.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ingestion.conversion.formats.jsontext.values import Malformed, Parser, Value
from ingestion.conversion.layout import BLANKS, utf8
from ingestion.conversion.structure import Scanner
from ingestion.slotted import field, slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.conversion.unpack import Payload

MAX_AROUND_BYTES = 1 << 20
_MARKED = re.compile(r"[@$_]|odata\.")
# What answers of services say about their records, as opposed to what a document says about its lines.
_ABOUT = re.compile(
    r"(?:[@$_].*|odata\..*|(?:total|record|row|item|result|page)s?_?(?:count|size|number|records|pages|items|rows|results|no)?"
    r"|(?:num|number)_?(?:of|found|results|rows)?_?\w*|count|total.*|per_?page|limit|offset|skip|top|size|took|start|next.*"
    r"|prev.*|first|last|self|href|links?|has_?(?:more|next).*|more|cursor|status.*|code|success|ok|message|msg|errors?"
    r"|warnings?|meta.*|paging|pagination|info|version|api.*|type|kind|name|title|description|schema|crs|bbox|encoding"
    r"|request.*|response.*|timestamp|time|date|generated.*|created.*|updated.*|exported.*|licen[cs]e|source|url|lang.*)",
    re.IGNORECASE,
)
_TABLE = re.compile(
    r"value|results?|result_?set|data|rows?_?set|rows|records?|entit(?:y|ies)|features|docs|documents", re.IGNORECASE
)


@slotted()
class _Array:
    """The content of one array: where it starts and ends."""

    start: int
    end: int | None = None


@slotted()
class Outline:
    """A document without the content of its arrays: its text with ``[n]`` for the n-th, and where each stands.

    ``end`` is the position behind the document, None where it is cut off; ``inner`` is the first object below.
    """

    text: bytes = b""
    arrays: list[_Array] = field(default_factory=list)
    end: int | None = None
    inner: tuple[int, int] = (0, 0)


@slotted(frozen=True)
class Envelope:
    """The records' place: the names that lead there, the positions, and the document without them."""

    path: tuple[str, ...]
    array: bool
    start: int
    end: int
    around: str
    why: str


def find_envelope(payload: Payload, codec: str, mark: int, start: int) -> Envelope | None:
    """Return where a document's records stand; None when the document itself is the record, or no JSON."""
    outline = _outline(payload, codec, mark, start)
    if outline.end is None:
        return None
    try:
        tree, _ = Parser().one(outline.text.decode())
    except (Malformed, UnicodeDecodeError):
        return None
    if isinstance(tree, dict) and set(tree) == {"d"} and isinstance(tree["d"], dict) and not _odata_v2(tree["d"]):
        return Envelope(("d",), False, *outline.inner, around='{"d": null}', why="OData v2 puts an entity into d")

    def begins(marker: list[Value]) -> bytes:
        """Return the first byte of an array's content."""
        return next(iter(_from(payload, codec, mark, outline.arrays[int(marker[0])].start)), b"]")[:1]

    found = _decide(tree, begins, ())
    if found is None:
        return None
    path, why = found
    marker = tree
    for name in path:
        marker = marker[name]
    array = outline.arrays[int(marker[0])]
    if array.end is None or outline.end - start - (array.end - array.start) > MAX_AROUND_BYTES:
        return None
    around = _text(payload, codec, mark, start, array.start) + _text(payload, codec, mark, array.end, outline.end)
    return Envelope(path, True, array.start, array.end, around, why)


def _odata_v2(value: dict[str, Value]) -> bool:
    return isinstance(value.get("results"), list)


def _decide(value: Value, begins: object, above: tuple[str, ...]) -> tuple[tuple[str, ...], str] | None:
    """Return the path to the records and the rule that named it."""
    if not isinstance(value, dict):
        return None
    if found := _odata(value):
        return (*above, *found[0]), found[1]
    lists = {name: inner for name, inner in value.items() if isinstance(inner, list)}
    tables = [name for name, inner in lists.items() if begins(inner) == b"{"]  # type: ignore[operator]
    if len(tables) == 1 and _is_about({name for name in value if name != tables[0]}, tables[0]):
        return (*above, tables[0]), "it is the only array of objects, and what stands beside it describes it"
    objects = [name for name, inner in value.items() if isinstance(inner, dict) and _holds_list(inner)]
    if len(objects) == 1 and not tables and _is_about({name for name in value if name != objects[0]}, objects[0]):
        return _decide(value[objects[0]], begins, (*above, objects[0]))
    return None


def _odata(value: dict[str, Value]) -> tuple[tuple[str, ...], str] | None:
    if set(value) == {"d"}:
        inner = value["d"]
        if isinstance(inner, list):
            return ("d",), "OData v2 puts the entities into d"
        if isinstance(inner, dict) and _odata_v2(inner):
            return ("d", "results"), "OData v2 puts the entities into d.results"
    others = [name for name in value if name != "value"]
    if isinstance(value.get("value"), list) and (not others or all(_MARKED.match(name) for name in others)):
        return ("value",), "OData v4 puts the entities into value"
    return None


def _is_about(others: set[str], table: str) -> bool:
    return _TABLE.fullmatch(table) is not None or all(_ABOUT.fullmatch(name) for name in others)


def _holds_list(value: dict[str, Value]) -> bool:
    return any(isinstance(inner, list) or (isinstance(inner, dict) and _holds_list(inner)) for inner in value.values())


# ---- the outline ----


def _outline(payload: Payload, codec: str, mark: int, start: int) -> Outline:
    """Follow the brackets from the document's first to its last."""
    found, scanner = Outline(), Scanner()
    kept: list[bytes] = []
    inside: int | None = None  # the depth within the array whose content is left out
    position = start
    for piece in utf8(payload, codec, mark, start):
        brackets = scanner.feed(piece)
        at, opens, depth = brackets.at, brackets.opens, brackets.depth
        index, copied = 0, 0
        while index < len(at):
            here = int(at[index])
            if inside is not None:
                closing = np.flatnonzero(depth[index:] < inside)
                if not len(closing):
                    break
                index += int(closing[0])
                copied = int(at[index])
                found.arrays[-1].end = position + copied
                inside = None
            elif opens[index] and piece[here] == ord("["):
                kept.append(piece[copied : here + 1] + str(len(found.arrays)).encode())
                found.arrays.append(_Array(position + here + 1))
                inside = int(depth[index])
            else:
                _note_inner(found, position + here, bool(opens[index]), int(depth[index]))
            index += 1
            if inside is None and depth[index - 1] == 0:
                kept.append(piece[copied : int(at[index - 1]) + 1])
                found.text, found.end = b"".join(kept), position + int(at[index - 1]) + 1
                return found
        if inside is None:
            kept.append(piece[copied:])
        position += len(piece)
    return found


def _note_inner(found: Outline, position: int, opens: bool, depth: int) -> None:
    if opens and depth == 2 and not found.inner[0]:
        found.inner = position, 0
    elif not opens and depth == 1:
        found.inner = found.inner[0], position + 1


def _from(payload: Payload, codec: str, mark: int, start: int) -> Iterator[bytes]:
    """Yield the text from a position on without the blanks at its beginning."""
    for piece in utf8(payload, codec, mark, start):
        if text := piece.lstrip(BLANKS):
            yield text


def _text(payload: Payload, codec: str, mark: int, start: int, end: int) -> str:
    kept = b""
    for piece in utf8(payload, codec, mark, start):
        kept += piece
        if len(kept) >= end - start:
            break
    return kept[: end - start].decode()


def stands_behind(payload: Payload, codec: str, mark: int, position: int) -> bool:
    """Tell whether more than blanks stands behind a position."""
    return next(_from(payload, codec, mark, position), None) is not None
