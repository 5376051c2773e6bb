"""Without a mouse, without sight, on a telephone, in the dark."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.browser.apps import App
from tests.browser.conftest import Pages
from tests.browser.screens import (
    CHAT_PATH,
    ENDPOINT,
    SCRIPTED,
    answered,
    ask,
    figures,
    go_to,
    open_chat,
    open_page,
    settled,
)
from tests.local_workspaces import LocalWorkspace

pytestmark = pytest.mark.browser

PAGES = {
    "": "Brickyard",
    "/chat": "Chat",
    "/invoke": "Invoke",
    "/driver-proxy-apps": "Driver proxy",
    "/endpoints": "Endpoints",
    f"/endpoint?endpoint={ENDPOINT}": ENDPOINT,
    "/endpoint-setup": "Set up an endpoint",
    "/transforms": "Transforms",
    "/embeddings": "Embeddings",
    "/secrets": "Secrets",
    "/connection": "Connection",
}
MANY = 120
NAMELESS = re.compile(
    r"^\s*- (textbox|combobox|spinbutton|switch|checkbox|radio|button|link|tab)(:| \[|$)", re.MULTILINE
)
DARK = 60
"""Brightest channel of a background that is dark."""


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there."""
    for _ in range(MANY):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not reach {selector}")


def test_the_keyboard_alone_is_enough_to_ask_to_stop_and_to_inspect(
    app: App, local_workspace: LocalWorkspace, page: Page
) -> None:
    open_chat(page, app.url)
    local_workspace.queue_fault("stall-first-token-15s", CHAT_PATH)
    tab_to(page, '[data-testid="stChatInput"] textarea')
    page.keyboard.type("Are you there?")
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-chat-stop").first).to_be_visible()
    tab_to(page, ".st-key-chat-stop button")
    page.keyboard.press("Enter")
    answered(page)
    expect(figures(page)).to_have_text(re.compile("^stopped"))
    tab_to(page, ".st-key-answer-0-0-inspect button")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    settled(page)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    tab_to(page, ".st-key-answer-0-0-code button")


def test_every_control_has_a_name_and_headings_leave_no_level_out(
    app: App, local_workspace: LocalWorkspace, page: Page
) -> None:
    for path, title in PAGES.items():
        open_page(page, app.url + path, title)
        expect_names(page)
    go_to(page, "Chat")
    page.get_by_text("More parameters", exact=True).click()
    local_workspace.queue_fault(SCRIPTED, CHAT_PATH)
    ask(page, "What is a brick?")
    expect_names(page)


def expect_names(page: Page) -> None:
    snapshot = page.locator("body").aria_snapshot()
    assert "- link" in snapshot
    assert NAMELESS.findall(snapshot) == [], snapshot
    levels = [int(level) for level in re.findall(r"- heading .*\[level=(\d)\]", snapshot)]
    assert levels[0] == 1
    assert [pair for pair in pairwise(levels) if pair[1] > pair[0] + 1] == [], "no level of headings is left out"


def test_every_page_fits_a_telephone(app: App, local_workspace: LocalWorkspace, make_page: Pages) -> None:
    page = make_page(viewport=(390, 844), has_touch=True, is_mobile=True)
    too_wide = {}
    for path, title in PAGES.items():
        open_page(page, app.url + path, title)
        too_wide[path] = sideways_scroll(page)
    open_chat(page, app.url)
    local_workspace.queue_fault("scripted-0-60", CHAT_PATH)
    ask(page, "A long answer, and " + "averylongword" * 20)
    too_wide["an answer"] = sideways_scroll(page)
    assert {path: parts for path, parts in too_wide.items() if parts} == {}


def sideways_scroll(page: Page) -> list[str]:
    """What of the page is wider than it shows."""
    assert page.evaluate("() => innerWidth") == 390
    wide: list[str] = page.evaluate("""() => [document.scrollingElement, document.querySelector('main')]
        .filter(part => part.scrollWidth > part.clientWidth + 1)
        .map(part => `${part.tagName} is ${part.scrollWidth} wide and shows ${part.clientWidth}`)""")
    return wide


def test_every_page_is_dark_where_the_browser_is(app: App, local_workspace: LocalWorkspace, make_page: Pages) -> None:
    page = make_page(color_scheme="dark")
    for path, title in PAGES.items():
        open_page(page, app.url + path, title)
        colour = page.get_by_test_id("stApp").evaluate("app => getComputedStyle(app).backgroundColor")
        assert max(int(part) for part in re.findall(r"\d+", colour)[:3]) < DARK, colour
    open_chat(page, app.url)
    local_workspace.queue_fault(SCRIPTED, CHAT_PATH)
    ask(page, "In the dark?")
