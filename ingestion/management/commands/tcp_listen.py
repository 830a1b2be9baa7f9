"""``manage.py tcp_listen``: take files that other systems push over TCP; each connection becomes a job."""

from __future__ import annotations

import ipaddress
import json
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from accounts.models import User
    from ingestion.listener import Rules


class Command(BaseCommand):
    """Listens until Ctrl-C or SIGTERM; open connections are served to their end."""

    help = "Listen for files pushed over TCP: each connection becomes a job. Answers accepted JOB_ID, or refused CODE."
    requires_system_checks: list[str] = []  # noqa: RUF012

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say where, for which dataset, from whom, and how much."""
        parser.add_argument("--port", type=int, required=True)
        parser.add_argument("--host", default="127.0.0.1", help="address to listen at (127.0.0.1)")
        parser.add_argument("--dataset", required=True, help="where the rows go")
        parser.add_argument("--filename", default="received.dat", help="how a file is called, behind its time")
        parser.add_argument("--options", default="{}", help="the jobs' options, as JSON")
        parser.add_argument("--owner", default="", help="e-mail of the person whose jobs they are (the listener's own)")
        parser.add_argument(
            "--allow", action="append", default=[], metavar="CIDR", help="who may send, also repeated (127.0.0.0/8)"
        )
        parser.add_argument(
            "--until", default='{"close": true}', help='where a file ends, as for a TCP source ({"close": true})'
        )
        parser.add_argument("--max-bytes", type=int, default=1 << 30, help="largest file (1 GiB)")
        parser.add_argument("--max-connections", type=int, default=16, help="how many at once (16)")
        parser.add_argument("--idle", type=float, default=60, help="seconds of silence that end a connection (60)")
        parser.add_argument("--deadline", type=float, default=600, help="seconds that a connection may last (600)")
        parser.add_argument("--cert", type=Path, help="certificate in PEM, for TLS")
        parser.add_argument("--key", type=Path, help="its key in PEM")
        parser.add_argument("--client-ca", type=Path, help="authority in PEM that a sender's certificate must be of")

    def handle(self, *_: Any, **given: Any) -> None:
        """Listen."""
        from ingestion.listener import Listener

        try:
            listener = Listener((given["host"], given["port"]), rules(given))
        except OSError as error:
            raise CommandError(f"cannot listen at {given['host']} port {given['port']}: {error.strerror}") from error
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, lambda *_: threading.Thread(target=listener.shutdown).start())
        self.stdout.write(f"Listening at {given['host']} port {listener.port} for dataset {given['dataset']}.")
        self.stdout.flush()
        with listener:
            listener.serve_forever(poll_interval=0.2)
        self.stdout.write("Stopped; every connection was served.")


def rules(given: dict[str, Any]) -> Rules:
    """Return the command's arguments as a listener's rules; raises ``CommandError`` naming what cannot be meant."""
    from ingestion import submit
    from ingestion.errors import DataBridgeError
    from ingestion.listener import Rules, tls_of
    from ingestion.sources.base import Limits
    from ingestion.sources.tcp import end_of

    if bool(given["cert"]) != bool(given["key"]) or (given["client_ca"] and not given["cert"]):
        raise CommandError("TLS needs both --cert and --key")
    try:
        submit.check_dataset(given["dataset"])
        return Rules(
            owner=_owner(given["owner"], given["port"]),
            dataset=given["dataset"],
            filename=given["filename"],
            options=submit.check_options(_json(given, "options")),
            until=end_of(_json(given, "until")),
            allow=tuple(map(ipaddress.ip_network, given["allow"] or ["127.0.0.0/8", "::1/128"])),
            limits=Limits(
                max_bytes=given["max_bytes"], read_timeout_s=given["idle"], deadline_s=given["deadline"], max_failures=0
            ),
            most_at_once=given["max_connections"],
            tls=tls_of(given["cert"], given["key"], given["client_ca"]) if given["cert"] else None,
        )
    except DataBridgeError as error:
        raise CommandError(str(error)) from error
    except (OSError, ValueError) as error:
        raise CommandError(f"an argument cannot be read: {error}") from error


def _json(given: dict[str, Any], name: str) -> Any:
    try:
        return json.loads(given[name])
    except ValueError as error:
        raise CommandError(f"--{name} is no JSON: {error}") from error


def _owner(email: str, port: int) -> User:
    """Return whose jobs they are: a person, or the listener itself, whose jobs Admins and Viewers see."""
    from accounts import people
    from accounts.models import User

    if email:
        return User.of(sub=people.get(email).sub, email=email, groups=[])
    return User.of(sub=f"tcp-listener-{port}", email="", groups=[])
