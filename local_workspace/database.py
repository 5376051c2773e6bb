"""The workspace's one database: SQLite in the state folder, which survives the end of the process at any moment."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
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
            if not self.path.exists():
                _make(self.path)
            self.path.chmod(0o600)
            _check(self.path)
            self._open()
        except sqlite3.OperationalError as error:
            raise ValueError(f"its file {FILE_NAME} cannot be opened ({error})") from error
        except sqlite3.DatabaseError as error:
            raise ValueError(
                f"its file {FILE_NAME} is damaged ({error}); put back a copy, or move {FILE_NAME}* away to begin anew"
            ) from error

    def _open(self) -> None:
        # Autocommit: one statement is one transaction, and `transaction()` makes several one.
        self._connection = _connect(self.path, "rw")
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")  # safe against kill -9; only a power cut loses the last
        self._connection.execute("PRAGMA foreign_keys = ON")

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
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # SQLite ends it itself when the disk is full
                self._connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close it; what was written is in the file already."""
        self._connection.close()


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)


def _make(path: Path) -> None:
    """An empty database, there at once and whole: an empty file can then only be a damaged one."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:  # SQLite would write it into the new database
        raise ValueError(f"its file {path.name} is missing, though {log.name} is there; put it back, or move both away")
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # its log gets the same mode from SQLite
    with closing(_connect(draft, "rw")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    draft.replace(path)


def _check(path: Path) -> None:
    """Raise ValueError or sqlite3.DatabaseError for a file that must not be used, and change nothing in it."""
    if path.stat().st_size == 0:
        raise sqlite3.DatabaseError("it is empty")
    with closing(_connect(path, "ro")) as connection:
        [version] = connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise ValueError(f"its file {path.name} was written by a newer version of the local workspace")
        [problem] = connection.execute("PRAGMA quick_check(1)").fetchone()
        if problem != "ok":
            raise sqlite3.DatabaseError(str(problem).replace("\n", ": "))
