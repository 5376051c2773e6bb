"""Neighbours, health, comparison and retrieval on the Embeddings page: hand-made vectors whose answers are known."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from services.doors import typed
from services.embeddings.asking.embedding import embed_texts
from services.embeddings.asking.runs import embedding_runs, run_key
from services.embeddings.datasets.store import embedding_store
from services.embeddings.files.queries import look_through_queries
from services.embeddings.files.sample import sample_texts
from services.embeddings.files.sample_queries import COUNT, sample_queries
from services.embeddings.records import Asking, Dataset, Floats, Progress, Run, RunState, Texts
from services.errors import BadInput
from services.visitors import THIS_MACHINE
from tests.local_workspaces import LocalWorkspace
from tests.pages.conftest import ROOT, OpenPage
from ui.embeddings.bounded import Bounded
from ui.embeddings.neighbours import nearest as nearest_texts
from ui.embeddings.other_runs import another_is_coming, names_of_runs
from ui.embeddings.retrieval.state import Check
from ui.embeddings.tables import cut, to_csv
from ui.embeddings.view import Shown

MODEL = "local-minilm-l6-v2"
PATH = f"/serving-endpoints/{MODEL}/invocations"
HOSTILE = "<b>*dog*</b> :red[x] $y$"
TEXTS = Texts(
    ("cat", "kitten", HOSTILE, "car", "truck", "bicycle", "a gap", "nothing"),
    ("animal", "animal", "animal", "vehicle", "vehicle", "vehicle", "", ""),
    ("c1", "c2", "c3", "v1", "v2", "v3", "x1", "x2"),
)
_GAP, _ZERO = [np.nan] * 3, [0.0] * 3
A = [[1, 0, 0], [0.96, 0.28, 0], [0.8, 0.6, 0], [0, 0, 1], [0, 0.28, 0.96], [0, 0.6, 0.8], _GAP, _ZERO]
"""Lengths are 1. Nearest to the cat: the kitten (0.96), then the dog (0.8)."""
B = [[2, 0], [0, 2], [0, 1], [2.2, 0.1], [2, 0.3], [0.1, 3], [1, 1], [1, -1]]
"""Another model: the cat is near the car and the truck."""


def put_texts(texts: Texts = TEXTS) -> Dataset:
    return embedding_store().put_dataset(THIS_MACHINE, "hand-made", texts, "pasted")


def put_vectors(
    dataset: Dataset,
    host: str,
    name: str,
    rows: Sequence[Sequence[float]] | Floats,
    *,
    asking: Asking | None = None,
    **told,
) -> Run:
    vectors = np.asarray(rows, dtype=np.float32)
    asking = asking or Asking(name)
    progress = Progress(len(vectors), done=len(vectors), **told)
    now, key = datetime.now(UTC), run_key(host, asking)
    failures = ((6, "The text is *too* long.", "Shorten it."),)
    run = Run(key, dataset.id, host, asking, RunState.COMPLETE, now, vectors.shape[1], progress, failures)
    embedding_store().put_run(THIS_MACHINE, run, vectors)
    return run


@pytest.fixture
def host(open_page: OpenPage, local_workspace: LocalWorkspace) -> str:
    """Of the workspace that the page is connected to; the store is the test's own from here on."""
    return local_workspace.host


@pytest.fixture
def two_runs(host: str) -> dict[str, str]:
    """The address of a dataset that two models have seen; A is shown."""
    dataset = put_texts()
    put_vectors(dataset, host, "model b", B, requests=2, seconds=4.0, cached=8)
    run = put_vectors(dataset, host, MODEL, A, requests=1, seconds=2.0, tokens=30)
    return {"dataset": dataset.id, "run": run.key}


@pytest.fixture
def real_run(host: str, local_workspace: LocalWorkspace) -> dict[str, str]:
    """The address of three texts and what the real model made of them."""
    texts = Texts(
        ("A refund takes five days.", "Water the tomatoes in the evening.", "The telescope has a new mirror.")
    )
    dataset, asking = put_texts(texts), Asking(MODEL)
    with contextlib.closing(typed(local_workspace.host, local_workspace.token)) as workspace:
        vectors = embed_texts(workspace, asking, texts.texts).vectors
    run = put_vectors(dataset, host, MODEL, vectors, asking=asking)
    local_workspace.clear()
    return {"dataset": dataset.id, "run": run.key}


