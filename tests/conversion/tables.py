"""Generated tables: columns of every kind that an ERP writes, in every dialect, with traps among the cells."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from hypothesis import strategies as st

Cell = str | None  # None is an empty unquoted cell, "" a quoted empty one
ROWS = 6
SPACES = ("\u00a0", "\u202f")


@dataclass(frozen=True)
class Layout:
    """A dialect in which a table is written."""

    encoding: str
    delimiter: str
    newline: str
    quote_all: bool
    quote: str = '"'
    header: bool = True

    def write(self, names: list[str], rows: list[tuple[Cell, ...]]) -> bytes:
        """Return the file."""
        written = [tuple(names), *rows] if self.header else rows
        lines = [self.delimiter.join(self._cell(cell) for cell in row) for row in written]
        return "".join(line + self.newline for line in lines).encode(self.encoding)

    def _cell(self, cell: Cell) -> str:
        if cell is None:
            return ""
        if self.quote_all or not cell or any(sign in cell for sign in (self.delimiter[0], self.quote, "\n", "\r")):
            return self.quote + cell.replace(self.quote, self.quote * 2) + self.quote
        return cell


def layouts() -> st.SearchStrategy[Layout]:
    return st.builds(
        Layout,
        encoding=st.sampled_from(
            ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252", "latin-1", "cp1250", "cp850", "gb18030"]
        ),
        delimiter=st.sampled_from([";", ",", "\t", "|", "||", "\x1f", ";;"]),
        newline=st.sampled_from(["\n", "\r\n", "\r"]),
        quote_all=st.booleans(),
        quote=st.sampled_from(['"', '"', "'"]),
        header=st.sampled_from([True, True, True, False]),
    )


def number(point: str, group: str, sign: str, *, scale: int | None = 2) -> st.SearchStrategy[str]:
    """Amounts as one ERP writes them; ``scale`` None gives fractions of any length."""

    def written(units: int, places: int) -> str:
        digits = f"{abs(units):0{places + 1}d}"
        whole, fraction = (digits[:-places], digits[-places:]) if places else (digits, "")
        text = f"{int(whole):,}".replace(",", group) + (point + fraction if places else "")
        if units >= 0:
            return text
        return {"front": f"-{text}", "behind": f"{text}-", "parentheses": f"({text})"}[sign]

    return st.builds(
        written, st.integers(-(10**12), 10**12), st.just(scale) if scale is not None else st.integers(0, 4)
    )


def dates(form: str, first: dt.date = dt.date.min, last: dt.date = dt.date.max) -> st.SearchStrategy[str]:
    def written(day: dt.date) -> str:
        return form.format(y=day.year, m=day.month, d=day.day)

    return st.dates(first, last).map(written)


def moments(form: str, offset: str = "", digits: int = 0) -> st.SearchStrategy[str]:
    def written(moment: dt.datetime, nanoseconds: int) -> str:
        fraction = f".{nanoseconds:09d}"[: digits + 1] if digits else ""
        return form.format(y=moment.year, m=moment.month, d=moment.day) + f"{moment:%H:%M:%S}{fraction}{offset}"

    years = (dt.datetime(1678, 1, 1), dt.datetime(2261, 1, 1)) if digits > 6 else (dt.datetime.min, dt.datetime.max)  # noqa: DTZ001, DTZ901
    return st.builds(written, st.datetimes(*years), st.integers(0, 999_999_999))


GROUPS = {".": ["", ",", "'", " ", *SPACES], ",": ["", ".", "'", " ", *SPACES]}
AMOUNTS = [number(point, group, sign, scale=scale)
           for point, groups in GROUPS.items() for group in groups
           for sign in ("front", "behind", "parentheses") for scale in (0, 2, 3, None)]  # fmt: skip
DATES = [dates(form) for form in (
    "{y:04d}-{m:02d}-{d:02d}", "{d:02d}.{m:02d}.{y:04d}", "{d:02d}/{m:02d}/{y:04d}", "{m:02d}/{d:02d}/{y:04d}",
    "{d}/{m}/{y:04d}", "{m}-{d}-{y:04d}", "{y:04d}/{m:02d}/{d:02d}", "{d}.{m}.{y:04d}", "{d:02d}.{m:02d}.{y:04d}")]  # fmt: skip
DATES += [dates("{y:04d}{m:02d}{d:02d}", dt.date(1900, 1, 1), dt.date(2100, 12, 31))]
MOMENTS = [moments(form, offset, digits)
           for form in ("{y:04d}-{m:02d}-{d:02d}T", "{y:04d}-{m:02d}-{d:02d} ", "{d:02d}.{m:02d}.{y:04d} ", "{m}/{d}/{y:04d} ")
           for offset in ("", "Z", "+01:00", "-05:30") for digits in (0, 3, 6, 9)]  # fmt: skip
KEYS = [
    st.integers(-(2**70), 2**70).map(str),
    st.integers(-99, 99).map(str),
    st.integers(-(10**40), 10**40).map(str),
    st.from_regex(r"\A0*[0-9]{1,12}\Z"),
    st.from_regex(r"\A[0-9]{1,4}[eE][0-9]{1,2}\Z"),
    st.from_regex(r"\A\+[0-9]{6,14}\Z"),
    st.from_regex(r"\A[1-9]\.[0-9]{1,2}\Z"),
    st.sampled_from(["true", "false"]),
    st.sampled_from(["TRUE", "FALSE", "True"]),
    st.times().map(lambda t: f"{t:%H:%M:%S}"),
]
LETTERS = "aZ09 .,;:'\"|-+()/\\#%&=_\täöü€"
TEXTS = [st.text(LETTERS, max_size=10), st.sampled_from(["NA", "N/A", "NULL", "null", "nan", "None", "-", "0", "1"])]
TRAPS = ["007", "-0", "0,00-", "12E5", "+49", "NA", " 5", "5 ", "", " ", "1.234", "1,234", "1.50", "00000000",
         "99991231", "31.02.2026", "2026-02-30", "0000-01-01", "1" * 39, "٣", "0x1F", ".5", "5.", "inf", "1e3"]  # fmt: skip
KINDS = st.sampled_from([*AMOUNTS, *DATES, *MOMENTS, *KEYS, *TEXTS])


@st.composite
def columns(draw: st.DrawFn) -> list[Cell]:
    """One column: cells of one kind, some of them padded or absent, and now and then a trap at the end."""
    cells: list[Cell] = draw(st.lists(draw(KINDS), min_size=ROWS, max_size=ROWS))
    if draw(st.booleans()):
        padding = draw(st.sampled_from([" {}", "{} ", "  {}  "]))
        cells = [padding.format(cell) if draw(st.booleans()) else cell for cell in cells]
    if draw(st.booleans()):
        cells = [None if draw(st.integers(0, 3)) == 0 else cell for cell in cells]
    if draw(st.integers(0, 2)) == 0:
        cells[-1] = draw(st.sampled_from(TRAPS))
    return cells


@st.composite
def tables(draw: st.DrawFn) -> tuple[Layout, list[str], list[tuple[Cell, ...]]]:
    """A layout, names, and rows whose cells the layout's encoding can write."""
    layout = draw(layouts())
    made = draw(st.lists(columns(), min_size=2, max_size=5))
    written = [[_writable(cell, layout.encoding) for cell in column] for column in made]
    names = [f"Column {index}" if layout.header else f"column_{index + 1}" for index in range(len(written))]
    return layout, names, list(zip(*written, strict=True))


def _writable(cell: Cell, encoding: str) -> Cell:
    return cell if cell is None else cell.encode(encoding, errors="ignore").decode(encoding).replace("\ufeff", "")
