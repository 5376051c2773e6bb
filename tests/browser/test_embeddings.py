"""The Embeddings page as a person uses it: texts in, vectors, and views of them that are still there later."""

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

from tests.browser.apps import App
from tests.browser.screens import button, go_to, open_page, settled
from tests.local_workspace.calls import call
from tests.local_workspace.serving_calls import EMBEDDING_MODEL, ROOT, create, entity
from tests.local_workspace.serving_calls import settled as deployed
from tests.local_workspaces import LocalWorkspace

pytestmark = pytest.mark.browser

MODEL = "local-minilm-l6-v2"
PATH = f"/serving-endpoints/{MODEL}/invocations"
LINES = (
    "The invoice is wrong.\nMy bill has a mistake.\nIt rains in Busan.\nTomorrow will be wet.\nBake the bread at noon."
)


@pytest.fixture
def second_model(local_workspace: LocalWorkspace) -> Iterator[str]:
    """Another endpoint that embeds."""
    name = "embeddings-second"
    create(local_workspace, name, entity(entity_name=EMBEDDING_MODEL))
    deployed(local_workspace, name)
    yield name
    call(local_workspace, "DELETE", f"{ROOT}/{name}")


def embeddings_sent(workspace: LocalWorkspace) -> int:
    return sum(one.path == PATH for one in workspace.requests())


def paste(page: Page, app: App, name: str) -> None:
    """Open the page and add the lines under that name."""
    open_page(page, f"{app.url}/embeddings", "Embeddings")
    if page.get_by_role("button", name="Add texts").count():
        page.get_by_role("button", name="Add texts").click()
        settled(page)
    page.get_by_role("radio", name="Paste lines").click()
    page.get_by_label("One text a line").fill(LINES)
    page.get_by_role("textbox", name="Name", exact=True).fill(name)
    page.get_by_role("button", name="Use these texts").dblclick()  # a double click adds them once


def embed_with(page: Page, endpoint: str) -> None:
    page.get_by_role("combobox", name="Endpoint").click()
    page.get_by_role("option", name=endpoint).click()
    its_page = page.locator(".st-key-embeddings-endpoint").get_by_role("link", name="Its page")
    expect(its_page).to_have_attribute("href", re.compile(f"endpoint={endpoint}"))
    settled(page)
    page.get_by_role("button", name="Embed", exact=True).click()


def look_at(page: Page, view: str) -> None:
    page.get_by_role("radio", name=view, exact=True).click()
    expect(page.get_by_role("radio", name=view, exact=True)).to_be_checked()
    settled(page)


def test_pasted_lines_are_embedded_once_and_everything_is_still_there_after_a_reload(
    app: App, page: Page, local_workspace: LocalWorkspace
):
    local_workspace.clear()
    paste(page, app, "Journey")
    expect(page.get_by_role("button", name="Embed", exact=True)).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Embed", exact=True).dblclick()  # and embeds them once
    expect(page.get_by_text("384 dimensions")).to_be_visible(timeout=30_000)
    settled(page)
    assert embeddings_sent(local_workspace) == 1
    expect(page.get_by_role("radio", name="Map")).to_be_checked()
    page.get_by_role("radio", name="Health").click()
    expect(page).to_have_url(re.compile("stage=health"))
    settled(page)
    address = page.url
    page.reload()
    expect(page.get_by_text("384 dimensions")).to_be_visible()
    expect(page.get_by_role("radio", name="Health")).to_be_checked()
    assert page.url == address
    go_to(page, "Endpoints")
    go_to(page, "Embeddings")
    expect(page.get_by_text("384 dimensions")).to_be_visible()
    assert page.url == address
    # Another tab of this browser looks at something else, and does not change what this one looks at.
    other = page.context.new_page()
    open_page(other, address.replace("stage=health", "stage=neighbours"), "Embeddings")
    expect(other.get_by_role("radio", name="Neighbours")).to_be_checked()
    page.locator(".st-key-embeddings-panel summary").first.click()  # folded, now that there are vectors
    page.get_by_role("button", name="Rename or delete").click()
    settled(page)
    assert page.url == address
    expect(page.get_by_role("radio", name="Health")).to_be_checked()
    other.close()
    button(page, "embeddings-delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("Journey")).to_have_count(0)
    assert embeddings_sent(local_workspace) == 1


def test_from_pasted_lines_to_two_models_compared_and_taken_away(
    app: App, page: Page, second_model: str, tmp_path: Path
):
    paste(page, app, "Two models")
    embed_with(page, MODEL)
    expect(page.get_by_text("384 dimensions")).to_be_visible(timeout=30_000)
    surface = page.get_by_role("application")
    expect(surface).to_have_count(1)
    page.locator("[data-drawn]").wait_for()
    surface.press("n")
    surface.press("Enter")  # a click on the first point
    picked = page.locator(".st-key-embeddings-map-picked")
    expect(picked.get_by_text("The invoice is wrong.")).to_be_visible()
    nearest = page.locator('[class*="st-key-embeddings-map-neighbour-"] button').first
    expect(nearest).to_contain_text("My bill has a mistake.")
    look_at(page, "Neighbours")

    another = page.get_by_role("button", name="Embed with another model")
    another.click()
    expect(another).to_have_count(0)  # only then is the panel drawn anew, which closes an open list
    embed_with(page, second_model)
    expect(page.get_by_text("All 2 runs")).to_be_visible(timeout=30_000)
    look_at(page, "Compare")
    expect(page.get_by_role("application")).to_have_count(2)
    expect(page.get_by_text(re.compile("are the same in both"))).to_be_visible()

    look_at(page, "Take away")
    with page.expect_download() as download:
        page.get_by_role("button", name="Parquet").click()
    saved = tmp_path / "embeddings.parquet"
    download.value.save_as(saved)
    table = pq.read_table(saved)
    assert (table.column("text").to_pylist(), table.num_rows) == (LINES.splitlines(), 5)

    page.reload()
    expect(page.get_by_text("All 2 runs")).to_be_visible()
    look_at(page, "Map")
    page.locator("[data-drawn]").wait_for()
