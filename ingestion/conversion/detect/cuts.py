"""Ways to cut a text into cells, tried on a sample, and how well each does."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from ingestion.conversion.detect.aligned import aligned_dialects
from ingestion.conversion.detect.kinds import NUMBER, kind
from ingestion.conversion.detect.widths import SAMPLE_RECORDS, Outlook, is_filled, score, usual
from ingestion.conversion.dialect import Dialect
from ingestion.conversion.records import Cells, records
from ingestion.slotted import replace, slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DELIMITERS = (";", ",", "\t", "|", "~", "^", "\x1f", "\x01", "\x1e", "§", "¦", "¬", "#", "*", "!", ":", " ")
JUDGED_RECORDS = 60
JUDGED_CELLS = 40
FEW_RECORDS = 40
HOPELESS, ALL_FIT = 2 / 3, 0.99
VERY_WIDE = 1_000
_SIGN = r"[^\w\s\"'.\-+()\[\]{}<>/\\=%&?@€$£]"
_SIGNS, _TWICE = re.compile(_SIGN + "{2,3}"), re.compile(rf"({_SIGN})(?=\1)")
_TIME_OR_ADDRESS = re.compile(r":(?:(?<=\d:)\d\d(?!\d)|//)")
_CUTTABLE = re.compile(r"([,;|\t])\S+\1(?! )")
_ENCLOSED = re.compile(r"\"[^\"]*+\"|'[^']*+'(?=,)")
# The mark comes first, so that the search jumps from one to the next.
_OPENED = "{mark}(?:(?<=^{mark})|(?<=^ {mark})|(?<=[\\r]{mark})|(?<=[\\r] {mark})|(?<={cut}{mark})|(?<={cut} {mark}))"
_CLOSED = "{mark} ?(?={cut}|\\r|\\n|$)"


@slotted(frozen=True)
class Row:
    """One record of the sample: its cells, where it begins and ends in the text, and its line."""

    cells: Cells
    start: int
    end: int
    line: int

    @property
    def filled(self) -> list[str]:
        """The cells that are not blank."""
        return [cell for cell in self.cells if cell and cell.strip()]

    @property
    def is_filled(self) -> bool:
        """Whether a cell is not blank."""
        return is_filled(self.cells)


@slotted(frozen=True)
class Cut:
    """A dialect tried on the sample: the records it gives, their usual width, how many have it, how good they are."""

    dialect: Dialect
    rows: list[Row]
    width: int
    share: float
    quality: float
    odd: int

    @property
    def score(self) -> float:
        """A number to compare ways by; only its order means something."""
        sign = self.dialect.delimiter or ""
        return score(sign, self.width, self.share, self.quality, aligned=self.dialect.aligned)


def best_cuts(text: str, *, delimiter: str | None, quote: str | None) -> list[Cut]:
    """Return the ways to cut, best first; a given delimiter or quote (empty: none) is the only one tried."""
    halves: set[str] = set()
    if delimiter is not None:
        tried = [delimiter]
    else:
        sequences = list(_sequences(text))
        halves = {sign[0] for sign in sequences if len(set(sign)) == 1}  # these never stand alone
        tried = [sign for sign in (*DELIMITERS, *sequences) if sign in text and sign not in halves]
        if ":" in tried and _TIME_OR_ADDRESS.search(text):
            tried.remove(":")
        tried.append("")
    cuts = _worth_a_look(text, tried, quote)
    if quote is None and delimiter in {None, "|"}:
        lists = [cut_by(text, dialect) for dialect in aligned_dialects(text)]
        lists = [cut for cut in lists if cut.dialect.delimiter not in halves]
        cuts += [cut for cut in lists if cut.dialect.delimiter == (delimiter or cut.dialect.delimiter)]
    cuts.sort(key=lambda cut: (cut.score, cut.width), reverse=True)
    if delimiter is None and (cuts[0].width < 2 or _is_one_column(text, cuts[0])):
        whole = [cut for cut in cuts if cut.dialect.delimiter is None and not cut.dialect.aligned]
        alone = whole[0] if whole else _cut(text, "", quote)
        cuts = [alone, *(cut for cut in cuts if cut is not alone)]
    return cuts


def _worth_a_look(text: str, signs: Sequence[str], quote: str | None) -> list[Cut]:
    """Return the cuts by the signs, but for those that can be neither the best nor the next best of several columns."""
    if len(signs) == 1:
        return [_cut(text, signs[0], quote)]
    outlook = Outlook(text, quote)
    bounds = {sign: outlook.bound(sign) for sign in signs}
    cuts: dict[str, Cut] = {}
    for sign in sorted(signs, key=lambda sign: bounds[sign], reverse=True):
        at_best, width = bounds[sign]
        best = max(cuts.values(), key=lambda cut: (cut.score, cut.width), default=None)
        if best is not None and at_best < best.score:
            others = [one.score for one in cuts.values() if one.width > 1 and one is not best]
            if width < 2 or at_best < max(others, default=0.0):
                continue
        cuts[sign] = (_hopeless(text, sign, quote, best) if best else None) or _cut(text, sign, quote)
    return [cuts[sign] for sign in signs if sign in cuts]


def _hopeless(text: str, sign: str, quote: str | None, best: Cut) -> Cut | None:
    """Return the cut of the first records by a sign, where it is far worse there than one that fits all records."""
    if best.odd or best.share < ALL_FIT or len(best.rows) <= FEW_RECORDS:
        return None
    few = _cut(text[: best.rows[FEW_RECORDS - 1].end], sign, quote)
    return few if few.score < HOPELESS * best.score else None


def fixed_cut(text: str, spans: Sequence[tuple[int, int]]) -> Cut:
    """Return the cut at places that the caller names; the last column takes what is left of a line."""
    dialect = Dialect(encoding="", delimiter=None, quote=None, widths=tuple(spans), aligned=True, given=True)
    return cut_by(text, dialect)


def read_rows(text: str, dialect: Dialect, width: int | None, limit: int | None) -> tuple[list[Row], int]:
    """Return the first records with their places, and how many of them have odd quotes."""
    rows: list[Row] = []
    position, line, odd = 0, 1, 0
    for cells, end, is_odd in islice(records(text, dialect, width), limit):
        rows.append(Row(cells, position, end, line))
        line += max(1, _line_ends(text, position, end))
        position = end
        odd += is_odd
    return rows, odd


def _line_ends(text: str, start: int, end: int) -> int:
    feeds = text.count("\n", start, end)
    returns = text.count("\r", start, end)
    return feeds if not returns else feeds + returns - text.count("\r\n", start, end)


def _sequences(text: str) -> Iterable[str]:
    """Return sequences of signs that stand in most lines of records: delimiters of several characters."""
    lines = [line for line in text[:20_000].splitlines() if line.strip()][:50]
    counts = Counter(sign for line in lines for sign in _runs(line))
    # Lines without its first sign belong to cells of several lines.
    common = [sign for sign, n in counts.most_common(6) if n >= sum(sign[0] in line for line in lines) * 0.7]
    return [sign for sign in common if not _is_empty_cell(sign, text)]


def _runs(line: str) -> set[str]:
    """Return the runs of two or three signs in a line, and pairs of one sign, which an empty cell makes longer."""
    return {*_SIGNS.findall(line), *(2 * sign for sign in _TWICE.findall(line))}


def _is_empty_cell(sign: str, text: str) -> bool:
    """Tell whether a sequence is a delimiter of one character beside itself, with an empty cell between."""
    first = sign[0]
    if first in ",;\t" or len(set(sign)) > 1:
        return first in ",;\t"
    whole = text[:20_000].rstrip(first)  # a run at its end may be cut
    return any(len(run) % len(sign) for run in re.findall(f"{re.escape(first)}+", whole))


def _cut(text: str, delimiter: str, quote: str | None) -> Cut:
    """Return the cut by a delimiter, with the quoting that its surroundings show."""
    plain = Dialect(encoding="", delimiter=delimiter or None, quote=_quote(text, delimiter) if quote is None else quote)
    if plain.quote == "":
        plain = replace(plain, quote=None)
    ways = [plain]
    if plain.quote and f"\\{plain.quote}" in text:
        ways.append(replace(plain, escape="\\"))
    cuts = [cut_by(text, way) for way in ways]
    best = cuts[0]
    if len(cuts) > 1 and _faults(cuts[1]) * 2 <= _faults(cuts[0]) - (_faults(cuts[0]) == 0):
        best = cuts[1]
    if len(delimiter) == 1 and delimiter != " " and _is_padded(text, delimiter):
        best = cut_by(text, replace(best.dialect, skip_initial_space=True))
    return best


def _faults(cut: Cut) -> int:
    """Count the records with odd quotes or an unusual number of cells."""
    return cut.odd + sum(len(row.cells) != cut.width for row in cut.rows if row.is_filled)


def _quote(text: str, delimiter: str) -> str:
    """Return the quote: an apostrophe where pairs of it enclose cells and double quotes do not, else a double quote."""
    for mark in ('"', "'"):
        if mark not in text:
            continue
        if mark == '"' and all(sides.search(text) for sides in _sides(delimiter, mark)):
            return mark
        opened, closed = enclosed(text, delimiter, mark) if mark == "'" else (0, 0)
        if opened > 1 and 0.8 <= closed / opened <= 1.25:
            return mark
    return '"'


def enclosed(text: str, delimiter: str, mark: str) -> tuple[int, int]:
    """Count the quotes that stand where a cell begins, and those where one ends."""
    opening, closing = _sides(delimiter, mark)
    return len(opening.findall(text)), len(closing.findall(text))


def _sides(delimiter: str, mark: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return patterns of a quote where a cell begins, and where one ends."""
    cut = re.escape(delimiter) if delimiter else "(?!)"
    opening, closing = (sign.format(cut=cut, mark=mark) for sign in (_OPENED, _CLOSED))
    return re.compile(opening, re.MULTILINE), re.compile(closing, re.MULTILINE)


