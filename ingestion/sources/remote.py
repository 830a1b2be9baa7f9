"""What FTP and SFTP have in common: a session over remote files, and when such a file is ready to be fetched."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Protocol, Self

from ingestion.sources.base import Entry, Version, number, refuse_unknown, text
from ingestion.sources.errors import SourceFileMissing, SourceInvalid, SourceUnsettled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SETTLE_FIELDS = {"stable_s", "min_age_s", "temp_suffixes", "done_flag"}
_TEMP_SUFFIXES = (".tmp", ".part", ".filepart", ".partial")
_FRESH_S = 60.0
_LOOK_AGAIN_S = 1.0


class Session(Protocol):
    """A signed-in connection. Paths are the server's; every failure is a ``SourceError``."""

    def stat(self, path: str) -> Version:
        """Return a file's size and time; raises ``SourceFileMissing``."""
        ...

    def names(self, folder: str) -> Iterator[tuple[str, Version]]:
        """Yield the plain files of a folder."""
        ...

    def read(self, path: str, offset: int) -> Iterator[bytes]:
        """Yield a file's bytes from an offset."""
        ...

    def delete(self, path: str) -> None:
        """Remove a file."""
        ...

    def move(self, path: str, to: str) -> None:
        """Rename a file."""
        ...

    def close(self) -> None:
        """End the connection; never fails."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """When a file is whole: unchanged for ``stable_s``, at least ``min_age_s`` old, its flag file there.

    Where ``stable_s`` is not given, a file that was written within the last minute, or whose time nobody tells, is
    looked at twice, a second apart.
    ``done_flag`` is a suffix: with ``.done``, ``a.csv`` is ready once ``a.csv.done`` exists. Names that end in one
    of ``temp_suffixes`` are never listed.
    """

    stable_s: float | None = None
    min_age_s: float = 0.0
    temp_suffixes: tuple[str, ...] = _TEMP_SUFFIXES
    done_flag: str = ""

    @classmethod
    def parse(cls, spec: Mapping[str, Any]) -> Self:
        """Make it of a source's ``settle`` object; raises ``SourceInvalid``."""
        given = spec.get("settle", {})
        if not isinstance(given, dict):
            raise SourceInvalid("'settle' must be an object.", hint="Correct source.settle.")
        refuse_unknown(given, _SETTLE_FIELDS, kind="settle of a")
        suffixes = given.get("temp_suffixes", list(_TEMP_SUFFIXES))
        if not isinstance(suffixes, list) or not all(isinstance(suffix, str) and suffix for suffix in suffixes):
            raise SourceInvalid("temp_suffixes must be a list of texts.", hint="Correct source.settle.temp_suffixes.")
        return cls(
            stable_s=number(given, "stable_s", 0, most=300) if "stable_s" in given else None,
            min_age_s=number(given, "min_age_s", 0, most=7 * 86_400),
            temp_suffixes=tuple(suffixes),
            done_flag=text(given, "done_flag", ""),
        )

    def check(self, session: Session, path: str) -> Version:
        """Return the file's version once it is known to be whole; raises ``SourceUnsettled`` if it is not."""
        found = session.stat(path)
        name = path.rsplit("/", 1)[-1]
        if self.done_flag:
            try:
                session.stat(path + self.done_flag)
            except SourceFileMissing as error:
                raise _unsettled(f"The flag {name}{self.done_flag} is not there yet.") from error
        if not self._old_enough(found):
            raise _unsettled(f"{name} is younger than {self.min_age_s:g} seconds.")
        stable_s = self._watch_s(found)
        if stable_s:
            time.sleep(stable_s)
            if session.stat(path) != found:
                raise _unsettled(f"{name} changed within {stable_s:g} seconds.")
        return found

    def ready(self, found: dict[str, Version]) -> dict[str, Version]:
        """Return the files of a folder that may be fetched, by what the listing alone can tell."""
        return {
            name: version
            for name, version in found.items()
            if not name.endswith(self.temp_suffixes)
            and (not self.done_flag or (not name.endswith(self.done_flag) and name + self.done_flag in found))
            and self._old_enough(version)
        }

    def _watch_s(self, found: Version) -> float:
        if self.stable_s is not None:
            return self.stable_s
        calm = found.modified is not None and datetime.now(UTC) - found.modified > timedelta(seconds=_FRESH_S)
        return 0.0 if calm else _LOOK_AGAIN_S

    def _old_enough(self, found: Version) -> bool:
        if not self.min_age_s:
            return True
        return found.modified is not None and datetime.now(UTC) - found.modified >= timedelta(seconds=self.min_age_s)


def listed(session: Session, folder: str, pattern: str, settle: Settle, since: datetime | None) -> list[Entry]:
    """Return the files of a folder that match, are ready, and are newer than ``since``; oldest first."""
    ready = settle.ready(dict(session.names(folder)))
    found = [
        Entry(name=name, path=_joined(folder, name), version=version, changes=_alone(folder, name))
        for name, version in ready.items()
        if fnmatchcase(name, pattern) and not (since and version.modified and version.modified <= since)
    ]
    return sorted(found, key=lambda entry: (entry.version.modified or datetime.min.replace(tzinfo=UTC), entry.name))


def _alone(folder: str, name: str) -> dict[str, str]:
    return {"path": _joined(folder, name), "pattern": "", "since": ""}


def _joined(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}" if folder else name


def _unsettled(what: str) -> SourceUnsettled:
    return SourceUnsettled(what, hint="It is tried again; or correct source.settle.")
