"""JSON: numbers keep their literal text until they are typed, strings stay strings, shapes become struct and list.

A value whose kind differs between records becomes the JSON text of what was there.
"""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ingestion.conversion.errors import BrokenFile, NoRows
from ingestion.conversion.typing.column import TextColumn
from ingestion.conversion.typing.rules import iso_rules
from ingestion.conversion.values import Column, Detection, Notice, Options, RowCount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.conversion.unpack import Payload

BATCH_ROWS = 20_000
MAX_DIGITS = 38


class Literal(str):
    """A JSON number as it was written."""

    __slots__ = ()


def open_json(payload: Payload, detection: Detection, _options: Options) -> JsonTable:
    """Open the table: read all records and settle the types."""
    return JsonTable(payload, detection)


class JsonTable:
    """Records of a JSON file as typed batches."""

    def __init__(self, payload: Payload, detection: Detection) -> None:
        """Parse and survey; raises ``BrokenFile`` with the line."""
        self.warnings: list[Notice] = []
        self.progress = payload.size
        self._payload = payload
        self._records = _records(payload, detection, self.warnings)
        if not self._records:
            raise NoRows("The JSON holds no records.", hint="Check the export.", place=payload.place())
        self.rows = RowCount(read=len(self._records), loaded=len(self._records))
        self._root = _Shape("")
        for record in self._records:
            self._root.look(record)
        self._root.settle(self.warnings)
        self._nulls = dict.fromkeys(self._root.fields, 0)

    def schema(self) -> pa.Schema:
        """Return the top level's fields."""
        return pa.schema([pa.field(name, shape.type()) for name, shape in self._root.fields.items()])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the records in order."""
        schema = self.schema()
        self._nulls = dict.fromkeys(self._root.fields, 0)
        for start in range(0, len(self._records), BATCH_ROWS):
            part = self._records[start : start + BATCH_ROWS]
            arrays = [shape.array([record.get(name) for record in part]) for name, shape in self._root.fields.items()]
            for name, values in zip(self._root.fields, arrays, strict=True):
                self._nulls[name] += values.null_count
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def columns(self) -> tuple[Column, ...]:
        """Describe every field of the top level."""
        return tuple(
            Column(name=name, type=shape.type(), rule=shape.rule(), nulls=self._nulls[name], note=shape.note)
            for name, shape in self._root.fields.items()
        )


@dataclass(slots=True)
class _Shape:
    """What stands at one path of the records: the kinds seen, and from them one Arrow type."""

    path: str
    kinds: set[str] = field(default_factory=set)
    fields: dict[str, _Shape] = field(default_factory=dict)
    items: _Shape | None = None
    note: str = ""
    _whole: int = 1
    _scale: int = 0
    _fits64: bool = True
    _strings: list[str] = field(default_factory=list)
    _dates: TextColumn | None = None

    def look(self, value: Any) -> None:
        """Take one value into account."""
        match value:
            case None:
                return
            case bool():
                self.kinds.add("bool")
            case Literal():
                self._number(value)
            case str():
                self.kinds.add("string")
                self._strings.append(value)
            case dict():
                self.kinds.add("object")
                for name, inner in value.items():
                    self.fields.setdefault(name, _Shape(f"{self.path}.{name}".lstrip("."))).look(inner)
            case list():
                self.kinds.add("array")
                self.items = self.items or _Shape(f"{self.path}[]")
                for inner in value:
                    self.items.look(inner)

    def _number(self, text: Literal) -> None:
        body = text.removeprefix("-")
        whole, _, fraction = body.partition(".")
        negative_zero = text.startswith("-") and not body.strip("0.")
        if "e" in body.lower():
            self.kinds.add("float" if repr(float(text)) == text else "text number")
        elif negative_zero or len(whole) + len(fraction) > MAX_DIGITS:
            self.kinds.add("text number")
        else:
            self.kinds.add("number")
            self._whole, self._scale = max(self._whole, len(whole)), max(self._scale, len(fraction))
            self._fits64 = self._fits64 and not fraction and -(2**63) <= int(whole and text.partition(".")[0]) < 2**63

    def settle(self, warnings: list[Notice]) -> None:
        """Decide, once all records have been looked at."""
        if self.kinds == {"number"} and self._whole + self._scale > MAX_DIGITS:
            self.kinds = {"text number"}
        if len(self.kinds) > 1:
            seen = ", ".join(sorted(self.kinds))
            self.note = f"its kind differs between records ({seen}), so it holds JSON text"
            warnings.append(Notice(code="MIXED_KINDS", message=f'"{self.path}": {self.note}.', column=self.path))
            return
        if self.kinds == {"string"}:
            self._dates = TextColumn(self.path, iso_rules)
            self._dates.look(pa.array(self._strings, pa.string()), 0)
            self._dates.decide()
        self._strings = []
        for inner in self.fields.values():
            inner.settle(warnings)
        if self.items:
            self.items.settle(warnings)

    def type(self) -> pa.DataType:  # noqa: PLR0911  (one line a kind)
        """Return the Arrow type of the path."""
        if not self.kinds:
            return pa.null()
        if len(self.kinds) > 1:
            return pa.string()
        match next(iter(self.kinds)):
            case "bool":
                return pa.bool_()
            case "number":
                return self._number_type()
            case "float":
                return pa.float64()
            case "string":
                return self._dates.type() if self._dates else pa.string()
            case "object" if self.fields:
                return pa.struct([pa.field(name, inner.type()) for name, inner in self.fields.items()])
            case "array":
                return pa.list_(self.items.type() if self.items else pa.null())
            case _:
                return pa.string()

    def _number_type(self) -> pa.DataType:
        if self._scale:
            return pa.decimal128(self._whole + self._scale, self._scale)
        return pa.int64() if self._fits64 else pa.decimal128(MAX_DIGITS, 0)

    def array(self, values: list[Any]) -> pa.Array:
        """Build the Arrow values of the path."""
        target = self.type()
        if len(self.kinds) > 1 or (self.kinds == {"object"} and not self.fields):
            return pa.array([None if value is None else dump(value) for value in values], pa.string())
        match next(iter(self.kinds), ""):
            case "number":
                return pa.array([None if v is None else str(v) for v in values], pa.string()).cast(target)
            case "float":
                return pa.array([None if v is None else float(v) for v in values], target)
            case "string" if self._dates is not None:
                return self._dates.cast(pa.array(values, pa.string()))
            case "object":
                return self._struct(values, target)
            case "array":
                return self._list(values, target)
            case _:
                return pa.array(values, target)

    def _struct(self, values: list[Any], target: pa.StructType) -> pa.Array:
        children = [
            inner.array([None if value is None else value.get(name) for value in values])
            for name, inner in self.fields.items()
        ]
        mask = pa.array([value is None for value in values])
        return pa.StructArray.from_arrays(children, fields=list(target), mask=mask)

    def _list(self, values: list[Any], target: pa.ListType) -> pa.Array:
        items = self.items or _Shape(f"{self.path}[]")
        flat = items.array([inner for value in values if value is not None for inner in value])
        offsets, total = [], 0
        for value in values:
            offsets.append(None if value is None else total)
            total += len(value or ())
        return pa.ListArray.from_arrays(pa.array([*offsets, total], pa.int32()), flat, type=target)

    def rule(self) -> str:
        """Name the rule for the report."""
        if len(self.kinds) > 1:
            return "JSON text"
        kind = next(iter(self.kinds), "null")
        if kind == "string" and self._dates is not None:
            return self._dates.column().rule
        return {"number": f"{self.type()} from the literal", "text number": "the number's own text"}.get(kind, kind)


def dump(value: Any) -> str:
    """Return JSON text with numbers as they were written."""
    match value:
        case Literal():
            return str(value)
        case dict():
            inner = ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {dump(v)}" for k, v in value.items())
            return f"{{{inner}}}"
        case list():
            return f"[{', '.join(dump(inner) for inner in value)}]"
        case _:
            return json.dumps(value, ensure_ascii=False)


# ---- records ----


def _records(payload: Payload, detection: Detection, warnings: list[Notice]) -> list[dict[str, Any]]:
    text = _text(payload, detection)
    try:
        if detection.format == "ndjson":
            values = list(_concatenated(text, payload))
        else:
            values = _unwrapped(_parse(text, payload), warnings)
    except RecursionError:
        raise BrokenFile("The JSON is nested too deeply.", hint="Check the export.", place=payload.place()) from None
    for number, value in enumerate(values, 1):
        if not isinstance(value, dict):
            raise BrokenFile(
                f"Record {number} is not a JSON object.", hint="Send objects with names.", place=payload.place()
            )
    return values


def _text(payload: Payload, detection: Detection) -> str:
    codec = detection.settings["encoding"]
    content = payload.path.read_bytes()[detection.settings["mark"] :]
    try:
        return codecs.decode(content, codec)
    except UnicodeDecodeError as error:
        raise BrokenFile(f"The text is not {codec}.", hint="Export it as UTF-8.", place=payload.place()) from error


def _parse(text: str, payload: Payload) -> Any:
    """Parse a whole document; more values behind the first make it a concatenation."""
    value, end = _next(text, _blank(text, 0), payload)
    if _blank(text, end) == len(text):
        return value
    return [value, *_concatenated(text[end:], payload)]


def _concatenated(text: str, payload: Payload) -> Iterator[Any]:
    position = _blank(text, 0)
    while position < len(text):
        value, end = _next(text, position, payload)
        position = _blank(text, end)
        yield value


def _next(text: str, start: int, payload: Payload) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        place = payload.place(line=text.count("\n", 0, error.pos) + 1)
        raise BrokenFile(f"The JSON is broken: {error.msg}.", hint="Export it again.", place=place) from error
    except ValueError as error:
        raise BrokenFile(f"The JSON is broken: {error}.", hint="Export it again.", place=payload.place()) from error


def _blank(text: str, start: int) -> int:
    while start < len(text) and text[start] in " \t\r\n":
        start += 1
    return start


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"an object has the name {twice!r} twice, and only one value could be kept")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Literal, parse_int=Literal, parse_constant=_no_constant
)


def _unwrapped(value: Any, warnings: list[Notice]) -> list[Any]:
    """Return the records: the array itself, or the one inside OData's or another single-array envelope."""
    if isinstance(value, list):
        return value
    path: list[str] = []
    inner = value
    while isinstance(inner, dict):
        name = _envelope(inner)
        if name is None:
            return [value]
        path.append(name)
        inner = inner[name]
    if not path:
        return [value]
    left = sorted(name for name in value if name != path[0])
    beside = f"; beside it stood {', '.join(left)}" if left else ""
    warnings.append(Notice(code="ENVELOPE", message=f'The records were taken from "{".".join(path)}"{beside}.'))
    return inner


def _envelope(value: dict[str, Any]) -> str | None:
    """Return the name behind which the records stand (OData v4 ``value``, v2 ``d`` and ``results``, others)."""
    if "value" in value and isinstance(value["value"], list):
        return "value"
    if set(value) == {"d"} or (isinstance(value.get("results"), list)):
        return "d" if "d" in value else "results"
    arrays = [name for name, inner in value.items() if isinstance(inner, list) and inner and isinstance(inner[0], dict)]
    others = [inner for name, inner in value.items() if name not in arrays]
    if len(arrays) == 1 and not others:
        return arrays[0]
    return None
