"""Whether a text is a printed list: columns that stand below one another, parted by blanks or by drawn lines."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from ingestion.conversion.detect.kinds import is_value, kind
from ingestion.conversion.dialect import Dialect
from ingestion.conversion.lists import TAB_SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence

Spans = tuple[tuple[int, int], ...]

SAMPLE_LINES = 400
ROWS_AT_LEAST = 3
STRAY = 8
_RULE = re.compile(r"\s*+[-=_+|─━═┼]{2}[-=_+| ─━═┼]*+\s*+")
_DASHES = re.compile(r"[-=_]{2,}|[-=](?=\s|$)")


def aligned_dialects(text: str) -> list[Dialect]:
    """Return the dialects of lists that the text may be."""
    lines = [line.rstrip("\r\n") for line in text.splitlines()[:SAMPLE_LINES] if line.strip()]
    if len(lines) < 2:
        return []
    found = [_drawn(lines), _blank([line.expandtabs(TAB_SIZE) for line in lines])]
    return [dialect for dialect in found if dialect is not None]


def _drawn(lines: Sequence[str]) -> Dialect | None:
    """Return the dialect of lists with drawn lines: at the same places in nearly every row, or around every row."""
    rows = [line.rstrip() for line in lines if "|" in line and not _RULE.fullmatch(line)]
    if len(rows) < 2:
        return None
    places = Counter(tuple(at for at, sign in enumerate(row) if sign == "|") for row in rows)
    common, _ = places.most_common(1)[0]
    framed = sum(row.lstrip().startswith("|") and row.endswith("|") for row in rows) >= 0.9 * len(rows)
    aligned = sum(count for found, count in places.items() if set(common) <= set(found)) >= 0.8 * len(rows)
    has_rule = any(_RULE.fullmatch(line) and len(line.strip()) > 3 for line in lines)
    is_padded = any(row[at - 1 : at] == " " or row[at + 1 : at + 2] == " " for row in rows for at in common if at)
    if len(common) < (3 if framed else 1) or not (is_padded or has_rule) or not (aligned or (framed and has_rule)):
        return None
    edges = common if framed else (-1, *common, max(len(row) for row in rows))
    spans = tuple((one + 1, two) for one, two in pairwise(edges))
    return Dialect(encoding="", delimiter="|", quote=None, framed=framed, widths=spans, aligned=True)


def _blank(lines: Sequence[str]) -> Dialect | None:
    """Return the dialect of lists whose columns are parted by blanks that stand below one another."""
    spans = _ruled(lines) or _guttered(lines)
    return Dialect(encoding="", delimiter=None, quote=None, widths=spans, aligned=True) if spans else None


def _ruled(lines: Sequence[str]) -> Spans:
    """Return the columns that a row of dashes with gaps draws, such as ``---- -------``."""
    for index, line in enumerate(lines[:-1]):
        if index and re.fullmatch(r"\s*[-=_]+(?: +[-=_]+)+\s*", line):
            spans = [found.span() for found in _DASHES.finditer(line)]
            return tuple(spans) if len(spans) > 1 else ()
    return ()


def _guttered(lines: Sequence[str]) -> Spans:
    """Return the columns between runs of blanks common to the rows, title lines and rules left out."""
    parted = [line for line in lines if "  " in line and re.search(r"\S {2,}\S", line)]
    rows = [line for line in parted if not _RULE.fullmatch(line)]
    if len(rows) < ROWS_AT_LEAST or len(rows) < 0.6 * len(lines):
        return ()
    width = max(map(len, rows))
    filled = [0] * width
    for row in rows:
        for at, sign in enumerate(row):
            filled[at] += sign != " "
    limit = len(rows) // STRAY  # some rows may be wider, or be titles
    spans: list[tuple[int, int]] = []
    start = None
    for at, count in enumerate([*filled, 0]):
        if count > limit and start is None:
            start = at
        elif count <= limit and start is not None:
            spans.append((start, at))
            start = None
    spans = _joined(spans, rows)
    return tuple(spans) if len(spans) > 1 and _is_table(spans, rows) else ()


def _joined(spans: list[tuple[int, int]], rows: Sequence[str]) -> list[tuple[int, int]]:
    """Join columns a single blank apart unless values part them: it may stand between words."""
    joined = spans[:1]
    for span in spans[1:]:
        one, two = joined[-1], span
        is_narrow = two[0] - one[1] == 1
        is_unnamed = bool(rows[0][one[0] : one[1]].strip()) and not rows[0][two[0] : two[1]].strip()
        is_heading = is_unnamed and not any(row[one[0] : one[1]].strip() for row in rows[1:])  # left of padded values
        if is_heading or (is_narrow and (is_unnamed or not (_values(one, rows) or _values(two, rows)))):
            joined[-1] = (one[0], two[1])
        else:
            joined.append(span)
    return joined


def _values(span: tuple[int, int], rows: Sequence[str]) -> bool:
    """Tell whether a column holds numbers, dates or the like below its first cells."""
    cells = [row[span[0] : span[1]].strip() for row in rows[1:]]
    cells = [cell for cell in cells if cell]
    return bool(cells) and sum(is_value(cell) for cell in cells) >= 0.8 * len(cells)


def _is_table(spans: Sequence[tuple[int, int]], rows: Sequence[str]) -> bool:
    """Tell whether the columns hold cells of their own kinds and most rows fill most of them."""
    cells = [[row[start:end].strip() for start, end in spans] for row in rows]
    full = sum(sum(map(bool, row)) >= max(2, 0.5 * len(spans)) for row in cells)
    regular = any(_values(span, rows) for span in spans) or all(
        len({kind(row[index]) for row in cells[1:] if row[index]}) <= 1 for index in range(len(spans))
    )
    return full >= 0.8 * len(rows) and regular
