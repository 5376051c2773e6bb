"""Embeddings of datasets in the background: they go on whatever page is shown, and what they brought is kept."""

import atexit
import functools
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from services.embeddings.asking.cache import VectorCache, vector_cache
from services.embeddings.asking.embedding import embed_texts
from services.embeddings.asking.hosts import host_of
from services.embeddings.asking.job import EmbeddingJob, Reporter, over, run_key, together
from services.embeddings.asking.writers import this_process, under_way_elsewhere
from services.embeddings.datasets import EmbeddingStore, NotKept, embedding_store, most_bytes_of
from services.embeddings.records import Asking, Dataset, Embedded, Floats, Run, RunState
from services.errors import BadInput, PlaygroundError
from services.settings import Settings
from services.transforms import Hooks
from services.workspace import Workspace

__all__ = ["EmbeddingJob", "EmbeddingRuns", "embedding_runs", "run_key"]

log = logging.getLogger(__name__)

MOST_OF_ONE_OWNER, MOST_AT_WORK = 2, 4
MOST_OVER = 32
"""Jobs that are over and still known here; what they brought is in the store."""
KEPT_EVERY_SECONDS = 10.0
LEAVES_PLACE_SECONDS = 5.0
"""An endpoint may ask to wait for minutes, in which others can be asked."""
END_SECONDS = 3.0
"""For all jobs to end together, when this process does."""
QUEUED = "Waits for its turn: other embeddings are under way."


