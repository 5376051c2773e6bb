"""Whether this process runs on a cluster's driver, so that its apps can be called without the proxy."""

import contextlib
import ipaddress
import socket

from services.clusters import Cluster
from services.settings import Settings


def is_this_machine(address: str) -> bool:
    """Whether *address*, an IP address, belongs to this machine: only then can a socket be bound to it."""
    try:  # not a name: looking one up may take long, and may lead anywhere
        unspecified = ipaddress.ip_address(address).is_unspecified
    except ValueError:
        return False
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((address, 0))
        return not unspecified
    return False


def can_call_directly(cluster: Cluster, settings: Settings) -> bool:
    """Whether this process runs on that cluster's driver.

    Its address is one of this machine's; or the environment names the cluster, as a notebook's does.
    """
    return cluster.running and (
        is_this_machine(cluster.driver_address)
        or (settings.cluster_id == cluster.cluster_id and bool(cluster.driver_address))
    )
