"""What outlives this process: SQLite files in one folder, or this process's memory where nothing can be written."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.errors import PlaygroundError, Side

MARK = 0x62726963
"""SQLite's application id of our files."""
PAGE_BYTES = 4096
MOST_IN_MEMORY = 128 << 20


@dataclass(frozen=True)
class Kept:
    """One kind of thing that is kept, in a file of its own."""

    what: str
    """In the plural, for people: “saved transforms”."""
    file: str
    schema: int
    """From 1; another one whenever *tables* changes."""
    tables: str
    """SQL that makes them."""
    busy_seconds: float = 5.0
    """How long a change waits for another process's."""
    most_on_disk: int = 1 << 30
    """Bytes."""


class StateTrouble(PlaygroundError):
    """What is saved cannot be read or kept on the machine that Brickyard runs on."""

    side = Side.HERE


class StateFile:
    """Gives out short transactions. From any thread; several processes may share the file."""

    def __init__(self, folder: Path | None, kept: Kept) -> None:
        """*folder* is made where it is missing. None, or one that cannot be written: all is kept in memory."""
        self.why_in_memory = ""
        """Why nothing outlives this process, as a sentence; empty where it does."""
        self._kept = kept
        self._lock = threading.RLock()
        self._path: Path | None = None
        try:
            self._path = _writable(folder, kept.file)
        except OSError as refused:
            reason = refused.strerror or str(refused)
            self.why_in_memory = (
                f"The folder {folder} cannot be written ({reason}), so {kept.what} go when Brickyard ends. "
                "BRICKYARD_STATE can name another folder."
            )
        if folder is None:
            self.why_in_memory = f"There is no folder for them here, so {kept.what} go when Brickyard ends."
        self._memory = _connected(":memory:", MOST_IN_MEMORY, kept) if self._path is None else None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of what is done within, or nothing. Raises StateTrouble."""
        with self._lock, self._told(), self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # SQLite itself has rolled some failures back
                    connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A new one each time: the file may have been put back or taken away since the last one."""
        if self._path is None:
            assert self._memory is not None  # noqa: S101 - for the type checker: one of the two is there
            yield self._memory
            return
        _make_private(self._path)
        with contextlib.closing(_connected(str(self._path), self._kept.most_on_disk, self._kept)) as connection:
            yield connection

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """SQLite's failures as ours."""
        what = self._kept.what
        try:
            yield
        except sqlite3.OperationalError as error:
            raise self._operational(error) from error
        except sqlite3.DatabaseError as error:
            raise StateTrouble(
                f"The file of {what} is damaged ({error}).",
                f"Move {self._path} away, or put a copy of it back; Brickyard makes a new one where there is none.",
            ) from error
        except OSError as error:
            raise StateTrouble(
                f"The file of {what} cannot be opened ({error.strerror or error}).",
                f"See who may write {self._path}, then do it again.",
            ) from error

    def _operational(self, error: sqlite3.OperationalError) -> StateTrouble:
        what, code = self._kept.what, (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StateTrouble(f"Another process holds the file of {what}.", "Do it again in a moment.")
        if code == sqlite3.SQLITE_FULL:
            return StateTrouble(f"There is no room for more {what}.", "Delete some, or make room on the disk.")
        return StateTrouble(
            f"The file of {what} cannot be used ({error}).", f"See who may write {self._path}, then do it again."
        )


def _writable(folder: Path | None, name: str) -> Path | None:
    """The file in *folder*, made where it is missing. Raises OSError."""
    if folder is None:
        return None
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "posix" and folder.stat().st_mode & 0o002 and not folder.stat().st_mode & 0o1000:
        raise PermissionError(13, "Other people of this machine may write it")
    path = folder / name
    _make_private(path)
    if not os.access(folder, os.W_OK):  # SQLite keeps its journal beside the file
        raise PermissionError(13, "Permission denied")
    return path


def _make_private(path: Path) -> None:
    """Let it exist, readable by its owner only. SQLite gives its journal the same mode."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        if hasattr(os, "fchmod"):  # not on Windows
            os.fchmod(descriptor, 0o600)  # it may have been there, for all to read
    finally:
        os.close(descriptor)


def _connected(path: str, most_bytes: int, kept: Kept) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=kept.busy_seconds, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute(f"PRAGMA max_page_count = {most_bytes // PAGE_BYTES}")
        if not _is_prepared(connection, kept):
            _prepare(connection, kept)
    except BaseException:
        connection.close()
        raise
    return connection


def _is_prepared(connection: sqlite3.Connection, kept: Kept) -> bool:
    """Whether the tables are there. Raises StateTrouble where other ones are."""
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    schema = connection.execute("PRAGMA user_version").fetchone()[0]
    if (mark, schema) == (MARK, kept.schema):
        return True
    if mark == MARK:
        raise StateTrouble(f"The file of {kept.what} was written by another version of Brickyard.", "Update Brickyard.")
    if mark or schema or connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise StateTrouble(
            f"The file of {kept.what} is not one of Brickyard's.",
            f"Move {kept.file} out of its folder; Brickyard then makes a new one.",
        )
    return False


def _prepare(connection: sqlite3.Connection, kept: Kept) -> None:
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        if _is_prepared(connection, kept):  # another process was faster
            return
        for statement in kept.tables.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {MARK}")
        connection.execute(f"PRAGMA user_version = {kept.schema}")
