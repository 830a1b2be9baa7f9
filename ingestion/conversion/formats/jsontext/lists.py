"""Where the items of lists stand: lists are cut out of their block as texts, and their items out of these."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions
from ingestion.conversion.formats.bytewise import byte_table, positions
from ingestion.conversion.formats.jsontext import strings
from ingestion.conversion.formats.jsontext.numbers import buffers
from ingestion.conversion.formats.jsontext.regions import BACKSLASH, QUOTE
from ingestion.conversion.layout import BLANKS
from ingestion.conversion.typing.constants import number_array, text_scalar
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from ingestion.conversion.formats.jsontext.regions import Bounds, Bytes, Places

MAX_BLANKS = 64  # around an item: deeper than lines are indented
_BETWEEN_OBJECTS = re.compile(rb"\}([ \t\r\n]*,[ \t\r\n]*)\{")
_IS_BLANK = byte_table(BLANKS.decode())


@slotted(frozen=True)
class Items:
    """A text that holds the items of lists, where each begins and ends in it, and how many each list has."""

    data: bytes
    begins: Places
    ends: Places
    counts: Places


@slotted(frozen=True)
class Objects:
    """The objects of all lists as one text, with one separator between each two, and where each list begins in it.

    ``filled`` tells which lists have any.
    """

    data: bytes
    separator: bytes
    begins: Places
    filled: Places

    def counts(self, starts: Places, lists: int) -> Places | None:
        """Return how many objects each list has, by where objects start; None when a list begins within one."""
        first = np.searchsorted(starts, self.begins)
        if not np.array_equal(starts.take(first, mode="clip"), self.begins):
            return None
        counts = np.zeros(lists, np.int64)
        counts[self.filled] = np.diff(np.append(first, len(starts)))
        return counts


def insides(data: bytes, raw: Bytes, begins: Places, ends: Places) -> pa.Array | None:
    """Return what stands in the brackets of lists, without blanks around it; None when a cell is no list."""
    if not bool((raw.take(begins) == ord("[")).all() and (raw.take(ends - 1) == ord("]")).all()):
        return None
    if bool((ends - begins < len("[]")).any()):
        return None
    bounds = _trimmed(raw, begins + 1, ends - 1)
    return None if bounds is None else strings.cells(data, *bounds)


def scalars(texts: pa.Array) -> Items | None:
    """Return the items of lists, of which none should be an object; None when one is missing."""
    raw, offsets = buffers(texts)
    commas, quotes = positions(raw, ord(",")), positions(raw, QUOTE)
    quotes = quotes[raw.take(quotes - 1) != BACKSLASH]
    commas = commas[np.searchsorted(quotes, commas) % 2 == 0]
    filled = np.flatnonzero(np.diff(offsets))
    begins = np.sort(np.concatenate([offsets[filled], commas + 1]))
    ends = np.sort(np.concatenate([offsets[filled + 1], commas]))
    bounds = _trimmed(raw, begins, ends)
    if bounds is None or bool((bounds[0] >= bounds[1]).any()):
        return None
    counts = np.diff(np.searchsorted(commas, offsets))
    counts[filled] += 1
    return Items(raw.tobytes(), *bounds, counts)


def objects(texts: pa.Array) -> Objects | None:
    """Return the objects of lists as one text; None when a list holds something else."""
    raw, offsets = buffers(texts)
    filled = np.flatnonzero(np.diff(offsets))
    if not bool(
        (raw.take(offsets[filled]) == ord("{")).all() and (raw.take(offsets[filled + 1] - 1) == ord("}")).all()
    ):
        return None
    between = _BETWEEN_OBJECTS.search(raw.data)
    separator = between.group(1) if between else b","
    some = functions.take(texts, number_array(filled))
    joined, ends = buffers(functions.binary_join_element_wise(some, text_scalar(""), text_scalar(separator.decode())))
    return Objects(joined[: len(joined) - len(separator)].tobytes(), separator, ends[:-1].astype(np.int64), filled)


def _trimmed(raw: Bytes, begins: Places, ends: Places) -> Bounds | None:
    """Return the places without the blanks around what stands between them; None when there are many."""
    for _ in range(MAX_BLANKS):
        filled = begins < ends
        before = filled & _IS_BLANK.take(raw.take(begins, mode="clip"))
        behind = filled & _IS_BLANK.take(raw.take(ends - 1, mode="clip"))
        if not bool((before | behind).any()):
            return begins, ends
        begins, ends = begins + before, np.maximum(ends - behind, begins + before)
    return None
