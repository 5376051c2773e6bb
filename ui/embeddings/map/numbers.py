"""Figures of maps that took a moment to work out, each worked out once."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from services.embeddings.datasets import embedding_store
from services.embeddings.numbers import Clusters, cluster, distortion, faithfulness, name_clusters, nearest, pca, sample
from services.embeddings.records import Algorithm, Faithfulness, Floats, Ints, Layout
from ui.embeddings.numbers import computed, layout_stamp, stamp
from ui.embeddings.view import Shown

MOST_NAMED = 20_000
"""Texts that names are made of; of more, so many chosen at random."""
MOST_READ = 2_500
"""The same for a selection, and for the rest: they are waited for."""
_BLOCK = 4096


@dataclass(frozen=True)
class NamedClusters:
    """Clusters with what they are about."""

    clusters: Clusters
    names: tuple[str, ...]


def pca_layout(shown: Shown, dims: int) -> Layout:
    """PCA of the run, worked out once."""
    return computed(("pca", *_run(shown), dims), "", lambda: pca(shown.vectors, dims))


def made_layout(shown: Shown, algorithm: Algorithm, dims: int) -> Layout | None:
    """The layout of the run: PCA at once, another one where it was made. Raises StateTrouble."""
    if algorithm is Algorithm.PCA:
        return pca_layout(shown, dims)
    return embedding_store().get_layout(shown.owner, shown.dataset.id, shown.run.key, algorithm, dims)


def faithfulness_of(shown: Shown, layout: Layout) -> Faithfulness:
    """How far that picture can be believed, worked out once."""
    return computed(
        ("faithfulness", *_picture(shown, layout)),
        "Measuring how far the picture can be believed",
        lambda: faithfulness(shown.vectors, layout.coordinates),
    )


def distortion_of(shown: Shown, layout: Layout) -> Floats:
    """Of each point, how many of its true neighbours the picture lost, worked out once."""
    return computed(
        ("distortion", *_picture(shown, layout)),
        "Measuring which points stand wrong",
        lambda: distortion(shown.vectors, layout.coordinates),
    )


def clusters_of(shown: Shown, count: int | None) -> NamedClusters:
    """The run's clusters, named, worked out once."""

    def work() -> NamedClusters:
        found = cluster(shown.vectors, count)
        return NamedClusters(found, names_of(shown, found.labels))

    return computed(("clusters", *_run(shown), count), "Finding clusters", work)


def names_of(shown: Shown, labels: Ints) -> tuple[str, ...]:
    """What each group is about, by the words that set it apart."""
    part = _at_most(np.arange(len(labels)), MOST_NAMED)
    names: tuple[str, ...] = name_clusters([shown.texts.texts[at] for at in part], labels[part], words=3)
    return names


def words_of_selection(shown: Shown, indices: Ints) -> str:
    """The words that set the selected texts apart from the rest, worked out once a selection."""

    def work() -> str:
        rest = np.setdiff1d(np.arange(len(shown.texts)), indices)
        part = np.concatenate([chosen := _at_most(indices, MOST_READ), _at_most(rest, MOST_READ)])
        labels = np.where(np.arange(len(part)) < len(chosen), 0, 1)
        return name_clusters([shown.texts.texts[at] for at in part], labels, words=8)[0]

    return computed(("words", *_run(shown), hash(indices.tobytes())), "Reading the selection", work)


def _at_most(indices: Ints, most: int) -> Ints:
    """All of them; of more than *most*, so many chosen at random, always the same."""
    return indices if len(indices) <= most else indices[sample(len(indices), most)]


def all_equal(shown: Shown) -> bool:
    """Whether every usable vector is the same, of two or more."""

    def work() -> bool:
        usable = np.flatnonzero(shown.usable())
        first = np.asarray(shown.vectors[usable[0]])
        return all(
            (np.asarray(shown.vectors[usable[at : at + _BLOCK]]) == first).all() for at in range(0, len(usable), _BLOCK)
        )

    return int(shown.usable().sum()) > 1 and computed(("all equal", *_run(shown)), "", work)


def neighbours_of(shown: Shown, index: int, k: int) -> tuple[Ints, Floats]:
    """The true neighbours of a text, nearest first, with their similarities: exact, worked out once."""

    def work() -> tuple[Ints, Floats]:
        query = np.asarray(shown.vectors[index : index + 1])
        found = nearest(shown.vectors, query, k, leave_out=np.array([index]))
        return found.indices[0], found.similarities[0]

    return computed(("neighbours", *_run(shown), index, k), "", work)


def _picture(shown: Shown, layout: Layout) -> tuple[Hashable, ...]:
    return *_run(shown), layout_stamp(layout)


def _run(shown: Shown) -> tuple[Hashable, ...]:
    return stamp(shown.owner, shown.run)
