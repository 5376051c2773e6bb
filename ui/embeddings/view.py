"""What the Embeddings page shows, and what it remembers for this browser."""

import sys
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt
import streamlit as st

from services.embeddings.asking import embedding_runs
from services.embeddings.datasets import embedding_store
from services.embeddings.numbers import usable
from services.embeddings.records import Dataset, Floats, Run, Texts
from services.errors import PlaygroundError
from services.transforms import LOCAL
from services.workspace import Workspace
from ui.session import owner

MOST_BYTES_HELD = 400_000_000
"""Of texts in memory, of all people together; one dataset may be larger."""
IDLE_SECONDS = 3600.0
MOST_SHOWN = 4
"""Runs of a dataset in which what was counted is kept."""


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
        return usable(self.vectors)


@dataclass
class Held:
    """The texts of a dataset, what was counted in them, and what is shown of them."""

    texts: Texts
    here: dict[tuple[object, ...], int] = field(default_factory=dict)
    """Of the last plans, how many texts had a vector already."""
    shown: "OrderedDict[tuple[str, int], Shown]" = field(default_factory=OrderedDict)
    """By run and workspace, so that what was counted in the vectors is counted once; the last used one last."""
    used: float = 0.0
    """When, by the monotonic clock."""

    @cached_property
    def size(self) -> int:
        """Bytes in memory, of what weighs."""
        columns = (self.texts.texts, self.texts.labels or (), self.texts.ids or ())
        return sum(sys.getsizeof(cell) for column in columns for cell in column)

    @cached_property
    def sent(self) -> tuple[str, ...]:
        """Those that an endpoint can be asked for, each once."""
        return tuple(dict.fromkeys(text for text in self.texts.texts if text.strip()))

    @cached_property
    def empty(self) -> int:
        """How many have nothing in them."""
        return sum(not text.strip() for text in self.texts.texts)


class HeldTexts:
    """Texts at hand, of everybody who looks at some: the ones idle longest go where there are too many. From any thread."""

    def __init__(self, most_bytes: int = MOST_BYTES_HELD, idle_seconds: float = IDLE_SECONDS) -> None:
        self._most, self._idle = most_bytes, idle_seconds
        self._held: OrderedDict[tuple[str, str], Held] = OrderedDict()
        """By owner and dataset."""
        self._lock = threading.Lock()

    def get(self, owner: str, dataset_id: str) -> Held | None:
        """What is at hand."""
        with self._lock:
            found = self._held.get((owner, dataset_id))
            if found is not None:
                self._use(owner, dataset_id, found)
            return found

    def put(self, owner: str, dataset_id: str, texts: Texts) -> Held:
        """Have them at hand from now on, in the place of what was."""
        held = Held(texts)
        with self._lock:
            self._use(owner, dataset_id, held)
        return held

    def drop(self, owner: str, dataset_id: str) -> None:
        """Have them at hand no more."""
        with self._lock:
            self._held.pop((owner, dataset_id), None)

    def let_go(self, of: Workspace) -> None:
        """Show nothing more that would ask that workspace."""
        with self._lock:
            for held in self._held.values():
                for key in [key for key, one in list(held.shown.items()) if one.here is of]:
                    held.shown.pop(key, None)

    def _use(self, owner: str, dataset_id: str, held: Held) -> None:
        held.used = time.monotonic()
        self._held[owner, dataset_id] = held
        self._held.move_to_end((owner, dataset_id))
        size = sum(one.size for one in self._held.values())
        for key, one in list(self._held.items())[:-1]:  # the one that is asked for stays, however large
            if size > self._most or held.used - one.used > self._idle:
                del self._held[key]
                size -= one.size


_texts_at_hand = HeldTexts()


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

    def let_go(self, of: Workspace) -> None:
        """End what runs with that workspace's token."""
        embedding_runs().let_go(of)
        _texts_at_hand.let_go(of)


@dataclass
class EmbeddingsTab:
    """What this tab waits for, and what it opened."""

    follows: tuple[str, str] | None = None
    """The dataset and the run that it began last, to be shown when it is over."""
    wish: bool | None = None
    """Whether the choice of texts and endpoint is to be seen; None: where it is needed."""


def held_texts(dataset: Dataset) -> Held:
    """Its texts, read once while they are looked at. Raises PlaygroundError."""
    held = _texts_at_hand.get(owner(), dataset.id)
    if held is None:
        with st.spinner(f"Reading {dataset.count:,} texts", show_time=True):
            held = hold_texts(dataset.id, embedding_store().get_texts(owner(), dataset.id))
    return held


def hold_texts(dataset_id: str, texts: Texts) -> Held:
    """Have them at hand from now on, in the place of what was: whoever changes labels calls this too."""
    return _texts_at_hand.put(owner(), dataset_id, texts)


def forget_texts(dataset_id: str) -> None:
    """Read them again at the next use: their labels were changed, or they are gone."""
    _texts_at_hand.drop(owner(), dataset_id)


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
