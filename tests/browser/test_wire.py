"""What the page says was sent is what was sent, and every control has its part in it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.apps import App
from tests.browser.screens import (
    CHAT_PATH,
    INVOCATIONS,
    SCRIPTED,
    ask,
    expect_preview,
    open_chat,
    open_dialog,
    parameter,
    type_stop,
)
from tests.local_workspaces import LocalWorkspace, eventually

pytestmark = pytest.mark.browser

PROMPT = "벽돌이란? 🧱👩‍👩‍👧‍👦 \"Quoted\", 'single', back\\slash, <b>&amp;</b> and `code`…"
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}

Step = Callable[[Page], None]


def type_number(name: str, value: str) -> Step:
    def step(page: Page) -> None:
        widget = parameter(page, name).get_by_role("spinbutton")
        widget.fill(value)
        widget.press("Enter")

    return step


def type_text(name: str, value: str) -> Step:
    def step(page: Page) -> None:
        widget = parameter(page, name).get_by_role("textbox")
        widget.fill(value)
        widget.press("Control+Enter")

    return step


def add_text(value: str) -> Step:
    def step(page: Page) -> None:
        type_stop(page, value)

    return step


def choose(name: str, value: str) -> Step:
    def step(page: Page) -> None:
        widget = parameter(page, name).get_by_role("combobox")
        option = page.get_by_role("option", name=value, exact=True)
        # The list closes when the sidebar scrolls, which it does to show the widget.
        eventually(lambda: option.is_visible() or widget.press("ArrowDown"))
        option.click()

    return step


def press(name: str, label: str) -> Step:
    return lambda page: parameter(page, name).get_by_role("button", name=label, exact=True).click()


def flip(name: str) -> Step:
    return lambda page: parameter(page, name).get_by_role("switch").press("Space")


@dataclass(frozen=True)
class Control:
    """A control of the form: how a person sets it, what that adds to the body, how it is taken back."""

    name: str
    set: list[Step]
    adds: dict[str, Any]
    unset: list[Step]
    removes: tuple[str, ...] = field(default=())
    """Fields that setting it takes out of the body."""


def number(name: str, value: str) -> Control:
    return Control(name, [type_number(name, value)], {name: json.loads(value)}, [type_number(name, "")])


def choice(name: str, value: str, sent: Any) -> Control:
    return Control(name, [choose(name, value)], {name: sent}, [press(name, "Clear value")])


CONTROLS = [
    number("temperature", "0.7"),
    number("max_tokens", "77"),
    number("top_p", "0.85"),
    Control(
        "stop",
        [add_text("끝"), add_text("THE END")],
        {"stop": ["끝", "THE END"]},
        [press("stop", "Clear all")],
    ),
    number("n", "2"),
    number("seed", "0"),
    number("presence_penalty", "-0.5"),
    number("frequency_penalty", "1.5"),
    choice("logprobs", "true", True),
    number("top_logprobs", "3"),
    choice("response_format", "json_object", {"type": "json_object"}),
    Control(
        "json_schema",
        [choose("response_format", "json_schema"), type_text("json_schema", json.dumps(SCHEMA))],
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA},
            }
        },
        [type_text("json_schema", ""), choose("response_format", "json_object")],
    ),
    Control("stream", [flip("stream")], {}, [flip("stream")], removes=("stream",)),
    Control("extra", [type_text("extra", '{"user": "u-1"}')], {"user": "u-1"}, [type_text("extra", "")]),
    choice("tool_choice", "required", "required"),
    Control("tools", [type_text("tools", json.dumps([TOOL]))], {"tools": [TOOL]}, [type_text("tools", "")]),
]


def test_every_control_changes_the_body_and_nothing_else_does(
    app: App, local_workspace: LocalWorkspace, page: Page
) -> None:
    open_chat(page, app.url)
    page.get_by_text("More parameters", exact=True).click()
    local_workspace.clear()
    local_workspace.queue_fault(SCRIPTED, CHAT_PATH, times=100)
    expected: dict[str, Any] = {"stream": True}
    assert sent(page, local_workspace) == expected
    for control in CONTROLS:
        for step in control.set:
            step(page)
        expected = {name: value for name, value in expected.items() if name not in control.removes} | control.adds
        expect_preview(page, expected)
        assert sent(page, local_workspace) == expected, control.name
    for control in reversed(CONTROLS):
        for step in control.unset:
            step(page)
        fallback = {"response_format": {"type": "json_object"}} if control.name == "json_schema" else {}
        expected = {name: value for name, value in expected.items() if name not in control.adds} | fallback
        expected |= dict.fromkeys(control.removes, True)
        expect_preview(page, expected)
    assert sent(page, local_workspace) == {"stream": True}


def sent(page: Page, workspace: LocalWorkspace) -> dict[str, Any]:
    """What a prompt sends beside its messages."""
    ask(page, "What is a brick?")
    body: dict[str, Any] = workspace.settled(INVOCATIONS).json
    assert body.pop("messages")[-1] == {"role": "user", "content": "What is a brick?"}
    return body


def test_the_inspector_shows_the_very_bytes_that_were_sent(
    app: App, local_workspace: LocalWorkspace, page: Page
) -> None:
    open_chat(page, app.url)
    local_workspace.queue_fault(SCRIPTED, CHAT_PATH)
    type_text("system", "Antworte höflich — “immer”.\n\tZweite Zeile.")(page)
    type_number("temperature", "0.3")(page)
    add_text("\\n\\n")(page)
    expect_preview(page, {"temperature": 0.3, "stop": ["\\n\\n"], "stream": True})
    ask(page, PROMPT)
    logged = local_workspace.settled(INVOCATIONS)
    assert [message["role"] for message in logged.json["messages"]] == ["system", "user"]
    assert logged.json["messages"][1]["content"] == PROMPT

    dialog = open_dialog(page, "answer-0-0-inspect")
    shown = dialog.locator(".st-key-inspector-sent-body code")
    assert (shown.text_content() or "").encode() == logged.body
    expect(dialog).to_contain_text(f"the exact {len(logged.body):,} bytes")
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Download the body").click()
    assert download.value.path().read_bytes() == logged.body
    dialog.get_by_role("tab", name="Received").click()
    expect(dialog).to_contain_text("HTTP 200")
    dialog.get_by_role("tab", name="Events").click()
    expect(dialog.get_by_role("tabpanel", name="Events")).to_contain_text("[DONE]")
