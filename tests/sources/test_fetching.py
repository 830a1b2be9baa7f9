"""Each source against a real server on the loopback address, and its faults."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from databridge.local import samples
from databridge.local.outside import FTP_PASSWORD, FTP_USER
from ingestion.sources import errors, parse_source
from ingestion.sources.base import Limits
from ingestion.sources.guard import GuardPolicy

LIMITS = Limits(policy=GuardPolicy(allow_cidrs=("127.0.0.0/8",)), connect_timeout_s=5, read_timeout_s=3)
STOCK = (samples.FOLDER / "stock.csv.gz").read_bytes()


def fetch(spec: dict, limits: Limits = LIMITS) -> tuple[str, bytes]:
    with parse_source(spec).open(limits) as fetched:
        return fetched.filename, b"".join(fetched.chunks)


# ---- HTTP ----


class Handler(BaseHTTPRequestHandler):
    """One server with an address for each behaviour."""

    def do_GET(self) -> None:
        match self.path.split("?")[0]:
            case "/ok":
                self.answer(200, b"a;b\n", {"Content-Disposition": 'attachment; filename="GL 2026.csv"'})
            case "/echo":
                self.answer(200, json.dumps({"path": self.path, **dict(self.headers)}).encode())
            case "/moved":
                self.answer(302, b"", {"Location": "/ok"})
            case "/round":
                self.answer(302, b"", {"Location": "/round"})
            case "/inside":
                self.answer(302, b"", {"Location": "http://169.254.169.254/latest"})
            case "/short":
                self.send_response(200)
                self.send_header("Content-Length", "100")
                self.end_headers()
                self.wfile.write(b"only this")
            case status:
                self.answer(int(status[1:]), b"")

    def do_POST(self) -> None:
        self.answer(200, self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


@pytest.fixture(scope="module")
def web():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_http_gives_the_body_and_the_name_of_the_answer(web):
    assert fetch({"type": "http", "url": f"{web}/ok"}) == ("GL 2026.csv", b"a;b\n")


def test_http_sends_query_headers_and_each_kind_of_sign_in(web):
    def sent(**more):
        return json.loads(fetch({"type": "http", "url": f"{web}/echo", **more})[1])

    assert sent(query={"a": "b c"})["path"] == "/echo?a=b+c"
    assert sent(headers={"X-Client": "100"})["X-Client"] == "100"
    assert sent(auth={"bearer": "tok"})["Authorization"] == "Bearer tok"
    assert sent(auth={"username": "u", "password": "p"})["Authorization"] == "Basic dTpw"
    assert sent(auth={"header": "X-Api-Key", "value": "k"})["X-Api-Key"] == "k"


def test_http_can_post(web):
    assert fetch({"type": "http", "url": f"{web}/", "method": "POST", "body": "select"})[1] == b"select"


def test_http_follows_redirects_but_not_for_ever_and_not_inside(web):
    assert fetch({"type": "http", "url": f"{web}/moved"})[1] == b"a;b\n"
    with pytest.raises(errors.SourceRefused):
        fetch({"type": "http", "url": f"{web}/round"})
    with pytest.raises(errors.BlockedAddress):
        fetch({"type": "http", "url": f"{web}/inside"})


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/404", errors.SourceFileMissing), ("/410", errors.SourceFileMissing), ("/401", errors.SourceDenied),
        ("/403", errors.SourceDenied), ("/429", errors.SourceBusy), ("/500", errors.SourceBusy),
        ("/503", errors.SourceBusy), ("/418", errors.SourceRefused), ("/short", errors.SourceTruncated),
    ],
)  # fmt: skip
def test_http_faults_have_their_names(web, path, kind):
    with pytest.raises(kind) as fault:
        fetch({"type": "http", "url": web + path})
    assert fault.value.hint
    assert fault.value.retryable is (kind in {errors.SourceBusy, errors.SourceTruncated})


def test_more_bytes_than_the_limit_are_refused(web):
    small = Limits(policy=LIMITS.policy, max_bytes=3)
    with pytest.raises(errors.SourceTooLarge):
        fetch({"type": "http", "url": f"{web}/ok"}, small)


# ---- FTP ----


def ftp(outside, **more) -> dict:
    account = {"username": FTP_USER, "password": FTP_PASSWORD}
    return {"type": "ftp", "host": "127.0.0.1", "port": outside.ftp, "path": "/stock.csv.gz"} | account | more


def test_ftp_gives_the_file_byte_for_byte(outside):
    assert fetch(ftp(outside)) == ("stock.csv.gz", STOCK)
    url = f"ftp://{FTP_USER}:{FTP_PASSWORD}@127.0.0.1:{outside.ftp}/stock.csv.gz"
    assert fetch({"type": "ftp", "url": url}) == ("stock.csv.gz", STOCK)


def test_ftp_faults_have_their_names(outside):
    with pytest.raises(errors.SourceDenied):
        fetch(ftp(outside, password="wrong"))
    with pytest.raises(errors.SourceFileMissing):
        fetch(ftp(outside, path="/nothing.csv"))


# ---- TCP ----


@contextmanager
def sending(content: bytes, *, keep_open: bool = False):
    """A server that sends its content to whoever connects, then closes or falls silent."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(content)
            if keep_open:
                done.wait(10)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield {"type": "tcp", "host": "127.0.0.1", "port": listener.getsockname()[1]}
    finally:
        done.set()
        thread.join(5)
        listener.close()


def test_tcp_sends_a_request_and_reads_to_the_end(outside):
    spec = {"type": "tcp", "host": "127.0.0.1", "port": outside.tcp, "send": "stock.csv.gz\n", "filename": "s.gz"}
    assert fetch(spec) == ("s.gz", STOCK)


@pytest.mark.parametrize(
    ("until", "expected"),
    [({"delimiter": "END"}, b"a;b\n1;2\n"), ({"length": 4}, b"a;b\n"), ({"idle_s": 0.3}, b"a;b\n1;2\nENDmore")],
)
def test_tcp_stops_where_it_was_told(until, expected):
    with sending(b"a;b\n1;2\nENDmore", keep_open=True) as spec:
        assert fetch({**spec, "until": until})[1] == expected


def test_tcp_that_ends_too_early_is_truncated():
    for until in ({"length": 100}, {"delimiter": "END"}):
        with sending(b"short") as spec, pytest.raises(errors.SourceTruncated):
            fetch({**spec, "until": until})


def test_a_refused_connection_can_be_tried_again():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        spec = {"type": "tcp", "host": "127.0.0.1", "port": nobody.getsockname()[1]}
        with pytest.raises(errors.SourceUnreachable) as fault:
            fetch(spec)
    assert fault.value.retryable


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "http", "url": "https://u:s3cret@h.example/x?token=s3cret", "headers": {"X-Api-Key": "s3cret"}},
        {"type": "http", "url": "https://h.example/", "auth": {"bearer": "s3cret"}, "query": {"k": "s3cret"}},
        {"type": "ftp", "url": "ftp://u:s3cret@h.example/x"},
        {"type": "tcp", "host": "h.example", "port": 9, "send": "LOGIN s3cret"},
    ],
)
def test_what_a_job_shows_of_a_source_has_no_secret(spec):
    assert "s3cret" not in json.dumps(parse_source(spec).public())
