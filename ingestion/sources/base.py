"""The one interface of all sources: describe yourself without secrets, then stream bytes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one fetch may take. Sizes in bytes, times in seconds."""

    max_bytes: int = 10 * 1024**3
    connect_timeout_s: float = 15.0
    read_timeout_s: float = 60.0
    total_timeout_s: float = 840.0
    max_redirects: int = 5


@dataclass(slots=True, kw_only=True)
class Fetched:
    """An open transfer: a file name, the size if the other side told it, and the bytes as they come."""

    filename: str
    size: int | None
    chunks: Iterator[bytes]


class Source(Protocol):
    """A place one file comes from.

    A class is made from the ``source`` object of ``POST /ingest`` by ``parse`` (raises
    ``SourceInvalid`` naming the field). ``open`` connects through the network guard and yields
    the transfer; every failure is a ``SourceError`` that says whether a retry can cure it.
    """

    type: str

    def public(self) -> dict[str, Any]:
        """The source as a job may show it: passwords, tokens and credentials in URLs left out."""
        ...

    def open(self, limits: Limits) -> AbstractContextManager[Fetched]:
        """Connect and stream; closing the context ends the transfer."""
        ...
