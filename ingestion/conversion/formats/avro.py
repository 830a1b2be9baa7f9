"""Avro object container files: the writer's schema decides; logical types become Arrow's, unions their branches.

Source: Avro 1.12 specification. Values are decoded without fastavro's conversion of logical types, because
Python's dates end at the years 1 and 9999 and its times at microseconds; Arrow's do not.
"""

from __future__ import annotations

import json
from decimal import Decimal, localcontext
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa

from ingestion.conversion.formats.bounds import refuse_avro_bomb
from ingestion.conversion.formats.columnar import ColumnarTable
from ingestion.conversion.values import Detection, Notice, Options
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestion.conversion.unpack import Payload

BATCH_ROWS = 16 * 1024
BATCH_BYTES = 32 << 20
MAX_DIGITS = 76
MAX_DEPTH = 100
_PLAIN = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
}
_UNITS = {"millis": "ms", "micros": "us", "nanos": "ns"}
_LOGICAL: dict[tuple[str, str], pa.DataType] = {
    ("int", "date"): pa.date32(),
    ("int", "time-millis"): pa.time32("ms"),
    ("long", "time-micros"): pa.time64("us"),
    **{("long", f"timestamp-{word}"): pa.timestamp(unit, "UTC") for word, unit in _UNITS.items()},
    **{("long", f"local-timestamp-{word}"): pa.timestamp(unit) for word, unit in _UNITS.items()},
}


@slotted()
class _Shape:
    """One node of the schema: its Arrow type, and how a decoded value becomes what Arrow takes (None: as it is)."""

    type: pa.DataType
    turn: Callable[[Any], Any] | None = None


class AvroSource:
    """The records of a container file, a batch at a time."""

    def __init__(self, payload: Payload) -> None:
        """Read the header; raises ``ValueError`` and others for a damaged one."""
        import fastavro

        self.notices: list[Notice] = []
        self._payload = payload
        with payload.open() as file:
            try:
                reader = fastavro.block_reader(file)
                written: Any = reader.writer_schema
                self._codec, self._first_block = reader.metadata.get("avro.codec", "null"), file.tell()
            except Exception as error:  # fastavro has no base class for what may be wrong with a header
                raise ValueError(str(error)) from error
        shapes = _Shapes(self.notices)
        self._plain = fastavro.parse_schema(_without_logic(written))
        self._record = isinstance(written, dict) and written.get("type") in {"record", "error"}
        fields = written["fields"] if self._record else [{"name": "value", "type": written}]
        shapes.learn(written)
        shapes.refuse_endless(written)
        self._shapes = {entry["name"]: shapes.of(entry["type"]) for entry in fields}
        self.schema = pa.schema([pa.field(name, shape.type) for name, shape in self._shapes.items()])

    def batches(self) -> Iterator[tuple[pa.RecordBatch, int]]:
        """Yield batches of records, bounded by their number and their bytes."""
        rows: list[Any] = []
        size = 0
        with self._payload.open() as file:
            for record, taken in self._records(file):
                rows.append(record)
                size += taken
                if len(rows) >= BATCH_ROWS or size >= BATCH_BYTES:
                    yield self._batch(rows), file.tell()
                    rows, size = [], 0
        if rows:
            yield self._batch(rows), self._payload.size

    def _records(self, file: IO[bytes]) -> Iterator[tuple[Any, int]]:
        """Yield each record with the number of its bytes."""
        for block in self._blocks(file):
            done = 0
            for at in range(block.num_records):
                record = self._read(block.bytes_)
                behind = block.bytes_.tell()
                yield record, behind - done
                done = behind
                if at > BATCH_ROWS and not behind:
                    raise ValueError("records without bytes")
            if block.bytes_.read(1):
                raise ValueError("a block is longer than its records")

    def _blocks(self, file: IO[bytes]) -> Iterator[Any]:
        """Yield the blocks, each measured before it is unpacked."""
        import fastavro

        reader = fastavro.block_reader(file)
        with self._payload.open() as ahead:
            ahead.seek(self._first_block)
            while True:
                refuse_avro_bomb(ahead, self._codec, self._payload)
                try:
                    block = next(reader, None)
                except Exception as error:  # fastavro has no base class for what may be wrong with a block
                    raise ValueError(str(error)) from error
                if block is None:
                    return
                yield block

    def _read(self, data: IO[bytes]) -> Any:
        import fastavro

        try:
            return fastavro.schemaless_reader(data, self._plain, None, return_named_type=True)
        except Exception as error:
            raise ValueError(str(error)) from error

    def _batch(self, rows: list[Any]) -> pa.RecordBatch:
        arrays = []
        for name, shape in self._shapes.items():
            cells = [row[name] for row in rows] if self._record else rows
            if shape.turn is not None:
                cells = [None if cell is None else shape.turn(cell) for cell in cells]
            arrays.append(pa.array(cells, shape.type))
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


