"""Bodies as they come: read in blocks, and decoded where ``Content-Encoding`` says so."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar

from rest_framework.parsers import BaseParser, JSONParser

from ingestion.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rest_framework.request import Request

BLOCK_BYTES = 1 << 20
MAX_BYTES = 10 << 30
_JSON_BYTES = 8 << 20


class BodyEncodingInvalid(BadRequest):
    """The body is not what its Content-Encoding says, or ends too early."""

    code: ClassVar[str] = "BODY_ENCODING"


class BodyEncodingUnknown(BadRequest):
    """The Content-Encoding is none that is taken: gzip, zstd or identity."""

    code: ClassVar[str] = "BODY_ENCODING_UNKNOWN"
    http_status: ClassVar[int] = 415


class BodyTooLarge(BadRequest):
    """The body, decoded, has more bytes than are taken."""

    code: ClassVar[str] = "BODY_TOO_LARGE"
    http_status: ClassVar[int] = 413


class AnyBinary(BaseParser):
    """Leaves the body unread, so that the view can stream it."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Return nothing; the view reads the stream."""
        return {}


class DecodedJson(JSONParser):
    """JSON, also compressed."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Return the parsed body; raises ``BadRequest`` or DRF's ``ParseError``."""
        encoding = (parser_context or {})["request"].headers.get("Content-Encoding", "")
        body = b"".join(decoded(stream.read, encoding, most=_JSON_BYTES))
        return super().parse(BytesIO(body), media_type, parser_context)


def body_blocks(request: Request) -> Iterator[bytes]:
    """Yield the body's decoded bytes as they come; raises ``BadRequest``."""
    plain = request._request  # noqa: SLF001  (DRF's own wrapper would read it whole)
    return decoded(plain.read, request.headers.get("Content-Encoding", ""))


def decoded(read: Callable[[int], bytes], encoding: str, *, most: int = MAX_BYTES) -> Iterator[bytes]:
    """Yield what ``read`` gives without its codings, which are listed in the order they were applied (RFC 9110, 8.4).

    ``most`` bounds the result: a small body may be a large file. Memory use is a block.
    """
    blocks = iter(lambda: read(BLOCK_BYTES), b"")
    for coding in reversed([name.strip().lower() for name in encoding.split(",") if name.strip()]):
        if coding not in _DECODERS:
            raise BodyEncodingUnknown(f"Content-Encoding cannot be {coding!r}.", hint="Send gzip, zstd or none.")
        blocks = _DECODERS[coding](blocks)
    done = 0
    for block in blocks:
        done += len(block)
        if done > most:
            raise BodyTooLarge(f"The body has more than {most:,} bytes.", hint="Split the file.")
        yield block


def _gunzip(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Decode gzip, also several members one after the other (RFC 1952, 2.2)."""
    inflate: Any = None
    for block in blocks:
        left = block
        while left:
            inflate = inflate or zlib.decompressobj(wbits=31)
            try:
                yield from filter(None, [inflate.decompress(left, BLOCK_BYTES)])
                while inflate.unconsumed_tail:
                    yield inflate.decompress(inflate.unconsumed_tail, BLOCK_BYTES)
            except zlib.error as error:
                raise _damaged("gzip") from error
            left = inflate.unused_data
            if inflate.eof:
                inflate = None
    if inflate is not None:
        raise _damaged("gzip")


def _unzstd(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Decode zstd, also several frames one after the other."""
    import zstandard

    inflate: Any = None
    for block in blocks:
        left = block
        while left:
            inflate = inflate or zstandard.ZstdDecompressor(max_window_size=128 << 20).decompressobj()
            try:
                # the library bounds no call's result: small pieces in keep what comes out of one small
                for at in range(0, len(left), _ZSTD_STEP):
                    piece = left[at : at + _ZSTD_STEP]
                    yield from filter(None, [inflate.decompress(piece)])
                    if inflate.eof:
                        left = inflate.unused_data + left[at + len(piece) :]
                        inflate = None
                        break
                else:
                    left = b""
            except zstandard.ZstdError as error:
                raise _damaged("zstd") from error
    if inflate is not None:
        raise _damaged("zstd")


_ZSTD_STEP = 512  # a block of 4 bytes may stand for 128 KiB (RFC 8878, 3.1.1.2): at most 16 MiB come out at once


def _damaged(coding: str) -> BodyEncodingInvalid:
    return BodyEncodingInvalid(f"The body is no whole {coding} stream.", hint="Send it again, or without coding.")


_DECODERS: dict[str, Callable[[Iterator[bytes]], Iterator[bytes]]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "zstd": _unzstd,
    "identity": lambda blocks: blocks,
}
