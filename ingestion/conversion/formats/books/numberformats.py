"""What a number format makes of a number: a date, a date with a time, a time, a duration, or just a number,
perhaps with zeros in front.

Source: ECMA-376 part 1, 18.8.30 (numFmt) and 18.8.31; the identifiers 27 to 36 and 50 to 58 are the East Asian ones.
"""

from __future__ import annotations

import re

from ingestion.conversion.formats.books.cells import CLOCK, DATE, ELAPSED, MOST_DIGITS, NUMBER, PADDED, STAMP

BUILT_IN: dict[int, int] = {
    **dict.fromkeys([14, 15, 16, 17, *range(27, 32), 36, *range(50, 55), 57, 58], DATE),
    **dict.fromkeys([18, 19, 20, 21, 45, 47, *range(32, 36), 55, 56], CLOCK),
    22: STAMP,
    46: ELAPSED,
}
_LITERAL = re.compile(r'"[^"]*"?|\\.|_.|\*.')
_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
_BRACKET = re.compile(r"\[[^\]]*\]")
_HALF_DAY = re.compile(r"am/pm|a/p|上午/下午", re.IGNORECASE)
_ZEROS = re.compile(r" *0{2,} *")
_FRACTION = re.compile(r"s[.,]0+|\][.,]0+", re.IGNORECASE)


def kind_of(number_format: str) -> int:
    """Return the kind of cell that a format code makes of a number; only its first section counts."""
    text = _LITERAL.sub("", number_format).split(";")[0]
    text = _FRACTION.sub(lambda found: found.group()[0], text)
    elapsed = _ELAPSED.search(text)
    text = _BRACKET.sub("", text)
    if _ZEROS.fullmatch(text):
        return PADDED + min(len(text.strip()), MOST_DIGITS)
    if re.search(r"[0#?@]|general|standard", text, re.IGNORECASE):
        return NUMBER
    if elapsed:
        return ELAPSED
    letters = text.lower()
    half = _HALF_DAY.search(letters)
    letters = _HALF_DAY.sub("", letters)
    time = bool(half) or "h" in letters or "s" in letters
    date = "y" in letters or "d" in letters or ("m" in letters and not time)
    return (STAMP if time else DATE) if date else CLOCK if time else NUMBER


def kinds_of(ids: list[int], codes: dict[int, str]) -> list[int]:
    """Return the kind for each of a workbook's cell formats, given by the identifiers of their number formats."""
    return [kind_of(codes[at]) if at in codes else BUILT_IN.get(at, NUMBER) for at in ids]
