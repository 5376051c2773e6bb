"""The workspace's one database: SQLite in the state folder, which survives the end of the process at any moment."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FILE_NAME = "workspace.db"
SCHEMA_VERSION = 1


class Database:
    """Tables of the APIs. Used from the event loop's thread; a statement takes well under a millisecond.

    A store makes its own tables: `database.script("CREATE TABLE IF NOT EXISTS ...")`.
    """

    def __init__(self, folder: Path) -> None:
        """Open or make the database in `folder`. Raises ValueError when its file is damaged or of a newer version."""
        self.path = folder / FILE_NAME
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            raise ValueError(
                f"its file {FILE_NAME} is damaged ({error}); put back a copy, or move the file away to begin anew"
            ) from error

    def _open(self) -> None:
        # Autocommit: one statement is one transaction, and `transaction()` makes several one.
        self._connection = sqlite3.connect(self.path, isolation_level=None)
        self.path.chmod(0o600)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")  # safe against kill -9; only a power cut loses the last
        self._connection.execute("PRAGMA foreign_keys = ON")
        [problem] = self._connection.execute("PRAGMA quick_check(1)").fetchone()
        if problem != "ok":
            raise sqlite3.DatabaseError(problem)
        [version] = self._connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise ValueError(f"its file {FILE_NAME} was written by a newer version of the local workspace")
        self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def script(self, statements: str) -> None:
        """Run statements that take no values, such as CREATE TABLE."""
        self._connection.executescript(statements)

    def run(self, statement: str, values: Iterable[Any] = ()) -> int:
        """Run one statement that changes something; how many rows it changed. Raises sqlite3.IntegrityError."""
        return self._connection.execute(statement, tuple(values)).rowcount

    def rows(self, statement: str, values: Iterable[Any] = ()) -> list[sqlite3.Row]:
        """Every row of a query; columns by name."""
        return self._connection.execute(statement, tuple(values)).fetchall()

    def row(self, statement: str, values: Iterable[Any] = ()) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        found: sqlite3.Row | None = self._connection.execute(statement, tuple(values)).fetchone()
        return found

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block's statements, or none when it raises."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close it; what was written is in the file already."""
        self._connection.close()
