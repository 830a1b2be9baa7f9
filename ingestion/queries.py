"""What pages and the API read: lists of jobs, a job's log, the dashboard's figures. Never a scan.

Every list costs a number of DynamoDB requests that does not depend on how many jobs there are.
"""

from __future__ import annotations

from collections import Counter as Tally
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core import signing

from ingestion.errors import BadRequest
from ingestion.models import FEED, REJECTS_OPEN, Counter, Job, JobEvent
from ingestion.moves import STEPS, now

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

MOST_LINES = 200
# A filter that hardly anything matches looks at this many jobs and then hands out a cursor to go on from.
_ROUNDS, _ROUND_SIZE = 5, 200
_SALT = "databridge.cursor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some jobs, newest first, and the cursor where the next ones begin; ``None`` at the end."""

    jobs: list[Job]
    next_cursor: str | None


def list_jobs(
    *,
    user_id: str | None = None,
    status: str = "",
    dataset: str = "",
    source: str = "",
    text: str = "",
    limit: int = 25,
    cursor: str = "",
) -> Page:
    """Return a page of jobs: one user's, or everybody's when ``user_id`` is None.

    ``text`` is looked for in id, dataset, file, person and error code; a page of a rare one may be empty and have a
    cursor from where the search goes on. A cursor is good for the list it came from only; raises ``BadRequest`` for
    another one.
    """
    wanted = {"status": status, "dataset": dataset, "source_type": source}
    filters = {name: value for name, value in wanted.items() if value}
    listed = ["jobs", user_id, status, dataset, source, *([text] if text else [])]
    page = _page(user_id, filters, text.lower(), limit, _opened(cursor, listed))
    return Page(jobs=page.jobs, next_cursor=_sealed(page.next_cursor, listed))


def with_open_rejects(user_id: str | None, limit: int) -> list[Job]:
    """Return jobs whose rejects nobody has settled, the longest-standing first: one user's, or everybody's.

    Of very many such jobs an early part is looked at.
    """
    standing = [entry.job_id for entry in Job.due.query(REJECTS_OPEN, limit=_ROUND_SIZE)]
    found = sorted(Job.batch_get(standing), key=lambda job: job.job_id)
    return [job for job in found if user_id in {None, job.user_id} and job.watch == REJECTS_OPEN][:limit]


def _page(user_id: str | None, filters: dict[str, str], text: str, limit: int, cursor: str) -> Page:
    """Return a page that begins after the job ``cursor``; its own cursor is a job's id too."""
    index, key = _index(user_id, filters)
    size = _ROUND_SIZE if text or _needs_filter(index, filters) else limit + 1
    found: list[Job] = []
    for _ in range(_ROUNDS):
        before = Job.job_id < cursor if cursor else None
        chunk = list(index.query(key, before, scan_index_forward=False, limit=size, page_size=size))
        for job in chunk:
            if len(found) == limit:
                return Page(jobs=found, next_cursor=found[-1].job_id)
            if all(getattr(job, name) == value for name, value in filters.items()) and text in _searched(job):
                found.append(job)
        if len(chunk) < size:
            return Page(jobs=found, next_cursor=None)
        cursor = chunk[-1].job_id
    return Page(jobs=found, next_cursor=cursor)


def _searched(job: Job) -> str:
    """Return the texts of a job that a search looks at."""
    code = (job.error or {}).get("code", "")
    return f"{job.job_id} {job.dataset} {job.filename} {job.user_email} {code}".lower()


def events(job_id: str, *, cursor: str = "", limit: int = MOST_LINES) -> tuple[list[JobEvent], str | None]:
    """Return lines of a job's log, oldest first, and where the next ones begin; ``None`` when these are the last."""
    listed = ["events", job_id]
    begin = _opened(cursor, listed)
    after = JobEvent.seq > begin if begin else None
    lines = list(JobEvent.query(job_id, after, limit=limit + 1, consistent_read=True))
    more = len(lines) > limit
    return lines[:limit], _sealed(lines[limit - 1].seq if more else None, listed)


def tail(job_id: str, lines: Sequence[JobEvent], cursor: str = "") -> str:
    """Return the cursor from which the lines begin that are written after these; where none are, the one it was."""
    return _sealed(lines[-1].seq, ["events", job_id]) or "" if lines else cursor


def _sealed(place: str | None, listed: Sequence[str | None]) -> str | None:
    """Return a cursor for a place in a list: signed, so that only what we gave out comes back."""
    return None if place is None else signing.dumps([*listed, place], salt=_SALT)


