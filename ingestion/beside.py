"""Control totals that lie beside the data at its source, in a file of the same name with an ending of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from ingestion.conversion.checks.errors import RuleInvalid
from ingestion.conversion.checks.totals import of_file
from ingestion.sources import parse_source
from ingestion.sources.errors import SourceFileMissing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ingestion.sources.base import Limits

MAX_BYTES = 64 * 1024
_OF_THE_DATA = ("filename", "pattern", "since", "only_new", "after", "pages")


def text_beside(spec: Mapping[str, Any], filename: str, ending: str, limits: Limits) -> str:
    """Fetch the totals of a source's file: ``orders.csv`` has ``orders.csv.sha256`` or ``orders.sha256`` beside it.

    Raises ``SourceError``, of which ``SourceFileMissing`` says that there are none, or ``RuleInvalid``.
    """
    for narrowed in _places(spec, ending):
        try:
            with parse_source(narrowed).open(limits) as fetched:
                return of_file(_text(fetched.chunks, ending), filename)
        except SourceFileMissing:
            continue
    raise SourceFileMissing(
        f"{filename} has no control totals beside it, in a file that ends in {ending}.",
        hint="Have the sender put them there, or send the job without control_totals.",
    )


def _places(spec: Mapping[str, Any], ending: str) -> Iterator[dict[str, Any]]:
    """Yield the sources of the files that may be the totals."""
    bare = {name: value for name, value in spec.items() if name not in _OF_THE_DATA}
    if "path" in bare:
        for path in _named(bare["path"], ending):
            yield bare | {"path": path}
    elif "url" in bare:
        parts = urlsplit(bare["url"])
        for path in _named(parts.path, ending):
            yield bare | {"url": urlunsplit(parts._replace(path=path))}
    else:
        raise RuleInvalid("Such a source has no file beside the data.", hint="Give the control_totals themselves.")


def _named(path: str, ending: str) -> list[str]:
    folder, slash, name = path.rpartition("/")
    stem = name.rpartition(".")[0] or name
    return list(dict.fromkeys([f"{path}{ending}", f"{folder}{slash}{stem}{ending}"]))


def _text(chunks: Iterator[bytes], ending: str) -> str:
    found = b""
    for chunk in chunks:
        found += chunk
        if len(found) > MAX_BYTES:
            raise RuleInvalid(f"The file that ends in {ending} is too large for totals.", hint="Check the ending.")
    return found.decode("utf-8-sig", errors="replace")
