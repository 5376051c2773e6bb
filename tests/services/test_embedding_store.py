"""Datasets, runs and layouts on the disk: what is put is what is got, by its owner only, or a sentence says why not."""

import json
import os
import sqlite3
import stat
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from services.embeddings.datasets import room
from services.embeddings.datasets.store import EmbeddingStore, NotKept, embedding_store
from services.embeddings.datasets.stored_runs import run_from_json, run_to_json
from services.embeddings.records import Algorithm, Asking, BodyForm, Layout, Progress, Run, RunState, Texts
from services.errors import BadInput
from services.state_file import StateTrouble
from services.transforms import Transform
from services.visitors import A_BROWSER

ME, OTHER = "user me@example.com", "user other@example.com"
TEXTS = Texts(("하나", "two", "", "na\u2028ïve 🙂"), ("a", "", "b", "a"), ("1", "2", "3", "x"))
VECTORS = np.array([[1, 2, 3], [4, 5, 6], [np.nan] * 3, [0, 0, 0]], dtype=np.float32)
ASKING = Asking(
    endpoint="an-endpoint",
    version="3",
    form=BodyForm.DATAFRAME_SPLIT,
    column="글",
    dimensions=3,
    document_params={"mode": "passage", "deep": {"list": [1, None]}},
    query_params={"mode": "query"},
    transform=Transform("Shape it", 2, "def transform_input(**request):\n    return request\n"),
    batch=7,
    at_once=2,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def store(folder: Path) -> EmbeddingStore:
    return EmbeddingStore(folder)


def a_run(dataset: str, key: str = "0123456789abcdef", **changed) -> Run:
    made = datetime.now(UTC).replace(microsecond=0)
    progress = Progress(4, done=3, failed=1, tokens=12, left_seconds=1.5, note="Too many requests: waits 3 s.")
    failures = ((2, "The text is empty.", "Leave it out."),)
    run = Run(key, dataset, "https://host", ASKING, RunState.COMPLETE, made, 3, progress, failures, ("Cut.", "Again."))
    return replace(run, **changed)


def a_layout(algorithm: Algorithm = Algorithm.PCA) -> Layout:
    return Layout(VECTORS[:, :2], algorithm, {"seed": np.int64(7), "library": "numpy"}, (0.5, 0.25))


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "embeddings").rglob("*") if path.is_file())


def test_what_was_put_is_there_for_the_next_process(store, folder):
    dataset = store.put_dataset(ME, " Support\ntickets ", TEXTS, "tickets.csv, column text")
    run = a_run(dataset.id)
    store.put_run(ME, run, VECTORS)
    store.put_layout(ME, dataset.id, run.key, a_layout(), made_of=store.vectors_path(ME, dataset.id, run.key))

    later = EmbeddingStore(folder)
    assert later.why_in_memory == ""
    assert later.list_datasets(ME) == [dataset]
    assert (dataset.name, dataset.count, dataset.labelled) == ("Support tickets", 4, True)
    assert later.get_texts(ME, dataset.id) == TEXTS
    assert later.list_runs(ME, dataset.id) == [run]
    assert later.list_runs(ME, dataset.id)[0].asking.key == ASKING.key
    np.testing.assert_array_equal(later.get_vectors(ME, dataset.id, run.key), VECTORS)
    np.testing.assert_array_equal(np.load(later.vectors_path(ME, dataset.id, run.key)), VECTORS)
    layout = later.get_layout(ME, dataset.id, run.key, Algorithm.PCA, 2)
    np.testing.assert_array_equal(layout.coordinates, VECTORS[:, :2])
    assert (layout.parameters, layout.explained) == ({"seed": 7, "library": "numpy"}, (0.5, 0.25))
    assert later.get_layout(ME, dataset.id, run.key, Algorithm.PCA, 3) is None
    assert later.get_layout(ME, dataset.id, run.key, Algorithm.TSNE, 2) is None


def test_nobody_meets_what_is_anothers(store):
    dataset = store.put_dataset(ME, "mine", TEXTS, "pasted")
    store.put_run(ME, a_run(dataset.id), VECTORS)
    key = a_run(dataset.id).key
    assert store.list_datasets(OTHER) == []
    assert store.list_runs(OTHER, dataset.id) == []
    for meet in (
        lambda: store.get_texts(OTHER, dataset.id),
        lambda: store.put_labels(OTHER, dataset.id, ["x"] * 4),
        lambda: store.rename_dataset(OTHER, dataset.id, "yours"),
        lambda: store.put_run(OTHER, a_run(dataset.id, state=RunState.FAILED), VECTORS),
        lambda: store.get_vectors(OTHER, dataset.id, key),
        lambda: store.vectors_path(OTHER, dataset.id, key),
        lambda: store.put_layout(OTHER, dataset.id, key, a_layout()),
        lambda: store.get_layout(OTHER, dataset.id, key, Algorithm.PCA, 2),
    ):
        with pytest.raises(NotKept) as refused:
            meet()
        assert refused.value.hint
    store.delete_run(OTHER, dataset.id, key)
    store.delete_dataset(OTHER, dataset.id)
    assert store.list_datasets(ME) == [dataset]
    assert store.get_texts(ME, dataset.id) == TEXTS
    assert len(store.get_vectors(ME, dataset.id, key)) == 4


