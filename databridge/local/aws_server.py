"""moto's server in a process of its own, with its data kept on disk between starts.

moto keeps everything in memory; a snapshot of its backends is written when something changed and
when the server stops, and read when it starts. The private parts of moto used here are why its
version is pinned and why a test restarts it.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from databridge.local import atomic, cognito, snapshot
from databridge.local.processes import end_with_parent

SNAPSHOT_EVERY_S = 5.0
logger = logging.getLogger(__name__)


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--snapshot", type=Path, required=True)
    given = parser.parse_args()
    end_with_parent()
    os.environ["MOTO_COGNITO_IDP_USER_POOL_ENABLE_TOTP"] = "true"
    os.environ["MOTO_S3_CUSTOM_ENDPOINTS"] = ""
    atomic.install()
    cognito.install(given.snapshot.with_name("mail.jsonl"))
    snapshot.load(given.snapshot)
    _serve(given.port, given.snapshot)


def _serve(port: int, path: Path) -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    changed, stopping = threading.Event(), threading.Event()
    guard, one_at_a_time = threading.Lock(), threading.Lock()
    moto = DomainDispatcherApplication(create_backend_app)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/oauth2/token":
            return cognito.token_endpoint(environ, start_response)
        if environ["REQUEST_METHOD"] != "GET":
            changed.set()
        if environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB"):
            # moto checks the conditions of a transaction and writes it without a lock; DynamoDB is atomic
            with one_at_a_time:
                return list(moto(environ, start_response))
        return moto(environ, start_response)

    def keep() -> None:
        with guard:
            if changed.is_set():
                changed.clear()
                _try_save(path, changed)

    def keep_now_and_then() -> None:
        while not stopping.wait(SNAPSHOT_EVERY_S):
            keep()

    server = make_server("127.0.0.1", port, application, threaded=True)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which then stops us
    threading.Thread(target=keep_now_and_then, daemon=True).start()
    server.serve_forever(poll_interval=0.1)
    stopping.set()
    keep()


def _try_save(path: Path, changed: threading.Event) -> None:
    """Save; a store that changes while it is read is saved at the next turn."""
    try:
        snapshot.save(path)
    except RuntimeError as error:  # "dictionary changed size during iteration"
        logger.info("snapshot put off: %s", error)
        changed.set()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    main()