def table(page: AppTest, column: str) -> dict[str, list]:
    """The first table that has that column."""
    frame = next(one.value for one in page.dataframe if column in one.value.columns)
    return {name: frame[name].tolist() for name in frame.columns}


def said(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.error, page.warning, page.info, page.header)
    return "\n".join(one.value.replace("\\", "") for kind in kinds for one in kind)


def press(page: AppTest, label: str) -> AppTest:
    next(one for one in page.button if one.label == label).click().run()
    assert not page.exception
    return page


def part(page: AppTest, name: str) -> AppTest:
    page.segmented_control(key="embeddings.neighbours.part").set_value(name).run()
    assert not page.exception
    return page


def sent(workspace: LocalWorkspace) -> list[object]:
    return [json.loads(one.body)["input"] for one in workspace.requests() if one.path == PATH]


def test_neighbours_of_a_text_stand_beside_those_of_another_model(open_page: OpenPage, two_runs: dict[str, str]):
    page = open_page("embeddings", stage="neighbours", **two_runs)
    assert page.selectbox(key="embeddings.neighbours.text").value == 0
    page.slider(key="embeddings.neighbours.many").set_value(2).run()
    found = table(page, "Rank in model b")
    assert found["Text"] == ["kitten", HOSTILE, "car", "truck"]
    assert found["Rank"][:2] == [1, 2]
    assert found["Similarity"][:2] == pytest.approx([0.96, 0.8])
    assert found["Rank in model b"][2:] == [1, 2]
    assert found["Found by"] == ["only here", "only here", "model b", "model b"]
    assert found["Label"] == ["animal", "animal", "vehicle", "vehicle"]
    assert "0 of these 2 are among the 2 nearest in model b too" in said(page)
    page.text_input(key="embeddings.neighbours.search").set_value("TRUCK").run()
    assert page.selectbox(key="embeddings.neighbours.text").value == 4
    page.text_input(key="embeddings.neighbours.search").set_value("c3").run()  # an id
    assert page.selectbox(key="embeddings.neighbours.text").value == 2
    page.text_input(key="embeddings.neighbours.search").set_value("zebra").run()
    assert "No text has “zebra” in it." in said(page)
    assert page.selectbox(key="embeddings.neighbours.text").value == 2
    page.text_input(key="embeddings.neighbours.search").set_value("a gap").run()
    assert "This text has no vector that can be compared." in said(page)
    again = open_page("embeddings", stage="neighbours", **two_runs)
    assert not again.exception


def test_a_query_is_embedded_once_whatever_is_drawn_again_and_an_error_sends_nothing_by_itself(
    open_page: OpenPage, real_run: dict[str, str], local_workspace: LocalWorkspace
):
    page = open_page("embeddings", stage="neighbours", **real_run)
    local_workspace.clear()
    page.segmented_control(key="embeddings.neighbours.subject").set_value("A new query").run()
    assert f"Enter embeds it, as a query, through {MODEL}: one request each." in said(page)
    assert sent(local_workspace) == []
    query = page.text_input(key="embeddings.neighbours.query")
    query.set_value("when do I get my money back?").run()
    assert table(page, "Rank")["Text"][0] == "A refund takes five days."
    page.slider(key="embeddings.neighbours.many").set_value(3).run()
    page.run()
    assert sent(local_workspace) == [["when do I get my money back?"]]
    local_workspace.clear()
    local_workspace.queue_fault("return-403", PATH)
    page.text_input(key="embeddings.neighbours.query").set_value("stars at night").run()
    assert len(page.error) == 1
    assert "**Next:**" in page.error[0].value
    page.run()
    assert len(sent(local_workspace)) == 1
    assert page.text_input(key="embeddings.neighbours.query").value == "stars at night"
    press(page, "Ask again")  # at once
    assert not page.error
    assert len(table(page, "Rank")["Text"]) == 3
    assert len(sent(local_workspace)) == 2
    page.text_input(key="embeddings.neighbours.query").set_value("   ").run()
    assert not page.error
    assert len(sent(local_workspace)) == 2


