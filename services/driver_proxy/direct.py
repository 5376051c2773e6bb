"""Whether this process may call a cluster's driver itself, without the proxy. Only where it runs on that driver.

What a workspace says of a driver's address is not believed: a visitor may have connected to a workspace of their own making, and
would have this machine's other ports called, or those of its network.
"""

import contextlib
import ipaddress
import socket

from services.clusters import Cluster
from services.errors import BadInput
from services.workspace import Door, Workspace

_PROXY = "Call it through the workspace's proxy."


def is_this_machine(address: str) -> bool:
    """Whether *address*, an IP address, belongs to this machine: only then can a socket be bound to it."""
    try:  # not a name: looking one up may take long, and may lead anywhere
        known = _known(address)
    except ValueError:
        return False
    if known.is_unspecified or known.is_multicast or known == ipaddress.ip_address("255.255.255.255"):
        return False
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((address, 0))
        return True
    return False


def why_not_directly(workspace: Workspace, cluster: Cluster | None, *, alone: bool) -> str:
    """Why that cluster's driver may not be called directly, as a sentence; empty where it may.

    *alone*: whether one person uses this server (``visitors.alone``): what others could ask of this machine stays closed.
    """
    if not alone:
        return "Brickyard serves several people here, so it calls through the workspace's proxy."
    if cluster is None or not cluster.running:
        return "The driver's address is not known."
    address = cluster.driver_address
    if not is_this_machine(address):
        return "Brickyard does not run on this cluster's driver, so it calls through the workspace's proxy."
    known = _known(address)
    if (known.is_loopback or known.is_link_local) and workspace.door is not Door.LOCAL:
        return "The driver's address is one within this machine, which only the local workspace's clusters have."
    return ""


def _known(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """What *address* leads to: ::ffff:127.0.0.1 is loopback and ::ffff:0.0.0.0 any, which Python 3.11 does not say.

    Raises ValueError where it is none.
    """
    known = ipaddress.ip_address(address)
    return getattr(known, "ipv4_mapped", None) or known


def direct_address(workspace: Workspace, cluster: Cluster | None, *, alone: bool) -> str:
    """The driver's address, for a direct call. Raises BadInput where it may not be called so."""
    if reason := why_not_directly(workspace, cluster, alone=alone):
        raise BadInput(reason, _PROXY)
    return cluster.driver_address if cluster else ""
