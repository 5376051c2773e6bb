"""Embeddings in the background: begun once, resumed after a restart, bounded, stopped, kept."""

import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE

import numpy as np
import pytest

from services.embeddings.asking.cache import VectorCache
from services.embeddings.asking.job import EmbeddingJob, Reporter
from services.embeddings.asking.runs import EmbeddingRuns, run_key
from services.embeddings.asking.writers import mark_of, under_way_elsewhere
from services.embeddings.datasets.store import EmbeddingStore, NotKept
from services.embeddings.records import Asking, Progress, Run, RunState, Texts
from services.errors import BadInput
from services.transforms import Transform
from tests.local_workspaces import eventually
from tests.services.chats import at
from tests.services.embedding_endpoint import ScriptedEndpoint, refusal, vector_of
from tests.services.replies import silent

ASKING = Asking("bge", "v1", batch=4, at_once=2)
TEXTS = Texts(tuple(f"text {number:03d}" for number in range(40)))


class Brickyard:
    """What one process has of a folder."""

    def __init__(self, folder: Path, **patience: float) -> None:
        self.store = EmbeddingStore(folder)
        self.runs = EmbeddingRuns(self.store, VectorCache(folder), **patience)


@pytest.fixture
def here(tmp_path) -> Brickyard:
    return Brickyard(tmp_path)


def test_a_run_is_begun_once_and_its_vectors_are_kept(here, make_reply_server):
    endpoint = ScriptedEndpoint(lambda texts, _: refusal("no") if "text 007" in texts else None)
    workspace = at(make_reply_server(endpoint))
    dataset = here.store.put_dataset("ann", "mine", TEXTS, "pasted")
    job = here.runs.begin("ann", workspace, dataset, ASKING)
    assert here.runs.begin("ann", workspace, dataset, ASKING) is job
    [running] = here.store.list_runs("ann", dataset.id)
    assert running.state is RunState.RUNNING
    assert job.run_key == running.key == run_key(workspace.host, ASKING)
    assert job.wait(20)
    [run] = here.store.list_runs("ann", dataset.id)
    assert (run.state, run.dimensions, run.progress.done) == (RunState.COMPLETE, 3, 39)
    assert [(place, hint[:16]) for place, _, hint in run.failures] == [(7, "Change that text")]
    vectors = here.store.get_vectors("ann", dataset.id, run.key)
    assert np.isnan(vectors[7]).all()
    assert np.allclose(vectors[39], vector_of("text 039"))
    assert job.embedded is not None
    assert not job.embedded.vectors.flags.writeable
    assert here.runs.job_of("ann", dataset.id, job.run_key) is job
    assert here.runs.job_of("bob", dataset.id, job.run_key) is None
    assert here.runs.jobs_of("ann", dataset.id) == [job]


def test_what_is_only_found_again_is_not_shown_as_less_than_was_here(here, make_reply_server):
    workspace = at(make_reply_server(ScriptedEndpoint()))
    dataset = here.store.put_dataset("ann", "mine", TEXTS, "pasted")
    job = EmbeddingJob("ann", workspace, dataset, ASKING, Progress(40, done=30, requests=8))
    run = Run(job.run_key, dataset.id, workspace.host, ASKING, RunState.RUNNING, datetime.now(UTC), 0, job.progress)
    reporter = Reporter(here.store, job, run, 60.0)
    reporter(Progress(40, done=4))
    assert (job.progress.done, job.progress.requests) == (30, 8)
    reporter(Progress(40, done=24, looked_up=True))  # some of the others are not here any more, and are asked for now
    assert (job.progress.done, job.progress.requests) == (24, 8)


def test_after_a_restart_it_goes_on_and_nothing_is_sent_twice(here, tmp_path, make_reply_server):
    endpoint = ScriptedEndpoint(lambda _, number: silent if number >= 6 else None)
    workspace = at(make_reply_server(endpoint))
    dataset = here.store.put_dataset("ann", "mine", TEXTS, "pasted")
    first = here.runs.begin("ann", workspace, dataset, ASKING)
    eventually(lambda: first.progress.done == 24 and endpoint.at_once == 2)
    again = Brickyard(tmp_path)  # as another process finds it
    [run] = again.store.list_runs("ann", dataset.id)
    assert run.state is RunState.RUNNING
    assert again.runs.job_of("ann", dataset.id, run.key) is None
    first.stop()
    assert first.wait(20)
    [run] = here.store.list_runs("ann", dataset.id)
    assert (run.state, run.progress.done) == (RunState.STOPPED, 24)
    assert np.isnan(here.store.get_vectors("ann", dataset.id, run.key)).any(axis=1).sum() == 16
    endpoint.instead = lambda *_: None
    sent = len(endpoint.texts)
    second = again.runs.begin("ann", workspace, dataset, run.asking)
    assert second.wait(20)
    assert len(endpoint.texts) == sent + 16
    assert second.progress.cached == 0  # all of it was asked for by this run
    assert second.progress.requests >= 6 + 4  # and those that were ended, as far as they had left
    assert second.progress.tokens == 40
    assert np.allclose(again.store.get_vectors("ann", dataset.id, run.key), [vector_of(text) for text in TEXTS.texts])


