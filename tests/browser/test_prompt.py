"""A prompt that was sent off is asked, whatever became of the list of endpoints meanwhile."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.apps import App
from tests.browser.screens import CHAT_PATH, ENDPOINT, SCRIPTED, answer, ask, button, open_chat, send, settled
from tests.local_workspace.calls import call
from tests.local_workspace.serving_calls import ROOT, created, entity
from tests.local_workspaces import LocalWorkspace, eventually

pytestmark = pytest.mark.browser


def chosen(page: Page, label: str) -> Locator:
    return page.get_by_test_id("stSidebar").get_by_test_id("stMultiSelect").first.get_by_text(label, exact=True)


def test_a_prompt_is_asked_though_its_endpoint_was_an_updating_one_when_it_was_chosen(
    make_app: Callable[..., App], make_local_workspace: Callable[..., LocalWorkspace], page: Page
) -> None:
    workspace = make_local_workspace("--deployment-seconds", "4")
    name = created(workspace)
    app = make_app(DATABRICKS_HOST=workspace.host, DATABRICKS_TOKEN=workspace.token)
    changed = call(workspace, "PUT", f"{ROOT}/{name}/config", {"served_entities": [entity("two")]})
    assert changed.ok, changed.text
    open_chat(page, app.url, f"?endpoint={name}")
    expect(chosen(page, f"{name} (updating)")).to_be_visible()
    eventually(lambda: call(workspace, "GET", f"{ROOT}/{name}").json()["state"]["config_update"] == "NOT_UPDATING", 30)
    button(page, "chat-refresh").click()
    expect(page.get_by_text("its old config answers meanwhile")).to_have_count(0)
    settled(page)
    workspace.queue_fault(SCRIPTED, f"/serving-endpoints/{name}/invocations")
    expect(ask(page, "Are you there?")).to_contain_text("Brick")
    expect(chosen(page, name)).to_be_visible()


def test_a_list_that_does_not_come_holds_no_prompt_back(app: App, local_workspace: LocalWorkspace, page: Page) -> None:
    open_chat(page, app.url, f"?endpoint={ENDPOINT}")
    local_workspace.queue_fault("stall-8s", ROOT)
    local_workspace.queue_fault(SCRIPTED, CHAT_PATH)
    button(page, "chat-refresh").click()
    expect(page.get_by_text("asking for a new list")).to_be_visible()
    send(page, "Are you there?")
    expect(answer(page)).to_contain_text("Brick", timeout=7_500)
    expect(page.get_by_text("asking for a new list")).to_have_count(0)
    settled(page)
    expect(chosen(page, ENDPOINT)).to_be_visible()
    expect(page.get_by_text("Not sent yet")).to_have_count(0)
