"""A server that we may ask cannot lead us to one that we may not: by redirects, links, data connections, token URLs."""

from __future__ import annotations

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ingestion.sources import parse_source
from ingestion.sources.base import Limits
from ingestion.sources.errors import BlockedAddress
from ingestion.sources.guard import GuardPolicy

# Only the servers of these tests may be asked: 127.0.0.1, and no other address of this machine.
LIMITS = Limits(
    policy=GuardPolicy(allow_cidrs=("127.0.0.1/32",)), connect_timeout_s=2, read_timeout_s=2, max_failures=0
)
INSIDE = [
    "127.0.0.2", "localhost.localdomain", "169.254.169.254", "10.0.0.1", "192.168.1.1", "[::1]", "[::ffff:169.254.169.254]",
    "[fd00:ec2::254]", "2852039166", "0x7f.2", "0251.0376.0251.0376", "[64:ff9b::a9fe:a9fe]", "0.0.0.0",
]  # fmt: skip
WAYS = ("redirect 301", "redirect 302", "redirect 303", "redirect 307", "redirect 308", "link", "odata v4", "odata v2")


class Leading(BaseHTTPRequestHandler):
    """Answers every request by leading elsewhere."""

    def do_GET(self) -> None:
        way, target = self.server.leads
        status, headers, body = 200, {}, b"[]"
        if way.startswith("redirect"):
            status, headers = int(way.split()[1]), {"Location": target}
        elif way == "link":
            headers, body = {"Link": f'<{target}>; rel="next"'}, b'[{"id": 1}]'
        elif way == "odata v4":
            body = json.dumps({"value": [{"id": 1}], "@odata.nextLink": target}).encode()
        else:
            body = json.dumps({"d": {"results": [{"id": 1}], "__next": target}}).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


@pytest.fixture(scope="module")
def leading():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Leading)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def refused(spec: dict) -> None:
    with pytest.raises(BlockedAddress) as fault, parse_source(spec).open(LIMITS) as fetched:
        b"".join(fetched.chunks)
    assert fault.value.code == "BLOCKED_ADDRESS"
    assert not fault.value.retryable
    assert fault.value.hint


@pytest.mark.parametrize("host", [host for host in INSIDE if host != "localhost.localdomain"])
@pytest.mark.parametrize("way", WAYS)
def test_by_http(leading, way, host):
    leading.leads = way, f"http://{host}:1/latest/meta-data/"
    pages = {"link": {"by": "link"}, "odata v4": {"by": "odata"}, "odata v2": {"by": "odata"}}.get(way)
    spec = {"type": "http", "url": f"http://127.0.0.1:{leading.server_port}/orders"}
    refused(spec | ({"pages": pages} if pages else {}))


@pytest.mark.parametrize("host", ["127.0.0.2", "169.254.169.254", "[::1]", "0xa9fea9fe"])
def test_by_a_token_url(leading, host):
    auth = {"token_url": f"http://{host}:1/token", "client_id": "c", "client_secret": "s"}
    refused({"type": "http", "url": f"http://127.0.0.1:{leading.server_port}/orders", "auth": auth})


def test_by_a_token_url_that_redirects(leading):
    leading.leads = "redirect 302", "http://169.254.169.254/token"

    def post(handler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        Leading.do_GET(handler)

    Leading.do_POST = post
    here = f"http://127.0.0.1:{leading.server_port}"
    auth = {"token_url": f"{here}/token", "client_id": "c", "client_secret": "s"}
    refused({"type": "http", "url": f"{here}/orders", "auth": auth})


class FakeFtp(socketserver.StreamRequestHandler):
    """Signs everybody in, then tells an address of somebody else's for its data."""

    def handle(self) -> None:
        self.say("220 here")
        for line in self.rfile:
            command = line.split()[0].upper().decode()
            match command:
                case "USER":
                    self.say("331 password")
                case "PASS":
                    self.say("230 in")
                case "EPSV":
                    self.say(self.server.epsv or "502 unknown")
                case "PASV":
                    self.say(self.server.pasv)
                case "SIZE":
                    self.say("213 4")
                case "MDTM":
                    self.say("213 20200101000000")
                case "TYPE" | "PWD" | "CWD" | "OPTS":
                    self.say('257 "/"' if command == "PWD" else "200 ok")
                case "QUIT":
                    self.say("221 bye")
                    return
                case _:
                    self.say("502 unknown")

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


@pytest.fixture(scope="module")
def fake_ftp():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), FakeFtp) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize(
    ("epsv", "pasv"),
    [
        ("", "227 Entering Passive Mode (169,254,169,254,0,80)"),
        ("", "227 Entering Passive Mode (10,0,0,1,31,144)"),
        ("", "227 Entering Passive Mode (127,0,0,2,0,22)"),
        ("", "227 Entering Passive Mode (8,8,8,8,0,53)"),
        ("", "227 Entering Passive Mode (0,0,0,0,0,22)"),
        ("229 Entering Extended Passive Mode (|1|169.254.169.254|80|)", ""),
        ("229 Entering Extended Passive Mode (|1|127.0.0.2|22|)", ""),
        ("229 Entering Extended Passive Mode (|2|::1|22|)", ""),
        ("229 Entering Extended Passive Mode (!1!10.0.0.1!22!)", ""),
    ],
)
def test_by_an_ftp_servers_passive_answer(fake_ftp, epsv, pasv):
    fake_ftp.epsv, fake_ftp.pasv = epsv, pasv
    port = fake_ftp.server_address[1]
    refused({"type": "ftp", "host": "127.0.0.1", "port": port, "path": "/x.csv", "settle": {"stable_s": 0}})
