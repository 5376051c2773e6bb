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

from bench.peers.embedding_numbers import make
from bench.processes import MeasureFailed
from bench.report import OURS, Row, at_most, ratio_at_most
from bench.setup import Setup
from bench.subjects import ROOT
from services.embeddings.numbers import sample

SKLEARN, FAISS, FIRST = "sklearn randomized", "faiss FlatIP", "the first ones"
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
