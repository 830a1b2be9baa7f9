"""Values as another type of the same kind, or as the text that they came from; exactly, or not at all."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.contract.kinds import INT_DIGITS, MAX_DIGITS
from ingestion.conversion.pythonic import values
from ingestion.conversion.typing.render import UnknownRule, notation_of, render

_MAX_PLAIN_SCALE = 6  # Arrow writes smaller fractions with an exponent


def cast(cells: pa.Array, kind: pa.DataType, rule: str = "") -> pa.Array:
    """Return values as a type that holds them; raises ``pa.ArrowInvalid`` for one that does not fit.

    ``rule`` tells how the values were written, where they become text again.
    """
    if cells.type == kind:
        return cells
    if pa.types.is_null(cells.type) or cells.null_count == len(cells):
        return pa.nulls(len(cells), kind)
    if pa.types.is_string(kind):
        return as_text(cells, rule)
    if pa.types.is_dictionary(cells.type):
        return cast(cells.dictionary_decode(), kind, rule)
    if pa.types.is_decimal128(kind):
        return _decimal(cells, kind)
    if pa.types.is_struct(kind):
        return _struct(cells, kind)
    if pa.types.is_list(kind):
        return _list(cells, kind)
    return _exactly(cells, kind)


def _exactly(cells: pa.Array, kind: pa.DataType) -> pa.Array:
    """Cast, and compare with what it came from: Arrow drops what a day has no room for, and zones."""
    old = cells.type
    if pa.types.is_timestamp(old) and (old.tz is None) != (getattr(kind, "tz", None) is None):
        raise pa.ArrowInvalid(f"{old} and {kind} differ in their zone")
    there = pc.cast(cells, kind)
    if pa.types.is_temporal(old) and not pc.all(pc.equal(pc.cast(there, old), cells), min_count=0).as_py():
        raise pa.ArrowInvalid(f"{kind} does not hold every {old} exactly")
    return there


def _decimal(cells: pa.Array, kind: pa.DataType) -> pa.Array:
    """Rescale by way of a type with room for every digit: Arrow refuses less, whatever the values are."""
    if not (pa.types.is_integer(cells.type) or pa.types.is_decimal(cells.type)):
        raise pa.ArrowInvalid(f"{cells.type} holds no exact numbers")  # Arrow would round floats without a word
    if pa.types.is_integer(cells.type):
        digits = INT_DIGITS[cells.type.bit_width] + 1
        cells = pc.cast(cells, pa.decimal128(digits, 0))
    if kind.scale > cells.type.scale and cells.type.precision + kind.scale - cells.type.scale > kind.precision:
        wide = min(MAX_DIGITS, cells.type.precision + kind.scale - cells.type.scale)
        cells = pc.cast(cells, pa.decimal128(wide, kind.scale))
    return pc.cast(cells, kind)


def _struct(cells: pa.StructArray, kind: pa.DataType) -> pa.Array:
    old = {field.name: at for at, field in enumerate(cells.type)}
    inner = [
        cast(cells.field(old[field.name]), field.type) if field.name in old else pa.nulls(len(cells), field.type)
        for field in kind
    ]
    return pa.StructArray.from_arrays(inner, fields=list(kind), mask=cells.is_null() if cells.null_count else None)


def _list(cells: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_large_list(cells.type):
        cells = pc.cast(cells, pa.list_(cells.type.value_type))
    start, stop = cells.offsets[0].as_py(), cells.offsets[-1].as_py()
    items = cast(cells.values.slice(start, stop - start), kind.value_type)
    offsets = pc.subtract(cells.offsets, pa.scalar(start, pa.int32()))
    mask = cells.is_null() if cells.null_count else None
    return pa.ListArray.from_arrays(offsets, items, type=kind, mask=mask)


def as_text(cells: pa.Array, rule: str = "") -> pa.Array:
    """Return the texts from which values were read, by the rule that was recorded; else their plain texts."""
    kind = cells.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pc.cast(cells, pa.string())
    if pa.types.is_dictionary(kind):
        return as_text(cells.dictionary_decode(), rule)
    if pa.types.is_integer(kind):
        return pc.cast(cells, pa.string())
    if pa.types.is_date32(kind) and rule in {"", "date YYYY-MM-DD"}:
        return pc.cast(cells, pa.string())
    has_signs = any(word in rule for word in ("group", "minus", "comma"))
    if pa.types.is_decimal128(kind) and kind.scale <= _MAX_PLAIN_SCALE and not has_signs:
        return pc.cast(cells, pa.string())
    try:
        notation_of(rule)
    except UnknownRule:
        return pa.array([None if value is None else plain_text(value) for value in values(cells)], pa.string())
    return pa.array([render(rule, value) for value in cells.to_pylist()], pa.string())


def plain_text(value: Any) -> str:
    """Return a value's text where no rule says how it was written; what has an inside as JSON."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case float():
            return repr(value)
        case bytes():
            return value.hex()
        case dict() | list():
            return _json(value)
        case _:
            return str(value)


def _json(value: Any) -> str:
    match value:
        case dict():
            return (
                "{"
                + ",".join(f"{json.dumps(name, ensure_ascii=False)}:{_json(one)}" for name, one in value.items())
                + "}"
            )
        case list():
            return "[" + ",".join(map(_json, value)) + "]"
        case None:
            return "null"
        case bool() | int() | Decimal():
            return plain_text(value)
        case float() if math.isfinite(value):
            return repr(value)
        case _:
            return json.dumps(plain_text(value), ensure_ascii=False)


def fits(cells: pa.Array, kind: pa.DataType) -> bool:
    """Tell whether a type holds every one of some values exactly."""
    try:
        there = cast(cells, kind)
        return bool(pc.all(pc.equal(cast(there, cells.type), cells), min_count=0).as_py())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False


def first_unfit(cells: pa.Array, kind: pa.DataType) -> int | None:
    """Return the row of the first value that a type does not hold; None where it holds all."""
    if fits(cells, kind):
        return None
    low, high = 0, len(cells)  # the first ``low`` values fit, the first ``high`` do not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(cells.slice(low, middle - low), kind) else (low, middle)
    return low