def test_the_matrix_has_a_table_twin_and_more_than_a_hundred_texts_get_their_nearest(open_page: OpenPage, host: str):
    angles = np.linspace(0, np.pi / 2, 130)
    texts = Texts(tuple(f"text {number}" for number in range(130)), ("all",) * 129 + ("one",))
    dataset = put_texts(texts)
    run = put_vectors(dataset, host, MODEL, np.stack([np.cos(angles), np.sin(angles)], axis=1))
    page = part(open_page("embeddings", stage="neighbours", dataset=dataset.id, run=run.key), "Similarity matrix")
    page.slider(key="embeddings.neighbours.matrix.many").set_value(3).run()
    rows = table(page, "#3")
    assert rows["Text"] == ["text 0", "text 1", "text 2"]
    assert rows["#1"] == pytest.approx(np.cos(angles[:3]), abs=1e-5)
    choice = page.segmented_control(key="embeddings.neighbours.matrix.choice")
    choice.set_value("Texts with a word").run()
    assert "nothing to compare" in said(page)
    page.text_input(key="embeddings.neighbours.matrix.word").set_value("text 12").run()
    assert len(table(page, "#13")["Text"]) == 11
    page.segmented_control(key="embeddings.neighbours.matrix.choice").set_value("A label").run()
    near = table(page, "Nearest")
    assert near["Text"][:2] == ["text 0", "text 0"]
    assert near["Nearest"][:2] == ["text 1", "text 2"]
    assert "129 texts are too many for a picture" in said(page)
    page.selectbox(key="embeddings.neighbours.matrix.label").set_value("one").run()
    assert "nothing to compare" in said(page)
    assert not page.exception


def test_near_duplicates_follow_the_slider_and_outliers_stand_alone(open_page: OpenPage, two_runs: dict[str, str]):
    page = part(open_page("embeddings", stage="neighbours", **two_runs), "Near-duplicates")
    pairs = table(page, "Like")
    assert {frozenset(pair) for pair in zip(pairs["Text"], pairs["Like"], strict=True)} == {
        frozenset({"cat", "kitten"}),
        frozenset({"car", "truck"}),
    }
    page.slider(key="embeddings.neighbours.least").set_value(1.0).run()
    assert "No two texts are 1.00 similar or more. The two most alike: 0.960." in said(page)
    press(page, "Show pairs from 0.96")
    assert len(table(page, "Like")["Text"]) == 2
    assert table(part(page, "Outliers"), "Similarity to its nearest")["Text"]


def test_health_says_what_is_wrong_with_which_text(open_page: OpenPage, two_runs: dict[str, str]):
    page = open_page("embeddings", stage="health", **two_runs)
    assert "1 text has no vector and 1 text has a vector of zeros only" in said(page)
    assert "Every vector has length 1" in said(page)
    assert "No two texts have exactly the same vector." in said(page)
    found = table(page, "What happened")
    rows = dict(zip(found["Text"], found["What happened"], strict=True))
    assert rows["nothing"] == "All zeros."
    assert rows["a gap"] == "The text is *too* long."
    assert {one.label: one.value for one in page.metric}["Usable vectors"] == "6"
    assert "half of all pairs between 0.00 and 0.87, 1 in 20 above 0.96" in said(page)


def test_health_does_not_guess_at_reasons_that_were_not_kept(open_page: OpenPage, host: str):
    dataset = put_texts()
    run = put_vectors(dataset, host, MODEL, [*A[:5], _GAP, _GAP, _GAP], failed=3)
    page = open_page("embeddings", stage="health", dataset=dataset.id, run=run.key)
    told = next(one.value for one in page.dataframe if {"#", "What happened"} <= set(one.value.columns))[
        "What happened"
    ]
    not_kept = "Its reason was not kept; those of 1 others were."
    assert list(told) == [not_kept, "The text is *too* long.", not_kept]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([[np.nan, np.nan]], "1 text has no vector"),
        ([[3, 4]], "Every vector has length 5.000, not 1."),
        ([[1, 0], [1, 0], [1, 0]], "They are all equal"),
    ],
)
def test_few_or_broken_or_equal_vectors_are_a_sentence_in_every_view(
    rows: list[list[float]], told: str, open_page: OpenPage, host: str
):
    dataset = put_texts(Texts(tuple(f"text {number}" for number in range(len(rows)))))
    run = put_vectors(dataset, host, MODEL, rows)
    put_vectors(dataset, host, "model b", rows)
    page = open_page("embeddings", stage="health", dataset=dataset.id, run=run.key)
    assert told in said(page)
    for stage in ("Compare", "Retrieval", "Neighbours"):
        page.segmented_control(key="embeddings.stage").set_value(stage).run()
        assert not page.exception, stage
        assert not page.error, stage
    for name in ("Similarity matrix", "Near-duplicates", "Outliers"):
        part(page, name)


