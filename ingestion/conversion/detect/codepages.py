"""Which code page an 8-bit or double-byte text is in, weighed by how likely its words are in some language.

No byte says which code page it belongs to, so each candidate reads the same words, and a word's likelihood in
the languages that the code page was made for decides: letters at their frequency, signs inside words and odd
capitals nearly excluded. Two code pages that give the same text are one answer.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from ingestion.conversion.detect.letters import HALF_WIDTH, LATIN, OTHERS, WIDE
from ingestion.slotted import replace, slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestion.conversion.detect.letters import Language

MAX_WORDS = 2000
MAX_WORD_BYTES = 200
STRANGER = 0.02
UPPER = 0.25
UNKNOWN_SHARE = 0.02
FEW_WORDS = 5
STRANGE = {False: -8.0, True: -11.0}
STRANGE_ASCII = -4.0
SELDOM = -4.0
_WORD = re.compile(rb"[\x30-\x39\x40-\x7e\x80-\xff]+")
_COMMON_SIGNS = "€§°±²³µ·½«»„“”‚‘’–—…£©®™№ºª¿¡×÷¼¾•´¨¸¹"
_SIGN = math.log(1 / 4000)
_WIDE_SIGN = math.log(1 / 2000)
_RARE = -14.0
_ASCII_OTHER = math.log(1 / 30)
_INSIDE = re.compile(r"[^\W\d_](?:[^\w\s!-~’‘'·´ﾞﾟ\u0300-\u036f\u0590-\u05ff\u0610-\u065f\u0e30-\u0e5b]|[ªº])[^\W\d_]")
_LATIN_LETTERS = "".join(language.letters for language in LATIN)
_OTHER_LETTERS = "".join(language.letters for language in OTHERS)
_LOWER = "".join(sorted(set(_LATIN_LETTERS + _OTHER_LETTERS)))
_UPPER = "".join(sorted({sign.upper() for sign in _LOWER if len(sign.upper()) == 1 and sign.upper() != sign}))
_CAPITALS = re.compile(
    f"[a-z{_LOWER}][{_UPPER}]|[{_LOWER}][A-Z]|[A-Z{_UPPER}][{_LOWER}][A-Z{_UPPER}]|[A-Z{_UPPER}][{_UPPER}][a-z{_LOWER}]"
)
_SCRIPTS = re.compile(f"[A-Za-z{_LATIN_LETTERS}][{_OTHER_LETTERS}]|[{_OTHER_LETTERS}][A-Za-z{_LATIN_LETTERS}]")
_GOING_ON = re.compile(f"(?<=[A-Z{_UPPER}])[{_UPPER}]")
_BESIDE = re.compile(r"(?<![^\W\d_])[€§£©°±½µ№¿¡]|[²³°®™©€ªº](?![^\W\d_])")
_IN_NUMBER = re.compile(r"(?<=\d)(?![ -~])[^\W\d_](?=\d)")
_NEVER_SO = re.compile("č(?=[bdfgmrsvz]e|s\\b)|ę(?=me)|ç[őă](?=[eo])")
_GROUPED = re.compile(r"(?<=\d)[\xa0’](?=\d{3})")
_ODD = (
    (_INSIDE, -8.0),
    (_CAPITALS, -5.0),
    (_SCRIPTS, -4.0),
    (_GOING_ON, -math.log(UPPER)),
    (_BESIDE, 4.5),
    (_IN_NUMBER, -8.0),
    (_NEVER_SO, -2.5),
    (_GROUPED, 6.0),
)
"""What no single letter tells, with the change of the log likelihood: signs inside a word, capitals behind small
letters, two scripts in a word, a letter inside a number, letters of Central Europe where French and Portuguese have
theirs; capitals behind capitals are not rare, nor are signs beside numbers, nor those that group their digits."""

Words = tuple[bytes, ...]


@slotted(frozen=True)
class CodePage:
    """A Python codec, the log of how common it is among files of ERPs, and whether characters have two bytes."""

    codec: str
    prior: float
    wide: bool = False


CODE_PAGES = (
    CodePage("cp1252", 0),
    CodePage("latin-1", -1),
    CodePage("cp1250", -2),
    CodePage("cp1251", -1.5),
    CodePage("cp932", -1, wide=True),
    CodePage("gb18030", -1, wide=True),
    CodePage("cp949", -1, wide=True),
    CodePage("cp950", -1.5, wide=True),
    CodePage("euc_jp", -2.5, wide=True),
    CodePage("iso8859-15", -2),
    CodePage("cp1254", -2.5),
    CodePage("cp1253", -2.5),
    CodePage("cp1257", -2.5),
    CodePage("cp1255", -2),
    CodePage("cp1256", -2),
    CodePage("cp874", -2),
    CodePage("iso8859-2", -2.5),
    CodePage("koi8-r", -3),
    CodePage("koi8-u", -3.5),
    CodePage("cp866", -3),
    CodePage("cp850", -3),
    CodePage("cp437", -3.5),
    CodePage("cp852", -3.5),
    CodePage("iso8859-5", -4),
    CodePage("iso8859-7", -3.5),
    CodePage("iso8859-9", -3.5),
    CodePage("iso8859-13", -4),
    CodePage("iso8859-16", -4.5),
    CodePage("iso8859-8", -4),
    CodePage("iso8859-6", -4),
    CodePage("cp857", -4.5),
    CodePage("cp737", -4.5),
    CodePage("mac-roman", -4.5),
    CodePage("mac-latin2", -6),
    CodePage("mac-cyrillic", -6),
)


@slotted(frozen=True)
class Reading:
    """What a code page makes of the words: the text, a line each; its log likelihood, and in which language.

    ``same`` names further code pages that give the same text.
    """

    codec: str
    text: str
    score: float
    language: str
    same: tuple[str, ...] = ()

    @property
    def is_strange(self) -> bool:
        """Tell whether the words are likely in no language: the best of bad readings."""
        beyond = sum(not sign.isascii() for sign in self.text)
        wide = any(page.codec == self.codec and page.wide for page in CODE_PAGES)
        return self.score < STRANGE[wide] * beyond + STRANGE_ASCII * (len(self.text) - beyond)


def readings(words: Words) -> list[Reading]:
    """Return how the code pages read words beyond ASCII, the likeliest first, one for each different text."""
    found: dict[str, Reading] = {}
    for page in CODE_PAGES:
        text = _decoded(words, page)
        if text is None:
            continue
        if text in found:
            found[text] = replace(found[text], same=(*found[text].same, page.codec))
            continue
        score, language = _likelihood(text, page)
        found[text] = Reading(page.codec, text, score + page.prior, language)
    return sorted(found.values(), key=lambda reading: reading.score, reverse=True)


def words_beyond_ascii(sample: bytes) -> Words:
    """Return the different words that hold bytes beyond ASCII; a cut one at the end is left out."""
    words = [word for word in _WORD.findall(sample) if not word.isascii()]  # in linear time, whatever the words
    found = dict.fromkeys(word for word in words if len(word) <= MAX_WORD_BYTES)
    return tuple(found)[:MAX_WORDS] or tuple(word[:MAX_WORD_BYTES] for word in words[:20])


def _decoded(words: Words, page: CodePage) -> str | None:
    """Return the words as text, a line each; None where the code page cannot have written them.

    Makers extend double-byte code pages with signs of their own, so a few unknown ones do not exclude these.
    """
    text = b"\n".join(words).decode(page.codec, errors="replace")
    unknown = text.count("\ufffd")
    allowed = len(words) * UNKNOWN_SHARE + (len(words) > FEW_WORDS) if page.wide else 0
    return text if unknown <= allowed else None


def _likelihood(text: str, page: CodePage) -> tuple[float, str]:
    """Return the log likelihood in the language that fits best, and its name."""
    counts = Counter(text)
    counts.pop("\n", None)
    odd = sum(cost * len(pattern.findall(text)) for pattern, cost in _ODD)
    tables = [(language, _table(language)) for language in (WIDE if page.wide else (*LATIN, *OTHERS))]
    found = [(_sum(counts, table, language, page.wide), language.name) for language, table in tables]
    if page.codec == "cp932":  # letters of one byte each: two accented ones look like them, and they are seldom alone
        found.append((_sum(counts, _table(HALF_WIDTH), HALF_WIDTH, page.wide) + SELDOM, HALF_WIDTH.name))
    score, language = max(found)
    return score + odd, language


def _sum(counts: Mapping[str, int], table: Mapping[str, float], language: Language, wide: bool) -> float:
    plain = math.log((1 - language.share) / 26)
    total = 0.0
    for sign, count in counts.items():
        if sign.isascii():
            total += count * (plain if sign.isalpha() else _ASCII_OTHER)
        else:
            total += count * (table.get(sign) or _beyond(sign, language, wide))
    return total


def _beyond(sign: str, language: Language, wide: bool) -> float:
    """Return the log likelihood of a sign that is none of the language's letters."""
    if wide:
        if sign.isalnum():
            return math.log(language.more / 3500) if language.more and _is_everyday(sign, language) else _RARE
        return _WIDE_SIGN if "\u2000" <= sign <= "\u30ff" or "\uff00" <= sign <= "\uffef" else _RARE
    if sign in _COMMON_SIGNS or sign == "\xa0":
        return _SIGN
    return _foreign().get(sign, _RARE)


