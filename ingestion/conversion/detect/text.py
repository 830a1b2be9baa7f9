"""How a delimited text is laid out: the cut, the table among title lines and remarks, and the evidence for each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingestion.conversion.detect.cuts import Row, best_cuts, fixed_cut, read_rows
from ingestion.conversion.detect.kinds import is_rule
from ingestion.conversion.detect.layout import (
    SEARCHED_RECORDS,
    SURE,
    Region,
    doubtful_total,
    find_tables,
    fixed_header,
    footer,
    ruled_header,
)
from ingestion.conversion.detect.names import column_names, unique_names
from ingestion.conversion.detect.preamble import table_below
from ingestion.conversion.detect.told import told
from ingestion.conversion.detect.unlike import unlike_table
from ingestion.conversion.errors import NoRows
from ingestion.conversion.lists import outline
from ingestion.conversion.values import Detection, Notice
from ingestion.slotted import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.detect.cuts import Cut
    from ingestion.conversion.detect.encoding import Encoding
    from ingestion.conversion.dialect import Dialect, Skipped
    from ingestion.conversion.unpack import Payload
    from ingestion.conversion.values import Options

__all__ = ["decide_dialect", "unique_names"]

MARKER = re.compile(r'"?sep=(.)"?(?:\r\n|\n|\r)', re.IGNORECASE)
BLANK_LINES = re.compile(r"(?:[^\S\r\n]*+(?:\r\n|\n|\r))++")
LINE = re.compile("[^\r\n]*(?:\r\n|\n|\r)")
FAR_LARGER = 2
COMMENTS = ("#", "//", "--")
NARROW, UNLIKELY = 2, 0.2
EMPTY_CELLS = ",;|\t \r\n"
LAID_OUT = frozenset({"delimiter", "header"})


def decide_dialect(payload: Payload, text: str, tail: str, encoding: Encoding, options: Options) -> Detection:
    """Return the dialect of a delimited text with the evidence for each decision; raises ``NoRows``.

    ``text`` is the file's beginning, ``tail`` its end, from some record's beginning.
    """
    marker = MARKER.match(text)
    skipped = _skipped(text, marker, options)
    forced = options.delimiter if options.delimiter is not None else (marker.group(1) if marker else None)
    body = text[skipped:]
    tried = _tried(body, forced, options)
    if not tried[0].rows:
        raise NoRows("There is no table in the file.", hint="Check the export.", place=payload.place())
    whole = len(text.encode(errors="surrogateescape")) + encoding.mark >= payload.size or not tail
    if whole and not body.strip(EMPTY_CELLS):
        raise NoRows("All cells of the file are empty.", hint="Check the export.", place=payload.place())
    if not (options.widths or options.header_row is not None or options.skip_rows):
        below = table_below(body, tried[0], whole=whole, delimiter=forced, quote=options.quote)
        if below:
            skipped += below
            body = text[skipped:]
            tried = _tried(body, forced, options)
    best = tried[0]
    rows = read_rows(body, best.dialect, best.width, None)[0] if whole else best.rows[: max(1, len(best.rows) - 1)]
    tables = [fixed_header(rows, options.header_row)] if options.header_row is not None else []
    if not tables and best.dialect.aligned and (ruled := ruled_header(rows)):
        tables = [ruled]
    tables = tables or find_tables(rows, best.width, whole=whole and not best.dialect.aligned)
    number = _chosen(tables, options, payload)
    region = tables[number]
    last = rows[: region.end] if whole else read_rows(tail, best.dialect, best.width, None)[0]
    if best.dialect.aligned:
        last = []  # the lines of a printed list are told one by one where they are read
    width = _table_width(rows, region, best.width, several=len(tables) > 1)
    first_line = 1 + _count_lines(text[:skipped])
    repeated = _repetitions(body, rows, region)
    dialect, notices = _dialect(best.dialect, rows, region, width, repeated)
    begin = rows[region.data].start if region.data < len(rows) else len(body)
    stop = rows[region.end].start if region.end < len(rows) else None
    dialect = replace(
        dialect,
        encoding=encoding.codec,
        bom_bytes=encoding.mark,
        newline=_newline(body),
        start=_size(text[: skipped + begin]),
        stop=None if stop is None else _size(text[: skipped + stop]),
        first_line=first_line + (rows[region.data].line - 1 if region.data < len(rows) else _count_lines(body)),
        above=_above(rows, region, tables[:number], text[:skipped], repeated),
        below=_below(rows, region, first_line),
        comment=_comment(rows, region, width),
        page_lines=_page_lines(body, rows, region) if best.dialect.aligned else frozenset(),
        footer=footer([row for row in last if _within(row, rows, region, whole=whole)], width),
    )
    if doubt := doubtful_total(last, width):
        notices.append(
            Notice(
                code="TOTAL_KEPT",
                message="The last row begins like a total line but is filled like data, so it was loaded as a row.",
                lines=(doubt.line + first_line - 1,) if whole else (),
            )
        )
    if len(tables) > 1:
        notices.append(_several(rows, tables, number, first_line))
    decisions = [encoding.decision, *told(body, best, tried, dialect, region, options, forced)]
    if _is_doubtful(best, region, options, forced) and (unlike := unlike_table(body, first_line)):
        notices.append(unlike)
        decisions = [replace(one, confidence=UNLIKELY) if one.name in LAID_OUT else one for one in decisions]
    return Detection(format="csv", decisions=tuple(decisions), settings={"dialect": dialect, "notices": tuple(notices)})


def _is_doubtful(best: Cut, region: Region, options: Options, forced: str | None) -> bool:
    """Tell whether the lines may be no table at all: hardly cut, below no evident header, and nobody says otherwise."""
    said = forced is not None or options.widths or options.header_row is not None
    evident = region.data > region.header and region.confidence >= SURE
    hardly_cut = best.width <= NARROW or best.dialect.delimiter in {" ", ":"}
    return hardly_cut and not (said or evident or best.dialect.aligned)


def _tried(body: str, forced: str | None, options: Options) -> list[Cut]:
    """Return the ways to cut, best first: as the caller says, or by the records from the header on that he names."""
    if options.spans:
        return [fixed_cut(body, options.spans)]
    header = options.header_row or 0
    if header > SEARCHED_RECORDS and (below := body[_lines(body, header - 1) :]):
        forced = best_cuts(below, delimiter=forced, quote=options.quote)[0].dialect.delimiter or ""
    return best_cuts(body, delimiter=forced, quote=options.quote)


def _chosen(tables: Sequence[Region], options: Options, payload: Payload) -> int:
    """Return the index of the table that the caller names; else the first, or one that is far larger."""
    if options.table is not None:
        if not 1 <= options.table <= len(tables):
            raise NoRows(
                f"There are {len(tables)} tables in the file, and no table {options.table}.",
                hint="Choose one of them with the option table.",
                place=payload.place(),
            )
        return options.table - 1
    largest = max(range(len(tables)), key=lambda index: tables[index].end - tables[index].data)
    far = tables[largest].end - tables[largest].data > FAR_LARGER * (tables[0].end - tables[0].data)
    return largest if far else 0


def _table_width(rows: Sequence[Row], region: Region, usual: int, *, several: bool) -> int:
    """Return the number of columns: the records' usual number, or the header's where it names more."""
    width = usual
    if several:
        widths = [len(row.cells) for row in rows[region.header : region.end] if len(row.filled) > 1]
        width = max(set(widths), key=widths.count) if widths else usual
    if region.data > region.header:
        header = rows[region.header].cells
        if len(header) > width:
            width = len(header) - len(_surplus(header, width))
    return width


def _surplus(header: Sequence[str | None], width: int) -> list[int]:
    """Return the header's empty names when they are exactly as many as it has too many."""
    empty = [index for index, cell in enumerate(header) if not (cell and cell.strip())]
    return empty if len(empty) == len(header) - width else []


