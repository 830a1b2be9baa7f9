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
from ingestion.models import FEED, Counter, Job, JobEvent
from ingestion.moves import now

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    limit: int = 25,
    cursor: str = "",
) -> Page:
    """Return a page of jobs: one user's, or everybody's when ``user_id`` is None.

    A cursor is good for the list it came from only; raises ``BadRequest`` for another one.
    """
    wanted = {"status": status, "dataset": dataset, "source_type": source}
    filters = {name: value for name, value in wanted.items() if value}
    listed = ["jobs", user_id, status, dataset, source]
    page = _page(user_id, filters, limit, _opened(cursor, listed))
    return Page(jobs=page.jobs, next_cursor=_sealed(page.next_cursor, listed))


def _page(user_id: str | None, filters: dict[str, str], limit: int, cursor: str) -> Page:
    """Return a page that begins after the job ``cursor``; its own cursor is a job's id too."""
    index, key = _index(user_id, filters)
    size = limit + 1 if not _needs_filter(index, filters) else _ROUND_SIZE
    found: list[Job] = []
    for _ in range(_ROUNDS):
        before = Job.job_id < cursor if cursor else None
        chunk = list(index.query(key, before, scan_index_forward=False, limit=size, page_size=size))
        for job in chunk:
            if len(found) == limit:
                return Page(jobs=found, next_cursor=found[-1].job_id)
            if all(getattr(job, name) == value for name, value in filters.items()):
                found.append(job)
        if len(chunk) < size:
            return Page(jobs=found, next_cursor=None)
        cursor = chunk[-1].job_id
    return Page(jobs=found, next_cursor=cursor)


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


def stats(days: int = 7) -> dict[str, Any]:
    """Return the dashboard's figures: jobs by status now, and what the last days brought.

    ``success_rate`` is successes of all jobs that ended, from 0 to 1, and ``average_seconds`` the mean
    time a successful job took; both ``None`` when nothing ended.
    """
    present = _sum(Counter.query("now"))
    today = now().date()
    first = today - timedelta(days=days - 1)
    by_day: dict[str, list[Counter]] = {str(first + timedelta(days=n)): [] for n in range(days)}
    for shard in Counter.query("day", Counter.key.between(f"{first}#", f"{today}#~")):
        by_day[shard.key.partition("#")[0]].append(shard)
    daily = [{"day": day, **_sum(shards)} for day, shards in by_day.items()]
    total = _sum(shard for shards in by_day.values() for shard in shards)
    ended = total["success"] + total["failed"]
    users = {user for shards in by_day.values() for shard in shards for user in shard.users or ()}
    return {
        "by_status": {name.upper(): present[name] for name in _STATES},
        "days": daily,
        "total": total,
        "success_rate": total["success"] / ended if ended else None,
        "average_seconds": total["seconds"] / total["success"] if total["success"] else None,
        "active_users": len(users),
    }


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
