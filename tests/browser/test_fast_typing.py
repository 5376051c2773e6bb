"""Whoever types faster than the page follows loses nothing, and the form and its JSON say the same."""

import json

import pytest
from playwright.sync_api import Page

from tests.browser.apps import App
from tests.browser.conftest import Pages
from tests.browser.screens import open_page, settled
from tests.local_workspaces import eventually

pytestmark = pytest.mark.browser

LABELS = ("Endpoint name", "Description (optional)", "Model", "Base URL (optional)")
SLOWLY = """(() => {
    const Fast = WebSocket;
    const later = (told, socket) => event => setTimeout(() => told.call(socket, event), 300);
    window.WebSocket = class extends Fast {
        set onmessage(told) { super.onmessage = later(told, this); }
        addEventListener(kind, told, options) {
            super.addEventListener(kind, kind === "message" ? later(told, this) : told, options);
        }
    };
})()"""
"""The server's words come late, as over a long line: what the browser sends meanwhile is from before them."""


def test_fields_that_are_filled_without_waiting_are_all_kept(app: App, make_page: Pages) -> None:
    page = make_page()
    page.add_init_script(SLOWLY)
    open_page(page, f"{app.url}/endpoint-setup", "Set up an endpoint")
    for turn, pause in enumerate((0, 100, 300, 0, 500)):
        texts = [f"name-{turn}", f"words {turn}", f"model-{turn}", f"https://host{turn}.example/v1"]
        for label, text in zip(LABELS, texts, strict=True):
            page.get_by_label(label, exact=True).focus()
            page.keyboard.press("Control+a")
            page.keyboard.type(text, delay=5)
            page.keyboard.press("Tab")
            page.wait_for_timeout(pause)
        eventually(lambda texts=texts: in_form(page) == in_json(page) == texts)
        settled(page)
        assert in_form(page) == in_json(page) == texts


def in_form(page: Page) -> list[str]:
    return [page.get_by_label(label, exact=True).input_value() for label in LABELS]


def in_json(page: Page) -> list[str]:
    body = json.loads(page.get_by_role("textbox", name="The same as JSON").input_value())
    model = body["config"]["served_entities"][0]["external_model"]
    base = model["openai_config"].get("openai_api_base", "")
    return [body["name"], body.get("description", ""), model["name"], base]
