"""People who use one server at once share nothing: not the workspace, not the identity, not the conversation."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.apps import App
from tests.browser.conftest import Pages
from tests.browser.screens import (
    CHAT_PATH,
    answer,
    ask,
    chat_requests,
    connect,
    go_to,
    open_page,
    prompt_of,
    questions,
    send,
)
from tests.local_workspaces import LocalWorkspace

pytestmark = pytest.mark.browser


def test_two_browsers_with_two_identities_are_kept_apart(
    app: App, local_workspace: LocalWorkspace, make_page: Pages
) -> None:
    analyst, admin = make_page(), make_page()
    by_name = local_workspace.host.replace("127.0.0.1", "localhost")
    connect(analyst, app.url, local_workspace.host, local_workspace.users["analyst"])
    connect(admin, app.url, by_name, local_workspace.users["admin"])
    for page in (analyst, admin):
        go_to(page, "Chat")
        expect(prompt_of(page)).to_be_enabled()
    local_workspace.clear()
    local_workspace.queue_fault("scripted-20-40", CHAT_PATH, times=2)
    send(analyst, "The analyst's question")
    expect(answer(analyst)).to_contain_text("Brick")
    ask(admin, "The admin's question")
    expect(answer(analyst)).to_contain_text("end.")

    expect_only(analyst, "analyst@local", local_workspace.host, not_="admin")
    expect_only(admin, "admin@local", by_name, not_="analyst")
    assert local_workspace.host not in admin.content()
    assert by_name not in analyst.content()
    for page in (analyst, admin):
        assert not [token for token in local_workspace.users.values() if token in page.content()]
    asked = {entry.user: entry.json["messages"][0]["content"] for entry in chat_requests(local_workspace.requests())}
    assert asked == {"analyst": "The analyst's question", "admin": "The admin's question"}

    for page, name in ((analyst, "analyst@local"), (admin, "admin@local")):
        go_to(page, "Home")
        expect(page.locator(".st-key-banner")).to_contain_text(name)


def expect_only(page: Page, identity: str, host: str, *, not_: str) -> None:
    expect(page.locator(".st-key-banner")).to_contain_text("This session")
    expect(page.locator(".st-key-banner")).to_contain_text(host)
    expect(page.locator(".st-key-banner")).to_contain_text(identity)
    expect(questions(page)).to_have_count(1)
    assert not_ not in page.get_by_role("main").inner_text()


def test_a_conversation_s_address_opens_nothing_in_another_browser(
    app: App, local_workspace: LocalWorkspace, make_page: Pages
) -> None:
    owner, stranger = make_page(), make_page()
    connect(owner, app.url, local_workspace.host, local_workspace.users["analyst"])
    go_to(owner, "Chat")
    local_workspace.queue_fault("scripted-0-3", CHAT_PATH)
    ask(owner, "Nobody else's business")
    assert "chat=" in owner.url
    open_page(stranger, owner.url, "Chat")
    expect(prompt_of(stranger)).to_be_enabled()
    expect(questions(stranger)).to_have_count(0)
    expect(stranger.locator(".st-key-banner")).to_contain_text("admin@local")
    for secret in ("Nobody else's business", "analyst@local", "Brick"):
        assert secret not in stranger.get_by_role("main").inner_text()
    owner.reload()
    expect(questions(owner)).to_have_text(["Nobody else's business"])


def test_a_second_tab_of_the_same_browser_has_the_same_connection_and_a_conversation_of_its_own(
    app: App, local_workspace: LocalWorkspace, page: Page
) -> None:
    connect(page, app.url, local_workspace.host, local_workspace.users["analyst"])
    go_to(page, "Chat")
    local_workspace.queue_fault("scripted-0-3", CHAT_PATH)
    ask(page, "In the first tab")
    second = page.context.new_page()
    open_page(second, f"{app.url}/chat", "Chat")
    expect(second.locator(".st-key-banner")).to_contain_text("analyst@local")
    expect(questions(second)).to_have_count(0)
