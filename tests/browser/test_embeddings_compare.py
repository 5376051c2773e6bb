"""Two models on the same texts in a browser: one click shows a text on both maps, and figures are drawn without eval."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from services.embeddings.asking.runs import run_key
from services.embeddings.datasets.store import EmbeddingStore
from services.embeddings.records import Asking, Progress, Run, RunState, Texts
from services.visitors import THIS_MACHINE
from tests.browser.apps import App
from tests.browser.screens import open_page, settled
from tests.local_workspaces import LocalWorkspace, eventually

pytestmark = pytest.mark.browser

MODELS = ("local-minilm-l6-v2", "another-model")
COUNT = 60


@pytest.fixture
def address(app: App, local_workspace: LocalWorkspace) -> Iterator[str]:
    """Of the comparison of two runs: the second model sees what the first one sees, turned and with noise."""
    store = EmbeddingStore(app.home / ".local" / "state" / "brickyard")
    labels = tuple(("tea", "rain", "tax")[place % 3] for place in range(COUNT))
    texts = tuple(f"A text about {topic}, number {place}" for place, topic in enumerate(labels))
    dataset = store.put_dataset(THIS_MACHINE, "Compared", Texts(texts, labels), "a test")
    random = np.random.default_rng(0)
    centres = random.normal(size=(3, 16))
    first = np.stack([centres[place % 3] for place in range(COUNT)]) + random.normal(0, 0.5, (COUNT, 16))
    second = first[:, ::-1] + random.normal(0, 0.5, first.shape)
    host, keys = local_workspace.host, []
    for model, vectors in zip(MODELS, (first, second), strict=True):
        asking, progress = Asking(model), Progress(COUNT, done=COUNT, requests=1, seconds=1.0)
        keys.append(run_key(host, asking))
        run = Run(keys[-1], dataset.id, host, asking, RunState.COMPLETE, datetime.now(UTC), 16, progress)
        store.put_run(THIS_MACHINE, run, vectors.astype(np.float32))
    yield f"{app.url}/embeddings?dataset={dataset.id}&run={keys[0]}&stage=compare"
    store.delete_dataset(THIS_MACHINE, dataset.id)


def test_a_click_on_one_map_shows_the_text_on_both_and_the_matrix_is_drawn_under_the_policy(page: Page, address: str):
    open_page(page, address, "Embeddings")
    maps = page.get_by_role("application")
    expect(maps).to_have_count(2)
    expect(page.get_by_text(re.compile("are the same in both"))).to_be_visible()
    before = maps.nth(0).screenshot()
    maps.nth(1).press("n")
    maps.nth(1).press("Enter")
    side_by_side = page.locator("p", has_text=re.compile("^Neighbours of #"))
    expect(side_by_side).to_be_visible()
    settled(page)
    eventually(lambda: maps.nth(0).screenshot() != before)  # the same text is ringed there
    page.get_by_role("radio", name="Neighbours", exact=True).click()
    page.get_by_role("radio", name="Similarity matrix").click()
    settled(page)
    plot = page.get_by_test_id("stPlotlyChart")
    expect(plot.locator(".heatmaplayer image")).to_have_count(1)
    plot.scroll_into_view_if_needed()
    box = plot.locator(".heatmaplayer image").bounding_box()
    assert box
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.move(box["x"] + 34, box["y"] + 34)
    expect(plot.locator(".hoverlayer")).to_contain_text("A text about")
    page.get_by_role("radio", name="Health").click()
    settled(page)
    expect(page.get_by_text("have a vector that can be compared")).to_be_visible()
    expect(page.get_by_test_id("stPlotlyChart").locator(".barlayer").first).to_be_visible()