def _is_everyday(sign: str, language: Language) -> bool:
    """Tell whether a sign is in the first level of its country's standard, where the everyday ones stand."""
    codec, first, last = {
        "Japanese": ("euc_jp", 0xA4, 0xCF),
        "Korean": ("euc_kr", 0xB0, 0xC8),
        "Chinese, simplified": ("gb2312", 0xB0, 0xD7),
        "Chinese, traditional": ("cp950", 0xA4, 0xC6),
    }[language.name]
    try:
        lead = sign.encode(codec)
    except UnicodeEncodeError:
        return False
    return len(lead) == 2 and first <= lead[0] <= last


@cache
def _table(language: Language) -> dict[str, float]:
    """Return the log likelihood of each of a language's letters, capitals included."""
    steepness, offset = (1.2, 1) if language in LATIN else (1.0, 2)
    weights = {letter: (rank + offset) ** -steepness for rank, letter in enumerate(language.letters)}
    total = sum(weights.values())
    shares = {letter: language.share * (1 - language.more) * weight / total for letter, weight in weights.items()}
    table: dict[str, float] = {}
    for letter, share in shares.items():
        table[letter] = math.log(share)
        if len(letter.upper()) == 1 and letter.upper() != letter:
            table[letter.upper()] = math.log(share * UPPER)
    return table


@lru_cache(maxsize=1)
def _foreign() -> dict[str, float]:
    """Return the log likelihood of letters of other European languages: a name from abroad."""
    letters = {letter for language in LATIN for letter in _table(language)}
    return {letter: math.log(STRANGER / 26) - 3 for letter in letters}
