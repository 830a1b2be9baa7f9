"""The proof that typed cells say what the bytes said: no text that loses something may pass."""

from __future__ import annotations

from decimal import Decimal
from itertools import chain, product

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.conversion.dialect import Dialect
from ingestion.conversion.formats.exact import can_prove, parse, parse_exact
from ingestion.conversion.records import records
from ingestion.conversion.typing.amounts import DecimalRule
from ingestion.conversion.typing.quick import quick_values

TYPES = {"int": pa.int64(), "money": pa.decimal128(9, 2), "rate": pa.decimal128(18, 4), "date": pa.date32()}
ALL = [*TYPES.values(), pa.string(), pa.string()]
AS_PARSED = [pa.string() if pa.types.is_decimal128(kind) else kind for kind in ALL]


def read_exact(data, shape):
    """Read a block as a table is read: amounts are parsed as texts, whose digits are proven one by one."""
    batch = parse_exact(data, shape, AS_PARSED)
    if batch is None:
        return None
    columns = list(batch.columns)
    for index, kind in enumerate(ALL):
        if pa.types.is_decimal128(kind):
            rule = DecimalRule(".", scale=kind.scale, shortest=kind.scale, separated=True, room=kind.precision)
            columns[index] = quick_values(rule, columns[index])
    return (
        None
        if any(column is None for column in columns)
        else pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
    )


def dialect(newline: str = "\n", quote: str | None = '"') -> Dialect:
    names = (*TYPES, "text", "more")
    return Dialect(encoding="utf-8", delimiter=",", quote=quote, newline=newline, names=names)


def rendered(value: object) -> str:
    return "" if value is None else str(value)


def quoted(text: str | None) -> str:
    if text is None:
        return ""
    return '"' + text.replace('"', '""') + '"' if not text or set(text) & set('",\r\n') else text


exact_texts = {
    "int": st.none() | st.integers(-(2**63), 2**63 - 1),
    "money": st.none() | st.integers(-999_999_999, 999_999_999).map(lambda n: Decimal(n).scaleb(-2)),
    "rate": st.none() | st.integers(-(10**18) + 1, 10**18 - 1).map(lambda n: f"{Decimal(n).scaleb(-4):f}"),
    "date": st.none() | st.dates(),
}
words = st.text(st.sampled_from('ab.0xE1,"\r\n;- é'), max_size=9)
# Each parses to a number or a date, and none is the text that the value gives back.
LOSSY = {
    "int": [
        "007",
        " 5",
        "5 ",
        "-0",
        "00",
        "0x1F",
        "0XFFFFFFFFFF",
        "\t12",
        "-007",
        "0x7FFFFFFFFFFFFFFF",
        "0xF4240",
        '"0"xFFFFFFFFFF',
        '"0x"FFFFFFFFFFFF',
        "0x8000000000000000",
        "0xFFFFFFFF",
        '"00"7',
        '" "5',
    ],
    "money": [
        "+1.00",
        ".50",
        "5.",
        "5",
        "5.0",
        "05.00",
        " 5.00",
        "1e3",
        "1e-1",
        "-0.00",
        "5.000",
        "-.5",
        "1.5e1",
        '"5.00"e2',
        '"5.0"',
        '"5".0',
        "5.0e1",
        "500e-2",
        '"1e3"',
        ".5e1",
        "123456.7",
    ],
    "rate": ["1.5", "1", "0001.5000", "1e0", ".0001", "12.50000", "1E+3"],
    "date": [" 2026-10-31", "2026-10-31 "],
}


# Texts that look like an exact decimal to one that does not know where cells begin and end.
LOOKALIKES = [
    "1.23",
    '"1.23"x',
    '1.23"',
    '"1.23"',
    '"a""1.23"',
    '"1.23""x"',
    'a"1.23',
    "v1.2345",
    '"1.23,4.56"',
    '"x\n1.23\n"',
]


@st.composite
def rows(draw, lossy: bool):
    text = st.none().map(quoted) | words.map(quoted)
    if lossy:
        text |= st.sampled_from(LOOKALIKES)
    table = [
        [rendered(draw(exact_texts[name])) for name in TYPES] + [draw(text) for _ in range(2)]
        for _ in range(draw(st.integers(1, 6)))
    ]
    if lossy:
        for _ in range(draw(st.integers(1, 5))):
            name = draw(st.sampled_from(list(TYPES)))
            table[draw(st.integers(0, len(table) - 1))][list(TYPES).index(name)] = draw(st.sampled_from(LOSSY[name]))
    return table


def block(table: list[list[str]], newline: str) -> bytes:
    return "".join(",".join(row) + newline for row in table).encode()


