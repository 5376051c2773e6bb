"""Figures of maps that took a moment to work out, kept for this browser as long as there is room."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeVar, cast

import numpy as np
import streamlit as st

from services.embeddings.datasets import embedding_store
from services.embeddings.numbers import Clusters, cluster, distortion, faithfulness, name_clusters, nearest, pca
from services.embeddings.records import Algorithm, Faithfulness, Floats, Ints, Layout
from ui.embeddings.bounded import Bounded
from ui.embeddings.numbers import stamp
from ui.embeddings.view import Shown
from ui.session import kept

MOST = 32
"""Of a map of 100,000 points the largest has 1.2 MB."""
MOST_NAMED = 20_000
"""Texts that names are made of; of more, a part drawn evenly."""
MOST_READ = 2_500
"""The same for a selection, and for the rest: they are waited for."""

Found = TypeVar("Found")


@dataclass
class _MapNumbers:
    """This browser's."""

    found: Bounded[object] = field(default_factory=lambda: Bounded(MOST))


@dataclass(frozen=True)
class NamedClusters:
    """Clusters with what they are about."""

    clusters: Clusters
    names: tuple[str, ...]


def pca_layout(shown: Shown, dims: int) -> Layout:
    """PCA of the run, worked out once."""
    return once(("pca", *_run(shown), dims), "", lambda: pca(shown.vectors, dims))


def made_layout(shown: Shown, algorithm: Algorithm, dims: int) -> Layout | None:
    """The layout of the run: PCA at once, another one where it was made. Raises StateTrouble."""
    if algorithm is Algorithm.PCA:
        return pca_layout(shown, dims)
    return embedding_store().get_layout(shown.owner, shown.dataset.id, shown.run.key, algorithm, dims)


def faithfulness_of(shown: Shown, layout: Layout) -> Faithfulness:
    """How far that picture can be believed, worked out once."""
    return once(
        ("faithfulness", *_picture(shown, layout)),
        "Measuring how far the picture can be believed",
        lambda: faithfulness(shown.vectors, layout.coordinates),
    )


def distortion_of(shown: Shown, layout: Layout) -> Floats:
    """Of each point, how many of its true neighbours the picture lost, worked out once."""
    return once(
        ("distortion", *_picture(shown, layout)),
        "Measuring which points stand wrong",
        lambda: distortion(shown.vectors, layout.coordinates),
    )


def clusters_of(shown: Shown, count: int | None) -> NamedClusters:
    """The run's clusters, named, worked out once."""

    def work() -> NamedClusters:
        found = cluster(shown.vectors, count)
        return NamedClusters(found, names_of(shown, found.labels))

    return once(("clusters", *_run(shown), count), "Finding clusters", work)


def names_of(shown: Shown, labels: Ints) -> tuple[str, ...]:
    """What each group is about, by the words that set it apart."""
    part = _evenly(np.arange(len(labels)), MOST_NAMED)
    names: tuple[str, ...] = name_clusters([shown.texts.texts[at] for at in part], labels[part], words=3)
    return names


def words_of_selection(shown: Shown, indices: Ints) -> str:
    """The words that set the selected texts apart from the rest, worked out once a selection."""

    def work() -> str:
        rest = np.setdiff1d(np.arange(len(shown.texts)), indices)
        part = np.concatenate([chosen := _evenly(indices, MOST_READ), _evenly(rest, MOST_READ)])
        labels = np.where(np.arange(len(part)) < len(chosen), 0, 1)
        return name_clusters([shown.texts.texts[at] for at in part], labels, words=8)[0]

    return once(("words", *_run(shown), hash(indices.tobytes())), "Reading the selection", work)


def _evenly(indices: Ints, most: int) -> Ints:
    """All of them; of more than *most*, every so many."""
    return indices[:: max(1, -(-len(indices) // most))]


def neighbours_of(shown: Shown, index: int, k: int) -> tuple[Ints, Floats]:
    """The true neighbours of a text, nearest first, with their similarities: exact, worked out once."""

    def work() -> tuple[Ints, Floats]:
        query = np.asarray(shown.vectors[index : index + 1])
        found = nearest(shown.vectors, query, k, leave_out=np.array([index]))
        return found.indices[0], found.similarities[0]

    return once(("neighbours", *_run(shown), index, k), "", work)


def once(of: tuple[Hashable, ...], doing: str, work: Callable[[], Found]) -> Found:
    """What *work* makes, from memory where *of* was worked out lately. *doing* is said beside a spinner; empty: at once."""
    found = kept(_MapNumbers).found
    if not doing or of in found:
        return cast(Found, found.get(of, work))
    with st.spinner(doing, show_time=True):
        return cast(Found, found.get(of, work))


def _picture(shown: Shown, layout: Layout) -> tuple[Hashable, ...]:
    # A layout that was made again stands elsewhere.
    places = hash(np.ascontiguousarray(layout.coordinates[:64]).tobytes())
    return *_run(shown), layout.algorithm, layout.dims, places


def _run(shown: Shown) -> tuple[Hashable, ...]:
    return stamp(shown.owner, shown.run)
