"""Rejects as a table that people correct in a spreadsheet, and their corrections read back exactly.

One line a row that was set aside: what is wrong first, in columns named ``reject.*``, then the row's own cells. A cell
that a spreadsheet could take for a formula, a number or a date, and so run or rewrite, stands behind an apostrophe;
reading takes one apostrophe off again. An empty text, as another thing than no cell, is an apostrophe alone.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ingestion.conversion.checks.errors import CorrectionsInvalid

META = "reject."
_CELL = ("cell", "column", "value", "code", "rule", "reason", "hint")
_PLACES = ("row", "file", "member", "sheet", "line", "offset", *_CELL)
_MARK = "'"
# A spreadsheet takes a cell that begins with one of these for a formula (OWASP, "CSV Injection").
_RISKY = (_MARK, *"=+-@\t\r\n＝＋－＠")
_WORDS = re.compile(r"[^\W\d_](?:[^\W\d]|[ .,/&()-])*")
_SMALL = re.compile(r"0|[1-9][0-9]{0,9}")
_RENAMED = {"true", "false"}  # a spreadsheet writes these in capital letters
MAX_ROWS = 1_000_000
DIGITS = 18  # of a row's number
LONG = 2_000
_BITS = "bits:"
Corrections = dict[int, dict[str, str | None]]


def escaped(text: str | None) -> str:
    """Return a cell as it stands in the table, so that no spreadsheet runs or rewrites it."""
    if text is None:
        return ""
    safe = _SMALL.fullmatch(text) or (_WORDS.fullmatch(text) and text.lower() not in _RENAMED and text == text.strip())
    return text if safe else f"{_MARK}{text}"


def unescaped(cell: str) -> str | None:
    """Return the text that a cell of the table means; None for an empty one."""
    if not cell:
        return None
    return cell.removeprefix(_MARK) if cell.startswith(_MARK) else cell


def as_csv(rejects: Iterable[Mapping[str, Any]], names: Sequence[str]) -> Iterator[str]:
    """Yield the table's lines, from rejects in the order of their rows; ``names`` are the columns of all rows."""
    yield _line([*(META + name for name in _PLACES), *map(_named, names)])
    for places, cells in _by_row(rejects):
        meta = ["" if places.get(name) is None else _meta(str(places[name])) for name in _PLACES]
        yield _line([*meta, *(escaped(cells.get(name)) for name in names)])


def _by_row(rejects: Iterable[Mapping[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, str | None]]]:
    """Join the rejects of one row: the places that differ stand one behind the other."""
    held: list[Mapping[str, Any]] = []
    for one in rejects:
        if held and held[0]["row"] != one["row"]:
            yield _joined(held)
            held = []
        held.append(one)
    if held:
        yield _joined(held)


def _joined(held: list[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, str | None]]:
    places = dict(held[0])
    if len(held) > 1:
        for name in _CELL:
            found = dict.fromkeys(str(one[name]) for one in held if one.get(name) is not None)
            places[name] = " | ".join(found) or None
    return places, json.loads(held[0]["raw"] or "{}")


def _line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow(cells)
    return text.getvalue()


def _named(name: str) -> str:
    return f"{_MARK}{name}" if name.startswith((*_RISKY, META)) else name


def _meta(text: str) -> str:
    return f"{_MARK}{text}" if text.startswith(_RISKY) else text


# ---- what comes back ----


def corrections_of(body: bytes) -> Corrections:
    """Read corrections: the corrected table, or JSON ``{"rows": [{"row": 1, "cells": {"amount": "12.50"}}]}``.

    Returns the cells to change by the row's number; of a table all cells of its rows. Raises ``CorrectionsInvalid``.
    """
    text = _decoded(body)
    found = _from_json(text) if text.lstrip().startswith("{") else _from_table(text)
    if not found:
        raise CorrectionsInvalid("There is no row in it.", hint="Send the rows that are corrected.")
    if len(found) > MAX_ROWS:
        raise CorrectionsInvalid(f"It has more than {MAX_ROWS:,} rows.", hint="Correct the file itself.")
    return found


