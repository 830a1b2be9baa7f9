"""Every request in docs/sources.md works: it is read from there and fetched from a real server."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.sources.servers import free_port, running
from tests.sources.test_real_servers import ORDERS, fetch

PAGE = (Path(__file__).resolve().parents[2] / "docs/sources.md").read_text()
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
