"""Records cut by hand: what quotes mean, and that an open one does not cost the square of the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.conversion.dialect import Dialect
from ingestion.conversion.records import _cutter, records

OPEN_QUOTES = {
    "never closed": '"Brand#44"|STANDARD PLATED TIN|9\n',
    "closed far away, at the next cell's quote": '"a"|"b, c"|d\n',
    "doubled all along": '"a""b"|""c|d\n',
}


class Counting:
    """A pattern that counts how often it is asked."""

    def __init__(self, pattern):
        self.pattern, self.asked = pattern, 0

    def search(self, *args):
        self.asked += 1
        return self.pattern.search(*args)


@pytest.mark.parametrize("line", OPEN_QUOTES.values(), ids=OPEN_QUOTES)
@pytest.mark.parametrize("width", [None, 3])
def test_a_wrong_delimiter_costs_no_more_than_a_few_looks_a_quote(monkeypatch, line, width):
    dialect = Dialect(encoding="", delimiter=",", quote='"')
    counting = Counting(_cutter(dialect)._in_quotes)
    monkeypatch.setattr(_cutter(dialect), "_in_quotes", counting)
    text = line * 2_000
    found = list(records(text, dialect, width))
    assert found[-1].end == len(text)
    assert counting.asked <= 4 * text.count('"')


@given(st.text(alphabet='",;\na\\ ', max_size=80), st.sampled_from([None, "\\"]), st.sampled_from([None, 1, 2, 3]))
def test_the_records_of_a_text_do_not_depend_on_what_was_cut_before(text, escape, width):
    """Each record is the first one of the text that begins there."""
    dialect = Dialect(encoding="", delimiter=",", quote='"', escape=escape)
    position = 0
    for record in records(text, dialect, width):
        assert next(records(text[position:], dialect, width)).cells == record.cells
        position = record.end
    assert position == len(text)


def rows(text, width):
    dialect = Dialect(encoding="", delimiter=";", quote='"')
    return [record.cells for record in records(text, dialect, width)]


def test_an_open_quote_swallows_no_row_whose_quote_seems_to_close_it():
    assert rows('1;"A\n2;"B"\n3;"C"\n', 2) == [["1", '"A'], ["2", "B"], ["3", "C"]]


@pytest.mark.parametrize("between", [3, 19, 20, 60, 5_000])
@pytest.mark.parametrize("odd", [None, "just a remark"])
def test_an_open_quote_swallows_no_rows_down_to_the_next_fault_of_its_kind(between, odd):
    """From the one to the other it makes a record of the usual width, whatever stands between them."""
    faults = [f'{number};"ROSSI" DI ANNA;{number}' for number in (1, 2)]
    plain = [f"{number};Bianchi;x" for number in range(between)]
    if odd and between > 10:
        plain[5] = odd
    found = rows("\n".join([faults[0], *plain, faults[1], "3;Verdi;y"]) + "\n", 3)
    assert len(found) == between + 3
    assert found[0] == ["1", '"ROSSI" DI ANNA', "1"]
    assert found[-2] == ["2", '"ROSSI" DI ANNA', "2"]


def test_a_bare_quote_in_a_cell_of_several_lines_keeps_it_whole():
    assert rows('1;"a "b" c\nsecond line";5\n2;"d";6\n', 3) == [["1", 'a "b" c\nsecond line', "5"], ["2", "d", "6"]]


def test_one_fault_in_a_line_of_hundreds_of_cells_costs_few_readings(monkeypatch):
    dialect = Dialect(encoding="utf-8", delimiter=",", quote='"', names=())
    cells = [f"v{at}" for at in range(400)]
    cells[200] = 'a "b", c'
    line = ",".join(f'"{cell}"' for cell in cells)
    cutter, read = _cutter(dialect), []
    readings = type(cutter)._readings

    def counted(*args):
        for found in readings(*args):
            read.append(found)
            yield found

    monkeypatch.setattr(type(cutter), "_readings", counted)
    assert cutter._repaired(line, 0, len(line), 400) == cells
    assert len(read) < 10 * len(cells)


def test_a_line_of_nothing_but_quotes_is_given_up():
    dialect = Dialect(encoding="utf-8", delimiter=" ", quote='"', names=())
    line = '" ' * 500 + "x"
    assert _cutter(dialect)._repaired(line, 0, len(line), 300) is None


@given(
    st.lists(
        st.sampled_from(['"a"', "b", '"c,d"', '"e "f" g"', '""', 'x"y', '"', '"m""n"', ' "o"']), min_size=1, max_size=6
    ),
    st.integers(1, 6),
)
def test_a_repaired_line_has_the_width_that_was_asked_for_and_every_letter(cells, width):
    line = ",".join(cells)
    found = _cutter(Dialect(encoding="utf-8", delimiter=",", quote='"', names=()))._repaired(line, 0, len(line), width)
    if found is not None:
        assert len(found) == width
        assert [sign for sign in "".join(cell or "" for cell in found) if sign.isalpha()] == [
            sign for sign in line if sign.isalpha()
        ]


@pytest.mark.parametrize(
    ("text", "cells"),
    {
        "before a CRLF": ("1;C:\\\r\n2;D:\r\n", [["1", "C:\\"], ["2", "D:"]]),
        "before an LF": ("1;C:\\\n2;D:\n", [["1", "C:\\"], ["2", "D:"]]),
        "before the quote that would end its cell": ('1;"C:\\"\n2;"D"\n', [["1", '"C:\\"'], ["2", "D"]]),
        "before a line end in quotes": ('1;"C\\\r\nD"\r\n2;E\r\n', [["1", "C\r\nD"], ["2", "E"]]),
        "before a delimiter": ("1;C\\;D\n2;E\n", [["1", "C;D"], ["2", "E"]]),
    }.values(),
)
def test_a_backslash_is_dropped_only_where_it_escapes(text, cells):
    dialect = Dialect(encoding="", delimiter=";", quote='"', escape="\\")
    assert [record.cells for record in records(text, dialect, 2)] == cells
