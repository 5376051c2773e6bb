import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.embeddings import layouts
from services.embeddings.layouts import FEWEST, LayoutJob
from services.embeddings.layouts.arranging import Stage
from services.embeddings.layouts.job import Order
from services.embeddings.layouts.localmap import ITERATIONS, NEARBY, arrange, neighbour_pairs
from services.embeddings.layouts.pace import Pace, left
from services.embeddings.layouts.turns import MOST_WAITING, Turns
from services.embeddings.records import Algorithm, Floats
from services.errors import BadInput, PlaygroundError
from tests.local_workspaces import eventually

SUBJECTS = 4


def subjects(count: int, dimensions: int = 120, seed: int = 0) -> tuple[Floats, Any]:
    """Vectors on a few subjects, of lengths of their own; and the subject of each."""
    random = np.random.default_rng(seed)
    of = random.integers(SUBJECTS, size=count)
    vectors = random.normal(size=(SUBJECTS, dimensions))[of] + 0.7 * random.normal(size=(count, dimensions))
    return (vectors * random.uniform(0.5, 3, size=(count, 1))).astype(np.float32), of


@pytest.fixture(scope="module")
def turns() -> Iterator[Turns]:
    turns = Turns(None)
    yield turns
    turns.stop()


@pytest.fixture
def begin(turns: Turns, tmp_path: Path) -> Any:
    def begin(vectors: Any, algorithm: Algorithm = Algorithm.LOCALMAP, dims: int = 2, seed: int = 0) -> LayoutJob:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.npy"
        np.save(path, vectors)
        return turns.begin(Order(path, *np.shape(vectors)[:2], algorithm, dims, seed))

    return begin


def whole(job: LayoutJob) -> Floats:
    eventually(lambda: not job.running, timeout=60)
    assert job.error is None, job.error
    assert job.layout is not None
    return job.layout.coordinates


def together(coordinates: Floats, of: Any) -> float:
    """The share of the 10 nearest in the picture that are on the same subject."""
    distances = np.linalg.norm(coordinates[:, None] - coordinates[None], axis=2)
    nearest = np.argsort(distances, axis=1)[:, 1:11]
    return float((of[nearest] == of[:, None]).mean())


def test_alike_texts_stand_together_and_unusable_ones_have_no_place(begin):
    vectors, of = subjects(300)
    vectors[3] = np.nan
    vectors[5] = 0
    vectors[8] = 2 * vectors[7]
    job = begin(vectors)
    numbers: dict[int, Floats] = {}
    shares = []
    while job.running:
        if job.frame is not None:
            numbers[job.frame[0]] = job.frame[1]
        shares.append(job.share)
        time.sleep(0.002)
    coordinates = whole(job)
    assert coordinates.shape == (300, 2)
    assert coordinates.dtype == np.float32
    assert np.flatnonzero(np.isnan(coordinates).any(axis=1)).tolist() == [3, 5]
    assert coordinates[7].tolist() == coordinates[8].tolist()
    there = np.isfinite(coordinates[:, 0])
    assert together(coordinates[there], of[there]) > 0.95
    assert len(numbers) >= 5
    assert all(frame.shape == (300, 2) and np.isnan(frame[3]).all() for frame in numbers.values())
    assert shares == sorted(shares)
    assert job.share == 1
    assert job.left_seconds == 0
    said = job.layout.parameters
    assert (said["library"], said["version"], said["seed"], said["metric"]) == ("pacmap", "0.9.1", 0, "cosine")
    assert said["neighbours"] == 10
    assert said["init"] == "PCA"
    assert said["points"] == 297
    assert said["seconds"] > 0


def test_one_seed_gives_one_picture_and_another_seed_another(begin):
    vectors, _ = subjects(200)
    first, again, other = (begin(vectors, seed=seed) for seed in (7, 7, 8))
    assert whole(first).tobytes() == whole(again).tobytes()
    assert whole(first).tobytes() != whole(other).tobytes()


