"""The neighbour layout beside umap-learn, the same vectors, a thread each: what it costs, how far it can be believed."""

import json
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from bench.processes import MeasureFailed
from bench.report import OURS, Row, at_most, ratio_at_most
from bench.setup import Setup
from bench.subjects import PEER_BIN, PEERS
from services.embeddings.layouts.job import Order
from services.embeddings.layouts.turns import Turns
from services.embeddings.numbers import faithfulness
from services.embeddings.records import Algorithm, Faithfulness, Floats, Ints

UMAP = "umap-learn"
DIMENSIONS = 384
FITS = 2  # the first is a cold process's, the second a warm one's
CANCEL_AT = 0.3  # share of the time of a whole layout
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


@dataclass
class Run:
    cold: float
    warm: float
    memory: float
    faithful: Faithfulness


def embedding_layouts(setup: Setup) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for count in setup.sizes.layout_texts:
            setup.keep_time()
            path = Path(folder) / f"{count}.npy"
            vectors = on_subjects(count)
            np.save(path, vectors)
            runs = {} if setup.peers_only else {OURS: ours(path, vectors)}
            if not (PEER_BIN / "python").exists():
                setup.notes.append("umap-learn: `make bench` installs it")
            else:
                runs[UMAP] = umap(path, vectors)
            rows += figures(count, runs)
        if not setup.peers_only:
            rows += shown_and_cancelled(
                Path(folder) / f"{setup.sizes.layout_texts[0]}.npy", setup.sizes.layout_texts[0]
            )
    return rows


def on_subjects(count: int, subjects: int = 60) -> Floats:
    return with_subjects(count, subjects)[0]


def with_subjects(count: int, subjects: int = 60) -> tuple[Floats, Ints]:
    """Unit vectors on subjects that have eight sides each; along their axes they differ less and less, as a model's do.

    And the subject of each.
    """
    random = np.random.default_rng(0)
    decay = (1 + np.arange(DIMENSIONS)) ** -0.6
    subject, side = random.integers(subjects, size=count), random.integers(8, size=count)
    centres = random.normal(size=(subjects, DIMENSIONS))[subject]
    sides = 0.5 * random.normal(size=(subjects * 8, DIMENSIONS))[subject * 8 + side]
    vectors = (centres + sides + 0.8 * random.normal(size=(count, DIMENSIONS))) * decay
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), subject


def ours(path: Path, vectors: Floats) -> Run:
    """As the app makes it: in the worker's process, whose CPU and memory are looked at from here."""
    turns = Turns(None)
    order = Order(path, *vectors.shape, Algorithm.LOCALMAP, 2, 0)
    try:
        ends = []
        for _ in range(FITS):
            job = turns.begin(order)
            while job.running:
                time.sleep(0.05)
            if job.layout is None:
                raise MeasureFailed(str(job.error))
            ends.append(sum(psutil.Process(turns.process_id).cpu_times()[:2]))
        said = Path(f"/proc/{turns.process_id}/status").read_text(encoding="utf-8")
        memory = int(re.search(r"VmHWM:\s+(\d+)", said)[1]) / 1024
    finally:
        turns.stop()
    return Run(ends[0], ends[1] - ends[0], memory, faithfulness(vectors, job.layout.coordinates))


def umap(path: Path, vectors: Floats) -> Run:
    out = path.with_suffix(".umap.npy")
    command = [PEER_BIN / "python", "-W", "ignore", PEERS / "umap_layout.py", path, out, str(FITS)]
    done = subprocess.run(command, capture_output=True, text=True, env=ONE_THREAD, check=False)
    if done.returncode:
        raise MeasureFailed(done.stderr.strip().splitlines()[-1])
    said = json.loads(done.stdout.splitlines()[-1])
    first, last = said["ends"][0], said["ends"][-1]
    return Run(first, (last - first) / (FITS - 1), said["memory"], faithfulness(vectors, np.load(out)))


def figures(count: int, runs: dict[str, Run]) -> list[Row]:
    name = f"Layout of {count:,}"
    return [
        Row(f"{name}: CPU, new process", "s", {who: run.cold for who, run in runs.items()}, UMAP, **ratio_at_most(0.1)),
        Row(f"{name}: CPU, warm", "s", {who: run.warm for who, run in runs.items()}, UMAP, **ratio_at_most(1 / 3)),
        Row(
            f"{name}: trustworthiness", "", {who: run.faithful.trustworthiness for who, run in runs.items()}, UMAP,
            **no_lower(UMAP),
        ),
        Row(f"{name}: true neighbours kept", "", {who: run.faithful.overlap for who, run in runs.items()}, UMAP),
        Row(f"{name}: peak memory", "MB", {who: run.memory for who, run in runs.items()}, UMAP, **ratio_at_most(1)),
    ]  # fmt: skip


def no_lower(peer: str) -> dict:
    """Arguments of a Row whose figure may not be below the peer's."""
    return {"aim": ">= 1x", "aim_is_met": lambda row: row.figures.get(peer) is None or row.ours >= row.figures[peer]}


def shown_and_cancelled(path: Path, count: int) -> list[Row]:
    """With a warm worker: the first picture, as a share of the whole; and from Cancel to the next layout's turn."""
    turns = Turns(None)
    order = Order(path, count, DIMENSIONS, Algorithm.LOCALMAP, 2, 0)
    try:
        turns.begin(Order(path, count, DIMENSIONS, Algorithm.LOCALMAP, 2, 0))
        job = turns.begin(order)
        while job.frame is None and job.running:
            time.sleep(0.005)
        first = job.seconds
        while job.running:
            time.sleep(0.02)
        frames, seconds = job.frame[0], job.seconds
        long = turns.begin(order)
        while long.running and long.seconds < seconds * CANCEL_AT:
            time.sleep(0.002)
        after = turns.begin(order)
        cancelled = time.monotonic()
        long.cancel()
        while after.waiting:
            time.sleep(0.005)
        freed = time.monotonic() - cancelled
        after.cancel()
    finally:
        turns.stop()
    return [
        Row(f"Layout of {count:,}: first picture after", "%", {OURS: 100 * first / seconds}, UMAP, **at_most(15)),
        Row(f"Layout of {count:,}: pictures shown", "", {OURS: float(frames)}, UMAP),
        Row(f"Layout of {count:,}: Cancel to the next one's turn", "s", {OURS: freed}, UMAP, **at_most(1)),
    ]
