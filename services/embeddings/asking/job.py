"""One embedding of a dataset, as those who watch it see it, and as it is kept."""

import hashlib
import logging
import threading
import time
from dataclasses import replace

from services.embeddings.asking.hosts import host_of
from services.embeddings.asking.sending import Cancel
from services.embeddings.datasets import EmbeddingStore, NotKept
from services.embeddings.records import Asking, Dataset, Embedded, Progress, Run, RunState
from services.errors import PlaygroundError
from services.state_file import StateTrouble
from services.workspace import Workspace

log = logging.getLogger(__name__)

KEPT_FAILURES = 1_000


def run_key(host: str, asking: Asking) -> str:
    """Stands for the workspace's host and the asking; 16 hex digits."""
    return hashlib.sha256(f"{host}\n{asking.key}".encode()).hexdigest()[:16]


class EmbeddingJob:
    """One embedding of a dataset under way, or over. Its attributes may be read from any thread."""

    def __init__(
        self, owner: str, workspace: Workspace, dataset: Dataset, asking: Asking, earlier: Progress | None = None
    ) -> None:
        """*earlier*: what the run had come to when it was begun before."""
        self.earlier = earlier
        self.owner = owner
        self.workspace = workspace
        self.dataset = dataset
        self.asking = asking
        self.run_key = run_key(host_of(workspace), asking)
        self.progress = Progress(dataset.count) if earlier is None else _begun_again(earlier)
        """Replaced by a newer one, never changed."""
        self.waits_since: float | None = None
        """On time.monotonic()'s clock: since when it waits because the endpoint asks it to."""
        self.embedded: Embedded | None = None
        """What came of it; None before its end, and where *error* says why there is nothing."""
        self.error: PlaygroundError | None = None
        """Why nothing came of it, or why that could not be kept. Where the endpoint ended it, ``embedded.error`` says so."""
        self.running = True
        self.unwanted = False
        """Whether nothing of it is to be kept any more."""
        self.interrupted = False
        """Whether it ends because this process does: then it can be gone on with, and nothing has failed."""
        self.cancel = Cancel()
        self._over = threading.Event()

    def stop(self) -> None:
        """End it now: what has arrived is kept, and its requests are ended."""
        self.cancel.cancel()

    def wait(self, seconds: float) -> bool:
        """Return when it is over, or after *seconds*; whether it is over."""
        return self._over.wait(seconds)

    def waits_for(self, seconds: float) -> bool:
        """Whether it has been waiting for longer than *seconds*, since the endpoint asks it to."""
        since = self.waits_since
        return since is not None and time.monotonic() - since > seconds

    def ends(self) -> None:
        """It is over: nothing of it changes any more."""
        self.running = False
        self._over.set()


class Reporter:
    """Takes an embedding's progress to its job, and now and then to the store."""

    def __init__(self, store: EmbeddingStore, job: EmbeddingJob, run: Run, kept_every: float) -> None:
        """*kept_every* so many seconds it goes to the store."""
        self._kept_every = kept_every
        self._store = store
        self._job = job
        self._run = run
        self._kept_at = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        job = self._job
        job.progress = progress = together(_not_less(progress, job.earlier), job.earlier)
        job.waits_since = (job.waits_since or time.monotonic()) if progress.note else None
        if not job.unwanted and time.monotonic() - self._kept_at >= self._kept_every:
            self._kept_at = time.monotonic()
            try:
                self._store.put_run(
                    job.owner, replace(self._run, progress=progress, seen=time.time()), None, begun=True
                )
            except NotKept:  # nobody wants it any more, or another process has it now
                job.unwanted = True
                job.stop()
            except StateTrouble as trouble:  # told at the end, where the vectors cannot be kept either
                log.warning("The progress of an embedding could not be kept: %s", trouble.message)


def _begun_again(earlier: Progress) -> Progress:
    return replace(earlier, left_seconds=None, note="", looked_up=False)


def _not_less(progress: Progress, earlier: Progress | None) -> Progress:
    """Until it is known what is to be asked for, what is here is only being found again: it is as much as it was."""
    if earlier is None or progress.looked_up:
        return progress
    return replace(progress, done=max(progress.done, earlier.done))


def together(progress: Progress, earlier: Progress | None) -> Progress:
    """The figures of a run that was begun before: what all of it took, and what was here before all of it."""
    if earlier is None:
        return progress
    asked_before = max(earlier.done - earlier.cached, 0)
    return replace(
        progress,
        cached=max(progress.cached - asked_before, 0),
        requests=progress.requests + earlier.requests,
        tokens=progress.tokens + earlier.tokens,
        seconds=progress.seconds + earlier.seconds,
    )


def over(run: Run, embedded: Embedded, *, interrupted: bool = False) -> Run:
    """The run as it is kept at its end."""
    state = RunState.STOPPED if embedded.stopped else RunState.FAILED if embedded.error else RunState.COMPLETE
    if interrupted and state is not RunState.COMPLETE:
        return replace(run, progress=replace(embedded.progress, note=""), dimensions=int(embedded.vectors.shape[1]))
    return replace(
        run,
        state=state,
        dimensions=int(embedded.vectors.shape[1]),
        progress=embedded.progress,
        failures=tuple((one.index, one.error.message, one.error.hint) for one in embedded.failures[:KEPT_FAILURES]),
        error=None if embedded.error is None else (embedded.error.message, embedded.error.hint),
    )
