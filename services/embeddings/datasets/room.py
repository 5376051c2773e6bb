"""What each owner may keep, and under which names."""

import sqlite3
import unicodedata

from services.errors import BadInput
from services.visitors import A_BROWSER

MOST_NAME = 120
"""Characters of a dataset's name."""
MOST_DATASETS = 50
MOST_BYTES = 4_000_000_000
"""Of one owner, on the disk."""
MOST_DATASETS_OF_A_BROWSER = 10
MOST_BYTES_OF_A_BROWSER = 500_000_000
"""The same where the owner is a browser that nobody vouches for: anybody may come with any number of cookies."""
_BYTES = """SELECT coalesce(sum(bytes), 0) FROM (
    SELECT bytes FROM dataset WHERE owner = :owner
    UNION ALL SELECT r.bytes FROM run r JOIN dataset d ON d.id = r.dataset WHERE d.owner = :owner
    UNION ALL SELECT l.bytes FROM layout l JOIN dataset d ON d.id = l.dataset WHERE d.owner = :owner)"""


class NotKept(BadInput):
    """No such dataset or vectors here, or not any more."""


def dataset_name(name: str) -> str:
    """The name on one line, cut where it is too long. Raises BadInput for one that nobody could read."""
    shown = on_one_line(name)[:MOST_NAME].rstrip()
    if not shown:
        raise BadInput("A dataset needs a name.", "Type one, such as “Support tickets”.")
    return shown


def on_one_line(text: str) -> str:
    """The text without what cannot be seen."""
    normal = unicodedata.normalize("NFC", text)
    return " ".join("".join(letter if letter.isprintable() else " " for letter in normal).split())


def check_datasets(db: sqlite3.Connection, owner: str) -> None:
    """Raise BadInput where the owner has no room for another one."""
    most = MOST_DATASETS_OF_A_BROWSER if owner.startswith(A_BROWSER) else MOST_DATASETS
    if db.execute("SELECT count(*) FROM dataset WHERE owner = ?", (owner,)).fetchone()[0] >= most:
        raise BadInput(f"{most} datasets are kept at most.", "Delete one that is not needed any more.")


def most_bytes_of(owner: str) -> int:
    """What all of the owner's may take on the disk."""
    return MOST_BYTES_OF_A_BROWSER if owner.startswith(A_BROWSER) else MOST_BYTES


def check_bytes(db: sqlite3.Connection, owner: str) -> None:
    """Raise BadInput where the owner has more than there is room for."""
    most = most_bytes_of(owner)
    if db.execute(_BYTES, {"owner": owner}).fetchone()[0] > most:
        raise BadInput(
            f"Your datasets and their vectors would take more than {most // 1_000_000:,} MB.",
            "Delete a dataset, or an embedding of one, that is not needed any more; then do it again.",
        )
