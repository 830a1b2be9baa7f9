"""Answers in pages: every page's rows, in their own words, become one JSON array.

Rows are cut out of the page as text, not parsed and written again, so that ``1.10`` stays ``1.10``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import httpx

from ingestion.sources.base import number, refuse_unknown, text
from ingestion.sources.errors import SourceInvalid, SourceRefused, SourceTruncated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Page = tuple[bytes, Mapping[str, str]]

_FIELDS = {
    "link": {"by", "rows"},
    "odata": {"by", "rows"},
    "page": {"by", "rows", "parameter", "first"},
    "offset": {"by", "rows", "parameter"},
    "cursor": {"by", "rows", "parameter", "next"},
}
_MOST_PAGES = 100_000
_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()
_ODATA_ROWS = ("value", "d.results", "d")
_NEXT = ("@odata.nextLink", "odata.nextLink", "d.__next")
_COUNT = ("@odata.count", "odata.count", "d.__count")


def parse_pages(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``pages`` object of a source, {} if there is none; raises ``SourceInvalid``.

    ``by`` is link, odata, page, offset or cursor; ``rows`` the dotted name of the array in a page (none: the
    page is the array); ``parameter`` the query field that asks for a page; ``next`` where a cursor stands.
    """
    given = spec.get("pages", {})
    if not given:
        return {}
    by = given.get("by") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(by, str) or by not in _FIELDS:
        raise SourceInvalid("'pages' needs 'by'.", hint=f"Give pages.by as one of {', '.join(_FIELDS)}.")
    refuse_unknown(given, _FIELDS[by], kind=f"pages.by {by}")
    found: dict[str, Any] = {"by": by, "rows": text(given, "rows", "")}
    if "parameter" in _FIELDS[by]:
        found["parameter"] = text(given, "parameter", by)
    if by == "page":
        found["first"] = int(number(given, "first", 1, most=1))
    if by == "cursor":
        found["next"] = text(given, "next")
    return found


def whole_array(
    how: Mapping[str, Any],
    url: str,
    load: Callable[[str], Page],
    patiently: Callable[[Callable[[], Page]], Page],
) -> Iterator[bytes]:
    """Yield one JSON array of all pages' rows; raises ``SourceTruncated`` when the count told was not reached."""
    rows, pages, told, seen = 0, 0, None, set[str]()
    here: str | None = _with(url, how, how.get("first", 0)) if how["by"] in {"page", "offset"} else url
    yield b"["
    while here:
        if here in seen or pages >= _MOST_PAGES:
            raise SourceRefused("The pages never end: one names a page before it.", hint="Check source.pages.")
        seen.add(here)
        asked = here
        body, headers = patiently(lambda: load(asked))  # noqa: B023  (called before the loop goes on)
        page = _read(body)
        found = _rows(page, how)
        for row in found:
            yield (b",\n" if rows else b"\n") + row.encode()
            rows += 1
        pages += 1
        told = _count(page) if told is None else told
        here = _next(how, url, asked, page, headers, len(found), rows, pages)
    yield b"\n]\n"
    if told is not None and told != rows:
        raise SourceTruncated(f"{rows:,} of {told:,} announced rows came.", hint="It is tried again.")


def _next(
    how: Mapping[str, Any],
    url: str,
    asked: str,
    page: _Json,
    headers: Mapping[str, str],
    got: int,
    rows: int,
    pages: int,
) -> str | None:
    match how["by"]:
        case "link":
            return _link(asked, headers.get("link", ""))
        case "odata":
            link = next((found for name in _NEXT if (found := page.value(name))), None)
            return urljoin(asked, link) if isinstance(link, str) else None
        case "cursor":
            cursor = page.value(how["next"])
            return _with(url, how, cursor) if cursor else None
    if not got:
        return None  # pages that are counted end with an empty one: a short one may be a server's own limit
    return _with(url, how, rows if how["by"] == "offset" else how["first"] + pages)


class _Json:
    """A page's text and the places of its members."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.root = _SPACE.match(source).end()  # type: ignore[union-attr]  # matches the empty text too

    def at(self, path: str) -> int | None:
        """Return where the value of a dotted name begins. A name with dots of its own is tried whole first."""
        return self._find(self.root, path) if path else self.root

    def value(self, path: str) -> Any:
        """Return a value, None if it is not there."""
        place = self.at(path)
        return None if place is None else _DECODER.raw_decode(self.source, place)[0]

    def _find(self, begin: int, path: str) -> int | None:
        members = dict(_members(self.source, begin)) if self.source[begin] == "{" else {}
        if path in members:
            return members[path]
        head, _, tail = path.partition(".")
        return self._find(members[head], tail) if tail and head in members else None

    def elements(self, begin: int) -> list[str]:
        """Return the elements of the array that begins there, each in its own words."""
        found = []
        place = _past_space(self.source, begin + 1)
        while self.source[place] != "]":
            end = _DECODER.raw_decode(self.source, place)[1]
            found.append(self.source[place:end])
            place = _past_space(self.source, end)
            if self.source[place] == ",":
                place = _past_space(self.source, place + 1)
        return found


def _members(source: str, begin: int) -> Iterator[tuple[str, int]]:
    place = _past_space(source, begin + 1)
    while source[place] != "}":
        name, end = _DECODER.raw_decode(source, place)
        place = _past_space(source, _past_space(source, end) + 1)
        yield name, place
        place = _past_space(source, _DECODER.raw_decode(source, place)[1])
        if source[place] == ",":
            place = _past_space(source, place + 1)


def _past_space(source: str, place: int) -> int:
    found = _SPACE.match(source, place)
    return found.end() if found else place


def _read(body: bytes) -> _Json:
    try:
        source = body.decode("utf-8-sig")
        json.loads(source)
    except ValueError as error:
        raise SourceRefused("A page is not JSON.", hint="Ask for JSON, for example by $format=json.") from error
    return _Json(source)


def _rows(page: _Json, how: Mapping[str, Any]) -> list[str]:
    names = _ODATA_ROWS if how["by"] == "odata" and not how["rows"] else (how["rows"],)
    for name in names:
        place = page.at(name)
        if place is not None and page.source[place] == "[":
            return page.elements(place)
    raise SourceRefused("A page has no array of rows where one is expected.", hint="Correct source.pages.rows.")


def _count(page: _Json) -> int | None:
    """Return how many rows there are in all, if an OData answer tells; version 2 tells it as a text."""
    told = next((found for name in _COUNT if (found := page.value(name)) is not None), None)
    return int(told) if isinstance(told, (int, str)) and str(told).isdecimal() else None


def _with(url: str, how: Mapping[str, Any], value: Any) -> str:
    return str(httpx.URL(url).copy_set_param(how["parameter"], value))


def _link(asked: str, header: str) -> str | None:
    """Return the target of the link whose relation is next (RFC 8288)."""
    for target, parameters in re.findall(r"<([^>]*)>([^<]*)", header):
        if re.search(r';\s*rel\s*=\s*"?(?:[^";]*\s)?next(?:["\s;,]|$)', parameters, re.IGNORECASE):
            return urljoin(asked, target)
    return None
