"""Datasets, runs and layouts that are kept: records in SQLite, texts and vectors in files beside it."""

import contextlib
import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from services.embeddings.datasets.room import NotKept, dataset_name, on_one_line
from services.embeddings.datasets.store_records import StoreRecords
from services.embeddings.datasets.tables import LayoutRecord, TextsRecord, VectorsRecord
from services.embeddings.datasets.vector_files import Damaged, VectorFiles, gone, same
from services.embeddings.limits import check_label, check_texts
from services.embeddings.records import Algorithm, Dataset, Floats, Layout, Run, Texts
from services.settings import Settings

__all__ = ["EmbeddingStore", "NotKept", "embedding_store"]

Found = TypeVar("Found")
_MOST_SOURCE = 300


class EmbeddingStore:
    """Everybody's datasets; *owner* says whose, and nobody meets another's.

    Methods may be called from any thread, and several processes may share the folder. All raise StateTrouble where the disk
    cannot be read or written, or holds something else than was put there. A file is never changed, only followed by one of
    another name: vectors and paths that were given out stay what they are, until their file is deleted.
    """

    def __init__(self, folder: Path | None) -> None:
        """*folder* is made where it is missing; None, or one that cannot be written: all goes when this process ends."""
        self._records = StoreRecords(folder)
        self._files = VectorFiles(None if self._records.why_in_memory else folder)

    @property
    def why_in_memory(self) -> str:
        """Why nothing outlives this process, as a sentence for people; empty where it does."""
        return self._records.why_in_memory

    def list_datasets(self, owner: str) -> list[Dataset]:
        """Newest first."""
        return self._records.datasets(owner)

    def put_dataset(self, owner: str, name: str, texts: Texts, source: str) -> Dataset:
        """Keep a new one, also where there is one of that name. Labels that are all empty are none.

        Raises BadInput for texts that cannot be kept, and where the owner has too much already.
        """
        check_texts(texts.texts)
        self._records.check_datasets(owner)
        self._files.sweep(self._records.files_in_use())
        columns = {"text": texts.texts} | ({} if texts.ids is None else {"id": _checked(texts.ids, len(texts), "Id")})
        with self._new_files(owner) as put:
            kept = put(self._files.put_columns(owner, columns))
            labelled = self._put_labels(owner, texts.labels or (), len(texts), put) if texts.labels else ""
            record = TextsRecord(len(texts), kept, labelled)
            size = self._files.size(owner, kept, labelled)
            return self._records.add_dataset(
                owner, dataset_name(name), on_one_line(source)[:_MOST_SOURCE], record, size
            )

    def get_texts(self, owner: str, dataset_id: str) -> Texts:
        """Texts, labels and ids of a dataset. Raises NotKept."""

        def read() -> Texts:
            record = self._records.texts(owner, dataset_id)
            columns = self._files.get_columns(owner, record.texts, {"text"}, record.count)
            labels = self._files.get_columns(owner, record.labels, {"label"}, record.count) if record.labels else {}
            return Texts(columns["text"], labels.get("label"), columns.get("id"))

        return _found(read)

    def put_labels(self, owner: str, dataset_id: str, labels: Sequence[str] | Mapping[int, str]) -> None:
        """Let these, one for each text, be the labels; none where all are empty.

        A mapping has only those that change, by the text's index: the others stay, also those that somebody else writes at the
        same time. Raises NotKept, BadInput; IndexError for an index of no text.
        """
        while not self._try_labels(owner, dataset_id, labels):
            pass  # somebody else was faster, and so has come further

    def _try_labels(self, owner: str, dataset_id: str, labels: Sequence[str] | Mapping[int, str]) -> bool:
        """Whether nobody wrote other labels between reading and writing."""
        record = self._records.texts(owner, dataset_id)
        if isinstance(labels, Mapping):
            whole = list(self.get_texts(owner, dataset_id).labels or [""] * record.count)
            for index, label in labels.items():
                whole[index] = label
            labels, instead_of = whole, record.labels
        else:
            instead_of = None
        with self._new_files(owner) as put:
            new = self._put_labels(owner, labels, record.count, put)
            size = self._files.size(owner, record.texts, new)
            before = self._records.set_labels(owner, dataset_id, new, size, instead_of)
            if before is None:
                self._files.delete(owner, [new] if new else [])
                return False
        self._files.delete(owner, [before] if before else [])
        return True

    def rename_dataset(self, owner: str, dataset_id: str, name: str) -> None:
        """Call it *name*. Raises NotKept; BadInput for no name."""
        self._records.rename(owner, dataset_id, dataset_name(name))

    def delete_dataset(self, owner: str, dataset_id: str) -> None:
        """Take it away with its runs and layouts. Without effect where it is gone already."""
        self._files.delete(owner, self._records.delete_dataset(owner, dataset_id))

    def put_run(self, owner: str, run: Run, vectors: Floats | None, *, begun: bool = False) -> None:
        """Keep a run in the place of the one with its key. *vectors*: a row for each text; None, or without a column: those
        that are here stay. Layouts go where the vectors are others than before. *begun*: it was put when it was begun, and is
        not kept where it was deleted or begun anew since.

        Raises NotKept where the dataset, or the run that was begun, is gone; BadInput where the owner has too much already.
        """
        record = self._records.texts(owner, run.dataset)
        if vectors is None or vectors.shape[1] == 0 or self._has(owner, run, vectors):
            self._records.put_run(owner, run, None, begun=begun)
            return
        if len(vectors) != record.count:
            raise ValueError(f"{len(vectors)} vectors for {record.count} texts")
        with self._new_files(owner) as put:
            name = put(self._files.put_array(owner, vectors))
            new = VectorsRecord(record.count, vectors.shape[1], name)
            before = self._records.put_run(owner, run, new, self._files.size(owner, name), begun=begun)
        self._files.delete(owner, before)

    def list_runs(self, owner: str, dataset_id: str) -> list[Run]:
        """Newest first; their dimensions are those of the vectors that are here. None for an unknown dataset."""
        return self._records.runs(owner, dataset_id)

    def delete_run(self, owner: str, dataset_id: str, run_key: str) -> None:
        """Take it away with its vectors and layouts. Without effect where it is gone already."""
        self._files.delete(owner, self._records.delete_run(owner, dataset_id, run_key))

    def get_vectors(self, owner: str, dataset_id: str, run_key: str) -> Floats:
        """(texts, dimensions), read-only, mapped: the disk is read where they are looked at. Raises NotKept, also where the
        run has no vector yet."""

        def read() -> Floats:
            record = self._records.vectors(owner, dataset_id, run_key)
            return self._files.get_array(owner, record.vectors, (record.count, record.dimensions))

        return _found(read)

    def vectors_path(self, owner: str, dataset_id: str, run_key: str) -> Path:
        """The ``.npy`` file of these vectors and no others: others come under another name. Raises NotKept."""
        return self._files.path(owner, self._records.vectors(owner, dataset_id, run_key).vectors)

    def put_layout(
        self, owner: str, dataset_id: str, run_key: str, layout: Layout, *, made_of: Path | None = None
    ) -> None:
        """Keep a picture in the place of the one of its algorithm and dims. *made_of* as vectors_path said it: nothing is kept
        where other vectors came since. Raises NotKept, BadInput."""
        count = self._records.vectors(owner, dataset_id, run_key).count
        if len(layout.coordinates) != count:
            raise ValueError(f"{len(layout.coordinates)} places for {count} texts")
        body = json.dumps({"parameters": dict(layout.parameters), "explained": layout.explained}, default=_plain)
        which = (dataset_id, run_key, layout.algorithm.value, layout.dims)
        with self._new_files(owner) as put:
            name = put(self._files.put_array(owner, layout.coordinates))
            new, size = LayoutRecord(count, body, name), self._files.size(owner, name)
            before = self._records.put_layout(owner, which, new, size, made_of.name if made_of else None)
        self._files.delete(owner, before)

    def get_layout(self, owner: str, dataset_id: str, run_key: str, algorithm: Algorithm, dims: int) -> Layout | None:
        """The picture of the vectors that are here; None where it was not made yet. Raises NotKept; Damaged, once, for one
        that is damaged: it is let go, since it can be made again."""
        which = (dataset_id, run_key, algorithm.value, dims)

        def read() -> Layout | None:
            record = self._records.layout(owner, which)
            if record is None:
                return None
            said = json.loads(record.body)
            coordinates = self._files.get_array(owner, record.coordinates, (record.count, dims))
            return Layout(coordinates, algorithm, said["parameters"], tuple(said["explained"]))

        try:
            return _found(read)
        except Damaged as damaged:
            self._files.delete(owner, self._records.delete_layout(owner, which))
            raise Damaged(damaged.message, "Make the picture again.") from damaged

    def _has(self, owner: str, run: Run, vectors: Floats) -> bool:
        """Whether these very vectors are here."""
        try:
            return same(self.get_vectors(owner, run.dataset, run.key), vectors)
        except (NotKept, Damaged):  # none, or none that can be read: these take their place
            return False

    def _put_labels(self, owner: str, labels: Sequence[str], count: int, put: Callable[[str], str]) -> str:
        checked = _checked(labels, count, "Label")
        return put(self._files.put_columns(owner, {"label": checked})) if any(checked) else ""

    @contextlib.contextmanager
    def _new_files(self, owner: str) -> Iterator[Callable[[str], str]]:
        """Takes the names of files that are written within; they go again where what is done within fails."""
        names: list[str] = []

        def put(name: str) -> str:
            names.append(name)
            return name

        try:
            yield put
        except BaseException:
            self._files.delete(owner, names)
            raise


def embedding_store() -> EmbeddingStore:
    """This Brickyard's own, where its settings say; the same one each time."""
    return _store_in(Settings.from_environment().state)


@functools.lru_cache(maxsize=64)
def _store_in(folder: Path | None) -> EmbeddingStore:
    return EmbeddingStore(folder)


def _found(read: Callable[[], Found]) -> Found:
    """What *read* finds by a record: between record and file, another thread may have put another file in its place."""
    try:
        return read()
    except FileNotFoundError:
        pass
    try:
        return read()
    except FileNotFoundError as missing:
        raise gone(Path(missing.filename or "")) from missing


def _checked(values: Sequence[str], count: int, what: str) -> Sequence[str]:
    """Raises BadInput for one that cannot be kept."""
    if len(values) != count:
        raise ValueError(f"{len(values)} of {what} for {count} texts")
    for number, value in enumerate(values, start=1):
        check_label(value, f"{what} {number:,}")
    return values


def _plain(value: object) -> Any:
    """NumPy's numbers as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} among a layout's parameters")
