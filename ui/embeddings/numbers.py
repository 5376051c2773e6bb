"""What was computed of vectors, kept so that a click elsewhere does not compute it again."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeVar, cast

import streamlit as st

from services.embeddings.records import Run
from ui.embeddings.bounded import Bounded
from ui.session import kept

Result = TypeVar("Result")

KEPT_NUMBERS = 12
"""Each holds a few numbers a text at most."""


@dataclass
class _Numbers:
    """This browser's."""

    results: Bounded[object] = field(default_factory=lambda: Bounded(KEPT_NUMBERS))


def computed(of: tuple[Hashable, ...], doing: str, make: Callable[[], Result]) -> Result:
    """The result of *make*, from memory where *of* was computed lately; else under a spinner that says *doing*.

    *of* names the computation and all that decides its result: vectors by their ``stamp``.
    """
    results = kept(_Numbers).results
    if of in results:
        return cast(Result, results.get(of, make))
    with st.spinner(doing, show_time=True):
        return cast(Result, results.get(of, make))


def stamp(owner: str, run: Run) -> tuple[Hashable, ...]:
    """Stands for a run's vectors as they are now: a resumed run has more of them, a repeated one others."""
    return (owner, run.dataset, run.key, run.made, run.state, run.progress.done)