def test_two_models_are_compared_in_words_and_a_mover_is_shown_side_by_side(
    open_page: OpenPage, two_runs: dict[str, str]
):
    page = open_page("embeddings", stage="compare", **two_runs)
    page.slider(key="embeddings.compare.k").set_value(2).run()
    assert not page.exception
    assert "Of a text's 2 nearest, **0.7 are the same** in both" in said(page)
    movers = table(page, "Same of 2")
    assert movers["Same of 2"] == sorted(movers["Same of 2"])
    cat = movers["Text"].index("cat")
    assert movers["Same of 2"][cat] == 0
    assert movers[f"Nearest only in {MODEL}"][cat] == "kitten"
    assert movers["Nearest only in model b"][cat] == "car"
    separation = table(page, "Neighbours with the same label")
    assert separation["Neighbours with the same label"][0] == pytest.approx(1.0)
    assert separation["Neighbours with the same label"][1] < 0.6
    costs = table(page, "model b")
    spent = dict(zip(costs[""], zip(costs[MODEL], costs["model b"], strict=True), strict=True))
    assert spent["Texts a second"] == ("4", "not measured")
    assert spent["From the cache"] == ("0", "all")
    assert spent["Dimensions"] == ("3", "2")


def test_equal_vectors_of_runs_with_other_parameters_are_called_equal_and_by_their_parameters(
    open_page: OpenPage, real_run: dict[str, str], host: str, local_workspace: LocalWorkspace
):
    dataset, run = embedding_store().list_datasets(THIS_MACHINE)[0], real_run["run"]
    vectors = embedding_store().get_vectors(THIS_MACHINE, dataset.id, run)
    put_vectors(dataset, host, MODEL, vectors, asking=Asking(MODEL, document_params={"user": "b"}))
    page = open_page("embeddings", stage="compare", **real_run)
    assert page.selectbox(key="embeddings.compare.other").options == [f"{MODEL}, user=b"]
    assert "nearest are the same** in both, for every text looked at" in said(page)
    page.segmented_control(key="embeddings.stage").set_value("Retrieval").run()
    page.text_area(key="embeddings.retrieval.typed").set_value("money back?\t1\nvegetables?\t2").run()
    press(page, "Check")
    assert f"{MODEL}, user=b find every answer in the same place, over 2 queries." in said(page)


def test_a_new_run_takes_no_older_ones_name():
    def made(key: str, minute: int, version: str = "") -> Run:
        at = datetime(2026, 1, 2, 3, minute, tzinfo=UTC)
        asking = Asking("m", version, document_params={"user": "b"}, dimensions=4)
        return Run(key, "d", "h", asking, RunState.COMPLETE, at, 4, Progress(1))

    old, new, newest = made("1", 4), made("2", 5), made("3", 5, "2")
    assert names_of_runs([old]) == {"1": "m, 4 dimensions, user=b"}
    names = names_of_runs([newest, new, old])
    assert list(names) == ["3", "2", "1"]
    assert names["1"] == "m, 4 dimensions, user=b"
    assert names["2"] == "m, 4 dimensions, user=b, made 2026-01-02 03:05:00"
    assert names["3"] == "m, 4 dimensions, user=b, another version, made 2026-01-02 03:05:00"
    assert sorted(names_of_runs([new, made("4", 5), old]).values())[2].endswith("03:05:00 (2)")


def test_without_a_second_run_the_comparison_says_how_to_make_one(open_page: OpenPage, real_run: dict[str, str]):
    page = open_page("embeddings", stage="compare", **real_run)
    assert "How two models differ, and which separates labels better." in said(page)
    assert "embed the same texts again, above, under *Embed with another model*" in said(page)


