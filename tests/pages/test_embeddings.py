"""The Embeddings page: texts in, an endpoint's vectors, and what of it is still there later."""

import contextlib
import json
import time
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from services.doors import typed
from services.embeddings.asking import Cancel, EmbeddingJob, asking_for, vector_cache
from services.embeddings.asking.runs import embedding_runs, run_key
from services.embeddings.datasets.store import EmbeddingStore, embedding_store
from services.embeddings.files.sample import sample_texts
from services.embeddings.records import Asking, Embedded, Progress, Purpose, Run, RunState, Texts
from services.endpoints import get_endpoint
from services.visitors import THIS_MACHINE
from tests.local_workspaces import LocalWorkspace, eventually
from tests.pages.conftest import OpenPage
from ui.embeddings.asking import LOOK_SECONDS, MOST_OVER, _Queries, _Query
from ui.embeddings.running import how_far
from ui.embeddings.view import HeldTexts, Shown

MODEL = "local-minilm-l6-v2"
PATH = f"/serving-endpoints/{MODEL}/invocations"
CHAT = "local-smollm2-135m-instruct"


@pytest.fixture
def store(open_page: OpenPage) -> EmbeddingStore:
    return embedding_store()


def labelled(widgets, label: str):
    return next(one for one in widgets if one.label == label)


def press(page: AppTest, label: str) -> AppTest:
    labelled(page.button, label).click().run()
    assert not page.exception
    return page


def labels(page: AppTest) -> list[str]:
    return [one.label for one in page.button]


def said(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.error, page.warning, page.info)
    return "\n".join(one.value.replace("\\", "") for kind in kinds for one in kind)


def sent(workspace: LocalWorkspace) -> list[list[str]]:
    """The texts of each request, the oldest first."""
    return [json.loads(one.body)["input"] for one in workspace.requests() if one.path == PATH]


def pasted(page: AppTest, text: str, name: str = "") -> AppTest:
    if "Add texts" in labels(page):
        press(page, "Add texts")
    page.segmented_control(key="embeddings.source").set_value("Paste lines").run()
    page.text_area(key="embeddings.paste").set_value(text)
    page.text_input(key="embeddings.name").set_value(name)
    return press(page, "Use these texts")


def opened(page: AppTest) -> AppTest:
    """With the choice of texts and endpoint open, which folds where there are vectors to look at."""
    folded = "Embed with another model" in labels(page.run())  # anew: what was under way may have ended meanwhile
    return press(page, "Embed with another model") if folded else page


def embedded(page: AppTest, button: str = "Embed") -> AppTest:
    """Press it, and run the page as it runs by itself until nothing is under way."""
    press(page, button)
    return over(page)


def over(page: AppTest) -> AppTest:
    eventually(lambda: "Stop" not in labels(page.run()), 60)
    assert not page.exception
    return page


def address(page: AppTest) -> dict[str, str]:
    return {name: value[0] if isinstance(value, list) else value for name, value in page.query_params.items()}


def test_two_clicks_lead_from_an_empty_page_to_a_map_of_the_sample(
    open_page: OpenPage, local_workspace: LocalWorkspace
):
    page = press(open_page("embeddings"), "Use the sample")
    assert page.selectbox(key="embeddings.endpoint").value == MODEL
    assert sent(local_workspace) == []
    press(page, "Embed")
    eventually(lambda: "Stop" not in labels(page.run()) or "texts/s" in said(page), 60)
    if "Stop" in labels(page.run()):  # the model takes seconds for all of them: what has come is enough for this test
        press(page, "Stop")
    over(page)
    assert page.segmented_control(key="embeddings.stage").value == "Map"
    assert address(page).keys() >= {"dataset", "run", "stage"}
    texts = [text for request in sent(local_workspace) for text in request]
    assert len(texts) == len(set(texts))
    assert set(texts) <= set(sample_texts().texts)


def test_a_reload_finds_texts_and_vectors_and_a_second_time_nothing_is_sent(
    open_page: OpenPage, local_workspace: LocalWorkspace
):
    page = pasted(open_page("embeddings"), "one\n\ntwo\none\n", name="Three of *them*")
    assert "2 texts in 1 request · 1 repeated, sent once" in said(page)
    embedded(page)
    assert [sorted(request) for request in sent(local_workspace)] == [["one", "two"]]
    again = open_page(
        "embeddings", **address(page)
    )  # which is another visit: only the address and the disk are the same
    assert "384 dimensions" in said(again)
    assert "Embed" not in labels(again)  # folded: the map is what is to be seen
    local_workspace.clear()
    opened(again)
    assert "Nothing is left to send · 2 here already · 1 repeated, sent once" in said(again)
    assert labelled(again.button, "Embed").disabled
    again.button(key="embeddings.delete-run").click().run()
    again.button(key="embeddings.delete-run-sure").click().run()
    embedded(again.run())
    assert "384 dimensions" in said(again)
    assert sent(local_workspace) == []


