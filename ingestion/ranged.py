"""An object of the lake as a file that Parquet's reader fetches in parts, and what Arrow says of damage."""

from __future__ import annotations

import io
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from databridge import config
from databridge.aws import client
from ingestion import lake
from ingestion.errors import ObjectMissing, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from ingestion.errors import DataBridgeError

logger = logging.getLogger(__name__)

RESTORE = "Restore the object from the bucket's versions, or remove it and load its raw file again."


def parquet_source(key: str) -> pa.PythonFile:
    """Return an object for Parquet's reader. Raises ``ObjectMissing``, while it is read ``StoreUnavailable`` too."""
    import pyarrow as pa

    return pa.PythonFile(_Ranged(key), mode="r")


@contextmanager
def refused(key: str, error_of: Callable[[str], DataBridgeError]) -> Iterator[None]:
    """Turn what Arrow raises of an object that it cannot read or cast into the error for it, given why in short.

    Errors of the machine itself, such as a full disk, stay what they are.
    """
    import pyarrow as pa

    from ingestion.conversion.values import shortened

    try:
        yield
    except (OSError, ValueError, ArithmeticError, NotImplementedError, pa.ArrowException) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        logger.exception("an object cannot be read or brought to the contract's types", extra={"key": key})
        raise error_of(shortened(str(error).partition("\n")[0], 160)) from error


class _Ranged(io.RawIOBase):
    """One state of an object: each read is a request, refused once somebody has replaced the object."""

    def __init__(self, key: str) -> None:
        s3 = client("s3")
        with lake.translated(f"look at {key}"):
            try:
                told = s3.head_object(Bucket=config.current().bucket, Key=key)
            except s3.exceptions.ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                    raise ObjectMissing(f"There is no {key} in the lake.", hint=lake.LATER) from None
                raise
        self._key, self._tag, self._size, self._at = key, told["ETag"], int(told["ContentLength"]), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._size, self._at + size)
        if end <= self._at:
            return b""
        s3, key = client("s3"), self._key
        with lake.translated(f"read {key}"):
            try:
                told = s3.get_object(
                    Bucket=config.current().bucket, Key=key, Range=f"bytes={self._at}-{end - 1}", IfMatch=self._tag
                )
                found = told["Body"].read()
            except s3.exceptions.ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] in {404, 412}:
                    raise StoreUnavailable(f"{key} was replaced while it was read.", hint=lake.LATER) from error
                raise
        self._at += len(found)
        return bytes(found)