def _opened(cursor: str, listed: Sequence[str | None]) -> str:
    """Return the place that a cursor names; empty for the beginning."""
    if not cursor:
        return ""
    try:
        *of, place = signing.loads(cursor, salt=_SALT)
    except signing.BadSignature:
        of, place = [], ""
    if of != list(listed):
        raise BadRequest(
            "The cursor does not belong to this list.",
            hint="Leave the cursor out to begin anew, or send next_cursor as it came, with the same filters.",
        )
    return str(place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What happened in a stretch of time that ends now: its steps, oldest first, and their sum.

    A step has a ``label`` and the figures of a day or an hour. ``success_rate`` is successes of all jobs that ended,
    from 0 to 1, and ``average_seconds`` the mean time a successful job took; both None when nothing ended.
    """

    steps: list[dict[str, Any]]
    total: dict[str, Any]

    @property
    def success_rate(self) -> float | None:
        """Return the share of the jobs that ended well."""
        ended = self.total["success"] + self.total["failed"]
        return self.total["success"] / ended if ended else None

    @property
    def average_seconds(self) -> float | None:
        """Return the mean time of a successful job."""
        return self.total["seconds"] / self.total["success"] if self.total["success"] else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trends:
    """The dashboard's figures: jobs by status now, and the last 24 hours, 7 and 30 days by name."""

    by_status: dict[str, int]
    windows: dict[str, Window]


def trends() -> Trends:
    """Return the figures of the dashboard, by three queries."""
    moment = now()
    hours = _steps("hour", [moment - timedelta(hours=back) for back in range(23, -1, -1)])
    days = _steps("day", [moment - timedelta(days=back) for back in range(29, -1, -1)])
    windows = {"24h": hours, "7d": days[-7:], "30d": days}
    return Trends(
        by_status=_by_status(),
        windows={name: Window(steps=steps, total=_added(steps)) for name, steps in windows.items()},
    )


def stats(days: int = 7) -> dict[str, Any]:
    """Return the API's figures: jobs by status now, and what the last days brought, as ``Window`` describes it."""
    moment = now()
    users: set[str] = set()
    steps = _steps("day", [moment - timedelta(days=back) for back in range(days - 1, -1, -1)], users)
    window = Window(steps=steps, total=_added(steps))
    return {
        "by_status": _by_status(),
        "days": [{"day": step["key"], **{name: step[name] for name in _FIGURES}} for step in steps],
        "total": window.total,
        "success_rate": window.success_rate,
        "average_seconds": window.average_seconds,
        "active_users": len(users),
    }


def _by_status() -> dict[str, int]:
    present = _sum(Counter.query("now"))
    return {name.upper(): present[name] for name in _STATES}


def _steps(scope: str, moments: Sequence[datetime], users: set[str] | None = None) -> list[dict[str, Any]]:
    """Return the figures of neighbouring days or hours, by one query; adds who was active to ``users``."""
    form, label = STEPS[scope], {"day": "%-d %b", "hour": "%H:00 UTC"}[scope]
    shards: dict[str, list[Counter]] = {f"{moment:{form}}": [] for moment in moments}
    first, last = f"{moments[0]:{form}}", f"{moments[-1]:{form}}"
    for shard in Counter.query(scope, Counter.key.between(f"{first}#", f"{last}#~")):
        shards[shard.key.partition("#")[0]].append(shard)
        if users is not None:
            users |= set(shard.users or ())
    return [
        {"key": key, "label": f"{moment:{label}}", **_sum(found)}
        for moment, (key, found) in zip(moments, shards.items(), strict=True)
    ]


def _added(steps: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {name: sum(step[name] for step in steps) for name in _FIGURES}


_STATES = ("pending", "running", "success", "failed", "cancelled")
_FIGURES = (*_STATES, "rows", "bytes_in", "seconds")


def _sum(shards: Iterable[Counter]) -> dict[str, Any]:
    total: Tally[str] = Tally()
    for shard in shards:
        total.update({name: getattr(shard, name) or 0 for name in _FIGURES})
    return {name: total[name] for name in _FIGURES}


def _index(user_id: str | None, filters: dict[str, str]) -> tuple[Any, str]:
    """Choose the index that answers with the least to look at."""
    if user_id is not None:
        return Job.by_user, user_id
    for name, index in _SERVED.items():
        if name in filters:
            return index, filters[name]
    return Job.by_feed, FEED


_SERVED = {"dataset": Job.by_dataset, "status": Job.by_status, "source_type": Job.by_source}


def _needs_filter(index: Any, filters: dict[str, str]) -> bool:
    return any(_SERVED[name] is not index for name in filters)
