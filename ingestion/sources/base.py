"""The one interface of all sources: describe yourself without secrets, then stream bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ingestion.sources.errors import SourceInvalid, SourceTooLarge, SourceTruncated
from ingestion.sources.guard import GuardPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one fetch may take, and from where. Sizes in bytes, times in seconds."""

    max_bytes: int = 10 * 1024**3
    connect_timeout_s: float = 15.0
    read_timeout_s: float = 60.0
    max_redirects: int = 5
    policy: GuardPolicy = field(default_factory=GuardPolicy)


@dataclass(slots=True, kw_only=True)
class Fetched:
    """An open transfer: a file name, the size if the other side told it, and the bytes as they come."""

    filename: str
    size: int | None
    chunks: Iterator[bytes]


class Source(Protocol):
    """A place one file comes from.

    A class is made from the ``source`` object of ``POST /ingest`` (raises ``SourceInvalid`` naming the
    field). ``open`` connects through the network guard and yields the transfer; every failure is a
    ``SourceError`` that says whether a retry can cure it.
    """

    type: str

    def public(self) -> dict[str, Any]:
        """Return the source as a job may show it: passwords, tokens and credentials in URLs left out."""
        ...

    def open(self, limits: Limits) -> AbstractContextManager[Fetched]:
        """Connect and stream; closing the context ends the transfer."""
        ...


def text(spec: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """Return a text field of a source; raises ``SourceInvalid`` when it is missing or something else."""
    value = spec.get(name, default)
    if not isinstance(value, str) or (default is None and not value):
        raise SourceInvalid(f"The source's field {name!r} must be a text.", hint=f"Give source.{name}.")
    return value


def port_of(spec: Mapping[str, Any], default: int | None = None) -> int:
    """Return the port; raises ``SourceInvalid`` when it is none."""
    value = spec.get("port", default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65535:
        raise SourceInvalid("The source's port must be a number from 1 to 65535.", hint="Give source.port.")
    return value


def refuse_unknown(spec: Mapping[str, Any], known: set[str]) -> None:
    """Raise ``SourceInvalid`` for a field nobody would read: a typo must not be ignored in silence."""
    for name in spec:
        if name not in known:
            raise SourceInvalid(
                f"A {spec.get('type')} source has no field {name!r}.", hint=f"Known are {', '.join(sorted(known))}."
            )


def bounded(chunks: Iterator[bytes], limits: Limits, size: int | None = None) -> Iterator[bytes]:
    """Pass bytes on; raise ``SourceTooLarge`` beyond the limit and ``SourceTruncated`` short of ``size``."""
    done = 0
    for chunk in chunks:
        done += len(chunk)
        if done > limits.max_bytes:
            raise SourceTooLarge(
                f"The file is larger than {limits.max_bytes:,} bytes.", hint="Split it, or ask for a higher limit."
            )
        yield chunk
    if size is not None and done != size:
        raise SourceTruncated(f"{done:,} of {size:,} announced bytes came.", hint="It is tried again.")