def _decoded(body: bytes) -> str:
    """Decode what a spreadsheet saves: UTF-8 with or without a mark, UTF-16 with one, else Windows' western codes."""
    if body[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return body.decode("utf-16", errors="replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CorrectionsInvalid(
            "The table is not UTF-8, so its letters cannot be told for certain.",
            hint='Save it as "CSV UTF-8".',
        ) from None


def _from_json(text: str) -> Corrections:
    try:
        told = json.loads(text)
        rows = {one["row"]: one.get("cells") or {} for one in told["rows"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _wrong_json() from None
    if len(rows) != len(told["rows"]):
        raise CorrectionsInvalid("A row is in it twice.", hint="Send each row once.")
    for number, cells in rows.items():
        sound = isinstance(number, int) and not isinstance(number, bool) and number > 0 and isinstance(cells, dict)
        if not sound or not all(isinstance(cell, str | None) for cell in cells.values()):
            raise _wrong_json()
    return rows


def _wrong_json() -> CorrectionsInvalid:
    return CorrectionsInvalid(
        "The corrections are not written as they must be.",
        hint='Send {"rows": [{"row": 1, "cells": {"amount": "12.50"}}]}; null empties a cell.',
    )


def _from_table(text: str) -> Corrections:
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    records = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = [cell.strip() for cell in next(records, [])]
        if META + "row" not in header:
            raise CorrectionsInvalid(
                f"The table has no column {META}row, which tells the rows apart.",
                hint="Download the rejects as CSV, correct its cells, and send it with all its columns.",
            )
        at = header.index(META + "row")
        names = {place: unescaped(name) or "" for place, name in enumerate(header) if not name.startswith(META)}
        found: Corrections = {}
        for record in records:
            if not any(record):
                continue
            number = _number(record, at, records.line_num)
            if number in found:
                raise CorrectionsInvalid(f"Row {number} is in it twice.", hint="Keep one of the two lines.")
            cells = {name: unescaped(record[place]) for place, name in names.items() if place < len(record)}
            if len(record) != len(header):
                raise CorrectionsInvalid(
                    f"Line {records.line_num} has {len(record)} cells, the header {len(header)}.",
                    hint="Restore the line, or download the rejects again.",
                )
            found[number] = cells
    except csv.Error as error:
        raise CorrectionsInvalid(f"The table cannot be read: {error}.", hint='Save it as "CSV UTF-8".') from None
    return found


def _number(record: list[str], at: int, line: int) -> int:
    text = record[at].strip().removeprefix(_MARK) if at < len(record) else ""
    if not text.isdecimal() or len(text) > DIGITS or int(text) < 1:
        raise CorrectionsInvalid(
            f"Line {line} has no number in the column {META}row.", hint="Leave that column as it is."
        )
    return int(text)


# ---- sets of rows ----


def as_ranges(rows: Iterable[int]) -> str:
    """Return row numbers as text, such as ``1-5,7``."""
    parts: list[list[int]] = []
    for row in sorted(set(rows)):
        if parts and parts[-1][1] == row - 1:
            parts[-1][1] = row
        else:
            parts.append([row, row])
    return ",".join(f"{one}" if one == last else f"{one}-{last}" for one, last in parts)


def packed(text: str) -> str:
    """Return such a text as it is kept: a long one as a map of bits, of at most a byte for eight rows."""
    if len(text) <= LONG:
        return text
    rows = of_ranges(text)
    bits = bytearray(max(rows) // 8 + 1)
    for row in rows:
        bits[row // 8] |= 1 << row % 8
    return _BITS + base64.b64encode(zlib.compress(bits)).decode()


def of_ranges(text: str) -> set[int]:
    """Return the row numbers of such a text, packed or not."""
    if text.startswith(_BITS):
        bits = zlib.decompress(base64.b64decode(text.removeprefix(_BITS)))
        return {8 * at + bit for at, byte in enumerate(bits) if byte for bit in range(8) if byte >> bit & 1}
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found
