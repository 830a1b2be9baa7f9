"""What can go wrong between a source and the raw store.

::

    SourceError
    ├ SourceInvalid       a field of the source is missing or wrong
    ├ BlockedAddress      the network guard refuses the address
    ├ SourceUnreachable ↻ refused, timed out or no such host
    ├ SourceBusy ↻        429 or a 5xx answer
    ├ SourceTruncated ↻   fewer bytes than announced
    ├ TlsRefused          the certificate does not hold
    ├ SourceDenied        wrong password, or no right to read
    ├ SourceFileMissing   no such file
    ├ SourceRefused       another refusal of the other side
    └ SourceTooLarge      more bytes than the limit

↻ a retry can cure it.
"""

from __future__ import annotations

from typing import ClassVar

from ingestion.errors import DataBridgeError


class SourceError(DataBridgeError):
    """The bytes could not be fetched."""

    code: ClassVar[str] = "SOURCE_ERROR"


class SourceInvalid(SourceError):
    """A field of the source is missing or cannot be meant."""

    code: ClassVar[str] = "SOURCE_INVALID"


class BlockedAddress(SourceError):
    """The address is not one that this stage may fetch from."""

    code: ClassVar[str] = "BLOCKED_ADDRESS"


class SourceUnreachable(SourceError):
    """Nobody answers there."""

    code: ClassVar[str] = "SOURCE_UNREACHABLE"
    retryable: ClassVar[bool] = True


class SourceBusy(SourceError):
    """The other side asks to come back later."""

    code: ClassVar[str] = "SOURCE_BUSY"
    retryable: ClassVar[bool] = True


class SourceTruncated(SourceError):
    """The transfer ended before all announced bytes had come."""

    code: ClassVar[str] = "SOURCE_TRUNCATED"
    retryable: ClassVar[bool] = True


class TlsRefused(SourceError):
    """The certificate does not hold for this name."""

    code: ClassVar[str] = "SOURCE_TLS"


class SourceDenied(SourceError):
    """Signing in failed, or the file may not be read."""

    code: ClassVar[str] = "SOURCE_DENIED"


class SourceFileMissing(SourceError):
    """There is no such file."""

    code: ClassVar[str] = "SOURCE_FILE_MISSING"


class SourceRefused(SourceError):
    """The other side refused for a reason of its own."""

    code: ClassVar[str] = "SOURCE_REFUSED"


class SourceTooLarge(SourceError):
    """More bytes than this stage takes."""

    code: ClassVar[str] = "SOURCE_TOO_LARGE"
