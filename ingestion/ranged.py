"""An object of the lake as a file that is read in parts, so that Parquet's reader fetches only what it needs of it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from databridge import config
from databridge.aws import client
from ingestion import lake
from ingestion.errors import ObjectMissing, StoreUnavailable

if TYPE_CHECKING:
    import pyarrow as pa


def parquet_source(key: str) -> pa.PythonFile:
    """Return an object for Parquet's reader. Raises ``ObjectMissing``, while it is read ``StoreUnavailable`` too."""
    import pyarrow as pa

    return pa.PythonFile(_Ranged(key), mode="r")


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
