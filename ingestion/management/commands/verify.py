"""``manage.py verify JOB``: proves from the lake that a job's files still are what its manifest says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand

from ingestion import manifest
from ingestion.errors import DataBridgeError

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Reads a job's objects again and compares their hashes."""

    help = "Prove that a job's raw file, Parquet and rejects are as its manifest says. Exit 1 where one is not."
    requires_system_checks: list[str] = []  # noqa: RUF012  (Django's own way to say none)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the job."""
        parser.add_argument("job", help="the job's id")

    def handle(self, *_: Any, **given: Any) -> None:
        """Print a line for each thing that is as it was."""
        try:
            for line in manifest.verify(given["job"]):
                self.stdout.write(f"ok    {line}")
        except DataBridgeError as error:
            self.stderr.write(f"error: {error.code}: {error}")
            sys.exit(1)
