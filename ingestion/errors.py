"""What every failure of DataBridge has in common: a stable code, what happened, where, and the next step.

The tree (each package draws its own branch in its ``errors.py``)::

    DataBridgeError
    ├ ConversionError   ingestion.conversion.errors: the file
    ├ SourceError       ingestion.sources.errors: where the file comes from
    ├ StoreError        the lake or the job store
    ├ JobError          a job that cannot do what was asked
    └ ContractMissing, ContractConflict, ContractFixed   a dataset's contract
"""

from __future__ import annotations

from typing import ClassVar

from ingestion.slotted import named, slotted


@slotted(frozen=True, kw_only=True)
class Place:
    """Where in the input something stands. ``line`` counts lines as an editor shows them, ``row`` the records of a
    file that has no lines; both from 1.
    """

    file: str | None = None
    member: str | None = None
    sheet: str | None = None
    line: int | None = None
    row: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        """Render as ``orders.csv, line 12, column "Amount"``; empty when nothing is known."""
        parts = [self.file, self.member and f"member {self.member}", self.sheet and f'sheet "{self.sheet}"']
        parts += [f"line {self.line}" if self.line else None, f"row {self.row}" if self.row else None]
        parts += [self.column and f'column "{self.column}"']
        return ", ".join(part for part in parts if part)

    def as_dict(self) -> dict[str, str | int]:
        """Return the known parts, for JSON."""
        return {name: value for name, value in named(self).items() if value is not None}


class DataBridgeError(Exception):
    """The operation stops; the person is told ``what``, ``place`` and the ``hint`` that cures it.

    ``code`` is public and stable. ``retryable`` says whether the same attempt may succeed later
    without anybody changing anything.
    """

    code: ClassVar[str] = "INTERNAL"
    retryable: ClassVar[bool] = False
    http_status: ClassVar[int] = 400

    def __init__(self, what: str, *, hint: str = "", place: Place | None = None) -> None:
        """Keep the three answers apart, so that pages, API and commands can each lay them out."""
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.place = place

    def __str__(self) -> str:
        """Render on one line that any terminal can show: where, what, next step."""
        where = f"{self.place}: " if self.place and str(self.place) else ""
        cure = f" {self.hint}" if self.hint else ""
        line = " ".join(f"{where}{self.what}{cure}".split())
        return line if line.isprintable() else "".join(sign if sign.isprintable() else "\ufffd" for sign in line)


class StoreError(DataBridgeError):
    """The lake or the job store did not answer as it must."""

    code = "STORE_ERROR"
    http_status = 500


class StoreUnavailable(StoreError):
    """S3 or DynamoDB is throttling or out of reach; the same call may succeed later."""

    code = "STORE_UNAVAILABLE"
    retryable = True
    http_status = 503


class StoreDamaged(StoreError):
    """What lies on S3 is not what was sent there; nothing was published."""

    code = "STORE_DAMAGED"
    retryable = True


class ObjectMissing(StoreError):
    """An object that the job's record names is not in the lake."""

    code = "OBJECT_MISSING"


class JobError(DataBridgeError):
    """A job cannot do what was asked of it."""

    code = "JOB_ERROR"


class WorkerLost(JobError):
    """The worker vanished without a word, in the last attempt the job had."""

    code = "WORKER_LOST"


class JobMissing(JobError):
    """There is no such job, or it is not the caller's to see."""

    code = "JOB_NOT_FOUND"
    http_status = 404


class JobMoveRefused(JobError):
    """The job's state does not allow this step."""

    code = "JOB_STATE_CONFLICT"
    http_status = 409


class IdempotencyConflict(JobError):
    """The same Idempotency-Key came with a different request."""

    code = "IDEMPOTENCY_KEY_REUSED"
    http_status = 409


class BadRequest(DataBridgeError):
    """The request itself is wrong: a missing field, a bad name."""

    code = "BAD_REQUEST"
    http_status = 400


class ContractMissing(DataBridgeError):
    """There is no such dataset, or it has no contract yet."""

    code = "CONTRACT_NOT_FOUND"
    http_status = 404


class ContractConflict(DataBridgeError):
    """Somebody else has changed the dataset's contract meanwhile."""

    code = "CONTRACT_CONFLICT"
    http_status = 409


class ContractFixed(DataBridgeError):
    """The dataset has loads that the change would contradict."""

    code = "CONTRACT_FIXED"
    http_status = 409


class ChangeRefused(JobError):
    """An Admin refused what the file would change of its dataset's contract."""

    code = "CHANGE_REFUSED"
