"""What the Embeddings page shows, and what it remembers for this browser."""

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt
import streamlit as st

from services.embeddings.asking import embedding_runs
from services.embeddings.datasets import embedding_store
from services.embeddings.records import Dataset, Floats, Run, Texts
from services.errors import PlaygroundError
from services.transforms import LOCAL
from services.workspace import Workspace
from ui.session import kept, owner

MOST_TEXTS_HELD = 2
"""Datasets whose texts stay in memory for one browser."""
_BLOCK = 4096


class Stage(StrEnum):
    """What can be looked at, in the order of the page."""

    MAP = "Map"
    NEIGHBOURS = "Neighbours"
    HEALTH = "Health"
    COMPARE = "Compare"
    RETRIEVAL = "Retrieval"
    TAKE_AWAY = "Take away"


@dataclass(frozen=True, eq=False)
class Shown:
    """One dataset through one endpoint: what every view of the page gets."""

    here: Workspace
    owner: str
    dataset: Dataset
    texts: Texts
    run: Run
    vectors: Floats
    """(texts, dimensions), read-only and memory-mapped; rows of NaN where a text has no vector."""
    runs: tuple[Run, ...]
    """Those of this dataset that have vectors, the newest first; *run* is one of them."""

    def usable(self) -> npt.NDArray[np.bool_]:
        """(texts,): whether a text has a vector that can be compared: finite, and not zero."""
        return self._usable

    @cached_property
    def _usable(self) -> npt.NDArray[np.bool_]:
        found = np.empty(len(self.vectors), dtype=np.bool_)
        for begin in range(0, len(self.vectors), _BLOCK):  # the vectors may be larger than what is to be in memory
            block = np.asarray(self.vectors[begin : begin + _BLOCK])
            found[begin : begin + _BLOCK] = np.isfinite(block).all(axis=1) & block.any(axis=1)
        return found


@dataclass
class Held:
    """The texts of a dataset, and what was counted in them."""

    texts: Texts
    here: dict[tuple[object, ...], int] = field(default_factory=dict)
    """Of the last plans, how many texts had a vector already."""

    @cached_property
    def sent(self) -> tuple[str, ...]:
        """Those that an endpoint can be asked for, each once."""
        return tuple(dict.fromkeys(text for text in self.texts.texts if text.strip()))

    @cached_property
    def empty(self) -> int:
        """How many have nothing in them."""
        return sum(not text.strip() for text in self.texts.texts)


@dataclass
class EmbeddingsView:
    """What this browser looked at last; the address of a tab says what that tab looks at."""

    dataset: str = ""
    runs: dict[str, str] = field(default_factory=dict)
    """Of each dataset, the run that was shown last."""
    stage: Stage = Stage.MAP
    begun: int = 0
    """How many embeddings were asked for: each button is good for one."""
    errors: dict[str, PlaygroundError] = field(default_factory=dict)
    """Of each dataset, why the last embedding was not begun."""
    held: "OrderedDict[str, Held]" = field(default_factory=OrderedDict)
    """By dataset, the last used one last."""
    shown: "OrderedDict[str, Shown]" = field(default_factory=OrderedDict)
    """The same, so that what was counted in the vectors is counted once."""

    def let_go(self, of: Workspace) -> None:
        """End what runs with that workspace's token."""
        embedding_runs().let_go(of)
        for name in [name for name, one in self.shown.items() if one.here is of]:
            self.shown.pop(name, None)


@dataclass
class EmbeddingsTab:
    """What this tab waits for."""

    follows: tuple[str, str] | None = None
    """The dataset and the run that it began last, to be shown when it is over."""


def held_texts(dataset: Dataset) -> Held:
    """Its texts, read once while they are looked at. Raises PlaygroundError."""
    held = kept(EmbeddingsView).held
    if dataset.id not in held:
        with st.spinner(f"Reading {dataset.count:,} texts", show_time=True):
            hold_texts(dataset.id, embedding_store().get_texts(owner(), dataset.id))
    found = held[dataset.id]
    held.move_to_end(dataset.id)
    return found


def hold_texts(dataset_id: str, texts: Texts) -> None:
    """Have them at hand from now on, in the place of what was: whoever changes labels calls this too."""
    held = kept(EmbeddingsView).held
    held[dataset_id] = Held(texts)
    held.move_to_end(dataset_id)
    while len(held) > MOST_TEXTS_HELD:
        held.popitem(last=False)


def forget_texts(dataset_id: str) -> None:
    """Read them again at the next use: their labels were changed, or they are gone."""
    kept(EmbeddingsView).held.pop(dataset_id, None)


def place_of(run: Run) -> str:
    """The workspace it was made in, for people."""
    return "the local workspace" if run.host == LOCAL else run.host


def distinct(labels: dict[str, str]) -> dict[str, str]:
    """The same labels with a number behind those that are there already: a browser chooses by label."""
    seen: dict[str, int] = {}
    made = {}
    for key, label in labels.items():
        seen[label] = seen.get(label, 0) + 1
        made[key] = label if seen[label] == 1 else f"{label} ({seen[label]})"
    return made