@settings(deadline=None)
@given(rows(lossy=True), st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_text_that_its_value_does_not_give_back_never_passes(table, newline):
    assert read_exact(block(table, newline), dialect(newline)) is None


@settings(deadline=None)
@given(rows(lossy=False), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_what_passes_gives_back_every_text(table, newline, cut_end):
    data = block(table, newline)
    batch = read_exact(data.removesuffix(newline.encode()) if cut_end else data, dialect(newline))
    if batch is None:
        return  # not proven is allowed; that clean data passes is the next test's claim
    assert batch.num_rows == len(table)
    for index, name in enumerate(TYPES):
        found = [
            "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)
            for value in batch.column(index).to_pylist()
        ]
        assert found == [row[index] for row in table], name
    for index in (4, 5):
        assert [quoted(text) for text in batch.column(index).to_pylist()] == [row[index] for row in table]


def test_an_empty_cell_at_the_very_end_is_not_taken_for_a_quoted_one():
    batch = parse(b'1,1.00,1.0000,2026-10-31,"",', dialect(), ALL)
    assert batch["text"].to_pylist() == [""]
    assert batch["more"].to_pylist() == [None]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_clean_data_passes(newline):
    table = [["-12", "1234.50", "0.0001", "2026-10-31", '"a ""b"" 1.50, c"', "v1.50"], ["", "", "", "", "", '""']]
    batch = read_exact(block(table, newline), dialect(newline))
    assert batch is not None
    assert batch.to_pylist()[0] == {
        "int": -12,
        "money": Decimal("1234.50"),
        "rate": Decimal("0.0001"),
        "date": batch["date"][0].as_py(),
        "text": 'a "b" 1.50, c',
        "more": "v1.50",
    }
    assert batch["more"][1].as_py() == ""
    assert batch["text"][1].as_py() is None


@pytest.mark.parametrize(
    "lines",
    [
        "5,1.00,1.0000,2026-10-31,a,b\n 5,1.00,1.0000,2026-10-31,a,b\r\n",
        "5,5,1.0000,2026-10-31,a,b\n5,0005.00,1.0000,2026-10-31,a,b\n",
        "0xFFFFFFFF,5.00,1.0000,2026-10-31,a,b\n",
        "5,.50,1.0000,2026-10-31,a,b\n05,5.00,1.0000,2026-10-31,a,b\n",
        "5,5.0,1.0000,2026-10-31,a 1.25,b\n05,5.00,1.0000,2026-10-31,a,b\n",
        "05,5.0,1.0000,2026-10-31,a,b\n",
        "5,1.5e1,1.0000,2026-10-31,a 1.25,b\n",
        "5,1e3,1.0000,2026-10-31,1.00,b\n0005,5.00,1.0000,2026-10-31,a,b\n",
        "0xF4240,5.00,1.0000,2026-10-31,a,x\n",
    ],
)
def test_a_longer_text_cannot_hide_behind_a_shorter_one(lines):
    assert parse(lines.encode(), dialect(), ALL) is not None
    assert read_exact(lines.encode(), dialect()) is None


@pytest.mark.parametrize(
    "lines",
    [
        '0005,5,1.0000,2026-10-31,"1.23"x,b\n',
        '5,"5.00"e2,1.0000,2026-10-31,a,b\n',
        '05,5.00,1.0000,2026-10-31,a,b\n"0"xFFFFFFFFFF,5.00,1.0000,2026-10-31,a,b\n',
    ],
)
def test_text_behind_a_closing_quote_is_left_to_the_reader_of_odd_records(lines):
    assert read_exact(lines.encode(), dialect()) is None


@pytest.mark.parametrize(
    ("newline", "escape", "signs", "length"),
    [
        ("\n", None, 'a",\n', 6),
        ("\r\n", None, 'a",\r\n', 5),
        ("\r", None, 'a",\r', 6),
        ("\r", None, 'a",\r\n', 5),
        ("\n", "\\", '\\",\n', 6),
        ("\r", "\\", '\\",\r', 6),
    ],
)
def test_whatever_stands_around_quotes_and_line_ends_is_cut_as_the_exact_way_cuts_it(newline, escape, signs, length):
    two = Dialect(encoding="utf-8", delimiter=",", quote='"', escape=escape, newline=newline, names=("x", "y"))
    read = 0
    for some in chain.from_iterable(product(signs, repeat=size) for size in range(1, length + 1)):
        text = "".join(some) + newline
        batch = parse(text.encode(), two, [pa.string()] * 2)
        if batch is not None:
            read += '"' in text
            found = [list(row.values()) for row in batch.to_pylist()]
            assert found == [row.cells for row in records(text, two, 2)], text
    assert read > 50


@pytest.mark.parametrize(("delimiter", "signs"), [("||", 'a"|\n'), ("|~", 'a"|~\n'), ("aba", 'ab"\n')])
def test_a_delimiter_of_several_signs_is_cut_as_the_exact_way_cuts_it(delimiter, signs):
    two = Dialect(encoding="utf-8", delimiter=delimiter, quote='"', newline="\n", names=("x", "y"))
    read = 0
    for some in chain.from_iterable(product(signs, repeat=size) for size in range(1, 8)):
        text = "".join(some) + "\n"
        batch = parse(text.encode(), two, [pa.string()] * 2)
        if batch is not None:
            read += 1
            found = [list(row.values()) for row in batch.to_pylist()]
            assert found == [row.cells for row in records(text, two, 2)], text
    assert read > 50
    assert parse(f"x\x1fy{delimiter}z\n".encode(), two, [pa.string()] * 2) is None


def test_a_mark_at_the_beginning_of_a_block_is_not_dropped():
    assert parse("\ufeffa,b\n".encode(), Dialect(encoding="utf-8", names=("x", "y")), [pa.string()] * 2) is None


@pytest.mark.parametrize("delimiter", [".", "-", "0", "x", " ", "+"])
def test_a_delimiter_that_is_part_of_numbers_cannot_be_accounted_for(delimiter):
    assert not can_prove(Dialect(encoding="utf-8", delimiter=delimiter, names=("a", "b")))


@pytest.mark.parametrize(
    "text", ["2026-1-31", "20261031", "2026-10-31T00", "2026-10-31 00:00", "+2026-10-31", "2026-10-3"]
)
def test_dates_have_one_length(text):
    types = [pa.date32(), pa.int64()]
    two = Dialect(encoding="utf-8", names=("when", "number"))
    for number in ("5", "05", "005", "0000005"):
        assert parse_exact(f"{text},{number}\n".encode(), two, types) is None
