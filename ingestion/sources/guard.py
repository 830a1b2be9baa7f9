"""The network guard: a name is resolved once, every address checked, and the checked address dialled.

Refused is all that is not global unicast (loopback, private, link-local with the cloud's metadata service,
multicast, reserved), also where an IPv6 form embeds an IPv4 one, unless the stage's allow-list names it.
The lists are our own because ``ipaddress.is_global`` differs between the Python versions we run on.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from ingestion.sources.errors import BlockedAddress, SourceHostUnknown, SourceTimeout, SourceUnreachable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# IANA's special-purpose registries, without the parts that are plainly reachable; and two metadata services
# on addresses that look public: Oracle's 192.0.0.192 (in 192.0.0.0/24) and Azure's 168.63.129.16.
_REFUSED_V4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_REFUSED_V6 = tuple(ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "3fff::/20"))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP = {b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe"}  # RFC 5214: the last 32 bits are an IPv4 address
_HINT = "Use a public address, or ask an Admin to put this one on the stage's allow-list."


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPolicy:
    """Which addresses and host names this stage may fetch from beyond the public internet."""

    allow_cidrs: tuple[str, ...] = ()
    allow_hosts: tuple[str, ...] = ()

    def allows(self, host: str, address: Address) -> bool:
        """Tell whether the address may be dialled when it was found under this host name."""
        if host.lower().rstrip(".") in {name.lower().rstrip(".") for name in self.allow_hosts}:
            return True
        address = _unmapped(address)
        networks = (ipaddress.ip_network(cidr) for cidr in self.allow_cidrs)
        return any(address in network for network in networks if network.version == address.version) or _public(address)


def resolve(host: str, port: int, policy: GuardPolicy) -> list[str]:
    """Return the addresses of a host, all of them checked; raises ``BlockedAddress`` or ``SourceHostUnknown``.

    One forbidden address among several refuses the host: which one is dialled must not be left to chance.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SourceHostUnknown(f"There is no host {host}.", hint="Check the name.") from error
    texts = list(dict.fromkeys(str(entry[4][0]).split("%", 1)[0] for entry in found))
    for text in texts:
        if not policy.allows(host, ipaddress.ip_address(text)):
            raise BlockedAddress(f"{host} is at {text}, which may not be fetched from.", hint=_HINT)
    return texts


def connect(host: str, port: int, policy: GuardPolicy, timeout_s: float) -> socket.socket:
    """Connect to a checked address of the host; raises ``BlockedAddress`` or ``SourceUnreachable``."""
    failure: OSError | None = None
    for address in resolve(host, port, policy):
        try:
            return socket.create_connection((address, port), timeout=timeout_s)
        except OSError as error:
            failure = error
    raise unreachable(host, port, failure) from failure


def unreachable(host: str, port: int, error: Exception | None) -> SourceUnreachable:
    """Say why nobody answered, in words."""
    hint = "Check host and port, and that the server is up."
    if isinstance(error, TimeoutError):
        return SourceTimeout(f"{host}:{port} did not answer in time.", hint=hint)
    said = "refused the connection" if isinstance(error, ConnectionRefusedError) else "could not be reached"
    return SourceUnreachable(f"{host}:{port} {said}.", hint=hint)


def _unmapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv4-mapped one is to the operating system."""
    return getattr(address, "ipv4_mapped", None) or address


def _public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    if address not in _GLOBAL_V6 and address not in _NAT64:
        return False
    return not any(address in network for network in _REFUSED_V6) and all(map(_public, _embedded(address)))


def _embedded(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """Return every IPv4 address that a tunnel or a translator would take out of an IPv6 one."""
    found = [address.sixtofour] if address.sixtofour else []
    if address in _NAT64 or address.packed[8:12] in _ISATAP:
        found.append(ipaddress.IPv4Address(address.packed[12:]))
    return found
