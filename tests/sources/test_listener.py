"""The TCP gateway, with senders that others wrote: each connection becomes a job, within limits and an allow-list."""

from __future__ import annotations

import ipaddress
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ingestion.sources.base import Limits
from tests.sources.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
ROWS = b"id;amount\n000123;1.10\n000124;2.20\n"
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@contextmanager
def listening(**more):
    from accounts.models import User
    from ingestion.listener import Listener, Rules

    rules = Rules(
        owner=User.of(sub="tcp-listener", email="", groups=[]),
        dataset=f"pushed_{uuid.uuid4().hex[:12]}",
        filename="bookings.csv",
        until={"close": True},
        allow=LOOPBACK,
        limits=Limits(max_bytes=1 << 20, read_timeout_s=20, deadline_s=40, max_failures=0),
    )
    with Listener(("127.0.0.1", 0), replace(rules, **more)) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield listener
        finally:
            listener.shutdown()
            thread.join()


@pytest.fixture
def taken(ended):
    """Return the finished job that an answer names."""

    def look(answer: bytes) -> dict:
        found = re.fullmatch(rb"accepted ([0-9a-f-]{36})\n", answer)
        assert found, answer
        return ended(found[1].decode())

    return look


def jobs_of(listener) -> list:
    from ingestion import queries

    return queries.list_jobs(dataset=listener.rules.dataset).jobs


def send(listener, body: bytes, *, ends: bool = True) -> bytes:
    with socket.create_connection(("127.0.0.1", listener.port), timeout=20) as sock:
        sock.sendall(body)
        if ends:
            sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(4096), b""))


@pytest.mark.parametrize("sender", ["ncat", "socat"])
def test_what_a_sender_pushes_becomes_a_job_and_it_is_told_which(farm, stack, taken, sender):
    with listening() as listener:
        command = {
            "ncat": ["ncat", "127.0.0.1", str(listener.port)],
            "socat": ["socat", "-t", "20", "-", f"TCP:127.0.0.1:{listener.port}"],
        }[sender]
        answer = subprocess.run(command, input=ROWS, capture_output=True, check=True, timeout=30).stdout
    job = taken(answer)
    assert (job["status"], job["source_type"], job["rows"]["loaded"]) == ("SUCCESS", "tcp", 2)
    assert job["source"]["peer"] == "127.0.0.1"
    assert job["filename"].endswith("-bookings.csv")


@pytest.mark.parametrize("sender", ["ncat", "socat", "openssl"])
def test_over_tls_with_a_certificate_that_the_sender_checks(farm, stack, taken, sender):
    from ingestion.listener import tls_of

    tls = tls_of(farm.home / "server.pem", farm.home / "server.key")
    with listening(tls=tls, until={"delimiter": "\x04"}) as listener:
        where, ca = f"127.0.0.1:{listener.port}", farm.home / "ca.pem"
        command = {
            "ncat": ["ncat", "--ssl", "127.0.0.1", str(listener.port)],  # it compares no IP addresses
            "socat": ["socat", "-t", "20", "-", f"OPENSSL:{where},cafile={ca}"],
            "openssl": ["openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile", str(ca), "-connect", where],
        }[sender]
        done = subprocess.run(command, input=ROWS + b"\x04", capture_output=True, check=False, timeout=30)
    job = taken(done.stdout)
    assert (job["status"], job["rows"]["loaded"]) == ("SUCCESS", 2)


def test_a_sender_must_show_a_certificate_where_that_is_asked(farm, stack, taken):
    from ingestion.listener import tls_of

    tls = tls_of(farm.home / "server.pem", farm.home / "server.key", farm.home / "ca.pem")
    with listening(tls=tls, until={"length": len(ROWS)}) as listener:
        whole = ["socat", "-t", "20", "-"]
        place = f"OPENSSL:127.0.0.1:{listener.port},cafile={farm.home}/ca.pem"
        bare = subprocess.run([*whole, place], input=ROWS, capture_output=True, check=False, timeout=30)
        assert b"accepted" not in bare.stdout
        assert jobs_of(listener) == []
        shown = f"{place},cert={farm.home}/server.pem,key={farm.home}/server.key"
        known = subprocess.run([*whole, shown], input=ROWS, capture_output=True, check=False, timeout=30)
    assert taken(known.stdout)["status"] == "SUCCESS"


