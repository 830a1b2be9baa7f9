"""Versions, chapters and keys that look like amounts: ``1.1`` and ``1.10`` are two of them, not one amount."""

from __future__ import annotations

import re
from collections import defaultdict

import pyarrow as pa

from ingestion.conversion import functions as pc

_KEY_NAME = re.compile(
    r"version|release|\brev|build|firmware|chapter|kapitel|gliederung|section|paragra|level|ebene|stufe|outline|wbs"
    r"|\bpsp|key|schl(ü|ue)ssel|index|(^|[^a-z])(id|nr|no|num|pos|item|code|number|nummer)([^a-z]|$)",
    re.IGNORECASE,
)
_AMOUNT_NAME = re.compile(
    r"amount|betrag|montant|importe|price|preis|prix|precio|total|sum|saldo|balance|value|wert|qty|quantit|menge|rate"
    r"|kurs|cost|kosten|tax|steuer|weight|gewicht|hours|stunden|percent|prozent|%|debit|credit|soll|haben",
    re.IGNORECASE,
)
_DISTINCT_LIMIT = 100_000
_CHAPTERS_FROM = 10


class Spellings:
    """The different texts of a column of amounts, as far as they are few."""

    def __init__(self) -> None:
        """Begin empty."""
        self._seen: list[pa.Array] = []
        self._kept = 0
        self._full = False

    def look(self, cells: pa.Array) -> None:
        """Take in a part of the column."""
        if self._full:
            return
        self._seen.append(pc.unique(cells))
        self._kept += len(self._seen[-1])
        if self._kept > _DISTINCT_LIMIT:
            self._seen = [pc.unique(pa.concat_arrays(self._seen))]
            self._kept = len(self._seen[0])
            self._full = self._kept > _DISTINCT_LIMIT

    def are_keys(self, name: str, *, all_seen: bool) -> bool:
        """Tell a version or key from an amount, in a column whose fractions are of unlike length.

        Two texts must differ by trailing zeros only, and the column's name must be a key's or, unless it is
        an amount's, the numbers behind the point must count up as chapters do (``1.9``, ``1.10``, ``1.11``).
        Where not all cells were seen, a key's name is enough.
        """
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)  # DocumentNo
        if _KEY_NAME.search(name):
            return self._full or not all_seen or self._collide()
        return not self._full and not _AMOUNT_NAME.search(name) and self._collide() and self._count_up()

    def _texts(self) -> set[str]:
        return {text for seen in self._seen for text in seen.to_pylist()}

    def _collide(self) -> bool:
        texts = self._texts()
        plain = {re.sub(r"[.,]?0+$", "", text) if re.search(r"[.,]\d+$", text) else text for text in texts}
        return len(plain) < len(texts)

    def _count_up(self) -> bool:
        chapters: dict[str, set[int]] = defaultdict(set)
        for text in self._texts():
            found = re.fullmatch(r"(\d+)[.,]([1-9]\d*)", text)
            if found is None:
                return False
            chapters[found.group(1)].add(int(found.group(2)))
        longest = max(chapters.values(), key=len)
        return max(longest) >= _CHAPTERS_FROM and len(longest) == max(longest)
