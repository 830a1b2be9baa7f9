"""The report in sentences, so that somebody who keeps the books can follow every decision and check it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from ingestion.conversion.reasons import NEXT_STEPS, OPTIONS, OWN_WORDS, why_not
from ingestion.conversion.typing.render import Notation, UnknownRule, notation_of
from ingestion.conversion.values import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.conversion.values import Column, Decision, Report, Widening

DOUBTFUL = 0.7
COLUMNS_TOLD = 40
_FORMATS = {
    "csv": "a text file with one record a line (CSV)",
    "json": "a JSON text",
    "ndjson": "a text file with one JSON value a line (NDJSON)",
    "xlsx": "an Excel workbook (.xlsx)",
    "xlsb": "a binary Excel workbook (.xlsb)",
    "xls": "an old Excel workbook (.xls)",
    "ods": "an OpenDocument spreadsheet (.ods)",
    "xml-spreadsheet": "an XML Spreadsheet of 2003, whatever its name",
    "html": "a web page with a table (HTML), whatever its name",
    "mhtml": "a web archive with a table (MHTML), whatever its name",
    "parquet": "a Parquet file",
    "arrow": "an Arrow file",
    "arrow-stream": "an Arrow stream",
    "feather": "a Feather file",
    "orc": "an ORC file",
    "avro": "an Avro file",
}
_NORMALISED = {
    "shorter fractions filled with zeros": "Some have fewer decimals; these are filled with zeros, as 3 becomes 3.00.",
    "spaces around it dropped": "Spaces around a value are not kept.",
    "blank cells are null": "Cells with nothing but spaces or quotes count as empty.",
    "00000000 is null": "00000000 means no date and counts as empty.",
}


def explain(report: Report) -> list[str]:
    """Return the lines of the explanation; blank ones part its sections. Every sign of them can be shown."""
    lines = [*_file(report), *_columns(report), *_rows(report), *_next_steps(report)]
    return [_shown(line) for line in lines]


def story(report: Report) -> list[str]:
    """Return what a job's log tells of the conversion: how the file was read, its columns, no cell's text."""
    kind = _FORMATS.get(report.detection.format, report.detection.format)
    told = [f"The file is {kind}."]
    told += [_decision(decision) for decision in report.detection.decisions if decision.name != "format"]
    if report.columns:
        named = [f"{column.name}: {_kind(column.type)}" for column in report.columns[:COLUMNS_TOLD]]
        more = f"; and {len(report.columns) - COLUMNS_TOLD:,} more" if len(report.columns) > COLUMNS_TOLD else ""
        told.append(f"It has {_count(len(report.columns), 'column')}. {'; '.join(named)}{more}.")
    return [_shown(line[:1].upper() + line[1:]) for line in told]


# ---- the file ----


def _file(report: Report) -> Iterator[str]:
    kind = _FORMATS.get(report.detection.format, report.detection.format)
    columns = _count(len(report.columns), "column")
    yield f"{report.file or 'The file'} is {kind}: {_count(report.rows.loaded, 'row')} in {columns} were loaded."
    told = [decision for decision in report.detection.decisions if decision.name != "format"]
    if told:
        yield ""
        yield "How the file was read"
        yield from (f"- {_decision(decision)}" for decision in told)


def _decision(decision: Decision) -> str:
    value = _bare_or_quoted(decision.value)
    if decision.by == "given":
        return f"{decision.name}: {value}, as you asked for."
    second = f" The next best was {_bare_or_quoted(decision.runner_up)}." if decision.runner_up else ""
    return f"{decision.name}: {value}, {decision.confidence:.0%} sure. Evidence: {decision.evidence}.{second}"


def _bare_or_quoted(text: str) -> str:
    return text if text[:1].isalnum() else f'"{text}"'


# ---- the columns ----


def _columns(report: Report) -> Iterator[str]:
    yield ""
    yield "What became of each column"
    for column in report.columns:
        empty = _empty(column.nulls, report.rows.loaded)
        yield f"- {column.name}: {' '.join(part for part in (_sentence(column), *_widened(column), empty) if part)}"


def _sentence(column: Column) -> str:
    """Say what a column became and why."""
    if pa.types.is_null(column.type):
        return "nothing at all; no cell holds a value, so its type stays open."
    if column.rule == "string":
        return _text(column)
    try:
        notation = notation_of(column.rule)
    except UnknownRule:
        return f"{_kind(column.type)}; {_own_words(column.rule)}."
    if notation.kind == "text":
        return f"{_kind(column.type)}; {_own_words(column.rule)}."
    normal = " ".join(_NORMALISED[told] for told in notation.normalised)
    shown = f", such as {_quoted(column.example)}" if column.example else ""
    shown += f", which is {column.example_value}" if column.example_value not in {"", column.example} else ""
    return f"{_kind(column.type)}; every cell is {_written(notation)}{shown}.{' ' if normal else ''}{normal}"


def _own_words(rule: str) -> str:
    """Say in other words what a rule of JSON or of a workbook does."""
    return next((words for ending, words in OWN_WORDS.items() if rule.endswith(ending)), rule)


def _text(column: Column) -> str:
    """Say why a column is text: its own note, or the cell for which no other type was left."""
    if "stays text" in column.note or "read as a key" in column.note:
        shown = f", such as {_quoted(column.example)}," if column.example else ""
        return f"text; its cells{shown} {column.note.rpartition('; ')[2]}."
    last = column.widened[-1] if column.widened else None
    if last is None or last.rule:
        return "text, kept sign for sign."
    reason = why_not(last.text)
    if not reason:
        return f"text, kept sign for sign, such as {_quoted(last.text)} on {last.where}."
    return f"text, kept sign for sign; {_quoted(last.text)} on {last.where} {reason}."


def _widened(column: Column) -> Iterator[str]:
    """Say at which cell each narrower type ended, and what it would have done to that cell."""
    for one in column.widened:
        if one.rule:
            path = f"In {one.path}: " if one.path else ""
            reason = why_not(one.text, one.rule) or "is none"
            yield f"{path}All cells before {one.where} could be {_plural(one)}, but {_quoted(one.text)} there {reason}."


def _plural(one: Widening) -> str:
    try:
        notation = notation_of(one.rule)
    except UnknownRule:
        return one.rule
    kinds = {"integer": "whole numbers", "decimal": "amounts", "bool": "truth values", "float": "numbers"}
    kinds |= {"date": "dates", "timestamp": "dates with a time", "time": "times of day", "text": "texts"}
    return f"{kinds[notation.kind]} ({one.rule})"


def _written(notation: Notation) -> str:
    """Say how the cells of a rule are written."""
    details = notation.details
    match notation.kind:
        case "integer":
            return "a whole number without leading zeros or plus"
        case "decimal":
            sign = {"behind": ", the minus behind", "parentheses": ", in parentheses when negative"}
            group = f", {details['group']} between thousands" if details["group"] else ""
            return f"an amount with a decimal {details['point']}{group}{sign.get(str(details['minus']), '')}"
        case "date":
            return f"a day of the calendar written {details['date']}"
        case "timestamp":
            offset = f" at the offset {details['offset']}, kept as UTC" if details["offset"] else " without a time zone"
            return f"a date {details['date']} with a time of day{offset}"
        case "time":
            return "a time of day"
        case "bool":
            return f"either {details['yes']} or {details['no']}"
        case _:
            return "a number"


def _kind(kind: pa.DataType) -> str:
    """Name a type for somebody who keeps books, with its exact name behind."""
    if pa.types.is_decimal(kind):
        places = f"amount with {_count(kind.scale, 'decimal')}" if kind.scale else "whole number of any size"
        return f"{places}, kept exactly ({kind})"
    names = {
        "whole number": pa.types.is_integer,
        "number with a floating point": pa.types.is_floating,
        "true or false": pa.types.is_boolean,
        "date": pa.types.is_date,
        "date and time": pa.types.is_timestamp,
        "time of day": pa.types.is_time,
        "text": lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
        "group of fields": pa.types.is_struct,
        "list": pa.types.is_list,
    }
    return next((f"{name} ({kind})" for name, test in names.items() if test(kind)), str(kind))


def _empty(nulls: int, rows: int) -> str:
    if not rows:
        return ""
    if not nulls:
        return "No cell is empty."
    return "All cells are empty." if nulls == rows else f"{nulls:,} of {_count(rows, 'cell')} {_are(nulls)} empty."


# ---- the rows ----


def _rows(report: Report) -> Iterator[str]:
    rows = report.rows
    skipped = sum(rows.skipped.values())
    kinds = f" ({', '.join(f'{kind}: {count:,}' for kind, count in rows.skipped.items())})" if skipped else ""
    yield ""
    yield "What became of each row"
    yield f"- {rows.read:,} read = {rows.loaded:,} loaded + {rows.rejected:,} rejected + {skipped:,} skipped{kinds}."
    if report.warnings:
        yield ""
        yield "What you should know"
        yield from (f"- {warning.code}: {warning.message}" for warning in report.warnings)


# ---- the next step ----


def _next_steps(report: Report) -> Iterator[str]:
    codes = dict.fromkeys(warning.code for warning in report.warnings)
    steps = [NEXT_STEPS[code] for code in codes if NEXT_STEPS.get(code)]
    steps += [
        f"Check the {decision.name} ({decision.value}); if it is another, {OPTIONS[decision.name]}."
        for decision in report.detection.decisions
        if decision.by != "given" and decision.confidence <= DOUBTFUL and decision.name in OPTIONS
    ]
    yield ""
    yield "Next step"
    yield from (f"- {step}" for step in dict.fromkeys(steps) or ["Nothing is left to do; nothing was lost or changed."])


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _quoted(text: str) -> str:
    return f'"{shortened(text)}"'


def _shown(text: str) -> str:
    """Return a line in which signs that would disturb a terminal or a page stand as escapes."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
