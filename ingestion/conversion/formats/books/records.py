"""What .xls and .xlsb have in common: binary records, numbers in four bytes, and the codes of errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}
_PADDING = bytes(16)


class Fields:
    """The bytes of a stream, read as numbers at many positions at once; positions need no alignment."""

    def __init__(self, data: bytes) -> None:
        """Look at the bytes in every width."""
        padded = data + _PADDING
        size = len(data) + 8
        self.size = len(data)
        self._u1 = np.frombuffer(padded, np.uint8)
        self._u2: NDArray[np.uint16] = np.ndarray((size,), "<u2", padded, strides=(1,))
        self._u4: NDArray[np.uint32] = np.ndarray((size,), "<u4", padded, strides=(1,))
        self._f8: NDArray[np.float64] = np.ndarray((size,), "<f8", padded, strides=(1,))

    def u1(self, at: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return bytes."""
        return self._u1[at]

    def u2(self, at: NDArray[np.int64]) -> NDArray[np.uint16]:
        """Return numbers of two bytes."""
        return self._u2[at]

    def u4(self, at: NDArray[np.int64]) -> NDArray[np.uint32]:
        """Return numbers of four bytes."""
        return self._u4[at]

    def f8(self, at: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return doubles."""
        return self._f8[at]


def from_rk(raw: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Return the numbers of RK values ([MS-XLS] 2.5.122): an integer or the upper part of a double, or 100 times it."""
    high = (raw & np.uint32(0xFFFFFFFC)).astype(np.uint64) << np.uint64(32)
    numbers = np.where(raw & 2, (raw.astype(np.int32) >> 2).astype(np.float64), high.view(np.float64))
    return np.where(raw & 1, numbers / 100, numbers)


def errors(codes: NDArray[np.uint8]) -> pa.Array:
    """Return the texts of error codes."""
    return pa.array([ERRORS.get(code, f"#ERROR {code}") for code in codes.tolist()], pa.string())
