"""What was computed of vectors, kept so that a click elsewhere does not compute it again."""

from collections.abc import Callable, Hashable
from typing import TypeVar, cast

import streamlit as st

from services.embeddings.records import Layout, Run
from ui.embeddings.bounded import Bounded
from ui.session import owner

Result = TypeVar("Result")

MOST_RESULTS, MOST_BYTES = 2_000, 256_000_000
"""Of everybody together. Of a map of 100,000 points the largest has 1.2 MB."""

_results: Bounded[object] = Bounded(MOST_RESULTS, MOST_BYTES)


def computed(of: tuple[Hashable, ...], doing: str, make: Callable[[], Result]) -> Result:
    """The result of *make*, from memory where *of* was computed lately; else under a spinner that says *doing*, if anything.

    *of* names the computation and all that decides its result: vectors by their ``stamp``. Nobody gets what another person
    computed.
    """
    key = (owner(), *of)
    if key in _results or not doing:
        return cast(Result, _results.get(key, make))
    with st.spinner(doing, show_time=True):
        return cast(Result, _results.get(key, make))


def stamp(owner: str, run: Run) -> tuple[Hashable, ...]:
    """Stands for a run's vectors as they are now. While a run is under way, its earlier ones are what they were."""
    return (owner, run.dataset, run.key, run.vectors)


def layout_stamp(layout: Layout) -> Hashable:
    """Stands for where its points are: all of them, since the first ones may have no place."""
    return (layout.algorithm, layout.coordinates.shape, hash(layout.coordinates.tobytes()))
