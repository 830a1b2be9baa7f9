"""What can go wrong between a source and the raw store.

::

    SourceError
    ├ SourceInvalid         a field of the source is missing or wrong
    ├ BlockedAddress        the network guard refuses the address
    ├ SourceUnreachable ↻   the connection was refused or broke
    │ ├ SourceTimeout ↻     nobody answered in time
    │ └ SourceHostUnknown ↻ the name has no address
    ├ SourceBusy ↻          429, a 5xx answer, or too many connections; keeps what Retry-After asks
    ├ SourceTruncated ↻     fewer bytes than announced
    ├ SourceChanged ↻       the file is not the one whose transfer began
    ├ SourceUnsettled ↻     somebody still writes the file
    ├ TlsRefused            the certificate does not hold
    ├ HostKeyRefused        the SFTP server's key is not the pinned one
    ├ SourceDenied          without the right to read
    │ └ SourceLoginRefused  wrong user, password, key or token
    ├ SourceFileMissing     no such file
    ├ SourceAmbiguous       a pattern names several files where one is wanted
    ├ SourceRefused         another refusal of the other side
    └ SourceTooLarge        more bytes than the limit

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


class SourceTimeout(SourceUnreachable):
    """The other side did not answer in time, or fell silent."""

    code: ClassVar[str] = "SOURCE_TIMEOUT"


class SourceHostUnknown(SourceUnreachable):
    """The name has no address. DNS may be out of order for a while, so a retry can cure it."""

    code: ClassVar[str] = "SOURCE_HOST_UNKNOWN"


class SourceBusy(SourceError):
    """The other side asks to come back later; ``retry_after_s`` keeps when, if it told."""

    code: ClassVar[str] = "SOURCE_BUSY"
    retryable: ClassVar[bool] = True

    def __init__(self, what: str, *, hint: str = "It is tried again.", retry_after_s: float | None = None) -> None:
        """Keep the time that the other side asks for, in seconds."""
        super().__init__(what, hint=hint)
        self.retry_after_s = retry_after_s


class SourceTruncated(SourceError):
    """The transfer ended before all announced bytes had come."""

    code: ClassVar[str] = "SOURCE_TRUNCATED"
    retryable: ClassVar[bool] = True


class SourceChanged(SourceError):
    """The file was replaced or written to while it was fetched; what came is a mix and is not used."""

    code: ClassVar[str] = "SOURCE_CHANGED"
    retryable: ClassVar[bool] = True


class SourceUnsettled(SourceError):
    """The file is still being written, or its flag is not there yet."""

    code: ClassVar[str] = "SOURCE_UNSETTLED"
    retryable: ClassVar[bool] = True


class TlsRefused(SourceError):
    """The certificate does not hold for this name."""

    code: ClassVar[str] = "SOURCE_TLS"


class HostKeyRefused(SourceError):
    """The SFTP server's host key is not pinned, or another than the pinned one."""

    code: ClassVar[str] = "SOURCE_HOST_KEY"


class SourceDenied(SourceError):
    """The file may not be read by this user."""

    code: ClassVar[str] = "SOURCE_DENIED"


class SourceLoginRefused(SourceDenied):
    """Signing in failed."""

    code: ClassVar[str] = "SOURCE_LOGIN"


class SourceFileMissing(SourceError):
    """There is no such file."""

    code: ClassVar[str] = "SOURCE_FILE_MISSING"


class SourceAmbiguous(SourceError):
    """A pattern names several files where one job takes one."""

    code: ClassVar[str] = "SOURCE_AMBIGUOUS"


class SourceRefused(SourceError):
    """The other side refused for a reason of its own."""

    code: ClassVar[str] = "SOURCE_REFUSED"


class SourceTooLarge(SourceError):
    """More bytes than this stage takes."""

    code: ClassVar[str] = "SOURCE_TOO_LARGE"