def test_what_is_left_to_send_is_counted_also_of_many_texts_without_a_run(
    open_page: OpenPage, store: EmbeddingStore, local_workspace: LocalWorkspace
):
    texts = tuple(f"text number {number}" for number in range(2_100))
    dataset = store.put_dataset(THIS_MACHINE, "Many", Texts(texts + texts[:100]), "pasted")
    page = open_page("embeddings", dataset=dataset.id)
    assert "2,100 texts in 33 requests · 100 repeated, sent once" in said(page)
    with contextlib.closing(typed(local_workspace.host, local_workspace.token)) as workspace:
        asking = asking_for(get_endpoint(workspace, MODEL))
    known = dict.fromkeys(texts[:2_050], np.ones(3, np.float32))
    vector_cache().put_many(THIS_MACHINE, local_workspace.host, asking, Purpose.DOCUMENT, known)
    page = open_page("embeddings", dataset=store.put_dataset(THIS_MACHINE, "Again", Texts(texts), "pasted").id)
    assert "50 texts in 1 request · 2,050 here already" in said(page)


@pytest.mark.parametrize("text", ["", " \n\t\n"])
def test_no_text_is_told_and_what_is_typed_stays(text: str, open_page: OpenPage, store: EmbeddingStore):
    page = pasted(open_page("embeddings"), text, name="None")
    assert len(page.error) == 1
    assert "**Next:**" in page.error[0].value
    assert "your request" not in said(page)  # nobody requested anything
    assert page.text_input(key="embeddings.name").value == "None"
    assert store.list_datasets(THIS_MACHINE) == []


@pytest.mark.parametrize("text", ["alone", "one\ntwo"])
def test_one_and_two_texts_are_embedded_and_drawn(text: str, open_page: OpenPage):
    page = embedded(pasted(open_page("embeddings"), text))
    assert "384 dimensions" in said(page)
    for stage in ("Neighbours", "Health", "Compare", "Retrieval", "Map"):
        page.segmented_control(key="embeddings.stage").set_value(stage).run()
        assert not page.exception, stage
        assert address(page)["stage"] == stage.lower()


def test_an_embedding_that_the_endpoint_ends_is_told_and_resume_sends_the_rest_only(
    open_page: OpenPage, local_workspace: LocalWorkspace
):
    texts = [f"text number {number}" for number in range(10)]
    page = pasted(open_page("embeddings"), "\n".join(texts))
    page.number_input(key=f"embeddings.{MODEL}.batch").set_value(1)
    page.number_input(key=f"embeddings.{MODEL}.at_once").set_value(1).run()
    assert "10 texts in 10 requests" in said(page)
    press(page, "Embed")
    over(page)
    page = pasted(page, "\n".join([*texts, "new one", "new two"]), name="More")
    local_workspace.clear()
    local_workspace.queue_fault("return-403", PATH)
    embedded(page)
    assert "ended before its end. 10 of 12 are here; Resume sends the rest. " in said(page)
    assert "**Next:**" in said(page)
    assert "384 dimensions" in said(page)
    local_workspace.clear()
    embedded(page, "Resume")
    assert sorted(sent(local_workspace)) == [["new one"], ["new two"]]
    assert "Resume" not in labels(page)


def test_stop_keeps_what_came_and_the_rest_of_the_page_stays(open_page: OpenPage, local_workspace: LocalWorkspace):
    page = embedded(pasted(open_page("embeddings"), "first\nsecond", name="Short"))
    first = address(page)
    pasted(page, "\n".join(f"text number {number}" for number in range(40)), name="Long")
    page.number_input(key=f"embeddings.{MODEL}.batch").set_value(1)
    page.number_input(key=f"embeddings.{MODEL}.at_once").set_value(1).run()
    local_workspace.queue_fault("stall-20s", PATH)
    press(page, "Embed")
    assert "Stop" in labels(page)
    away = open_page("embeddings", dataset=first["dataset"])
    assert "384 dimensions" in said(away)  # what is under way elsewhere does not stand in the way
    local_workspace.clear_faults()
    back = open_page("embeddings", dataset=address(page)["dataset"])
    assert "Stop" in labels(back)  # found again after a reload
    press(back, "Stop")
    over(back)
    assert "was stopped. 0 of 40 are here; Resume sends the rest." in said(back)
    press(back, "Discard")
    assert "Resume" not in labels(back)


