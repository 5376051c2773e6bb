"""The Invoke page as a person uses it: the form, the table and the JSON are one body."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.apps import App
from tests.browser.screens import go_to, open_page, settled
from tests.local_workspaces import LocalWorkspace, eventually

pytestmark = pytest.mark.browser

EMBEDDINGS, PROMPT = "local-minilm-l6-v2", "local-prompt-model"
ROWS = {"dataframe_records": [{"prompt": "a"}, {"prompt": "b", "stop": ["x"]}]}


def twin(page: Page):
    return page.get_by_role("textbox", name="The same as JSON", exact=True)


def body(page: Page):
    try:
        return json.loads(twin(page).input_value())
    except ValueError:
        return None


def type_json(page: Page, text: str) -> None:
    twin(page).fill(text)
    twin(page).press("Control+Enter")
    settled(page)


def test_a_cell_is_edited_and_the_body_survives_another_page_and_a_reload(app: App, page: Page):
    open_page(page, f"{app.url}/invoke?endpoint={PROMPT}", "Invoke")
    expect(twin(page)).to_be_visible(timeout=60_000)
    type_json(page, json.dumps(ROWS))
    page.get_by_role("radio", name="dataframe_split").click()
    eventually(lambda: "dataframe_split" in body(page))
    page.get_by_role("radio", name="dataframe_records").click()
    eventually(lambda: body(page) == ROWS)
    settled(page)
    table = page.get_by_test_id("stDataFrame").locator("canvas").first
    box = table.bounding_box()
    page.mouse.dblclick(box["x"] + 120, box["y"] + 52)
    page.keyboard.press("Control+a")
    page.keyboard.type("벽돌")
    page.keyboard.press("Enter")
    changed = {"dataframe_records": [{"prompt": "벽돌"}, ROWS["dataframe_records"][1]]}
    eventually(lambda: body(page) == changed)
    go_to(page, "Endpoints")
    go_to(page, "Invoke")
    eventually(lambda: body(page) == changed)
    page.reload()
    expect(twin(page)).to_be_visible()
    eventually(lambda: body(page) == changed)


def test_a_double_click_on_send_sends_once_and_the_reply_is_shown(
    app: App, page: Page, local_workspace: LocalWorkspace
):
    open_page(page, f"{app.url}/invoke?endpoint={EMBEDDINGS}", "Invoke")
    field = page.get_by_role("textbox", name="input (needed)")
    field.fill("one\ntwo")
    field.press("Control+Enter")
    eventually(lambda: body(page) == {"input": ["one", "two"]})
    local_workspace.clear()
    page.get_by_role("button", name="Send", exact=True).dblclick()
    expect(page.get_by_text("2 vectors of 384 dimensions")).to_be_visible()
    settled(page)
    sent = [one.json for one in local_workspace.requests() if one.method == "POST"]
    assert sent == [{"input": ["one", "two"]}]
