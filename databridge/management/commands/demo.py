"""``manage.py demo``: the samples through the real API from every kind of source, then a table."""

from __future__ import annotations

import logging
import sys
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand

from databridge.local import outside, provision, samples, web

if TYPE_CHECKING:
    from argparse import ArgumentParser

COLUMNS = ("job", "source", "format", "rows", "status", "seconds", "S3 path")


class Command(BaseCommand):
    """Loads the samples, prints the table, and goes on serving."""

    help = "Load samples/ through the API from every source kind, print the jobs, and keep serving."
    requires_system_checks: list[str] = []  # noqa: RUF012

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the port and whether to stop after the table."""
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--once", action="store_true", help="end after the table; non-zero if a job failed")

    def handle(self, *_: Any, **given: Any) -> None:
        """Run the samples."""
        try:
            server = web.server(given["port"])
        except web.PortTaken as error:
            self.stderr.write(f"error: PORT_TAKEN: {error}")
            sys.exit(1)
        logging.getLogger().setLevel(logging.WARNING)  # the table is what this command says
        base = f"http://127.0.0.1:{given['port']}"
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        with web.sweeping(), outside.serving(samples.FOLDER) as servers:
            jobs = self._load(base, servers)
        failed = [job for job in jobs if job["status"] != "SUCCESS"]
        self._table(jobs)
        for job in failed:
            self.stderr.write(f"{job['job_id']} {job['status']}: {(job['error'] or {}).get('message', '')}")
        if given["once"]:
            sys.exit(1 if failed else 0)
        self._sign_ins(base)
        with web.sweeping():
            thread.join()

    def _load(self, base: str, servers: outside.Outside) -> list[dict[str, Any]]:
        api = samples.Api(base, "operator@databridge.example")
        sent = [api.submit(sample, servers)["job_id"] for sample in samples.all_samples()]
        return [api.wait(job_id) for job_id in sent]

    def _table(self, jobs: list[dict[str, Any]]) -> None:
        lines = [COLUMNS, *(_line(job) for job in jobs)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
        for line in lines:
            self.stdout.write("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())

    def _sign_ins(self, base: str) -> None:
        self.stdout.write(f"\nDataBridge serves on {base}; Ctrl-C stops it. Sign in as")
        for email, group in provision.DEMO_USERS.items():
            self.stdout.write(f"  {group:9} {email}  {provision.DEMO_PASSWORD}")


def _line(job: dict[str, Any]) -> tuple[str, ...]:
    begun, ended = job["started_at"], job["finished_at"]
    seconds = (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds() if begun and ended else 0
    return (
        job["job_id"],
        job["source_type"],
        job["input_format"] or "-",
        str((job["rows"] or {}).get("loaded", "-")),
        job["status"],
        f"{seconds:.2f}",
        job["output_path"] or "-",
    )
