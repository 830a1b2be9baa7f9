"""Types as a contract names them, and which type holds the values of two: the lattice that a dataset moves along.

A type widens only to one that holds every value of both exactly. Two types without such a one meet in text.
"""

from __future__ import annotations

import base64
import re
from typing import Any

import pyarrow as pa

from ingestion.conversion.errors import ContractInvalid

MAX_DIGITS = 38
ROOM_DIGITS = 18
"""Amounts up to this size take one machine word at 18 digits as at fewer, so a column begins with that many."""
INT_DIGITS = {8: 3, 16: 5, 32: 10, 64: 19}
_ALIASES = {
    "text": "string",
    "str": "string",
    "varchar": "string",
    "integer": "int64",
    "int": "int64",
    "bigint": "int64",
    "boolean": "bool",
    "float": "double",
    "float64": "double",
    "float32": "float",
    "float16": "halffloat",
    "date": "date32",
    "date32[day]": "date32",
    "date64[ms]": "date64",
    "timestamp": "timestamp[us]",
    "time": "time64[us]",
}
_DECIMAL = re.compile(r"decimal(?:128)?\(\s*(\d+)\s*,\s*(\d+)\s*\)")
_STAMP = re.compile(r"timestamp\[(s|ms|us|ns)(?:,\s*(?:tz=)?([^\]]+))?\]")
_CLOCK = re.compile(r"(time32|time64|duration)\[(s|ms|us|ns)\]")
_UNITS = ("s", "ms", "us", "ns")

Kind = str | dict[str, Any]


def named(kind: pa.DataType) -> Kind:
    """Return a type as a contract writes it: a text, or for what has an inside an object."""
    if pa.types.is_struct(kind):
        return {"struct": [{"name": field.name, "type": named(field.type)} for field in kind]}
    if pa.types.is_list(kind):
        return {"list": named(kind.value_type)}
    try:
        if kind_of(str(kind)) == kind:
            return str(kind)
    except ContractInvalid:
        pass
    return {"arrow": base64.b64encode(pa.schema([pa.field("", kind)]).serialize()).decode()}


def kind_of(told: Any) -> pa.DataType:
    """Return the type that a contract names; raises ``ContractInvalid``."""
    if isinstance(told, dict):
        return _nested(told)
    if not isinstance(told, str):
        raise _unknown(told)
    text = told.strip().lower() if "tz=" not in told else told.strip()
    text = _ALIASES.get(text, text)
    if found := _DECIMAL.fullmatch(text):
        precision, scale = int(found[1]), int(found[2])
        if not 1 <= precision <= MAX_DIGITS or scale > precision:
            raise _unknown(told)
        return pa.decimal128(precision, scale)
    if found := _STAMP.fullmatch(text):
        return pa.timestamp(found[1], found[2])
    try:
        if found := _CLOCK.fullmatch(text):
            return {"time32": pa.time32, "time64": pa.time64, "duration": pa.duration}[found[1]](found[2])
        return pa.type_for_alias(text)
    except ValueError:
        raise _unknown(told) from None


def _nested(told: dict[str, Any]) -> pa.DataType:
    match told:
        case {"struct": list(fields)}:
            try:
                return pa.struct([pa.field(str(field["name"]), kind_of(field["type"])) for field in fields])
            except (KeyError, TypeError):
                raise _unknown(told) from None
        case {"list": inner}:
            return pa.list_(kind_of(inner))
        case {"arrow": str(text)}:
            try:
                return pa.ipc.read_schema(pa.BufferReader(base64.b64decode(text))).field(0).type
            except (ValueError, pa.ArrowException, KeyError, OSError):
                raise _unknown(told) from None
        case _:
            raise _unknown(told)


def _unknown(told: Any) -> ContractInvalid:
    return ContractInvalid(
        f"There is no type {str(told)[:60]!r}.",
        hint='Give one such as "int64", "decimal128(18, 2)", "date32", "timestamp[us]", "bool" or "string".',
    )


def canonical(kind: pa.DataType) -> pa.DataType:
    """Return the one form in which a dataset keeps a type that Arrow has several encodings of."""
    if pa.types.is_dictionary(kind):
        return canonical(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(canonical(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, canonical(field.type)) for field in kind])
    return kind


