"""The workspace's clusters: one that runs, one that is terminated, and what starting and stopping them does."""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from local_workspace.clusters.records import (
    PENDING,
    RESTARTING,
    RUNNING,
    SINGLE_USER,
    TERMINATED,
    TERMINATING,
    USER_ISOLATION,
    Cluster,
)
from local_workspace.database import Database
from local_workspace.identity.users import ADMIN, User
from local_workspace.permissions.store import Grant, PermissionStore
from local_workspace.refusals import no_such_cluster, unexpected_cluster_state

RUNNING_ID = "0101-000000-local001"
TERMINATED_ID = "0101-000000-local002"
TABLES = """
CREATE TABLE IF NOT EXISTS clusters (cluster_id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cluster_events (
    id INTEGER PRIMARY KEY, cluster_id TEXT NOT NULL, timestamp INTEGER NOT NULL, type TEXT NOT NULL, details TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS cluster_events_in_order ON cluster_events (cluster_id, timestamp, id);
"""


def _now_ms() -> int:
    return int(time.time() * 1000)


class ClusterStore:
    """Clusters by id. States pass in `passing_seconds`, also while the workspace is not running.

    A watcher in `watchers` is called with the cluster after each start, restart and termination.
    """

    def __init__(
        self,
        database: Database,
        permissions: PermissionStore,
        passing_seconds: float,
        now_ms: Callable[[], int] = _now_ms,
    ) -> None:
        self._database = database
        self._passing_ms = int(passing_seconds * 1000)
        self._now_ms = now_ms
        self.watchers: list[Callable[[Cluster], None]] = []
        database.script(TABLES)
        if not self.all():
            self._seed(permissions)

    def all(self) -> list[Cluster]:
        """Every cluster, by id."""
        rows = self._database.rows("SELECT record FROM clusters ORDER BY cluster_id")
        return [self._current(row["record"]) for row in rows]

    def exists(self, cluster_id: str) -> bool:
        """Whether there is such a cluster."""
        return self._database.row("SELECT 1 FROM clusters WHERE cluster_id = ?", (cluster_id,)) is not None

    def get(self, cluster_id: str) -> Cluster:
        """The cluster as it is now. Raises RefusalError (400)."""
        row = self._database.row("SELECT record FROM clusters WHERE cluster_id = ?", (cluster_id,))
        if row is None:
            raise no_such_cluster(cluster_id)
        return self._current(row["record"])

    def start(self, cluster_id: str, user: User) -> None:
        """Start a terminated cluster. Raises RefusalError (400): no such cluster, or it is in another state."""
        cluster = self.get(cluster_id)
        if cluster.state != TERMINATED:
            raise unexpected_cluster_state(cluster_id, cluster.state)
        now = self._now_ms()
        started = replace(cluster, state=PENDING, changed_ms=now, start_ms=now, spark_context_id=_context_id())
        self._change(started, "STARTING", user, then="RUNNING")

    def restart(self, cluster_id: str, user: User) -> None:
        """Give a running cluster a new driver. Raises RefusalError (400)."""
        cluster = self.get(cluster_id)
        if cluster.state != RUNNING:
            raise unexpected_cluster_state(cluster_id, cluster.state)
        now = self._now_ms()
        anew = replace(cluster, state=RESTARTING, changed_ms=now, restarted_ms=now, spark_context_id=_context_id())
        self._change(anew, "RESTARTING", user, then="RUNNING")

    def terminate(self, cluster_id: str, user: User) -> None:
        """Terminate a cluster; one that is terminated stays so. Raises RefusalError (400)."""
        cluster = self.get(cluster_id)
        if not cluster.has_driver:
            return
        reason = {"code": "USER_REQUEST", "type": "SUCCESS", "parameters": {"username": user.user_name}}
        ending = replace(cluster, state=TERMINATING, changed_ms=self._now_ms(), termination=reason)
        self._change(ending, "TERMINATING", user, details={"reason": reason})

    def events(self, cluster_id: str) -> list[dict[str, Any]]:
        """What has happened to a cluster, oldest first, in the API's shape."""
        rows = self._database.rows(
            "SELECT timestamp, type, details FROM cluster_events WHERE cluster_id = ? AND timestamp <= ?"
            " ORDER BY timestamp, id",
            (cluster_id, self._now_ms()),
        )
        return [
            {"cluster_id": cluster_id, "timestamp": row["timestamp"], "type": row["type"]}
            | {"details": json.loads(row["details"])}
            for row in rows
        ]

    def _current(self, record: str) -> Cluster:
        return Cluster(**json.loads(record)).at(self._now_ms(), self._passing_ms)

    def _change(
        self,
        cluster: Cluster,
        event: str,
        user: User,
        *,
        then: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        at, by = cluster.changed_ms, {"user": user.user_name}
        with self._database.transaction():
            self._put(cluster)
            # What was to come of the state before does not come any more.
            self._database.run(
                "DELETE FROM cluster_events WHERE cluster_id = ? AND timestamp > ?", (cluster.cluster_id, at)
            )
            self._note(cluster.cluster_id, at, event, by | (details or {}))
            if then:
                self._note(cluster.cluster_id, at + self._passing_ms, then, {})
        for watcher in self.watchers:
            watcher(cluster)

    def _put(self, cluster: Cluster) -> None:
        values = (cluster.cluster_id, json.dumps(asdict(cluster)))
        self._database.run("INSERT OR REPLACE INTO clusters VALUES (?, ?)", values)

    def _note(self, cluster_id: str, at_ms: int, event: str, details: dict[str, Any]) -> None:
        self._database.run(
            "INSERT INTO cluster_events (cluster_id, timestamp, type, details) VALUES (?, ?, ?, ?)",
            (cluster_id, at_ms, event, json.dumps(details)),
        )

    def _seed(self, permissions: PermissionStore) -> None:
        """The first start: the admin's own running cluster, and a shared one that anyone may start."""
        now = self._now_ms()
        idle = {"code": "INACTIVITY", "type": "SUCCESS", "parameters": {"inactivity_duration_min": "120"}}
        dedicated = Cluster(
            cluster_id=RUNNING_ID,
            name="local-dedicated",
            creator=ADMIN.user_name,
            data_security_mode=SINGLE_USER,
            single_user_name=ADMIN.user_name,
            state=RUNNING,
            changed_ms=now,
            start_ms=now,
            restarted_ms=0,
            terminated_ms=0,
            spark_context_id=_context_id(),
            termination=None,
        )
        shared = replace(
            dedicated,
            cluster_id=TERMINATED_ID,
            name="local-shared",
            data_security_mode=USER_ISOLATION,
            single_user_name=None,
            state=TERMINATED,
            terminated_ms=now,
            termination=idle,
        )
        with self._database.transaction():
            for cluster, event, details in ((dedicated, "RUNNING", {}), (shared, "TERMINATING", {"reason": idle})):
                self._put(cluster)
                self._note(cluster.cluster_id, now, event, details)
        permissions.merge("clusters", RUNNING_ID, [Grant.to_group("users", "CAN_ATTACH_TO")])
        permissions.merge("clusters", TERMINATED_ID, [Grant.to_group("users", "CAN_RESTART")])


def _context_id() -> int:
    return secrets.randbits(62)
