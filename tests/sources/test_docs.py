"""Every request in docs/sources.md works: it is read from there and fetched from a real server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.sources.servers import free_port, running
from tests.sources.test_real_servers import ORDERS, fetch

PAGE = (Path(__file__).resolve().parents[2] / "docs/sources.md").read_text()
COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
EXAMPLES = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_has_an_example_of_each_type():
    assert {json.loads(example)["type"] for example in EXAMPLES} == {"http", "ftp", "tcp"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_fetches_the_file(farm, example):
    tcp = free_port() if "tcp.example.com" in example else 0
    servers = {
        "sftp.example.com": "proftpd-sftp",  # first: it holds the next one's name
        "ftp.example.com": "vsftpd",
        "ftps.example.com": "vsftpd-explicit",
        "erp.example.com": "nginx",
    }
    for host, kind in servers.items():
        if host in example:
            port = farm.port(kind)
            example = example.replace(f"{host}:21", f"127.0.0.1:{port}").replace(
                f"http://{host}", f"http://127.0.0.1:{port}"
            )
            example = re.sub(r'"port": \d+', f'"port": {port}', example).replace(host, "127.0.0.1")
    key = " ".join((farm.home / "host_key.pub").read_text().split()[:2])
    example = example.replace('"PEM"', json.dumps(farm.ca)).replace("PINNED", key).replace("FILES", str(farm.files))
    spec = json.loads(example)
    if not tcp:
        assert fetch(spec) == ORDERS
        return
    command = ["ncat", "-l", "127.0.0.1", tcp, "--send-only", "-k", "--sh-exec", f"cat {farm.files}/orders.csv"]
    with running(command, tcp):
        assert fetch(spec | {"host": "127.0.0.1", "port": tcp}) == ORDERS


def test_every_command_makes_what_it_says_in_the_order_of_the_page(farm, live, tokens, ended, tmp_path):
    """Connections, their use, and the kinds of uploads, by curl as they stand there."""
    port, name = farm.port("proftpd"), f"erp-{time.time_ns()}"
    for file in ("orders.csv", "returns.csv"):
        (tmp_path / file).write_text(f"id;amount\n{time.time_ns()};1,10\n{file};2,20\n")
    jobs = []
    for command in COMMANDS:
        told = command.replace("ftp.example.com", "127.0.0.1").replace('"port": 21', f'"port": {port}')
        told = told.replace("erp-prod", name).replace('"path": "/orders.csv"', f'"path": "{farm.files}/orders.csv"')
        env = os.environ | {"URL": live, "TOKEN": tokens["Admin"]}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", told], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stderr, done.stdout)
        jobs += re.findall(r'(?:"job_id":\s*"|Job-Id: )([0-9a-f-]{36})', done.stdout, re.IGNORECASE)
    assert len(jobs) == 5, "by the connection, two of a form, a body, a resumed upload"
    for job in map(ended, jobs):
        assert job["status"] == "SUCCESS" or job["error"]["code"] == "ALREADY_LOADED", job["error"]