def test_files_are_private_and_say_nothing_of_their_owner(store, folder):
    dataset = store.put_dataset(ME, "../../out", TEXTS, "pasted")
    store.put_run(ME, a_run(dataset.id, key="../../../../out"), VECTORS)
    store.put_layout(ME, dataset.id, "../../../../out", a_layout())
    files = files_in(folder)
    assert len(files) == 4
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in [folder / "embeddings", files[0].parent]} == {0o700}
    assert "example" not in str(files[0].parent)


def test_newest_is_first_and_names_can_be_changed(store):
    first, second = (store.put_dataset(ME, name, TEXTS, "pasted") for name in ("one", "one"))
    store.rename_dataset(ME, first.id, "  다른\u200b 이름 ")
    assert [dataset.name for dataset in store.list_datasets(ME)] == ["one", "다른 이름"]
    with pytest.raises(BadInput, match="needs a name"):
        store.rename_dataset(ME, second.id, " \n")
    older = datetime.now(UTC) - timedelta(days=1)
    store.put_run(ME, a_run(first.id, "new"), None)
    store.put_run(ME, a_run(first.id, "old", made=older), None)
    assert [run.key for run in store.list_runs(ME, first.id)] == ["new", "old"]


def test_labels_can_come_later_be_others_and_go(store, folder):
    dataset = store.put_dataset(ME, "one", Texts(TEXTS.texts, ("", "", "", "")), "pasted")
    assert not dataset.labelled
    assert store.get_texts(ME, dataset.id) == Texts(TEXTS.texts)
    store.put_labels(ME, dataset.id, ["가", "", "b", "c"])
    assert store.get_texts(ME, dataset.id) == Texts(TEXTS.texts, ("가", "", "b", "c"))
    assert store.list_datasets(ME)[0].labelled
    store.put_labels(ME, dataset.id, ["x"] * 4)
    assert store.get_texts(ME, dataset.id).labels == ("x",) * 4
    other = EmbeddingStore(folder)
    writers = [
        threading.Thread(target=one.put_labels, args=(ME, dataset.id, {place: f"by {place}"}))
        for place, one in enumerate((store, other, store))
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert store.get_texts(ME, dataset.id).labels == ("by 0", "by 1", "by 2", "x"), (
        "nobody's write takes another's away"
    )
    store.put_labels(ME, dataset.id, {0: ""})
    assert store.get_texts(ME, dataset.id).labels == ("", "by 1", "by 2", "x")
    store.put_labels(ME, dataset.id, [""] * 4)
    assert store.get_texts(ME, dataset.id).labels is None
    assert len(files_in(folder)) == 1


def test_a_run_keeps_its_vectors_until_others_come_and_pictures_go_with_them(store, folder):
    dataset = store.put_dataset(ME, "one", TEXTS, "pasted")
    begun = a_run(dataset.id, state=RunState.RUNNING, dimensions=0)
    store.put_run(ME, begun, None)
    assert store.list_runs(ME, dataset.id) == [begun]
    with pytest.raises(NotKept, match="No vector"):
        store.get_vectors(ME, dataset.id, begun.key)
    store.put_run(ME, begun, np.empty((4, 0), dtype=np.float32))
    assert store.list_runs(ME, dataset.id)[0].dimensions == 0

    store.put_run(ME, begun, VECTORS.astype(np.float64))
    before, path = store.get_vectors(ME, dataset.id, begun.key), store.vectors_path(ME, dataset.id, begun.key)
    assert before.dtype == np.float32
    assert not before.flags.writeable
    named = store.list_runs(ME, dataset.id)[0].vectors
    store.put_layout(ME, dataset.id, begun.key, a_layout())
    store.put_run(ME, replace(begun, state=RunState.STOPPED), None)
    store.put_run(ME, replace(begun, state=RunState.STOPPED), VECTORS.copy(order="F"))  # the same ones
    assert store.vectors_path(ME, dataset.id, begun.key) == path
    assert store.get_layout(ME, dataset.id, begun.key, Algorithm.PCA, 2) is not None
    assert store.list_runs(ME, dataset.id)[0] == replace(begun, state=RunState.STOPPED, dimensions=3)
    assert store.list_runs(ME, dataset.id)[0].vectors == named  # by which views know what they have counted in them

    store.put_run(ME, a_run(dataset.id), VECTORS[:, :2] + 1)
    assert store.list_runs(ME, dataset.id)[0].vectors not in ("", named)
    np.testing.assert_array_equal(before, VECTORS)  # who looks at them goes on
    assert store.get_vectors(ME, dataset.id, begun.key).shape == (4, 2)
    assert store.get_layout(ME, dataset.id, begun.key, Algorithm.PCA, 2) is None
    store.put_layout(ME, dataset.id, begun.key, a_layout(), made_of=path)  # a picture of what is no more
    assert store.get_layout(ME, dataset.id, begun.key, Algorithm.PCA, 2) is None
    assert sorted(file.suffix for file in files_in(folder)) == [".npy", ".parquet", ".parquet"]


def test_what_is_deleted_leaves_no_file_and_can_be_deleted_twice(store, folder):
    kept, dataset = (store.put_dataset(ME, "one", TEXTS, "pasted") for _ in range(2))
    for key in ("a", "b"):
        store.put_run(ME, a_run(dataset.id, key), VECTORS)
        store.put_layout(ME, dataset.id, key, a_layout())
        store.put_layout(ME, dataset.id, key, a_layout(Algorithm.LOCALMAP))
        store.put_layout(ME, dataset.id, key, a_layout(Algorithm.LOCALMAP))
    assert len(files_in(folder)) == 4 + 2 * 3
    for _ in range(2):
        store.delete_run(ME, dataset.id, "a")
    assert len(files_in(folder)) == 4 + 3
    assert [run.key for run in store.list_runs(ME, dataset.id)] == ["b"]
    for _ in range(2):
        store.delete_dataset(ME, dataset.id)
    assert store.list_datasets(ME) == [kept]
    assert len(files_in(folder)) == 2
    with pytest.raises(NotKept):
        store.put_run(ME, a_run(dataset.id), VECTORS)  # a job that ends after its dataset
    assert len(files_in(folder)) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-5]),
        lambda path: path.write_bytes(path.read_bytes()[:20]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"x" * path.stat().st_size),
        lambda path: np.save(path, np.array([{"a": "pickled"}], dtype=object)),
        lambda path: np.save(path, VECTORS[:2]),
        lambda path: np.save(path, VECTORS.astype(np.float64)),
        lambda path: path.unlink(),
    ],
)
def test_damaged_or_missing_files_are_told_in_a_sentence(store, folder, damage):
    dataset = store.put_dataset(ME, "one", TEXTS, "pasted")
    run = a_run(dataset.id)
    store.put_run(ME, run, VECTORS)
    store.put_layout(ME, dataset.id, run.key, a_layout())
    for file in files_in(folder):
        if file.suffix == ".parquet":
            file.write_bytes(file.read_bytes()[:-5])
        else:
            damage(file.rename(file.with_suffix(".npy")))
    for read in (
        lambda: store.get_texts(ME, dataset.id),
        lambda: store.get_vectors(ME, dataset.id, run.key),
        lambda: store.get_layout(ME, dataset.id, run.key, Algorithm.PCA, 2),
    ):
        with pytest.raises(StateTrouble, match=r"damaged|gone") as told:
            read()
        assert told.value.hint
    assert store.get_layout(ME, dataset.id, run.key, Algorithm.PCA, 2) is None  # it can be made again
    store.put_run(ME, run, VECTORS)  # and so can these
    np.testing.assert_array_equal(store.get_vectors(ME, dataset.id, run.key), VECTORS)
    store.delete_dataset(ME, dataset.id)
    assert files_in(folder) == []


