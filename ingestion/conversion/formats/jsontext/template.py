"""How a record is written: its values' paths, and the bytes before, between and behind them."""

from __future__ import annotations

import re

from ingestion.conversion.formats.jsontext.values import Malformed, Parser
from ingestion.slotted import slotted

Path = tuple[str, ...]
MAX_VALUES = 1_000
_KEY = re.compile(rb'\s*"([^"\\]*)"\s*:\s*')
_VALUE = re.compile(rb'"(?:[^"\\]|\\.)*"|\[[^\[\]]*\]|\{\}|[^\s",:{}\[\]]+')
_BEHIND = re.compile(rb"\s*((?:\}\s*)*)(,?)")


@slotted(frozen=True)
class Template:
    """A record without its values: ``before`` each path's value stands what is no value since the one before it."""

    paths: tuple[Path, ...]
    before: tuple[bytes, ...]
    behind: bytes
    values: tuple[bytes, ...]

    @property
    def texts(self) -> tuple[bytes, ...]:
        """Return all that stands before, between and behind the values."""
        return (*self.before, self.behind)


def template(record: bytes) -> Template | None:
    """Return how a record is written; None when it has lists of lists, or is otherwise not plain."""
    if not _is_sound(record):
        return None
    paths: list[Path] = []
    before: list[bytes] = []
    values: list[bytes] = []
    inside: list[str] = []
    start, at = 0, record.find(b"{") + 1
    while key := _KEY.match(record, at):
        at, name = key.end(), key.group(1).decode()
        value = _VALUE.match(record, at)
        if value is None and record.startswith(b"{", at):
            inside.append(name)
            at += 1
            continue
        if value is None:
            return None
        paths.append((*inside, name))
        before.append(record[start:at])
        values.append(value.group())
        start = value.end()
        behind = _BEHIND.match(record, start)
        if behind is None or not 0 < len(values) <= MAX_VALUES:
            return None
        at, closed = behind.end(), behind.group(1).count(b"}")
        if not behind.group(2):
            is_whole = closed == len(inside) + 1 and at == len(record)
            return Template(tuple(paths), tuple(before), record[start:], tuple(values)) if is_whole else None
        del inside[len(inside) - closed :]
    return None


def _is_sound(record: bytes) -> bool:
    """Tell whether it is one JSON object in which no name stands twice."""
    try:
        found = Parser().all(record.decode(), commas=False)
    except (Malformed, UnicodeDecodeError):
        return False
    return len(found.values) == 1 and isinstance(found.values[0], dict) and not found.earlier
