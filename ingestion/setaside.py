"""The rows that a job has set aside: kept in the lake, counted in the job's record, open until somebody settles them.

A row is settled when a replay has loaded it, or when a person has dismissed it with a reason. One replay at a time
holds a row; every change of who holds what is a conditional write on the first job, so that no row is loaded twice.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from ingestion import lake, lifecycle, staging
from ingestion.conversion.checks.corrections import as_csv, as_ranges, of_ranges, packed
from ingestion.errors import BadRequest, JobError, ObjectMissing
from ingestion.models import REJECTS_OPEN, Job
from ingestion.moves import now

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from pynamodb.expressions.update import Action
    from pynamodb.transactions import TransactWrite

    from ingestion.moves import Also

PAGE = 500
LISTED = 20_000
TABLE, CSV = "rejects.parquet", "rejects.csv"
LISTS = ("loaded", "held", "dismissed", "replays")
LONGEST_IN_RECORD = 20_000  # characters: DynamoDB takes records of up to 400 KB, and a list of jobs reads many
ENDED = frozenset({"FAILED", "CANCELLED"})


class RejectsHeld(JobError):
    """Rows that were set aside are being loaded by another job already, or are settled.

    Reload the page: it tells what became of each row.
    """

    code: ClassVar[str] = "REJECTS_SETTLED"
    http_status: ClassVar[int] = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What became of a job's rows that were set aside, by their numbers.

    ``refused`` says that the job ended without loading anything, because of them. ``held`` are rows by the replay that
    is to load them, ``dismissed`` who gave up which of them, and why; ``given_up`` are these rows together.
    ``replays`` are the jobs that have loaded some.
    """

    total: int = 0
    entries: int = 0
    columns: tuple[str, ...] = ()
    refused: bool = False
    loaded: frozenset[int] = frozenset()
    held: Mapping[str, frozenset[int]] = field(default_factory=dict)
    dismissed: tuple[Mapping[str, Any], ...] = ()
    given_up: frozenset[int] = frozenset()
    replays: tuple[str, ...] = ()
    version: int = 0

    @classmethod
    def of(cls, job: Job) -> State | None:
        """Return a job's; None where it has set nothing aside. Reads the lake where the lists are long."""
        if not job.rejects:
            return None
        told = _with_lists(job.rejects)
        dismissed = tuple(told.get("dismissed", ()))
        return cls(
            total=told["total"],
            entries=told.get("entries", told["total"]),
            columns=tuple(told.get("columns", ())),
            refused=bool(told.get("refused")),
            loaded=frozenset(of_ranges(told.get("loaded", ""))),
            held={name: frozenset(of_ranges(rows)) for name, rows in told.get("held", {}).items()},
            dismissed=dismissed,
            given_up=frozenset(row for one in dismissed for row in of_ranges(one["rows"])),
            replays=tuple(told.get("replays", ())),
            version=int(job.rejects_version or 0),
        )

    @property
    def open(self) -> int:
        """How many rows nobody has settled."""
        return 0 if self.refused else self.total - len(self.loaded) - len(self.given_up)

    def as_dict(self) -> dict[str, Any]:
        """Return it as the API tells it, with rows as ranges such as ``1-5,7``."""
        return {
            "total": self.total,
            "entries": self.entries,
            "columns": list(self.columns),
            "refused": self.refused,
            "open": self.open,
            "loaded": as_ranges(self.loaded),
            "held": {name: as_ranges(rows) for name, rows in self.held.items() if rows},
            "dismissed": [{**one, "rows": as_ranges(of_ranges(one["rows"]))} for one in self.dismissed],
            "replays": list(self.replays),
        }

    def writing(self, job_id: str) -> Also:
        """Return the write of this in place of what was read before; it is refused where that has changed.

        Long lists are put into the lake first, as a document of a name of its own that the record then gives. So a
        write that is refused has changed nothing, and no record grows with its rows.
        """
        told = self.as_dict()
        lists = {name: told[name] for name in LISTS}
        if len(json.dumps(lists)) > LONGEST_IN_RECORD:
            key = lake.about_key(job_id, f"rejects/settled-{self.version + 1}-{uuid.uuid4().hex}.json")
            lake.put_json(key, _packed(lists))
            told = {name: value for name, value in told.items() if name not in LISTS} | {"lists": key}

        def write(transaction: TransactWrite) -> None:
            actions: list[Action] = [Job.rejects.set(told), Job.rejects_version.set(self.version + 1)]
            actions += [] if self.open else [Job.watch.remove(), Job.due_at.remove()]
            transaction.update(Job(job_id), actions=actions, condition=Job.rejects_version == self.version)

        return write


