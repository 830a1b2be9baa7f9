"""Why a text is no narrower value, and what to do about a warning: the sentences that the explanation is made of."""

from __future__ import annotations

import re

from ingestion.conversion.typing.base import MAX_DIGITS

LONGEST = 64
"""Characters up to which a text may be a value in another form; beyond, only digits alone are told of."""
NOTHING = {"na", "n/a", "null", "none", "nan", "-", "--", "?", "#n/a", "nil", "n.a.", "k.a."}
_TOO_LONG = f"has more than the {MAX_DIGITS} digits that a number can hold exactly"
_GROUPED = "[0-9.,'’ \u00a0\u2009\u202f]"
_MONEY = "[$€£¥]|EUR|USD|CHF|GBP|JPY|CNY|PLN|CZK|HUF|RON|SEK|NOK|DKK|TRY|INR|BRL|MXN|CAD|AUD|ZAR"
_WORDS = "X|[JYN]|JA|YES|NEIN|NO|WAHR|FALSCH|VRAI|FAUX|OUI|NON|T|F"
# What a text is, in order; the first that fits is told.
_EXACT: tuple[tuple[str, str], ...] = (
    (r"-?0+[0-9]+([.,][0-9]*)?", "begins with a zero, which a number would lose"),
    (r"[0-9]+[eE][0-9]+", "looks like a power of ten, and as a number would be another text"),
    (r"[-+]?[0-9]*[.,]?[0-9]+[eE][-+]?[0-9]+", "is written with an exponent, which an amount would lose"),
    (r"\+[0-9 ()/.,-]+", "begins with a plus, which a number would lose"),
    (r"-0+([.,]0+)?|0+([.,]0+)?-|\(0+([.,]0+)?\)", "is a zero with a minus, which a number would lose"),
    (rf"-?[0-9]{{{MAX_DIGITS + 1},}}", _TOO_LONG),
    (r"[.,][0-9]+|-?[0-9]+[.,]", "leaves out a digit beside the decimal sign, which an amount would add"),
    (r"0[xX][0-9A-Fa-f]+", "is a hexadecimal number, which a whole number would rewrite"),
    (
        r"0{2,4}([-./])00\1(?:0000|00)",
        "is an empty date as SAP writes it, which is null only where --null-values names it",
    ),
    (
        r"[0-9]{1,2}([-./])[0-9]{1,2}\1[0-9]{2}( .*)?",
        "looks like a date whose year has two digits, which leave the century open",
    ),
    (
        r"[0-9]{1,2}[-. ]{1,2}[^\W\d_]{3,9}\.?[-., ]{1,2}[0-9]{2,4}|[A-Za-z]{3,9}\.? [0-9]{1,2},? [0-9]{4}",
        "is a date with its month in letters",
    ),
    (r"[1-9]\.[0-9]{1,2}\.[0-9]{4}|[0-9]{1,2}\.[1-9]\.[0-9]{4}", "is a date without zeros in front of day or month"),
    (
        r"[0-9]{4}([-/.])[0-9]{1,2}\1[0-9]{1,2}|[0-9]{1,2}([-/.])[0-9]{1,2}\2[0-9]{4}",
        "is no day of the calendar, or written in another order",
    ),
    (r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}[ T].*", "is a date with a time that is written in another way"),
    (r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})? ?[AaPp]\.?[Mm]\.?", "is a time on a clock of twelve hours"),
    (r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]", "is a time without seconds, which a time would add"),
    (r"[0-9]+:[0-9]{2}(:[0-9]{2})?", "is no time of the day"),
    (rf"[-+(]?{_GROUPED}*[0-9]{_GROUPED}*%\)?", "is a percentage, whose sign a number would lose"),
    (
        rf"[-+(]*(?:{_MONEY})[-+( ]*[0-9]{_GROUPED}*[-)]?|[-+(]*[0-9]{_GROUPED}*-?(?:{_MONEY})\)?",
        "names a currency, which a number would lose",
    ),
    (
        rf"-?[0-9]{_GROUPED}*(?:CR|DR|Cr|Dr|[SHCD])",
        "ends in letters, as debit and credit are marked, which a number would lose",
    ),
    (r"[−–][0-9.,]+", "begins with another sign than the plain minus, which a number would lose"),
    (r"(?=[0-9.,]*[^\x00-\x7f])[\d.,]*\d[\d.,]*", "is written in other digits than 0 to 9, which a number would lose"),
    (rf"(?i:{_WORDS})", "may mean yes or no to its sender; just true and false are read so"),
)
_BY_RULE = (
    ("int64", r"-?[0-9]+", "is larger than 64 bits hold"),
    ("int64", r"-?[0-9]+[.,][0-9]+", "has decimals"),
    ("decimal", rf"[-(]?{_GROUPED}+[-)]?", "has more digits, or is written in another way"),
    (
        "",
        rf"-?(?:[., ]?[0-9]){{{MAX_DIGITS + 1},}}",
        _TOO_LONG,
    ),
    ("", rf"-?[0-9]{_GROUPED}*-?|\({_GROUPED}+\)", "is a number that is written in another way"),
)

