"""The records of datasets, runs and layouts, and which files are theirs."""

import secrets
import sqlite3
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from services.embeddings.datasets.room import NotKept, check_bytes, check_datasets
from services.embeddings.datasets.stored_runs import run_from_json, run_to_json
from services.embeddings.datasets.tables import KEPT, LayoutRecord, TextsRecord, VectorsRecord
from services.embeddings.records import Dataset, Run
from services.state_file import StateFile, StateTrouble
from services.visitors import A_BROWSER

KEPT_DAYS_OF_A_BROWSER = 90
"""After its last dataset or run."""
_LAST = "max(made, coalesce((SELECT max(r.made) FROM run r WHERE r.dataset = dataset.id), 0))"


class StoreRecords:
    """All in transactions of their own. Methods that take a file out of use return its name, for the caller to delete."""

    def __init__(self, folder: Path | None) -> None:
        self._file = StateFile(folder, KEPT)
        self.why_in_memory = self._file.why_in_memory

    def datasets(self, owner: str) -> list[Dataset]:
        """Newest first."""
        with self._file.transaction() as db:
            rows = db.execute(
                "SELECT id, name, count, labels <> '', made, source FROM dataset WHERE owner = ? "
                "ORDER BY made DESC, rowid DESC",
                (owner,),
            ).fetchall()
        return [
            Dataset(id_, name, count, bool(labelled), datetime.fromtimestamp(made, UTC), source)
            for id_, name, count, labelled, made, source in rows
        ]

    def add_dataset(self, owner: str, name: str, source: str, texts: TextsRecord, size: int) -> Dataset:
        """Under an id of its own. Raises BadInput where there is no room."""
        made, new = datetime.now(UTC), secrets.token_hex(8)
        row = (new, owner, name, texts.count, source, made.timestamp(), texts.texts, texts.labels, size)
        with self._file.transaction() as db:
            check_datasets(db, owner)
            db.execute("INSERT INTO dataset VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            check_bytes(db, owner)
        return Dataset(new, name, texts.count, bool(texts.labels), made, source)

    def texts(self, owner: str, dataset: str) -> TextsRecord:
        """Raises NotKept."""
        with self._file.transaction() as db:
            return _texts(db, owner, dataset)

    def set_labels(self, owner: str, dataset: str, labels: str, size: int, instead_of: str | None) -> str | None:
        """The file of the labels until now. *size* is of texts and labels together. None, and nothing is done, where the labels
        are not in *instead_of* any more, unless that is None. Raises NotKept, BadInput."""
        with self._file.transaction() as db:
            before = _texts(db, owner, dataset).labels
            if instead_of not in (None, before):
                return None
            db.execute("UPDATE dataset SET labels = ?, bytes = ? WHERE id = ?", (labels, size, dataset))
            check_bytes(db, owner)
        return before

    def rename(self, owner: str, dataset: str, name: str) -> None:
        """Raises NotKept."""
        with self._file.transaction() as db:
            _texts(db, owner, dataset)
            db.execute("UPDATE dataset SET name = ? WHERE id = ?", (name, dataset))

    def delete_dataset(self, owner: str, dataset: str) -> list[str]:
        """Without effect for an unknown one."""
        with self._file.transaction() as db:
            files = _strings(
                db, "SELECT texts FROM dataset WHERE owner = ? AND id = ? UNION ALL "
                "SELECT labels FROM dataset WHERE owner = ? AND id = ?", owner, dataset, owner, dataset
            )  # fmt: skip
            if not files:
                return []
            files += _strings(db, "SELECT vectors FROM run WHERE dataset = ?", dataset)
            files += _strings(db, "SELECT coordinates FROM layout WHERE dataset = ?", dataset)
            db.execute("DELETE FROM dataset WHERE id = ?", (dataset,))
        return files

    def put_run(
        self, owner: str, run: Run, new: VectorsRecord | None, size: int = 0, *, begun: bool = False
    ) -> list[str]:
        """In the place of the one with its key, or with *begun* of the very same; *new*: with these vectors instead of those
        that are here. Raises NotKept, BadInput."""
        with self._file.transaction() as db:
            _texts(db, owner, run.dataset)
            if begun:
                _check_begun(db, run)
            db.execute(
                "INSERT INTO run VALUES (?, ?, ?, ?, 0, '', 0) "
                "ON CONFLICT DO UPDATE SET body = excluded.body, made = excluded.made",
                (run.dataset, run.key, run_to_json(run), run.made.timestamp()),
            )
            if new is None:
                return []
            which = (run.dataset, run.key)
            before = _strings(db, "SELECT vectors FROM run WHERE dataset = ? AND key = ?", *which)
            before += _strings(db, "SELECT coordinates FROM layout WHERE dataset = ? AND run = ?", *which)
            db.execute("DELETE FROM layout WHERE dataset = ? AND run = ?", which)
            db.execute(
                "UPDATE run SET dimensions = ?, vectors = ?, bytes = ? WHERE dataset = ? AND key = ?",
                (new.dimensions, new.vectors, size, *which),
            )
            check_bytes(db, owner)
        return before

    def runs(self, owner: str, dataset: str) -> list[Run]:
        """Newest first; none for an unknown dataset."""
        with self._file.transaction() as db:
            rows = db.execute(
                "SELECT r.key, r.dimensions, r.vectors, r.body FROM run r JOIN dataset d ON d.id = r.dataset "
                "WHERE d.owner = ? AND d.id = ? ORDER BY r.made DESC, r.rowid DESC",
                (owner, dataset),
            ).fetchall()
        try:
            return [
                replace(run_from_json(dataset, key, dimensions, body), vectors=vectors)
                for key, dimensions, vectors, body in rows
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise StateTrouble("The record of a run is damaged.", "Delete this dataset and embed it again.") from error

    def vectors(self, owner: str, dataset: str, run: str) -> VectorsRecord:
        """Raises NotKept, also where the run has no vector yet."""
        with self._file.transaction() as db:
            return _vectors(db, owner, dataset, run)

    def delete_run(self, owner: str, dataset: str, run: str) -> list[str]:
        """Without effect for an unknown one."""
        with self._file.transaction() as db:
            mine = _strings(db, "SELECT id FROM dataset WHERE owner = ? AND id = ?", owner, dataset)
            if not mine:
                return []
            files = _strings(db, "SELECT vectors FROM run WHERE dataset = ? AND key = ?", dataset, run)
            files += _strings(db, "SELECT coordinates FROM layout WHERE dataset = ? AND run = ?", dataset, run)
            db.execute("DELETE FROM run WHERE dataset = ? AND key = ?", (dataset, run))
        return files

    def put_layout(
        self, owner: str, which: tuple[str, str, str, int], new: LayoutRecord, size: int, made_of: str | None
    ) -> list[str]:
        """*which*: dataset, run, algorithm, dims. Where the vectors are not in the file *made_of* any more, the new one is
        what is not kept. Raises NotKept, BadInput."""
        with self._file.transaction() as db:
            if made_of not in (None, _vectors(db, owner, which[0], which[1]).vectors):
                return [new.coordinates]
            before = _strings(db, f"SELECT coordinates FROM layout {_WHICH}", *which)  # noqa: S608 - our own words
            db.execute(
                "INSERT OR REPLACE INTO layout VALUES (?, ?, ?, ?, ?, ?, ?)", (*which, new.body, new.coordinates, size)
            )
            check_bytes(db, owner)
        return before

    def layout(self, owner: str, which: tuple[str, str, str, int]) -> LayoutRecord | None:
        """Raises NotKept for an unknown run."""
        with self._file.transaction() as db:
            count = _vectors(db, owner, which[0], which[1]).count
            row = db.execute(f"SELECT body, coordinates FROM layout {_WHICH}", which).fetchone()  # noqa: S608 - ours too
        return LayoutRecord(count, *row) if row else None

    def delete_layout(self, owner: str, which: tuple[str, str, str, int]) -> list[str]:
        """Raises NotKept for an unknown run."""
        with self._file.transaction() as db:
            _vectors(db, owner, which[0], which[1])
            files = _strings(db, f"SELECT coordinates FROM layout {_WHICH}", *which)  # noqa: S608 - ours too
            db.execute(f"DELETE FROM layout {_WHICH}", which)  # noqa: S608 - ours too
        return files

    def check_datasets(self, owner: str) -> None:
        """Raise BadInput where the owner has no room for another one."""
        with self._file.transaction() as db:
            check_datasets(db, owner)

    def files_in_use(self) -> set[str]:
        """Everybody's; and what browsers left behind is forgotten: a cookie that is gone never comes back."""
        with self._file.transaction() as db:
            db.execute(
                f"DELETE FROM dataset WHERE substr(owner, 1, ?) = ? AND {_LAST} < ?",  # noqa: S608 - our own words
                (len(A_BROWSER), A_BROWSER, time.time() - KEPT_DAYS_OF_A_BROWSER * 86_400),
            )
            return set(
                _strings(
                    db, "SELECT texts FROM dataset UNION SELECT labels FROM dataset "
                    "UNION SELECT vectors FROM run UNION SELECT coordinates FROM layout"
                )
            )  # fmt: skip


_WHICH = "WHERE dataset = ? AND run = ? AND algorithm = ? AND dims = ?"


def _strings(db: sqlite3.Connection, query: str, *values: str | int) -> list[str]:
    """The first column, without what is empty."""
    return [row[0] for row in db.execute(query, values) if row[0]]


def _texts(db: sqlite3.Connection, owner: str, dataset: str) -> TextsRecord:
    row = db.execute("SELECT count, texts, labels FROM dataset WHERE owner = ? AND id = ?", (owner, dataset)).fetchone()
    if row is None:
        raise NotKept("There is no such dataset any more.", "Choose another one in the list.")
    return TextsRecord(*row)


def _check_begun(db: sqlite3.Connection, run: Run) -> None:
    made = db.execute("SELECT made FROM run WHERE dataset = ? AND key = ?", (run.dataset, run.key)).fetchone()
    if made != (run.made.timestamp(),):
        raise NotKept(
            "This embedding was deleted, or begun anew elsewhere.", "Begin it again where it is still wanted."
        )


def _vectors(db: sqlite3.Connection, owner: str, dataset: str, run: str) -> VectorsRecord:
    row = db.execute(
        "SELECT d.count, r.dimensions, r.vectors FROM run r JOIN dataset d ON d.id = r.dataset "
        "WHERE d.owner = ? AND d.id = ? AND r.key = ?",
        (owner, dataset, run),
    ).fetchone()
    if row is None:
        raise NotKept("There is no such embedding of this dataset any more.", "Choose another one, or embed it again.")
    if not row[2]:
        raise NotKept("No vector of this embedding has arrived yet.", "Wait for it, or begin it again.")
    return VectorsRecord(*row)
