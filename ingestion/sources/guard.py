"""The network guard: a name is resolved once, every address checked, and the checked address dialled.

Refused are all addresses that are not global unicast (loopback, private, link-local with the cloud's
metadata service, multicast, reserved), also where an IPv6 form embeds an IPv4 one, unless the stage's
allow-list names them.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from ingestion.sources.errors import BlockedAddress, SourceUnreachable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_HINT = "Use a public address, or ask an Admin to put this one on the stage's allow-list."


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPolicy:
    """Which addresses and host names this stage may fetch from beyond the public internet."""

    allow_cidrs: tuple[str, ...] = ()
    allow_hosts: tuple[str, ...] = ()

    def allows(self, host: str, address: Address) -> bool:
        """Tell whether the address may be dialled when it was found under this host name."""
        if host.lower().rstrip(".") in {name.lower() for name in self.allow_hosts}:
            return True
        if any(address in ipaddress.ip_network(cidr) for cidr in self.allow_cidrs if _same(cidr, address)):
            return True
        return all(_public(form) for form in _forms(address))


def resolve(host: str, port: int, policy: GuardPolicy) -> list[str]:
    """Return the addresses of a host, all of them checked; raises ``BlockedAddress`` or ``SourceUnreachable``.

    One forbidden address among several refuses the host: which one is dialled must not be left to chance.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SourceUnreachable(f"There is no host {host}.", hint="Check the name.") from error
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
    why = {ConnectionRefusedError: "refused the connection", TimeoutError: "did not answer in time"}
    said = next((words for kind, words in why.items() if isinstance(error, kind)), "could not be reached")
    return SourceUnreachable(f"{host}:{port} {said}.", hint="Check host and port, and that the server is up.")


def _same(cidr: str, address: Address) -> bool:
    return ipaddress.ip_network(cidr).version == address.version


def _public(address: Address) -> bool:
    return address.is_global and not address.is_multicast


def _forms(address: Address) -> list[Address]:
    """Return the address and every IPv4 address that its IPv6 form carries (mapped, 6to4, Teredo, NAT64)."""
    forms: list[Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return [address.ipv4_mapped]
        if address.sixtofour:
            forms.append(address.sixtofour)
        if address.teredo:
            forms.extend(address.teredo)
        if address in _NAT64:
            forms.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return forms
