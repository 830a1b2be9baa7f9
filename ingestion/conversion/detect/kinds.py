"""What a cell looks like, seen alone: only to tell headers from data and good cuts from bad, never to type a column."""

from __future__ import annotations

import re
from functools import lru_cache

NUMBER = re.compile(
    r"\s*+[-+(]?\s*+[$€£¥]?\s*+[-+]?(?:\d[\d.,'’ \u00a0\u202f]*+|[.,]\d++)(?:[eE][-+]?\d++)?\s*+[%$€£-]?\)?\s*+",
)
DATE = re.compile(
    r"\s*(?:\d{1,4}([./-])\d{1,2}\1\d{1,4}|\d{1,2}[- .][A-Za-z]{3,9}\.?[- .,]+\d{2,4})"
    r"(?:[T ]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[AaPp][Mm]|Z|[-+]\d{2}:?\d{2})?)?\s*"
)
TIME = re.compile(r"\s*\d{1,3}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[AaPp][Mm])?\s*")
LOGICAL = frozenset({"true", "false", "TRUE", "FALSE", "True", "False"})
ERRORS = frozenset({"#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"})
NOTHING = ERRORS | {"-", "--", "NA", "N/A", "n/a", "NULL", "null", "None", "nan", "NaN", "?", "\\N"}
RULE_LINE = re.compile(r"(?=[-=_+|* ]++\Z).*[-=_*]{2}.*")
RULE_SIGNS = frozenset("-=_+|* ")
TOTAL = re.compile(
    r"\W{0,4}(?:(?:grand |sub[- ]?)?totals?|sum|summe|(?:gesamt|zwischen|end)(?:summe|betrag)?|gesamt|somme|totaux"
    r"|total général|sous-total|totale|suma|razem|ogółem|итого|合計|合计|총계)(?![\w-]).*",
    re.IGNORECASE,
)
UNIT = re.compile(
    r"[\[(]\S{1,8}[\])]|ST|STK|Stk|Stück|PCS?|PCE|EA|KG|kg|G|g|T|TO|to|M|m|MM|mm|CM|cm|KM|km|M2|m²|M3|m³|L|l|H|h|STD|MIN"
    r"|EUR|USD|CHF|GBP|JPY|PLN|CZK|HUF|SEK|NOK|DKK|T?EUR|T€|k€|€|\$|£|%",
)
REMARK = re.compile(
    r"\W*(?:\d+ (?:rows?|records?|zeilen|sätze|datensätze|lignes|enregistrements|entries)\b"
    r"|\(\d+ rows?\)|(?:end of|ende der?|fin d[eu]|koniec|source|quelle|note|notes|hinweis|generated|printed"
    r"|created|erstellt|gedruckt|exported|page|seite|records?:|rows?:|anzahl)\b).*",
    re.IGNORECASE,
)

_DIGIT = re.compile(r"\d")
KEPT_SIGNS = 64


def kind(cell: str | None) -> str:
    """Return ``empty``, ``number``, ``date``, ``time``, ``logical`` or ``text``."""
    if cell is None:
        return "empty"
    if cell.isdecimal():
        return "number"
    return _kind(cell) if len(cell) <= KEPT_SIGNS else _kind.__wrapped__(cell)


@lru_cache(maxsize=1 << 14)
def _kind(cell: str) -> str:
    """Tell the kind of a short text, which stays in memory for the life of the process."""
    if not cell.strip():
        return "empty"
    if not _DIGIT.search(cell):
        return "logical" if cell in LOGICAL else "text"
    if NUMBER.fullmatch(cell):
        return "number"
    if DATE.fullmatch(cell):
        return "date"
    if TIME.fullmatch(cell):
        return "time"
    return "text"


def is_value(cell: str | None) -> bool:
    """Tell whether a cell is a number, date, time or truth value."""
    return kind(cell) not in {"empty", "text"}


def is_rule(cells: list[str | None]) -> bool:
    """Tell whether a record only draws a line."""
    first = next(filter(None, cells), " ")
    return first[0] in RULE_SIGNS and bool(RULE_LINE.fullmatch("".join(filter(None, cells))))
