"""Where serving endpoints are kept: one row each, and what happened to them."""

import time
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from local_workspace.database import Database
from local_workspace.refusals import no_such_endpoint
from local_workspace.serving.records import Endpoint

MAX_EVENTS = 500
_TABLES = """
CREATE TABLE IF NOT EXISTS serving_endpoints (name TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS serving_events (
    id INTEGER PRIMARY KEY, endpoint_id TEXT NOT NULL, version INTEGER NOT NULL, entity TEXT NOT NULL,
    at_ms INTEGER NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS serving_events_by_endpoint ON serving_events (endpoint_id, id);
"""


class EndpointStore:
    """The endpoints of the workspace, by name: in memory for reading, in the database for keeping."""

    def __init__(self, database: Database) -> None:
        """Read them all. Raises ValueError, naming the endpoint, when a row is no record of one."""
        self._database = database
        database.script(_TABLES)
        self._endpoints: dict[str, Endpoint] = {}
        for row in database.rows("SELECT name, record FROM serving_endpoints"):
            try:
                self._endpoints[row["name"]] = Endpoint.model_validate_json(row["record"])
            except ValidationError as error:
                raise ValueError(f"its record of endpoint '{row['name']}' is damaged") from error

    def all(self) -> list[Endpoint]:
        """Every endpoint, by name."""
        return [self._endpoints[name] for name in sorted(self._endpoints)]

    def get(self, name: str) -> Endpoint:
        """The endpoint called `name`. Raises RefusalError (404)."""
        if name not in self._endpoints:
            raise no_such_endpoint(name)
        return self._endpoints[name]

    def find(self, name: str) -> Endpoint | None:
        """The endpoint called `name`, or None."""
        return self._endpoints.get(name)

    def has_id(self, endpoint_id: str) -> bool:
        """Whether an endpoint has that id."""
        return any(endpoint.id == endpoint_id for endpoint in self._endpoints.values())

    def save(self, endpoint: Endpoint) -> Endpoint:
        """Keep `endpoint` under its name, durably. Returns it."""
        statement = (
            "INSERT INTO serving_endpoints VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET record = excluded.record"
        )
        self._database.run(statement, (endpoint.name, endpoint.model_dump_json()))
        self._endpoints[endpoint.name] = endpoint
        return endpoint

    def change(self, name: str, **changes: Any) -> Endpoint:
        """Keep the endpoint called `name` with `changes` made to its newest record. Raises RefusalError (404)."""
        changes.setdefault("updated_ms", int(time.time() * 1000))
        return self.save(self.get(name).model_copy(update=changes))

    def delete(self, endpoint: Endpoint) -> None:
        """Forget the endpoint and its events."""
        with self._database.transaction():
            self._database.run("DELETE FROM serving_endpoints WHERE name = ?", (endpoint.name,))
            self._database.run("DELETE FROM serving_events WHERE endpoint_id = ?", (endpoint.id,))
        self._endpoints.pop(endpoint.name, None)

    def provision(self, endpoints: Iterable[Endpoint]) -> list[Endpoint]:
        """Let exactly `endpoints` be those that come with the workspace; what was configured on them stays.

        Returns those that are new.

        An endpoint that a user made keeps its name: the provisioned one of that name is then left out.
        """
        wanted = {endpoint.name: endpoint for endpoint in endpoints}
        for known in [known for known in self._endpoints.values() if known.provisioned and known.name not in wanted]:
            self.delete(known)
        new = [endpoint for name, endpoint in wanted.items() if name not in self._endpoints]
        for name, endpoint in wanted.items():
            known = self._endpoints.get(name, endpoint)
            if known.provisioned:
                kept = {"ai_gateway": known.ai_gateway, "rate_limits": known.rate_limits, "settings": known.settings}
                self.save(endpoint.model_copy(update=kept | {"tags": known.tags | endpoint.tags}))
        return new

    def log(self, endpoint: Endpoint, version: int, kind: str, message: str, entity: str = "") -> None:
        """Note what happened. `kind` is `event`, or `build` for a line of the entity's build log."""
        values = (endpoint.id, version, entity, int(time.time() * 1000), kind, message)
        with self._database.transaction():
            self._database.run(
                "INSERT INTO serving_events (endpoint_id, version, entity, at_ms, kind, message) VALUES (?, ?, ?, ?, ?, ?)",
                values,
            )
            self._database.run(
                "DELETE FROM serving_events WHERE endpoint_id = ? AND id <= (SELECT id FROM serving_events"
                " WHERE endpoint_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (endpoint.id, endpoint.id, MAX_EVENTS),
            )

    def events(self, endpoint: Endpoint) -> list[dict[str, Any]]:
        """What happened to the endpoint, oldest first."""
        statement = "SELECT * FROM serving_events WHERE endpoint_id = ? AND kind = 'event' ORDER BY id"
        return [
            {
                "timestamp": row["at_ms"],
                "config_version": row["version"],
                "served_entity_name": row["entity"] or None,
                "message": row["message"],
            }
            for row in self._database.rows(statement, (endpoint.id,))
        ]

    def build_log(self, endpoint: Endpoint, entity: str, version: int | None) -> str:
        """The lines of the build log of one served entity, of one config version or of all."""
        statement = (
            "SELECT at_ms, message FROM serving_events WHERE endpoint_id = ? AND kind = 'build' AND entity = ?"
            " AND (? IS NULL OR version = ?) ORDER BY id"
        )
        rows = self._database.rows(statement, (endpoint.id, entity, version, version))
        return "\n".join(f"{_clock(row['at_ms'])} {row['message']}" for row in rows)


def _clock(at_ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms / 1000))
