"""What is embedded, how, and what came of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from services.errors import PlaygroundError
from services.transforms import Transform

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]

MAX_BATCH = 150
"""Texts in one request; the platform's own models refuse more."""

MOST_SAID = 24
"""Characters of a parameter in a run's label."""


class BodyForm(StrEnum):
    """Where the texts stand in a request."""

    INPUT = "input"
    DATAFRAME_SPLIT = "dataframe_split"
    DATAFRAME_RECORDS = "dataframe_records"
    INPUTS = "inputs"
    INSTANCES = "instances"


class Purpose(StrEnum):
    """What a text is to its model: some embed a question otherwise than what answers it."""

    DOCUMENT = "document"
    QUERY = "query"


@dataclass(frozen=True)
class Asking:
    """How an endpoint is asked for vectors."""

    endpoint: str
    version: str = ""
    """What serves there, as the workspace says: another version's vectors are other vectors."""
    form: BodyForm = BodyForm.INPUT
    column: str = "text"
    """The column, or the input's name, of a custom model; unused with ``input``."""
    dimensions: int | None = None
    """Asked of the model; None: its own."""
    document_params: Mapping[str, Any] = field(default_factory=dict)
    """Sent beside the texts that are looked through: LangChain's ``documents_params``."""
    query_params: Mapping[str, Any] = field(default_factory=dict)
    """Sent beside a text that is looked for: LangChain's ``query_params``."""
    transform: Transform | None = None
    """The person's, around each request."""
    batch: int = 64
    """Texts in one request, 1 to MAX_BATCH."""
    at_once: int = 8
    """Requests under way at the same time, 1 to 16; fewer while the endpoint answers 429. On one 50 ms away 8 give half as much
    again as 4; the local model, which computes one after another, loses nothing."""

    @property
    def key(self) -> str:
        """Stands for everything that decides the vectors, and so not for how fast they are asked for; 16 hex digits."""
        shaping = None if self.transform is None else self.transform.source
        said = (
            self.endpoint, self.version, self.form, self.column, self.dimensions,
            dict(self.document_params), dict(self.query_params), shaping,
        )  # fmt: skip
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Progress:
    """Figures of an embedding under way, or over. Those of a run are of all the times that it was begun, together."""

    texts: int
    """All of them, with their repetitions."""
    done: int = 0
    """Those that have a vector by now."""
    failed: int = 0
    """Those that will have none."""
    cached: int = 0
    """Of *done*: those whose vector was here already, and was not asked for by the run itself."""
    repeated: int = 0
    """Of *texts*: those that are like another one, and are sent once with it."""
    requests: int = 0
    """Sent, refused ones among them."""
    tokens: int = 0
    """As the endpoint counted them; 0 where it does not."""
    seconds: float = 0.0
    """From its begin to its end; without the time between a stop and the next begin."""
    left_seconds: float | None = None
    """Until the end, by the pace so far; None while that is unknown."""
    note: str = ""
    """What is waited for, where that is to be told: “Too many requests: waits 3 s, as the endpoint asks.”"""
    looked_up: bool = False
    """Whether it is known what is here already, and so what is to be asked for."""


@dataclass(frozen=True)
class TextFailure:
    """One text that has no vector, and why."""

    index: int
    """Its place among the texts, from 0."""
    error: PlaygroundError


@dataclass(frozen=True)
class Embedded:
    """What came of it."""

    vectors: Floats
    """(texts, dimensions), as the endpoint gave them; a text that has no vector has NaN. (texts, 0) where none has one."""
    failures: tuple[TextFailure, ...]
    """Those that were asked for and refused, or gave no usable vector; not those that were not asked for any more."""
    progress: Progress
    stopped: bool = False
    """Whether the person ended it."""
    error: PlaygroundError | None = None
    """Why it ended before its end; what had arrived is in *vectors*."""
    trouble: PlaygroundError | None = None
    """Why vectors could not be kept for another time, or those kept could not be read; the embedding itself went on."""

    @property
    def complete(self) -> bool:
        """Whether every text was asked for."""
        return self.error is None and not self.stopped