def _packed(lists: Mapping[str, Any]) -> dict[str, Any]:
    return dict(lists) | {
        "loaded": packed(lists["loaded"]),
        "held": {name: packed(rows) for name, rows in lists["held"].items()},
        "dismissed": [one | {"rows": packed(one["rows"])} for one in lists["dismissed"]],
    }


def _with_lists(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a record keeps, with the lists that stand in the lake; raises ``ObjectMissing``."""
    if "lists" not in told:
        return told
    lists = lake.get_json(told["lists"])
    if lists is None:  # taken for empty, they would let rows be loaded twice
        raise ObjectMissing(
            f"{lake.uri(told['lists'])}, which tells what became of the rows set aside, is not in the lake.",
            hint="Restore the object from the bucket's versions.",
        )
    return {**told, **lists}


def shown(told: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what a record keeps as the API shows a job, without reading the lake: long lists are null."""
    if not told:
        return None
    facts = {name: value for name, value in told.items() if name != "lists"}
    return facts | dict.fromkeys(LISTS) if "lists" in told else facts


# ---- what the worker keeps -----------------------------------------------------------------------


def keep(job: Job, path: Path, *, refused: bool = False) -> State | None:
    """Keep the rejects of a conversion in the lake, for programs, spreadsheets and pages; None where there are none.

    ``path`` is the Parquet file of them.
    """
    if not path.exists():
        return None
    total = entries = 0
    names: dict[str, None] = {}
    page: list[dict[str, Any]] = []
    for one in read(path):
        names |= dict.fromkeys(json.loads(one["raw"] or "{}"))
        total, entries = max(total, one["row"]), entries + 1
        page.append(one)
        if len(page) == PAGE and entries <= LISTED:
            lake.put_json(_page_key(job.job_id, entries // PAGE - 1), page)
            page = []
        elif entries > LISTED:
            page = []
    if page:
        lake.put_json(_page_key(job.job_id, entries // PAGE), page)
    table = (line.encode() for line in as_csv(read(path), list(names)))
    staging.StagedObject.sent(lake.about_key(job.job_id, CSV), table).publish()
    staging.StagedObject.sent(lake.about_key(job.job_id, TABLE), lake.read_blocks(path)).publish()
    return State(
        total=total, entries=entries, columns=tuple(names), refused=refused, version=int(job.rejects_version or 0)
    )


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rejects of a Parquet file, in the order of their rows."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(PAGE):
            yield from batch.to_pylist()


def _page_key(job_id: str, number: int) -> str:
    return lake.about_key(job_id, f"rejects/{number:04d}.json")


def page_of(job: Job, state: State, start: int, limit: int) -> list[dict[str, Any]]:
    """Return some rejects of a job, each with what became of its row; ``start`` counts from 0."""
    stop = min(start + limit, state.entries, LISTED)
    found: list[dict[str, Any]] = []
    for number in range(start // PAGE, (max(stop - 1, start)) // PAGE + 1):
        found += lake.get_json(_page_key(job.job_id, number)) or []
    first = start // PAGE * PAGE
    return [one | {"state": state_of(state, one["row"])} for one in found[start - first : stop - first]]


def state_of(state: State, row: int) -> str:
    """Return what became of a row: ``open``, ``loaded``, ``loading``, ``dismissed``, or ``refused`` with all others."""
    if state.refused:
        return "refused"
    if row in state.loaded:
        return "loaded"
    if row in state.given_up:
        return "dismissed"
    return "loading" if any(row in rows for rows in state.held.values()) else "open"


# ---- what a person does --------------------------------------------------------------------------


def settled(job: Job) -> State:
    """Return the state of a job whose rows can be settled; raises ``RejectsHeld``."""
    state = State.of(job)
    if state is None or job.status != "SUCCESS" or state.refused:
        raise RejectsHeld(
            "The job has no rows that could be loaded: it set none aside, or it loaded nothing at all.",
            hint="A job that failed because of its rejects can be sent again with its rejects accepted.",
        )
    return state


def hold(job: Job, rows: Iterable[int], by: Job) -> Also:
    """Let a new job be the replay of rows of a first one, and return the writes by which it holds them.

    Raises ``BadRequest`` or ``RejectsHeld``. The job names its rows where they are few; its raw object names them all.
    A replay that failed or was cancelled gives its rows up with it, and can then not be sent again.
    """
    state, wanted = settled(job), frozenset(rows)
    _refuse_unknown(state, wanted)
    ranges = as_ranges(wanted)
    by.replays = {"job_id": job.job_id, "rows": ranges if len(ranges) <= LONGEST_IN_RECORD else None}
    held, ended = _freed(state, wanted)
    following = replace(state, held={**held, by.job_id: wanted})
    return _writing(following, job, ended, by.job_id)


def dismiss(job: Job, rows: Iterable[int] | None, by: str, reason: str) -> tuple[State, Also]:
    """Return the state in which some rows, or all that are open, are given up, and its writes; raises as ``hold``."""
    state = settled(job)
    if not reason.strip():
        raise BadRequest("A reason is missing.", hint="Say why the rows are not needed; it is kept in the audit log.")
    if rows is None:
        loading = [held for name, held in state.held.items() if lifecycle.get(name).status not in ENDED]
        wanted = frozenset(range(1, state.total + 1)).difference(state.loaded, state.given_up, *loading)
    else:
        wanted = frozenset(rows)
    _refuse_unknown(state, wanted)
    held, ended = _freed(state, wanted)
    told = {"rows": as_ranges(wanted), "by": by, "reason": reason.strip()[:500], "at": now().isoformat()}
    given_up = state.given_up | wanted
    following = replace(state, held=held, dismissed=(*state.dismissed, told), given_up=given_up)
    return following, _writing(following, job, ended, "nobody")


def _freed(state: State, wanted: frozenset[int]) -> tuple[dict[str, frozenset[int]], list[Job]]:
    """Return who holds which rows once some are free, and the replays, all of them ended, that lose theirs."""
    if gone := wanted & (state.loaded | state.given_up):
        raise RejectsHeld(
            f"Row {min(gone)} is settled already: it was loaded or dismissed.", hint="Leave it out; reload the page."
        )
    held = dict(state.held)
    ended: list[Job] = []
    for name, others in state.held.items():
        if not others & wanted:
            continue
        other = lifecycle.get(name)
        if other.status not in ENDED:
            raise RejectsHeld(
                f"Row {min(others & wanted)} is being loaded by job {name}.", hint="Wait for how that job ends."
            )
        ended.append(other)
        del held[name]
    return held, ended


def _writing(state: State, job: Job, ended: list[Job], by: str) -> Also:
    settle = state.writing(job.job_id)

    def write(transaction: TransactWrite) -> None:
        settle(transaction)
        for other in ended:
            gone = Job.status.is_in(*sorted(ENDED))
            transaction.update(other, actions=[Job.superseded_by.set(by)], condition=gone)

    return write


def _refuse_unknown(state: State, rows: frozenset[int]) -> None:
    if not rows or min(rows) < 1 or max(rows) > state.total:
        raise BadRequest(
            "There is no such row among the rejects." if rows else "No row is named.",
            hint=f"Rows are numbered from 1 to {state.total}.",
        )


# ---- how a replay ends ---------------------------------------------------------------------------


def closing(replay: Job, still_wrong: Iterable[int]) -> Also | None:
    """Return the write on the first job that goes with a replay's success: what it held is loaded, or open again."""
    if not replay.replays:
        return None
    first = lifecycle.get(replay.replays["job_id"])
    state = State.of(first)
    if state is None:
        return None
    held = dict(state.held)
    mine = held.pop(replay.job_id, frozenset())
    following = replace(
        state,
        held=held,
        loaded=state.loaded | (mine - frozenset(still_wrong)),
        replays=(*state.replays, replay.job_id),
    )
    return following.writing(first.job_id)


def watch(state: State | None) -> str | None:
    """Return what a finished job's ``watch`` holds."""
    return REJECTS_OPEN if state is not None and state.open else None
