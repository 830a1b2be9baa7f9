"""What stands at each path of the records: evidence from values, and from it one plan."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

import pyarrow as pa

from ingestion.conversion.formats.jsontext.numbers import Numbers
from ingestion.conversion.formats.jsontext.plan import Plan, printable
from ingestion.conversion.formats.jsontext.values import Value
from ingestion.conversion.typing.column import TextColumn
from ingestion.conversion.typing.constants import text_array
from ingestion.conversion.typing.rules import iso_rules
from ingestion.slotted import field, slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.conversion.values import Widening

MAX_LEVELS = 32
_KINDS = {bool: "bool", bytes: "number", str: "string", dict: "object", list: "array"}
MAX_NAMES = 1000
_DATE_LIKE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
HALF_PAIR = "string with half a surrogate pair"
EMPTY = "object without names"
A_MAP = f"object of more than {MAX_NAMES} names"
TOO_DEEP = f"value below {MAX_LEVELS} levels"


@slotted()
class Shape:
    """The kinds seen at one path, and the shapes below it. Types only ever widen."""

    path: str = ""
    level: int = 0
    kinds: set[str] = field(default_factory=set)
    fields: dict[str, Shape] = field(default_factory=dict)
    items: Shape | None = None
    widened: list[Widening] = field(default_factory=list)
    _numbers: Numbers = field(default_factory=Numbers)
    _dates: TextColumn | None = None
    _only_dates: bool = True
    _roomy: bool = False

    def look(self, values: list[Value]) -> None:
        """Take values into account; ``None`` is null or an absent name."""
        found = set(map(type, values))
        found.discard(type(None))
        self.kinds |= {_KINDS[kind] for kind in found}
        alone = len(found) == 1
        for kind in found:
            some = values if alone and type(None) not in found else None
            if some is None or None in some:
                some = [value for value in values if type(value) is kind]
            self._look_at(kind, some)

    def _look_at(self, kind: type, values: list[Value]) -> None:
        if kind is bytes:
            self._numbers.look(values)
        elif kind is str:
            self._look_at_strings(values)
        elif kind is dict:
            self._look_at_objects(values)
        elif kind is list and not self._is_deep():
            if self.items is None:
                self.items = self._below(f"{self.path}[]")
            self.items.look(list(chain.from_iterable(values)))

    def _look_at_strings(self, values: list[str]) -> None:
        try:
            "".join(values).encode()
        except UnicodeEncodeError:
            self.kinds.add(HALF_PAIR)
            return
        self._only_dates = self._only_dates and all(map(_DATE_LIKE.match, values))
        if self._only_dates:
            if self._dates is None:
                self._dates = TextColumn(self.path, iso_rules)
            self._dates.look(text_array(values))

    def _look_at_objects(self, values: list[dict[str, Value]]) -> None:
        if self._is_deep() or A_MAP in self.kinds:
            return
        found: dict[str, list[Value]] = {}
        for value in values:
            for name, inner in value.items():
                found.setdefault(name, []).append(inner)
        for name, members in found.items():
            if name not in self.fields:
                self.fields[name] = self._below(f"{self.path}.{name}" if self.path else name)
            self.fields[name].look(members)
        if self.level and len(self.fields) > MAX_NAMES:
            self.kinds.add(A_MAP)
            self.fields.clear()

    def _below(self, path: str) -> Shape:
        return Shape(path, self.level + 1, _roomy=self._roomy)

    def _is_deep(self) -> bool:
        if self.level >= MAX_LEVELS:
            self.kinds.add(TOO_DEEP)
        return self.level >= MAX_LEVELS

    def leave_room(self) -> None:
        """Prepare for more records than were looked at: amounts get room for larger ones."""
        self._roomy = True
        for shape in [*self.fields.values(), *([self.items] if self.items else [])]:
            shape.leave_room()

    def walk(self, plan: Plan) -> Iterator[tuple[Shape, Plan]]:
        """Yield this shape and those below it that are parts of the plan, each with its own."""
        yield self, plan
        for name, inner in plan.fields:
            if name in self.fields:
                yield from self.fields[name].walk(inner)
        if plan.items and self.items:
            yield from self.items.walk(plan.items)

    def plan(self) -> Plan:
        """Return the narrowest plan that holds all values seen exactly."""
        if not self.kinds:
            return Plan("null", pa.null(), "null")
        if len(self.kinds) > 1:
            return Plan("json", pa.string(), f"JSON text of {self.what()}")
        match next(iter(self.kinds)):
            case "bool":
                return Plan("bool", pa.bool_(), "bool")
            case "number":
                return self._number_plan()
            case "string":
                return self._string_plan()
            case "object" if self.fields:
                fields = tuple((name, shape.plan()) for name, shape in self.fields.items())
                kind = pa.struct([pa.field(printable(name), plan.type) for name, plan in fields])
                return Plan("object", kind, "object", fields)
            case "array":
                items = self.items.plan() if self.items else Plan("null", pa.null(), "null")
                return Plan("array", pa.list_(items.type), "array", items=items)
            case _:
                return Plan("json", pa.string(), f"JSON text of {EMPTY}")

    def _number_plan(self) -> Plan:
        if self._roomy and self._numbers.kind == "decimal":
            self._numbers.leave_room()
        kind, target = self._numbers.kind, self._numbers.type()
        rule = {"float": "float64, the shortest text gives the literal back", "text": "the number's own text"}
        return Plan(kind, target, rule.get(kind, f"{target} from the literal"))

    def _string_plan(self) -> Plan:
        if self._only_dates and self._dates is not None:
            self._dates.decide()
            reading = self._dates.reading()
            if reading.rule is not None and not (reading.trimmed or reading.blank):
                return Plan("date", reading.type, reading.name, reading=reading)
        return Plan("string", pa.string(), "string")

    def what(self) -> str:
        """Name the kinds seen, for a person."""
        *most, last = sorted(self.kinds)
        return f"{', '.join(most)} and {last}" if most else last
