"""Why a column has its type: an example of its cells, and the very cells that made it wider."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.typing.accepting import UNKNOWN, accepting, first_refused
from ingestion.conversion.typing.base import FIRST
from ingestion.conversion.typing.constants import EMPTY
from ingestion.conversion.typing.dates import CompactDateRule
from ingestion.conversion.values import Widening
from ingestion.slotted import field, slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ingestion.conversion.typing.base import Rule
    from ingestion.conversion.typing.reading import Reading

    PlaceOf = Callable[[int], int]
    """Of a row of a part of the column, the line on which it begins."""

_ROWS_AT_ONCE = 64


@slotted()
class Story:
    """One column's evidence, in file order. ``widened`` are the contradictions to a plan, ``_end`` the last rule's."""

    example: str = ""
    _widened: list[Widening] = field(default_factory=list)
    _end: Widening | None = None

    @property
    def widened(self) -> tuple[Widening, ...]:
        """Return what made the column wider, each cell once."""
        last = self._widened[-1] if self._widened else None
        if self._end is None or (last is not None and last.line == self._end.line):
            return tuple(self._widened)
        return (*self._widened, self._end)

    def see(self, cells: pa.Array) -> None:
        """Keep the longest of the first cells, which shows most of how the column is written."""
        if not self.example:
            self.example = max(cells.slice(0, FIRST).to_pylist(), key=len)

    def end(self, rules: Sequence[Rule], filled: pa.Array, fell: int, cells: pa.Array, place: PlaceOf | None) -> None:
        """Keep the cell for which no rule was left: ``fell`` among the filled cells, if that is known."""
        if fell == UNKNOWN:
            fell = first_refused(rules, filled)
        held = accepting(tuple(rules), filled.slice(0, fell))[0] if fell else []
        if held and isinstance(held[0], CompactDateRule) and not held[0].is_proven:
            held = held[1:]
        line = None if place is None else place(_row_of(fell, cells))
        self._end = Widening(rule=held[0].name if held else "", line=line, text=filled[fell].as_py())

    def contradict(self, reading: Reading, cells: pa.Array, place: PlaceOf) -> None:
        """Keep the first cell that a reading does not hold, if there is one."""
        if reading.rule is None or reading.values(cells) is not None:
            return
        low, high = 0, len(cells)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if reading.values(cells.slice(0, middle)) is not None else (low, middle)
        self._widened.append(Widening(rule=reading.name, line=place(high - 1), text=cells[high - 1].as_py()))


def _row_of(index: int, cells: pa.Array) -> int:
    """Return the row of the n-th cell that is neither null nor blank."""
    if not index and cells[0].is_valid and cells[0].as_py().strip():
        return 0
    size = _ROWS_AT_ONCE
    rows: list[int] = []
    while len(rows) <= index:
        part = cells.slice(0, size)
        rows = pc.indices_nonzero(pc.not_equal(pc.utf8_trim_whitespace(part), EMPTY)).to_pylist()
        size *= 8
    return rows[index]
