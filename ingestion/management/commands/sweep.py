"""``manage.py sweep``: look after unfinished jobs once, as the schedule does every minute."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Sends overdue jobs again, and ends those out of attempts."""

    help = "Send jobs again that nobody works on, and end those that are out of attempts; prints how many there were."
    requires_system_checks: list[str] = []  # noqa: RUF012

    def handle(self, *_: Any, **__: Any) -> None:
        """Sweep once."""
        from ingestion import lifecycle
        from ingestion.tasks import run_job

        found = lifecycle.sweep(run_job)
        self.stdout.write(f"{found} overdue job{'' if found == 1 else 's'} looked after")
