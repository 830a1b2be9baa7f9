"""The quick way of JSON takes no record that the exact way would read otherwise, be it nearly like the others."""

from __future__ import annotations

import json
import re
import tempfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingestion.conversion import convert, layout
from ingestion.conversion.errors import ConversionError
from ingestion.conversion.formats.jsontext import blocks, digits, quick
from ingestion.conversion.formats.jsontext.plan import Plan
from ingestion.conversion.formats.jsontext.shape import Shape
from ingestion.conversion.formats.jsontext.template import template
from ingestion.conversion.formats.jsontext.values import Parser, without_texts

numbers = st.one_of(
    st.integers(-120, 120).map(str),
    st.integers(-(10**17), 10**17).map(str),
    st.decimals(-(10**7), 10**7, places=2, allow_nan=False).map(lambda number: f"{number:f}"),
    st.sampled_from(["0", "-0", "0.0", "-0.00", "007", "1.", ".5", "1.5", "1e5", "+1", "1-", "12 ", "null", "true"]),
)
strings = st.one_of(
    st.text("ab:,\"\\{}é\n\t'", max_size=5).map(lambda text: f'"{text}"'),
    st.sampled_from(
        ['""', '":"', '": "', '"\\":"', '"\\\\"', '"\\u00e9"', '"\\ud83d"', '"},{"', '"2026-10-31"', "null"]
    ),
)
members = st.tuples(numbers, strings, numbers, strings)
SHAPES = {
    "close": ('{{"n":{},"text":{},"at":{{"m":{},"s":{}}}}}', "\n"),
    "wide": ('{{ "n" : {} , "text" : {} , "at" : {{ "m" : {} , "s" : {} }} }}', "\n"),
    "colons": ('{{"n": {}, "a:": {}, ":b": {}, "c": {}}}', "\r\n"),
    "array": ('{{"n":{},"text":{},"at":{{"m":{},"s":{}}}}}', ","),
    "lists": ('{{"n":{},"tags":[{},"x",null],"rows":[{{"m":{}}}, {{"m":1,"s":{}}}]}}', "\n"),
    "array over lines": ('{{\n  "n": {},\n  "text": {},\n  "m": {},\n  "s": {}\n}}', ",\n"),
}


@pytest.fixture
def small_blocks(monkeypatch):
    """Read texts in blocks of a few records."""
    monkeypatch.setattr(layout, "PIECE_BYTES", 300)
    monkeypatch.setattr(blocks, "FAR_BYTES", 900)
    monkeypatch.setattr(blocks, "SAMPLE_BYTES", 100)


def outcome(text: bytes) -> tuple[object, object]:
    """Return the rows and what the report says of them, or the error; a zero more behind a point is the same amount."""
    with tempfile.TemporaryDirectory() as folder:
        source, dest = Path(folder, "a.json"), Path(folder, "a.parquet")
        source.write_bytes(text)
        try:
            report = convert(source, dest)
        except ConversionError as error:
            return type(error), str(error)
        return pq.read_table(dest).to_pylist(), (report.rows, [notice.message for notice in report.warnings])


def both_ways(text: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quick, "parse", lambda *_: None)
        exact = outcome(text)
    found = outcome(text)
    assert found == exact


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(list(SHAPES)),
    st.lists(members, min_size=1, max_size=3),
    st.integers(0, 600),
    st.sampled_from(['"', ":", ",", "{", "}", "\\", " ", "\n", "0", "-", ".", "n", "", "é"]),
    st.integers(0, 2),
)
@example("close", [("1", '"x"', "2.50", '":"')], 44, "", 0)
@example("close", [("1", '"x"', "2.50", '"y"'), ("1", "null", "null", '"y"')], 0, "", 0)
@example("wide", [("1", '" x"', "2.50", '"y"')], 0, "", 0)
def test_records_and_near_misses_come_out_as_the_exact_way_reads_them(small_blocks, shape, odd, at, sign, cut):
    """Many records alike, a few others, and one sign put in or taken away somewhere."""
    record, between = SHAPES[shape]
    rows = [record.format(n, f'"text {n}"', f"{n}.25", '"2026-10-31"') for n in range(40)]
    for place, values in enumerate(odd):
        rows.insert(7 * place + 11, record.format(*values))
    text = between.join(rows).encode()
    place = len(text) // 2 + at
    text = text[:place] + sign.encode() + text[place + cut :]
    both_ways(b"[" + text + b"]" if "array" in shape else text)


