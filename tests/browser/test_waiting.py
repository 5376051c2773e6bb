"""A wait is told as it goes on, in the answer's place, and can be ended."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.apps import App
from tests.browser.screens import CHAT_PATH, SCRIPTED, ask, button, chat_requests, figures, open_chat, open_page, send
from tests.local_workspaces import LocalWorkspace, eventually

pytestmark = pytest.mark.browser

WAITS = "has not picked up yet"


def test_a_chat_that_waits_says_for_what_and_the_stages_go_with_the_answer(
    app: App, local_workspace: LocalWorkspace, page: Page
) -> None:
    open_chat(page, app.url)
    local_workspace.clear()
    local_workspace.queue_fault("stall-15s", CHAT_PATH)
    send(page, "Are you there?")
    expect(page.get_by_text(WAITS)).to_be_visible()
    expect(page.get_by_text(re.compile(r"[\d.]+ s in all"))).to_be_visible()
    expect(page.get_by_text("Why is the sky blue?")).to_have_count(0)
    button(page, "chat-stop").click()
    eventually(lambda: chat_requests(local_workspace.requests())[0].outcome == "client_closed", 10)
    expect(figures(page)).to_have_text(re.compile("^stopped"))
    expect(page.get_by_text(WAITS)).to_have_count(0)
    local_workspace.queue_fault(SCRIPTED, CHAT_PATH)
    expect(ask(page, "And now?")).to_contain_text("Brick")
    assert len(chat_requests(local_workspace.requests())) == 2


def test_a_double_click_makes_one_test_call(app: App, local_workspace: LocalWorkspace, page: Page) -> None:
    open_page(page, f"{app.url}/endpoint?endpoint=local-minilm-l6-v2&tab=Test+call", "local-minilm-l6-v2")
    local_workspace.clear()
    page.get_by_role("button", name="Send", exact=True).dblclick()
    expect(page.get_by_text("HTTP 200")).to_be_visible()
    page.get_by_role("button", name="Inspect", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("/serving-endpoints/local-minilm-l6-v2/invocations")
    assert len([one for one in local_workspace.requests() if one.method == "POST"]) == 1