def test_what_brought_nothing_is_one_line_that_can_be_dismissed(open_page: OpenPage, local_workspace: LocalWorkspace):
    page = embedded(pasted(open_page("embeddings"), "one"))
    opened(page).number_input(key=f"embeddings.{MODEL}.dimensions").set_value(128).run()
    embedded(page)
    assert "128 dimensions` gave no vector. " in said(page)
    assert "Resume" not in labels(page)
    assert "names is not here" not in said(page)
    press(page, "Dismiss")
    assert "gave no vector" not in said(page)
    assert "384 dimensions" in said(page)


def test_a_run_that_is_deleted_while_it_is_under_way_does_not_come_back(
    open_page: OpenPage, store: EmbeddingStore, local_workspace: LocalWorkspace
):
    run = run_of(store, local_workspace.host, Asking(MODEL, batch=1), RunState.STOPPED)
    store.put_run(THIS_MACHINE, run, np.array([[1] * 384, [np.nan] * 384], np.float32))
    page = open_page("embeddings", dataset=run.dataset)
    local_workspace.queue_fault("stall-20s", PATH)
    press(page, "Resume")
    [job] = embedding_runs().jobs_of(THIS_MACHINE, run.dataset)
    page.button(key="embeddings.delete-run").click().run()
    page.button(key="embeddings.delete-run-sure").click().run()
    local_workspace.clear_faults()
    assert job.wait(20)
    assert store.list_runs(THIS_MACHINE, run.dataset) == []


def test_a_double_click_embeds_once(open_page: OpenPage, local_workspace: LocalWorkspace):
    page = pasted(open_page("embeddings"), "one\ntwo")
    button = labelled(page.button, "Embed")
    button.click().run()
    button.click().run()  # the browser sends the same button again, before it has the new page
    over(page)
    assert len(sent(local_workspace)) == 1


def test_addresses_that_name_what_is_not_there_are_told(open_page: OpenPage, store: EmbeddingStore):
    foreign = store.put_dataset("somebody else", "Theirs", Texts(("a secret text",)), "pasted")
    page = open_page("embeddings", dataset=foreign.id)
    assert "somebody else's" in page.warning[0].value
    assert "Theirs" not in str(page.main)
    own = store.put_dataset(THIS_MACHINE, "Mine", Texts(("a text",)), "pasted")
    page = open_page("embeddings", dataset=foreign.id)
    assert "somebody else's" in page.warning[0].value
    assert "Embed" not in labels(page)
    page.selectbox(key="embeddings.dataset").set_value("Mine").run()
    assert address(page)["dataset"] == own.id
    page = open_page("embeddings", dataset=own.id, endpoint=CHAT)
    assert "is for `llm/v1/chat`, not for embeddings" in said(page)
    assert "Embed" not in labels(page)
    page = open_page("embeddings", dataset=own.id, endpoint="nobody")
    assert "lists no endpoint `nobody`" in said(page)
    page = open_page("embeddings", dataset=own.id, run="0123456789abcdef", stage="nonsense")
    assert not page.exception


def test_parameters_that_are_no_object_are_told_at_once_and_nothing_is_sent(
    open_page: OpenPage, local_workspace: LocalWorkspace
):
    page = pasted(open_page("embeddings"), "one")
    page.text_area(key=f"embeddings.{MODEL}.document_params").set_value("[1]").run()
    assert "not an object" in said(page)
    press(page, "Embed")
    assert "not an object" in said(page)
    assert sent(local_workspace) == []
    page.text_area(key=f"embeddings.{MODEL}.document_params").set_value('{"user": "me"}').run()
    embedded(page)
    assert json.loads(local_workspace.last_request(PATH).body)["user"] == "me"


