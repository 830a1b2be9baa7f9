"""The app as on AWS, on one machine: an HTTP server that is API Gateway, around instances of the Lambda entry point.

Every request becomes a REST (v1) proxy event and is answered by a process that serves one request at a time. The
limits are AWS's: 10 MB a request and 10,240 bytes of headers at the gateway, 6 MB an invocation either way, 29 s.
Sources: API Gateway, "Set up Lambda proxy integrations" and "Quotas"; Lambda, "Quotas".
"""

from __future__ import annotations

import argparse
import base64
import json
import logging
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from databridge.local.lambda_server import Instance
from databridge.local.processes import end_with_parent
from databridge.resources import MACHINE_SCOPES, guarded

if TYPE_CHECKING:
    from email.message import Message

REQUEST_BYTES = 10 * 1024**2
HEADER_BYTES = 10_240
PAYLOAD_BYTES = 6 * 1024**2
TIMEOUT_S = 29.0
STAGE = "local"
ROOT = Path(__file__).resolve().parents[2]
_OF_ONE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
logger = logging.getLogger(__name__)


class Function:
    """The web function: instances that serve one request each, as many requests at once as there are instances."""

    def __init__(self, instances: int) -> None:
        """Start the instances."""
        self._free: queue.Queue[Instance] = queue.Queue()
        for _ in range(instances):
            self._free.put(Instance(imports=(), timeout_s=TIMEOUT_S))

    def call(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return the function's answer; 413, 502 and 504 as the gateway gives them."""
        if len(json.dumps(event)) > PAYLOAD_BYTES:
            return problem(413, "REQUEST_TOO_LARGE", "The request is larger than a function takes (6 MB).")
        instance = self._free.get()
        try:
            result = instance.invoke(event)
        finally:
            self._free.put(instance)
        if result.error is None and len(json.dumps(result.value)) <= PAYLOAD_BYTES:
            return dict(result.value)
        logger.error("an invocation failed: %s", result.error or "the answer is larger than 6 MB")
        if result.timed_out:
            return problem(504, "TIMED_OUT", "The request took longer than 29 s.")
        return problem(502, "FUNCTION_FAILED", "The function did not answer.")


def problem(status: int, code: str, detail: str) -> dict[str, Any]:
    """Return an answer of the gateway itself; the deployed one is given the same words for its own refusals."""
    body = {"code": code, "status": status, "title": HTTPStatus(status).phrase, "detail": detail, "hint": ""}
    return {
        "statusCode": status,
        "multiValueHeaders": {"Content-Type": ["application/problem+json"]},
        "body": json.dumps(body),
    }


UNAUTHORIZED = problem(401, "NOT_SIGNED_IN", "A valid ID token of this stage's user pool is needed.")
UNAUTHORIZED["multiValueHeaders"]["WWW-Authenticate"] = ['Bearer realm="databridge"']


def event_of(method: str, target: str, headers: Message, body: bytes, address: str) -> dict[str, Any]:
    """Return the proxy event of a request. Bodies are base64, since the API takes all media types as binary."""
    parts = urlsplit(target)
    path = unquote(parts.path)
    query: dict[str, list[str]] = {}
    for name, text in parse_qsl(parts.query, keep_blank_values=True):
        query.setdefault(name, []).append(text)
    many: dict[str, list[str]] = {}
    for name, text in headers.items():
        many.setdefault(name, []).append(text)
    now = time.time()
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {name: texts[-1] for name, texts in many.items()} | {"X-Forwarded-Proto": "http"},
        "multiValueHeaders": many | {"X-Forwarded-Proto": ["http"]},
        "queryStringParameters": {name: texts[-1] for name, texts in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "resourceId": "local",
            "resourcePath": "/{proxy+}",
            "httpMethod": method,
            "path": path,
            "accountId": "111111111111",
            "apiId": "local",
            "protocol": "HTTP/1.1",
            "stage": STAGE,
            "domainName": headers.get("Host", ""),
            "requestId": str(uuid.uuid4()),
            "requestTimeEpoch": int(now * 1000),
            "identity": {"sourceIp": address, "userAgent": headers.get("User-Agent", "")},
        },
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }


