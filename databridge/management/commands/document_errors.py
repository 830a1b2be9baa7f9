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
    "ingestion.conversion.checks.errors",
    "ingestion.conversion.heads",
    "ingestion.sources.errors",
    "ingestion.connections",
    "ingestion.fetching",
    "ingestion.secrets",
    "ingestion.uploads",
    "ingestion.pulse",
    "ingestion.setaside",
    "ingestion.manifest",
    "ingestion.worker",
    "ingestion.listener",
    "ingestion.looking",
    "ingestion.api.bodies",
    "ingestion.api.files",
    "ingestion.api.uploads",
    "accounts.cognito",
    "accounts.people",
    "accounts.throttle",
)


def document() -> str:
    """Return the page: every code, whether a retry can cure it, what it means and what to do."""
    for module in MODULES:
        import_module(module)
    lines = [
        "# Errors",
        "",
        "Made from the code by `manage.py document_errors`. Each error says what happened, where (file, member of an",
        "archive, sheet, line, column, as far as known), and the next step; its code is stable. ↻: tried again",
        "by itself. On the command line it is one line, `error: CODE: where: what. next step.`",
        "",
        "| code | ↻ | means | next step |",
        "|---|---|---|---|",
    ]
    classes = sorted(_all(DataBridgeError), key=lambda kind: kind.code)
    lines += [
        f"| `{kind.code}` | {'↻' if kind.retryable else ''} | {_paragraph(kind, 0)} | {_paragraph(kind, 1)} |"
        for kind in classes
    ]
    return "\n".join(lines) + "\n"


def _all(kind: type[DataBridgeError]) -> Iterator[type[DataBridgeError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _all(child)


def _paragraph(kind: type[DataBridgeError], number: int) -> str:
    """Return a paragraph of the class's docstring: the meaning, and behind it the next step."""
    paragraphs = (kind.__doc__ or "").split("\n\n")
    text = " ".join(paragraphs[number].split()) if number < len(paragraphs) else "The message tells it."
    return text.replace("|", "\\|")


class Command(BaseCommand):
    """Writes the page."""

    help = "Write docs/errors.md from the error classes."

    def handle(self, *_: Any, **__: Any) -> None:
        """Write."""
        (settings.BASE_DIR / "docs" / "errors.md").write_text(document(), encoding="utf-8")