def test_a_run_that_is_stopped_loses_nothing_that_an_earlier_one_brought(here, make_reply_server):
    endpoint = ScriptedEndpoint()
    workspace = at(make_reply_server(endpoint))
    dataset = here.store.put_dataset("ann", "mine", TEXTS, "pasted")
    assert here.runs.begin("ann", workspace, dataset, ASKING).wait(20)
    endpoint.instead = lambda *_: silent
    without_cache = EmbeddingRuns(here.store, None)
    job = without_cache.begin("ann", workspace, dataset, ASKING)
    eventually(lambda: endpoint.at_once == 2)
    eventually(lambda: job.progress.done == 0)  # all are asked for again, and the first reply is not here
    without_cache.let_go(workspace)
    assert job.wait(20)
    assert not np.isnan(here.store.get_vectors("ann", dataset.id, job.run_key)).any()
    assert job.progress.done == 40


def test_figures_are_of_all_the_times_that_it_was_begun(here, make_reply_server):
    workspace = at(make_reply_server(ScriptedEndpoint()))
    dataset = here.store.put_dataset("ann", "mine", TEXTS, "pasted")
    for _ in range(2):
        assert here.runs.begin("ann", workspace, dataset, ASKING).wait(20)
        [run] = here.store.list_runs("ann", dataset.id)
        assert (run.progress.requests, run.progress.tokens, run.progress.cached) == (10, 40, 0)
    assert run.progress.seconds > 0
    other = here.store.put_dataset("ann", "the same texts", TEXTS, "pasted")
    free = here.runs.begin("ann", workspace, other, ASKING)
    assert free.wait(20)
    assert (free.progress.requests, free.progress.tokens, free.progress.cached) == (0, 0, 40)


def test_a_run_that_is_deleted_elsewhere_ends_and_never_comes_back(tmp_path, make_reply_server):
    here = Brickyard(tmp_path, kept_every=0.05)
    endpoint = ScriptedEndpoint(seconds=0.05)
    workspace = at(make_reply_server(endpoint))
    many = Texts(tuple(f"text {number}" for number in range(400)))
    asking = Asking("bge", batch=1, at_once=2)
    key = run_key(workspace.host, asking)
    for delete in (EmbeddingStore.delete_dataset, lambda *which: EmbeddingStore.delete_run(*which, key)):
        dataset = here.store.put_dataset("ann", "mine", many, "pasted")
        job = here.runs.begin("ann", workspace, dataset, asking)
        eventually(lambda job=job: job.progress.done > 2)
        delete(EmbeddingStore(tmp_path), "ann", dataset.id)
        assert job.wait(20)
        assert job.unwanted
        assert here.store.list_runs("ann", dataset.id) == []
        eventually(lambda: endpoint.at_once == 0)
        assert len(endpoint.asked) < 300


def test_a_run_that_ends_with_its_process_is_interrupted_and_not_failed(here, make_reply_server):
    endpoint = ScriptedEndpoint(lambda _, number: silent if number >= 3 else None)
    workspace = at(make_reply_server(endpoint))
    dataset = here.store.put_dataset("ann", "mine", TEXTS, "pasted")
    job = here.runs.begin("ann", workspace, dataset, ASKING)
    eventually(lambda: job.progress.done == 12)
    here.runs.end()
    [run] = here.store.list_runs("ann", dataset.id)
    assert not job.running
    assert (run.state, run.error, run.progress.done) == (RunState.RUNNING, None, 12)
    assert not under_way_elsewhere(run)


