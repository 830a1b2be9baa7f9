"""Arrow types that Parquet cannot store, and the exact form in which their values are kept instead.

Parquet's logical types (parquet-format, LogicalTypes.md) have no union, no interval of nanoseconds, no
second as a unit and no struct without fields. Each gets one form that gives back every value; nothing is rounded.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc

DAY_MS = 86_400_000
INTERVAL = pa.struct([("months", pa.int32()), ("days", pa.int32()), ("nanoseconds", pa.int64())])
_NO_FIELDS = "{}"


class NotMidnight(ValueError):
    """A value of a date type with milliseconds is not a whole day, so that it cannot be kept as a date."""


def bare(kind: pa.DataType) -> pa.DataType:
    """Return the type of a dictionary's or a run's values: both are ways of writing, not kinds of values."""
    return kind.value_type if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind) else kind


def storable(kind: pa.DataType, *, whole_days: bool = True) -> pa.DataType:
    """Return the type in which Parquet keeps values of ``kind``, usually itself.

    ``whole_days``: ``date64`` holds nothing but midnights, as it should, and so becomes ``date32``.
    """

    def inner(of: pa.Field) -> pa.Field:
        return of.with_type(storable(of.type, whole_days=whole_days))

    if isinstance(kind, pa.BaseExtensionType):
        return kind if storable(kind.storage_type) == kind.storage_type else storable(kind.storage_type)
    if kind != bare(kind):
        return storable(bare(kind), whole_days=whole_days)
    if pa.types.is_union(kind):
        return pa.struct([pa.field(name, inner(field).type) for name, field in _branches(kind)])
    if pa.types.is_struct(kind):
        return pa.struct([inner(field) for field in kind]) if kind.num_fields else pa.string()
    if pa.types.is_map(kind):
        return pa.map_(inner(kind.key_field), inner(kind.item_field), kind.keys_sorted)
    if _is_list(kind):
        return _list_type(kind, inner(kind.value_field))
    return _flat(kind, whole_days=whole_days)


def nullable(kind: pa.DataType) -> pa.DataType:
    """Return a type whose groups and lists may hold nulls at any depth."""
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, nullable(field.type)) for field in kind])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        value = pa.field(kind.value_field.name, nullable(kind.value_type))
        return pa.large_list(value) if pa.types.is_large_list(kind) else pa.list_(value)
    return kind


def breaks_promise(cells: pa.Array) -> bool:
    """Tell whether there are nulls where a group's field or a list is declared to have none.

    Arrow lets them stand below a group that is null itself, and checks no others; Parquet takes neither.
    """
    kind = cells.type
    if pa.types.is_struct(kind):
        inside = [(field, cells.field(at)) for at, field in enumerate(kind)]
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inside = [(kind.value_field, cells.flatten())] if len(cells) else []
    else:
        return False
    return any((not field.nullable and part.null_count) or breaks_promise(part) for field, part in inside)


def _flat(kind: pa.DataType, *, whole_days: bool) -> pa.DataType:
    if pa.types.is_interval(kind):
        return INTERVAL
    if pa.types.is_timestamp(kind) and kind.unit == "s":
        return pa.timestamp("ms", kind.tz)
    if pa.types.is_date64(kind):
        return pa.date32() if whole_days else pa.timestamp("ms")
    if pa.types.is_fixed_size_binary(kind) and kind.byte_width == 0:
        return pa.binary()
    return pa.time32("ms") if kind == pa.time32("s") else kind


def _is_list(kind: pa.DataType) -> bool:
    tests = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    views = (pa.types.is_list_view, pa.types.is_large_list_view)
    return any(test(kind) for test in (*tests, *views))


def _list_type(kind: pa.DataType, value: pa.Field) -> pa.DataType:
    """Keep a fixed size where it can be kept, and a plain list for everything else that has a changed inside."""
    if value.type == kind.value_type and not (pa.types.is_fixed_size_list(kind) and not kind.list_size):
        return kind
    large = pa.types.is_large_list(kind) or pa.types.is_large_list_view(kind)
    return pa.large_list(value) if large else pa.list_(value)


def _branches(kind: pa.DataType) -> list[tuple[str, pa.Field]]:
    """Return a union's fields under names that differ."""
    names = [field.name for field in kind]
    same = len(set(names)) < len(names) or not all(names)
    return [(f"member{at}" if same else field.name, field) for at, field in enumerate(kind)]


