"""Truth values and integers."""

from __future__ import annotations

import pyarrow as pa

from ingestion.conversion import functions as pc
from ingestion.conversion.typing.base import MAX_DIGITS, castable, matches
from ingestion.conversion.typing.constants import text_array, text_scalar
from ingestion.slotted import slotted


@slotted()
class BoolRule:
    """``true`` and ``false`` in one letter case."""

    yes: str
    no: str

    @property
    def name(self) -> str:
        """Name the two texts."""
        return f"bool {self.yes}/{self.no}"

    @property
    def pattern(self) -> str:
        """Match the rule's texts."""
        return f"{self.yes}|{self.no}"

    @property
    def signs(self) -> tuple[str, str]:
        """Return the letters that both texts have, and all."""
        return "".join(set(self.yes) & set(self.no)), self.yes + self.no

    def accepts(self, cells: pa.Array) -> bool:
        """Accept nothing but the two texts."""
        return bool(pc.all(pc.is_in(cells, value_set=text_array([self.yes, self.no])), min_count=0).as_py())

    def type(self) -> pa.DataType:
        """Return bool."""
        return pa.bool_()

    def cast(self, cells: pa.Array) -> pa.Array:
        """Compare with the text of true."""
        return pc.equal(cells, text_scalar(self.yes))


class IntegerRule:
    """Integers without leading zeros or plus; wider than 64 bits they become ``decimal128(38,0)``."""

    __slots__ = ("_wide",)

    def __init__(self) -> None:
        """Begin narrow."""
        self._wide = False

    @property
    def name(self) -> str:
        """Name the type."""
        return "decimal128(38,0) integer" if self._wide else "int64"

    @property
    def pattern(self) -> str:
        """Match the rule's texts."""
        return rf"0|-?[1-9][0-9]{{0,{MAX_DIGITS - 1}}}"

    @property
    def signs(self) -> tuple[str, str]:
        """Return none."""
        return "", ""

    def accepts(self, cells: pa.Array) -> bool:
        """Accept canonical integers of up to 38 digits."""
        if not matches(cells, self.pattern):
            return False
        self._wide = self._wide or not castable(cells, pa.int64())
        return True

    def type(self) -> pa.DataType:
        """Return int64 where all fit."""
        return pa.decimal128(MAX_DIGITS, 0) if self._wide else pa.int64()

    def cast(self, cells: pa.Array) -> pa.Array:
        """Parse."""
        return pc.cast(cells, self.type())