def _repetitions(text: str, rows: Sequence[Row], region: Region) -> frozenset[int]:
    """Return the header's rows that only repeat its first, sign for sign, when all of them do."""
    naming = [index for index in region.header_rows if not is_rule(rows[index].cells)]
    lines = {text[rows[index].start : rows[index].end].strip("\r\n") for index in naming}
    return frozenset(naming[1:] if len(lines) == 1 else ())


def _dialect(
    cut: Dialect, rows: Sequence[Row], region: Region, width: int, repeated: frozenset[int]
) -> tuple[Dialect, list[Notice]]:
    """Return the dialect with its columns' names, and what a person should know of them."""
    notices: list[Notice] = []
    naming = [
        rows[index].cells for index in region.header_rows if index not in repeated and not is_rule(rows[index].cells)
    ]
    if naming and len(naming[0]) > width:
        surplus = _surplus(naming[0], width)
        naming = [[cell for index, cell in enumerate(cells) if index not in surplus] for cells in naming]
        notices.append(
            Notice(
                code="HEADER_REALIGNED",
                message=f"The header has {len(surplus)} empty names more than the rows have cells; they were left out.",
            )
        )
    names, told_apart = column_names(naming, width)
    notices += told_apart
    if naming and len(naming[0]) < width:
        notices.append(
            Notice(
                code="HEADER_SHORT",
                message=f"The header names {len(naming[0])} of {width} columns; the others are numbered.",
            )
        )
    header = region.header + 1 if naming else None
    return replace(cut, header_record=header, header_records=len(naming), names=names), notices