def test_a_run_that_has_only_just_come_is_not_said_to_be_missing(
    open_page: OpenPage, real_run: dict[str, str], local_workspace: LocalWorkspace
):
    store = embedding_store()
    dataset = store.list_datasets(THIS_MACHINE)[0]
    before = tuple(store.list_runs(THIS_MACHINE, dataset.id))
    with contextlib.closing(typed(local_workspace.host, local_workspace.token)) as workspace:
        texts, vectors = store.get_texts(THIS_MACHINE, dataset.id), np.zeros((3, 384), np.float32)
        shown = Shown(workspace, THIS_MACHINE, dataset, texts, before[0], vectors, before)  # as a fragment has it still
        assert not another_is_coming(shown)
        job = embedding_runs().begin(THIS_MACHINE, workspace, dataset, Asking(MODEL, query_params={"user": "c"}))
        assert job.wait(30)
        assert another_is_coming(shown)
        assert not another_is_coming(replace(shown, runs=tuple(store.list_runs(THIS_MACHINE, dataset.id))))


def test_queries_with_known_answers_are_sent_once_and_ranked(
    open_page: OpenPage, real_run: dict[str, str], local_workspace: LocalWorkspace
):
    page = open_page("embeddings", stage="retrieval", **real_run)
    local_workspace.clear()
    typed = (
        "when do I get my money back?\t1\nhow do vegetables grow?\tWater the tomatoes in the evening.\nlook at stars\t1"
    )
    page.text_area(key="embeddings.retrieval.typed").set_value(typed).run()
    assert f"3 queries: 1 request to {MODEL} at most" in said(page)
    assert sent(local_workspace) == []
    press(page, "Check")
    assert "of 3 queries, **2** found an answer first, and **3** among the 10 nearest" in said(page)
    figures = table(page, "MRR")
    assert figures["Recall@1"] == pytest.approx([2 / 3])
    assert figures["Recall@5"] == [1.0]
    queries = table(page, "Query")
    assert queries[f"Rank in {MODEL}"][:2] == [1, 1]
    assert queries[f"First in {MODEL}"][2] == "The telescope has a new mirror."
    page.segmented_control(key="embeddings.retrieval.listed").set_value("Not found first").run()
    assert table(page, "Query")["Query"] == ["look at stars"]
    page.run()
    assert len(sent(local_workspace)) == 1
    page.text_area(key="embeddings.retrieval.typed").set_value("nobody knows\tno such text").run()
    assert len(page.error) == 1
    assert "no such text" in said(page)
    assert next(one for one in page.button if one.label == "Check").disabled
    assert table(page, "MRR")  # what was found stays


def another_tab(page: AppTest, **address: str) -> AppTest:
    """Of the same browser, on the same page."""
    tab = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=60)
    tab.session_state["ui.session.Tab"] = page.session_state[
        "ui.session.Tab"
    ]  # there is no cookie: this says who it is
    for key, value in address.items():
        tab.query_params[key] = value
    tab.run().switch_page(str(ROOT / "pages" / "embeddings.py")).run()
    assert not tab.exception
    return tab


def test_each_tab_chooses_for_itself_and_a_new_one_begins_where_the_last_one_was(
    open_page: OpenPage, two_runs: dict[str, str]
):
    first = open_page("embeddings", stage="neighbours", **two_runs)
    second = another_tab(first, stage="neighbours", **two_runs)
    part(first, "Outliers")
    first.run()
    chosen = [one.run().segmented_control(key="embeddings.neighbours.part").value for one in (second, first)]
    assert chosen == ["Nearest texts", "Outliers"]
    third = another_tab(first, stage="neighbours", **two_runs)
    assert third.segmented_control(key="embeddings.neighbours.part").value == "Outliers"


