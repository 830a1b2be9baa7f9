"""What the report tells about the records, and about the text around them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ingestion.conversion.values import Notice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingestion.conversion.formats.jsontext.plan import Plan
    from ingestion.conversion.formats.jsontext.shape import Shape
    from ingestion.conversion.layout import Layout

FIRST_FEW = 10
SINGLE = "value"
"""The column of records that are no objects."""
_NEXT_PAGE = ("@odata.nextLink", "odata.nextLink", "__next")
_COUNTS = ("@odata.count", "odata.count", "__count")


def around(layout: Layout, loaded: int) -> Iterator[Notice]:
    """Tell where the records stood, what stood beside them, and whether their announced number came."""
    if not layout.path:
        return
    members = list(_members(json.loads(layout.around, parse_float=str, parse_int=str), layout.path))
    beside = (
        f"; beside them stood {', '.join(f'{name} = {_short(value)}' for name, value in members)}" if members else ""
    )
    yield Notice(code="ENVELOPE", message=f'The records were taken from "{".".join(layout.path)}"{beside}.')
    for name, value in members:
        if name in _COUNTS and str(value) != str(loaded):
            yield Notice(code="COUNT_MISMATCH", message=f"{name} announces {value} records, and {loaded} came.")
        if name in _NEXT_PAGE and value:
            yield Notice(code="MORE_PAGES", message=f"{name} says that this is one page of several.")


def _members(value: object, path: tuple[str, ...]) -> Iterator[tuple[str, object]]:
    """Yield the members beside each step of the path."""
    for step in path:
        if not isinstance(value, dict):
            return
        yield from ((name, inner) for name, inner in value.items() if name != step)
        value = value.get(step)


def _short(value: object, length: int = 60) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= length else f"{text[:length]}..."


def mixed_kinds(root: Shape, plan: Plan) -> Iterator[Notice]:
    """Yield a warning for every path whose kind differs between records."""
    for shape, one in root.walk(plan):
        if one.kind == "json" and len(shape.kinds) > 1:
            path = shape.path or SINGLE
            words = f'"{path}": its kind differs between records ({shape.what()}), so it holds JSON text.'
            yield Notice(code="MIXED_KINDS", message=words, column=path)


def named_twice(records: Sequence[int], rescue: str, *, by_line: bool) -> Notice:
    """Return the warning for records that have a name twice; ``by_line``: a record's number is its line."""
    return Notice(
        code="DUPLICATE_NAMES",
        message=f"{len(records)} records have a name twice, the first is record {records[0]}; "
        f"the last value is in the column, the earlier ones are in {rescue}.",
        lines=tuple(records[:FIRST_FEW]) if by_line else (),
    )