def _comment(rows: Sequence[Row], region: Region, width: int) -> str | None:
    """Return what begins comments between the records: records of one cell where all others are filled further."""
    if width < 2:
        return None
    for sign in COMMENTS:
        begun = [row for row in rows[region.data : region.end] if (row.cells[0] or "").startswith(sign)]
        if begun and all(len(row.filled) <= max(1, width // 2) and len(row.cells) < width for row in begun):
            return sign
    return None


def _page_lines(text: str, rows: Sequence[Row], region: Region) -> frozenset[str]:
    """Return the outlines of the lines in words down to the header, which a list repeats on every page."""
    lines = [outline(text[row.start : row.end]) for row in rows[region.top : region.data]]
    return frozenset(line for line in lines if any(sign.isalpha() for sign in line))


def _within(row: Row, rows: Sequence[Row], region: Region, *, whole: bool) -> bool:
    return not whole or (region.data < len(rows) and row.start >= rows[region.data].start)


def _above(
    rows: Sequence[Row],
    region: Region,
    others: Sequence[Region],
    passed: str,
    repeated: frozenset[int],
) -> tuple[Skipped, ...]:
    """Return the kinds and lines of what stands above the table, its header left out; ``passed`` is no record."""
    lines: dict[str, list[int]] = {}
    first_line = 1
    for line in LINE.finditer(passed):
        kind = "comment lines" if line.group().lstrip().startswith(COMMENTS) else "title lines"
        lines.setdefault(kind, []).append(first_line)
        first_line += 1
    for other in others:
        for row in rows[other.top : other.end]:
            lines.setdefault("rows of other tables", []).append(row.line + first_line - 1)
    for row in rows[region.top : region.header]:
        sign = (row.cells[0] or "").lstrip()
        kind = "comment lines" if sign.startswith(COMMENTS) else "title lines"
        kind = "rule lines" if row.is_filled and is_rule(row.cells) else kind
        lines.setdefault(kind, []).append(row.line + first_line - 1)
    for index in region.header_rows:
        if index in repeated:
            lines.setdefault("repeated headers", []).append(rows[index].line + first_line - 1)
        elif is_rule(rows[index].cells):
            lines.setdefault("rule lines", []).append(rows[index].line + first_line - 1)
    return tuple((kind, tuple(found)) for kind, found in lines.items())


def _below(rows: Sequence[Row], region: Region, first_line: int) -> tuple[Skipped, ...]:
    found = tuple(row.line + first_line - 1 for row in rows[region.end :])
    return (("rows of other tables", found),) if found else ()


def _several(rows: Sequence[Row], tables: Sequence[Region], number: int, first_line: int) -> Notice:
    spans = ", ".join(
        f"{index + 1}: lines {rows[table.top].line + first_line - 1} to {rows[table.end - 1].line + first_line - 1}"
        for index, table in enumerate(tables)
    )
    return Notice(
        code="SEVERAL_TABLES",
        message=f"The file holds {len(tables)} tables ({spans}); table {number + 1} was loaded. "
        "Choose another with the option table.",
    )


def _lines(text: str, count: int) -> int:
    """Return the position behind the first ``count`` lines."""
    position = 0
    for found in re.finditer("\r\n|\n|\r", text):
        if not count:
            break
        position, count = found.end(), count - 1
    return position


def _skipped(text: str, marker: re.Match[str] | None, options: Options) -> int:
    """Return the position behind what is no record: rows that the caller skips, a marker, very many blank lines."""
    if options.skip_rows:
        return _lines(text, options.skip_rows)
    if marker or options.header_row is not None:
        return marker.end() if marker else 0
    blank = BLANK_LINES.match(text)
    return blank.end() if blank and _count_lines(blank.group()) > SEARCHED_RECORDS else 0


def _count_lines(text: str) -> int:
    return len(re.findall("\r\n|\n|\r", text))


def _size(text: str) -> int:
    return len(text.encode(errors="surrogateescape"))


def _newline(text: str) -> str | None:
    crlf = text.count("\r\n")
    kinds = {"\r\n": crlf, "\n": text.count("\n") - crlf, "\r": text.count("\r") - crlf}
    used = [sign for sign, count in kinds.items() if count]
    return used[0] if len(used) == 1 else "\n" if not used else None
