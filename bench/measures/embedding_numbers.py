"""What the embeddings' figures cost, each job in a process of its own with one thread, beside scikit-learn and faiss."""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from bench.measures.layouts import with_subjects
from bench.peers.embedding_numbers import SUBJECTS, make
from bench.processes import MeasureFailed
from bench.report import OURS, Row, at_most, ratio_at_most
from bench.setup import Setup
from bench.subjects import ROOT
from services.embeddings.numbers import compare, sample

SKLEARN, FAISS, FIRST, MINI_BATCH = "sklearn randomized", "faiss FlatIP", "the first ones", "sklearn MiniBatchKMeans"
ALONE = ("faithfulness", "distortion", "compare", "describe", "near-duplicates", "outliers")
MEGABYTES = 300
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}


def embedding_numbers(setup: Setup) -> list[Row]:
    """At 100,000 vectors; 5,000 in a quick run."""
    quick = setup.sizes.repetitions == 1
    count = 5_000 if quick else 100_000
    with tempfile.TemporaryDirectory() as folder:
        small, large = (Path(folder) / f"{size}.npy" for size in (384, 1024))
        make(small, count, 384)
        make(large, count, 1024)
        rounds = 1 if quick else 3
        rows = [*components(large, rounds), *neighbours(small, rounds), *shares()]
        rows += [*clusters(Path(folder) / "subjects.npy", count // 2), *names(small, min(count, 10_000))]
        rows += known_pairs(np.load(small, mmap_mode="r")[:5_000])
        setup.keep_time()
        for name in ALONE:
            found = run(name, small, 1)
            rows.append(Row(f"{name}, {count:,} x 384", "CPU-s", {OURS: found["seconds"]}))
            if name in ("near-duplicates", "outliers", "distortion"):
                setup.notes.append(f"{name}: looked at {found['answer']:,} texts of {count:,}")
        most = {name: run(name, large, 1)["megabytes"] for name in (*ALONE, "nearest")}
    widest = max(most, key=lambda name: most[name])
    setup.notes.append(f"most memory: {widest}")
    return [*rows, Row(f"Any of these, {count:,} x 1,024: memory", "MB", {OURS: most[widest]}, **at_most(MEGABYTES))]


def components(file: Path, rounds: int) -> list[Row]:
    ours, theirs = run("pca", file, rounds), run("sklearn-pca", file, rounds)
    if not np.allclose(ours["answer"], theirs["answer"], rtol=0.02):
        raise MeasureFailed(f"PCA explains {ours['answer']}, scikit-learn's {theirs['answer']}")
    return [
        Row("PCA, 1,024 dimensions", "CPU-s", seconds(ours, SKLEARN, theirs), SKLEARN, **ratio_at_most(0.6)),
        Row(
            "PCA, 1,024 dimensions: memory",
            "MB",
            {OURS: ours["megabytes"], SKLEARN: theirs["megabytes"]},
            SKLEARN,
            **ratio_at_most(0.4),
        ),
    ]


def neighbours(file: Path, rounds: int) -> list[Row]:
    ours, theirs = run("nearest", file, rounds), run("faiss-nearest", file, rounds)
    kept = [len({*one} & {*other}) / len(one) for one, other in zip(ours["answer"], theirs["answer"], strict=True)]
    recall = Row("The same 15 as faiss finds", "%", {OURS: 100 * float(np.mean(kept))}, aim=">= 100")
    recall.aim_is_met = lambda row: row.ours >= 100
    return [
        Row("15 nearest of 100 queries", "CPU-s", seconds(ours, FAISS, theirs), FAISS, **ratio_at_most(0.7)),
        recall,
    ]


def clusters(file: Path, count: int) -> list[Row]:
    """How well the groups fit the subjects the vectors were drawn from, by adjusted mutual information."""
    from sklearn.metrics import adjusted_mutual_info_score

    vectors, subject = with_subjects(count, SUBJECTS)
    np.save(file, vectors)
    found = {OURS: run("cluster", file, 1), MINI_BATCH: run("sklearn-clusters", file, 1)}
    fit = {who: float(adjusted_mutual_info_score(subject, one["answer"])) for who, one in found.items()}
    no_worse = {"aim": ">= 0.9x", "aim_is_met": lambda row: row.ratio >= 0.9}
    cost = {who: one["seconds"] for who, one in found.items()}
    return [
        Row(f"Clusters of {count:,}: how well they fit", "AMI", fit, MINI_BATCH, **no_worse),
        Row(f"Clusters of {count:,}", "CPU-s", cost, MINI_BATCH, **ratio_at_most(2)),
    ]


def names(file: Path, count: int) -> list[Row]:
    part = file.with_name("named.npy")
    np.save(part, np.load(file, mmap_mode="r")[:count])
    found = run("names", part, 3)
    if found["answer"] != 5:
        raise MeasureFailed(f"{found['answer']} of 5 groups are named by what they are about")
    return [Row(f"Names of five groups of {count:,} texts", "CPU-s", {OURS: found["seconds"]}, **at_most(0.5))]


def known_pairs(vectors: np.ndarray) -> list[Row]:
    """Two models that are known: the same one in whole steps of 1/127, and its 32 first dimensions. As faiss counts it."""
    steps = np.rint(vectors * (127 / np.abs(vectors).max(axis=1, keepdims=True))).astype(np.float32)
    rows = []
    for name, other, aim in (
        ("the same in 8 bits", steps, {"aim": ">= 0.95", "aim_is_met": lambda row: row.ours >= 0.95}),
        ("its first 32 dimensions", np.ascontiguousarray(vectors[:, :32]), {}),
    ):
        reported = compare(vectors, other, k=10, sample=len(vectors)).overlap.value
        near, others = (nearest_by_faiss(one) for one in (vectors, other))
        counted = float(np.mean([len({*a} & {*b}) / 10 for a, b in zip(near, others, strict=True)]))
        if abs(reported - counted) > 0.002:
            raise MeasureFailed(f"{name}: an overlap of {reported:.3f} is reported, faiss counts {counted:.3f}")
        rows.append(Row(f"Overlap@10 with {name}", "", {OURS: reported, FAISS: counted}, FAISS, **aim))
    return rows


def nearest_by_faiss(vectors: np.ndarray) -> list[list[int]]:
    """Of each its 10 nearest others."""
    import faiss

    directions = np.ascontiguousarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    found = faiss.knn(directions, directions, 11, metric=faiss.METRIC_INNER_PRODUCT)[1].tolist()
    return [[one for one in row if one != at][:10] for at, row in enumerate(found)]


def seconds(ours: dict[str, Any], peer: str, theirs: dict[str, Any]) -> dict[str, float | None]:
    return {OURS: ours["seconds"], peer: theirs["seconds"]}


def shares() -> list[Row]:
    """By how many points a label's share of 2,000 texts differs from its share of 50,000 that are sorted by label."""
    labels = [f"topic {topic}" for topic in range(20) for _ in range(250 * (topic + 1) * 100 // 105)]
    whole = Counter(labels)

    def worst(chosen: Any) -> float:
        drawn = Counter(labels[at] for at in chosen)
        return 100 * max(abs(drawn[name] / len(chosen) - size / len(labels)) for name, size in whole.items())

    figures = {OURS: worst(sample(len(labels), 2_000, strata=labels)), FIRST: worst(range(2_000))}
    return [Row("Sample of 2,000: a label's share is off by", "points", figures, FIRST, **at_most(2))]


def run(job: str, file: Path, rounds: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.peers.embedding_numbers", job, str(file), str(rounds)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | ONE_THREAD, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode:
        raise MeasureFailed(f"{job}: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
    return json.loads(done.stdout)
