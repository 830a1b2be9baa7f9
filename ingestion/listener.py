"""A TCP gateway for systems that push: each connection that comes in becomes one job.

Who may connect, how much, how long and how many at once is limited. The sender is told in one line what became of its
file, ``accepted JOB_ID`` once the bytes are kept and the job is recorded, else ``refused CODE: what. next step.`` and
nothing is kept. A connection without a byte, such as a load balancer's check, makes no job.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import socketserver
import ssl
import tempfile
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ingestion import submit
from ingestion.errors import DataBridgeError
from ingestion.moves import now
from ingestion.sources.base import Limits
from ingestion.sources.tcp import received, translated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from accounts.models import User

logger = logging.getLogger(__name__)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_ANSWER_WITHIN_S = 10


class ListenerBusy(DataBridgeError):
    """As many connections are open as the listener takes at once."""

    code: ClassVar[str] = "LISTENER_BUSY"
    retryable: ClassVar[bool] = True
    http_status: ClassVar[int] = 503


class SenderRefused(DataBridgeError):
    """The sender's address is not on the listener's allow-list."""

    code: ClassVar[str] = "SENDER_REFUSED"
    http_status: ClassVar[int] = 403


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a listener takes, from whom, and whose jobs it makes. Sizes in bytes, times in seconds.

    ``until`` says where a file ends, as for a TCP source; ``tls`` is None for plain TCP.
    """

    owner: User
    dataset: str
    filename: str
    until: Mapping[str, Any]
    allow: tuple[Network, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    most_at_once: int = 16
    tls: ssl.SSLContext | None = None

    def allows(self, peer: str) -> bool:
        """Tell whether an address may send."""
        address = ipaddress.ip_address(peer.split("%", 1)[0])
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self.allow if network.version == address.version)


def tls_of(certificate: Path, key: Path, client_ca: Path | None = None) -> ssl.SSLContext:
    """Return what a TLS listener shows; with ``client_ca`` a sender must show a certificate of that authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context


class Listener(socketserver.ThreadingTCPServer):
    """Accepts connections until it is shut down; then those that are open are still served to their end."""

    allow_reuse_address = True
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], rules: Rules) -> None:
        """Listen; raises ``OSError`` when the address is taken."""
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.rules = rules
        self._places = threading.BoundedSemaphore(rules.most_at_once)
        super().__init__(address, _Connection)

    @property
    def port(self) -> int:
        """The port it listens at."""
        return int(self.server_address[1])

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold one of the places; raises ``ListenerBusy`` when there is none."""
        if not self._places.acquire(blocking=False):
            raise ListenerBusy(
                f"{self.rules.most_at_once} connections are open already.", hint="Connect again in a while."
            )
        try:
            yield
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log a fault of ours; the sender has been told nothing, so it will send again."""
        logger.exception("a connection ended in a fault", extra={"peer": str(client_address)})  # noqa: LOG004


class _Connection(socketserver.BaseRequestHandler):
    """One sender: take its file, record the job, answer."""

    server: Listener

    def handle(self) -> None:
        """Serve the connection."""
        peer = str(self.client_address[0])
        plain: socket.socket = self.request
        plain.settimeout(self.server.rules.limits.read_timeout_s)
        try:
            if not self.server.rules.allows(peer):
                raise SenderRefused(f"{peer} may not send here.", hint="Have the address allowed: --allow.")
            with self.server.place(), translated(peer):
                self._serve(plain, peer)
        except DataBridgeError as error:
            logger.warning("connection refused: %s", error.code, extra={"peer": peer})
            _answer(plain, _refusal(error))

    def _serve(self, plain: socket.socket, peer: str) -> None:
        tls = self.server.rules.tls
        if tls is None:
            self._take(plain, peer)
            return
        with tls.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False) as secured:
            self._take(secured, peer)

    def _take(self, sock: socket.socket, peer: str) -> None:
        """Receive the file and answer on the same channel, also a refusal."""
        rules = self.server.rules
        sock.settimeout(rules.until.get("idle_s", rules.limits.read_timeout_s))
        try:
            with tempfile.NamedTemporaryFile(prefix="databridge-") as file:
                for chunk in received(sock, rules.until, peer, rules.limits):
                    file.write(chunk)
                file.flush()
                if not file.tell():
                    logger.debug("connection without a byte", extra={"peer": peer})
                    return
                job = submit.submit_file(
                    rules.owner,
                    path=Path(file.name),
                    dataset=rules.dataset,
                    filename=f"{now():%Y%m%dT%H%M%S}-{rules.filename}",
                    source_type="tcp",
                    options=rules.options,
                    came_from={"peer": peer, "listener_port": self.server.port},
                )
        except DataBridgeError as error:
            logger.warning("file refused: %s", error.code, extra={"peer": peer})
            _answer(sock, _refusal(error))
            return
        logger.info("file accepted", extra={"peer": peer, "job_id": job.job_id})
        _answer(sock, f"accepted {job.job_id}")


def _refusal(error: DataBridgeError) -> str:
    return f"refused {error.code}: {error}"


def _answer(sock: socket.socket, line: str) -> None:
    """Tell the sender, if it still listens; then wait for its end, as closing at once could drop the answer."""
    with suppress(OSError):
        sock.settimeout(_ANSWER_WITHIN_S)
        sock.sendall(line.encode() + b"\n")
        if isinstance(sock, ssl.SSLSocket):
            sock.unwrap()
            return
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(1 << 16):
            pass
