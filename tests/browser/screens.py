"""How a person uses the pages: what to look for, what to press."""

import json
import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.local_workspaces import LoggedRequest, eventually

ENDPOINT = "local-smollm2-135m-instruct"
INVOCATIONS = "/invocations"
CHAT_PATH = f"/serving-endpoints/{ENDPOINT}/invocations"
SCRIPTED = "scripted-0-3"
"""The fault that answers at once: three words of a script."""
IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"][data-test-connection-state="CONNECTED"]'


def settled(page: Page) -> None:
    """Wait until the page is connected and its script has run."""
    page.locator(IDLE).wait_for(state="attached")


def open_page(page: Page, url: str, title: str) -> None:
    """Load an address and wait for the page of that title."""
    page.goto(url)
    expect(page.get_by_role("heading", name=title, exact=True).first).to_be_visible()
    settled(page)


def open_chat(page: Page, app_url: str, query: str = "") -> None:
    """Load the chat page, ready for a prompt."""
    open_page(page, f"{app_url}/chat{query}", "Chat")
    expect(prompt_of(page)).to_be_enabled()


def go_to(page: Page, title: str) -> None:
    """Use the menu."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True).click()
    expect(
        page.get_by_role("heading", name=title if title != "Home" else "Brickyard", exact=True).first
    ).to_be_visible()
    settled(page)


def connect(page: Page, app_url: str, host: str, token: str) -> None:
    """Type host and token into the connection page."""
    open_page(page, f"{app_url}/connection", "Connection")
    page.get_by_label("Host", exact=True).fill(host)
    page.get_by_label("Token", exact=True).fill(token)
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_role("heading", name="This session (in use)")).to_be_visible()
    settled(page)


def prompt_of(page: Page) -> Locator:
    """The field for the prompt."""
    # The last: after a cut connection the old, disabled one may stand above it until the new run is complete.
    return page.locator('[data-testid="stChatInput"] textarea').last


def send(page: Page, prompt: str) -> None:
    """Send a prompt, and do not wait for its answer."""
    prompt_of(page).fill(prompt)
    prompt_of(page).press("Enter")


def ask(page: Page, prompt: str) -> Locator:
    """Send a prompt and wait until the page is idle again; its first answer."""
    before = questions(page).count()
    send(page, prompt)
    expect(questions(page)).to_have_count(before + 1)
    answered(page)
    return answer(page, before)


def answered(page: Page) -> None:
    """Wait until nothing is being answered any more."""
    expect(prompt_of(page)).to_be_enabled(timeout=30_000)
    settled(page)


def questions(page: Page) -> Locator:
    """The prompts of the transcript."""
    # Not by its role: while a list of options is open, nothing else has one.
    return page.locator('[data-testid="stChatMessageContent"][aria-label="Chat message from user"]')


def answer(page: Page, turn: int = 0, place: int = 0) -> Locator:
    """The text of an answer."""
    return page.locator(f".st-key-answer-{turn}-{place}")


def button(page: Page, key: str) -> Locator:
    """The button with that key. With a help text there are two, one of them for phones."""
    return page.locator(f".st-key-{key} button").filter(visible=True)


def figures(page: Page) -> Locator:
    """The lines below the answers: what was measured."""
    return page.get_by_test_id("stChatMessage").get_by_test_id("stCaptionContainer")


def alerts(page: Page) -> Locator:
    """The boxes that say what went wrong."""
    return page.get_by_role("main").get_by_test_id("stAlert")


def preview(page: Page) -> dict[str, Any]:
    """What the page says that the next request will have, but for its messages."""
    body = json.loads(page.locator(".st-key-chat-preview code").inner_text())
    del body["messages"]
    return body


def parameter(page: Page, name: str) -> Locator:
    """The widget of that parameter of the conversation that is shown."""
    found = re.search(r"[?&]chat=([^&]+)", page.url)
    assert found, page.url
    return page.locator(f".st-key-chat-{found[1]}-{name}")


def type_stop(page: Page, text: str) -> None:
    """Add a stop sequence. The list of suggestions closes when its field is scrolled, so that comes first."""
    field = parameter(page, "stop").get_by_role("combobox")
    field.click()
    expect(field).to_be_focused()
    field.press_sequentially(text)
    page.get_by_role("option", name=f"Add: {text}", exact=True).click()


def expect_preview(page: Page, expected: dict[str, Any]) -> None:
    """Wait until the page says that the next request will have these fields beside its messages."""
    try:
        eventually(lambda: preview(page) == expected, 15)
    except AssertionError:
        assert preview(page) == expected


def open_dialog(page: Page, key: str) -> Locator:
    """Press a button that opens a dialog; the dialog."""
    button(page, key).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    settled(page)
    return dialog


def close_dialog(page: Page) -> None:
    """Close it as people do."""
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    settled(page)


def chat_requests(logged: list[LoggedRequest]) -> list[LoggedRequest]:
    """Of the workspace's log, what was asked of models."""
    return [entry for entry in logged if entry.path.endswith(INVOCATIONS)]