NEXT_STEPS = {
    "AMBIGUOUS_DATE": "Have the dates exported as YYYY-MM-DD; until then they are kept as text, exactly as they came.",
    "AMBIGUOUS_NUMBER": "Have the numbers exported with two decimals throughout; until then they are kept as text.",
    "CODE_PAGE_GUESSED": "Look at the letters beyond ASCII; if they are wrong, save it as .xlsx and send that.",
    "CONTROL_FILE_NOT_READ": "If it tells totals, write them as rows=1200 and amount=10450.75, one a line.",
    "COUNT_MISMATCH": "Ask the sender for the records that are missing.",
    "DUPLICATE_NAMES": "Have each column or member named once.",
    "ENCODING_UNCERTAIN": "Look at the letters beyond ASCII; if they are wrong, name the encoding with --encoding.",
    "ENVELOPE": "",
    "FURTHER_TABLE": "Look there; if another table begins, send each table in a file or a sheet of its own.",
    "HEADER_REALIGNED": "Check that the names stand above the right values.",
    "HEADER_SHORT": "Check that the names stand above the right values.",
    "INT96_TIMES": "",
    "LONG_ROWS": "Look at these rows: a delimiter inside a text without quotes is the usual cause.",
    "MEMBERS_LEFT_OUT": "If another member is meant, name it with --member.",
    "MIXED_KINDS": "Have one kind of value written at this place of the records.",
    "MORE_PAGES": "Fetch the next page too.",
    "NO_END_MARK": "Check with the sender that the whole stream has arrived.",
    "NOT_REVERSIBLE": "",
    "OPTION_UNUSED": "Check that this is the file that was meant; if it is, leave the option out.",
    "PARTITION_NAME": "Read the lake with hive_partitioning=false, or have the column named otherwise.",
    "RECURSIVE_TYPE": "",
    "REJECTED_CELLS": "Correct these cells in the workbook, have Excel calculate and save it, and send it again.",
    "ROWS_IN_CELL": "Look at this cell: a quote that does not belong there may enclose rows; have it doubled.",
    "ROWS_SKIPPED": "Check that the skipped lines are no data.",
    "SEVERAL_TABLES": "If another table is meant, choose it with --table.",
    "SHEETS_NOT_READ": "If another sheet is meant, or one more, choose it with --sheet.",
    "SHORT_ROWS": "Look at these rows: the sender left cells out.",
    "TOTALS_BESIDE": "",
    "TOTALS_IN_PART": "Have the sender give the SHA-256 of the file with the totals.",
    "TOTAL_KEPT": "If such a row is a total, have the export made without it, or it is counted twice.",
    "TRAILING_BYTES": "Check with the sender what stands behind the packed data.",
    "TYPE_MAPPED": "",
    "UNLIKE_TABLE": "Check that this is the export that was meant; if it is a table, name its delimiter.",
    "ZEROS_SHOWN": "",
    "ZERO_DATES": "If a 0 is a day there, enter it as a date.",
}
"""What to do about each warning; empty where nothing is to be done."""

OWN_WORDS = {
    "int64 from the literal": "its digits are kept as they were written, never by way of a floating point number",
    ", 0) from the literal": "its digits are kept as they were written, never by way of a floating point number",
    "from the literal": "its digits are read as they were written, never by way of a floating point number; "
    "fewer decimals are filled with zeros, as 3 becomes 3.00",
    "object": "its members became fields",
    "array": "its elements keep their order",
    "bool": "every value is true or false",
    "the number's own text": "some number has no exact type, so that each is kept as it was written",
    "integral number cells": "every cell is a whole number",
    "from the shortest text of the numbers": "each cell has just the digits that a person would type for it",
    "number cells without a common decimal": "the numbers are too unlike for one exact type and stay as they are",
    "text cells": "every cell is a text cell, kept sign for sign",
    "boolean cells": "every cell is true or false",
    "date cells": "every cell has the number format of a date",
    "date and time cells": "every cell has the number format of a date with a time",
    "time cells": "every cell has the number format of a time",
    "duration cells": "every cell has the number format of a duration",
    "1904 system": "every cell has the number format of a date, counted from 1904 as on old Macs",
    "some of 24 hours or more, as durations": "every cell has the format of a time, and some are of a day or more",
    "front, as text": "its number format shows zeros in front, as keys have them, so that they are kept",
    "as written": "its digits are kept as they were written, for some are more than Excel itself calculates with",
    "too long for a decimal": "some number is too long for any exact type, so that each is kept as it was written",
    "cells of several kinds, as text": "its cells are of several kinds, so that each is kept as text",
    "as in the file": "its type is the file's own",
}
"""Rules of formats that have types of their own, by how their names end, in other words."""

OPTIONS = {
    "encoding": "name it with --encoding",
    "delimiter": "name it with --delimiter",
    "quote": "name it with --quote",
    "header": "give its number with --header-row",
    "member": "name it with --member",
    "sheet": "name it with --sheet",
    "table": "give its number with --table",
}
"""What the caller can do about a doubtful decision."""


def why_not(text: str, rule: str = "") -> str:
    """Say why a text is not a value of a rule, or of any rule but text: a clause whose subject is the text.

    Empty where the text is plainly a text.
    """
    bare = text.strip()
    if len(bare) > LONGEST:  # patterns take quadratic time for long texts, and a cell may have millions of characters
        digits = bare.removeprefix("-")
        return _TOO_LONG if digits.isascii() and digits.isdecimal() else ""
    if bare.lower() in NOTHING:
        return "is a text, not an empty cell"
    reasons = [*_EXACT, *((pattern, reason) for kind, pattern, reason in _BY_RULE if rule.startswith(kind))]
    return next((reason for pattern, reason in reasons if re.fullmatch(pattern, bare)), "")
