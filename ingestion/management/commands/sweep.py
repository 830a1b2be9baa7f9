"""``manage.py sweep``: look after unfinished jobs once, as the schedule does every minute."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Sends overdue jobs again, ends those out of attempts, drops what uploads left behind."""

    help = "Send overdue jobs again, end those out of attempts, drop uploads left behind; print how many."
    requires_system_checks: list[str] = []  # noqa: RUF012

    def handle(self, *_: Any, **__: Any) -> None:
        """Sweep once."""
        from ingestion.sweep import sweep
        from ingestion.tasks import run_job

        swept = sweep(run_job)
        self.stdout.write(
            f"sent {swept.sent}, taken back {swept.taken_back}, ended {swept.ended}, uploads {swept.uploads}"
        )
