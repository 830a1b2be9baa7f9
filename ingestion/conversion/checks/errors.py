"""What a dataset's promises can stop a load with; nothing is published then.

::

    ConversionError
    ├ RuleInvalid           a rule, limit or total that cannot be meant
    ├ RuleColumnMissing     a rule for a column that the file does not have
    ├ RuleBroken            a rule of severity fail does not hold
    ├ RejectsOverLimit      more rows set aside than the dataset allows
    ├ TotalsMismatch        the file is not what its control totals say
    └ CorrectionsInvalid    corrected rejects that cannot be read
"""

from __future__ import annotations

from typing import ClassVar

from ingestion.conversion.errors import ConversionError


class RuleInvalid(ConversionError):
    """A rule, a limit of rejects or a control total is not written as it must be.

    Correct what the message names; docs/rejects.md lists every kind with its parameters.
    """

    code: ClassVar[str] = "RULE_INVALID"


class RuleColumnMissing(ConversionError):
    """A rule, a sum or a lineage column names a column that the file does not have, or has already.

    Correct the name in the contract, or send the file with that column.
    """

    code: ClassVar[str] = "RULE_COLUMN_MISSING"


class RuleBroken(ConversionError):
    """A rule of severity "fail" does not hold, so nothing of the file was loaded.

    Correct the file at the place and send it again, or change the rule's severity.
    """

    code: ClassVar[str] = "RULE_BROKEN"


class RejectsOverLimit(ConversionError):
    """More rows were set aside than the dataset allows, so nothing of the file was loaded.

    Look at the rejects: correct the file and send it again, or load the good rows and correct the others in the page.
    """

    code: ClassVar[str] = "REJECTS_OVER_LIMIT"


class TotalsMismatch(ConversionError):
    """The file does not have the rows, sums or bytes that its control totals say; nothing of it was loaded.

    The file was cut off or changed on its way, or the totals are those of another file: send both again.
    """

    code: ClassVar[str] = "CONTROL_TOTALS_MISMATCH"


class CorrectionsInvalid(ConversionError):
    """Corrected rejects cannot be read, or name rows or columns that the job has not set aside.

    Download the rejects again, correct the cells in them, and leave the other columns as they are.
    """

    code: ClassVar[str] = "CORRECTIONS_INVALID"
