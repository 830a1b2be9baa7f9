"""The web server of a developer's machine, and the sweep that EventBridge runs every minute on AWS."""

from __future__ import annotations

import ctypes
import json
import logging
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import waitress

from databridge import config
from databridge.aws import client

if TYPE_CHECKING:
    from collections.abc import Iterator

SWEEP_EVERY_S = 5.0
THREADS = 16
_M_ARENA_MAX = -8  # malloc.h
logger = logging.getLogger(__name__)


class PortTaken(Exception):
    """Something else listens on the port."""


def server(port: int) -> Any:
    """Make the server for the app on a loopback port; raises ``PortTaken``."""
    from django.core.wsgi import get_wsgi_application

    _keep_memory_small()
    try:
        return waitress.create_server(
            _without_bodies_of_head(get_wsgi_application()),
            listen=f"127.0.0.1:{port}",
            threads=THREADS,
            max_request_body_size=50 * 1024**3,
            ident="databridge",
            clear_untrusted_proxy_headers=True,
        )
    except OSError as error:
        raise PortTaken(f"Port {port} is taken. Stop what listens there, or give another with --port.") from error


def _keep_memory_small() -> None:
    """Let the threads share two of glibc's arenas: by default each keeps what its largest upload took."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").mallopt(_M_ARENA_MAX, 2)


def _without_bodies_of_head(application: Any) -> Any:
    """Drop what answers a HEAD, as API Gateway does: waitress would send it, and break the connection's next answer."""

    def serve(environ: Any, start_response: Any) -> Any:
        answer = application(environ, start_response)
        if environ["REQUEST_METHOD"] != "HEAD":
            return answer
        answer.close()
        return [b""]

    return serve


@contextmanager
def sweeping() -> Iterator[None]:
    """Invoke the sweep through the local Lambda now and then, while the context lasts."""
    done = threading.Event()
    threading.Thread(target=_sweep_until, args=(done,), daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _sweep_until(done: threading.Event) -> None:
    while not done.wait(SWEEP_EVERY_S):
        send_sweep()


def send_sweep() -> None:
    """Invoke the sweep once, as EventBridge does; a send that fails is made up for by the next."""
    from botocore.exceptions import BotoCoreError, ClientError

    event = json.dumps({"command": "ingestion.tasks.sweep"})
    try:
        client("lambda").invoke(FunctionName=config.current().worker_function, InvocationType="Event", Payload=event)
    except (BotoCoreError, ClientError):
        logger.warning("the sweep could not be sent")
