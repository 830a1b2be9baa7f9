"""How a text table is laid out: delimiter, quotes, title lines, header and total lines."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from ingestion.conversion.dialect import Dialect
from ingestion.conversion.errors import NoRows
from ingestion.conversion.records import Cells, records
from ingestion.conversion.values import Decision, Detection

if TYPE_CHECKING:
    from ingestion.conversion.detect.encoding import Encoding
    from ingestion.conversion.unpack import Payload
    from ingestion.conversion.values import Options

DELIMITERS = (";", ",", "\t", "|", "~", "^", "\x1f", "||", "::")
SAMPLE_RECORDS = 200
_VALUE = re.compile(r"\s*[-+(]?[\d.,/:' -]*\d[\d.,/:' -]*[-)%]?\s*|(?i:true|false)")
_RULE_LINE = re.compile(r"[-=_+| ]*")
_TOTAL = re.compile(
    r"\s*\*{0,3}\s*(grand total|total|totals|sum|summe|gesamt|gesamtsumme|somme|totale)\b.*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Layout:
    """A delimiter tried on the sample: the records it gives, their usual width and how many have it."""

    delimiter: str
    rows: list[Cells]
    width: int
    share: float

    @property
    def score(self) -> float:
        return self.share * (1 + min(self.width, 50) / 100) if self.width > 1 else 0.05


def decide_dialect(payload: Payload, text: str, tail: bytes, encoding: Encoding, options: Options) -> Detection:
    """Return the dialect of a delimited text with the evidence for each decision; raises ``NoRows``."""
    marker = re.match(r"sep=(.)\r?\n", text)
    body = text[marker.end() :] if marker else text
    forced = options.delimiter or (marker.group(1) if marker else None)
    tried = sorted(
        (_layout(body, delimiter) for delimiter in ([forced] if forced else DELIMITERS)),
        key=lambda layout: layout.score,
        reverse=True,
    )
    best = tried[0]
    if not best.rows:
        raise NoRows("There is no table in the file.", hint="Check the export.", place=payload.place())
    header, first = _header(best, options)
    offset = 1 if marker else 0
    names = tuple(unique_names(_padded(best.rows[header] if header is not None else [], best.width)))
    footer = _footer(tail, encoding, best, payload)
    dialect = Dialect(
        encoding=encoding.codec,
        bom_bytes=encoding.mark,
        delimiter=best.delimiter,
        quote='"' if _quoted(body, best.delimiter) else None,
        newline=_newline(body),
        header_record=None if header is None else header + 1 + offset,
        names=names,
        first_record=first + 1 + offset,
        footer_records=footer,
    )
    decisions = (encoding.decision, *_told(best, tried, dialect, forced, options))
    return Detection(format="csv", decisions=decisions, settings={"dialect": dialect})


def _layout(text: str, delimiter: str) -> _Layout:
    quote = '"' if _quoted(text, delimiter) else None
    rows = [cells for cells, _ in islice(records(text, delimiter, quote), SAMPLE_RECORDS)]
    filled = [cells for cells in rows if any(cells)]
    widths = Counter(len(cells) for cells in filled)
    if not widths:
        return _Layout(delimiter, [], 0, 0.0)
    width, count = max(widths.items(), key=lambda item: (item[1] * min(item[0], 2), item[0]))
    return _Layout(delimiter, rows, width, count / len(filled))


def _quoted(text: str, delimiter: str) -> bool:
    """Tell whether double quotes enclose cells: one stands at a cell's beginning and another at an end."""
    mark = re.escape(delimiter)
    return bool(re.search(f'(?:^|\\r|{mark})"', text, re.MULTILINE) and re.search(f'"(?:{mark}|\\r|\\n|$)', text))


def _header(layout: _Layout, options: Options) -> tuple[int | None, int]:
    """Return the header's index, or None, and the index of the first data record."""
    if options.header_row is not None:
        return options.header_row - 1, options.header_row
    for index, cells in enumerate(layout.rows):
        filled = [cell for cell in cells if cell and cell.strip()]
        if len(cells) < layout.width or len(filled) < max(1, layout.width * 0.5):
            continue  # a title line or a blank one
        if any(_VALUE.fullmatch(cell) for cell in filled):
            return None, index
        following = index + 1
        while following < len(layout.rows) and _is_rule(layout.rows[following]):
            following += 1
        return index, following
    return None, 0


def _is_rule(cells: Cells) -> bool:
    text = "".join(cell or "" for cell in cells)
    return bool(text.strip()) and bool(_RULE_LINE.fullmatch(text))


def _footer(tail: bytes, encoding: Encoding, layout: _Layout, payload: Payload) -> int:
    """Count the total lines at the very end: they begin with a word for total and leave cells empty."""
    text = tail.decode(encoding.codec, errors="ignore")
    if payload.size > len(tail):
        text = text[text.find("\n") + 1 :]
    quote = '"' if _quoted(text, layout.delimiter) else None
    found = 0
    for cells, _ in reversed(list(records(text, layout.delimiter, quote))):
        filled = [cell for cell in cells if cell and cell.strip()]
        if filled and _TOTAL.fullmatch(filled[0]) and len(filled) < layout.width:
            found += 1
        elif filled:
            break
    return found


def _padded(cells: Cells, width: int) -> Cells:
    return cells + [None] * (width - len(cells))


def unique_names(cells: Cells) -> list[str]:
    """Return column names: trimmed, empty ones numbered, repeated ones told apart."""
    names: list[str] = []
    taken: set[str] = set()
    for index, cell in enumerate(cells, 1):
        base = (cell or "").strip() or f"column_{index}"
        name, number = base, 2
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name)
        names.append(name)
    return names


def _newline(text: str) -> str | None:
    crlf = text.count("\r\n")
    kinds = {"\r\n": crlf, "\n": text.count("\n") - crlf, "\r": text.count("\r") - crlf}
    used = [kind for kind, count in kinds.items() if count]
    return used[0] if len(used) == 1 else "\n" if not used else None


_SHOWN = {"\t": "tab", "\x1f": "unit separator"}


def _told(
    best: _Layout, tried: list[_Layout], dialect: Dialect, forced: str | None, options: Options
) -> list[Decision]:
    second = tried[1] if len(tried) > 1 and tried[1].width > 1 else None
    return [
        Decision(
            name="delimiter",
            value=_SHOWN.get(best.delimiter, best.delimiter),
            confidence=1.0 if forced else round(best.share, 3),
            evidence=f"{best.share:.0%} of the first {len(best.rows)} records have {best.width} cells",
            by="given" if options.delimiter else "detected",
            runner_up=_SHOWN.get(second.delimiter, second.delimiter) if second else None,
        ),
        Decision(
            name="header",
            value=f"record {dialect.header_record}" if dialect.header_record else "none",
            confidence=0.9,
            evidence="its cells are all texts" if dialect.header_record else "the first full record holds values",
            by="given" if options.header_row else "detected",
        ),
    ]
