"""Saved transforms: plain source with a name and versions, each person's own, attached to what they call."""

import functools
import sqlite3
import time
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.errors import BadInput
from services.settings import Settings
from services.state_file import Kept, StateFile
from services.transforms.places import Place, PlaceKind
from services.transforms.records import Transform
from services.visitors import A_BROWSER

MOST_NAME = 80
"""Characters."""
MOST_SOURCE = 200_000
"""Bytes of UTF-8."""
MOST_TRANSFORMS = 200
MOST_VERSIONS = 200
"""Of one transform; the oldest goes when another one comes."""
MOST_TOTAL = 20_000_000
"""Characters of all versions of one owner."""
MOST_OF_A_BROWSER = 2_000_000
"""The same where the owner is a browser that nobody vouches for: anybody may come with any number of cookies."""
KEPT_DAYS_OF_A_BROWSER = 90
"""After its last save."""
MOST_ATTACHED = 1000
KEPT = Kept(
    what="saved transforms",
    file="transforms.sqlite3",
    schema=1,
    tables="""
CREATE TABLE transform (
    id INTEGER PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (owner, name)
) STRICT;
CREATE TABLE version (
    transform INTEGER NOT NULL REFERENCES transform (id) ON DELETE CASCADE,
    number INTEGER NOT NULL, source TEXT NOT NULL, saved_at REAL NOT NULL, PRIMARY KEY (transform, number)
) STRICT;
CREATE TABLE attachment (
    owner TEXT NOT NULL, kind TEXT NOT NULL, workspace TEXT NOT NULL, name TEXT NOT NULL,
    transform INTEGER NOT NULL REFERENCES transform (id) ON DELETE CASCADE,
    PRIMARY KEY (owner, kind, workspace, name)
) STRICT;
CREATE INDEX attachment_of ON attachment (transform);
""",
)
_ONE = (
    "SELECT t.name, v.number, v.source FROM transform t JOIN version v ON v.transform = t.id "
    "WHERE t.owner = ? AND t.name = ? AND (? IS NULL OR v.number = ?) ORDER BY v.number DESC LIMIT 1"
)


@dataclass(frozen=True)
class SavedVersion:
    """One version in the list of a transform's versions."""

    number: int
    saved_at: datetime
    """In UTC."""
    characters: int