def test_a_file_s_columns_are_chosen_and_one_that_is_not_what_it_says_is_told(
    open_page: OpenPage, store: EmbeddingStore
):
    page = open_page("embeddings")
    page.segmented_control(key="embeddings.source").set_value("File").run()
    page.file_uploader(key="embeddings.file-0").set_value(("a.parquet", b"text\nno parquet\n", "")).run()
    assert len(page.error) == 1
    assert "Use these texts" not in labels(page)
    content = "nr,text,topic\n1,the first text,a\n2,둘째,b\n".encode()
    page.file_uploader(key="embeddings.file-0").set_value(("b.csv", content, "text/csv")).run()
    assert labelled(page.selectbox, "Column of the texts").value is not None
    assert labelled(page.selectbox, "Column of labels").value == "2"  # called topic
    assert labelled(page.selectbox, "Column of ids").value == "0"  # called nr
    press(page, "Use these texts")
    [kept] = store.list_datasets(THIS_MACHINE)
    assert (kept.name, kept.source, kept.labelled) == ("b.csv", "b.csv, column text", True)
    expected = Texts(("the first text", "둘째"), ("a", "b"), ("1", "2"))
    assert store.get_texts(THIS_MACHINE, kept.id) == expected


def test_a_name_belongs_to_the_source_it_was_typed_for_and_lines_are_counted_as_they_are_kept(
    open_page: OpenPage, store: EmbeddingStore
):
    page = open_page("embeddings")
    page.segmented_control(key="embeddings.source").set_value("Paste lines").run()
    page.text_area(key="embeddings.paste").set_value("one\u2028still one\ntwo\vstill two").run()
    page.text_input(key="embeddings.name").set_value("Mine").run()
    assert "2 texts; blank lines are left out" in said(page)
    page.segmented_control(key="embeddings.source").set_value("File").run()
    page.file_uploader(key="embeddings.file-0").set_value(("a.csv", b"text\nfirst\n", "")).run()
    assert page.text_input(key="embeddings.name").value == ""
    page.segmented_control(key="embeddings.source").set_value("Paste lines").run()
    assert page.text_input(key="embeddings.name").value == "Mine"
    press(page, "Use these texts")
    assert [(one.name, one.count) for one in store.list_datasets(THIS_MACHINE)] == [("Mine", 2)]


def test_texts_in_memory_are_bound_by_their_size_and_by_the_time_they_lie_idle():
    texts = HeldTexts(most_bytes=1_000)
    for name in "abc":
        texts.put("me", name, Texts(("x" * 400,)))
    assert [name for name in "abc" if texts.get("me", name)] == ["b", "c"]
    assert texts.get("somebody else", "c") is None
    texts.put("me", "large", Texts(("x" * 5_000,)))
    assert [name for name in ("b", "c", "large") if texts.get("me", name)] == ["large"]
    texts = HeldTexts(idle_seconds=-1)
    texts.put("me", "a", Texts(("one",)))
    texts.put("me", "b", Texts(("two",)))
    assert texts.get("me", "a") is None


def test_texts_are_renamed_and_deleted_with_their_vectors(open_page: OpenPage, store: EmbeddingStore, tmp_path: Path):
    page = opened(embedded(pasted(open_page("embeddings"), "one\ntwo", name="Before")))
    labelled(page.text_input, "Name").set_value("  ").run()
    press(page, "Rename")
    assert len(page.error) == 1
    labelled(page.text_input, "Name").set_value("After").run()
    press(page, "Rename")
    [after] = store.list_datasets(THIS_MACHINE)
    assert after.name == "After"
    choice = page.selectbox(key="embeddings.dataset")
    assert choice.options == ["After"]
    choice.options.append("Before")  # a browser that has not seen the new name yet goes on sending the old one
    choice.set_value("Before").run()
    assert not page.warning
    assert address(page)["dataset"] == after.id
    assert page.selectbox(key="embeddings.dataset").value == after.id
    press(page, ":red[Delete these texts]")
    press(page, "Keep them")
    assert store.list_datasets(THIS_MACHINE)
    press(page, ":red[Delete these texts]")
    page.button(key="embeddings.delete-sure").click().run()
    page.run()
    assert store.list_datasets(THIS_MACHINE) == []
    assert "Embed" not in labels(page)
    assert "Use these texts" in labels(page)
    assert "dataset" not in address(page)


def run_of(store: EmbeddingStore, host: str, asking: Asking, state: RunState) -> Run:
    """A run of a new dataset of two texts, of which one is here."""
    dataset = store.put_dataset(THIS_MACHINE, "Two", Texts(("one", "two")), "pasted")
    progress = Progress(texts=2, done=1)
    run = Run(run_key(host, asking), dataset.id, host, asking, state, datetime.now(UTC), 0, progress)
    store.put_run(THIS_MACHINE, run, None)
    return run


