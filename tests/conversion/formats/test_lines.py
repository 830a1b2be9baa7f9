"""The line of a place is the number of line ends before it, in whatever order places are asked for."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from ingestion.conversion.formats import lines
from ingestion.conversion.formats.lines import Lines


class _Payload:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def open(self) -> io.BytesIO:
        return io.BytesIO(self._data)


@pytest.mark.parametrize("origin", [0, 3])
def test_lines_are_counted_from_the_nearest_place_known(monkeypatch, origin):
    monkeypatch.setattr(lines, "PIECE_BYTES", 7)
    rng = Random(3)
    text = bytes(rng.choices(b"ab\n\r", k=3000))
    found = Lines(_Payload(b"x" * origin + text), b"\n", origin)
    found.note(100, 5)
    places = [rng.randrange(100, 3001) for _ in range(200)]
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(found.at, places))
    assert told == [5 + text.count(b"\n", 100, place) for place in places]


def test_places_of_a_file_in_another_encoding_are_those_noted():
    found = Lines(_Payload(b""), b"\n", None)
    found.note(0, 2)
    found.note(40, 7)
    found.note(40, 9)
    assert (found.at(0), found.at(40)) == (2, 7)
    with pytest.raises(LookupError):
        found.at(41)
