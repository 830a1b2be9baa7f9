"""The outside world of a sample run: an FTP, an HTTP and a TCP server that have the sample files."""

from __future__ import annotations

import logging
import socketserver
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import ThreadedFTPServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FTP_USER, FTP_PASSWORD = "erp", "export"


@dataclass(frozen=True, slots=True)
class Outside:
    """The ports of the three servers on the loopback address."""

    http: int
    ftp: int
    tcp: int


@contextmanager
def serving(folder: Path) -> Iterator[Outside]:
    """Serve the files of a folder by all three protocols."""
    with ExitStack() as stack:
        yield Outside(
            http=stack.enter_context(_running(_http(folder))),
            ftp=stack.enter_context(_ftp(folder)),
            tcp=stack.enter_context(_running(_tcp(folder))),
        )


@contextmanager
def _running(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield int(server.socket.getsockname()[1])
    finally:
        server.shutdown()
        server.server_close()


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Stay silent."""


def _http(folder: Path) -> ThreadingHTTPServer:
    return ThreadingHTTPServer(("127.0.0.1", 0), partial(_QuietHandler, directory=str(folder)))


class _SendFile(socketserver.StreamRequestHandler):
    """Reads one line, a file's name, and answers with the file, then closes."""

    folder: Path

    def handle(self) -> None:
        """Serve one connection."""
        name = self.rfile.readline().decode().strip()
        wanted = self.folder / name.rsplit("/", 1)[-1]
        if wanted.is_file():
            self.wfile.write(wanted.read_bytes())


def _tcp(folder: Path) -> socketserver.ThreadingTCPServer:
    handler = type("Handler", (_SendFile,), {"folder": folder})
    return socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)


@contextmanager
def _ftp(folder: Path) -> Iterator[int]:
    logging.getLogger("pyftpdlib").setLevel(logging.ERROR)
    authorizer = DummyAuthorizer()
    authorizer.add_user(FTP_USER, FTP_PASSWORD, str(folder), perm="elr")
    handler = type("Handler", (FTPHandler,), {"authorizer": authorizer})
    server = ThreadedFTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"timeout": 0.1, "handle_exit": False}, daemon=True)
    thread.start()
    try:
        yield server.address[1]
    finally:
        server.close_all()
