"""Whether a record names columns, judged by the records below it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from ingestion.conversion.detect.kinds import NOTHING, is_value, kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.conversion.records import Cells

COMPARED_RECORDS = 60
COMPARED_CELLS, LEAST_RECORDS = 3_000, 20  # the more columns have a vote, the fewer records tell how each of them votes
LONG_PHRASE, SENTENCE, FAR_MORE = 4, 7, 3
_STOP = re.compile(r"[,.:!?](?:\s|$)")
_YEAR = re.compile(r"(?:FY ?)?(?:19|20|21)\d{2}")
_MONTH = re.compile(r"\d{1,2}[./-](?:19|20)\d{2}|(?:19|20)\d{2}[./-]\d{1,2}")
_PERIOD = re.compile(r"\d{1,2}[./-](?:19|20)\d{2}|(?:19|20)\d{2}[./-]\d{1,2}(?:[./-]\d{1,2})?|\d{1,3}")

Judgement = tuple[bool, str, float]
"""Whether it is a header, the evidence, and the confidence."""


def judge_header(cells: Cells, below: Sequence[Cells], width: int) -> Judgement:
    """Tell whether a record is a header, why, and how sure that is."""
    filled = [cell for cell in cells if cell and cell.strip()]
    values = [cell for cell in filled if is_value(cell)]
    if not below:
        return not values, "its only record holds values" if values else "it holds texts alone", 0.6
    asked = below[: max(COMPARED_CELLS // max(1, width), LEAST_RECORDS)]
    votes = [vote(cell, [row[index] for row in asked if index < len(row)]) for index, cell in enumerate(cells[:width])]
    if len(filled) > len(values) and sum(votes) > 0:
        count = sum(one > 0 for one in votes)
        return True, f"{count} of its texts stand above values of another kind", min(0.99, 0.8 + 0.05 * count)
    if len(values) > 1 and _is_series(values) and not _goes_on(cells, below):
        return True, "its cells count up and the values below are of another kind", 0.7
    if len(filled) > len(values) and _is_year_above_texts(cells, below):
        return True, "a year stands above texts", 0.7
    if len(filled) == len(values) or sum(votes) < 0:
        return False, "the first record is like those below it", 0.9
    if values:
        return False, "the first record holds values", 0.6
    if _repeats(cells, below):
        return False, "its texts stand again below", 0.6
    return True, "it is the first full record and all its cells are texts", 0.6


def vote(cell: str | None, under: Sequence[str | None]) -> float:
    """Return 1 for a text above values of another kind, -1 for a value above values of its kind, else 0."""
    told = [kind(other) for other in under if other and other.strip() and other not in NOTHING]
    if not told or cell is None or not cell.strip() or cell in NOTHING:
        return 0
    common = max(set(told), key=told.count)
    if told.count(common) < 0.7 * len(told):
        return 0
    own = kind(cell)
    if common == "text":
        return 0.5 if own == "text" and _is_above_keys(cell, under) else 0
    if own == "text":
        return 1
    return -1 if own == common else 0


def is_prose(cells: Cells, names: Cells, below: Sequence[Cells]) -> bool:
    """Tell whether a record is a sentence that the delimiter happens to cut, above the record that names the columns.

    That one evidently does: in two columns it stands above values or keys that it is none of.
    """
    told, named = _words(cells), _words(names)
    longest = max(told, default=0)
    if longest < LONG_PHRASE or sum(told) < FAR_MORE * sum(named) or any(map(is_value, names)):
        return False
    if not all(cell and cell.strip() for cell in cells[: len(told)]):
        return False  # what stands above some of the columns only may be what they were asked
    if longest < SENTENCE and not any(_STOP.search(cell) for cell in cells if cell):
        return False
    votes = [vote(cell, [row[index] for row in below if index < len(row)]) for index, cell in enumerate(names)]
    return sum(one > 0 for one in votes) > 1


def _words(cells: Cells) -> list[int]:
    return [len(cell.split()) for cell in cells if cell and cell.strip()]


def _is_above_keys(cell: str, under: Sequence[str | None]) -> bool:
    """Tell whether a text stands above keys of one form, such as ``MG-8769``, without having it."""
    shapes = map(shape, {other for other in under if other})
    first = next(shapes, "")
    return "0" in first and len(under) > 1 and shape(cell) != first and all(one == first for one in shapes)


def shape(cell: str) -> str:
    """Return a text's outline: digits as 0, letters as A, so that keys of one form look alike."""
    return re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "0", cell.strip()))


def _is_series(cells: Sequence[str]) -> bool:
    """Tell whether values are different years, periods or numbers that count up, as column names do."""
    texts = [cell.strip() for cell in cells]
    if len(set(texts)) != len(texts):
        return False
    if all(_YEAR.fullmatch(text) for text in texts):
        return True
    if all(text.isdecimal() for text in texts):
        return len(texts) > 2 and all(int(two) - int(one) == 1 for one, two in pairwise(texts))
    return all(_PERIOD.fullmatch(text) for text in texts) and len({len(text) for text in texts}) == 1


def names_years(cells: Cells) -> bool:
    """Tell whether a record holds years or months alone, as a line above a header does to part its columns."""
    filled = [cell.strip() for cell in cells if cell and cell.strip()]
    return (
        bool(filled)
        and not (cells[0] or "").strip()
        and all(_YEAR.fullmatch(one) or _MONTH.fullmatch(one) for one in filled)
    )


def _is_year_above_texts(cells: Cells, below: Sequence[Cells]) -> bool:
    """Tell whether the record's values are years, each of which has a few texts and nothing else below it."""
    places = [index for index, cell in enumerate(cells) if is_value(cell)]
    under = [[row[index] for row in below if index < len(row) and row[index]] for index in places]
    years = all(_YEAR.fullmatch((cells[index] or "").strip()) for index in places)
    return bool(places) and years and all(len(texts) > 2 and not any(map(is_value, texts)) for texts in under)


def _goes_on(cells: Cells, below: Sequence[Cells]) -> bool:
    """Tell whether a record below has values of the same outline everywhere: then the series is data."""
    places = [index for index, cell in enumerate(cells) if is_value(cell)]
    return any(
        all(index < len(row) and shape(row[index] or "") == shape(cells[index] or "") for index in places)
        for row in below[:10]
    )


def _repeats(cells: Cells, below: Sequence[Cells]) -> bool:
    """Tell whether texts of the first record are common values of their columns."""
    if any(list(cells) == list(row) for row in below):
        return False  # the header itself, repeated
    columns = ([row[index] for row in below if index < len(row)] for index in range(len(cells)))
    return any(
        cell and under.count(cell) >= max(2, len(under) * 0.1) for cell, under in zip(cells, columns, strict=True)
    )
