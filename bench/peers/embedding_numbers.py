"""One numeric job in a process of its own: CPU seconds, the most memory it took, and a figure to check it by.

python -m bench.peers.embedding_numbers JOB FILE.npy ROUNDS
"""

import json
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Job = Callable[[np.ndarray], Any]
QUERIES, K = 100, 15
SUBJECTS = 60
SAID = ("football", "gardens", "railways", "violins", "volcanoes")


def pca(vectors: np.ndarray) -> list[float]:
    from services.embeddings.numbers import pca

    return list(pca(vectors).explained)


def sklearn_pca(vectors: np.ndarray) -> list[float]:
    from sklearn.decomposition import PCA

    found = PCA(2, svd_solver="randomized", random_state=0).fit(vectors)
    found.transform(vectors)
    return found.explained_variance_ratio_.tolist()


def nearest(vectors: np.ndarray) -> list[list[int]]:
    from services.embeddings.numbers import nearest

    return nearest(vectors, np.asarray(vectors[:QUERIES]), K).indices.tolist()


def faiss_nearest(vectors: np.ndarray) -> list[list[int]]:
    return index_of(vectors).search(np.asarray(vectors[:QUERIES]), K)[1].tolist()


def index_of(vectors: np.ndarray, made: dict[str, Any] = {}) -> Any:  # noqa: B006 - the index is no part of a search
    if not made:
        import faiss

        faiss.omp_set_num_threads(1)
        made["index"] = faiss.IndexFlatIP(vectors.shape[1])
        made["index"].add(np.asarray(vectors))
    return made["index"]


def faithfulness(vectors: np.ndarray) -> float:
    from services.embeddings.numbers import faithfulness

    return faithfulness(vectors, np.asarray(vectors[:, :2])).trustworthiness


def distortion(vectors: np.ndarray) -> int:
    from services.embeddings.numbers import distortion

    return int(np.isfinite(distortion(vectors, np.asarray(vectors[:, :2]))).sum())


def compare(vectors: np.ndarray) -> float:
    from services.embeddings.numbers import compare

    return compare(vectors, vectors).overlap.value


def describe(vectors: np.ndarray) -> float:
    from services.embeddings.numbers import describe

    return describe(vectors).effective_rank


def near_duplicates(vectors: np.ndarray) -> int:
    from services.embeddings.numbers import near_duplicates

    return near_duplicates(vectors).looked_at


def outliers(vectors: np.ndarray) -> int:
    from services.embeddings.numbers import outliers

    return outliers(vectors).looked_at


def cluster(vectors: np.ndarray) -> list[int]:
    from services.embeddings.numbers import cluster

    return cluster(vectors, SUBJECTS).labels.tolist()


def sklearn_clusters(vectors: np.ndarray) -> list[int]:
    from sklearn.cluster import MiniBatchKMeans

    return MiniBatchKMeans(SUBJECTS, n_init=3, random_state=0).fit_predict(vectors).tolist()


def names(vectors: np.ndarray) -> int:
    from services.embeddings.numbers import name_clusters

    places = range(len(vectors))
    texts = [f"a text about {SAID[place % 5]} with further words and a {place}" for place in places]
    said = name_clusters(texts, np.arange(len(vectors)) % 5)
    return sum(name.split(", ")[0] == word for name, word in zip(said, SAID, strict=True))


JOBS: dict[str, Job] = {
    "pca": pca,
    "sklearn-pca": sklearn_pca,
    "nearest": nearest,
    "faiss-nearest": faiss_nearest,
    "faithfulness": faithfulness,
    "distortion": distortion,
    "compare": compare,
    "describe": describe,
    "near-duplicates": near_duplicates,
    "outliers": outliers,
    "cluster": cluster,
    "sklearn-clusters": sklearn_clusters,
    "names": names,
}


def make(file: Path, count: int, size: int) -> None:
    """Vectors of length 1 in overlapping groups, the first directions the widest, as those of text models."""
    random = np.random.default_rng(0)
    widths = (np.arange(1, size + 1, dtype=np.float32) ** -0.35).astype(np.float32)
    centres = random.standard_normal((300, size), dtype=np.float32) * np.float32(0.7)
    kept = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=(count, size))
    for start in range(0, count, 10_000):
        block = random.standard_normal((min(10_000, count - start), size), dtype=np.float32)
        block = (block + centres[random.integers(0, 300, len(block))]) * widths
        kept[start : start + len(block)] = block / np.linalg.norm(block, axis=1, keepdims=True)
    kept.flush()


class Memory:
    """The most memory beside mapped files, in MB above what there was at the beginning."""

    def __enter__(self) -> "Memory":
        self.over = threading.Event()
        self.least = self.most = anonymous()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self) -> None:
        while not self.over.wait(0.003):
            self.most = max(self.most, anonymous())

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    @property
    def extra(self) -> float:
        return self.most - self.least


def anonymous() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


def main() -> None:
    name, file, rounds = sys.argv[1:]
    job, vectors = JOBS[name], np.load(file, mmap_mode="r")
    job(vectors[:QUERIES] if name != "faiss-nearest" else vectors)  # imports; of faiss, the index
    float(vectors.sum())  # the file's pages are there
    spent, answer = [], None
    with Memory() as memory:
        for _ in range(int(rounds)):
            began = time.thread_time()
            answer = job(vectors)
            spent.append(time.thread_time() - began)
    print(json.dumps({"seconds": statistics.median(spent), "megabytes": memory.extra, "answer": answer}))


if __name__ == "__main__":
    main()
