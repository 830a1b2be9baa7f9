"""Blocks of JSON straight to Arrow columns, where it can be proven that nothing of the text is lost.

Records that all look like the first one are cut at their quotes by PyArrow's CSV parser; what stands between the
values must be the same bytes in each record. What cannot be proven is not called wrong: it is read value by value.
PyArrow's JSON parser is not used: on some random records it ended the whole process with a segmentation fault.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import csv

from ingestion.conversion import functions as pc
from ingestion.conversion.formats.jsontext.numbers import buffers
from ingestion.conversion.formats.jsontext.values import Malformed, Parser
from ingestion.conversion.layout import BLANKS
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from ingestion.conversion.formats.jsontext.blocks import Block
    from ingestion.conversion.formats.jsontext.plan import Plan

Path = tuple[str, ...]
_KEY_THEN = re.compile(rb"(\s*:\s*)(?:(-?[0-9][-+.0-9eE]*|true|false|null)|(\{\s*))?")
_BETWEEN = re.compile(rb"\s*((?:\}\s*)*)(,?)\s*")
_MAX_CELLS = 2_000


def parse(block: Block, plan: Plan, separator: bytes | None) -> pa.StructArray | None:
    """Return the block's records as the plan's values, or None when that cannot be done provably without loss."""
    if plan.kind != "object":
        return None
    return _alike(block, plan, separator)


# ---- records that all look like the first ----


@slotted(frozen=True)
class _Template:
    """A record cut at its quotes: bytes of the constant cells, and the cells that hold values.

    ``literals`` maps a cell to the path of the number or word in it and to what stands before and behind;
    ``strings`` maps a cell to the path of the string that it is.
    """

    constants: dict[int, bytes]
    literals: dict[int, tuple[Path, bytes, bytes]]
    strings: dict[int, Path]


def _alike(block: Block, plan: Plan, separator: bytes | None) -> pa.StructArray | None:
    data = _lines(block, separator)
    if data is None or b"\\" in data:
        return None
    line, _, _ = data[: data.find(b"\n") + 1 or None].partition(b"\n")
    template = _template(line)
    if template is None:
        return None
    count = len(template.constants) + len(template.literals) + len(template.strings)
    names = [str(at) for at in range(count)]
    try:
        table = csv.read_csv(
            pa.BufferReader(data),
            csv.ReadOptions(column_names=names, block_size=len(data), use_threads=False),
            csv.ParseOptions(delimiter='"', quote_char=False, newlines_in_values=False, ignore_empty_lines=False),
            csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), check_utf8=not data.isascii()),
        )
    except pa.ArrowInvalid:
        return None
    cells = table.combine_chunks().to_batches()[0].columns
    if not all(_are_all(cells[at], text) for at, text in template.constants.items()):
        return None
    found: dict[Path, pa.Array] = {path: cells[at] for at, path in template.strings.items()}
    for at, (path, before, behind) in template.literals.items():
        literals = _between(cells[at], before, behind)
        if literals is None:
            return None
        found[path] = literals
    return _assembled(plan, (), found, set(template.strings.values()), table.num_rows)


def _lines(block: Block, separator: bytes | None) -> bytes | None:
    """Return the block with a record a line, each line written alike; None for other separators."""
    if separator is None or block.commas_at is not None:
        return None
    data = block.data.lstrip(BLANKS)
    before, line_end, behind = separator.partition(b"\n")
    if not line_end:
        if not block.commas:
            return None
        # A line end inside a string would be no JSON, and the line then has too few quotes.
        data, before, behind = data.replace(b"}" + separator + b"{", b"},\n{"), b",", b""
    if b"\n" in behind:
        return None
    before = before.removesuffix(b"\r")
    return b"".join((behind, data, before)) if behind or before else data


def _template(line: bytes) -> _Template | None:
    """Return how a record is written; None when it has arrays or is otherwise not plain."""
    cells = line.split(b'"')
    opening, keys = cells[0].strip(), cells[1::2]
    if opening != b"{" or len(cells) < 3 or not len(cells) % 2 or len(cells) > _MAX_CELLS:
        return None
    try:
        record = line.decode().rstrip(", \t\r")
        parser = Parser()
        if parser.all(record, commas=False).earlier:
            return None
    except (Malformed, UnicodeDecodeError):
        return None
    found = _Template({0: cells[0]}, {}, {})
    path: list[str] = []
    at = 1
    while at < len(cells):
        found.constants[at] = cells[at]
        then = _KEY_THEN.match(cells[at + 1])
        if then is None:
            return None
        before, literal, opened = then.groups()
        name, rest = keys[at // 2].decode(), cells[at + 1][then.end() :]
        if opened:
            path.append(name)
            found.constants[at + 1] = cells[at + 1]
            at += 2
            if rest:
                return None
            continue
        if literal:
            found.literals[at + 1] = ((*path, name), before, rest)
            at += 2
        else:
            found.constants[at + 1] = cells[at + 1]
            found.strings[at + 2] = (*path, name)
            if rest or at + 3 >= len(cells):
                return None
            rest = cells[at + 3]
            found.constants[at + 3] = rest
            at += 4
        between = _BETWEEN.fullmatch(rest)
        if between is None:
            return None
        del path[max(0, len(path) - between.group(1).count(b"}")) :]
    return found


def _are_all(cells: pa.Array, text: bytes) -> bool:
    """Tell whether each cell is the text: the first one is, and the others begin as the one before each does."""
    data, offsets = buffers(cells)
    if bool(np.any(np.diff(offsets) != len(text))) or data[: len(text)].tobytes() != text:
        return False
    whole = pa.py_buffer(data)
    return whole.slice(len(text)).equals(whole.slice(0, len(data) - len(text)))


def _between(cells: pa.Array, before: bytes, behind: bytes) -> pa.Array | None:
    """Return what stands between two texts that must be in every cell."""
    data, offsets = buffers(cells)
    if bool(np.any(np.diff(offsets) <= len(before) + len(behind))):
        return None
    for step, byte in enumerate(before):
        if not bool(np.all(data.take(offsets[:-1] + step) == byte)):
            return None
    for step, byte in enumerate(reversed(behind), 1):
        if not bool(np.all(data.take(offsets[1:] - step) == byte)):
            return None
    inner = pc.binary_slice(cells.view(pa.binary()), len(before), -len(behind) if behind else None)
    return inner.view(pa.string())  # what was cut off is ASCII, so whole characters are left


def _assembled(
    plan: Plan, path: Path, found: dict[Path, pa.Array], strings: set[Path], rows: int
) -> pa.StructArray | None:
    """Return the values of an object's members; a member that no record has is null."""
    known = {name for name, _ in plan.fields}
    depth = len(path)
    if any(len(there) > depth and there[:depth] == path and there[depth] not in known for there in found):
        return None
    children = []
    for name, inner in plan.fields:
        here = (*path, name)
        if here in found:
            values = inner.from_strings(found[here]) if here in strings else inner.from_literals(found[here])
        elif any(there[: depth + 1] == here for there in found):
            values = _assembled(inner, here, found, strings, rows) if inner.kind == "object" else None
        else:
            values = pa.nulls(rows, inner.type)
        if values is None:
            return None
        children.append(values)
    return pa.StructArray.from_arrays(children, fields=list(plan.type))
