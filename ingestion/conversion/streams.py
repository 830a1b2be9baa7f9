"""Compressed streams: gzip, bzip2, xz, zstd and lz4, all of their members, in bounded memory.

The standard library's readers pass over what follows the last member without a word; here it is told.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import IO, TYPE_CHECKING, Protocol

from ingestion.conversion.unpack import MAGIC
from ingestion.slotted import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

PIECE_BYTES = 256 << 10
OUTPUT_BYTES = 1 << 20

LONGEST_MAGIC = max(len(magic) for kind in MAGIC.values() for magic in kind)


class Damaged(Exception):
    """The stream is cut off or its bytes are wrong; ``position`` is about where in the compressed file."""

    def __init__(self, what: str, position: int) -> None:
        """Keep both."""
        super().__init__(what)
        self.position = position


class _Decompressor(Protocol):
    """The standard library's interface: one member, at most ``max_length`` bytes at a time."""

    @property
    def eof(self) -> bool:
        """Tell whether the member has ended."""
        ...

    @property
    def needs_input(self) -> bool:
        """Tell whether nothing more comes out of what went in."""
        ...

    @property
    def unused_data(self) -> bytes | None:
        """Return what went in behind the member's end."""
        ...

    def decompress(self, data: bytes, max_length: int = ...) -> bytes:
        """Return what comes out; raises an error of the library's own."""
        ...


@slotted()
class Decompressed:
    """The bytes of a compressed file, and once they are read, what was odd behind them."""

    kind: str
    trailing: int = 0
    members: int = 0

    def pieces(self, file: IO[bytes]) -> Iterator[bytes]:
        """Yield the decompressed bytes of all members; raises ``Damaged``.

        Zeros behind the last member are padding (RFC 1952 readers skip them too); other bytes that begin no
        member are counted as ``trailing``.
        """
        make, magic = _MAKERS[self.kind]
        rest, more = b"", True
        while True:
            while more and len(rest) < LONGEST_MAGIC:
                piece = file.read(PIECE_BYTES)
                rest, more = rest + piece, bool(piece)
            if self.members and not rest.startswith(magic):
                self.trailing = self._behind(rest, file)
                return
            self.members += 1
            rest = yield from self._member(make(), rest, file)

    def _member(self, decompressor: _Decompressor, rest: bytes, file: IO[bytes]) -> Generator[bytes, None, bytes]:
        """Yield one member's bytes; return what was read behind it."""
        data = rest
        while not decompressor.eof:
            if decompressor.needs_input and not data and not (data := file.read(PIECE_BYTES)):
                raise Damaged("it ends in the middle of its data", file.tell())
            try:
                out = decompressor.decompress(data, OUTPUT_BYTES)
            except (*_ERRORS, OSError, EOFError, RuntimeError, ValueError) as error:
                raise Damaged(f"its data are damaged ({error})", file.tell()) from error
            data = b""
            if out:
                yield out
        return decompressor.unused_data or b""  # lz4 says None

    def _behind(self, rest: bytes, file: IO[bytes]) -> int:
        count = 0
        while rest:
            count += len(rest) if rest.strip(b"\0") else 0
            rest = file.read(PIECE_BYTES)
        return count


class _Gunzip:
    """zlib's decompressor with the interface that the others have."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)
        self._more = False

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        out = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self._more = len(out) == max_length
        return out

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._more and not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data


def _zstd() -> _Decompressor:
    from backports import zstd

    return zstd.ZstdDecompressor()


def _lz4() -> _Decompressor:
    import lz4.frame

    return lz4.frame.LZ4FrameDecompressor()


def _zstd_error() -> type[Exception]:
    from backports import zstd

    return zstd.ZstdError


_ERRORS = (zlib.error, lzma.LZMAError, _zstd_error())
_MAKERS: dict[str, tuple[Callable[[], _Decompressor], tuple[bytes, ...]]] = {
    "gzip": (_Gunzip, MAGIC["gzip"]),
    "bzip2": (bz2.BZ2Decompressor, MAGIC["bzip2"]),
    "xz": (lzma.LZMADecompressor, MAGIC["xz"]),
    "zstd": (_zstd, MAGIC["zstd"]),
    "lz4": (_lz4, MAGIC["lz4"]),
}
