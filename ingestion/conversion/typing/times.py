"""Timestamps and times of day: one shape for the whole column."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.typing.base import castable, matches
from ingestion.conversion.typing.constants import number_array, text_scalar
from ingestion.conversion.typing.dates import DateForm
from ingestion.slotted import slotted

_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
_MICROSECONDS = 6
_MINUTE = 60_000_000
# The first and last microsecond of the years 1 to 9999, the calendar that readers share.
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999


@slotted()
class TimestampRule:
    """A date form with a time, in one shape; one offset for all is stored as UTC and recorded."""

    form: DateForm
    between: str
    seconds: bool
    zoned: bool
    fraction: int | None = None
    offset: str | None = None

    @property
    def name(self) -> str:
        """Name the shape, and the offset that the texts had."""
        time = "HH:MM:SS" if self.seconds else "HH:MM"
        fraction = f".{'f' * self.fraction}" if self.fraction else ""
        return f"timestamp {self.form.name}{self.between}{time}{fraction}" + (
            f" offset {self.offset}" if self.zoned else ""
        )

    @property
    def pattern(self) -> str:
        """Match the date form, the time and, where it has one, the offset."""
        time = _CLOCK + (r":[0-5][0-9](?:\.[0-9]{1,9})?" if self.seconds else "")
        zone = "(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])" if self.zoned else ""
        return f"{self.form.pattern}{self.between}{time}{zone}"

    @property
    def signs(self) -> tuple[str, str]:
        """Return those of the date and the time, and those of fractions and offsets."""
        needed = f"{self.form.sign}{self.between}:"
        return needed, f"{needed}.Z+-"

    def accepts(self, cells: pa.Array) -> bool:
        """Accept one shape only: the same fraction digits and the same offset in every cell."""
        if not matches(cells, self.pattern):
            return False
        local, zones = self._split(cells)
        if not (self._one_offset(zones) and self._one_fraction(local) and castable(local, self._local_type())):
            return False
        return not self.zoned or self._stays_in_calendar(local)

    def _split(self, cells: pa.Array) -> tuple[pa.Array, pa.Array]:
        iso = self.form.to_iso(cells)
        if not self.zoned:
            return iso, iso
        return (
            pc.replace_substring_regex(iso, r"(?:Z|[+-][0-9]{2}:[0-9]{2})$", ""),
            pc.replace_substring_regex(iso, r"^.*?(Z|[+-][0-9]{2}:[0-9]{2})$", r"\1"),
        )

    def _one_offset(self, zones: pa.Array) -> bool:
        if not self.zoned:
            return True
        found = set(pc.unique(zones).to_pylist()) | ({self.offset} if self.offset else set())
        if len(found) != 1:
            return not found
        self.offset = found.pop()
        return True

    def _one_fraction(self, local: pa.Array) -> bool:
        if not len(local):
            return True
        length = pc.min_max(pc.utf8_length(local)).as_py()
        digits = max(0, length["min"] - 20) if self.seconds else 0
        if length["min"] != length["max"] or self.fraction not in {None, digits}:
            return False
        self.fraction = digits
        return True

    def _stays_in_calendar(self, local: pa.Array) -> bool:
        """Tell whether the moments in UTC are within the years 1 to 9999, and within 64 bits of nanoseconds."""
        moments = pc.cast(pc.cast(local, self._local_type()), pa.int64())
        found = pc.min_max(moments).as_py()
        per_microsecond = 1000 if self._local_type().unit == "ns" else 1
        shift = self._offset_minutes() * _MINUTE * per_microsecond
        first, last = _FIRST * per_microsecond, _LAST * per_microsecond
        if per_microsecond > 1:
            first, last = -(2**63), 2**63 - 1
        return found["min"] is None or (first <= found["min"] - shift and found["max"] - shift <= last)

    def _offset_minutes(self) -> int:
        if self.offset in {None, "Z"}:
            return 0
        sign = -1 if self.offset[0] == "-" else 1
        return sign * (int(self.offset[1:3]) * 60 + int(self.offset[4:6]))

    def _local_type(self) -> pa.DataType:
        return pa.timestamp("ns" if (self.fraction or 0) > _MICROSECONDS else "us")

    def type(self) -> pa.DataType:
        """Return microseconds, or nanoseconds where the texts have them; UTC when they had an offset."""
        return pa.timestamp(self._local_type().unit, "UTC" if self.zoned else None)

    def cast(self, cells: pa.Array) -> pa.Array:
        """Parse; subtract the offset."""
        local = pc.cast(self._split(cells)[0], self._local_type())
        if not self.zoned:
            return local
        if minutes := self._offset_minutes():
            shift = number_array(np.array([minutes * _MINUTE])).cast(pa.duration("us"))[0]
            local = pc.cast(pc.subtract(local, shift), self._local_type())
        return pc.assume_timezone(local, "UTC")


@slotted()
class TimeRule:
    """``HH:MM:SS`` of a day, with up to six digits of a second, the same number in every cell."""

    fraction: int | None = None

    @property
    def name(self) -> str:
        """Name the shape."""
        return "time HH:MM:SS" + (f".{'f' * self.fraction}" if self.fraction else "")

    @property
    def pattern(self) -> str:
        """Match the rule's texts."""
        return _CLOCK + rf":[0-5][0-9](?:\.[0-9]{{1,{_MICROSECONDS}}})?"

    @property
    def signs(self) -> tuple[str, str]:
        """Return those of the time, and of fractions."""
        return ":", ":."

    def accepts(self, cells: pa.Array) -> bool:
        """Accept two-digit hours, minutes and seconds, and one length of the fraction."""
        if not matches(cells, self.pattern):
            return False
        length = pc.min_max(pc.utf8_length(cells)).as_py()
        if length["min"] is None:
            return True
        digits = max(0, length["min"] - 9)
        if length["min"] != length["max"] or self.fraction not in {None, digits}:
            return False
        self.fraction = digits
        return True

    def type(self) -> pa.DataType:
        """Return time64 in microseconds."""
        return pa.time64("us")

    def cast(self, cells: pa.Array) -> pa.Array:
        """Parse as a moment of the first day and keep the time."""
        moments = pc.cast(
            pc.binary_join_element_wise(text_scalar("1970-01-01"), cells, text_scalar(" ")), pa.timestamp("us")
        )
        return pc.cast(moments, pa.time64("us"))
