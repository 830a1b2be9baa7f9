"""What can be wrong with a file. The code is public and stable; ``docs/errors.md`` is made from these classes.

::

    ConversionError
    ├ FileMissing, FileUnreadable, EmptyFile, UnknownFormat, PasswordProtected, NoRows
    ├ BrokenFile           truncated or damaged container, workbook or JSON
    ├ UnsafeArchive        unpacks to more than the limits
    ├ ContainerUnsupported an archive of a kind that is not opened, or packed too often
    ├ MemberChoice         an archive without the member asked for
    ├ UnsupportedType      a type that cannot be read or stored
    ├ SheetNotFound        a workbook without the sheet asked for
    ├ EveryRowRejected     a workbook in which no row can be loaded
    ├ UndecidedEncoding    bytes that are no text in the encoding
    ├ LineTooLong          a record larger than the limit
    ├ NestedTooDeeply      structures inside structures beyond the limit
    ├ OutOfMemory          more memory needed than there is
    ├ WholeOnly            a file of a kind that cannot be looked at in part
    ├ OptionInvalid        what the caller fixed cannot be meant
    ├ ContractInvalid      a contract that cannot be meant
    ├ ContractBroken       a file that is not as the dataset's contract agrees
    │ ├ SchemaChanged      ... and may not be loaded
    │ └ ApprovalNeeded     ... and may be loaded if an Admin agrees
    ├ OutputFailed         the destination cannot be written
    ├ DiskFull             no room for the output or for unpacking
    ├ AccountingBroken     rows read and rows written do not add up
    ├ Interrupted          somebody stopped the conversion
    └ Unforeseen           a fault of the conversion itself
"""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from ingestion.errors import DataBridgeError, Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    from ingestion.conversion.contract.changes import Change

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class ConversionError(DataBridgeError):
    """The file cannot be converted as it is.

    Read the message: it names the place and the cure.
    """

    code: ClassVar[str] = "CONVERSION_ERROR"


class FileMissing(ConversionError):
    """There is no file at the path.

    Check the path; a folder, a device or a pipe is no file.
    """

    code: ClassVar[str] = "FILE_NOT_FOUND"


class FileUnreadable(ConversionError):
    """The file is there, but the operating system does not let it be read.

    Check its permissions and the disk.
    """

    code: ClassVar[str] = "FILE_UNREADABLE"


class EmptyFile(ConversionError):
    """The file, or what it unpacks to, has no bytes or only blanks.

    Export it again.
    """

    code: ClassVar[str] = "EMPTY_FILE"


class NoRows(ConversionError):
    """There is no table in the file.

    Check the export, or name the sheet or header row that is meant.
    """

    code: ClassVar[str] = "NO_ROWS"


class UnknownFormat(ConversionError):
    """The content is none of the known formats.

    Send CSV, JSON, a workbook or Parquet; each may be packed.
    """

    code: ClassVar[str] = "UNKNOWN_FORMAT"


class PasswordProtected(ConversionError):
    """The file can only be opened with a password.

    Save it without a password and send it again.
    """

    code: ClassVar[str] = "PASSWORD_PROTECTED"


class BrokenFile(ConversionError):
    """The file is cut off or damaged.

    Transfer or export it again; the message names the part and, where it is known, the line or byte.
    """

    code: ClassVar[str] = "BROKEN_FILE"


class UnsafeArchive(ConversionError):
    """The file unpacks to far more than a file of its size should.

    Send it unpacked, if it is really that large.
    """

    code: ClassVar[str] = "DECOMPRESSION_LIMIT"


class UnsupportedType(ConversionError):
    """A column's type, or a feature of the file, cannot be read or cannot be stored in Parquet.

    Export the column as another type; the message names it.
    """

    code: ClassVar[str] = "UNSUPPORTED_TYPE"


class ContainerUnsupported(ConversionError):
    """The container is of a kind that DataBridge does not open, or the file is packed too many times over.

    Send the file itself, or as zip or gzip.
    """

    code: ClassVar[str] = "CONTAINER_UNSUPPORTED"


class MemberChoice(ConversionError):
    """The archive has no such member, or several of that name.

    Name one of the files that the message lists with the option member.
    """

    code: ClassVar[str] = "MEMBER_CHOICE"


class SheetNotFound(ConversionError):
    """The workbook has no such sheet.

    Name one of the sheets that the message lists with the option sheet.
    """

    code: ClassVar[str] = "SHEET_NOT_FOUND"


class EveryRowRejected(ConversionError):
    """Every row of the sheet holds an error such as ``#N/A``, or a formula that was never calculated.

    Correct the cells that the message names; a workbook that a program has written is calculated when Excel opens
    and saves it.
    """

    code: ClassVar[str] = "EVERY_ROW_REJECTED"


class UndecidedEncoding(ConversionError):
    """Some bytes are not text in the file's encoding.

    Name the right encoding with the option encoding; the message tells the byte.
    """

    code: ClassVar[str] = "ENCODING_ERROR"


class LineTooLong(ConversionError):
    """One record is larger than a reader takes.

    Check quotes and line ends of the export: a record this long is nearly always two.
    """

    code: ClassVar[str] = "RECORD_TOO_LONG"


