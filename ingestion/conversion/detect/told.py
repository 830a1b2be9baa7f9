"""What the report says of a delimited text's layout: every decision with its evidence, confidence and runner-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestion.conversion.detect.cuts import enclosed
from ingestion.conversion.detect.widths import plain_widths
from ingestion.conversion.values import Decision

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingestion.conversion.detect.cuts import Cut
    from ingestion.conversion.detect.layout import Region
    from ingestion.conversion.dialect import Dialect
    from ingestion.conversion.values import Options

SHOWN = {
    "\t": "tab",
    "\x1f": "unit separator",
    "\x1e": "record separator",
    "\x01": "start of heading",
    " ": "space",
    None: "none: one column",
}
QUOTES = {None: "none", "'": "apostrophe", '"': "double quote"}
ENDS = {"\r\n": "CRLF", "\n": "LF", "\r": "CR", None: "mixed"}
ROWS_AT_LEAST = 3
LONG_LINE = 20
ALTERNATIVE = {'"': "'", "'": '"', None: '"'}


def told(
    text: str, best: Cut, tried: Sequence[Cut], dialect: Dialect, region: Region, options: Options, forced: str | None
) -> Iterator[Decision]:
    """Yield the decisions on delimiter, quotes, escapes, record ends and header of a sample.

    ``tried`` are the ways to cut it, ``best`` the one taken, ``forced`` the delimiter that the caller or the file
    itself names.
    """
    yield _delimiter(best, tried, dialect, options, forced)
    yield _quote(text, best, options)
    if dialect.quote and not dialect.aligned:
        yield _escape(text, best, dialect.quote)
    yield _record_ends(text, dialect)
    yield Decision(
        name="header",
        value=header_value(dialect),
        confidence=region.confidence,
        evidence=region.evidence,
        by="detected" if options.header_row is None else "given",
        runner_up=None
        if options.header_row is not None
        else "record 1"
        if dialect.header_record is None
        else "no header",
    )


def _delimiter(best: Cut, tried: Sequence[Cut], dialect: Dialect, options: Options, forced: str | None) -> Decision:
    second = next((cut for cut in tried if cut.dialect.delimiter != best.dialect.delimiter and cut.width > 1), None)
    margin = best.score / (best.score + second.score) if second and best.score else 0.99
    shown = SHOWN.get(dialect.delimiter, dialect.delimiter or "")
    if dialect.aligned:
        shown = _columns_of(dialect)
    if options.widths:
        evidence = f"the caller gave the widths {options.widths}"
        return Decision(name="delimiter", value=shown, confidence=1.0, evidence=evidence, by="given")
    return Decision(
        name="delimiter",
        value=f"{shown} and blanks" if dialect.skip_initial_space else shown,
        confidence=1.0 if forced is not None else round(min(0.99, best.share * (0.4 + 0.6 * margin)), 3),
        evidence=f"{best.share:.0%} of the first {_records(best)} have {_cells(best.width)}{_all_of_one_length(best)}",
        by="detected" if options.delimiter is None else "given",
        runner_up=SHOWN.get(second.dialect.delimiter, second.dialect.delimiter) if second else None,
    )


def _all_of_one_length(best: Cut) -> str:
    """Say of a single column what columns without any sign between them look like."""
    lengths = {len(row.cells[0] or "") for row in best.rows if row.cells}
    if best.width != 1 or len(best.rows) < ROWS_AT_LEAST or len(lengths) != 1 or max(lengths) < LONG_LINE:
        return ""
    return f"; all of them are {max(lengths)} characters long, and columns at fixed places are parted by --widths"


def _quote(text: str, best: Cut, options: Options) -> Decision:
    """Say how many cells the quotes enclose, and what the records would be without them."""
    mark = best.dialect.quote
    given = options.quote is not None
    other = ALTERNATIVE[mark]
    opened = enclosed(text, best.dialect.delimiter or "", mark)[0] if mark else 0
    second: str | None = None if mark is None else "no quotes"
    if other in text and enclosed(text, best.dialect.delimiter or "", other)[0]:
        second = QUOTES[other]
    if mark is None:
        evidence, sure = "no quotes enclose cells", 0.95
    elif mark not in text:
        evidence, sure = "the sample holds none, and a cell in double quotes would be read without them", 0.95
    elif best.odd:
        verb = "has" if best.odd == 1 else "have"
        evidence, sure = f"{best.odd} of the first {_records(best)} {verb} quotes that break its rules", 0.7
    elif not opened:
        evidence, sure = "the quotes of the sample stand inside cells and are kept", 0.9
    else:
        widths = plain_widths(text, best.dialect.delimiter or "")
        without = widths.count(best.width) / max(1, len(widths))
        evidence = (
            f"{opened:,} of the sample's cells {'is' if opened == 1 else 'are'} in quotes, and none breaks its rules; "
            f"without them {without:.0%} of the records would have {_cells(best.width)}"
        )
        sure = 0.99 if without < best.share else 0.95
    return Decision(
        name="quote",
        value=QUOTES.get(mark, mark or ""),
        confidence=1.0 if given else sure,
        evidence=evidence,
        by="given" if given else "detected",
        runner_up=None if given else second,
    )


def _escape(text: str, best: Cut, mark: str) -> Decision:
    """Say how a quote inside a quoted cell is written."""
    by_backslash = text.count(f"\\{mark}")
    doubled = text.count(mark * 2)
    if best.dialect.escape:
        evidence = (
            f"a backslash stands before {by_backslash:,} of the quotes, and the records are whole when it is read so"
        )
        return Decision(name="escape", value="backslash", confidence=0.9, evidence=evidence, runner_up="doubled quote")
    if by_backslash:
        evidence, sure = "backslashes stand before quotes, but the records are no better when they are read so", 0.8
    elif doubled:
        evidence, sure = "no backslash stands before a quote", 0.95
    else:
        evidence, sure = "no quote stands inside a cell", 0.9
    return Decision(name="escape", value="doubled quote", confidence=sure, evidence=evidence, runner_up="backslash")


def _record_ends(text: str, dialect: Dialect) -> Decision:
    """Count the record ends of the sample, those inside quotes among them."""
    crlf = text.count("\r\n")
    counts = {"CRLF": crlf, "LF": text.count("\n") - crlf, "CR": text.count("\r") - crlf}
    found = sorted((name for name in counts if counts[name]), key=lambda name: -counts[name])
    if not found:
        return Decision(
            name="record ends", value="LF", confidence=0.9, evidence="the sample is one line without an end"
        )
    evidence = " and ".join(f"{counts[name]:,} {name}" for name in found) + " in the sample"
    return Decision(
        name="record ends",
        value=ENDS[dialect.newline],
        confidence=0.99,
        evidence=evidence + (", each taken for an end outside quotes" if len(found) > 1 else ""),
        runner_up=found[0] if len(found) > 1 else None,
    )


def _records(best: Cut) -> str:
    return "record" if len(best.rows) == 1 else f"{len(best.rows)} records"


def _cells(width: int) -> str:
    return "1 cell" if width == 1 else f"{width} cells"


def _columns_of(dialect: Dialect) -> str:
    """Return how the columns of a list are parted."""
    if dialect.delimiter:
        return f"{dialect.delimiter} drawn between padded columns, whose cells are trimmed"
    places = ", ".join(str(start + 1) for start, _ in dialect.widths)
    return f"none: fixed columns from the characters {places}, whose cells are trimmed"


def header_value(dialect: Dialect) -> str:
    """Return which records name the columns."""
    if dialect.header_record is None:
        return "none"
    if dialect.header_records > 1:
        return f"records {dialect.header_record} to {dialect.header_record + dialect.header_records - 1}, joined"
    return f"record {dialect.header_record}"
