"""Options that mean nothing for what a file turned out to be: the report names them, so that nobody counts on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestion.conversion.values import Notice, Options
from ingestion.slotted import named

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALWAYS = frozenset({"contract", "replay", "member"})
"""A member of what is no archive was refused before."""
_TEXT = _ALWAYS | {"null_values", "encoding", "delimiter", "quote", "widths", "header_row", "skip_rows", "table"}
_JSON = _ALWAYS | {"null_values", "encoding"}
_BOOK = _ALWAYS | {"null_values", "sheet", "header_row", "skip_rows", "table"}
_USED = {
    "csv": _TEXT,
    "json": _JSON,
    "ndjson": _JSON,
    **dict.fromkeys(("xlsx", "xlsb", "xls", "ods", "xml-spreadsheet", "html", "mhtml"), _BOOK),
    **dict.fromkeys(("parquet", "arrow", "arrow-stream", "feather", "orc", "avro"), _ALWAYS),
}


def unused(options: Options, kind: str) -> list[str]:
    """Return the names of the given options for which the reader of a format has no use.

    Rows that are loaded anew have had a reader before; the options were meant for that one.
    """
    given, plain = named(options), named(Options())
    used = _USED.get(kind, given.keys())
    return [name for name in given if name not in used and given[name] != plain[name]]


def told_unused(options: Options, kind: str) -> Iterator[Notice]:
    """Yield the warning that names them, if there are any."""
    names = unused(options, kind)
    if names:
        listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
        what = f"The option {listed} does" if len(names) == 1 else f"The options {listed} do"
        yield Notice(code="OPTION_UNUSED", message=f"{what} not apply to this kind of file ({kind}).")
