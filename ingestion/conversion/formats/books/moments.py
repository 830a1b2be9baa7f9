"""Serial numbers of days as dates, times and durations.

Source: ECMA-376 part 1, 18.17.4.1. In the 1900 system day 1 is 1900-01-01 and day 60 the 29th of February 1900,
which never was; in the 1904 system day 0 is 1904-01-01. Dates that are written out (``iso``) are counted from
1899-12-30. A number that is no day stays a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.formats.books.cells import CLOCK, DATE, ELAPSED, NUMBER, STAMP, kinds_in
from ingestion.conversion.typing.constants import number_array, text_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestion.conversion.formats.books.cells import Epoch

DAY_US = 86_400_000_000
TEMPORAL = (DATE, STAMP, CLOCK, ELAPSED)
_TO_1970 = {"1900": 25_569, "1904": 24_107, "iso": 25_569}
_FIRST = {"1900": 1, "1904": 0, "iso": -693_593}  # iso: 0001-01-01
_END = {"1900": 2_958_466, "1904": 2_957_004, "iso": 2_958_466}  # the day after 9999-12-31
_LONGEST_SHIFT = 1000  # days: more in a column of times are dates that are shown as times


def settled(kinds: NDArray[np.uint8], values: NDArray[np.float64], *, epoch: Epoch) -> NDArray[np.uint8]:
    """Return the kinds with those corrected that their numbers cannot have: the number's own kind, or a time."""
    dated = (kinds == DATE) | (kinds == STAMP)
    if dated.any():
        kinds = np.where(dated & (values > 0) & (values < 1) & (epoch == "1900"), CLOCK, kinds)
        dated = (kinds == DATE) | (kinds == STAMP)
        kinds = np.where(dated & ~_is_day(values, epoch=epoch), NUMBER, kinds)
    clocks = kinds == CLOCK
    if clocks.any():
        late = clocks & ((values < 0) | (values >= 1))
        if late.any():
            span = np.abs(values[clocks])
            days = _is_day(values[clocks], epoch=epoch)
            kind = ELAPSED if span.max() < _LONGEST_SHIFT else STAMP if days.all() else NUMBER
            kinds = np.where(clocks, kind, kinds)
    return np.where((kinds == ELAPSED) & ~(np.abs(values) < _END["1900"]), NUMBER, kinds).astype(np.uint8)


def _is_day(values: NDArray[np.float64], *, epoch: Epoch) -> NDArray[np.bool_]:
    inside = (values >= _FIRST[epoch]) & (values < _END[epoch])
    return inside & ~((values >= 60) & (values < 61)) if epoch == "1900" else inside


def typed(kinds: NDArray[np.uint8], values: NDArray[np.float64], *, epoch: Epoch) -> tuple[pa.Array, str] | None:
    """Return temporal cells of one family as date32, timestamp, time64 or duration, with the rule; else None."""
    present = set(kinds_in(kinds))
    if present <= {CLOCK}:
        return pc.cast(number_array(_microseconds(values)), pa.time64("us")), "time cells"
    if present <= {CLOCK, ELAPSED}:
        whole = pc.cast(number_array(_microseconds(values)), pa.duration("us"))
        return whole, "duration cells" if present == {ELAPSED} else "time cells, some of 24 hours or more, as durations"
    if not present <= {DATE, STAMP}:
        return None
    system = ", 1904 system" if epoch == "1904" else ""
    days, micros = parts(values, epoch=epoch)
    if present == {DATE} and not micros.any():
        return pc.cast(number_array(days.astype(np.int32)), pa.date32()), f"date cells{system}"
    stamps = pc.cast(number_array(days * DAY_US + micros), pa.timestamp("us"))
    return stamps, f"date and time cells{system}"


def parts(values: NDArray[np.float64], *, epoch: Epoch) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return days since 1970 and microseconds of the day."""
    total = np.floor(values)
    micros = _microseconds(values - total, np.spacing(np.abs(values)))
    days = total.astype(np.int64)
    return days - _TO_1970[epoch] + ((values < 60) & (epoch == "1900")), micros


def _microseconds(values: NDArray[np.float64], step: NDArray[np.float64] | None = None) -> NDArray[np.int64]:
    """Return days as microseconds; to the millisecond, where the number cannot tell the two apart.

    ``step``: the distance between neighbouring doubles, in days; a computed serial may be one or two off.
    """
    exact = values * DAY_US
    milli = np.rint(values * (DAY_US / 1000)) * 1000
    step = np.spacing(np.abs(values)) if step is None else step
    return np.where(np.abs(exact - milli) <= 1.5 * step * DAY_US, milli, np.rint(exact)).astype(np.int64)


def as_text(kind: int, values: NDArray[np.float64], *, epoch: Epoch) -> pa.Array:
    """Return temporal cells of one kind as ISO 8601 texts (durations as ``h:mm:ss``)."""
    cells, _ = typed(np.full(len(values), kind, np.uint8), values, epoch=epoch) or (pa.nulls(0), "")
    return text_array([_told(kind, cell) for cell in cells.to_pylist()])


def _told(kind: int, cell: object) -> str:
    if kind != ELAPSED:
        return str(cell)
    micros = round(cell.total_seconds() * 1_000_000)  # type: ignore[attr-defined]  # a timedelta
    seconds, fraction = divmod(abs(micros), 1_000_000)
    text = f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}" + (f".{fraction:06d}" if fraction else "")
    return f"-{text}" if micros < 0 else text