def test_what_was_typed_is_put_back_after_examples_took_its_place(open_page: OpenPage, host: str):
    texts = sample_texts()
    dataset = put_texts(texts)
    run = put_vectors(dataset, host, MODEL, np.eye(len(texts), 8, dtype=np.float32) + 0.1)
    page = open_page("embeddings", stage="retrieval", dataset=dataset.id, run=run.key)

    def typed() -> str:
        return str(page.text_area(key="embeddings.retrieval.typed").value)

    own = "my money\t3\nno tab"
    page.text_area(key="embeddings.retrieval.typed").set_value(own).run()
    assert "Line 2 says nothing of what is expected." in said(page)
    assert "The other one can be checked meanwhile." in said(page)
    assert not next(one for one in page.button if one.label == "Check").disabled
    press(page, f"Use {COUNT} example queries")
    press(page, f"Use {COUNT} example queries")
    example = typed()
    assert example.startswith("query,expected")
    press(page, "Put back what was here")
    assert typed() == own
    press(page, "Put back what was here")
    assert typed() == example


def test_a_run_is_left_to_the_script_that_asks_it_first_and_goes_on_after_one_that_was_ended():
    check = Check((), ("a", "b"))
    with check.claim("a") as mine, check.claim("a") as again, check.claim("b") as other:
        assert (mine, again, other) == (True, False, True)
        assert check.asking
    with pytest.raises(KeyboardInterrupt), check.claim("a"):  # as Streamlit ends a script: with a BaseException
        raise KeyboardInterrupt
    assert not check.asking
    with check.claim("a") as mine:
        assert mine
        check.errors["a"] = BadInput("No.", "Ask less.")
    with check.claim("a") as mine:
        assert not mine


def test_a_check_that_fails_says_so_keeps_the_queries_and_sends_nothing_more(
    open_page: OpenPage, real_run: dict[str, str], local_workspace: LocalWorkspace
):
    page = open_page("embeddings", stage="retrieval", **real_run)
    page.text_area(key="embeddings.retrieval.typed").set_value("a telescope\t3").run()
    local_workspace.clear()
    local_workspace.queue_fault("return-403", PATH)
    press(page, "Check").run()
    assert len(page.error) == 1
    assert len(sent(local_workspace)) == 1
    assert page.text_area(key="embeddings.retrieval.typed").value == "a telescope\t3"
    press(page, "Check")  # at once
    assert not page.error
    assert len(sent(local_workspace)) == 2


def test_the_samples_queries_have_answers_in_it_and_are_offered_for_nothing_else():
    texts = sample_texts()
    queries = look_through_queries(sample_queries(texts), texts).queries
    assert len(queries) == COUNT
    assert texts.ids is not None
    assert {texts.ids[place] for place in queries[0].expected} == {"support-03", "support-04"}
    assert sample_queries(TEXTS) == ""


def test_a_table_as_a_file_has_each_text_whole_and_no_gap_is_a_number():
    text = 'long "quoted", ' * 100
    file = to_csv({"Text": [text, "벽돌\nzwei"], "Rank": [1, None], "Similarity": [0.5, float("nan")]}).decode(
        "utf-8-sig"
    )
    assert text.replace('"', '""') in file
    assert file.endswith('"벽돌\nzwei",,\n')
    assert cut("a\n b" + " c" * 500, 10) == "a b c c c…"
    assert cut("\ud800") == "?"


def test_what_is_remembered_is_bounded_and_a_failure_is_not_remembered():
    memory: Bounded[int] = Bounded(2)
    made: list[str] = []

    def make(name: str) -> int:
        made.append(name)
        if name == "bad":
            raise ValueError(name)
        return len(made)

    assert memory.get("a", lambda: make("a")) == memory.get("a", lambda: make("a")) == 1
    for _ in range(2):
        with pytest.raises(ValueError, match="bad"):
            memory.get("bad", lambda: make("bad"))
    memory.get("b", lambda: make("b"))
    memory.get("a", lambda: make("a"))
    memory.get("c", lambda: make("c"))  # the least used goes
    assert ("a" in memory, "b" in memory, "c" in memory) == (True, False, True)
    assert made == ["a", "bad", "bad", "b", "c"]
    large: Bounded[object] = Bounded(100, most_bytes=10_000)
    for name in "abc":
        large.get(name, lambda: (np.zeros(500), {"text": "x" * 100}))
    assert [name in large for name in "abc"] == [False, True, True]
    assert len(str(large.get("all", lambda: np.zeros(5_000)))) > 0  # made, though it is too large to be kept
    assert "all" not in large
    assert nearest_texts.DEEP >= nearest_texts.MOST
