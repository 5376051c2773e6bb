import itertools
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.embeddings import layouts
from services.embeddings.datasets import embedding_store
from services.embeddings.layouts import FEWEST, LayoutJob
from services.embeddings.layouts.arranging import Cancelled, Stage
from services.embeddings.layouts.job import Order
from services.embeddings.layouts.kept import Making, Makings, PictureKey
from services.embeddings.layouts.localmap import ITERATIONS, NEARBY, arrange, drawn
from services.embeddings.layouts.nearest import EXACT_UP_TO, nearest
from services.embeddings.layouts.pace import COMPILE_SECONDS, Pace, left, longest_silence
from services.embeddings.layouts.process import Compiled
from services.embeddings.layouts.turns import MOST_WAITING, MOST_WAITING_EACH, PATIENCE, Turns, _take
from services.embeddings.records import Algorithm, Asking, Floats, Progress, Run, RunState, Texts
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
    def begin(
        vectors: Any, algorithm: Algorithm = Algorithm.LOCALMAP, dims: int = 2, seed: int = 0, owner: str = ""
    ) -> LayoutJob:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.npy"
        np.save(path, vectors)
        return turns.begin(Order(path, *np.shape(vectors)[:2], algorithm, dims, seed, owner))

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
    vectors[7, :4] = 0
    vectors[8] = 2 * vectors[7]
    vectors[8, :4] = -0.0
    job = begin(vectors)
    frames, shares = [], []

    def look() -> bool:
        frames.append(job.frame)
        shares.append(job.share)
        return not job.running

    eventually(look, timeout=100)
    coordinates = whole(job)
    assert coordinates.shape == (300, 2)
    assert coordinates.dtype == np.float32
    assert np.flatnonzero(np.isnan(coordinates).any(axis=1)).tolist() == [3, 5]
    assert coordinates[7].tolist() == coordinates[8].tolist()
    there = np.isfinite(coordinates[:, 0])
    assert together(coordinates[there], of[there]) > 0.95
    assert job.frame[0] >= 5  # however many of them were seen
    assert all(seen[1].shape == (300, 2) and np.isnan(seen[1][3]).all() for seen in [*frames, job.frame] if seen)
    assert shares == sorted(shares)
    assert job.share == 1
    assert job.left_seconds == 0
    said = job.layout.parameters
    assert (said["library"], said["version"]) == ("Brickyard, by numba", version("numba"))
    assert (said["seed"], said["metric"]) == (0, "cosine")
    assert (said["neighbours"], said["low_dist_thres"], said["pacmap's_own_low_dist_thres"]) == (10, 7, 10)
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
    [(Algorithm.LOCALMAP, 3, "Brickyard, by numba"), (Algorithm.TSNE, 2, "openTSNE"), (Algorithm.TSNE, 3, "openTSNE")],
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


def as_pacmap_has_them(pairs: Any) -> Any:
    return np.stack([np.repeat(np.arange(len(pairs)), pairs.shape[1]), pairs.ravel()], 1).astype(np.int32)


