"""Saved targets: each person's own, for each workspace. Values of headers that may be credentials are not kept."""

import functools
import json
import sqlite3
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from services.driver_proxy.target import Target, Via, check_target, is_private
from services.errors import BadInput
from services.settings import Settings
from services.state_file import Kept, StateFile

MOST_TARGETS = 100
"""Of one owner in one workspace."""
KEPT = Kept(
    what="saved targets",
    file="targets.sqlite3",
    schema=1,
    tables="""
CREATE TABLE target (
    owner TEXT NOT NULL, workspace TEXT NOT NULL, name TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (owner, workspace, name)
) STRICT, WITHOUT ROWID;
""",
)


class SavedTargets:
    """Saved targets of everybody who uses this Brickyard. *owner* says whose; *workspace* is a host, or transforms.places.LOCAL.

    Methods may be called from any thread and raise StateTrouble where the file cannot be read or written.
    """

    def __init__(self, folder: Path | None) -> None:
        """*folder* is made where it is missing; None, or one that cannot be written, keeps all of it in memory."""
        self._file = StateFile(folder, KEPT)

    @property
    def why_in_memory(self) -> str:
        """Why nothing outlives this process, as a sentence for people; empty where it does."""
        return self._file.why_in_memory

    def all(self, owner: str, workspace: str) -> list[Target]:
        """By name. What cannot be read any more is left out."""
        with self._file.transaction() as db:
            rows = db.execute(
                "SELECT record FROM target WHERE owner = ? AND workspace = ?", (owner, workspace)
            ).fetchall()
        found = [target for (record,) in rows if (target := _from_record(record)) is not None]
        return sorted(found, key=lambda target: (target.name.casefold(), target.name))

    def save(self, owner: str, workspace: str, target: Target) -> Target:
        """The target as it is now kept, in place of one of the same name. Raises BadInput.

        Headers that may be credentials (``is_private``) are kept without their values: whoever uses it types them again.
        """
        name = target.name.strip()
        if not name or not name.isprintable():
            raise BadInput("A saved target needs a name.", "Type one, such as “dolly on 7777”.")
        headers = tuple((header, "" if is_private(header) else value) for header, value in target.headers)
        kept = replace(target, name=name, headers=headers)
        check_target(kept)
        with self._file.transaction() as db:
            row = (owner, workspace, name, json.dumps(asdict(kept)))
            db.execute("INSERT OR REPLACE INTO target VALUES (?, ?, ?, ?)", row)
            _check_room(db, owner, workspace)
        return kept

    def delete(self, owner: str, workspace: str, name: str) -> None:
        """Take it away. Without effect where it is gone already."""
        with self._file.transaction() as db:
            row = (owner, workspace, name)
            db.execute("DELETE FROM target WHERE owner = ? AND workspace = ? AND name = ?", row)


def saved_targets() -> SavedTargets:
    """This Brickyard's own, where its settings say; the same one each time."""
    return _saved_in(Settings.from_environment().state)


@functools.lru_cache(maxsize=64)
def _saved_in(folder: Path | None) -> SavedTargets:
    return SavedTargets(folder)


def _check_room(db: sqlite3.Connection, owner: str, workspace: str) -> None:
    query = "SELECT count(*) FROM target WHERE owner = ? AND workspace = ?"
    if db.execute(query, (owner, workspace)).fetchone()[0] > MOST_TARGETS:
        raise BadInput(f"{MOST_TARGETS} targets are kept at most.", "Delete one that is not needed any more.")


def _from_record(record: str) -> Target | None:
    """The target; None for what another version wrote, or somebody else, and for what may not be called."""
    try:
        known: dict[str, Any] = json.loads(record)
        headers = tuple((str(name), str(value)) for name, value in known.pop("headers"))
        target = Target(**{**known, "via": Via(known["via"])}, headers=headers)
        check_target(target)
    except (ValueError, TypeError, KeyError, AttributeError, BadInput):
        return None
    return target
