"""What the log of a job says of its moves, in parts of sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestion import words
from ingestion.moves import now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestion.errors import DataBridgeError
    from ingestion.models import Job

WORTH_A_WORD_S = 2


def waited(job: Job) -> str:
    """Say how long the job waited for a worker, where that is worth a word."""
    seconds = (now() - job.waiting_since).total_seconds() if job.waiting_since else 0
    return f" after {words.seconds(seconds)} of waiting" if seconds >= WORTH_A_WORD_S else ""


def done(job: Job, took_s: float, rows: Mapping[str, Any], output_path: str | None) -> str:
    """Say what was loaded, in what time, and where it is."""
    if not output_path:
        return "Done: there was nothing new to load."
    return (
        f"Done, {words.seconds(took_s)} after a worker took the job. Of {words.counted(rows['read'], 'row')} read, "
        f"{rows['loaded']:,} are now in dataset {job.dataset}, at {output_path}."
    )


def why_no_more(job: Job, error: DataBridgeError) -> str:
    """Say why no further attempt is made after an error."""
    if error.retryable:
        return f"That was attempt {job.attempt} of {job.max_attempts}, the last one, so the job ends here."
    return "Another attempt would end the same way, so the job ends here."


def kept(job: Job) -> str:
    """Say that a retry has the file, where it was kept."""
    return " The file is kept as it came; a retry reads it without fetching it again." if job.raw_path else ""