class EmbeddingRuns:
    """The jobs of this process. From any thread."""

    def __init__(
        self,
        store: EmbeddingStore,
        cache: VectorCache | None,
        *,
        kept_every: float = KEPT_EVERY_SECONDS,
        leaves_place_after: float = LEAVES_PLACE_SECONDS,
    ) -> None:
        """*kept_every* so many seconds a job's progress goes to the store; one that has waited for longer than
        *leaves_place_after* seconds, since its endpoint asks it to, holds nobody up."""
        self._kept_every = kept_every
        self._leaves_place_after = leaves_place_after
        self._store = store
        self._cache = cache
        self._turns = threading.Condition()
        """Guards what follows; notified when a place becomes free."""
        self._jobs: dict[tuple[str, str, str], EmbeddingJob] = {}
        """By owner, dataset and run, oldest first."""
        self._at_work: list[EmbeddingJob] = []
        self._queued: list[EmbeddingJob] = []

    def begin(
        self,
        owner: str,
        workspace: Workspace,
        dataset: Dataset,
        asking: Asking,
        *,
        hooks: Callable[[], Hooks] | None = None,
    ) -> EmbeddingJob:
        """Begin, or go on with what was interrupted: what is in the cache is not sent again.

        A job under way for the same owner, dataset and run is returned, not doubled. Raises PlaygroundError where the run
        cannot be kept, and where another process is at it.
        """
        with self._turns:
            key = (owner, dataset.id, run_key(host_of(workspace), asking))
            known = self._jobs.get(key)
            if known is not None and known.running:
                return known
            earlier = next((one for one in self._store.list_runs(owner, dataset.id) if one.key == key[2]), None)
            if earlier is not None and under_way_elsewhere(earlier):
                raise BadInput(
                    "Another process of Brickyard is embedding these texts in this very way.",
                    "Wait until it is over: the vectors come here too. Nothing was sent.",
                )
            job = EmbeddingJob(owner, workspace, dataset, asking, earlier.progress if earlier is not None else None)
            run = Run(
                job.run_key,
                dataset.id,
                host_of(workspace),
                asking,
                RunState.RUNNING,
                datetime.now(UTC),
                0,
                job.progress,
                writer=this_process(),
                seen=time.time(),
            )
            self._store.put_run(owner, run, None)
            self._jobs.pop(key, None)
            self._jobs[key] = job
            self._queued.append(job)
            self._forget_oldest()
        name = f"embed {dataset.id}"
        threading.Thread(target=self._work, args=(job, run, hooks), name=name, daemon=True).start()
        return job

    def job_of(self, owner: str, dataset_id: str, run_key: str) -> EmbeddingJob | None:
        """The latest job of this run in this process."""
        with self._turns:
            return self._jobs.get((owner, dataset_id, run_key))

    def jobs_of(self, owner: str, dataset_id: str) -> list[EmbeddingJob]:
        """All of the dataset's, newest first."""
        with self._turns:
            return [job for key, job in reversed(self._jobs.items()) if key[:2] == (owner, dataset_id)]

    def let_go(self, workspace: Workspace) -> None:
        """Its sign-in is forgotten: its jobs end."""
        with self._turns:
            jobs = [job for job in self._jobs.values() if job.running and job.workspace is workspace]
        for job in jobs:
            job.stop()

    def end(self) -> None:
        """This process ends: end all jobs, so that each is found as interrupted, and not as failed with what ends beside it."""
        with self._turns:
            jobs = [job for job in self._jobs.values() if job.running]
        for job in jobs:
            job.interrupted = True
            job.stop()
        until = time.monotonic() + END_SECONDS
        for job in jobs:
            job.wait(max(0.0, until - time.monotonic()))

    def discard(self, owner: str, dataset_id: str, run_key: str | None = None) -> None:
        """The run is about to be deleted, or with None all of the dataset's: end their jobs, and let them keep nothing more."""
        for job in self.jobs_of(owner, dataset_id):
            if run_key in (None, job.run_key):
                job.unwanted = True
                job.stop()
        with self._turns:
            self._jobs = {key: job for key, job in self._jobs.items() if not job.unwanted}

    def _forget_oldest(self) -> None:
        over = [key for key, job in self._jobs.items() if not job.running]
        for key in over[: max(0, len(over) - MOST_OVER)]:
            del self._jobs[key]

    def _work(self, job: EmbeddingJob, run: Run, hooks: Callable[[], Hooks] | None) -> None:
        try:
            placed = self._take_place(job)
            try:
                self._embed(job, run, hooks)
            finally:
                if placed:
                    self._leave_place(job)
        except PlaygroundError as error:
            self._failed(job, run, error)
        except BaseException:
            failure = PlaygroundError(
                "Brickyard itself failed while it embedded.",
                "The server's log has the details; please report them. Embed again: what is kept is not sent again.",
            )
            self._failed(job, run, failure)
            raise  # threading prints it: a bug stays loud
        finally:
            job.ends()

    def _failed(self, job: EmbeddingJob, run: Run, error: PlaygroundError) -> None:
        """Nothing came of it: let it not look as if it were under way."""
        job.error = error
        failed = replace(run, state=RunState.FAILED, progress=job.progress, error=(error.message, error.hint))
        try:
            self._keep(job, failed, None)
        except PlaygroundError as trouble:  # of which *error* most likely tells
            log.warning("The end of an embedding could not be kept: %s", trouble.message)

    def _take_place(self, job: EmbeddingJob) -> bool:
        """Wait for its turn; whether it has one: a job that was stopped before needs none."""
        with self._turns:
            while not (job.cancel.cancelled or self._is_next(job)):
                job.progress = replace(job.progress, note=QUEUED)
                self._turns.wait(0.5)
            self._queued.remove(job)
            if job.cancel.cancelled:
                return False
            self._at_work.append(job)
            return True

    def _is_next(self, job: EmbeddingJob) -> bool:
        """Whether there is a place for it: those of whoever has all of theirs do not keep others waiting, nor those at work
        that wait themselves."""
        if sum(not one.waits_for(self._leaves_place_after) for one in self._at_work) >= MOST_AT_WORK:
            return False
        of = Counter(one.owner for one in self._at_work)
        ready = (one for one in self._queued if of[one.owner] < MOST_OF_ONE_OWNER)
        return next(ready, None) is job

    def _leave_place(self, job: EmbeddingJob) -> None:
        with self._turns:
            self._at_work.remove(job)
            self._turns.notify_all()

    def _embed(self, job: EmbeddingJob, run: Run, hooks: Callable[[], Hooks] | None) -> None:
        embedded = embed_texts(
            job.workspace,
            job.asking,
            self._store.get_texts(job.owner, job.dataset.id).texts,
            cache=self._cache,
            owner=job.owner,
            on_progress=Reporter(self._store, job, run, self._kept_every),
            cancel=job.cancel,
            hooks=hooks,
            most_bytes=most_bytes_of(job.owner),
        )
        embedded = replace(embedded, progress=together(embedded.progress, job.earlier))
        embedded = self._with_earlier(job, embedded)
        job.progress, job.embedded = embedded.progress, embedded
        vectors = embedded.vectors if embedded.vectors.size else None
        self._keep(job, over(run, embedded, interrupted=job.interrupted), vectors)
        if vectors is not None and not job.unwanted:  # on the disk now, and as fast: the memory is for the next one
            job.embedded = replace(embedded, vectors=self._store.get_vectors(job.owner, job.dataset.id, job.run_key))

    def _keep(self, job: EmbeddingJob, run: Run, vectors: Floats | None) -> None:
        """Unless it was deleted, here or elsewhere."""
        if job.unwanted:
            return
        try:
            self._store.put_run(job.owner, run, vectors, begun=True)
        except NotKept:
            job.unwanted = True

    def _with_earlier(self, job: EmbeddingJob, embedded: Embedded) -> Embedded:
        """Of one that did not come to its end: with the vectors that an earlier one of the same run has brought."""
        if embedded.complete or job.unwanted:
            return embedded
        try:
            earlier = self._store.get_vectors(job.owner, job.dataset.id, job.run_key)
        except NotKept:
            return embedded
        if embedded.vectors.size and earlier.shape != embedded.vectors.shape:
            return embedded
        vectors = embedded.vectors if embedded.vectors.size else earlier
        if embedded.vectors.size:
            older = np.isnan(vectors[:, 0])
            vectors[older] = earlier[older]
        there = ~np.isnan(vectors[:, 0])
        failures = tuple(one for one in embedded.failures if not there[one.index])
        progress = replace(embedded.progress, done=int(there.sum()), failed=len(failures))
        return replace(embedded, vectors=vectors, failures=failures, progress=progress)


def embedding_runs() -> EmbeddingRuns:
    """This process's, which keep what comes where its settings say; the same ones each time."""
    return _runs_in(Settings.from_environment().state)


@functools.lru_cache(maxsize=64)
def _runs_in(_folder: Path | None) -> EmbeddingRuns:
    runs = EmbeddingRuns(embedding_store(), vector_cache())
    atexit.register(runs.end)  # before a local workspace that was started before: its end is no failure of these
    return runs