class NestedTooDeeply(ConversionError):
    """Structures inside structures go deeper than can be followed.

    Check the export for endless nesting.
    """

    code: ClassVar[str] = "NESTED_TOO_DEEPLY"


class OutOfMemory(ConversionError):
    """The file needs more memory than there is; formats that must be read whole can be too large.

    Split the file, or export it as CSV, which is read in pieces.
    """

    code: ClassVar[str] = "OUT_OF_MEMORY"


class OptionInvalid(ConversionError):
    """An option that the caller gave cannot be meant.

    Correct it, or leave it out to have it detected.
    """

    code: ClassVar[str] = "OPTION_INVALID"


class ContractInvalid(ConversionError):
    """A contract cannot be meant: a type, a policy, a name or a number in it is wrong.

    Correct what the message names.
    """

    code: ClassVar[str] = "CONTRACT_INVALID"


class ContractBroken(ConversionError):
    """The file is not as its dataset's contract agrees.

    The message names the column, what was agreed, what came and where.
    """

    code: ClassVar[str] = "CONTRACT_BROKEN"
    version: int = 0
    changes: tuple[Change, ...] = ()

    @classmethod
    def of(cls, version: int, changes: Sequence[Change], decisive: Sequence[Change]) -> Self:
        """Tell of the change that decides first, and count the others; keep all of them."""
        first, more = decisive[0], len(changes) - 1
        others = f" There {'is 1 other change' if more == 1 else f'are {more} other changes'}." if more else ""
        place = Place(line=first.line, column=first.column or None)
        error = cls(first.message + others, hint=first.hint, place=place)
        error.version, error.changes = version, tuple(changes)
        return error


class SchemaChanged(ContractBroken):
    """The file is not as its dataset's contract agrees, and the contract's policy is to fail.

    Correct the export and send the file again, or let an Admin change the policy.
    """

    code: ClassVar[str] = "SCHEMA_CHANGED"


class ApprovalNeeded(ContractBroken):
    """The file is not as its dataset's contract agrees, and the contract's policy is to ask.

    An Admin approves the change, and the file is loaded, or refuses it.
    """

    code: ClassVar[str] = "APPROVAL_NEEDED"


class OutputFailed(ConversionError):
    """The destination cannot be written.

    Check the path and its permissions.
    """

    code: ClassVar[str] = "OUTPUT_FAILED"


class DiskFull(ConversionError):
    """There is no room for the output, or for what the file unpacks to.

    Free some space and convert again.
    """

    code: ClassVar[str] = "DISK_FULL"


class AccountingBroken(ConversionError):
    """Rows read and rows written do not add up; nothing is published.

    Report this file as a fault.
    """

    code: ClassVar[str] = "ROWS_DO_NOT_ADD_UP"


class Interrupted(ConversionError):
    """Somebody stopped the conversion before it was done.

    Start it again when it suits.
    """

    code: ClassVar[str] = "INTERRUPTED"


class Unforeseen(ConversionError):
    """A fault of the conversion itself: the file met a case that nobody had thought of.

    Report this file as a fault; nothing was written.
    """

    code: ClassVar[str] = "CONVERSION_FAULT"


def unwritable(error: OSError, what: str) -> ConversionError:
    """Return the error for something that cannot be written: no room, or another reason."""
    if error.errno in _NO_ROOM:
        return DiskFull(f"{what} has no room left.", hint="Free some space and convert again.")
    reason = error.strerror or "the operating system refuses"
    return OutputFailed(f"{what} cannot be written: {reason}.", hint="Check the path and its permissions.")


@contextmanager
def translated(file: str) -> Iterator[None]:
    """Turn every failure inside into a ``ConversionError``: the one place where foreign errors end.

    ``KeyboardInterrupt``, ``SystemExit`` and other signals to stop pass through.
    """
    place = Place(file=file)
    try:
        yield
    except ConversionError:
        raise
    except MemoryError as error:
        raise OutOfMemory(
            "It needs more memory than there is.",
            hint="Split the file, or export it as CSV, which is read in pieces.",
            place=place,
        ) from error
    except RecursionError as error:
        raise NestedTooDeeply(
            "It is nested too deeply.", hint="Check the export for endless nesting.", place=place
        ) from error
    except OSError as error:
        raise _system_failure(error, place) from error
    except Exception as error:
        raise _unforeseen(error, place) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # how a library written in Rust dies: not an Exception
            raise
        raise BrokenFile(
            "It is damaged in a way that stops its reader.", hint="Export it again.", place=place
        ) from error


def _system_failure(error: OSError, place: Place) -> ConversionError:
    if error.errno in _NO_ROOM:
        return unwritable(error, "The disk")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return FileUnreadable("It may not be read.", hint="Check the permissions.", place=place)
    reason = error.strerror or "the operating system gives no reason"
    return FileUnreadable(f"It cannot be read: {reason}.", hint="Check the path and the disk.", place=place)


def _unforeseen(error: Exception, place: Place) -> Unforeseen:
    """Name the kind of the fault only: its message may hold what the file holds."""
    kind = type(error).__name__
    return Unforeseen(
        f"The conversion met a case that it does not know ({kind}).",
        hint="Nothing was written; please report this file as a fault.",
        place=place,
    )