def test_what_was_interrupted_with_its_process_is_resumed_where_it_was_begun(
    open_page: OpenPage, store: EmbeddingStore, local_workspace: LocalWorkspace
):
    elsewhere = run_of(store, "https://elsewhere.example.com", Asking(MODEL), RunState.RUNNING)
    page = open_page("embeddings", dataset=elsewhere.dataset)
    assert "connect there to resume it" in said(page)
    assert labelled(page.button, "Resume").disabled
    run = run_of(store, local_workspace.host, Asking(MODEL, batch=1), RunState.RUNNING)
    page = open_page("embeddings", dataset=run.dataset)
    assert "was interrupted. 1 of 2 are here; Resume sends the rest." in said(page)
    embedded(page, "Resume")
    assert sorted(sent(local_workspace)) == [["one"], ["two"]]
    assert [one.state for one in store.list_runs(THIS_MACHINE, run.dataset)] == [RunState.COMPLETE]


def ask_queries(dataset_id: str, host: str) -> None:
    """A page that asks for the vectors of two queries, as a view does."""
    from dataclasses import replace

    import numpy as np
    import streamlit as st

    from services.embeddings.datasets.store import embedding_store
    from ui.connecting import workspace
    from ui.embeddings.asking import embed_queries
    from ui.embeddings.view import Shown
    from ui.errors import showing_errors
    from ui.session import owner

    store, whose = embedding_store(), owner()
    dataset = next(one for one in store.list_datasets(whose) if one.id == dataset_id)
    run = replace(store.list_runs(whose, dataset_id)[0], host=host)
    with showing_errors():
        shown = Shown(workspace(), whose, dataset, store.get_texts(whose, dataset_id), run, np.zeros((2, 384)), (run,))
        st.text(str(embed_queries(shown, ["which?", "what?"]).shape))


def test_queries_are_asked_for_as_queries_once_and_in_the_runs_workspace_only(
    open_page: OpenPage, store: EmbeddingStore, local_workspace: LocalWorkspace
):
    asking = Asking(MODEL, query_params={"user": "searcher"}, document_params={"user": "librarian"})
    run = run_of(store, local_workspace.host, asking, RunState.COMPLETE)
    page = AppTest.from_function(ask_queries, args=(run.dataset, local_workspace.host), default_timeout=60).run()
    page.run()
    assert [one.value for one in page.text] == ["(2, 384)"]
    [request] = [one for one in local_workspace.requests() if one.path == PATH]
    assert request.json == {"user": "searcher", "input": ["what?", "which?"]}
    local_workspace.clear()
    page = AppTest.from_function(ask_queries, args=(run.dataset, "https://elsewhere.example.com"), default_timeout=60)
    assert "elsewhere" in page.run().error[0].value
    assert sent(local_workspace) == []


def ask_while_clicked(dataset_id: str, host: str) -> None:
    """The same, and one click elsewhere while the query is under way."""
    import threading

    from streamlit.runtime.scriptrunner import get_script_run_ctx
    from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

    from tests.pages.test_embeddings import ask_queries
    from ui.session import entered, reseed

    context, runs = get_script_run_ctx(), int(entered("runs") or 0) + 1
    reseed("runs", runs)
    if runs == 1:
        threading.Timer(1.0, lambda: context.script_requests.request_rerun(RerunData())).start()
    ask_queries(dataset_id, host)


def test_a_click_while_a_query_is_under_way_neither_loses_it_nor_sends_it_twice(
    open_page: OpenPage, store: EmbeddingStore, local_workspace: LocalWorkspace
):
    run = run_of(store, local_workspace.host, Asking(MODEL), RunState.COMPLETE)
    local_workspace.queue_fault("return-403-after-2s", PATH)
    page = AppTest.from_function(ask_while_clicked, args=(run.dataset, local_workspace.host), default_timeout=60).run()
    assert page.session_state["runs"] == 2
    assert len(page.error) == 1
    assert len([one for one in local_workspace.requests() if one.path == PATH]) == 1