class Authorizer:
    """API Gateway's Cognito authorizer: a token of the stage's pool, of the kind that the door asks for, or no entry.

    A method without scopes takes ID tokens, one with scopes the access tokens that have one of them.
    """

    def __init__(self) -> None:
        """Take the pool's keys when the first token comes."""
        self._keys: Any = None

    def claims(self, header: str, use: str = "id") -> dict[str, Any] | None:
        """Return the token's claims; None where the gateway would answer 401."""
        import jwt

        from databridge import config

        stage = config.current()
        self._keys = self._keys or jwt.PyJWKClient(stage.jwks_url)
        token = header.removeprefix("Bearer ").strip()
        try:
            key = self._keys.get_signing_key_from_jwt(token).key
            meant_for = {"audience": stage.client_id} if use == "id" else {"options": {"verify_aud": False}}
            claims: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256"], issuer=stage.issuer, **meant_for)
        except jwt.PyJWTError:
            return None
        scoped = use == "id" or set(MACHINE_SCOPES) & set(claims.get("scope", "").split())
        return claims if claims.get("token_use") == use and scoped else None


def _endpoint(function: Function, authorizer: Authorizer) -> type[BaseHTTPRequestHandler]:  # noqa: C901  (one class)
    class Endpoint(BaseHTTPRequestHandler):
        """One client's connection."""

        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self._body()
            if body is None:
                self.close_connection = True
                self._answer(problem(413, "REQUEST_TOO_LARGE", "The request is larger than 10 MB."))
                return
            if sum(len(name) + len(text) for name, text in self.headers.items()) > HEADER_BYTES:
                self._answer(problem(431, "REQUEST_TOO_LARGE", "The headers are larger than 10,240 bytes."))
                return
            event = event_of(self.command, self.path, self.headers, body, self.client_address[0])
            if use := guarded(self.command, event["path"]):
                claims = authorizer.claims(self.headers.get("Authorization", ""), use)
                if claims is None:
                    self._answer(UNAUTHORIZED)
                    return
                event["requestContext"]["authorizer"] = {"claims": claims}
            self._answer(function.call(event))

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815

        def _body(self) -> bytes | None:
            """Read the body, whole or in chunks; None when it is too large."""
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                size = int(self.headers.get("Content-Length", 0))
                return self.rfile.read(size) if size <= REQUEST_BYTES else None
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
                if len(body) > REQUEST_BYTES:
                    return None
            self.rfile.readline()
            return body

        def _answer(self, answer: dict[str, Any]) -> None:
            text = answer.get("body") or ""
            body = base64.b64decode(text) if answer.get("isBase64Encoded") else text.encode()
            self.send_response(answer["statusCode"])
            for name, values in (answer.get("multiValueHeaders") or {}).items():
                for value in values:
                    if name.lower() not in _OF_ONE_CONNECTION:
                        self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Stay silent: the function logs its requests."""

    return Endpoint


def zappa_settings(folder: Path) -> None:
    """Let Zappa write the settings module that its handler imports, as the image has it, and make it importable."""
    (folder / "zappa_settings.json").write_bytes((ROOT / "zappa_settings.json").read_bytes())
    command = [sys.executable, "-m", "zappa.cli", "save-python-settings-file", "dev_web"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    sys.path.insert(0, str(folder))  # which spawned instances inherit


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--instances", type=int, default=2)
    given = parser.parse_args()
    end_with_parent()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory() as folder:
        zappa_settings(Path(folder))
        server = ThreadingHTTPServer(("127.0.0.1", given.port), _endpoint(Function(given.instances), Authorizer()))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        threading.Event().wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    main()
