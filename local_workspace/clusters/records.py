"""What a cluster is: a record, and the states it passes through by itself as time goes by."""

import contextlib
import socket
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

PENDING, RUNNING, RESTARTING = "PENDING", "RUNNING", "RESTARTING"
TERMINATING, TERMINATED = "TERMINATING", "TERMINATED"

# What a passing state becomes, once it has lasted as long as a deployment does.
NEXT = {PENDING: RUNNING, RESTARTING: RUNNING, TERMINATING: TERMINATED}
MESSAGES = {
    PENDING: "The driver is starting.",
    RESTARTING: "The driver is starting anew.",
    TERMINATING: "The cluster is terminating.",
}
SINGLE_USER, USER_ISOLATION = "SINGLE_USER", "USER_ISOLATION"
OWN_IP, LOOPBACK = "127.0.0.2", "127.0.0.1"


@cache
def driver_ip() -> str:
    """The driver's address. On Linux it is not the usual loopback one, so that an app that listens only there is as unreachable
    as on the platform; macOS knows no other."""
    with contextlib.suppress(OSError), socket.socket() as probe:
        probe.bind((OWN_IP, 0))
        return OWN_IP
    return LOOPBACK


@dataclass(frozen=True)
class Cluster:
    """A cluster as it lies in the database. Times are in milliseconds of Unix time, 0 where there is none.

    `state` was entered at `changed_ms`. `spark_context_id` is another one after each start. `single_user_name` is who
    alone may use it, None where that is everyone with the permission. `termination` is the platform's `termination_reason`.
    """

    cluster_id: str
    name: str
    creator: str
    data_security_mode: str
    single_user_name: str | None
    state: str
    changed_ms: int
    start_ms: int
    restarted_ms: int
    terminated_ms: int
    spark_context_id: int
    termination: dict[str, Any] | None

    def at(self, now_ms: int, passing_ms: int) -> "Cluster":
        """The cluster as it is at `now_ms`, when a passing state lasts `passing_ms`."""
        due_ms = self.changed_ms + passing_ms
        if self.state not in NEXT or now_ms < due_ms:
            return self
        arrived = replace(self, state=NEXT[self.state], changed_ms=due_ms)
        return replace(arrived, terminated_ms=due_ms) if arrived.state == TERMINATED else arrived

    @property
    def has_driver(self) -> bool:
        """Whether a driver is up or coming up."""
        return self.state in {PENDING, RUNNING, RESTARTING}

    def to_wire(self) -> dict[str, Any]:
        """The cluster as `clusters/get` and `clusters/list` show it."""
        shown: dict[str, Any] = {
            "cluster_id": self.cluster_id,
            "cluster_name": self.name,
            "creator_user_name": self.creator,
            "state": self.state,
            "state_message": MESSAGES.get(self.state, ""),
            "data_security_mode": self.data_security_mode,
            "spark_version": "custom:local-workspace",  # there is no Spark, and this says so where a version is expected
            "node_type_id": "local",
            "driver_node_type_id": "local",
            "num_workers": 0,
            "autotermination_minutes": 0,
            "enable_elastic_disk": False,
            "cluster_source": "API",
            "custom_tags": {"ResourceClass": "SingleNode"},
            "default_tags": {"Vendor": "Databricks", "Creator": self.creator, "ClusterId": self.cluster_id},
            "start_time": self.start_ms,
        }
        shown |= {"single_user_name": self.single_user_name} if self.single_user_name else {}
        shown |= {"last_restarted_time": self.restarted_ms} if self.restarted_ms else {}
        if self.state == TERMINATED:
            shown |= {"terminated_time": self.terminated_ms}
        if self.state in {TERMINATING, TERMINATED} and self.termination:
            shown |= {"termination_reason": self.termination}
        return shown | (self._driver() if self.state == RUNNING else {})

    def _driver(self) -> dict[str, Any]:
        node = f"{self.spark_context_id:032x}"
        driver = {
            "private_ip": driver_ip(),
            "host_private_ip": driver_ip(),
            "public_dns": "",
            "node_id": node,
            "instance_id": f"local-{node[-12:]}",
            "start_timestamp": self.changed_ms,
        }
        return {"spark_context_id": self.spark_context_id, "driver": driver}
