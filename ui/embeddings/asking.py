"""Ask an endpoint for the vectors of queries, as its run asked for those of the texts."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from services.embeddings.asking import embed_texts, host_of, vector_cache
from services.embeddings.records import Floats, Purpose
from services.errors import BadInput, PlaygroundError
from services.sandbox import sandbox
from services.transforms import Hooks, Transform
from ui.embeddings.view import Shown, place_of
from ui.foreign_text import literal
from ui.session import kept, owner

FAILED_SECONDS = 10.0
"""How long a query that failed is not asked for again: a script runs more often than a person clicks."""
MOST_FAILED = 16


def hooks_of(transform: Transform | None) -> Callable[[], Hooks] | None:
    """What shapes each request and its reply, made anew for each."""
    if transform is None:
        return None
    whose = owner()  # now: the threads that ask know of no visitor
    return lambda: Hooks(sandbox(), transform, user=whose)


@dataclass
class _Queries:
    """What was asked for in vain lately."""

    failed: "OrderedDict[tuple[str, str, tuple[str, ...]], tuple[float, PlaygroundError]]" = field(
        default_factory=OrderedDict
    )


def embed_queries(shown: Shown, texts: Sequence[str]) -> Floats:
    """(texts, dimensions): these as queries, through the run's own endpoint; paid for once.

    A row of NaN for a text that was refused, where others were not. Raises PlaygroundError where none has a vector, and where
    the run is another workspace's.
    """
    run, failed = shown.run, kept(_Queries).failed
    if run.host != host_of(shown.here):
        raise BadInput(
            f"These vectors are from {place_of(run)}, and you are connected to {shown.here.host}.",
            "Connect to that workspace, or embed the texts here: a query needs the same endpoint.",
        )
    asked = (run.host, run.asking.key, tuple(texts))
    at, why = failed.get(asked, (-math.inf, None))
    if why is not None and time.monotonic() - at < FAILED_SECONDS:
        raise why
    what = "the query" if len(texts) == 1 else f"{len(texts):,} queries"
    with st.spinner(f"Asking {literal(run.asking.endpoint)} for the vector of {what}", show_time=True):
        came = embed_texts(
            shown.here, run.asking, texts, purpose=Purpose.QUERY, cache=vector_cache(), owner=shown.owner,
            hooks=hooks_of(run.asking.transform),
        )  # fmt: skip
    error = came.error or next((one.error for one in came.failures), None)
    if error is not None and (came.error is not None or not np.isfinite(came.vectors).any()):
        failed[asked] = (time.monotonic(), error)
        while len(failed) > MOST_FAILED:
            failed.popitem(last=False)
        raise error
    return came.vectors