def test_texts_that_cannot_be_kept_are_refused_and_leave_nothing(store, folder):
    for texts, said in (
        (Texts(()), "no text"),
        (Texts(("a",) * 200_001), "200,000"),
        (Texts(("a", "x" * 1_000_001)), "Text 2 has 1,000,001 bytes"),
        (Texts(("a", "\ud83d")), "Text 2 holds half a character"),
        (Texts(("a", "b"), ("x", "\ud83d")), "Label 2 holds half a character"),
        (Texts(("a", "b\0")), "Text 2 holds a NUL"),
    ):
        with pytest.raises(BadInput, match=said):
            store.put_dataset(ME, "one", texts, "pasted")
    assert store.list_datasets(ME) == []
    assert list(folder.rglob("*.parquet*")) == []


def test_each_owner_has_so_much_room(store, folder):
    visitor = f"{A_BROWSER}{'a' * 64}"
    for _ in range(room.MOST_DATASETS_OF_A_BROWSER):
        dataset = store.put_dataset(visitor, "one", TEXTS, "pasted")
    with pytest.raises(BadInput, match="10 datasets are kept at most"):
        store.put_dataset(visitor, "one", TEXTS, "pasted")
    store.put_dataset(ME, "one", TEXTS, "pasted")
    before = files_in(folder)
    with sqlite3.connect(folder / "embeddings.sqlite3") as db:
        db.execute("UPDATE dataset SET bytes = ? WHERE id = ?", (room.MOST_BYTES_OF_A_BROWSER - 2000, dataset.id))
    with pytest.raises(BadInput, match="more than 500 MB"):
        store.put_run(visitor, a_run(dataset.id), VECTORS)
    assert files_in(folder) == before
    assert store.list_runs(visitor, dataset.id) == []
    store.delete_dataset(visitor, dataset.id)
    store.put_dataset(visitor, "one", TEXTS, "pasted")


