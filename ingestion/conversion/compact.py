"""Thrift's compact protocol, as far as moving a Parquet file's row groups needs it: numbers found and written anew.

Whatever is not looked for stays as it was written, byte by byte; so what a later writer adds is kept without being
understood. Source: thrift-compact-protocol.md of Apache Thrift's specifications.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
INTEGERS = 4, 5, 6  # of 16, 32 and 64 bits, all written alike
LOW, MORE = 0x7F, 0x80  # of each byte of a number: seven bits of it, and whether another follows
KIND = 0x0F  # the lower half of the byte before a value
LONG = 15  # a list's length that says that the length follows


class Found(NamedTuple):
    """A field that was looked for: its name, its bytes from ``start`` to ``stop``, the number they are or 0."""

    name: str
    start: int
    stop: int
    number: int


def find(data: bytes, wanted: Mapping[int, object], at: int = 0) -> tuple[list[Found], int]:
    """Return the wanted fields of the struct that begins at ``at``, as they end, and where the struct ends.

    ``wanted`` gives to a field's id its name, or, where the field is a struct or a list of structs, what is wanted of
    those, or both. Raises ``ValueError`` where a type is met that Parquet's metadata has not.
    """
    found: list[Found] = []
    return found, _struct(data, at, wanted, found)


def _struct(data: bytes, at: int, wanted: Mapping[int, object], found: list[Found]) -> int:
    field = 0
    while head := data[at]:
        at += 1
        if head > KIND:
            field += head >> 4
        else:
            field, at = _signed(data, at)
        kind = head & KIND
        if (what := wanted.get(field)) is None:
            at = _after(data, at, kind)
        elif isinstance(what, str):
            number, stop = _signed(data, at) if kind in INTEGERS else (0, _after(data, at, kind))
            found.append(Found(what, at, stop, number))
            at = stop
        else:
            name, within = what if isinstance(what, tuple) else (None, what)
            start = at
            count, at = (1, at) if kind == STRUCT else list_head(data, at)
            for _ in range(count):
                at = _struct(data, at, within, found)
            if name is not None:
                found.append(Found(name, start, at, count))
    return at + 1


def _after(data: bytes, at: int, kind: int) -> int:
    """Return where the value ends that begins at ``at``."""
    if kind in INTEGERS:
        while data[at] & MORE:
            at += 1
        return at + 1
    if kind == BINARY:
        size, at = _unsigned(data, at)
        return at + size
    if kind == STRUCT:
        return _struct(data, at, {}, [])
    if kind in (LIST, SET):
        of = data[at] & KIND
        count, at = list_head(data, at)
        for _ in range(count):
            at = at + 1 if of in (TRUE, FALSE) else _after(data, at, of)
        return at
    sizes = {TRUE: 0, FALSE: 0, BYTE: 1, DOUBLE: 8}
    if kind not in sizes:
        raise ValueError(f"no type of Parquet's metadata: {kind}")
    return at + sizes[kind]


def list_head(data: bytes, at: int) -> tuple[int, int]:
    """Return how many elements the list at ``at`` has, and where the first begins."""
    count = data[at] >> 4
    return _unsigned(data, at + 1) if count == LONG else (count, at + 1)


def _unsigned(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while (byte := data[at]) & MORE:
        number |= (byte & LOW) << shift
        shift += 7
        at += 1
    return number | byte << shift, at + 1


def _signed(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at ``at``, whose lowest bit is its sign, and where it ends."""
    number, at = _unsigned(data, at)
    return (number >> 1) ^ -(number & 1), at


def as_number(number: int) -> bytes:
    """Write a number of up to 64 bits."""
    return _as_unsigned((number << 1) ^ (number >> 63))


def _as_unsigned(number: int) -> bytes:
    written = bytearray()
    while number > LOW:
        written.append(number & LOW | MORE)
        number >>= 7
    written.append(number)
    return bytes(written)


def as_structs(count: int, elements: bytes) -> bytes:
    """Write a list of structs that are written already."""
    length = _as_unsigned(count) if count >= LONG else b""
    return bytes([min(count, LONG) << 4 | STRUCT]) + length + elements


def rewritten(
    data: bytes, fields: Iterable[Found], anew: Iterable[bytes], start: int = 0, stop: int | None = None
) -> bytes:
    """Return the bytes from ``start`` to ``stop``, with each of the fields, in this order, written anew."""
    parts: list[bytes] = []
    at = start
    for field, bytes_ in zip(fields, anew, strict=True):
        parts += data[at : field.start], bytes_
        at = field.stop
    return b"".join([*parts, data[at:stop]])
