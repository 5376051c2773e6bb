"""Texts to vectors, through an endpoint: each text once, several requests at a time, and what is known already not at all."""

import math
from collections.abc import Callable, Sequence

from services.embeddings.asking.bodies import check_asking
from services.embeddings.asking.cache import CacheOfOne, VectorCache
from services.embeddings.asking.collecting import MOST_VECTOR_BYTES, Collected
from services.embeddings.asking.hosts import host_of
from services.embeddings.asking.queueing import Queue
from services.embeddings.asking.sending import Cancel, Sender
from services.embeddings.asking.under_way import UnderWay
from services.embeddings.records import Asking, Embedded, Progress, Purpose
from services.errors import BadInput
from services.transforms import Hooks
from services.workspace import Workspace

__all__ = ["Cancel", "embed_texts"]

QUERY_PATIENCE = 10.0


def embed_texts(
    workspace: Workspace,
    asking: Asking,
    texts: Sequence[str],
    *,
    purpose: Purpose = Purpose.DOCUMENT,
    cache: VectorCache | None = None,
    owner: str = "",
    on_progress: Callable[[Progress], None] | None = None,
    cancel: Cancel | None = None,
    hooks: Callable[[], Hooks] | None = None,
    most_bytes: int = MOST_VECTOR_BYTES,
) -> Embedded:
    """Vectors of *texts*, in their order. Returns when all is done, the run ended itself, or *cancel* ended it.

    *owner* is whose vectors they are in *cache*. *on_progress* is called in this thread, at most ten times a second; what it
    raises ends all, with the requests under way, and is raised here. *hooks* makes the transform's hooks for one request, and
    is needed where *asking* has a transform. Vectors that would take more than *most_bytes* together end it. Raises BadInput
    for what can never be sent; every other failure is in what it returns.

    A query is waited for by a person: an endpoint that asks to wait for it is waited for QUERY_PATIENCE seconds in all.
    """
    check_asking(asking)
    if not texts:
        raise BadInput("There are no texts.", "Paste some, one on each line, or choose a dataset.")
    if asking.transform is not None and (hooks is None or asking.transform.gone):
        raise BadInput(
            f"The transform “{asking.transform.name}” is not here.", "Choose another one, or none. Nothing was sent."
        )
    sender_hooks = hooks if asking.transform is not None else None
    ends = cancel or Cancel()
    sender = Sender(workspace, asking, purpose, sender_hooks, ends)
    kept = CacheOfOne(cache, owner, host_of(workspace), asking, purpose)
    queue = Queue(asking.at_once, QUERY_PATIENCE if purpose is Purpose.QUERY else math.inf)
    under_way = UnderWay(sender, asking, kept, ends, queue, Collected(texts, most_bytes))
    return under_way.run(on_progress or (lambda _: None))
