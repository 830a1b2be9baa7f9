"""Which record is the first that a plan does not hold, at each path: for the report, once a type has widened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from ingestion.conversion.formats.jsontext.numbers import MIN_LONG_DIGITS, parsed
from ingestion.conversion.formats.jsontext.plan import NUMBERS
from ingestion.conversion.formats.jsontext.values import Value, dump, has_lone_surrogate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.conversion.formats.jsontext.plan import Plan
    from ingestion.conversion.formats.jsontext.shape import Shape
    from ingestion.conversion.values import Widening

NESTED = {"null", "object", "array"}


def widened_paths(root: Shape, before: Plan, after: Plan) -> dict[str, tuple[Shape, Plan]]:
    """Return the paths whose rule changed, each with its shape and the plan that it had; new paths left out."""
    old = {shape.path: plan for shape, plan in root.walk(before)}
    found = {}
    for shape, plan in root.walk(after):
        was = old.get(shape.path)
        if was is not None and was.kind not in NESTED and was.rule != plan.rule:
            found[shape.path] = (shape, was)
    return found


def first_refused(plan: Plan, values: list[Value], paths: set[str]) -> dict[str, tuple[int, str]]:
    """Return for each path the index of the first value that contradicts the plan there, and its JSON text."""
    found: dict[str, tuple[int, str]] = {}
    for index, value in enumerate(values):
        for path, inner in _refused(plan, value, "", paths - found.keys()):
            if path not in found:
                found[path] = (index, dump(inner) if not isinstance(inner, str) else inner)
        if len(found) == len(paths):
            break
    return found


def _refused(plan: Plan, value: Value, path: str, paths: set[str]) -> Iterator[tuple[str, Value]]:
    """Yield what a value holds against the plan at some paths, which are named as shapes name them."""
    if value is None or plan.kind == "json":
        return
    if plan.kind == "object" and isinstance(value, dict):
        for name, inner in plan.fields:
            if name in value:
                yield from _refused(inner, value[name], f"{path}.{name}" if path else name, paths)
    elif plan.kind == "array" and isinstance(value, list) and plan.items:
        for item in value:
            yield from _refused(plan.items, item, f"{path}[]", paths)
    elif path in paths and not _holds(plan, value):
        yield path, value


def _holds(plan: Plan, value: Value) -> bool:
    """Tell whether a plan for values without parts takes one."""
    if plan.kind in NUMBERS:
        return isinstance(value, bytes) and _holds_number(plan, value)
    if plan.kind == "date":
        return isinstance(value, str) and plan.from_strings(pa.array([value], pa.string())) is not None
    if plan.kind == "string":
        return isinstance(value, str) and not has_lone_surrogate(value)
    return isinstance(value, bool) and plan.kind == "bool"


def _holds_number(plan: Plan, literal: bytes) -> bool:
    """Tell whether a plan takes a literal: most integers and amounts at a glance, the others as their parser does."""
    if plan.kind in {"int", "decimal"}:
        whole, point, fraction = literal.partition(b".")
        scale = 0 if plan.kind == "int" else plan.type.scale
        room = MIN_LONG_DIGITS - 1 if plan.kind == "int" else plan.type.precision - scale
        plain = whole.isdigit() and (whole == b"0" or whole[:1] != b"0") and fraction.isdigit() == bool(point)
        if plain and len(whole) <= room and len(fraction) <= scale:
            return True
    return plan.kind == "text" or parsed(pa.array([literal.decode()]), plan.kind, plan.type) is not None


def widened(column: Shape, plan: Plan) -> tuple[Widening, ...]:
    """Return what widened a column or a path below it, each told once, in the order of the records."""
    found = {(one.path, one.rule): one for shape, _ in column.walk(plan) for one in reversed(shape.widened)}
    return tuple(sorted(found.values(), key=lambda one: one.record or 0))
