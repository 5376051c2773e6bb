"""The map of a run: what is drawn, how far it is to be believed, and what a click, a lasso and a search lead to."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from services.embeddings.asking.runs import run_key
from services.embeddings.datasets.store import embedding_store
from services.embeddings.records import Algorithm, Asking, Dataset, Floats, Layout, Progress, Run, RunState, Texts
from services.visitors import THIS_MACHINE
from tests.local_workspaces import LocalWorkspace, eventually
from tests.pages.conftest import OpenPage
from ui.embeddings.map.colours import by_groups, ranked_groups
from ui.embeddings.map.state import MOST_STEPS, ColourBy, MapOfRun, Origin

EMBEDDER = "local-minilm-l6-v2"
GROUPS = ("bread", "rain", "chess")
EACH = 12
STRANGE = "*not bold* <b>nor this</b> | [link](x)"


@pytest.fixture
def put(open_page: OpenPage, local_workspace: LocalWorkspace) -> Callable[..., AppTest]:
    """``put(texts, vectors)`` keeps a run of them, and opens its map."""

    def put_(texts: Texts, vectors: Floats, *layouts: Layout) -> AppTest:
        store = embedding_store()
        dataset = store.put_dataset(THIS_MACHINE, "three groups", texts, "a test")
        run = run_of(dataset, local_workspace.host, vectors)
        store.put_run(THIS_MACHINE, run, vectors)
        for layout in layouts:
            store.put_layout(THIS_MACHINE, dataset.id, run.key, layout)
        return open_page("embeddings", dataset=dataset.id, run=run.key, stage="map")

    return put_


def run_of(dataset: Dataset, host: str, vectors: Floats) -> Run:
    asking, count = Asking(EMBEDDER), len(vectors)
    state, progress = RunState.COMPLETE, Progress(count, done=count)
    made = datetime(2026, 1, 1, tzinfo=UTC)
    return Run(run_key(host, asking), dataset.id, host, asking, state, made, vectors.shape[1], progress)


def three_groups(dimensions: int = 8, *, labelled: bool = True) -> tuple[Texts, Floats]:
    """Twelve texts around each of three directions; the last text has no vector, the one before it a zero one."""
    random = np.random.default_rng(0)
    centres = np.eye(dimensions, dtype=np.float32)[: len(GROUPS)]
    around = np.repeat(centres, EACH, axis=0) + random.normal(0, 0.05, (len(GROUPS) * EACH, dimensions))
    names = [group for group in GROUPS for _ in range(EACH)]
    texts = [f"{name} number {number}" for number, name in enumerate(names)]
    texts[0] = STRANGE
    vectors = np.asarray(np.vstack([around, np.zeros(dimensions), np.full(dimensions, np.nan)]), dtype=np.float32)
    labels = (*names, "", "")
    return Texts((*texts, "nothing", "less"), labels if labelled else None), vectors


def map_of(page: AppTest) -> MapOfRun:
    """What the tab remembers: AppTest has no browser that could click on the component itself."""
    maps = page.session_state["ui.embeddings.map.state._Maps"].by_run
    found: MapOfRun = next(reversed(maps.values()))
    return found


def said(page: AppTest) -> str:
    return "\n".join(one.value for kind in (page.markdown, page.caption, page.info, page.error) for one in kind)


def press(page: AppTest, label: str) -> AppTest:
    found = [one for one in page.button if one.label.startswith(label)]
    assert found, [one.label for one in page.button]
    assert not found[0].disabled
    found[0].click().run()
    assert not page.exception
    return page


def test_pca_is_drawn_at_once_with_how_far_it_is_to_be_believed(put: Callable[..., AppTest]) -> None:
    page = put(*three_groups())

    text = said(page)
    assert map_of(page).algorithm is Algorithm.PCA
    assert "Of a text's 15 nearest" in text
    assert "near here does not mean alike" in text
    assert "of the variance" in text
    assert "2 without a usable vector are not drawn." in text
    drawn = map_of(page).drawn
    assert drawn is not None
    assert drawn.visible.sum() == len(GROUPS) * EACH


def test_a_clicked_text_is_read_literally_and_leads_to_its_true_neighbours(put: Callable[..., AppTest]) -> None:
    page = put(*three_groups())
    map_of(page).pick(0)
    page.run()

    assert any(one.value.startswith(r"\*not bold\* \<b\>nor this") for one in page.markdown)
    rows = [one for one in page.button if (one.key or "").startswith("embeddings.map.neighbour.")]
    assert len(rows) == 10
    assert all(" bread number " in one.label for one in rows), [one.label for one in rows]
    rows[0].click().run()
    assert map_of(page).picked == int((rows[0].key or "").rsplit(".", 1)[1])
    press(page, "Clear")
    assert map_of(page).picked is None


def test_a_selection_narrows_the_map_and_there_is_a_way_back(put: Callable[..., AppTest]) -> None:
    page = put(*three_groups())
    map_of(page).select(np.arange(EACH, 2 * EACH))
    page.run()

    assert "**12 texts** in the lasso" in said(page)
    assert "rain" in next(one.value for one in page.caption if one.value.startswith("What sets them apart"))
    assert len(page.dataframe[-1].value) == EACH
    press(page, "All but these")
    assert "**26 of 38**" in said(page)
    drawn = map_of(page).drawn
    assert drawn is not None
    assert not drawn.visible[EACH : 2 * EACH].any()
    press(page, "Show all")
    assert map_of(page).drawn.visible.sum() == 36  # type: ignore[union-attr]  # it was drawn


def test_ways_back_from_narrowing_are_bounded() -> None:
    state = MapOfRun(Algorithm.PCA, 2, ColourBy.NOTHING)
    for left in range(3 * MOST_STEPS, 0, -1):
        state.leave(np.arange(3 * MOST_STEPS) < left)
    assert len(state.kept_only) == MOST_STEPS
    state.step_back()
    assert state.shown_of(3 * MOST_STEPS).sum() == 2


def test_labels_of_a_selection_are_kept_and_can_be_taken_back(put: Callable[..., AppTest]) -> None:
    texts, vectors = three_groups(labelled=False)
    page = put(texts, vectors)
    store, dataset = embedding_store(), embedding_store().list_datasets(THIS_MACHINE)[0]
    map_of(page).select(np.arange(3), Origin.TABLE)
    page.run()
    next(one for one in page.text_input if one.label == "Label them").set_value(STRANGE)
    press(page, "Write the label")

    assert store.get_texts(THIS_MACHINE, dataset.id).labels == (STRANGE,) * 3 + ("",) * 35
    assert page.selectbox(key="embeddings.map.colour").value == "Label"
    assert "**3 texts** chosen in the table" in said(page)  # what is to be done with them next needs no second lasso
    store.put_labels(THIS_MACHINE, dataset.id, {3: "of another tab"})
    press(page, "Undo the last labelling")
    assert store.get_texts(THIS_MACHINE, dataset.id).labels == ("",) * 3 + ("of another tab",) + ("",) * 34


def test_an_empty_label_takes_nothing_away_and_another_button_does(put: Callable[..., AppTest]) -> None:
    page = put(*three_groups())
    store, dataset = embedding_store(), embedding_store().list_datasets(THIS_MACHINE)[0]
    map_of(page).select(np.arange(EACH))
    page.run()
    press(page, "Write the label")
    assert "There is no label." in said(page)
    assert (store.get_texts(THIS_MACHINE, dataset.id).labels or ())[0] == "bread"
    press(page, "Take their labels away")
    found = store.get_texts(THIS_MACHINE, dataset.id).labels or ()
    assert found[:EACH] == ("",) * EACH
    assert found[EACH] == "rain"


def test_words_are_found_at_once_and_meaning_with_one_request(
    put: Callable[..., AppTest], local_workspace: LocalWorkspace
) -> None:
    page = put(*three_groups(384))
    page.text_input(key="embeddings.map.search").set_value("RAIN number").run()
    assert "12 of 38 hold “RAIN number”" in said(page)
    hits = [one for one in page.button if (one.key or "").startswith("embeddings.map.hit.")]
    assert [one.label for one in hits] == [f"rain number {number}" for number in range(EACH, 2 * EACH)]
    page.selectbox(key="embeddings.map.colour").set_value(ColourBy.LENGTH).run()

    local_workspace.clear()
    local_workspace.queue_fault("stall-0.7s", f"/serving-endpoints/{EMBEDDER}/")
    press(page, "Nearest in meaning")
    assert "for the vector of the query" in said(page)
    map_of(page).pick(20)  # no script waits for the query, so what is clicked meanwhile is taken
    eventually(lambda: "**Nearest to** “RAIN number”" in said(page.run()))
    assert map_of(page).picked == 20
    sent = [entry for entry in local_workspace.requests() if entry.path.endswith("/invocations")]
    assert len(sent) == 1
    assert page.selectbox(key="embeddings.map.colour").value == "Nearness to a query"
    assert page.text_input(key="embeddings.map.search").value == "RAIN number"
    assert "**Nearest to** “RAIN number”" in said(page)
    ranked = [one for one in page.button if (one.key or "").startswith("embeddings.map.ranked.")]
    assert len(ranked) == 20
    map_of(page).asks = "another one, under way"
    press(page, "Forget the query")
    assert map_of(page).asks == ""
    assert page.selectbox(key="embeddings.map.colour").value == ColourBy.LENGTH
    assert not [one for one in page.button if (one.key or "").startswith("embeddings.map.ranked.")]


def test_a_query_for_vectors_of_another_size_says_what_to_do(put: Callable[..., AppTest]) -> None:
    page = put(*three_groups(8))
    page.text_input(key="embeddings.map.search").set_value("rain").run()
    press(page, "Nearest in meaning")
    eventually(lambda: "gives 384 numbers a text now, and these vectors have 8" in said(page.run()))


def test_a_layout_that_was_made_is_drawn_by_the_next_visit_and_pca_stays_at_hand(put: Callable[..., AppTest]) -> None:
    texts, vectors = three_groups()
    places = np.where(np.isfinite(vectors[:, :2]), vectors[:, :2], np.nan)
    places[-2] = np.nan
    page = put(texts, vectors, Layout(places, Algorithm.TSNE, {"library": "openTSNE", "seed": 0}))

    assert map_of(page).algorithm is Algorithm.TSNE
    assert "library openTSNE; seed 0" in said(page)
    assert "near here does not mean alike" not in said(page)
    assert not [label for label in labels(page) if label.startswith("Make t-SNE")]
    map_of(page).algorithm = Algorithm.PCA
    assert "near here does not mean alike" in said(page.run())
    map_of(page).algorithm = Algorithm.TSNE
    page.run()
    dims = page.button_group(key="embeddings.map.dims")
    dims.set_value(3).run()
    assert "t-SNE is not made in 3-D yet, so this is PCA." in said(page)
    assert [label for label in labels(page) if label.startswith("Make t-SNE")]
    page.button_group(key="embeddings.map.dims").set_value(2).run()
    assert map_of(page).algorithm is Algorithm.TSNE


def test_a_layout_under_way_can_be_cancelled_and_what_was_shown_is_back(put: Callable[..., AppTest]) -> None:
    texts, vectors = three_groups()
    page = put(texts, vectors, Layout(np.nan_to_num(vectors[:, :2]), Algorithm.TSNE, {}))
    press(page, "Make LocalMAP")
    assert map_of(page).algorithm is Algorithm.LOCALMAP
    press(page, "Cancel")
    eventually(lambda: "Cancel" not in labels(page.run()), 30)
    assert map_of(page).algorithm is Algorithm.TSNE
    assert "Make LocalMAP: " in " ".join(labels(page))


@pytest.mark.parametrize(
    ("vectors", "sentence"),
    [
        (np.full((3, 4), np.nan), "No text of this run has a usable vector"),
        (np.array([[1, 2, 3, 4], [0, 0, 0, 0], [np.nan] * 4]), "Too few texts to say"),
        (np.array([[1, 2, 3, 4], [4, 3, 2, 1], [np.nan] * 4]), "Too few texts to say"),
        (np.ones((30, 4)), "All vectors are equal."),
    ],
)
def test_odd_vectors_get_a_sentence(put: Callable[..., AppTest], vectors: Floats, sentence: str) -> None:
    page = put(Texts(tuple(f"text {at}" for at in range(len(vectors)))), vectors.astype(np.float32))
    assert sentence in said(page)
    if "No text" in sentence:
        return
    for colour in (ColourBy.CLUSTER, ColourBy.LENGTH, ColourBy.DISTORTION, ColourBy.SCORE, ColourBy.LABEL):
        page.selectbox(key="embeddings.map.colour").set_value(colour).run()
        assert not page.exception
    map_of(page).pick(0)
    map_of(page).select(np.arange(1))
    page.run()
    assert not page.exception
    assert "**1 text** in the lasso" in said(page)


def test_many_labels_share_the_last_colour_and_no_label_is_none() -> None:
    groups = ["most"] * 5 + [f"kind {number:03}" for number in range(500)] + [""]
    colours = by_groups(groups)
    classes, names = colours.classes, colours.names
    assert (names[0], names[-1], len(names)) == ("most", "482 other labels", 20)
    entries = colours.legend(np.arange(len(groups)))
    assert [entry.rest for entry in entries] == [False] * 19 + [True]  # which is no subject to name on the map
    assert entries[-1].count == 482
    assert (classes[0], classes[5], classes[504], classes[505]) == (0, 1, 19, 254)


def test_a_new_label_takes_nobodys_colour() -> None:
    before, after = ["a"] * 3 + ["b"] * 2, ["a", "new", "new", "new", "b"]
    known = ranked_groups(before)
    assert by_groups(before).names == ("a", "b")
    assert not by_groups(before).rest
    assert by_groups(after, known).names == ("a", "b", "new")
    assert by_groups(after, known).classes.tolist() == [0, 2, 2, 2, 1]
    assert by_groups(["new"], known).names == ("a", "b", "new")  # of no text any more, and nobody moves


def keys(page: AppTest) -> set[str]:
    return {one.key or "" for one in page.button}


def labels(page: AppTest) -> list[str]:
    return [one.label for one in page.button]