class Library:
    """Saved transforms of everybody who uses this Brickyard; *owner* says whose, and nobody meets another's.

    Methods may be called from any thread and raise StateTrouble where the file cannot be read or written.
    """

    def __init__(self, folder: Path | None, kept: Kept = KEPT) -> None:
        """*folder* is made where it is missing; None, or one that cannot be written, keeps all of it in memory."""
        self._file = StateFile(folder, kept)

    @property
    def why_in_memory(self) -> str:
        """Why nothing outlives this process, as a sentence for people; empty where it does."""
        return self._file.why_in_memory

    def save(self, owner: str, name: str, source: str, *, new: bool = False) -> Transform:
        """The transform as it is now kept: a new version only where *source* differs from the latest.

        *new*: another one of that name must not be there. Raises BadInput.
        """
        name = checked_name(name)
        check_source(source)
        with self._file.transaction() as db:
            latest = _one(db, owner, name)
            if new and latest is not None:
                raise _taken(name)
            if latest is not None and latest.source == source:
                return latest
            _drop_forgotten(db)
            if latest is None:
                _check_room(db, owner)
                db.execute("INSERT INTO transform (owner, name) VALUES (?, ?)", (owner, name))
            number = latest.version + 1 if latest else 1
            which = db.execute("SELECT id FROM transform WHERE owner = ? AND name = ?", (owner, name)).fetchone()[0]
            db.execute("INSERT INTO version VALUES (?, ?, ?, ?)", (which, number, source, time.time()))
            db.execute("DELETE FROM version WHERE transform = ? AND number <= ?", (which, number - MOST_VERSIONS))
            _check_total(db, owner)
            return Transform(name, number, source)

    def names(self, owner: str) -> list[str]:
        """What they are called, in the order of the alphabet."""
        with self._file.transaction() as db:
            rows = db.execute("SELECT name FROM transform WHERE owner = ?", (owner,)).fetchall()
        return sorted((row[0] for row in rows), key=lambda name: (name.casefold(), name))

    def last_saved(self, owner: str) -> str:
        """The name of what was saved last; empty for none."""
        with self._file.transaction() as db:
            row = db.execute(
                "SELECT t.name FROM transform t JOIN version v ON v.transform = t.id WHERE t.owner = ? "
                "ORDER BY v.saved_at DESC LIMIT 1",
                (owner,),
            ).fetchone()
        return row[0] if row else ""

    def get(self, owner: str, name: str, version: int | None = None) -> Transform:
        """That version, or the latest. Raises BadInput where there is none, or not any more."""
        with self._file.transaction() as db:
            found = _one(db, owner, name, version)
            if found is None:
                raise _unknown(name, version)
            return found

    def versions(self, owner: str, name: str) -> list[SavedVersion]:
        """Those that are kept, the latest first. Raises BadInput for an unknown name."""
        with self._file.transaction() as db:
            rows = db.execute(
                "SELECT v.number, v.saved_at, length(v.source) FROM transform t JOIN version v ON v.transform = t.id "
                "WHERE t.owner = ? AND t.name = ? ORDER BY v.number DESC",
                (owner, name),
            ).fetchall()
        if not rows:
            raise _unknown(name)
        return [SavedVersion(number, datetime.fromtimestamp(at, UTC), length) for number, at, length in rows]

    def rename(self, owner: str, name: str, new: str) -> None:
        """Call it *new*; versions and attachments stay. Raises BadInput for an unknown name, or one that is taken."""
        new = checked_name(new)
        with self._file.transaction() as db:
            if new != name and _one(db, owner, new) is not None:
                raise _taken(new)
            changed = db.execute("UPDATE transform SET name = ? WHERE owner = ? AND name = ?", (new, owner, name))
            if not changed.rowcount:
                raise _unknown(name)

    def delete(self, owner: str, name: str) -> None:
        """Take it away with its versions and attachments. Without effect where it is gone already."""
        with self._file.transaction() as db:
            db.execute("DELETE FROM transform WHERE owner = ? AND name = ?", (owner, name))

    def attach(self, owner: str, place: Place, name: str) -> None:
        """Let that transform, always its latest version, be the one for *place*. Raises BadInput for an unknown name."""
        check_text(place.workspace, place.name)
        with self._file.transaction() as db:
            found = db.execute("SELECT id FROM transform WHERE owner = ? AND name = ?", (owner, name)).fetchone()
            if found is None:
                raise _unknown(name)
            db.execute("INSERT OR REPLACE INTO attachment VALUES (?, ?, ?, ?, ?)", (owner, *_row(place), found[0]))
            if db.execute("SELECT count(*) FROM attachment WHERE owner = ?", (owner,)).fetchone()[0] > MOST_ATTACHED:
                raise BadInput(f"{MOST_ATTACHED} attachments are kept at most.", "Detach some that are not needed.")

    def detach(self, owner: str, place: Place) -> None:
        """Let none be for *place*."""
        with self._file.transaction() as db:
            where = "owner = ? AND kind = ? AND workspace = ? AND name = ?"
            db.execute(f"DELETE FROM attachment WHERE {where}", (owner, *_row(place)))  # noqa: S608 - our own words

    def attached(self, owner: str, place: Place) -> Transform | None:
        """The latest version of what is attached to *place*; None for nothing."""
        with self._file.transaction() as db:
            found = db.execute(
                "SELECT t.name FROM attachment a JOIN transform t ON t.id = a.transform AND t.owner = a.owner "
                "WHERE a.owner = ? AND a.kind = ? AND a.workspace = ? AND a.name = ?",
                (owner, *_row(place)),
            ).fetchone()
            return _one(db, owner, found[0]) if found else None

    def places(self, owner: str, name: str) -> list[Place]:
        """What that transform is attached to."""
        with self._file.transaction() as db:
            rows = db.execute(
                "SELECT a.kind, a.workspace, a.name FROM attachment a JOIN transform t ON t.id = a.transform "
                "WHERE a.owner = ? AND t.owner = ? AND t.name = ?",
                (owner, owner, name),
            ).fetchall()
        return sorted(Place(PlaceKind(kind), workspace, what) for kind, workspace, what in rows)