def search_in_broken_vectors(dataset_id: str, host: str) -> None:
    """The search of a map whose vectors nothing can be compared with: what comes of the query meets a bug."""
    from dataclasses import replace

    import numpy as np
    import streamlit as st

    from services.embeddings.datasets.store import embedding_store
    from services.embeddings.records import Algorithm
    from ui.connecting import workspace
    from ui.embeddings.asking import _Queries
    from ui.embeddings.map.searching import draw_search
    from ui.embeddings.map.state import known_map, new_map
    from ui.embeddings.view import Shown
    from ui.session import kept, owner

    store, whose = embedding_store(), owner()
    dataset = next(one for one in store.list_datasets(whose) if one.id == dataset_id)
    run, texts = replace(store.list_runs(whose, dataset_id)[0], host=host), store.get_texts(whose, dataset_id)
    shown = Shown(workspace(), whose, dataset, texts, run, np.zeros((2, 384, 1), dtype=np.float32), (run,))
    state = known_map(shown)
    if state is None:
        state = new_map(shown, Algorithm.PCA, 2)
        state.asks = "which?"
    try:
        draw_search(shown, state)
    finally:
        st.text(f"begun: {kept(_Queries).begun}")


def test_a_bug_in_a_search_is_shown_once_and_the_query_is_not_begun_again_with_each_look(
    open_page: OpenPage, store: EmbeddingStore, local_workspace: LocalWorkspace
):
    run = run_of(store, local_workspace.host, Asking(MODEL), RunState.COMPLETE)
    page = AppTest.from_function(search_in_broken_vectors, args=(run.dataset, local_workspace.host), default_timeout=60)
    eventually(lambda: page.run().exception)
    page.run()
    assert not page.exception
    assert [one.value for one in page.text] == ["begun: 1"]


def test_a_query_is_waited_for_while_it_is_young_and_few_that_are_over_are_held(
    open_page: OpenPage, store: EmbeddingStore, local_workspace: LocalWorkspace
):
    run = run_of(store, local_workspace.host, Asking(MODEL), RunState.COMPLETE)
    [dataset], vectors = store.list_datasets(THIS_MACHINE), np.zeros((2, 384), dtype=np.float32)
    with contextlib.closing(typed(local_workspace.host, local_workspace.token)) as here:
        shown = Shown(here, THIS_MACHINE, dataset, Texts(("one", "two")), run, vectors, (run,))
        waits, queries = _Query(0, here, Cancel(), Future()), _Queries()
        queries.under_way["", "", ("waits",)] = waits
        began = time.monotonic()
        for _ in range(20):
            waits.wait_while_young()
        assert LOOK_SECONDS * 0.9 < time.monotonic() - began < 10 * LOOK_SECONDS
        for number in range(MOST_OVER + 3):
            queries.begin(("", "", (str(number),)), shown, [""]).embedded.result(20)  # which needs no request
    held = [asked[2][0] for asked in queries.under_way]
    assert held == ["waits", *(str(number) for number in range(2, MOST_OVER + 3))]


def test_what_is_here_is_written_to_the_disk_when_it_all_came_and_not_before(
    store: EmbeddingStore, local_workspace: LocalWorkspace
):
    dataset = store.put_dataset(THIS_MACHINE, "Two", Texts(("one", "two")), "pasted")
    all_of_it = Progress(2, done=2, left_seconds=0.0)
    with contextlib.closing(typed(local_workspace.host, local_workspace.token)) as here:
        job = EmbeddingJob(THIS_MACHINE, here, dataset, Asking(MODEL), all_of_it)
    assert how_far(job) == "2 of 2 texts"
    job.progress = Progress(2, looked_up=True)
    assert how_far(job) == "0 of 2 texts · waits for the first reply, of up to 64 texts"
    job.embedded = Embedded(np.zeros((2, 3), dtype=np.float32), (), all_of_it, stopped=False)
    job.progress = all_of_it
    assert how_far(job) == "2 of 2 texts · being written to the disk"


def test_a_custom_model_is_asked_by_its_column(open_page: OpenPage, local_workspace: LocalWorkspace):
    local_workspace.queue_fault(
        "return-403", "/api/2.0/serving-endpoints/local-prompt-model/openapi"
    )  # it may take 30 s
    page = pasted(open_page("embeddings", endpoint="local-prompt-model"), "one")
    eventually(lambda: any(one.label == "Body" for one in page.run().selectbox), 20)
    assert "could not be read, so this is a guess" in said(page)
    assert "Read its schema again" in labels(page)
    column = page.text_input(key="embeddings.local-prompt-model.column")
    assert column.value == "text"
    column.set_value("").run()
    assert "needs the name of the model's column" in said(page)
    press(page, "Embed")
    assert "needs the name of the model's column" in said(page)
    assert not [one for one in local_workspace.requests() if one.path.endswith("/invocations")]
