"""Which addresses of this machine something listens on: what an app on a driver can be told only from the driver itself."""

import ipaddress
import sys
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTEN = "0A"  # linux/include/net/tcp_states.h


def listening_addresses(port: int) -> frozenset[str] | None:
    """The addresses on which something listens on *port*; None where this system does not tell (it has no /proc)."""
    found: set[str] = set()
    readable = False
    for table in _TABLES:
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue
        readable = True
        for line in lines:
            local, _, state = line.split()[1:4]
            address, _, at = local.rpartition(":")
            if state == _LISTEN and int(at, 16) == port:
                found.add(_address(address))
    return frozenset(found) if readable else None


def loopback_only(addresses: frozenset[str], driver_address: str) -> bool:
    """Whether something listens, and only where the proxy does not reach it."""
    return bool(addresses) and all(
        ipaddress.ip_address(address).is_loopback and address != driver_address for address in addresses
    )


def _address(words: str) -> str:
    """The kernel writes an address as 32-bit words in the machine's byte order."""
    packed = b"".join(int(words[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(words), 8))
    address = ipaddress.ip_address(packed)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
