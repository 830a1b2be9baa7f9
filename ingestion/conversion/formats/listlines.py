"""What a line of a printed list is when it is no row: rules, page headings, totals, remarks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingestion.conversion.detect.kinds import REMARK, RULE_LINE, TOTAL
from ingestion.conversion.lists import outline

if TYPE_CHECKING:
    from ingestion.conversion.dialect import Dialect
    from ingestion.conversion.records import Cells

_STARS = re.compile(r"\*{1,9}")


def line_kind(cells: Cells, line: str, dialect: Dialect) -> str | None:
    """Return the kind of a line that is no row of its list; None for a row.

    A line in words is a row where the caller gave the widths.
    """
    filled = [cell for cell in cells if cell]
    if not filled:
        return "blank lines"
    if RULE_LINE.fullmatch(line.strip()):
        return "rule lines"
    if dialect.page_lines and outline(line) in dialect.page_lines:
        return "page headings"
    if dialect.delimiter and len(cells) == 1 < len(dialect.names):
        return "lines outside the table"
    return None if dialect.given else _kind_in_words(cells, filled, line, dialect)


def _kind_in_words(cells: Cells, filled: list[str], line: str, dialect: Dialect) -> str | None:
    """Tell totals, which ALV marks by stars in the first column, and remarks; in words these must leave cells empty."""
    if _STARS.fullmatch(filled[0]) and cells[0] == filled[0]:
        return "total lines"
    if TOTAL.fullmatch(filled[0]) and len(filled) <= max(1, len(dialect.names) // 2):
        return "total lines"
    if not dialect.delimiter and REMARK.fullmatch(line.strip()) and len(filled) <= max(1, len(dialect.names) // 2):
        return "remarks"
    return None