@pytest.mark.parametrize("dims", [2, 3])
def test_each_step_is_the_one_pacmap_takes_from_there(dims):
    """Not the picture as a whole: rounding alone, which another order of sums changes, leads it elsewhere in 450 steps."""
    import numba
    from pacmap import LocalMAP, pacmap

    from services.embeddings.layouts.pairs import near_far_pairs, numbers

    numba.set_num_threads(1)
    points = np.ascontiguousarray(subjects(120)[0][:, :100])
    theirs = LocalMAP(dims, 10, random_state=3, apply_pca=False)
    for count in (*range(FEWEST, 40), len(points)):
        theirs.n_neighbors = 10
        theirs.decide_num_pairs(count)
        assert numbers(count) == (theirs.n_neighbors, theirs.n_MN, theirs.n_FP)
    pairs = drawn(points, 3, lambda *_: None)
    theirs.sample_pairs(points, False)
    both = zip(pairs.near, theirs.pair_neighbors[:, 1].reshape(pairs.near.shape), strict=True)
    assert np.mean([np.isin(one, other).mean() for one, other in both]) > 0.99  # they search approximately

    far_pairs, seen = [pairs.far], []

    def resample(positions: Any, near: Any, far: Any, nearby: float, seed: int) -> Any:
        far_pairs.append(near_far_pairs(positions, near, far, nearby, seed))
        return far_pairs[-1]

    end = arrange(points[:, :dims], pairs, lambda _, __, positions: seen.append(positions.copy()), resample)
    seen.append(end)
    assert (len(seen), len(far_pairs)) == (sum(ITERATIONS) + 1, 25)
    assert seen[0].tobytes() == (0.01 * points[:, :dims]).tobytes()
    near, middle = as_pacmap_has_them(pairs.near), as_pacmap_has_them(pairs.middle)
    mean, square = np.zeros_like(end), np.zeros_like(end)
    for iteration, (before, after) in enumerate(itertools.pairwise(seen)):
        middle_weight, near_weight, far_weight = pacmap.find_weight(1000.0, iteration, num_iters=ITERATIONS)
        local = iteration > sum(ITERATIONS[:2])
        # From the step after each tenth of the third phase on, with other far pairs.
        far = as_pacmap_has_them(far_pairs[max(0, (iteration - 1 - sum(ITERATIONS[:2])) // 10)])
        given = (before, near, middle, far, near_weight, middle_weight, far_weight)
        slope = pacmap.pacmap_grad_nearby_recip_sqrt(*given, NEARBY / 2) if local else pacmap.pacmap_grad(*given)
        moved = before.copy()
        pacmap.update_embedding_adam(moved, slope, mean, square, 0.9, 0.999, 1.0, iteration)
        assert np.abs(moved - after).max() < 1e-4 * np.abs(moved - before).max()


def test_of_many_points_nearly_all_nearest_ones_are_found_and_it_can_be_cancelled_meanwhile():
    import faiss

    vectors = np.ascontiguousarray(subjects(EXACT_UP_TO + 200, 12)[0])
    told = []
    found, distances = nearest(vectors, 12, lambda stage, done: told.append((stage, done)), roughly=True)
    shares = [done for stage, done in told if stage is Stage.NEIGHBOURS]
    assert len(shares) == len(told) > 5
    assert shares == sorted(shares)
    assert 0.7 < shares[-1] <= 1
    assert not (found == np.arange(len(vectors))[:, None]).any()
    assert (np.diff(distances, axis=1) >= 0).all()
    some = slice(100, 300)
    assert distances[some] == pytest.approx(
        np.linalg.norm(vectors[some, None] - vectors[found[some]], axis=2), rel=1e-3
    )
    true = faiss.knn(vectors[some], vectors, 13)[1][:, 1:]
    assert np.mean([np.isin(one, other).mean() for one, other in zip(true, found[some], strict=True)]) > 0.9

    def cancelled(*_: Any) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        nearest(vectors, 12, cancelled, roughly=True)


def differences(ours: Any, theirs: Any, rounds: int) -> Any:
    """Of how often each was drawn, if neither always nor never. Chance alone makes them 0 at the mean, with a spread of 1."""
    seen = (ours + theirs > 20) & (ours + theirs < 2 * rounds - 20)
    both = (ours + theirs)[seen]
    return (ours - theirs)[seen] / np.sqrt(both * (1 - both / (2 * rounds)))


def test_pairs_are_drawn_as_pacmap_draws_them():
    """Compared by how often each pair was drawn: the differences spread as those of two samples of one distribution do."""
    import numba
    from pacmap import pacmap

    from services.embeddings.layouts.pairs import far_pairs, middle_pairs, near_far_pairs

    numba.set_num_threads(1)
    random, count, rounds, nearby = np.random.default_rng(0), 150, 300, 3.0
    positions = (8 * random.normal(size=(count, 2))).astype(np.float32)
    positions[0] = positions[1] + 1  # pacmap never ends where nobody is near
    by_distance = np.argsort(np.linalg.norm(positions[:, None] - positions[None], axis=2), axis=1)
    for point in np.flatnonzero(np.linalg.norm(positions - positions[by_distance[:, 1]], axis=1) > nearby / 2):
        positions[point] = positions[by_distance[point, 1]] + 0.5
    near, before = (random.integers(count, size=(count, width)).astype(np.int32) for width in (4, 6))
    their_near, their_before = as_pacmap_has_them(near), as_pacmap_has_them(before)
    draws = {
        "near ones": (
            lambda seed: near_far_pairs(positions, near, before, nearby, seed),
            lambda _: pacmap.sample_FP_pair_nearby(positions, their_near, their_before, positions, nearby),
        ),
        "far": (
            lambda seed: far_pairs(near, 6, seed),
            lambda seed: pacmap.sample_FP_pair_deterministic(positions, their_near, 4, 6, 1000 * seed),
        ),
        "middle": (
            lambda seed: middle_pairs(positions, 5, seed),
            lambda seed: pacmap.sample_MN_pair_deterministic(positions, 5, 1000 * seed, 0),
        ),
    }
    drawn_ones = {}
    for kind, (our_draw, their_draw) in draws.items():
        ours, theirs = np.zeros((count, count)), np.zeros((count, count))
        for seed in range(rounds):
            np.add.at(ours, tuple(as_pacmap_has_them(our_draw(seed)).T), 1)
            np.add.at(theirs, tuple(their_draw(seed).T), 1)
        drawn_ones[kind] = ours, theirs
    ours, theirs = drawn_ones["near ones"]
    new = np.ones((count, count), dtype=bool)
    new[tuple(their_before.T)] = False  # those may be drawn or have stayed
    assert not ours[tuple(their_near.T)][new[tuple(their_near.T)]].any()
    assert not ours[new & (theirs == 0)].max() > 20
    assert not theirs[new & (ours == 0)].max() > 20
    drawn_ones["near ones"] = ours[new], theirs[new]
    for kind, both in drawn_ones.items():
        spread = differences(*both, rounds)
        assert len(spread) > 300, kind
        assert spread.std() == pytest.approx(1, abs=0.1), kind
        assert abs(spread.mean()) < 0.1, kind
        assert np.abs(spread).max() < 6, kind


@pytest.mark.parametrize("dims", [2, 3])
def test_far_pairs_are_near_others_none_twice_or_else_those_before(dims):
    from services.embeddings.layouts.pairs import near_far_pairs

    random, count = np.random.default_rng(dims), 300
    positions = (4 * random.normal(size=(count, dims))).astype(np.float32)
    positions[7] = 1e6  # alone, and the grid may not grow with it
    near = random.integers(count, size=(count, 4)).astype(np.int32)
    before = np.full((count, 5), 7, dtype=np.int32)
    drawn = near_far_pairs(positions, near, before, 3.0, 1)
    assert drawn.tobytes() == near_far_pairs(positions, near, before, 3.0, 1).tobytes()
    pairs = as_pacmap_has_them(drawn)
    new = pairs[pairs[:, 1] != 7]
    assert len(new) > 2 * count
    assert np.linalg.norm(positions[new[:, 0]] - positions[new[:, 1]], axis=1).max() <= 3
    assert len(np.unique(new, axis=0)) == len(new)
    assert not {*map(tuple, new)} & {*map(tuple, as_pacmap_has_them(near))}
    assert not (new[:, 0] == new[:, 1]).any()
    assert (drawn[7] == 7).all()
    positions[3] = np.nan
    assert near_far_pairs(positions, near, before, 3.0, 1) is before


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
    turns.patience = 0.1
    silent = begin(vectors, Algorithm.TSNE)
    eventually(lambda: silent.frame is not None, timeout=30)
    turns.patience = PATIENCE
    os.kill(turns.process_id, signal.SIGSTOP)
    after = begin(vectors[:40], Algorithm.TSNE)
    eventually(lambda: not silent.running, timeout=30)
    assert "said nothing for" in str(silent.error)
    assert whole(after).shape == (40, 2)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_the_worker_wrote_may_be_gone_and_a_bug_of_ours_holds_nobody_for_ever(begin, turns, tmp_path):
    job = LayoutJob(Order(tmp_path, 20, 3, Algorithm.TSNE, 2, 0), lambda: None)
    gone = {"file": str(tmp_path / "gone.npy")}
    (tmp_path / "half.npy").write_bytes(b"\x93NUMPY")
    assert not _take(job, {"stage": "arranging", "done": 0.5, **gone})
    assert (job.running, job.frame, job.stage) == (True, None, Stage.ARRANGING)
    assert _take(job, {"end": "done", "parameters": {}, "file": str(tmp_path / "half.npy")})
    assert (job.running, job.layout) == (False, None)
    assert "gone or damaged" in str(job.error)

    vectors, _ = subjects(2000)
    under_way, waits = begin(vectors, Algorithm.TSNE), begin(vectors)
    eventually(lambda: under_way.frame is not None, timeout=30)
    turns._heard.put((turns._process, {"no id": "which our worker never says"}))
    eventually(lambda: not under_way.running and not waits.running)
    assert "failed at it" in str(under_way.error)
    assert "failed at it" in str(waits.error)
    assert whole(begin(vectors[:40], Algorithm.TSNE)).shape == (40, 2)


def test_without_a_folder_for_temporary_files_there_is_no_layout_until_it_is_back_and_all_ends_with_the_app(
    tmp_path, monkeypatch
):
    np.save(tmp_path / "v.npy", subjects(30)[0])
    order = Order(tmp_path / "v.npy", 30, 120, Algorithm.TSNE, 2, 0)
    turns = Turns(None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    job = turns.begin(order)
    eventually(lambda: not job.running)
    assert "could not be started" in str(job.error)
    old, young = tmp_path / "brickyard-layouts-old", tmp_path / "brickyard-layouts-young"
    for folder in (old, young):
        folder.mkdir()
        (folder / "1.npy").touch()
    os.utime(old, (0, 0))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert whole(turns.begin(order)).shape == (30, 2)
    assert (old.exists(), young.exists()) == (False, True)

    np.save(tmp_path / "v.npy", subjects(2000)[0])
    long = replace(order, count=2000)
    under_way, after = turns.begin(long), turns.begin(long)
    eventually(lambda: under_way.frame is not None, timeout=30)
    process = turns.process_id
    turns.stop()
    assert turns.process_id is None
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    for job in (under_way, after):
        assert (job.running, job.layout) == (False, None)
        assert "Brickyard ends" in str(job.error)
    assert [one.name for one in tmp_path.glob("brickyard-layouts-*")] == [young.name]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")
def test_the_worker_knows_no_credentials_and_gives_its_memory_back(monkeypatch, tmp_path):
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
    turns.stop()


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


def test_a_layout_is_begun_once_kept_and_ended_with_what_it_is_of(turns, tmp_path, monkeypatch):
    monkeypatch.setenv("BRICKYARD_STATE", str(tmp_path))
    store = embedding_store()
    vectors, _ = subjects(40)
    dataset = store.put_dataset("me", "one", Texts(tuple(map(str, range(40)))), "pasted").id
    store.put_run("me", Run("0123456789abcdef", dataset, "https://host", Asking("e"), RunState.COMPLETE,
                            datetime.now(UTC), 120, Progress(40, done=40)), vectors)  # fmt: skip
    keys = [PictureKey("me", dataset, "0123456789abcdef", Algorithm.TSNE, dims) for dims in (2, 3)]
    makings = Makings()

    def begin(key: PictureKey) -> Making:
        return makings.begin(key, lambda path: turns.begin(Order(path, *vectors.shape, key.algorithm, key.dims, 0)))

    making = begin(keys[0])
    assert begin(keys[0]) is making
    assert makings.running("me", dataset, keys[0].run) is making
    makings.forget(keys[0])
    assert makings.of(keys[0]) is making  # it is under way
    making.kept.result(60)
    found = store.get_layout("me", dataset, keys[0].run, Algorithm.TSNE, 2)
    assert found.coordinates.tobytes() == making.layout.coordinates.tobytes()
    assert (making.over, making.error, makings.running("me", dataset, keys[0].run)) == (True, None, None)
    makings.forget(keys[0])
    assert makings.of(keys[0]) is None

    other = begin(keys[1])
    makings.cancel("somebody else", dataset, None)
    makings.cancel("me", dataset, "another run")
    assert not other.job.cancelled
    makings.cancel("me", dataset, None)
    other.kept.result(60)
    assert other.job.cancelled
    assert store.get_layout("me", dataset, keys[0].run, Algorithm.TSNE, 3) is None


def test_only_so_many_may_wait(begin):
    vectors, _ = subjects(2000)
    jobs = [begin(vectors, Algorithm.TSNE, 3)]
    eventually(lambda: not jobs[0].waiting)
    jobs += [begin(vectors) for _ in range(MOST_WAITING_EACH)]
    with pytest.raises(PlaygroundError, match="of yours are waiting"):
        begin(vectors)
    jobs += [begin(vectors, owner=str(number)) for number in range(MOST_WAITING - MOST_WAITING_EACH)]
    with pytest.raises(PlaygroundError, match="on this machine"):
        begin(vectors, owner="another")
    for job in jobs:
        job.cancel()


def test_the_estimate_grows_with_the_work_and_learns_from_the_last_layout():
    pace = Pace()
    sizes = [
        pace.expected(count, 384, Algorithm.LOCALMAP, 2, (0, 0)).seconds for count in (500, 10_000, 50_000, 100_000)
    ]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 60 * sizes[0]
    flat, deep = (pace.expected(5000, 384, Algorithm.TSNE, dims, (0, 0)).seconds for dims in (2, 3))
    assert deep > flat
    before = pace.expected(1000, 384, Algorithm.LOCALMAP, 2, (3, 22))
    assert before.seconds == before.work + 25
    assert layouts.estimate(1000, 384, Algorithm.LOCALMAP, 2) > before.work
    pace.learn(Algorithm.LOCALMAP, before, 3 * before.work)
    after = pace.expected(1000, 384, Algorithm.LOCALMAP, 2, (3, 22))
    assert after.work == pytest.approx(3 * before.work)
    assert after.starting == 3
    assert left(after, Stage.ARRANGING, 0.5, 8) == 8
    assert left(after, Stage.STARTING, 0, 100) > after.work + 22  # late, and not “nothing left”
    assert left(after, Stage.COMPILING, 0, 2) == after.work + 20


def test_what_was_compiled_of_other_code_is_not_there_and_compiling_may_be_silent_until_it_was_seen(tmp_path):
    compiled = Compiled(None, tmp_path)
    beside = Path(layouts.__file__).parent
    steps, pairs = (
        (tmp_path / f"{name}-72.py311.nbi", beside / source)
        for name, source in (("steps._adding.locals.add", "steps.py"), ("pairs._drawn", "pairs.py"))
    )
    for (kept, source), age in itertools.product((steps, pairs), (1, 0)):
        assert not compiled.there
        kept.touch()
        os.utime(kept, (0, source.stat().st_mtime - age))
    assert compiled.there
    os.utime(pairs[0], (0, 0))
    assert not compiled.there

    foreseen = Pace().expected(500, 384, Algorithm.LOCALMAP, 2, (1, 0))
    made, new = (longest_silence(foreseen, Algorithm.LOCALMAP, made=made) for made in (True, False))
    assert new == pytest.approx(made + COMPILE_SECONDS)
    assert longest_silence(foreseen, Algorithm.TSNE, made=False) > foreseen.seconds


def test_pages_import_nothing_heavy_with_it():
    code = """
import importlib, pkgutil, sys
import services.embeddings.layouts, services.embeddings.numbers
print(*sys.modules)
import ui.embeddings
for module in pkgutil.walk_packages(ui.embeddings.__path__, "ui.embeddings."):
    importlib.import_module(module.name)
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours, pages = (set(line.split()) for line in done.stdout.splitlines()[-2:])
    assert "streamlit" not in ours
    assert "ui.embeddings.neighbours.matrix" in pages
    heavy = {"numba", "faiss", "sklearn", "scipy", "pacmap", "openTSNE", "mlflow", "databricks.sdk"}
    assert not heavy & (ours | pages)
