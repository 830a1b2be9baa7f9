"""Where bytes come from: one module a protocol, behind one small interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestion.sources.errors import SourceInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestion.sources.base import Source


def parse_source(spec: Mapping[str, Any]) -> Source:
    """Make the source of a request's ``source`` object; raises ``SourceInvalid`` naming the field."""
    from ingestion.sources.ftp import FtpSource
    from ingestion.sources.http import HttpSource
    from ingestion.sources.tcp import TcpSource

    kinds: dict[str, type[Source]] = {"http": HttpSource, "ftp": FtpSource, "tcp": TcpSource}
    kind = spec.get("type")
    if not isinstance(kind, str) or kind not in kinds:
        raise SourceInvalid(f"There is no source type {kind!r}.", hint=f"Use one of {', '.join(sorted(kinds))}.")
    return kinds[kind].parse(spec)
