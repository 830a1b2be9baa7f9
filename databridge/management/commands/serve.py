"""``manage.py serve``: the app on a developer's machine, on the embedded AWS."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand

from databridge.local import processes, web
from databridge.startup import DatabaseFileInvalid, check_database_file

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Serves until Ctrl-C."""

    help = "Serve the app on http://127.0.0.1:PORT with the embedded AWS."
    requires_system_checks: list[str] = []  # noqa: RUF012

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the port."""
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--lambda", action="store_true", help="only through the Lambda entry point, as on AWS")

    def handle(self, *_: Any, **given: Any) -> None:
        """Serve."""
        try:
            check_database_file()
        except DatabaseFileInvalid as error:
            self.stderr.write(f"error: DATABASE_FILE_INVALID: {error}")
            sys.exit(1)
        if given["lambda"]:
            self._through_lambda(given["port"])
            return
        try:
            server = web.server(given["port"])
        except web.PortTaken as error:
            self.stderr.write(f"error: PORT_TAKEN: {error}")
            sys.exit(1)
        self.stdout.write(f"DataBridge serves on http://127.0.0.1:{given['port']}; Ctrl-C stops it.")
        with web.sweeping():
            server.run()

    def _through_lambda(self, port: int) -> None:
        log = Path(tempfile.gettempdir()) / f"databridge-gateway-{port}.log"
        gateway = processes.start("databridge.local.gateway", "--port", str(port), env={}, log=log)
        try:
            processes.wait_for(f"http://127.0.0.1:{port}/app/sign-in", gateway, log, timeout_s=120)
            self.stdout.write(f"DataBridge serves through its Lambda entry point on http://127.0.0.1:{port}.")
            with web.sweeping():
                gateway.wait()
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
        finally:
            processes.stop(gateway)
