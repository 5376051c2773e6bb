"""What a visit to another page, a reload, Clear and a long conversation leave of a conversation."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.apps import App
from tests.browser.screens import (
    CHAT_PATH,
    ENDPOINT,
    SCRIPTED,
    answer,
    answered,
    ask,
    button,
    chat_requests,
    connect,
    expect_preview,
    go_to,
    open_chat,
    parameter,
    prompt_of,
    questions,
    send,
    settled,
    type_stop,
)
from tests.local_workspaces import LocalWorkspace

pytestmark = pytest.mark.browser


def test_a_conversation_and_its_settings_survive_other_pages_and_a_reload(
    app: App, local_workspace: LocalWorkspace, page: Page
) -> None:
    open_chat(page, app.url)
    set_up(page)
    local_workspace.queue_fault(SCRIPTED, CHAT_PATH, times=2)
    ask(page, "First?")
    for title in ("Home", "Connection", "Chat"):
        go_to(page, title)
    expect_all_kept(page)
    page.reload()
    expect_all_kept(page)
    local_workspace.clear()
    local_workspace.queue_fault(SCRIPTED, CHAT_PATH)
    ask(page, "Second?")
    (request,) = chat_requests(local_workspace.requests())
    assert request.json["messages"][0] == {"role": "system", "content": "Be kind."}
    assert [message["role"] for message in request.json["messages"]] == ["system", "user", "assistant", "user"]
    assert (request.json["temperature"], request.json["stop"]) == (0.4, ["END"])


def set_up(page: Page) -> None:
    system = parameter(page, "system").get_by_role("textbox")
    system.fill("Be kind.")
    system.press("Control+Enter")
    temperature = parameter(page, "temperature").get_by_role("spinbutton")
    temperature.fill("0.4")
    temperature.press("Enter")
    type_stop(page, "END")
    expect_preview(page, {"temperature": 0.4, "stop": ["END"], "stream": True})


def expect_all_kept(page: Page) -> None:
    expect(questions(page)).to_have_text(["First?"])
    expect(answer(page)).to_contain_text("Brick")
    expect(parameter(page, "system").get_by_role("textbox")).to_have_value("Be kind.")
    expect(parameter(page, "temperature").get_by_role("spinbutton")).to_have_value("0.40")
    expect(parameter(page, "stop")).to_contain_text("END")
    expect(parameter(page, "endpoints")).to_contain_text(ENDPOINT)
    expect_preview(page, {"temperature": 0.4, "stop": ["END"], "stream": True})


def test_clear_takes_the_turns_away_and_undo_brings_them_back(
    app: App, local_workspace: LocalWorkspace, page: Page
) -> None:
    open_chat(page, app.url)
    local_workspace.clear()
    local_workspace.queue_fault(SCRIPTED, CHAT_PATH, times=3)
    ask(page, "First?")
    ask(page, "Second?")
    button(page, "chat-clear").click()
    expect(questions(page)).to_have_count(0)
    button(page, "chat-undo").click()
    expect(questions(page)).to_have_text(["First?", "Second?"])
    button(page, "chat-clear").click()
    expect(questions(page)).to_have_count(0)
    ask(page, "Third?")
    expect(button(page, "chat-undo")).to_have_count(0)
    assert [len(entry.json["messages"]) for entry in chat_requests(local_workspace.requests())] == [1, 3, 1]


def test_clear_in_the_middle_of_an_answer_ends_its_request(
    app: App, local_workspace: LocalWorkspace, page: Page
) -> None:
    open_chat(page, app.url)
    local_workspace.clear()
    local_workspace.queue_fault("scripted-20-600", CHAT_PATH)
    send(page, "A long one.")
    expect(answer(page)).to_contain_text("Brick")
    button(page, "chat-clear").click()
    expect(questions(page)).to_have_count(0)
    assert local_workspace.settled(CHAT_PATH).outcome == "client_closed"
    button(page, "chat-undo").click()
    expect(answer(page)).to_contain_text("Brick")


def test_a_long_conversation_shows_its_last_turns_and_sends_them_all(
    app: App, local_workspace: LocalWorkspace, page: Page
) -> None:
    turns = 22
    open_chat(page, app.url)
    local_workspace.clear()
    local_workspace.queue_fault(SCRIPTED, CHAT_PATH, times=turns)
    for number in range(turns):
        send(page, f"Question {number}")
        expect(questions(page).last).to_have_text(f"Question {number}")
        answered(page)
    shown = questions(page).count()
    assert 10 <= shown <= 20
    newest = chat_requests(local_workspace.requests())[-1]
    assert len(newest.json["messages"]) == 2 * turns - 1
    expect(button(page, "chat-earlier")).to_contain_text(f"({turns - shown})")
    button(page, "chat-earlier").click()
    expect(questions(page)).to_have_count(turns)
    expect(questions(page)).to_have_text([f"Question {number}" for number in range(turns)])


def test_two_endpoints_answer_side_by_side(
    app: App, make_local_workspace: Callable[..., LocalWorkspace], page: Page
) -> None:
    workspace = make_local_workspace("--alias", f"second={ENDPOINT}")
    connect(page, app.url, workspace.host, workspace.token)
    open_chat(page, app.url, f"?endpoint={ENDPOINT}&endpoint=second")
    workspace.queue_fault("scripted-20-160", "/serving-endpoints/", times=2)
    send(page, "To both of you.")
    expect(answer(page, 0, 0)).to_contain_text("Brick")
    expect(answer(page, 0, 1)).to_contain_text("Brick")
    expect(button(page, "chat-stop")).to_be_visible()  # so both are being drawn while they grow
    answered(page)
    for place in (0, 1):
        assert answer(page, 0, place).inner_text().count("end.") == 16
    main = page.get_by_role("main")
    left, right = answer(page, 0, 0).bounding_box(), answer(page, 0, 1).bounding_box()
    assert left
    assert right
    assert left["x"] + left["width"] <= right["x"]
    expect(main).to_contain_text("second")
    asked = chat_requests(workspace.requests())
    assert sorted(entry.path for entry in asked) == [CHAT_PATH, "/serving-endpoints/second/invocations"]
    settled(page)
    expect(prompt_of(page)).to_be_enabled()


def test_earlier_answers_stand_there_once_while_a_new_one_grows(
    app: App, local_workspace: LocalWorkspace, page: Page
) -> None:
    open_chat(page, app.url)
    local_workspace.queue_fault("scripted-400-300", CHAT_PATH)
    ask(page, "Something long?")
    once = answer(page).inner_text()
    local_workspace.queue_fault("scripted-20-400", CHAT_PATH)
    send(page, "And now?")
    expect(page.locator(".st-key-answer-1-0")).to_contain_text("end.")
    assert page.locator(".st-key-answer-0-0").inner_text() == once
    expect(page.locator(".st-key-answer-0-0-inspect")).to_have_count(1)
    expect(page.get_by_text("300 out")).to_have_count(1)
    button(page, "chat-stop").click()
