"""The map on the Embeddings page, in a browser: a layout that grows, a clicked point, a lasso and its label."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from services.embeddings.asking.runs import run_key
from services.embeddings.datasets.store import EmbeddingStore
from services.embeddings.records import Asking, Floats, Progress, Run, RunState, Texts
from services.visitors import THIS_MACHINE
from tests.browser.apps import App
from tests.browser.screens import open_page, settled
from tests.local_workspaces import LocalWorkspace

pytestmark = pytest.mark.browser

MODEL = "local-minilm-l6-v2"
TOPICS = ("bread", "rain", "chess", "tax")
EACH = 40


@pytest.fixture
def address(app: App, local_workspace: LocalWorkspace) -> Iterator[str]:
    """Of the map of 160 texts about four topics, whose vectors are in the app's store."""
    store = EmbeddingStore(app.home / ".local" / "state" / "brickyard")
    labels = tuple(topic for topic in TOPICS for _ in range(EACH))
    texts = tuple(f"A text about {topic}, number {number}" for number, topic in enumerate(labels))
    vectors = four_topics()
    asking, progress = Asking(MODEL), Progress(len(texts), done=len(texts))
    dataset = store.put_dataset(THIS_MACHINE, "Four topics", Texts(texts, labels), "a test")
    key, made = run_key(local_workspace.host, asking), datetime.now(UTC)
    run = Run(key, dataset.id, local_workspace.host, asking, RunState.COMPLETE, made, vectors.shape[1], progress)
    store.put_run(THIS_MACHINE, run, vectors)
    yield f"{app.url}/embeddings?dataset={dataset.id}&run={key}&stage=map"
    store.delete_dataset(THIS_MACHINE, dataset.id)


def four_topics() -> Floats:
    random = np.random.default_rng(0)
    centres = random.normal(size=(len(TOPICS), 64))
    spread = random.normal(0, 0.6, (len(TOPICS) * EACH, 64))
    return np.asarray(np.repeat(centres, EACH, axis=0) + spread, dtype=np.float32)


def test_a_layout_grows_a_point_is_clicked_a_lasso_is_labelled_and_a_reload_finds_it(page: Page, address: str) -> None:
    open_page(page, address, "Embeddings")
    surface = page.get_by_role("application")
    expect(page.get_by_text("160 points")).to_be_visible()
    expect(page.get_by_text("near here does not mean alike")).to_be_visible()
    pca = drawn(page)

    page.get_by_role("button", name="Make t-SNE").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0, timeout=60_000)
    expect(page.get_by_role("radio", name="t-SNE")).to_be_checked()
    settled(page)
    expect(page.get_by_text("Trustworthiness")).to_be_visible()
    assert drawn(page) != pca

    surface.press("n")
    surface.press("Enter")
    rows = page.locator('[class*="st-key-embeddings-map-neighbour-"] button')
    expect(rows).to_have_count(10)
    topic = page.locator(".st-key-embeddings-map-picked").get_by_text("A text about").first.inner_text().split()[3]
    assert all(topic in row for row in rows.all_inner_texts())
    rows.first.click()
    settled(page)
    expect(rows).to_have_count(10)

    box = surface.bounding_box()
    assert box
    lasso(page, box["x"] + 6, box["y"] + 6, box["x"] + box["width"] / 2, box["y"] + box["height"] - 40)
    selected = page.locator(".st-key-embeddings-map-selected")
    expect(selected.get_by_text("in the lasso")).to_be_visible()
    count = int(selected.get_by_text("in the lasso").inner_text().split()[0])
    assert 0 < count < 160
    page.get_by_label("Label them").fill("the left half")
    page.get_by_role("button", name="Write the label").click()
    expect(page.get_by_role("button", name=f"the left half {count}")).to_be_visible()  # of the legend
    settled(page)
    expect(selected.get_by_text("in the lasso")).to_be_visible()  # for what is to be done with them next

    page.reload()
    expect(page.get_by_role("radio", name="t-SNE")).to_be_checked()
    expect(page.get_by_role("button", name=f"the left half {count}")).to_be_visible()


def drawn(page: Page) -> str:
    """What stands for the coordinates that the browser has drawn."""
    frame = page.locator("[data-drawn]")
    frame.wait_for()
    return frame.get_attribute("data-drawn") or ""


def lasso(page: Page, left: float, top: float, right: float, bottom: float) -> None:
    page.keyboard.down("Shift")
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top)):
        page.mouse.move(x, y, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
