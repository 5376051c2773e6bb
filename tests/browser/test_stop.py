"""Stop ends the request itself, wherever it is, and leaves a conversation that goes on."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.apps import App
from tests.browser.screens import (
    CHAT_PATH,
    INVOCATIONS,
    SCRIPTED,
    answer,
    answered,
    ask,
    button,
    chat_requests,
    figures,
    open_chat,
    prompt_of,
    send,
)
from tests.local_workspaces import LocalWorkspace, eventually

pytestmark = pytest.mark.browser

SOON = 10.0
"""Seconds, of 15 that it would take without Stop. Idle it is 0.3; the machine may be busy."""


def press_stop(page: Page) -> None:
    button(page, "chat-stop").click()


def press_escape(page: Page) -> None:
    page.keyboard.press("Escape")


@pytest.mark.parametrize("stop", [press_stop, press_escape])
def test_stop_ends_a_request_that_waits_for_its_first_token(
    app: App, local_workspace: LocalWorkspace, page: Page, stop: Callable[[Page], None]
) -> None:
    open_chat(page, app.url)
    local_workspace.clear()
    local_workspace.queue_fault("stall-first-token-15s", CHAT_PATH)
    send(page, "Are you there?")
    expect(button(page, "chat-stop")).to_be_visible()
    eventually(lambda: chat_requests(local_workspace.requests()))
    pressed = time.monotonic()
    stop(page)
    eventually(lambda: chat_requests(local_workspace.requests())[0].outcome == "client_closed")
    closed = time.monotonic() - pressed
    expect(prompt_of(page)).to_be_enabled()
    free = time.monotonic() - pressed
    assert (closed < SOON, free < SOON) == (True, True), f"closed after {closed:.2f} s, input free after {free:.2f} s"
    expect(figures(page)).to_have_text(re.compile("^stopped"))
    local_workspace.queue_fault(SCRIPTED, CHAT_PATH)
    expect(ask(page, "And now?")).to_contain_text("Brick")
    assert len(chat_requests(local_workspace.requests())) == 2


def test_stop_in_the_middle_of_an_answer_keeps_what_had_arrived(
    app: App, local_workspace: LocalWorkspace, page: Page
) -> None:
    open_chat(page, app.url)
    local_workspace.clear()
    local_workspace.queue_fault("scripted-20-400", CHAT_PATH)
    send(page, "Tell me a long story.")
    expect(answer(page)).to_contain_text("end.")
    press_stop(page)
    answered(page)
    expect(figures(page)).to_have_text(re.compile("^stopped"))
    expect(answer(page)).to_contain_text("Brick")
    cut = local_workspace.settled(INVOCATIONS)
    assert cut.outcome == "client_closed"
    assert cut.sent_events < 400
    kept = answer(page).inner_text()
    local_workspace.queue_fault(SCRIPTED, CHAT_PATH)
    ask(page, "Thank you.")
    assert answer(page).inner_text() == kept
    quoted = chat_requests(local_workspace.requests())[1].json["messages"][1]
    assert quoted["role"] == "assistant"
    assert quoted["content"].startswith("Brick 벽돌 **bold** ")