def stored(cells: pa.Array, target: pa.DataType) -> pa.Array:  # noqa: PLR0911  (one line a kind)
    """Return the values of ``cells`` in their storable type; raises ``NotMidnight`` or ``ArrowInvalid``."""
    kind = cells.type
    if kind == target:
        return cells
    if not len(cells):
        return pa.array([], target)  # and an empty union may lack the buffers that its length would need
    if isinstance(cells, pa.ExtensionArray):
        return stored(cells.storage, target)
    if pa.types.is_dictionary(kind):
        return stored(cells.dictionary_decode(), target)
    if pa.types.is_run_end_encoded(kind):
        return stored(pc.run_end_decode(cells), target)
    if pa.types.is_union(kind):
        return _union(cells, target)
    if pa.types.is_struct(kind):
        return _struct(cells, target)
    if pa.types.is_map(kind):
        keys, items = stored(cells.keys, target.key_type), stored(cells.items, target.item_type)
        return pa.MapArray.from_arrays(_offsets(cells), keys, items, target)
    if _is_list(kind):
        return _list(cells, target)
    return _flat_values(cells, target)


def _flat_values(cells: pa.Array, target: pa.DataType) -> pa.Array:
    if target == INTERVAL:
        return _interval(cells)
    if pa.types.is_date64(cells.type) and pa.types.is_date32(target):
        odd = np.asarray(cells.drop_null().view(pa.int64())) % DAY_MS
        if odd.any():
            raise NotMidnight
    return cells.cast(target)


def _union(cells: pa.Array, target: pa.DataType) -> pa.Array:
    """Give each branch a field of its own: null in all rows that hold another branch."""
    dense = cells.type.mode == "dense"
    cells = cells.take(pa.array(np.arange(len(cells))))  # begin at the first row, for it may be a slice
    codes, children = cells.type_codes, []
    for at, code in enumerate(cells.type.type_codes):
        chosen = pc.equal(codes, code)
        child = stored(cells.field(at), target.field(at).type)
        where = pa.array(np.arange(len(cells), dtype="int32")) if not dense else cells.offsets
        children.append(child.take(pc.if_else(chosen, where, pa.scalar(None, where.type))))
    return pa.StructArray.from_arrays(children, fields=list(target))


def _struct(cells: pa.StructArray, target: pa.DataType) -> pa.Array:
    if pa.types.is_string(target):
        return pc.if_else(cells.is_null(), pa.scalar(None, pa.string()), _NO_FIELDS)
    children = [stored(cells.field(at), field.type) for at, field in enumerate(target)]
    return pa.StructArray.from_arrays(children, fields=list(target), mask=cells.is_null())


def _list(cells: pa.Array, target: pa.DataType) -> pa.Array:
    flat = stored(cells.flatten(), target.value_type)
    lengths = pc.fill_null(pc.list_value_length(cells), 0).to_numpy(zero_copy_only=False)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    large = pa.types.is_large_list(target)
    maker = pa.LargeListArray if large else pa.ListArray
    offsets = pa.array(ends, pa.int64() if large else pa.int32())
    return maker.from_arrays(offsets, flat, type=target, mask=cells.is_null())


def _offsets(cells: pa.MapArray) -> pa.Array:
    """Return the map's offsets with nulls where the map is null."""
    offsets = cells.offsets
    missing = np.append(cells.is_null().to_numpy(zero_copy_only=False), False)
    return pa.array(offsets.to_numpy(), pa.int32(), mask=missing)


def _interval(cells: pa.Array) -> pa.Array:
    """Split the 16 bytes of each interval (Arrow's Schema.fbs: months, days, nanoseconds)."""
    layout = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])
    raw = np.frombuffer(cells.buffers()[1] or b"", layout)[cells.offset : cells.offset + len(cells)]
    children = [pa.array(np.ascontiguousarray(raw[name])) for name in layout.names or ()]
    return pa.StructArray.from_arrays(children, fields=list(INTERVAL), mask=cells.is_null())
