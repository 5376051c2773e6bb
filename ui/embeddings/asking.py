"""Ask an endpoint for the vectors of queries, as its run asked for those of the texts."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

import numpy as np
import streamlit as st

from services.background import in_background
from services.counting import in_words
from services.embeddings.asking import Cancel, embed_texts, host_of, vector_cache
from services.embeddings.records import Embedded, Floats, Purpose
from services.errors import BadInput, PlaygroundError
from services.sandbox import sandbox
from services.transforms import Hooks, Transform
from services.workspace import Workspace
from ui.embeddings.view import Shown, place_of
from ui.foreign_text import literal
from ui.session import kept, owner

FAILED_SECONDS = 10.0
"""How long a query that failed is not asked for again: a script runs more often than a person clicks."""
LOOK_SECONDS = 0.2
MOST_FAILED = MOST_OVER = 16
"""Of those that failed, and of those that are over and nobody came back for."""

Asked: TypeAlias = tuple[str, str, tuple[str, ...]]
"""Host, asking and texts."""


def hooks_of(transform: Transform | None) -> Callable[[], Hooks] | None:
    """What shapes each request and its reply, made anew for each."""
    if transform is None:
        return None
    whose = owner()  # now: the threads that ask know of no visitor
    return lambda: Hooks(sandbox(), transform, user=whose)


@dataclass(frozen=True, eq=False)
class _Query:
    """One that is under way. It goes on where a click ends the script that waits for it."""

    number: int
    workspace: Workspace
    cancel: Cancel
    embedded: "Future[Embedded]"
    began: float = field(default_factory=time.monotonic)

    def wait_while_young(self) -> None:
        """Most are over before anything is to be seen of them."""
        wait([self.embedded], max(0.0, self.began + LOOK_SECONDS - time.monotonic()))


@dataclass
class _Queries:
    """Those of this browser."""

    begun: int = 0
    under_way: "OrderedDict[Asked, _Query]" = field(default_factory=OrderedDict)
    """And those that are over, until somebody comes back for them."""
    failed: "OrderedDict[Asked, tuple[float, PlaygroundError]]" = field(default_factory=OrderedDict)
    """What was asked for in vain lately."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def let_go(self, of: Workspace) -> None:
        """End those that ask that workspace."""
        with self.lock:
            ending = [query for query in self.under_way.values() if query.workspace is of]
        for query in ending:
            query.cancel.cancel()

    def begin(self, asked: Asked, shown: Shown, texts: Sequence[str]) -> _Query:
        """The one that asks for these already, or a new one."""
        with self.lock:
            if asked not in self.under_way:
                self.begun += 1
                self._forget_oldest()
                self.under_way[asked] = _begun(self.begun, shown, texts)
            return self.under_way[asked]

    def _forget_oldest(self) -> None:
        over = [asked for asked, query in self.under_way.items() if query.embedded.done()]
        for asked in over[: max(0, len(over) - MOST_OVER)]:
            del self.under_way[asked]

    def end(self, asked: Asked, query: _Query, error: PlaygroundError | None) -> None:
        """It is over, and seen to be."""
        with self.lock:
            if self.under_way.get(asked) is query:
                del self.under_way[asked]
            if error is not None:
                self.failed[asked] = (time.monotonic(), error)
            while len(self.failed) > MOST_FAILED:
                self.failed.popitem(last=False)


def embed_queries(shown: Shown, texts: Sequence[str]) -> Floats:
    """(texts, dimensions): these as queries, through the run's own endpoint; paid for once.

    A row of NaN for a text that was refused, where others were not. Raises PlaygroundError where none has a vector, where the
    person ended it, and where the run is another workspace's. A click elsewhere ends the waiting, not the asking: whoever
    comes back for the same waits for the same.
    """
    asked, query = _asked(shown, texts)
    _wait(query, shown.run.asking.endpoint, len(texts))
    return _result(kept(_Queries), asked, query)


