"""The stage bar of a job's page: which stages are done, which runs, where it failed, and what each one took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingestion.models import Job

STAGES = ("fetch", "detect", "read", "type", "validate", "write", "publish")
# One pass over the file does these together: a part is read, typed and written before the next one is read. Before it
# the types are settled, which reads the file too; the attempt calls that "type".
_TOGETHER = ("read", "type", "write")
_AFTER_FETCH = {"ALREADY_LOADED", "BEING_LOADED"}  # no fault of a stage: the file is here and goes no further
_FAULTS_OF_TYPES = {"UNSUPPORTED_TYPE"}  # what else fails while types are settled is a file that cannot be read
# the file was read, and is not as its dataset agrees
_FAULTS_OF_VALUES = {
    "APPROVAL_NEEDED",
    "CHANGE_REFUSED",
    "CONTROL_TOTALS_MISMATCH",
    "REJECTS_OVER_LIMIT",
    "RULE_BROKEN",
    "RULE_COLUMN_MISSING",
    "SCHEMA_CHANGED",
}
WORDS = {
    "asked": "waits for approval",
    "done": "done",
    "now": "running",
    "failed": "failed here",
    "stopped": "stopped here",
    "begun": "not finished",
    "waiting": "not yet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage: its name, its state (a key of ``WORDS``), and what it took and came to where that is known."""

    name: str
    state: str
    seconds: float | None
    bytes: int | None
    rows: int | None
    share: int | None

    @property
    def word(self) -> str:
        """Return the state for people."""
        return WORDS[self.state]


def stages(job: Job) -> list[Stage]:
    """Return the stages of a job's last attempt."""
    progress: dict[str, Any] = job.progress or {}
    found: dict[str, dict[str, Any]] = progress.get("stages") or {}
    present, code = progress.get("stage"), (job.error or {}).get("code")
    if code in _AFTER_FETCH:
        return [_stage(name, "done" if name == "fetch" else "waiting", {}, found) for name in STAGES]
    if job.approval or code in _FAULTS_OF_VALUES:
        at = "asked" if job.approval else "failed"
        states = {"validate": at, "publish": "waiting", "write": "begun" if "write" in found else "waiting"}
        return [_stage(name, states.get(name, "done"), {}, found) for name in STAGES]
    if present is None and job.started_at and job.status != "SUCCESS":
        present = "fetch"  # the first bytes have not come yet
    if present == "type" and job.status != "RUNNING" and code not in _FAULTS_OF_TYPES:
        present, found = "read", {("read" if name == "type" else name): took for name, took in found.items()}
    told = {**progress, "stage": present}
    return [_stage(name, _state(job.status, present, name, found), told, found) for name in STAGES]


def _stage(name: str, state: str, progress: dict[str, Any], found: dict[str, dict[str, Any]]) -> Stage:
    took = found.get(name) or {}
    is_now = state == "now" and name == progress.get("stage")
    done, total = progress.get("bytes"), progress.get("bytes_total")
    return Stage(
        name=name,
        state=state,
        seconds=took.get("seconds"),
        bytes=took.get("bytes") if name in {"fetch", "read", "publish"} else None,
        rows=took.get("rows") if name in {"read", "write"} else None,
        share=min(100, int(100 * done / total)) if is_now and done and total else None,
    )


def _state(status: str, present: str | None, name: str, found: dict[str, Any]) -> str:
    """Tell how far a stage is, from the stage that the attempt told of last."""
    if status == "SUCCESS":
        return "done" if name in found or not found else "waiting"
    if present not in STAGES:
        return "waiting"
    at = {"RUNNING": "now", "PENDING": "failed", "FAILED": "failed", "CANCELLED": "stopped"}[status]
    if name == present:
        return at
    if present in _TOGETHER and name in _TOGETHER:
        return _beside(status, present, name, found)
    order = ("fetch", "detect", *_TOGETHER, "validate", "publish")
    return "done" if order.index(name) < order.index(present) else "waiting"


def _beside(status: str, present: str, name: str, found: dict[str, Any]) -> str:
    """Tell how far a stage is that goes on together with the present one."""
    if present == "type":  # the types are being settled, or could not be: nothing is written yet
        return "waiting" if name == "write" else "now" if status == "RUNNING" else "done"
    if status == "RUNNING":
        return "now"
    return "done" if name == "type" and name in found else "begun" if name in found else "waiting"