def library() -> Library:
    """This Brickyard's own, where its settings say; the same one each time."""
    return _library_in(Settings.from_environment().state)


@functools.lru_cache(maxsize=64)
def _library_in(folder: Path | None) -> Library:
    return Library(folder)


def checked_name(name: str) -> str:
    """The name without spaces around it. Raises BadInput for one that nobody could read, or that is too long."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name:
        raise BadInput("A transform needs a name.", "Type one, such as “Be concise”.")
    if len(name) > MOST_NAME:
        raise BadInput(f"The name has {len(name)} characters; {MOST_NAME} are kept at most.", "Shorten it.")
    if not name.isprintable():
        raise BadInput("The name holds characters that cannot be seen.", "Type it again on one line.")
    return name


def check_source(source: str) -> None:
    """Raise BadInput for source that cannot be kept. Whether it is Python is for the sandbox to say."""
    check_text(source)
    size = len(source.encode())
    if size > MOST_SOURCE:
        raise BadInput(f"The source has {size:,} bytes; {MOST_SOURCE:,} are kept at most.", "Make it shorter.")


def check_text(*texts: str) -> None:
    """Raise BadInput for what is no text: half a character, or a NUL."""
    try:
        whole = "".join(texts).encode()
    except UnicodeEncodeError as half:
        raise BadInput("The text holds half a character.", "Type or paste it again.") from half
    if b"\0" in whole:
        raise BadInput("The text holds a NUL character.", "Take it out.")


def _one(db: sqlite3.Connection, owner: str, name: str, version: int | None = None) -> Transform | None:
    row = db.execute(_ONE, (owner, name, version, version)).fetchone()
    return Transform(*row) if row else None


def _row(place: Place) -> tuple[str, str, str]:
    return place.kind.value, place.workspace, place.name


def _check_room(db: sqlite3.Connection, owner: str) -> None:
    if db.execute("SELECT count(*) FROM transform WHERE owner = ?", (owner,)).fetchone()[0] >= MOST_TRANSFORMS:
        raise BadInput(f"{MOST_TRANSFORMS} transforms are kept at most.", "Delete one that is not needed any more.")


def _drop_forgotten(db: sqlite3.Connection) -> None:
    """Let go of what browsers left behind: a cookie that is gone never comes back."""
    last = (
        "(SELECT max(v.saved_at) FROM version v JOIN transform t ON t.id = v.transform WHERE t.owner = transform.owner)"
    )
    db.execute(
        f"DELETE FROM transform WHERE substr(owner, 1, ?) = ? AND {last} < ?",  # noqa: S608 - our own words
        (len(A_BROWSER), A_BROWSER, time.time() - KEPT_DAYS_OF_A_BROWSER * 86_400),
    )


def _check_total(db: sqlite3.Connection, owner: str) -> None:
    query = "SELECT sum(length(v.source)) FROM transform t JOIN version v ON v.transform = t.id WHERE t.owner = ?"
    most = MOST_OF_A_BROWSER if owner.startswith(A_BROWSER) else MOST_TOTAL
    if db.execute(query, (owner,)).fetchone()[0] > most:
        raise BadInput(
            f"Your transforms have more than {most // 1_000_000} million characters.",
            "Delete one that is not needed any more; the new version was not kept.",
        )


def _taken(name: str) -> BadInput:
    return BadInput(f"There is a transform “{name}” already.", "Choose another name, or open that one and change it.")


def _unknown(name: str, version: int | None = None) -> BadInput:
    what = f"version {version} of “{name}”" if version is not None else f"transform “{name}”"
    return BadInput(f"There is no {what} any more.", "Choose another one in the list.")
