"""``manage.py document_errors``: writes docs/errors.md from the error classes, so that it cannot be out of date."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand

from ingestion.errors import DataBridgeError

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = (
    "ingestion.errors",
    "ingestion.conversion.errors",
    "ingestion.sources.errors",
    "ingestion.connections",
    "ingestion.fetching",
    "ingestion.secrets",
    "ingestion.uploads",
    "ingestion.pulse",
    "ingestion.worker",
    "ingestion.api.bodies",
    "ingestion.api.uploads",
    "accounts.cognito",
    "accounts.people",
    "accounts.throttle",
)


def document() -> str:
    """Return the page: every code, whether a retry can cure it, and what it means."""
    for module in MODULES:
        import_module(module)
    lines = [
        "# Errors",
        "",
        "Made from the code by `manage.py document_errors`. Each error says what happened, where, and the next step;",
        "its code is stable. ↻: tried again by itself.",
        "",
        "| code | ↻ | means |",
        "|---|---|---|",
    ]
    classes = sorted(_all(DataBridgeError), key=lambda kind: kind.code)
    lines += [f"| `{kind.code}` | {'↻' if kind.retryable else ''} | {_meaning(kind)} |" for kind in classes]
    return "\n".join(lines) + "\n"


def _all(kind: type[DataBridgeError]) -> Iterator[type[DataBridgeError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _all(child)


def _meaning(kind: type[DataBridgeError]) -> str:
    return " ".join((kind.__doc__ or "").split("\n\n")[0].split())


class Command(BaseCommand):
    """Writes the page."""

    help = "Write docs/errors.md from the error classes."

    def handle(self, *_: Any, **__: Any) -> None:
        """Write."""
        (settings.BASE_DIR / "docs" / "errors.md").write_text(document(), encoding="utf-8")
