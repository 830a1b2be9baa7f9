"""JSON gives back every value that it holds, in whatever pieces the text is read and by whatever way it is parsed."""

from __future__ import annotations

import json
import tempfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from ingestion.conversion import convert, layout
from ingestion.conversion.formats.jsontext import blocks, numbers, quick
from ingestion.conversion.formats.jsontext.plan import Plan
from ingestion.conversion.structure import Scanner

# A number is given by its literal, so that what is generated says how it is written.
Number = type("Number", (str,), {})


def written(value, indent: str = "") -> str:
    """Write a value as JSON; ``indent`` spreads objects over lines."""
    match value:
        case Number():
            return str(value)
        case dict():
            gap = f"\n{indent}" if indent else ""
            inner = f",{gap}".join(f"{json.dumps(name)}: {written(item, indent)}" for name, item in value.items())
            return f"{{{gap}{inner}{gap}}}"
        case list():
            return "[" + ", ".join(written(item, indent) for item in value) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def is_same(found, value) -> bool:
    """Tell whether a Parquet value says what a JSON value said."""
    match value:
        case None:
            return found is None or (isinstance(found, dict) and all(is_same(item, None) for item in found.values()))
        case Number() if isinstance(found, Decimal):
            return "e" not in value.lower() and Decimal(value) == found and value.startswith("-") == (found < 0)
        case Number() if isinstance(found, float):
            return repr(found) == value
        case Number():
            return str(found) == value
        case bool() if isinstance(found, bool):
            return found is value
        case dict() if isinstance(found, dict):
            absent = [item for name, item in found.items() if name not in value]
            return all(is_same(found.get(name), item) for name, item in value.items()) and not any(absent)
        case list() if isinstance(found, list):
            return len(found) == len(value) and all(map(is_same, found, value))
        case str() if isinstance(found, str) and found == value:
            return True
        case str() if not isinstance(found, str):
            return found.isoformat() == value  # a date
        case _:  # of several kinds: its JSON text
            return isinstance(found, str) and parsed(found) == parsed(written(value))


def parsed(text: str):
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=None)