def written(value: object, escapes: str) -> str:
    """Write a value as JSON; ``escapes``: which signs of a text are written as escapes that JSON does not ask for."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{written(name, '')}:{written(inner, escapes)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(inner, escapes) for inner in value) + "]"
    if isinstance(value, str):
        plain = json.dumps(value, ensure_ascii=False)[1:-1]
        return '"' + "".join(f"\\u{ord(sign):04x}" if sign in escapes else sign for sign in plain) + '"'
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


def says(found: object, value: object) -> bool:
    """Tell whether what was found is a value, a date of its text, or its JSON text."""
    if isinstance(value, list) and isinstance(found, list):
        return all(map(says, found, value)) and len(found) == len(value)
    if isinstance(value, dict) and isinstance(found, dict):
        return all(says(inner, value.get(name)) for name, inner in found.items()) and value.keys() <= found.keys()
    if found == value or (isinstance(value, str) and str(found) == value):
        return True
    return isinstance(found, str) and json.loads(found, parse_float=Decimal) == value


def either(*names: str):
    """Return the orders of some names, each with any of them left out but the first."""
    lacking = st.sets(st.sampled_from(names[1:]))
    whole = st.sampled_from([names, names[::-1]])
    return st.tuples(whole, lacking).map(lambda both: [name for name in both[0] if name not in both[1]])


amounts = st.decimals(-999, 999, places=2, allow_nan=False).filter(lambda number: number or not number.is_signed())
CELLS = {
    "n": st.integers(-(10**17), 10**17) | st.none(),
    "amount": amounts | st.none(),
    "text": st.text('ab ,/é"\\\n\x7f', max_size=4) | st.none(),
    "any": st.text("ab1-", max_size=3) | st.integers(-9, 9) | st.booleans() | amounts | st.none(),
    "day": st.dates().map(str) | st.none(),
    "tags": st.lists(st.text("ab ,é/", max_size=2) | st.none(), max_size=3) | st.none(),
    "sizes": st.lists(st.integers(-9, 9) | st.booleans() | amounts, max_size=3),
    "rows": st.lists(
        either("m", "n", "text").flatmap(lambda names: st.fixed_dictionaries({name: CELLS[name] for name in names})),
        max_size=3,
    )
    | st.none(),
    "m": st.just(7),
}
of_shapes = (
    either("n", "amount", "text", "any", "day", "tags", "sizes", "rows")
    .flatmap(
        lambda names: st.tuples(
            st.fixed_dictionaries({name: CELLS[name] for name in names}),
            st.sampled_from([None, {}])
            | either("m", "n", "text").flatmap(
                lambda inner: st.fixed_dictionaries({name: CELLS[name] for name in inner})
            ),
            st.booleans(),
        )
    )
    .map(lambda parts: {**parts[0], **({"at": parts[1]} if parts[2] else {})})
)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(of_shapes, min_size=1, max_size=20),
    st.sampled_from(["", "é", "a", "ab/é"]),
    st.booleans(),
    st.sampled_from([(), ("a", ""), ("b", "é", "1", '"', "\n")]),
)
@example([{"n": 1, "at": {"m": 7}}, {"n": 2, "at": None}], "", False, ())
@example([{"n": 1, "at": {"m": 7}}, {"n": 2, "at": 7}], "", False, ())
@example([{"n": 1, "at": {"m": 7}}, {"n": 2, "at": None}, {"n": 3}], "", False, ())
def test_records_of_a_few_shapes_are_read_the_quick_way(rows, escapes, commas, nulls):
    """Names in two orders, absent names, nulls, objects and lists that are null or absent, escapes, kinds that differ."""
    separator = "," if commas else "\n"
    block = blocks.Block(separator.join(written(row, escapes) for row in rows).encode(), 0, commas, certain=False)
    values = without_texts(Parser().all(block.data.decode(), commas=commas).values, frozenset(nulls))
    shape = Shape()
    shape.look(values)
    plan = shape.plan()
    found = quick.parse(block, plan, separator.encode(), nulls)
    if any(inner.kind == "json" and of.fields for of, inner in shape.walk(plan)):
        assert found is None
        return
    assert found is not None
    found.validate(full=True)
    assert found.equals(plan.built(values))
    for row, value in zip(without_texts(rows, frozenset(nulls)), found.to_pylist(), strict=True):
        assert says(value, row)


NO_VALUES = [
    "nul",
    "nulL",
    "nullx",
    r'"\q"',
    r'"\u12"',
    '"a"b"',
    r'"a\"',
    r'"\"',
    '"x',
    "x",
    "[]",
    "{ }",
    "truE",
    "tru",
    "",
]


@pytest.mark.parametrize("odd", [*NO_VALUES, " ", '"\x01"', "[1]"])
@pytest.mark.parametrize("beside", ['"s"', "1", "null", "true", '"\\n"'])
def test_a_cell_that_is_no_value_of_its_plan_is_left_to_the_exact_way(odd, beside):
    for texts in ([beside, odd], [odd, beside], [beside, odd, beside]):
        data = "\n".join(f'{{"a":{text},"b":1}}' for text in texts).encode()
        for kind in ("string", "json", "int", "bool", "null", "float", "text"):
            plan = Plan(kind, {"int": pa.int64(), "bool": pa.bool_(), "null": pa.null()}.get(kind, pa.string()), "")
            plan = Plan(
                "object", pa.struct([("a", plan.type), ("b", pa.int64())]), "", (("a", plan), ("b", _plan(pa.int64())))
            )
            assert quick.parse(blocks.Block(data, 0, commas=False, certain=False), plan, b"\n") is None


NO_LISTS = [
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1",
    "1]",
    "[[1]",
    "[1]]",
    "[nul]",
    "[1],[2]",
    "[}",
    "{]",
    "[",
    "]",
    "[-]",
    "[,]",
    "][",
]
NO_LISTS += [
    '["a]',
    '["a" "b"]',
    '["a","b]',
    '["a"b"]',
    r'["a\"]',
    '["a",]',
    '["a"],["b"]',
    "[[]",
    '["a"',
    '[a"]',
    r'["\x"]',
]
NO_LISTS += [
    '[{"m":1},]',
    '[{"m":1} {"m":2}]',
    '[{"m":1,}]',
    '[{"m":1}',
    '{"m":1}]',
    '[{"m":01}]',
    '[{"m":1}},{"m":1}]',
    "[{]",
]
NO_LISTS += [
    '[{"m":1},{"m"]',
    '[{"m":1,"m":2}]',
    '[{"m":1},2]',
    "[{},2]",
    '[,{"m":1}]',
    '[{"m":1},,{"m":1}]',
    '[{"m":[}]',
]


@pytest.mark.parametrize("odd", NO_LISTS)
@pytest.mark.parametrize(
    "beside", ["[1]", '["a"]', '[{"m":1}]', "[]", "null", '[{"m":1},{"m":2}]', '["a", "b"]', '[":2},{"]']
)
def test_a_list_that_is_not_of_its_plan_is_left_to_the_exact_way(odd, beside):
    for texts in ([beside, odd], [odd, beside], [beside, odd, beside], [odd, odd]):
        data = "\n".join(f'{{"a":{text},"b":1}}' for text in texts).encode()
        for kind in (pa.string(), pa.int64(), pa.struct([("m", pa.int64())])):
            plan = _plan(pa.struct([("a", pa.list_(kind)), ("b", pa.int64())]))
            assert quick.parse(blocks.Block(data, 0, commas=False, certain=False), plan, b"\n") is None


@pytest.mark.parametrize(
    "record", ['{"a":"[x","l":[{"q":1}]}', '{"a":"]","l":[{"q":1}]}', '{"l":["]",":["],"a":[{"q":"[["}]}']
)
def test_brackets_in_strings_end_no_list(record):
    block = blocks.Block("\n".join([record] * 3).encode(), 0, commas=False, certain=False)
    values = Parser().all(block.data.decode(), commas=False).values
    shape = Shape()
    shape.look(values)
    found = quick.parse(block, shape.plan(), b"\n")
    assert found is None or found.equals(shape.plan().built(values))


def test_too_many_shapes_are_left_to_the_exact_way():
    rows = [{f"n{number % 40}": number} for number in range(99)]
    data = "\n".join(map(json.dumps, rows)).encode()
    plan = _plan(pa.struct([(f"n{number}", pa.int64()) for number in range(40)]))
    assert quick.parse(blocks.Block(data, 0, commas=False, certain=False), plan, b"\n") is None


def _plan(kind: pa.DataType) -> Plan:
    """Return the plan of a type."""
    if pa.types.is_struct(kind):
        return Plan("object", kind, "", tuple((field.name, _plan(field.type)) for field in kind))
    if pa.types.is_list(kind):
        return Plan("array", kind, "", items=_plan(kind.value_type))
    return Plan({"int64": "int", "string": "string"}.get(str(kind), "decimal"), kind, "")


AMOUNT = pa.decimal128(9, 2)
NESTED = pa.struct([("n", pa.int64()), ("text", pa.string()), ("at", pa.struct([("m", AMOUNT), ("s", pa.string())]))])
FLAT = (pa.int64(), pa.string(), AMOUNT, pa.string())
ROWS = pa.list_(pa.struct([("m", AMOUNT), ("s", pa.string())]))
TYPES = {
    "lists": pa.struct([("n", pa.int64()), ("tags", pa.list_(pa.string())), ("rows", ROWS)]),
    "colons": pa.struct(list(zip(["n", "a:", ":b", "c"], FLAT, strict=True))),
    "array over lines": pa.struct(list(zip(["n", "text", "m", "s"], FLAT, strict=True))),
}


@pytest.mark.parametrize("shape", list(SHAPES))
def test_records_written_alike_are_read_the_quick_way(shape):
    record, between = SHAPES[shape]
    text = between.join(record.format(n, '": x"', "2.5", '"é"') for n in range(9)).encode()
    block = blocks.Block(text, 0, commas="," in between, certain=False)
    found = quick.parse(block, _plan(TYPES.get(shape, NESTED)), between.encode())
    assert found is not None
    assert says(found.to_pylist()[8], json.loads(record.format(8, '": x"', "2.5", '"é"'), parse_float=Decimal))


@settings(deadline=None)
@given(st.lists(st.text("0123456789-.n", min_size=1, max_size=18), min_size=1, max_size=5), st.integers(0, 3))
def test_digits_are_read_as_the_literals_say_or_not_at_all(texts, scale):
    kind = pa.decimal128(18, scale) if scale else pa.int64()
    data = b",".join(text.encode() for text in texts)
    ends = [at for at, byte in enumerate(data) if byte == ord(",")] + [len(data)]
    begins = [0] + [end + 1 for end in ends[:-1]]
    found = digits.values(data, np.frombuffer(data, np.uint8), np.array(begins), np.array(ends), kind)
    if found is not None:
        for text, value in zip(texts, found.to_pylist(), strict=True):
            assert re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", text)
            assert Decimal(text) == value
            assert text.startswith("-") == (value < 0)


@pytest.mark.parametrize(
    "record", ["{}", '{"a":[[1]]}', '{"a":{ }}', '{"a\\"":1}', '{"a":1,"a":2}', '{"a":1} {"b":2}', '{"a":', "[1]", "7"]
)
def test_a_record_that_is_not_plain_is_no_template(record):
    assert template(record.encode()) is None
