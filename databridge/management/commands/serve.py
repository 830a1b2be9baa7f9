"""``manage.py serve``: the app on a developer's machine, on the embedded AWS."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand

from databridge.local import web

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Serves until Ctrl-C."""

    help = "Serve the app on http://127.0.0.1:PORT with the embedded AWS."
    requires_system_checks: list[str] = []  # noqa: RUF012

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the port."""
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *_: Any, **given: Any) -> None:
        """Serve."""
        try:
            server = web.server(given["port"])
        except web.PortTaken as error:
            self.stderr.write(f"error: PORT_TAKEN: {error}")
            sys.exit(1)
        self.stdout.write(f"DataBridge serves on http://127.0.0.1:{given['port']}; Ctrl-C stops it.")
        with web.sweeping():
            server.run()