def converted(text: str | bytes, folder: Path | None = None):
    """Convert a text; return its rows and the report."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        source, dest = Path(name, "a.json"), Path(name, "a.parquet")
        source.write_bytes(text if isinstance(text, bytes) else text.encode())
        report = convert(source, dest)
        return pq.read_table(dest).to_pylist(), report


@pytest.fixture
def small_pieces(monkeypatch):
    """Read texts a few bytes at a time, as if they were large."""
    monkeypatch.setattr(layout, "PIECE_BYTES", 61)
    monkeypatch.setattr(blocks, "FAR_BYTES", 200)
    monkeypatch.setattr(blocks, "SAMPLE_BYTES", 40)


literals = st.one_of(
    st.integers(-(10**40), 10**40).map(str),
    st.decimals(-(10**12), 10**12, allow_nan=False, places=3).map(lambda number: f"{number:f}"),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(
        ["-0", "-0.0", "0", "1.0", "1.10", "1E400", "1e-7", "12E5", "9223372036854775808", "0.5", "1.5e+300"]
    ),
).map(Number)
texts = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=6),
    st.sampled_from(
        ["", "00123", "2026-10-31", "1e5", "-0", "},{", "}\n{", "],[", '"', "\\", "null", "a\tb", "\u2028", "NaN"]
    ),
)
scalars = st.one_of(st.none(), st.booleans(), literals, texts)
names = st.sampled_from(["a", "b", "ä", "a.b", "", "c"])
nested = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)
records = st.lists(st.dictionaries(names, nested, min_size=1, max_size=4), min_size=1, max_size=12)
LAYOUTS = {
    "lines": ("", "\n", "\n"),
    "lines of Windows": ("", "\r\n", ""),
    "one behind the other": ("", "", ""),
    "array": ("[", ",", "]"),
    "array a line each": ("[\n\t", ",\n\t", "\n]\n"),
    "array with spaces": (" [ ", " , ", " ] "),
    "OData v4": ('{"@odata.context": "x],[{", "value": [', ", ", '], "@odata.count": 7}'),
    "OData v2": ('{"d": {"results": [', ",", '], "__count": "9"}}'),
}


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records, st.sampled_from(list(LAYOUTS)), st.booleans())
@example([{"a": "},{"}, {"a": [{"b": Number("1")}, {"b": Number("2")}]}] * 9, "array", False)
@example([{"a": Number("1")}] * 30 + [{"a": Number("1.5")}], "lines", False)
@example([{"a": Number("1.25")}] * 30 + [{"a": Number("12E5")}], "lines", False)
def test_every_value_of_random_records_is_given_back(small_pieces, rows, name, spread):
    before, between, behind = LAYOUTS[name]
    assume(len(rows) > 1 or before)  # a document alone may be an envelope, whose array is then the records
    text = before + between.join(written(row, "  " if spread else "") for row in rows) + behind
    found, report = converted(text)
    assert report.rows.loaded == len(rows)
    whole = [column.name for column in report.columns] == ["value"]  # no record has a member
    for row, given_back in zip(rows, found, strict=True):
        assert is_same(given_back["value"] if whole else given_back, row), (row, given_back)


plain = st.fixed_dictionaries(
    {
        "id": st.integers(-(10**18), 10**18).map(str).map(Number),
        "price": st.decimals(-(10**9), 10**9, places=2, allow_nan=False).map(lambda number: Number(f"{number:f}")),
        "text": st.text(st.characters(codec="utf-8", exclude_characters='"\\', exclude_categories=["Cc", "Cs"])),
        "open": st.booleans(),
        "at": st.fixed_dictionaries({"day": st.dates().map(str), "zip": st.sampled_from(["00123", "7"])}),
    }
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(plain, min_size=1, max_size=20), st.sampled_from(["lines", "array", "array a line each", "OData v4"]))
def test_records_that_look_alike_are_given_back_too(small_pieces, rows, name):
    before, between, behind = LAYOUTS[name]
    found, _ = converted(before + between.join(map(written, rows)) + behind)
    for row, given_back in zip(rows, found, strict=True):
        assert is_same(given_back, row), (row, given_back)


TRAPS = ["-0", "1e2", "1.5e-7", "1.25", "true", '"7"', "null", "12345678901234567890", "[1]", '{"x": 1}', '7, "n": 8']


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("name", ["lines", "array", "array a line each"])
@pytest.mark.parametrize("text", ["plain", "esc\\\\aped"])
def test_a_trap_in_the_last_record_is_never_lost(small_pieces, name, trap, text):
    """Every block before it reads the quick ways, with a type that does not hold the last value."""
    before, between, behind = LAYOUTS[name]
    rows = [f'{{"n": {number}, "t": "{text}"}}' for number in range(100)] + [f'{{"n": {trap}, "t": "end"}}']
    found, report = converted(before + between.join(rows) + behind)
    assert len(found) == 101
    assert found[-1]["t"] == "end"
    last = trap.rpartition(" ")[2] if "," in trap else trap
    assert is_same(found[-1]["n"], parsed(last)), found[-1]
    assert is_same(found[57]["n"], Number("57"))
    if trap != "null" and "," not in trap:
        assert next(column.note for column in report.columns if column.name == "n").startswith("int64 from the literal")
    if "," in trap:
        assert json.loads(found[-1]["_rescued"]) == {"n": [7]}
        assert report.warnings[0].code == "DUPLICATE_NAMES"


@settings(deadline=None)
@given(
    st.text(st.sampled_from('0123-.e+E"x'), min_size=1, max_size=6), st.sampled_from([pa.int64(), pa.decimal128(9, 2)])
)
def test_a_literal_that_its_value_does_not_give_back_is_never_taken(text, target):
    kind = "int" if target == pa.int64() else "decimal"
    found = numbers.parsed(pa.array(["1", text, "-2"]), kind, target)
    if found is not None:
        assert parsed(text).lower() == text.lower()  # it is JSON
        assert is_same(found[1].as_py(), Number(text))


@settings(deadline=None)
@given(st.lists(nested, max_size=4), st.integers(1, 7))
def test_brackets_outside_strings_are_found_in_pieces_of_any_size(values, size):
    text = ",".join(map(written, values)).encode()
    scanner, depth, commas = Scanner(), 0, []
    for start in range(0, len(text), size):
        piece, before = text[start : start + size], scanner.depth
        commas += [start + int(at) for at in scanner.commas(piece, scanner.feed(piece), before)]
    assert scanner.depth == depth
    cut = [text[a + 1 : b].decode() for a, b in zip([-1, *commas], [*commas, len(text)], strict=True)]
    assert [parsed(part) for part in cut if part] == [parsed(written(value)) for value in values]


def test_the_quick_way_reads_what_it_is_for():
    """Otherwise the other would do all the work, and nothing but the time would tell."""
    row = '{"a":1,"b":"x","c":{"d":2.50}}'
    found, _ = converted("\n".join([row] * 20_000))
    assert len(found) == 20_000
    block = blocks.Block("\n".join([row] * 9).encode(), 0, commas=False, certain=False)
    struct = pa.struct([("a", pa.int64()), ("b", pa.string()), ("c", pa.struct([("d", pa.decimal128(9, 2))]))])
    assert quick.parse(block, _plan(struct), b"\n") is not None


def _plan(kind: pa.DataType):
    if pa.types.is_struct(kind):
        return Plan("object", kind, "", tuple((field.name, _plan(field.type)) for field in kind))
    return Plan({"int64": "int", "string": "string"}.get(str(kind), "decimal"), kind, "")


def test_a_block_may_end_inside_an_escape():
    text = ('{"a":"' + "\\\\" * 7 + '\\"}{"}').encode()
    whole = Scanner().feed(text)
    scanner = Scanner()
    parts = [
        np.array([at], np.int64) + b.at for at in range(len(text)) if len((b := scanner.feed(text[at : at + 1])).at)
    ]
    assert np.concatenate(parts).tolist() == whole.at.tolist() == [0, len(text) - 1]


@pytest.mark.parametrize("layout", ["lines", "array", "envelope"])
def test_a_legacy_encoding_that_the_text_does_not_give_back_is_told_with_its_line(tmp_path, layout):
    """The sign for "not" has two codes in cp932."""
    records = ['{"a": "山田商店"}', '{"a": "株式会社"}', '{"a": "@"}']
    joined = {"lines": "\n".join(records), "array": "[" + ",\n".join(records) + "]"}
    joined["envelope"] = f'{{"value": {joined["array"]}}}'
    source = tmp_path / "a.json"
    source.write_bytes(joined[layout].encode("cp932").replace(b"@", b"\xfa\x54"))
    report = convert(source, tmp_path / "out.parquet")
    told = next(notice for notice in report.warnings if notice.code == "NOT_REVERSIBLE")
    assert told.lines == (3,)
    assert pq.read_table(tmp_path / "out.parquet")["a"].to_pylist()[-1] == "￢"
