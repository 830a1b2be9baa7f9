"""The network guard refuses every form of an address that is not on the public internet."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from ingestion.sources import guard, parse_source
from ingestion.sources.base import Limits
from ingestion.sources.errors import BlockedAddress

HOSTILE = [
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001",
    "0.0.0.0", "0", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.255.254",
    "169.254.169.254", "169.254.0.1", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "100.64.0.1", "100.127.255.254",
    "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "::1", "::", "0:0:0:0:0:0:0:1", "fe80::1", "fe80::a9fe:a9fe", "fc00::1", "fd00:ec2::254",
    "ff02::1", "ff0e::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "::ffff:192.168.1.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::10.0.0.1", "2002:7f00:1::", "2002:a9fe:a9fe::",
    "2002:c0a8:101::1", "2001:0:7f00:1::", "2001:0:a9fe:a9fe:0:0:5601:5601", "::127.0.0.1", "fec0::1", "100::1",
    "::7f00:1", "::10.0.0.1", "5f00::1", "localhost", "LOCALHOST", "ip6-localhost",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTILE)
def test_a_hostile_address_is_refused(host):
    try:
        socket.getaddrinfo(host, 80)
    except OSError:
        if host == "ip6-localhost":
            host = "::1"  # the name is Debian's; elsewhere the address itself stands for it
        else:
            raise
    with pytest.raises(BlockedAddress) as refused:
        guard.resolve(host, 80, guard.GuardPolicy())
    assert refused.value.code == "BLOCKED_ADDRESS"


def test_there_are_enough_of_them():
    assert len(set(HOSTILE)) >= 60


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "93.184.215.14"])
def test_a_public_address_is_allowed(address):
    assert guard.resolve(address, 80, guard.GuardPolicy()) == [address]


def test_an_allow_list_names_what_else_may_be_fetched():
    by_range = guard.GuardPolicy(allow_cidrs=("10.1.0.0/16", "::1/128"))
    assert guard.resolve("10.1.2.3", 80, by_range) == ["10.1.2.3"]
    with pytest.raises(BlockedAddress):
        guard.resolve("10.2.2.3", 80, by_range)
    by_name = guard.GuardPolicy(allow_hosts=("LocalHost",))
    assert guard.resolve("localhost", 80, by_name)


def test_a_name_with_one_forbidden_address_among_several_is_refused(monkeypatch):
    def several(*_, **__):
        return [(2, 1, 6, "", ("93.184.215.14", 80)), (2, 1, 6, "", ("127.0.0.1", 80))]

    monkeypatch.setattr(socket, "getaddrinfo", several)
    with pytest.raises(BlockedAddress):
        guard.resolve("mixed.example", 80, guard.GuardPolicy())


def test_the_address_that_was_checked_is_the_one_dialled(monkeypatch):
    """A name that resolves elsewhere the second time (rebinding) does not matter: it is resolved once."""
    answers = iter([[(2, 1, 6, "", ("93.184.215.14", 80))], [(2, 1, 6, "", ("127.0.0.1", 80))]])
    dialled = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: next(answers))
    monkeypatch.setattr(socket, "create_connection", lambda address, **_: dialled.append(address) or "connected")
    assert guard.connect("rebinding.example", 80, guard.GuardPolicy(), 1) == "connected"
    assert dialled == [("93.184.215.14", 80)]


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "http", "url": "http://169.254.169.254/latest/meta-data/"},
        {"type": "http", "url": "http://[::ffff:127.0.0.1]/"},
        {"type": "ftp", "url": "ftp://127.0.0.1/x"},
        {"type": "tcp", "host": "127.0.0.1", "port": 22},
    ],
)
def test_every_source_goes_through_the_guard(spec):
    with pytest.raises(BlockedAddress), parse_source(spec).open(Limits()) as fetched:
        next(fetched.chunks)


def test_every_documented_special_range_is_refused():
    """The first and last address of each range of IANA's special-purpose registries."""
    policy = guard.GuardPolicy()
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "fc00::/7",
    ):
        network = ipaddress.ip_network(text)
        assert not policy.allows("x", network[0])
        assert not policy.allows("x", network[-1])
