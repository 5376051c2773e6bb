"""A reload or a lost connection in the middle of an answer loses nothing, and sends nothing twice."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.apps import App
from tests.browser.conftest import Pages
from tests.browser.proxies import Proxy
from tests.browser.screens import (
    CHAT_PATH,
    IDLE,
    answer,
    answered,
    ask,
    button,
    chat_requests,
    figures,
    open_chat,
    questions,
    send,
)
from tests.local_workspaces import LocalWorkspace

pytestmark = pytest.mark.browser

WORDS, WORDS_PAST_A_RELOAD = 100, 240
AT_20_A_SECOND = "scripted-20-{}".format


def expect_the_whole_answer(page: Page, workspace: LocalWorkspace, words: int = WORDS) -> None:
    answered(page)
    expect(figures(page)).to_contain_text(f"{words} out")
    text = answer(page).inner_text()
    assert (text.count("Brick"), text.count("벽돌"), text.count("end.")) == (words / 10,) * 3
    assert questions(page).count() == 1
    (only,) = chat_requests(workspace.requests())
    assert only.outcome == "complete"


def test_an_answer_goes_on_through_a_reload(app: App, local_workspace: LocalWorkspace, page: Page) -> None:
    open_chat(page, app.url)
    local_workspace.clear()
    local_workspace.queue_fault(AT_20_A_SECOND(WORDS_PAST_A_RELOAD), CHAT_PATH)
    send(page, "Tell me something long.")
    expect(answer(page)).to_contain_text("end.")
    page.reload()
    expect(answer(page)).to_contain_text("end.")
    expect(button(page, "chat-stop")).to_be_visible()
    expect_the_whole_answer(page, local_workspace, WORDS_PAST_A_RELOAD)


def test_an_answer_goes_on_through_a_cut_of_the_websocket(
    app: App, local_workspace: LocalWorkspace, make_page: Pages, make_proxy: Callable[..., Proxy]
) -> None:
    proxy = make_proxy(Proxy, app.port)
    page = make_page()
    make_page.watch(page).expected.append("WebSocket|ERR_CONNECTION|ERR_EMPTY_RESPONSE")
    open_chat(page, proxy.url)
    local_workspace.clear()
    local_workspace.queue_fault(AT_20_A_SECOND(WORDS), CHAT_PATH)
    send(page, "Tell me something long.")
    expect(answer(page)).to_contain_text("end.")
    with page.expect_websocket():
        assert proxy.cut() > 0
    expect_the_whole_answer(page, local_workspace)


def test_a_conversation_goes_on_after_the_websocket_was_cut_between_two_prompts(
    app: App, local_workspace: LocalWorkspace, make_page: Pages, make_proxy: Callable[..., Proxy]
) -> None:
    proxy = make_proxy(Proxy, app.port)
    page = make_page()
    make_page.watch(page).expected.append("WebSocket|ERR_CONNECTION|ERR_EMPTY_RESPONSE")
    open_chat(page, proxy.url)
    local_workspace.clear()
    local_workspace.queue_fault("scripted-0-3", CHAT_PATH, times=2)
    ask(page, "First?")
    with page.expect_websocket():
        assert proxy.cut() > 0
    page.locator(IDLE).wait_for(state="attached")
    ask(page, "Second?")
    expect(questions(page)).to_have_text(["First?", "Second?"])
    first, second = chat_requests(local_workspace.requests())
    assert len(first.json["messages"]) == 1
    assert [message["role"] for message in second.json["messages"]] == ["user", "assistant", "user"]