def roomy(kind: pa.DataType) -> pa.DataType:
    """Return the type with which a column begins: amounts get room for larger ones, so that these are no change.

    Beyond 18 digits they get none: whatever is kept free before the decimal sign is missing behind it, once later
    files bring more decimals.
    """
    kind = canonical(kind)
    if pa.types.is_decimal128(kind):
        return pa.decimal128(max(ROOM_DIGITS, kind.precision), kind.scale)
    if pa.types.is_list(kind):
        return pa.list_(roomy(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, roomy(field.type)) for field in kind])
    return kind


def common(one: pa.DataType, two: pa.DataType) -> pa.DataType | None:
    """Return the narrowest type of the same kind that holds all values of both exactly; None where there is none."""
    if one == two:
        return one
    if pa.types.is_null(one) or pa.types.is_null(two):
        return two if pa.types.is_null(one) else one
    if is_number(one) and is_number(two):
        return _number(one, two)
    if pa.types.is_floating(one) and pa.types.is_floating(two):
        return one if one.bit_width > two.bit_width else two
    if _is_moment(one) and _is_moment(two):
        return _moment(one, two)
    if pa.types.is_struct(one) and pa.types.is_struct(two):
        return _struct(one, two)
    if pa.types.is_list(one) and pa.types.is_list(two):
        inner = common(one.value_type, two.value_type)
        return None if inner is None else pa.list_(inner)
    return None


def holds(wide: pa.DataType, narrow: pa.DataType) -> bool:
    """Tell whether one type holds every value of another, of the same kind, exactly."""
    return common(wide, narrow) == wide


def may_hold(wide: pa.DataType, narrow: pa.DataType) -> bool:
    """Tell whether a type holds another's values if they are near enough: nanoseconds reach from 1677 to 2262."""
    both = pa.types.is_timestamp(wide) and pa.types.is_timestamp(narrow)
    return bool(both and wide.tz == narrow.tz and wide.unit == "ns")


def is_number(kind: pa.DataType) -> bool:
    """Tell whether a type holds exact numbers."""
    return bool(pa.types.is_integer(kind) or pa.types.is_decimal128(kind))


def scale(kind: pa.DataType) -> int:
    """Return how many decimals an exact number has."""
    return _digits(kind)[1]


def _digits(kind: pa.DataType) -> tuple[int, int]:
    """Return the digits before and behind the decimal sign that a type needs."""
    if pa.types.is_decimal(kind):
        return kind.precision - kind.scale, kind.scale
    return INT_DIGITS[kind.bit_width] + (kind.bit_width == 64 and pa.types.is_unsigned_integer(kind)), 0


def _number(one: pa.DataType, two: pa.DataType) -> pa.DataType | None:
    whole = pa.types.is_integer(one) and pa.types.is_integer(two)
    if whole and pa.types.is_signed_integer(one) == pa.types.is_signed_integer(two):
        return one if one.bit_width > two.bit_width else two
    if whole and max(one.bit_width, two.bit_width) < 64:
        return pa.int64()
    before, behind = (max(pair) for pair in zip(_digits(one), _digits(two), strict=True))
    if before + behind > MAX_DIGITS:
        return None
    return pa.decimal128(before + behind, behind)


def _is_moment(kind: pa.DataType) -> bool:
    return bool(pa.types.is_date32(kind) or pa.types.is_timestamp(kind))


def _moment(one: pa.DataType, two: pa.DataType) -> pa.DataType | None:
    """Return the finer of two timestamps, or the timestamp that also holds a date; zones must agree.

    Nanoseconds and what is coarser have none: 64 bits of nanoseconds end in 2262, and 31 December 9999 is a usual date.
    """
    if pa.types.is_date32(one) or pa.types.is_date32(two):
        stamp = two if pa.types.is_date32(one) else one
        return stamp if stamp.tz is None and stamp.unit == "us" else None
    if one.tz != two.tz or (one.unit == "ns") != (two.unit == "ns"):
        return None
    return one if _UNITS.index(one.unit) > _UNITS.index(two.unit) else two


def _struct(one: pa.DataType, two: pa.DataType) -> pa.DataType | None:
    fields = {field.name: field.type for field in one}
    if len(fields) < one.num_fields or len({field.name for field in two}) < two.num_fields:
        return None
    for field in two:
        inner = common(fields[field.name], field.type) if field.name in fields else field.type
        if inner is None:
            return None
        fields[field.name] = inner
    return pa.struct(list(fields.items()))