class _Shapes:
    """Makes shapes of schemas; remembers named types, and gives a type that holds itself as JSON text."""

    def __init__(self, notices: list[Notice]) -> None:
        self._named: dict[str, Any] = {}
        self._within: list[str] = []
        self._notices = notices

    def learn(self, schema: Any, space: str = "") -> None:
        """Remember every named type below a schema by its full name."""
        if isinstance(schema, list):
            for branch in schema:
                self.learn(branch, space)
        elif isinstance(schema, dict):
            if "name" in schema and schema.get("type") in {"record", "error", "enum", "fixed"}:
                name, space = _full(schema, space)
                self._named[name] = {**schema, "name": name, "namespace": space}
            for inner in (schema.get("items"), schema.get("values"), schema.get("type")):
                self.learn(inner, space)
            for entry in schema.get("fields") or ():
                self.learn(entry["type"], space)

    def refuse_endless(self, schema: Any) -> None:
        """Refuse arrays of values that take no bytes: a few bytes could ask for any number of them."""
        for inner in schema if isinstance(schema, list) else [schema]:
            if not isinstance(inner, dict):
                continue
            if inner.get("type") == "array" and self._is_weightless(inner["items"]):
                raise pa.ArrowNotImplementedError("arrays of values without bytes")
            for below in (inner.get("items"), inner.get("values"), inner.get("type")):
                self.refuse_endless(below)
            for entry in inner.get("fields") or ():
                self.refuse_endless(entry["type"])

    def _is_weightless(self, schema: Any, depth: int = 0) -> bool:
        """Tell whether values of a schema are written with no bytes at all."""
        if depth > MAX_DEPTH:
            return False
        if isinstance(schema, str):
            named = [kind for name, kind in self._named.items() if schema in {name, name.rpartition(".")[2]}]
            return schema == "null" or (bool(named) and self._is_weightless(named[0], depth + 1))
        if not isinstance(schema, dict):
            return False
        if schema.get("type") in {"record", "error"}:
            return all(self._is_weightless(entry["type"], depth + 1) for entry in schema["fields"])
        if schema.get("type") == "fixed":
            return schema.get("size") == 0
        return self._is_weightless(schema.get("type"), depth + 1)

    def of(self, schema: Any, space: str = "") -> _Shape:  # noqa: PLR0911  (one line a kind)
        """Return the shape of a schema within a name space."""
        if isinstance(schema, list):
            return self._union(schema, space)
        if isinstance(schema, str):
            return _Shape(_PLAIN[schema]) if schema in _PLAIN else self._name(schema, space)
        kind = schema["type"]
        if isinstance(kind, dict | list):
            return self.of(kind, space)
        logical = schema.get("logicalType")
        if (kind, logical) in _LOGICAL:
            return _Shape(_LOGICAL[kind, logical])
        if logical == "decimal" and 0 < schema.get("precision", 0) <= MAX_DIGITS:
            return _decimal(schema)
        if kind in {"record", "error"}:
            return self._record(*_full(schema, space), schema["fields"])
        if kind == "enum":
            return _Shape(pa.string(), _bare)
        if kind == "fixed":
            return _fixed(schema["size"], logical)
        if kind == "array":
            return _list(self.of(schema["items"], space))
        if kind == "map":
            return _map(self.of(schema["values"], space))
        return self.of(kind, space)

    def _name(self, name: str, space: str) -> _Shape:
        full = name if name in self._named else f"{space}.{name}"
        return self.of(self._named[full], full.rpartition(".")[0])

    def _record(self, name: str, space: str, fields: list[dict[str, Any]]) -> _Shape:
        if name in self._within or len(self._within) > MAX_DEPTH:
            message = f'Records of "{name}" hold records of their own kind; the inner ones are kept as JSON text.'
            self._notices.append(Notice(code="RECURSIVE_TYPE", message=message))
            return _Shape(pa.string(), _as_json)
        self._within.append(name)
        shapes = {entry["name"]: self.of(entry["type"], space) for entry in fields}
        self._within.pop()
        turns = {key: shape.turn for key, shape in shapes.items() if shape.turn is not None}

        def turn(value: Any) -> Any:
            row = dict(_bare(value))
            for key, inner in turns.items():
                row[key] = None if row[key] is None else inner(row[key])
            return row

        return _Shape(pa.struct([pa.field(key, shape.type) for key, shape in shapes.items()]), turn)

    def _union(self, branches: list[Any], space: str) -> _Shape:
        """Give one branch beside null as itself, several as a struct with a field for each."""
        known = [branch for branch in branches if branch != "null"]
        if len(known) == 1:
            return self.of(known[0], space)
        if not known:
            return _Shape(pa.null())
        shapes = {_branch_name(branch): self.of(branch, space) for branch in known}
        empty = dict.fromkeys(shapes)

        def turn(value: Any) -> Any:
            name, bare = value if isinstance(value, tuple) else (_branch_of(value, shapes), value)
            name = name if name in shapes else name.rpartition(".")[2]
            inner = shapes[name].turn
            return {**empty, name: bare if inner is None else inner(bare)}

        return _Shape(pa.struct([pa.field(name, shape.type) for name, shape in shapes.items()]), turn)


