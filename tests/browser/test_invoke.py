"""The Invoke page as a person uses it: the form, the table and the JSON are one body."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.apps import App
from tests.browser.screens import go_to, open_page, settled
from tests.local_workspaces import LocalWorkspace, eventually

pytestmark = pytest.mark.browser

EMBEDDINGS, PROMPT = "local-minilm-l6-v2", "local-prompt-model"
CONCISE = """\
def transform_input(**request):
    full_prompt = f\"\"\"{request["prompt"]}
    Be Concise.
    \"\"\"
    request["prompt"] = full_prompt
    return request


def transform_output(response):
    return response.upper()
"""
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
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    page.mouse.dblclick(box["x"] + 120, box["y"] + 52)
    cell = page.locator("textarea.gdg-input")  # laid over the cell once the table has opened it
    expect(cell).to_be_focused()
    cell.fill("벽돌")
    cell.press("Enter")
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


def sent_next(page: Page, local_workspace: LocalWorkspace):
    """The body that leaves when Send is pressed, once its reply is there."""
    path = f"/serving-endpoints/{PROMPT}/invocations"  # the model itself asks the chat endpoint
    local_workspace.clear()
    page.get_by_role("button", name="Send", exact=True).click()
    eventually(lambda: any(one.path == path for one in local_workspace.requests()), 60)
    assert local_workspace.settled(path, 60).status == 200
    expect(page.get_by_text("answered by").first).to_be_visible(timeout=60_000)
    settled(page)
    [sent] = [one.json for one in local_workspace.requests() if one.path == path]
    return sent


def test_a_custom_model_is_asked_as_the_notebook_asked_it(app: App, page: Page, local_workspace, save_transform):
    save_transform("Concise", CONCISE)
    open_page(page, f"{app.url}/invoke?endpoint={PROMPT}", "Invoke")
    schema, again = page.get_by_text("Drawn from"), page.get_by_role("button", name="Ask again")
    expect(schema.or_(again)).to_be_visible(timeout=60_000)
    if again.is_visible():  # the model sleeps at first, and a busy machine wakes it slowly
        again.click()
        expect(schema).to_be_visible(timeout=60_000)
    type_json(page, json.dumps({"dataframe_records": [{"prompt": "How are you?"}], "params": {"max_tokens": 8}}))
    record = {"prompt": "How are you?"}
    body_of = lambda **more: {"dataframe_records": [record], "params": {"max_tokens": 8} | more}  # noqa: E731
    assert sent_next(page, local_workspace) == body_of()

    stop = page.get_by_role("combobox", name="stop")
    stop.click()
    expect(stop).to_be_focused()
    stop.press_sequentially(".")
    page.get_by_role("option", name="Add: .", exact=True).click()
    page.keyboard.press("Escape")  # its list hides the rest of the page from roles
    record["stop"] = ["."]
    eventually(lambda: body(page) == body_of())
    assert sent_next(page, local_workspace) == body_of()

    field = page.get_by_role("textbox", name="temperature")
    field.fill("0.1")
    field.press("Enter")
    eventually(lambda: body(page) == body_of(temperature=0.1))
    assert sent_next(page, local_workspace) == body_of(temperature=0.1)

    page.get_by_role("combobox", name="Transform").click()
    page.get_by_role("option", name="Concise").click()
    settled(page)
    page.get_by_role("button", name="Dry run").click()
    dry = page.locator("[class*='st-key-invoke-'][class*='-dry'] code").last
    expect(dry).to_contain_text("Be·Concise.")
    expect(dry).to_contain_text('"dataframe_records"')
    shaped = {"prompt": "How are you?\n    Be Concise.\n    ", "stop": ["."]}
    assert sent_next(page, local_workspace) == body_of(temperature=0.1) | {"dataframe_records": [shaped]}
    page.get_by_text("Before and after", exact=True).click()
    trace = page.locator("[class*='-trace-transform_input']").last
    expect(trace).to_contain_text("How·are·you?")
    expect(trace).to_contain_text("Be·Concise.")
    assert body(page) == body_of(temperature=0.1), "what the person wrote stays as it is"
