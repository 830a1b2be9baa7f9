"""What can be wrong with a file. The code is public and stable; ``docs/errors.md`` is made from these classes.

::

    ConversionError
    ├ FileMissing, EmptyFile, UnknownFormat, PasswordProtected, NoRows
    ├ BrokenFile           truncated or damaged container, workbook or JSON
    ├ UnsafeArchive        unpacks to more than the limits
    ├ UnsupportedType      a column or feature that cannot be read or that Parquet cannot store
    ├ MemberChoice         an archive with several members, or without the one asked for
    ├ SheetNotFound        a workbook without the sheet asked for
    ├ UndecidedEncoding    bytes that are no text in the encoding
    ├ LineTooLong          a record larger than the limit
    ├ NestedTooDeeply      JSON with more levels than a reader follows
    ├ OutputFailed         the destination cannot be written
    └ AccountingBroken     rows read and rows written do not add up
"""

from __future__ import annotations

from typing import ClassVar

from ingestion.errors import DataBridgeError


class ConversionError(DataBridgeError):
    """The file cannot be converted as it is."""

    code: ClassVar[str] = "CONVERSION_ERROR"


class FileMissing(ConversionError):
    """There is no readable file at the path."""

    code: ClassVar[str] = "FILE_NOT_FOUND"


class EmptyFile(ConversionError):
    """The file, or what it unpacks to, has no bytes or only blanks."""

    code: ClassVar[str] = "EMPTY_FILE"


class NoRows(ConversionError):
    """There is no table in the file."""

    code: ClassVar[str] = "NO_ROWS"


class UnknownFormat(ConversionError):
    """The content is none of the known formats."""

    code: ClassVar[str] = "UNKNOWN_FORMAT"


class PasswordProtected(ConversionError):
    """The file can only be opened with a password."""

    code: ClassVar[str] = "PASSWORD_PROTECTED"


class BrokenFile(ConversionError):
    """The file is cut off or damaged."""

    code: ClassVar[str] = "BROKEN_FILE"


class UnsafeArchive(ConversionError):
    """The file unpacks to far more than a file of its size should."""

    code: ClassVar[str] = "DECOMPRESSION_LIMIT"


class UnsupportedType(ConversionError):
    """A column's type, or a feature of the file, cannot be read or cannot be stored in Parquet."""

    code: ClassVar[str] = "UNSUPPORTED_TYPE"


class MemberChoice(ConversionError):
    """The archive does not have exactly one file to choose."""

    code: ClassVar[str] = "MEMBER_CHOICE"


class SheetNotFound(ConversionError):
    """The workbook has no such sheet."""

    code: ClassVar[str] = "SHEET_NOT_FOUND"


class UndecidedEncoding(ConversionError):
    """Some bytes are not text in the file's encoding."""

    code: ClassVar[str] = "ENCODING_ERROR"


class LineTooLong(ConversionError):
    """One record is larger than a reader takes."""

    code: ClassVar[str] = "RECORD_TOO_LONG"


class NestedTooDeeply(ConversionError):
    """JSON has more levels of brackets than a reader follows."""

    code: ClassVar[str] = "NESTED_TOO_DEEPLY"


class OutputFailed(ConversionError):
    """The destination cannot be written."""

    code: ClassVar[str] = "OUTPUT_FAILED"


class AccountingBroken(ConversionError):
    """Rows read and rows written do not add up; nothing is published."""

    code: ClassVar[str] = "ROWS_DO_NOT_ADD_UP"