def test_what_another_process_is_at_is_not_begun_here(here, make_reply_server):
    endpoint = ScriptedEndpoint()
    workspace = at(make_reply_server(endpoint))
    dataset = here.store.put_dataset("ann", "mine", TEXTS, "pasted")
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=PIPE, text=True) as other:
        run = Run(
            run_key(workspace.host, ASKING), dataset.id, workspace.host, ASKING, RunState.RUNNING, datetime.now(UTC), 0,
            Progress(40, done=8), writer=mark_of(other.pid),
        )  # fmt: skip
        here.store.put_run("ann", run, None)
        assert under_way_elsewhere(here.store.list_runs("ann", dataset.id)[0])
        with pytest.raises(BadInput, match="Another process"):
            here.runs.begin("ann", workspace, dataset, ASKING)
        other.communicate("\n")
    assert not under_way_elsewhere(run)
    assert under_way_elsewhere(replace(run, writer="another machine/1/1", seen=time.time() - 5))
    assert not under_way_elsewhere(replace(run, writer="another machine/1/1", seen=time.time() - 50))
    assert here.runs.begin("ann", workspace, dataset, ASKING).wait(20)


def test_a_bug_is_loud_and_leaves_no_run_that_looks_as_if_it_were_under_way(here, make_reply_server, monkeypatch):
    loud = []
    monkeypatch.setattr(threading, "excepthook", loud.append)
    workspace = at(make_reply_server(ScriptedEndpoint()))
    dataset = here.store.put_dataset("ann", "mine", TEXTS, "pasted")
    shaped = replace(ASKING, transform=Transform("bursts", 1, ""))
    job = here.runs.begin("ann", workspace, dataset, shaped, hooks=lambda: 1 / 0)
    assert job.wait(20)
    [run] = here.store.list_runs("ann", dataset.id)
    assert run.state is RunState.FAILED
    assert "Brickyard itself failed" in run.error[0]
    eventually(lambda: loud)
    assert loud[0].exc_type is ZeroDivisionError


def test_who_waits_for_minutes_keeps_nobody_waiting(tmp_path, make_reply_server):
    here = Brickyard(tmp_path, leaves_place_after=0.0)
    server = make_reply_server(
        ScriptedEndpoint(lambda texts, _: refusal("Later.", 429, retry_after="60") if texts == ["wait"] else None)
    )
    workspace = at(server)
    for owner in ("ann", "bob"):
        waits = here.store.put_dataset(owner, "waits", Texts(("wait",)), "pasted")
        for number in range(2):
            slow = here.runs.begin(owner, workspace, waits, Asking(f"slow-{number}"))
            eventually(lambda slow=slow: slow.progress.note.startswith("Too many"))
    quick = here.store.put_dataset("eve", "quick", Texts(("quick",)), "pasted")
    assert here.runs.begin("eve", workspace, quick, ASKING).wait(20)
    here.runs.let_go(workspace)


def test_two_at_a_time_for_one_owner_and_others_have_their_turn(here, make_reply_server):
    endpoint = ScriptedEndpoint(lambda *_: silent)
    workspace = at(make_reply_server(endpoint))
    mine = here.store.put_dataset("ann", "mine", Texts(("a",)), "pasted")
    theirs = here.store.put_dataset("bob", "theirs", Texts(("b",)), "pasted")
    jobs = [here.runs.begin("ann", workspace, mine, Asking(f"bge-{number}")) for number in range(3)]
    other = here.runs.begin("bob", workspace, theirs, ASKING)
    eventually(lambda: len(endpoint.asked) == 3 and jobs[2].progress.note.startswith("Waits for its turn"))
    assert sorted(endpoint.texts) == ["a", "a", "b"]
    assert here.runs.jobs_of("ann", mine.id) == jobs[::-1]
    jobs[0].stop()
    eventually(lambda: len(endpoint.asked) == 4)
    here.runs.let_go(workspace)
    assert all(job.wait(20) for job in [*jobs, other])
    [run] = here.store.list_runs("bob", theirs.id)
    assert run.state is RunState.STOPPED


def test_what_is_discarded_keeps_nothing_and_a_lost_dataset_is_told(here, make_reply_server):
    endpoint = ScriptedEndpoint(lambda *_: silent)
    workspace = at(make_reply_server(endpoint))
    dataset = here.store.put_dataset("ann", "mine", TEXTS, "pasted")
    job = here.runs.begin("ann", workspace, dataset, ASKING)
    eventually(lambda: endpoint.asked)
    here.runs.discard("ann", dataset.id, job.run_key)
    here.store.delete_run("ann", dataset.id, job.run_key)
    assert job.wait(20)
    assert here.store.list_runs("ann", dataset.id) == []
    assert here.runs.jobs_of("ann", dataset.id) == []
    here.store.delete_dataset("ann", dataset.id)
    with pytest.raises(NotKept):
        here.runs.begin("ann", workspace, dataset, ASKING)
    assert here.runs.jobs_of("ann", dataset.id) == []