@pytest.mark.parametrize(
    ("algorithm", "dims", "library"),
    [(Algorithm.LOCALMAP, 3, "pacmap"), (Algorithm.TSNE, 2, "openTSNE"), (Algorithm.TSNE, 3, "openTSNE")],
)
def test_there_are_three_dimensions_and_t_sne(begin, algorithm, dims, library):
    vectors, of = subjects(150)
    job = begin(vectors, algorithm, dims)
    coordinates = whole(job)
    assert coordinates.shape == (150, dims)
    assert together(coordinates, of) > 0.9
    assert job.layout.algorithm is algorithm
    assert job.layout.parameters["library"] == library
    assert job.frame[0] >= 5


@pytest.mark.parametrize("algorithm", [Algorithm.LOCALMAP, Algorithm.TSNE])
def test_the_fewest_texts_and_many_duplicates_are_laid_out(begin, algorithm):
    vectors, _ = subjects(FEWEST, dimensions=3)
    assert np.isfinite(whole(begin(vectors, algorithm))).all()
    many = np.repeat(vectors, 20, axis=0)
    assert len(np.unique(whole(begin(many, algorithm)), axis=0)) == FEWEST


def test_the_steps_are_those_of_pacmap_itself():
    import numba
    from pacmap import LocalMAP, pacmap

    numba.set_num_threads(1)
    points = np.ascontiguousarray(subjects(120)[0][:, :100])
    pairs = LocalMAP(2, 10, random_state=3, apply_pca=False)
    pairs.decide_num_pairs(len(points))
    pairs.pair_neighbors = neighbour_pairs(points, pairs.n_neighbors, lambda *_: None)
    theirs_too = LocalMAP(2, 10, random_state=3, apply_pca=False)
    theirs_too.decide_num_pairs(len(points))
    theirs_too.sample_pairs(points, False)
    assert (pairs.pair_neighbors == theirs_too.pair_neighbors).mean() > 0.99  # they search approximately

    pairs.sample_pairs(points, False)
    ours = arrange(points, 2, pairs, lambda *_: None)
    far = pacmap.sample_FP_pair_deterministic(points, pairs.pair_neighbors, pairs.n_neighbors, pairs.n_FP, 3)
    theirs, *_ = pacmap.localmap(
        points, 2, pairs.pair_neighbors, pairs.pair_MN, far, pairs.lr, ITERATIONS, None, False, False, [], True, NEARBY
    )
    assert ours.tobytes() == theirs.tobytes()


def test_a_cancelled_layout_makes_room_for_the_next_one(begin, turns):
    long = begin(subjects(4000)[0])
    waits = begin(subjects(100)[0])
    never = begin(subjects(100)[0])
    eventually(lambda: long.stage is Stage.ARRANGING, timeout=60)
    assert waits.waiting
    assert waits.left_seconds is None
    assert (waits.seconds, waits.share) == (0, 0)
    never.cancel()
    long.cancel()
    long.cancel()
    assert (long.running, long.cancelled, long.layout, long.error) == (False, True, None, None)
    assert whole(waits).shape == (100, 2)
    assert (never.cancelled, never.waiting, never.frame) == (True, False, None)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_worker_that_does_not_answer_or_dies_is_followed_by_another(begin, turns):
    vectors, _ = subjects(2000)
    stuck = begin(vectors, Algorithm.TSNE)
    eventually(lambda: stuck.frame is not None, timeout=30)
    first = turns.process_id
    os.kill(first, signal.SIGSTOP)
    stuck.cancel()
    dies = begin(vectors, Algorithm.TSNE)
    eventually(lambda: dies.frame is not None, timeout=30)
    assert turns.process_id != first
    os.kill(turns.process_id, signal.SIGKILL)
    eventually(lambda: not dies.running, timeout=30)
    assert dies.layout is None
    assert "ended: signal 9" in str(dies.error)
    assert "fewer texts" in dies.error.hint
    assert whole(begin(vectors[:40], Algorithm.TSNE)).shape == (40, 2)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")