def look_for_query(shown: Shown, text: str) -> Callable[[], Floats] | None:
    """What gives (1, dimensions), or raises, as embed_queries does; None while it is under way, which is drawn with the way to
    end it. Raises PlaygroundError where it cannot be asked for.

    For a fragment that looks again: what is clicked between two looks is taken, where a script that waits would lose it. It is
    to look no more once there is something to call: what is taken is forgotten here, and would be asked for once more.
    """
    asked, query = _asked(shown, [text])
    query.wait_while_young()
    if query.embedded.done():
        return partial(_result, kept(_Queries), asked, query)
    with st.container(horizontal=True, vertical_alignment="center", key=f"embeddings-query-{query.number}"):
        st.markdown(f":material/hourglass_top: {_doing(shown.run.asking.endpoint, 1)}", width="content")
        _stop_button(query)
    return None


def _asked(shown: Shown, texts: Sequence[str]) -> tuple[Asked, _Query]:
    """What is asked for, and that under way. Raises PlaygroundError where it cannot be, and where it failed just now."""
    run, queries = shown.run, kept(_Queries)
    if run.host != host_of(shown.here):
        raise BadInput(
            f"These vectors are from {place_of(run)}, and you are connected to {shown.here.host}.",
            "Connect to that workspace, or embed the texts here: a query needs the same endpoint.",
        )
    asked = (run.host, run.asking.key, tuple(texts))
    at, why = queries.failed.get(asked, (-math.inf, None))
    if why is not None and time.monotonic() - at < FAILED_SECONDS:
        raise why
    return asked, queries.begin(asked, shown, texts)


def ask_again(texts: Sequence[str]) -> None:
    """A person wants these asked for once more: why they failed lately keeps nobody from it."""
    queries = kept(_Queries)
    with queries.lock:
        for asked in [asked for asked in queries.failed if asked[2] == tuple(texts)]:
            del queries.failed[asked]


def _begun(number: int, shown: Shown, texts: Sequence[str]) -> _Query:
    cancel, cache, hooks = Cancel(), vector_cache(), hooks_of(shown.run.asking.transform)

    def ask() -> Embedded:
        return embed_texts(
            shown.here, shown.run.asking, texts, purpose=Purpose.QUERY, cache=cache, owner=shown.owner,
            cancel=cancel, hooks=hooks,
        )  # fmt: skip

    return _Query(number, shown.here, cancel, in_background(ask, f"query {number}"))


def _wait(query: _Query, endpoint: str, count: int) -> None:
    """Until it is over, with the way to end it. Each look is a point at which a click elsewhere ends the script."""
    place = st.empty()
    begin = time.monotonic()
    while not query.embedded.done():
        if time.monotonic() - begin < LOOK_SECONDS:  # most are over before anything is to be seen of them
            time.sleep(LOOK_SECONDS / 10)
            continue
        with (
            place.container(horizontal=True, vertical_alignment="center", key=f"embeddings-query-{query.number}"),
            st.spinner(_doing(endpoint, count), show_time=True, width="content"),
        ):
            _stop_button(query)
            look = st.empty()
            while not query.embedded.done():
                time.sleep(LOOK_SECONDS)
                look.empty()
    place.empty()


def _doing(endpoint: str, count: int) -> str:
    what = "the query" if count == 1 else in_words(count, "query", "queries")
    return f"Asking {literal(endpoint)} for the vector of {what}"


def _stop_button(query: _Query) -> None:
    st.button("Stop", key=f"embeddings.query-stop-{query.number}", icon=":material/stop:", on_click=query.cancel.cancel)


def _result(queries: _Queries, asked: Asked, query: _Query) -> Floats:
    try:
        came = query.embedded.result()
    except BaseException as failure:
        queries.end(asked, query, failure if isinstance(failure, PlaygroundError) else None)
        raise
    error = came.error or next((one.error for one in came.failures), None)
    if came.stopped:
        error = BadInput("The query was stopped.", "Ask again when it is wanted.")
    if error is not None and (came.error is not None or came.stopped or not np.isfinite(came.vectors).any()):
        queries.end(asked, query, error)
        raise error
    queries.end(asked, query, None)
    return came.vectors
