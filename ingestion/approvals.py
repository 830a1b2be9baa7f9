"""Jobs that wait for a person: their file would change the dataset's contract, and its policy is to ask.

Such a job is PENDING and nobody's to look after: no worker takes it and no sweep sends it, until an Admin has
approved the change, which makes the contract's next version and sends the job again, or refused it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ingestion import contracts, lake, lifecycle, metrics
from ingestion.errors import ChangeRefused, JobMoveRefused
from ingestion.models import WATCHED, Job
from ingestion.moves import NOT_CANCELLED, LeaseLost, Line, move, new_move_id, now, transact
from ingestion.words import counted

if TYPE_CHECKING:
    from pynamodb.expressions.update import Action
    from pynamodb.transactions import TransactWrite

    from ingestion.conversion.errors import ContractBroken
    from ingestion.moves import Also

SHOWN = 50
_HIDDEN = ("data",)


def keep(job: Job, error: ContractBroken) -> list[dict[str, Any]]:
    """Keep the changes of a file that is not loaded for who looks at them; return them as JSON."""
    changes = [change.as_dict() for change in error.changes]
    lake.put_json(lake.about_key(job.job_id, "changes.json"), {"contract_version": error.version, "changes": changes})
    return changes


def ask(job: Job, error: ContractBroken) -> bool:
    """Move RUNNING → PENDING until an Admin has decided; False when a person asked to stop it meanwhile."""
    changes = keep(job, error)
    asked = [change for change in changes if change["outcome"] == "ask"]
    approval = {
        "contract_version": error.version,
        "asked_at": now().isoformat(),
        "total": len(changes),
        "changes": [{name: told for name, told in one.items() if name not in _HIDDEN} for one in changes[:SHOWN]],
    }
    gone = (Job.watch, Job.due_at, Job.waiting_since, Job.next_retry_at, Job.lease_owner, Job.lease_until)
    moved = move(
        job,
        "PENDING",
        [
            Job.approval.set(approval),
            Job.error.remove(),
            Job.attempt.set(job.attempt - 1),
            *(attribute.remove() for attribute in gone),
        ],
        condition=(Job.lease_owner == job.lease_owner) & NOT_CANCELLED,
        line=Line(
            stage="asking",
            level="warning",
            message=f"The file is not as agreed in version {error.version} of the contract of {job.dataset}: "
            f"{' '.join(change['message'] for change in asked[:3])}"
            f"{' There are more changes.' if len(asked) > 3 else ''} Nothing is loaded until an Admin approves "
            f"{counted(len(asked), 'change')} on this job's page, or refuses.",
            data={"changes": approval["changes"]},
        ),
    )
    if moved:
        return True
    present = lifecycle.get(job.job_id)
    if present.status == "RUNNING" and present.lease_owner == job.lease_owner and present.cancel_requested:
        return False
    raise LeaseLost


def approve(job_id: str, by: str, also: Also | None = None) -> Job:
    """Make the contract's next version from the job's changes, and let a worker take it; raises ``JobMoveRefused``.

    Where the contract has changed since it was asked, the file is held against the present one first. ``also`` is
    written in the same transaction.
    """
    job = _waiting(job_id)
    told = lake.get_json(lake.about_key(job_id, "changes.json")) or {"changes": []}
    version, move_id = int(job.approval["contract_version"]), new_move_id()
    asked_at = job.approval["asked_at"]
    line = Line(stage="approved", message=f"{by} approved the changes to the contract. The job waits for a worker.")
    outdated = Line(
        stage="approved",
        message=f"{by} approved the changes, but the contract has a newer version than {version} by now. The file is "
        "held against that one; the job waits for a worker.",
    )

    def released(line: Line) -> Also:
        event = line.event(job_id)
        actions: list[Action] = [
            Job.approval.remove(),
            Job.watch.set(WATCHED),
            Job.due_at.set(time.time() + lifecycle.CLAIM_WITHIN_S),
            Job.waiting_since.set(now()),
            Job.move_id.set(move_id),
        ]
        condition = (Job.status == "PENDING") & Job.approval.exists() & NOT_CANCELLED

        def write(transaction: TransactWrite) -> None:
            transaction.update(job, actions=actions, condition=condition)
            transaction.save(event)
            if also:
                also(transaction)

        return write

    done = contracts.approve(job_id, job.dataset, version, told["changes"], by=by, also=released(line))
    if not done:
        _waiting(job_id, asked_at)
        done = transact(released(outdated), job_id=job_id, move_id=move_id)
    if not done:
        raise _too_late(job_id)
    job.refresh(consistent_read=True)
    return job


def refuse(job_id: str, by: str, also: Also | None = None) -> Job:
    """Move PENDING → FAILED for a job whose changes an Admin does not want; raises ``JobMoveRefused``."""
    job = _waiting(job_id)
    first = next((change["message"] for change in job.approval["changes"] if change["outcome"] == "ask"), "")
    error = ChangeRefused(
        f"{by} refused what the file would change of the contract of {job.dataset}. {first}",
        hint="Correct the export and send the file again.",
    )
    told = lifecycle.told_of(error)
    line = Line(
        stage="refused",
        level="error",
        message=f"{error.what} (Code {error.code}.) Nothing was loaded.",
        data={"error": told},
    )
    actions = [Job.error.set(told), *lifecycle.ending(now())]
    if not move(job, "FAILED", actions, line=line, condition=Job.approval.exists() & NOT_CANCELLED, also=also):
        raise _too_late(job_id)
    metrics.ended(job, code=error.code)
    return job


def _waiting(job_id: str, asked_at: str = "") -> Job:
    """Return a job that waits for an approval, of a moment if one is named; raises ``JobMoveRefused``."""
    job = lifecycle.get(job_id)
    is_asked = job.status == "PENDING" and job.approval and not job.cancel_requested
    if not is_asked or (asked_at and job.approval["asked_at"] != asked_at):
        raise _too_late(job_id)
    return job


def _too_late(job_id: str) -> JobMoveRefused:
    return JobMoveRefused(
        f"The job is {lifecycle.get(job_id).status} and does not wait for an approval.",
        hint="Reload the page; somebody may have decided already.",
    )
