"""JSON text as Python values, exactly: numbers keep their literal text, and no name of an object is dropped.

A number is the ``bytes`` of its literal, so that it can never be taken for a string or a float.
"""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]  # the scanner that json itself uses
from typing import Any

from ingestion.slotted import field, slotted

Value = Any  # None, bool, bytes (a number's literal), str, dict[str, Value] or list[Value]

_BLANK = re.compile(r"[ \t\r\n]*")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_HINTS = (
    (re.compile(r"\s*(?:NaN|[-+]?Infinity|undefined|None)"), "Let the export write null, or the number as a string."),
    (re.compile(r"\s*(?:True|False)\b"), "JSON has true and false in small letters only."),
    (re.compile(r"\s*(?:/[/*]|#|--)"), "JSON has no comments; remove them."),
    (re.compile(r"\s*'"), "JSON strings stand in double quotes."),
    (re.compile(r"\s*[}\]]"), "Remove a comma or bracket too many, or add what is missing before it."),
    (re.compile(r"\s*[-+]?[.0]?[0-9]"), "JSON numbers have no leading zero, no plus and digits around the point."),
)


class Malformed(Exception):
    """The text is no JSON at ``position`` (a character of the parsed text); ``cut_off``: it ends too early."""

    def __init__(self, why: str, position: int, hint: str, *, cut_off: bool = False, too_deep: bool = False) -> None:
        """Keep cause, place and cure apart."""
        super().__init__(why)
        self.why = why
        self.position = position
        self.hint = hint
        self.cut_off = cut_off
        self.too_deep = too_deep


class _Twice(dict[str, Value]):
    """An object in which a name stood more than once; it holds the last value of each, ``earlier`` the others."""

    earlier: list[tuple[str, Value]]


@slotted()
class Parsed:
    """The values of a text, and by index those in which a name stood twice: path to earlier values."""

    values: list[Value] = field(default_factory=list)
    earlier: dict[int, dict[str, list[Value]]] = field(default_factory=dict)


class Parser:
    """Parses texts of several values."""

    def __init__(self) -> None:
        """Prepare the decoder; one parser serves one thread."""
        self._met_twice = False
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object, parse_float=str.encode, parse_int=str.encode, parse_constant=_no_constant
        )

    def all(self, text: str, *, commas: bool) -> Parsed:
        """Return all values of a text, with one comma between each two, or nothing but blanks between them."""
        found = Parsed()
        position = _behind_blanks(text, 0)
        while position < len(text):
            value, position = self.one(text, position)
            if self._met_twice:
                self._met_twice = False
                earlier: dict[str, list[Value]] = {}
                value = _settled(value, "", earlier)
                found.earlier[len(found.values)] = earlier
            found.values.append(value)
            position = _behind_blanks(text, position)
            if commas and position < len(text):
                position = self._behind_comma(text, position)
        return found

    def one(self, text: str, position: int = 0) -> tuple[Value, int]:
        """Return the value at a position and the position behind it; raises ``Malformed``."""
        try:
            return self._decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise malformed(text, error.pos, error.msg) from None
        except _Constant as constant:
            at = text.find(str(constant), position)
            raise malformed(text, at, "Expecting value") from None
        except RecursionError:
            raise Malformed("It is nested too deeply.", position, "Flatten it before sending.", too_deep=True) from None

    def _behind_comma(self, text: str, position: int) -> int:
        if text[position] != ",":
            raise malformed(text, position, "Expecting ',' between values")
        behind = _behind_blanks(text, position + 1)
        if behind == len(text):
            raise Malformed("A value is missing behind the last comma.", position, "Remove the comma.", cut_off=True)
        return behind

    def _object(self, pairs: list[tuple[str, Value]]) -> dict[str, Value]:
        value = dict(pairs)
        if len(value) == len(pairs):
            return value
        self._met_twice = True
        twice = _Twice(value)
        last = {name: at for at, (name, _) in enumerate(pairs)}
        twice.earlier = [pair for at, pair in enumerate(pairs) if last[pair[0]] != at]
        return twice


def malformed(text: str, position: int, why: str) -> Malformed:
    """Return the error for a place in a text, with the cure that fits what stands there."""
    rest = text[position : position + 200]
    if "control character" in why:
        hint = "JSON writes it as an escape such as \\n; or a closing quote is missing."
        return Malformed(f"A string holds the control character {rest[:1]!r}.", position, hint)
    if not rest.strip() or "Unterminated" in why:
        return Malformed(
            f"It ends too early: {why[0].lower()}{why[1:]}.",
            position,
            "Export or transfer the file again; it seems to be cut off.",
            cut_off=True,
        )
    hint = next((hint for pattern, hint in _HINTS if pattern.match(rest)), "Correct it there or export the file again.")
    return Malformed(f"{why}, but there is {rest[:12]!r}.", position, hint)


def dump(value: Value) -> str:
    """Return a value as JSON text, numbers as they were written."""
    match value:
        case bytes():
            return value.decode()
        case dict():
            return "{" + ", ".join(f"{dump(name)}: {dump(inner)}" for name, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(dump, value)) + "]"
        case str():
            return json.dumps(value, ensure_ascii=has_lone_surrogate(value))
        case _:
            return json.dumps(value)


def unescaped(text: str) -> str | None:
    """Return what stands between two quotes without its escapes; None when that is no whole string of characters."""
    try:
        found, end = scanstring(text + '"', 0)
    except json.JSONDecodeError:
        return None
    return found if end == len(text) + 1 and not has_lone_surrogate(found) else None


def without_texts(value: Value, texts: frozenset[str]) -> Value:
    """Return a value in which null stands for each of some strings; names stay."""
    match value:
        case str():
            return None if value in texts else value
        case list():
            return [without_texts(inner, texts) for inner in value]
        case dict():
            return {name: without_texts(inner, texts) for name, inner in value.items()}
        case _:
            return value


def has_lone_surrogate(text: str) -> bool:
    """Tell whether a text has half of a surrogate pair, which is no character."""
    return _LONE_SURROGATE.search(text) is not None


class _Constant(ValueError):
    """A word that other languages take for a number."""


def _no_constant(name: str) -> Value:
    raise _Constant(name)


def _behind_blanks(text: str, position: int) -> int:
    found = _BLANK.match(text, position)
    return found.end() if found else position


def _settled(value: Value, path: str, earlier: dict[str, list[Value]]) -> Value:
    """Return the value with plain objects only; the values that a later one displaced go to ``earlier``."""
    if isinstance(value, list):
        return [_settled(inner, f"{path}[]", earlier) for inner in value]
    if not isinstance(value, dict):
        return value
    for name, inner in value.earlier if isinstance(value, _Twice) else ():
        here = f"{path}.{name}".removeprefix(".")
        earlier.setdefault(here, []).append(_settled(inner, here, earlier))
    return {name: _settled(inner, f"{path}.{name}".removeprefix("."), earlier) for name, inner in value.items()}
