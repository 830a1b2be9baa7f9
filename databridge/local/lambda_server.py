"""A local Lambda: Zappa's tasks run as on AWS, asynchronously, in processes of their own, with retries.

It answers ``POST /2015-03-31/functions/<name>/invocations`` as AWS does. An ``Event`` invocation is
answered with 202 at once and tried up to three times; a crash of the worker counts as a failure; what
failed three times is kept in ``dead-letters.jsonl``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from databridge.local.processes import end_with_parent

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

TIMEOUT_S = 15.0 * 60
WARM_UP_S = 120.0  # a new instance's start does not count as its first request's
WORKER_IMPORTS = ("ingestion.conversion", "ingestion.tasks")
RETRY_AFTER_S = tuple(float(text) for text in os.environ.get("DATABRIDGE_LAMBDA_RETRY_S", "60,120").split(","))
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """What an invocation gave: a value, or the error's text."""

    value: Any = None
    error: str | None = None
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """The part of Lambda's context object that handlers look at."""

    aws_request_id: str
    function_name: str = "databridge-local-worker"
    memory_limit_in_mb: int = 10240


def _work(pipe: Connection, imports: tuple[str, ...]) -> None:
    """Run events until the other end closes: the life of one warm instance.

    ``imports`` are loaded at once, so that the first event finds a warm process.
    """
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "databridge.settings")
    django.setup()
    from databridge.lambda_entry import handler
    from databridge.local import calls

    calls.install()
    for module in imports:
        importlib.import_module(module)

    pipe.send(Result(value="ready"))
    while True:
        try:
            event = pipe.recv()
        except EOFError:
            return
        calls.serve(event)
        try:
            pipe.send(Result(value=handler(event, Context(aws_request_id=os.urandom(8).hex()))))
        except Exception as error:
            logger.exception("an invocation failed")
            pipe.send(Result(error=f"{type(error).__name__}: {error}"))


class Instance:
    """One warm worker process; replaced by a new one when it dies or takes too long."""

    def __init__(self, imports: tuple[str, ...] = WORKER_IMPORTS, timeout_s: float = TIMEOUT_S) -> None:
        """Start warming up; the first event waits until that is done."""
        self._imports = imports
        self._timeout_s = timeout_s
        self._spawn()

    def _spawn(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, self._imports), daemon=True)
        self._process.start()
        theirs.close()
        self._warm = False

    def invoke(self, event: Any) -> Result:
        """Run one event; a process that is gone or hangs is an error, and the next event finds a new one."""
        try:
            if not self._warm:
                self._answer()
                self._warm = True
            self._pipe.send(event)
            return self._answer()
        except (EOFError, OSError, TimeoutError) as error:
            self._process.kill()
            self._process.join()
            self._spawn()
            told = f"Runtime exited: {type(error).__name__} {error}"
            return Result(error=told, timed_out=isinstance(error, TimeoutError))

    def _answer(self) -> Result:
        if not self._pipe.poll(self._timeout_s if self._warm else WARM_UP_S):
            raise TimeoutError(f"no answer within {self._timeout_s} s")
        return self._pipe.recv()


class Function:
    """The function behind the endpoint: instances, the queue of asynchronous events, and their retries."""

    def __init__(self, instances: int, dead_letters: Path) -> None:
        """Start the instances and the threads that feed them."""
        self._free: queue.Queue[Instance] = queue.Queue()
        self._events: queue.Queue[tuple[Any, int]] = queue.Queue()
        self._dead_letters = dead_letters
        for _ in range(instances):
            self._free.put(Instance())
            threading.Thread(target=self._consume, daemon=True).start()

    def call(self, event: Any) -> Result:
        """Run an event now, on the next free instance."""
        instance = self._free.get()
        try:
            return instance.invoke(event)
        finally:
            self._free.put(instance)

    def send(self, event: Any, tried: int = 0) -> None:
        """Queue an event."""
        self._events.put((event, tried))

    def _consume(self) -> None:
        while True:
            event, tried = self._events.get()
            result = self.call(event)
            if result.error is None:
                continue
            if tried < len(RETRY_AFTER_S):
                logger.warning("invocation failed, next try in %s s: %s", RETRY_AFTER_S[tried], result.error)
                timer = threading.Timer(RETRY_AFTER_S[tried], self.send, (event, tried + 1))
                timer.daemon = True
                timer.start()
            else:
                self._bury(event, result.error)

    def _bury(self, event: Any, error: str) -> None:
        logger.error("invocation given up: %s", error)
        with self._dead_letters.open("a") as file:
            file.write(json.dumps({"at": time.time(), "event": event, "error": error}) + "\n")


def _endpoint(function: Function) -> type[BaseHTTPRequestHandler]:
    class Endpoint(BaseHTTPRequestHandler):
        """Lambda's invoke call."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Say that the server is up."""
            self._answer(200, {"status": "up"})

        def do_POST(self) -> None:
            """Run or queue the event in the body."""
            event = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "null")
            if self.headers.get("X-Amz-Invocation-Type") == "Event":
                function.send(event)
                self._answer(202, None)
                return
            result = function.call(event)
            if result.error is None:
                self._answer(200, result.value)
            else:
                self._answer(200, {"errorMessage": result.error}, {"X-Amz-Function-Error": "Unhandled"})

        def _answer(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
            body = b"" if value is None else json.dumps(value, default=str).encode()
            self.send_response(status)
            for name, text in (headers or {}).items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Stay silent: the jobs' own log tells what happens."""

    return Endpoint


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--instances", type=int, default=2)
    given = parser.parse_args()
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    function = Function(given.instances, given.folder / "dead-letters.jsonl")
    ThreadingHTTPServer(("127.0.0.1", given.port), _endpoint(function)).serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    main()
