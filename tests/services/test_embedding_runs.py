"""Embeddings in the background: begun once, resumed after a restart, bounded, stopped, kept."""

from pathlib import Path

import numpy as np
import pytest

from services.embeddings.asking.cache import VectorCache
from services.embeddings.asking.runs import EmbeddingRuns, run_key
from services.embeddings.datasets.store import EmbeddingStore, NotKept
from services.embeddings.records import Asking, RunState, Texts
from tests.local_workspaces import eventually
from tests.services.chats import at
from tests.services.embedding_endpoint import ScriptedEndpoint, refusal, vector_of
from tests.services.replies import silent

ASKING = Asking("bge", "v1", batch=4, at_once=2)
TEXTS = Texts(tuple(f"text {number:03d}" for number in range(40)))


class Brickyard:
    """What one process has of a folder."""

    def __init__(self, folder: Path) -> None:
        self.store = EmbeddingStore(folder)
        self.runs = EmbeddingRuns(self.store, VectorCache(folder))


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
    assert first.wait(2)
    [run] = here.store.list_runs("ann", dataset.id)
    assert (run.state, run.progress.done) == (RunState.STOPPED, 24)
    assert np.isnan(here.store.get_vectors("ann", dataset.id, run.key)).any(axis=1).sum() == 16
    endpoint.instead = lambda *_: None
    sent = len(endpoint.texts)
    second = again.runs.begin("ann", workspace, dataset, run.asking)
    assert second.wait(20)
    assert len(endpoint.texts) == sent + 16
    assert second.progress.cached == 24
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
    without_cache.let_go(workspace)
    assert job.wait(2)
    assert not np.isnan(here.store.get_vectors("ann", dataset.id, job.run_key)).any()
    assert job.progress.done == 40


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
    assert all(job.wait(2) for job in [*jobs, other])
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
    assert job.wait(2)
    assert here.store.list_runs("ann", dataset.id) == []
    assert here.runs.jobs_of("ann", dataset.id) == []
    here.store.delete_dataset("ann", dataset.id)
    with pytest.raises(NotKept):
        here.runs.begin("ann", workspace, dataset, ASKING)
    assert here.runs.jobs_of("ann", dataset.id) == []