def test_a_tls_connection_that_is_cut_is_not_taken_for_a_whole_file(farm, stack):
    import ssl

    from ingestion.listener import tls_of

    tls = tls_of(farm.home / "server.pem", farm.home / "server.key")
    with listening(tls=tls) as listener:
        trust = ssl.create_default_context(cafile=str(farm.home / "ca.pem"))
        plain = socket.create_connection(("127.0.0.1", listener.port))
        secured = trust.wrap_socket(plain, server_hostname="127.0.0.1")
        secured.sendall(ROWS)
        os.close(secured.detach())  # no farewell, as when the sender's machine fails
    assert jobs_of(listener) == []


@pytest.mark.parametrize(
    ("more", "body", "ends", "code"),
    [
        ({"allow": (ipaddress.ip_network("10.0.0.0/8"),)}, ROWS, True, b"SENDER_REFUSED"),
        ({"limits": Limits(max_bytes=10, read_timeout_s=5, max_failures=0)}, ROWS, True, b"SOURCE_TOO_LARGE"),
        ({"until": {"delimiter": "END"}}, ROWS, True, b"SOURCE_TRUNCATED"),
        ({"until": {"length": 999}}, ROWS, True, b"SOURCE_TRUNCATED"),
        ({"limits": Limits(read_timeout_s=0.3, max_failures=0)}, ROWS, False, b"SOURCE_TIMEOUT"),
        ({"limits": Limits(deadline_s=0, max_failures=0)}, ROWS, True, b"SOURCE_TIMEOUT"),
    ],
)
def test_what_is_against_the_rules_is_refused_with_its_code_and_makes_no_job(stack, more, body, ends, code):
    with listening(**more) as listener:
        answer = send(listener, body, ends=ends)
    assert answer.startswith(b"refused " + code + b": "), answer
    assert answer.endswith(b".\n")
    assert jobs_of(listener) == []


def test_silence_ends_a_file_where_that_is_agreed(stack, taken):
    with listening(until={"idle_s": 0.3}) as listener:
        assert taken(send(listener, ROWS, ends=False))["rows"]["loaded"] == 2


def test_no_more_connections_are_served_at_once_than_agreed_and_the_next_is_told_so(stack, taken):
    with listening(most_at_once=1) as listener:
        with socket.create_connection(("127.0.0.1", listener.port)) as first:
            first.sendall(ROWS[:5])
            time.sleep(0.3)
            assert send(listener, ROWS).startswith(b"refused LISTENER_BUSY: ")
            first.sendall(ROWS[5:])
            first.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: first.recv(4096), b""))
        assert taken(answer)["rows"]["loaded"] == 2


def test_a_connection_without_a_byte_makes_no_job(stack):
    with listening() as listener:
        assert send(listener, b"") == b""
    assert jobs_of(listener) == []


def test_ten_senders_at_once_make_ten_jobs(stack, taken):
    from concurrent.futures import ThreadPoolExecutor

    with listening() as listener, ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda n: send(listener, ROWS + b"%d;3.30\n" % n), range(10)))
        assert len({taken(answer)["job_id"] for answer in answers}) == 10
    assert len(jobs_of(listener)) == 10


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["--dataset", "Bad Name"], "cannot be a dataset's name"), (["--until", "{}"], "end of the transfer"),
        (["--until", "x"], "--until is no JSON"), (["--options", '{"no": 1}'], "no option 'no'"),
        (["--allow", "10.0.0.0/99"], "argument cannot be read"), (["--cert", "x.pem"], "both --cert and --key"),
        (["--cert", "no.pem", "--key", "no.key"], "argument cannot be read"),
    ],
)  # fmt: skip
def test_the_command_names_an_argument_that_cannot_be_meant(stack, wrong, told):
    from django.core.management import CommandError, call_command

    with pytest.raises(CommandError, match=told):
        call_command("tcp_listen", "--port", "1", "--dataset", "pushed", *wrong)


def test_the_command_serves_an_open_connection_to_its_end_before_it_stops(stack, taken):
    port = free_port()
    command = [
        sys.executable,
        "manage.py",
        "tcp_listen",
        "--port",
        str(port),
        "--dataset",
        f"t_{uuid.uuid4().hex[:12]}",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert "Listening" in process.stdout.readline()
        with socket.create_connection(("127.0.0.1", port), timeout=20) as sender:
            sender.sendall(ROWS[:9])
            time.sleep(0.2)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            sender.sendall(ROWS[9:])
            sender.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: sender.recv(4096), b""))
        assert "Stopped" in process.communicate(timeout=20)[0]
    assert process.returncode == 0
    assert taken(answer)["status"] == "SUCCESS"