def test_what_a_crash_or_a_browser_left_behind_is_swept(store, folder):
    dataset = store.put_dataset(ME, "kept", TEXTS, "pasted")
    visitor = f"{A_BROWSER}{'b' * 64}"
    for _ in range(2):
        store.put_dataset(visitor, "forgotten", TEXTS, "pasted")
    with sqlite3.connect(folder / "embeddings.sqlite3") as db:
        db.execute("UPDATE dataset SET made = ? WHERE rowid = 2", (time.time() - 91 * 86_400,))
    mine = files_in(folder)[0].parent
    young, old, foreign = (mine / name for name in ("0" * 16 + ".npy", "1" * 16 + ".npy.new", "notes.txt"))
    for file in (young, old, foreign):
        file.write_bytes(b"x")
    for file in set(files_in(folder)) - {young}:
        os.utime(file, (time.time() - 4000,) * 2)
    store.put_dataset(ME, "another", TEXTS, "pasted")
    assert young.exists()
    assert foreign.exists()
    assert not old.exists()
    assert [one.name for one in store.list_datasets(visitor)] == ["forgotten"]
    assert len(files_in(folder)) == 3 * 2 + 2
    assert store.get_texts(ME, dataset.id) == TEXTS


def test_without_a_folder_all_of_it_goes_with_the_process(tmp_path):
    in_memory = EmbeddingStore(None)
    assert "go when Brickyard ends" in in_memory.why_in_memory
    dataset = in_memory.put_dataset(ME, "one", TEXTS, "pasted")
    in_memory.put_run(ME, a_run(dataset.id), VECTORS)
    path = in_memory.vectors_path(ME, dataset.id, a_run(dataset.id).key)
    assert len(in_memory.get_vectors(ME, dataset.id, a_run(dataset.id).key)) == 4
    assert stat.S_IMODE(path.parents[2].stat().st_mode) == 0o700
    del in_memory
    assert not path.exists()
    (tmp_path / "file").write_text("no folder")
    assert "cannot be written" in EmbeddingStore(tmp_path / "file").why_in_memory


def test_a_folder_that_cannot_be_written_is_told(store, folder):
    folder.mkdir(exist_ok=True)
    (folder / "embeddings").write_text("in the way")
    with pytest.raises(StateTrouble, match="cannot be read or written") as told:
        store.put_dataset(ME, "one", TEXTS, "pasted")
    assert str(folder) in told.value.hint
    assert store.list_datasets(ME) == []


def test_what_another_version_wrote_is_read_as_far_as_it_is_known():
    written = json.loads(run_to_json(a_run("d")))
    written |= {"state": "dreaming", "new": 1}
    written["asking"] |= {"form": "telepathy", "new": 1}
    written["asking"]["transform"] |= {"new": 1}
    written["progress"] |= {"new": 1}
    del written["failures"], written["asking"]["query_params"]
    read = run_from_json("d", "k", 3, json.dumps(written))
    assert (read.state, read.asking.form, read.failures) == (RunState.STOPPED, BodyForm.INPUT, ())
    assert read.asking == replace(ASKING, form=BodyForm.INPUT, query_params={})


def test_a_process_has_one_store_where_its_settings_say(monkeypatch, folder):
    monkeypatch.setenv("BRICKYARD_STATE", str(folder))
    embedding_store().put_dataset(ME, "one", TEXTS, "pasted")
    assert embedding_store() is embedding_store()
    assert len(EmbeddingStore(folder).list_datasets(ME)) == 1