def cut_by(text: str, dialect: Dialect) -> Cut:
    """Return what a dialect makes of a sample."""
    rows, odd = read_rows(text, dialect, None, SAMPLE_RECORDS)
    width, share = usual([row.cells for row in rows])
    if odd and width > 1:
        rows, odd = read_rows(text, dialect, width, SAMPLE_RECORDS)
        width, share = usual([row.cells for row in rows])
    return Cut(dialect, rows, width, share, _quality(rows, width, dialect), odd)


def _quality(rows: Sequence[Row], width: int, dialect: Dialect) -> float:
    """Return how much the cells look like single values, between 0 and 1."""
    cells = (cell for row in rows if len(row.cells) == width for cell in row.cells[:JUDGED_CELLS])
    found = [_looks(cell, dialect) for cell in islice(cells, JUDGED_RECORDS * JUDGED_CELLS)]
    if width > VERY_WIDE and sum(len(row.filled) for row in rows) * 100 < sum(len(row.cells) for row in rows):
        return 0.1  # a line drawn with one sign has thousands of empty cells, if that sign parts them
    return sum(found) / len(found) if found else 0.0


def _looks(cell: str | None, dialect: Dialect) -> float:
    if cell is None:
        return 0.85
    if kind(cell) != "text":
        return 1.0
    mark = dialect.quote or '"'
    if cell.startswith(mark) or cell.count(mark) % 2:
        return 0.4
    if dialect.delimiter is None and _CUTTABLE.search(cell):
        return 0.3
    if "  " in cell.strip() and not dialect.aligned:
        return 0.4
    if any(sign in cell for sign in (";", "\t", "|")):
        return 0.6
    return 0.85 if "," in cell else 0.95


def _is_padded(text: str, delimiter: str) -> bool:
    """Tell whether a blank follows every delimiter: it belongs to the delimiter then."""
    lines = [line for line in _ENCLOSED.sub('""', text[:20_000]).splitlines()[:50] if delimiter in line]
    return len(lines) > 1 and all(line.count(delimiter) == line.count(f"{delimiter} ") for line in lines)


def _is_one_column(text: str, cut: Cut) -> bool:
    """Tell whether the delimiter is part of the values of a single column: ``1,50`` below a name, ``Smith, Anna``."""
    if cut.dialect.delimiter not in {",", " ", ":", "#", "*", "!"}:
        return False
    lines = [line for line in text.splitlines()[:SAMPLE_RECORDS] if line.strip()]
    if cut.dialect.delimiter == " " and all(len(line.split()) == 1 for line in lines):
        return True  # blanks that only move words to the left or to the right
    if len(lines) < 2 or (cut.dialect.delimiter or "") in lines[0]:
        return False
    if cut.width == 2 and all(NUMBER.fullmatch(line) or kind(line) != "text" for line in lines[1:]):
        return True
    return cut.width == 2 and (cut.dialect.skip_initial_space or cut.dialect.delimiter != ",")
