"""The Embeddings page as a person uses it: texts in, vectors, and views of them that are still there later."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.apps import App
from tests.browser.screens import button, go_to, open_page, settled
from tests.local_workspaces import LocalWorkspace

pytestmark = pytest.mark.browser

MODEL = "local-minilm-l6-v2"
PATH = f"/serving-endpoints/{MODEL}/invocations"
LINES = (
    "The invoice is wrong.\nMy bill has a mistake.\nIt rains in Busan.\nTomorrow will be wet.\nBake the bread at noon."
)


def embeddings_sent(workspace: LocalWorkspace) -> int:
    return sum(one.path == PATH for one in workspace.requests())


def test_pasted_lines_are_embedded_once_and_everything_is_still_there_after_a_reload(
    app: App, page: Page, local_workspace: LocalWorkspace
):
    local_workspace.clear()
    open_page(page, f"{app.url}/embeddings", "Embeddings")
    if page.get_by_role("button", name="Add texts").count():
        page.get_by_role("button", name="Add texts").click()
        settled(page)
    page.get_by_role("radio", name="Paste lines").click()
    page.get_by_label("One text a line").fill(LINES)
    page.get_by_role("textbox", name="Name", exact=True).fill("Journey")
    page.get_by_role("button", name="Use these texts").dblclick()  # a double click adds them once
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
