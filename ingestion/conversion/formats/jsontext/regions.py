"""Where the values of a block's records begin and end, proven: all bytes between them are those of a template.

The places are found by a sign that only names are followed by, nearly always. That need not be right: what is proven
is that the block consists of the templates' bytes and of values, and values are proven by who reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ingestion.conversion.formats.bytewise import places, positions
from ingestion.conversion.formats.jsontext.template import template
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from ingestion.conversion.formats.jsontext.template import Path, Template

QUOTE, BACKSLASH = ord('"'), ord("\\")
FEW_SHAPES, ROWS_A_SHAPE = 24, 20  # with fewer records a shape, one by one is quicker
LONGEST = 1 << 20  # no record has as many names

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Places = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Bounds = tuple[Places, Places]


@slotted(frozen=True)
class Regions:
    """Where each record begins, and the values of each path begin and end in it; at the same place where it has none.

    ``alike`` says that each record has all of them.
    """

    data: bytes
    raw: Bytes
    begins: Places
    values: dict[Path, Bounds]
    alike: bool


@slotted(frozen=True)
class _Records:
    """Where records begin and end, and which of the signs is the first of each."""

    begins: Places
    ends: Places
    first: Places

    def of(self, which: Places | Flags) -> _Records:
        return _Records(self.begins[which], self.ends[which], self.first[which])


def regions(data: bytes, separator: bytes) -> Regions | None:
    """Return the places of the values; None when a record is not plain, or they are written in too many ways."""
    written = template(data[: data.find(b"}" + separator + b"{") + 1 or None])
    if written is None:
        return None
    raw = np.frombuffer(data, np.uint8)
    signs = _behind_names(raw, written, has_escapes=b"\\" in data)
    if b"[" in data:
        signs = _outside_lists(raw, signs)
    return _alike(data, raw, written, signs, separator) or _in_shapes(data, raw, signs, separator)


def _alike(data: bytes, raw: Bytes, written: Template, signs: Places, separator: bytes) -> Regions | None:
    """Return the places in records that are all written like the first; None when one is not."""
    anchors = _anchors(signs, written)
    if anchors is None or len(signs) % anchors.every:
        return None
    first = np.arange(0, len(signs), anchors.every)
    begins = signs.take(first + anchors.which[0]) - anchors.inside[0]
    ends = np.append(begins[1:] - len(separator), len(data))
    if begins[0] != 0 or not stands(data, separator, ends[:-1]):
        return None
    starts = _starts(written, anchors, signs, _Records(begins, ends, first))
    if not all(map(stands, [data] * len(starts), written.texts, starts)):
        return None
    found = _bounds(written, starts)
    return None if found is None else Regions(data, raw, begins, dict(zip(written.paths, found, strict=True)), True)


def _in_shapes(data: bytes, raw: Bytes, signs: Places, separator: bytes) -> Regions | None:
    """Return the places in records of a few shapes, each as the first record that no shape before it fits."""
    records = _between(data, raw, signs, separator)
    counts = np.diff(np.append(records.first, len(signs)))
    if not counts.all():
        return None
    likeness = _likeness(raw, signs, records.first, counts)
    values: dict[Path, Bounds] = {}
    left, shapes = np.arange(len(counts)), 0
    while len(left):
        shapes += 1
        if shapes > FEW_SHAPES and len(counts) - len(left) < shapes * ROWS_A_SHAPE:
            return None
        begin, end, first = (int(places[left[0]]) for places in (records.begins, records.ends, records.first))
        written = template(data[begin:end])
        anchors = None if written is None else _anchors(signs[first : first + counts[left[0]]] - begin, written)
        if written is None or anchors is None or anchors.every != counts[left[0]]:
            return None
        alike = likeness[left] == likeness[left[0]]
        rows = left[alike]
        starts = _starts(written, anchors, signs, records.of(rows))
        fits = np.logical_and.reduce(list(map(_stands_at, [data] * len(starts), written.texts, starts)))
        found = _bounds(written, [places[fits] for places in starts])
        if found is None or not fits[0]:
            return None
        for path, bounds in zip(written.paths, found, strict=True):
            if path not in values:
                values[path] = (records.begins.copy(), records.begins.copy())
            for whole, part in zip(values[path], bounds, strict=True):
                whole[rows[fits]] = part
        alike[alike] = fits
        left = left[~alike]
    return Regions(data, raw, records.begins, values, alike=False)


def _likeness(raw: Bytes, signs: Places, first: Places, counts: Places) -> Places:
    """Return of each record a number that is another one, nearly always, where it has other names."""
    place = np.arange(len(signs)) - np.repeat(first, counts)
    return np.add.reduceat(raw.take(signs - 1) * (place * place + 7 * place + 1), first) * LONGEST + counts


def _between(data: bytes, raw: Bytes, signs: Places, separator: bytes) -> _Records:
    """Return the records as what stands between separators."""
    size = len(separator) + 1
    at = places((raw[:-size] == ord("}")) & (raw[size:] == ord("{")))
    at = at[_stands_at(data, separator, at + 1)]
    begins, ends = np.append(0, at + size), np.append(at + 1, len(data))
    return _Records(begins, ends, np.searchsorted(signs, begins))


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
    found = places(flags)
    return found[raw.take(found - 1) != BACKSLASH] if has_escapes else found


def _outside_lists(raw: Bytes, signs: Places) -> Places:
    """Return the signs that no brackets enclose; all, where brackets stand in one another."""
    opening, closing = positions(raw, ord("[")), positions(raw, ord("]"))
    if len(opening) != len(closing) or bool((opening > closing).any() or (opening[1:] < closing[:-1]).any()):
        return signs
    before = np.searchsorted(opening, signs)
    return signs[before == np.searchsorted(closing, signs)]


@slotted(frozen=True)
class _Anchors:
    """How many signs a record has, and of each text between values the last one in it and where in the text."""

    every: int
    which: list[int]
    inside: list[int]


def _anchors(found: Places, written: Template) -> _Anchors | None:
    """Return where the signs of a record that stands at the beginning lie; None when its names are not told by them."""
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
    return _Anchors(at, which, inside)


def _starts(written: Template, anchors: _Anchors, signs: Places, records: _Records) -> list[Places]:
    """Return where the texts between the values of records should stand."""
    inner = zip(anchors.which[1:], anchors.inside[1:], strict=True)
    starts = [signs.take(records.first + which) - inside for which, inside in inner]
    return [records.begins, *starts, records.ends - len(written.behind)]


def _bounds(written: Template, starts: list[Places]) -> list[Bounds] | None:
    """Return where the values between the texts begin and end; None when one has no length."""
    found = [(start + len(text), end) for text, start, end in zip(written.before, starts, starts[1:], strict=False)]
    return None if any(bool((end <= begin).any()) for begin, end in found) else found


def stands(data: bytes, text: bytes, starts: Places) -> bool:
    """Tell whether a text stands at all of some places, which are in order."""
    if not len(starts) or not text:
        return True
    if starts[0] < 0 or starts[-1] + len(text) > len(data):
        return False
    there = pa.py_buffer(windows(data, len(text), starts).view(np.uint8))
    first, rest = there.slice(0, len(text)), there.slice(len(text))
    return first.equals(pa.py_buffer(text)) and rest.equals(there.slice(0, len(rest)))


def _stands_at(data: bytes, text: bytes, starts: Places) -> Flags:
    """Tell at which of some places, which are in order, a text stands."""
    if stands(data, text, starts):
        return np.ones(len(starts), np.bool_)
    within = (starts >= 0) & (starts <= len(data) - len(text))
    there = windows(data, len(text), np.where(within, starts, 0)).view(np.uint8).reshape(-1, len(text))
    return within & (there == np.frombuffer(text, np.uint8)).all(axis=1)


def windows(data: bytes, size: int, starts: Places) -> np.ndarray[Any, Any]:
    """Return so many bytes from each of some places on; all must be within the data."""
    return np.ndarray((len(data) - size + 1,), f"V{size}", data, strides=(1,))[starts]
