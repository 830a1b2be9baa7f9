"""What integrators need of HTTP: OAuth2, pages, names, and credentials that stay where they belong."""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from ingestion.sources import errors, parse_source
from tests.sources.test_real_servers import LIMITS, fetch, web

ROWS = [
    '{"id": "000123", "price": 1.10}',
    '{"id": "2", "price": 12345678901234567890.10}',
    '{"id":"3","note":"a\\u00fc"}',
]


class Service(BaseHTTPRequestHandler):
    """An ERP's service: two rows a page, in the ways that services have."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        kind = parts.path.strip("/")
        at = int(query.get("at", query.get("offset", "0"))) if kind != "page" else (int(query["page"]) - 1) * 2
        array = f"[{', '.join(ROWS[at : at + 2])}]"
        more = at + 2 < len(ROWS)
        nxt = f"/{kind}?at={at + 2}"
        headers = {}
        match kind:
            case "link":
                body = array
                headers = {"Link": f'</first>; rel="first", <{nxt}>; rel="next"'} if more else {}
            case "v4" | "short":
                link = f', "@odata.nextLink": "{nxt}"' if more else ""
                body = f'{{"@odata.count": {len(ROWS) + (kind == "short")}, "value": {array}{link}}}'
            case "v2":
                link = f', "__next": "{nxt}"' if more else ""
                body = f'{{"d": {{"results": {array}, "__count": "3"{link}}}}}'
            case "cursor":
                body = f'{{"items": {array}, "meta": {{"next": {json.dumps(str(at + 2) if more else None)}}}}}'
            case "away":
                body = f'{{"value": {array}, "@odata.nextLink": "http://localhost:1/steal"}}'
            case "loop":
                body = f'{{"value": {array}, "@odata.nextLink": "/loop"}}'
            case "redirect":
                self.answer(302, "", {"Location": f"http://localhost:{self.server.server_port}/seen"})
                return
            case "brotli":
                self.answer(200, "x", {"Content-Encoding": "br"})
                return
            case "named":
                headers = {"Content-Disposition": "attachment; filename=\"x.csv\"; filename*=UTF-8''Auftr%C3%A4ge.csv"}
                body = "x"
            case "seen":
                body = json.dumps(dict(self.headers))
            case _:
                body = array
        self.answer(200, body, headers)

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        user = b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        if user != "client:s3cret%2F" or form["grant_type"] != ["client_credentials"]:
            self.answer(400, '{"error": "invalid_client"}')
            return
        self.answer(200, '{"access_token": "t0k", "token_type": "Bearer"}')

    def answer(self, status: int, body: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_) -> None:
        pass


@pytest.fixture(scope="module")
def service():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.parametrize(
    ("path", "pages"),
    [
        ("link", {"by": "link"}),
        ("v4", {"by": "odata"}),
        ("v2", {"by": "odata"}),
        ("page", {"by": "page"}),
        ("offset", {"by": "offset"}),
        ("cursor", {"by": "cursor", "rows": "items", "parameter": "at", "next": "meta.next"}),
    ],
)
def test_all_pages_become_one_array_with_every_row_in_its_own_words(service, path, pages):
    found = fetch({"type": "http", "url": f"{service}/{path}", "pages": pages}).decode()
    assert found == "[\n" + ",\n".join(ROWS) + "\n]\n"


def test_fewer_rows_than_the_count_are_truncated(service):
    with pytest.raises(errors.SourceTruncated, match="3 of 4"):
        fetch({"type": "http", "url": f"{service}/short", "pages": {"by": "odata"}})


@pytest.mark.parametrize("path", ["away", "loop"])
def test_pages_that_lead_away_or_in_a_circle_are_refused(service, path):
    with pytest.raises(errors.SourceRefused):
        fetch({"type": "http", "url": f"{service}/{path}", "pages": {"by": "odata"}})


def test_oauth2_client_credentials_bring_a_bearer_token(service):
    auth = {"token_url": f"{service}/token", "client_id": "client", "client_secret": "s3cret/"}
    assert json.loads(fetch({"type": "http", "url": f"{service}/seen", "auth": auth}))["Authorization"] == "Bearer t0k"
    with pytest.raises(errors.SourceLoginRefused) as fault:
        fetch({"type": "http", "url": f"{service}/seen", "auth": auth | {"client_secret": "wr0ng"}})
    assert "wr0ng" not in str(fault.value)


def test_credentials_do_not_follow_a_redirect_to_another_host(service):
    spec = {
        "type": "http",
        "url": f"{service}/redirect",
        "auth": {"bearer": "s3cret"},
        "headers": {"X-Tenant": "s3cret"},
    }
    assert b"s3cret" not in fetch(spec)


def test_a_name_with_umlauts_is_kept(service):
    with parse_source({"type": "http", "url": f"{service}/named"}).open(LIMITS) as fetched:
        assert fetched.filename == "Aufträge.csv"


def test_a_compression_nobody_asked_for_is_refused_rather_than_kept_as_rubbish(service):
    with pytest.raises(errors.SourceRefused, match="br"):
        fetch({"type": "http", "url": f"{service}/brotli"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://[::1"}, {"url": "http://h:99999/"}, {"url": "gopher://h/"}, {"method": "PUT"}, {"headers": {"A\r\nB": "c"}},
        {"headers": {"A": "b\r\nHost: inside"}}, {"headers": {"Host": "inside"}}, {"auth": {"password": "x"}}, {"auth": "x"},
        {"pages": {"by": "magic"}}, {"pages": {"by": "link", "next": "x"}}, {"query": {"a": 1}}, {"urll": "x"}, {"ca": "no pem"},
    ],
)  # fmt: skip
def test_a_wrong_field_is_refused_before_anything_is_dialled(wrong):
    with pytest.raises(errors.SourceInvalid) as fault:
        fetch({"type": "http", "url": "http://h.invalid/"} | wrong)
    assert fault.value.hint


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": "/a\r\nDELE b"}, {"username": "a\r\nb"}, {"tls": "some"}, {"protocol": "scp"}, {"encoding": "klingon"},
        {"since": "yesterday"}, {"after": "burn"}, {"after": {"move": ""}}, {"settle": {"stable_s": -1}}, {"port": 0},
        {"protocol": "sftp", "tls": "explicit"}, {"settle": {"min_age": 3}},
    ],
)  # fmt: skip
def test_a_wrong_field_of_ftp_is_refused(wrong):
    with pytest.raises(errors.SourceInvalid):
        parse_source({"type": "ftp", "host": "h.invalid", "path": "/x"} | wrong)


def test_an_unknown_host_is_named_and_can_be_tried_again():
    with pytest.raises(errors.SourceHostUnknown) as fault:
        fetch({"type": "http", "url": "http://nobody.invalid/"})
    assert fault.value.retryable


def test_a_probe_tells_name_and_size_without_the_body(farm):
    assert parse_source(web(farm, "/orders.csv")).probe(LIMITS) == ["orders.csv, 22 bytes"]
