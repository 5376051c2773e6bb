"""What was asked and answered, word for word: the table `inference_log`.

On the platform this is a table in Unity Catalog, named by `inference_table_config`; columns have its names. A body over
MAX_KEPT_BYTES is cut and `logging_error_codes` says so, where the platform leaves it out. A stream's reply is its events as
they went, where the platform puts them together.
"""

import itertools
import json
from datetime import UTC, datetime
from typing import Any

from local_workspace.ai_gateway.observation import Observation
from local_workspace.database import Database

MAX_ROWS = 5000
MAX_TOTAL_BYTES = 64 * 1024 * 1024
MAX_ANSWERED = 100
MAX_ANSWERED_BYTES = 2 * 1024 * 1024

COLUMNS = (
    "databricks_request_id",
    "client_request_id",
    "request_date",
    "request_time",
    "requester",
    "endpoint_name",
    "served_entity_name",
    "status_code",
    "outcome",
    "sampling_fraction",
    "execution_duration_ms",
    "request",
    "response",
    "logging_error_codes",
    "kept_bytes",
)


class InferenceLog:
    """The last `max_rows` invocations, and at most `max_bytes`, of endpoints whose `inference_table_config` is enabled."""

    def __init__(self, database: Database, max_rows: int = MAX_ROWS, max_bytes: int = MAX_TOTAL_BYTES) -> None:
        self._database = database
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        database.script(
            f"CREATE TABLE IF NOT EXISTS inference_log (id INTEGER PRIMARY KEY AUTOINCREMENT, {', '.join(COLUMNS)});"
            "CREATE INDEX IF NOT EXISTS inference_log_by_endpoint ON inference_log (endpoint_name, id)"
        )
        total = database.row("SELECT coalesce(sum(kept_bytes), 0) AS bytes FROM inference_log")
        self._total: int = total["bytes"] if total else 0

    def add(self, observation: Observation) -> None:
        """Keep one invocation that is over, in place of the oldest when there are too many."""
        when = datetime.fromtimestamp(observation.at, UTC)
        kept = len(observation.request) + len(observation.reply)
        values = (
            observation.request_id,
            observation.client_request_id,
            when.date().isoformat(),
            when.isoformat(timespec="milliseconds"),
            observation.requester,
            observation.endpoint,
            observation.entity,
            observation.status,
            observation.outcome,
            1.0,
            observation.total_ms,
            observation.request,
            bytes(observation.reply),
            json.dumps(_problems(observation)),
            kept,
        )
        marks = ", ".join("?" * len(COLUMNS))
        with self._database.transaction():
            self._database.run(f"INSERT INTO inference_log ({', '.join(COLUMNS)}) VALUES ({marks})", values)  # noqa: S608, our own names
            self._total += kept
            self._drop_oldest()

    def rows(self, endpoint: str | None, since: int) -> list[dict[str, Any]]:
        """Rows with an id above `since`, oldest first, of one endpoint or of all.

        At most MAX_ANSWERED, and only the first when that alone is over MAX_ANSWERED_BYTES.
        """
        found = self._database.rows(
            "SELECT id, kept_bytes FROM inference_log WHERE id > ? AND (? IS NULL OR endpoint_name = ?) ORDER BY id LIMIT ?",
            (since, endpoint, endpoint, MAX_ANSWERED),
        )
        totals = itertools.accumulate(row["kept_bytes"] for row in found)
        answered = [row["id"] for row, total in zip(found, totals, strict=True) if total <= MAX_ANSWERED_BYTES]
        return [self._row(number) for number in answered or [row["id"] for row in found[:1]]]

    def _row(self, number: int) -> dict[str, Any]:
        [row] = self._database.rows("SELECT * FROM inference_log WHERE id = ?", [number])
        # A cut may fall inside a character, and a body need not be text at all.
        texts = {name: row[name].decode(errors="replace") for name in ("request", "response")}
        return dict(row) | texts | {"logging_error_codes": json.loads(row["logging_error_codes"])}

    def _drop_oldest(self) -> None:
        oldest = "SELECT id, kept_bytes FROM inference_log ORDER BY id LIMIT 1"
        surplus = "SELECT id, kept_bytes FROM inference_log ORDER BY id DESC LIMIT 1 OFFSET ?"
        while row := self._database.row(surplus, [self._max_rows]) or (
            self._total > self._max_bytes and self._database.row(oldest)
        ):
            self._database.run("DELETE FROM inference_log WHERE id = ?", [row["id"]])
            self._total -= row["kept_bytes"]


def _problems(observation: Observation) -> list[str]:
    cut = {
        "MAX_REQUEST_SIZE_EXCEEDED": observation.request_bytes > len(observation.request),
        "MAX_RESPONSE_SIZE_EXCEEDED": observation.reply_bytes > len(observation.reply),
    }
    return [code for code, applies in cut.items() if applies]
