"""Where the values of a block's records begin and end, proven: all bytes between them are those of the template.

The places are found by a sign that only names are followed by, nearly always. That need not be right: what is proven
is that the block consists of the template's bytes and of values, and values are proven by who reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from ingestion.conversion.formats.jsontext.template import Template

QUOTE, BACKSLASH = ord('"'), ord("\\")

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Places = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Regions:
    """For each value of the template, where it begins and ends in each record of the block."""

    data: bytes
    raw: Bytes
    begins: tuple[Places, ...]
    ends: tuple[Places, ...]

    @property
    def rows(self) -> int:
        """Return the number of records."""
        return len(self.begins[0])


def regions(data: bytes, written: Template, separator: bytes) -> Regions | None:
    """Return the places of the values; None when a record is written otherwise than the template."""
    first, behind = written.before[0], written.behind
    joints = (behind + separator + first, *written.before[1:])
    raw = np.frombuffer(data, np.uint8)
    found = _behind_names(raw, written, has_escapes=b"\\" in data)
    anchors = _anchors(found, written)
    if anchors is None or len(found) % anchors[0]:
        return None
    every, which, inside = anchors
    places = np.ascontiguousarray(found.reshape(-1, every).T)
    if not (data.startswith(first) and data.endswith(behind) and places[which[0], 0] == inside[0]):
        return None
    begins, ends = [], []
    for at, joint in enumerate(joints):
        start = places[which[at]] - inside[at]
        if at == 0:
            start -= len(joint) - len(first)
            ends.append(np.append(start[1:], len(data) - len(behind)))
        else:
            ends.insert(-1, start)
        if not _stands(data, joint, start[1:] if at == 0 else start):
            return None
        begins.append(start + len(joint))
    if any(bool((end <= begin).any()) for begin, end in zip(begins, ends, strict=True)):
        return None
    return Regions(data, raw, tuple(begins), tuple(ends))


def _behind_names(raw: Bytes, written: Template, *, has_escapes: bool) -> Places:
    """Return where the quotes stand that probably end a name.

    Behind these stands a sign that ends no string's quotes. A string that begins with the sign is told by what stands
    before it, and a quote in a string by its backslash.
    """
    first = written.before[0]
    sign = first[first.rfind(b'"') + 1]
    signs = raw == sign
    flags = signs[1:] & (raw[:-1] == QUOTE)
    pairs = zip(written.before, written.values, strict=True)
    before = next((text[-1] for text, value in pairs if value[0] == QUOTE), None)
    if before is not None:
        there = signs[:-2] if before == sign else raw[:-2] == before
        np.greater(flags[1:], there, out=flags[1:])
    found = np.flatnonzero(flags)
    return found[raw.take(found - 1) != BACKSLASH] if has_escapes else found


def _anchors(found: Places, written: Template) -> tuple[int, list[int], list[int]] | None:
    """Return how many places a record has, and of each text between values the last one in it and where in the text."""
    which, inside = [], []
    start = at = 0
    for text, value in zip(written.before, written.values, strict=True):
        end = start + len(text)
        if at < len(found) and found[at] == start - 1:
            at += 1  # where blanks stand before each colon and comma, the sign ends strings too
        past = int(np.searchsorted(found, end))
        if past == at or found[at] < start:
            return None
        which.append(past - 1)
        inside.append(int(found[past - 1]) - start)
        start, at = end + len(value), past
    at += at < len(found) and found[at] == start - 1
    return at, which, inside


def _stands(data: bytes, text: bytes, starts: Places) -> bool:
    """Tell whether a text stands at all of some places, which are in order."""
    if not len(starts):
        return True
    if starts[0] < 0 or starts[-1] + len(text) > len(data):
        return False
    there = pa.py_buffer(windows(data, len(text), starts).view(np.uint8))
    first, rest = there.slice(0, len(text)), there.slice(len(text))
    return first.equals(pa.py_buffer(text)) and rest.equals(there.slice(0, len(rest)))


def windows(data: bytes, size: int, starts: Places) -> np.ndarray[Any, Any]:
    """Return so many bytes from each of some places on; all must be within the data."""
    return np.ndarray((len(data) - size + 1,), f"V{size}", data, strides=(1,))[starts]
