"""Who asked which endpoint and what it took: the table `endpoint_usage`.

On the platform this is the system table `system.serving.endpoint_usage`; columns have its names where it has them. Here the
token counts are the reply's own: where it has none there is none, while the platform estimates from the text's length.
"""

import json
from datetime import UTC, datetime
from typing import Any

from local_workspace.ai_gateway.observation import Observation
from local_workspace.database import Database

MAX_ROWS = 10_000
MAX_ANSWERED = 1000

COLUMNS = (
    "databricks_request_id",
    "client_request_id",
    "request_time",
    "requester",
    "endpoint_name",
    "served_entity_name",
    "task",
    "status_code",
    "outcome",
    "request_streaming",
    "input_token_count",
    "output_token_count",
    "request_bytes",
    "response_bytes",
    "time_to_first_byte_ms",
    "execution_duration_ms",
    "usage_context",
)


class UsageTable:
    """The last `max_rows` invocations of endpoints whose `usage_tracking_config` is enabled."""

    def __init__(self, database: Database, max_rows: int = MAX_ROWS) -> None:
        self._database = database
        self._max_rows = max_rows
        database.script(
            f"CREATE TABLE IF NOT EXISTS endpoint_usage (id INTEGER PRIMARY KEY AUTOINCREMENT, {', '.join(COLUMNS)});"
            "CREATE INDEX IF NOT EXISTS endpoint_usage_by_endpoint ON endpoint_usage (endpoint_name, id)"
        )

    def add(self, observation: Observation) -> None:
        """Keep one invocation that is over."""
        values = (
            observation.request_id,
            observation.client_request_id,
            datetime.fromtimestamp(observation.at, UTC).isoformat(timespec="milliseconds"),
            observation.requester,
            observation.endpoint,
            observation.entity,
            observation.task,
            observation.status,
            observation.outcome,
            observation.streamed,
            observation.usage.input_tokens,
            observation.usage.output_tokens,
            observation.request_bytes,
            observation.reply_bytes,
            observation.first_byte_ms,
            observation.total_ms,
            json.dumps(observation.usage_context) if observation.usage_context else None,
        )
        marks = ", ".join("?" * len(COLUMNS))
        self._database.run(f"INSERT INTO endpoint_usage ({', '.join(COLUMNS)}) VALUES ({marks})", values)  # noqa: S608, our own names
        self._database.run(
            "DELETE FROM endpoint_usage WHERE id <= (SELECT max(id) FROM endpoint_usage) - ?", [self._max_rows]
        )

    def rows(self, endpoint: str | None, since: int) -> list[dict[str, Any]]:
        """Rows with an id above `since`, oldest first and at most MAX_ANSWERED, of one endpoint or of all."""
        found = self._database.rows(
            "SELECT * FROM endpoint_usage WHERE id > ? AND (? IS NULL OR endpoint_name = ?) ORDER BY id LIMIT ?",
            (since, endpoint, endpoint, MAX_ANSWERED),
        )
        return [
            dict(row)
            | {
                "request_streaming": bool(row["request_streaming"]),
                "usage_context": json.loads(row["usage_context"] or "{}"),
            }
            for row in found
        ]