def _full(schema: dict[str, Any], space: str) -> tuple[str, str]:
    """Return a named type's full name and its name space."""
    name = schema["name"]
    if "." not in name:
        space = schema.get("namespace", space) or ""
        name = f"{space}.{name}" if space else name
    return name, name.rpartition(".")[0]


def _branch_name(branch: Any) -> str:
    if isinstance(branch, str):
        return branch
    name = branch.get("name") or branch["type"]
    return name if isinstance(name, str) else _branch_name(name)


def _branch_of(value: Any, shapes: dict[str, _Shape]) -> str:
    """Return the branch of a value that is of no named type."""
    by_kind: dict[type, tuple[str, ...]] = {
        bool: ("boolean",),
        int: ("long", "int"),
        float: ("double", "float"),
        str: ("string",),
        bytes: ("bytes",),
        list: ("array",),
        dict: ("map",),
    }
    return next(name for name in by_kind[type(value)] if name in shapes)


def _bare(value: Any) -> Any:
    """Drop the name that fastavro gives beside a value of a named type in a union."""
    return value[1] if isinstance(value, tuple) else value


def _list(inner: _Shape) -> _Shape:
    one = inner.turn
    turn = None if one is None else lambda cells: [None if cell is None else one(cell) for cell in cells]
    return _Shape(pa.list_(inner.type), turn)


def _map(inner: _Shape) -> _Shape:
    one = inner.turn or (lambda cell: cell)
    return _Shape(
        pa.map_(pa.string(), inner.type),
        lambda cells: [(key, None if cell is None else one(cell)) for key, cell in cells.items()],
    )


def _decimal(schema: dict[str, Any]) -> _Shape:
    """Read the unscaled value: two's complement, big endian."""
    precision, scale = schema["precision"], schema.get("scale", 0)
    target = (pa.decimal128 if precision <= 38 else pa.decimal256)(precision, scale)

    def turn(value: Any) -> Decimal:
        with localcontext() as context:
            context.prec = MAX_DIGITS + 2
            return Decimal(int.from_bytes(_bare(value), "big", signed=True)).scaleb(-scale)

    return _Shape(target, turn)


def _fixed(size: int, logical: str | None) -> _Shape:
    if logical == "uuid" and size == 16:
        return _Shape(pa.uuid(), _bare)
    if logical == "duration" and size == 12:
        words = ("months", "days", "milliseconds")
        kind = pa.struct([(word, pa.uint32()) for word in words])
        return _Shape(kind, lambda value: _duration(_bare(value), words))
    return _Shape(pa.binary(size) if size else pa.binary(), _bare)


def _duration(value: bytes, words: tuple[str, ...]) -> dict[str, int]:
    return {word: int.from_bytes(value[at * 4 : at * 4 + 4], "little") for at, word in enumerate(words)}


def _as_json(value: Any) -> str:
    """Render a record; bytes as Avro's JSON encoding does, a character each."""
    return json.dumps(_bare(value), ensure_ascii=False, default=lambda raw: bytes(raw).decode("latin-1"))


def _without_logic(schema: Any) -> Any:
    """Return the schema without logical types."""
    if isinstance(schema, list):
        return [_without_logic(branch) for branch in schema]
    if isinstance(schema, dict):
        kept = {key: value for key, value in schema.items() if key not in _DROPPED}
        return {key: _without_logic(value) if key in _NESTED else value for key, value in kept.items()}
    return schema


_NESTED = {"type", "items", "values", "fields"}
_DROPPED = {"logicalType", "default", "__fastavro_parsed__", "__named_schemas"}


def open_avro(payload: Payload, _detection: Detection, _options: Options) -> ColumnarTable:
    """Open the table of an Avro container file."""
    return ColumnarTable(payload, AvroSource)