@dataclass(frozen=True)
class Texts:
    """Texts in an order of their own, with what is known of them."""

    texts: tuple[str, ...]
    labels: tuple[str, ...] | None = None
    """Of each text; empty for none. None where there are no labels."""
    ids: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class Dataset:
    """Texts that are kept."""

    id: str
    name: str
    count: int
    labelled: bool
    made: datetime
    source: str
    """Where they are from, for people: “pasted”, “reviews.csv, column text”."""


class RunState(StrEnum):
    """How an embedding of a dataset stands."""

    RUNNING = "running"
    """Under way; or interrupted with its process, where no job goes with it."""
    COMPLETE = "complete"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class Run:
    """One dataset through one endpoint."""

    key: str
    """Of the workspace's host and the asking: a second run of the same replaces the first."""
    dataset: str
    host: str
    """The workspace's; services.transforms.LOCAL for the embedded one, whose address is another at each start."""
    asking: Asking
    state: RunState
    made: datetime
    dimensions: int
    """0 while no vector is here."""
    progress: Progress
    failures: tuple[tuple[int, str, str], ...] = ()
    """Place, what happened, what to do, of each text that has no vector; the first 1,000."""
    error: tuple[str, str] | None = None
    """What happened and what to do, where it ended before its end."""
    writer: str = ""
    """Which process began it last; for services.embeddings.asking, which tells by it whether that one is at it still."""
    seen: float = 0.0
    """When that process wrote this, in seconds since the epoch."""
    vectors: str = field(default="", compare=False)
    """Stands for the vectors that are here, of a run that is read: others come under another name, and progress changes none."""

    @property
    def label(self) -> str:
        """For people: the endpoint, and what else was chosen for this run of it. Foreign text."""
        asking = self.asking
        said = [asking.endpoint]
        said += [f"{asking.dimensions} dimensions"] if asking.dimensions else []
        said += [f"{name}={_short(value)}" for name, value in asking.document_params.items()]
        said += [f"{name}={_short(value)} for queries" for name, value in asking.query_params.items()]
        said += [asking.transform.label] if asking.transform else []
        return ", ".join(said)


def _short(value: object) -> str:
    """A parameter as it is written, up to a length that leaves room for a name."""
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return said if len(said) <= MOST_SAID else f"{said[: MOST_SAID - 1]}…"


class Algorithm(StrEnum):
    """How a picture is made of vectors."""

    PCA = "PCA"
    LOCALMAP = "LocalMAP"
    TSNE = "t-SNE"


@dataclass(frozen=True)
class Layout:
    """A picture: where each text stands in it."""

    coordinates: Floats
    """(texts, 2 or 3); NaN for a text without a usable vector."""
    algorithm: Algorithm
    parameters: Mapping[str, Any]
    """What makes it again: seed, neighbours, library and version..."""
    explained: tuple[float, ...] = ()
    """Of PCA: the share of the variance along each axis."""

    @property
    def dims(self) -> int:
        """2 or 3."""
        return int(self.coordinates.shape[1])


@dataclass(frozen=True)
class Faithfulness:
    """How far a picture can be believed, measured on a sample."""

    trustworthiness: float
    """0 to 1: whether those that stand together in the picture are alike (Venna and Kaski 2001)."""
    overlap: float
    """0 to 1: the share of a text's true nearest neighbours that are also its nearest in the picture."""
    k: int
    sampled: int
    """How many texts were looked at; all of them where they are few."""
    of: int


@dataclass(frozen=True)
class Nearest:
    """The nearest texts, nearest first, by cosine similarity."""

    indices: Ints
    """(queries, k)"""
    similarities: Floats
    """(queries, k); -1 to 1."""