def test_the_worker_knows_no_credentials_gives_its_memory_back_and_ends_with_the_app(monkeypatch, tmp_path):
    monkeypatch.setenv("DATABRICKS_TOKEN", "canary-1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-2")
    np.save(tmp_path / "v.npy", subjects(30)[0])
    order = Order(tmp_path / "v.npy", 30, 120, Algorithm.TSNE, 2, 0)
    turns = Turns(None, idle_seconds=0.2)
    job = turns.begin(order)
    eventually(lambda: job.frame is not None, timeout=30)
    environment = Path(f"/proc/{turns.process_id}/environ").read_text()
    assert "canary" not in environment
    assert "OMP_NUM_THREADS=1" in environment
    whole(job)
    eventually(lambda: turns.process_id is None)
    job = turns.begin(order)
    eventually(lambda: job.frame is not None, timeout=30)
    after = turns.begin(order)
    process = turns.process_id
    turns.stop()
    assert turns.process_id is None
    assert not Path(f"/proc/{process}").exists()
    assert not job.running
    assert not after.running
    assert after.error is not None


def refused(job: LayoutJob) -> str:
    eventually(lambda: not job.running, timeout=30)
    assert isinstance(job.error, BadInput)
    assert job.error.hint
    return str(job.error)


def test_what_cannot_be_laid_out_is_refused_with_a_sentence(begin, turns, tmp_path):
    equal = np.ones((50, 8))
    assert "Only 1 texts have a vector of their own" in refused(begin(equal))
    assert "Only 0 texts" in refused(begin(np.full((50, 8), np.nan)))
    assert "cannot be read" in refused(turns.begin(Order(tmp_path / "gone.npy", 50, 8, Algorithm.TSNE, 2, 0)))
    (tmp_path / "text.npy").write_text("no vectors")
    assert "cannot be read" in refused(turns.begin(Order(tmp_path / "text.npy", 50, 8, Algorithm.TSNE, 2, 0)))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    assert "cannot be read" in refused(turns.begin(Order(tmp_path / "objects.npy", 50, 8, Algorithm.TSNE, 2, 0)))
    assert "not vectors" in refused(begin(np.ones(50)[:, None, None]))
    for count, algorithm, dims in ((14, Algorithm.LOCALMAP, 2), (50, Algorithm.PCA, 2), (50, Algorithm.TSNE, 4)):
        with pytest.raises(BadInput):
            layouts.begin_layout(tmp_path / "v.npy", count, 8, algorithm, dims)


def test_only_so_many_may_wait(begin):
    vectors, _ = subjects(2000)
    jobs = [begin(vectors, Algorithm.TSNE, 3)]
    eventually(lambda: not jobs[0].waiting)
    jobs += [begin(vectors) for _ in range(MOST_WAITING)]
    with pytest.raises(PlaygroundError, match="are waiting"):
        begin(vectors)
    for job in jobs:
        job.cancel()


def test_the_estimate_grows_with_the_work_and_learns_from_the_last_layout():
    pace = Pace()
    sizes = [pace.expected(count, 384, Algorithm.LOCALMAP, 2, 0).seconds for count in (500, 10_000, 50_000, 100_000)]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 60 * sizes[0]
    flat, deep = (pace.expected(5000, 384, Algorithm.TSNE, dims, 0).seconds for dims in (2, 3))
    assert deep > flat
    before = pace.expected(1000, 384, Algorithm.LOCALMAP, 2, 3)
    assert layouts.estimate(1000, 384, Algorithm.LOCALMAP, 2) > before.work
    pace.learn(Algorithm.LOCALMAP, before, 3 * before.work)
    after = pace.expected(1000, 384, Algorithm.LOCALMAP, 2, 3)
    assert after.work == pytest.approx(3 * before.work)
    assert after.starting == 3
    assert left(after, Stage.ARRANGING, 0.5, 8) == 8
    assert left(after, Stage.STARTING, 0, 100) > after.work  # late, and not “nothing left”


def test_pages_import_nothing_heavy_with_it():
    code = "import sys, services.embeddings.layouts, services.embeddings.numbers.clusters; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numba", "faiss", "sklearn", "scipy", "pacmap", "openTSNE", "streamlit"} & set(loaded)
