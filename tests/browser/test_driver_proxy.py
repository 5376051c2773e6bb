"""The seed's cells on driver-proxy apps, as a person does them in the browser; and the contract check."""

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from services.driver_contract import Rule
from tests.broken_driver_apps import Flaw, driver_app
from tests.browser.apps import App
from tests.browser.screens import open_page, settled
from tests.local_workspaces import LocalWorkspace, LoggedRequest, eventually

pytestmark = pytest.mark.browser

COMPLETIONS = "/serving-endpoints/chat/completions"
SCRIPTED = "Brick 벽돌 **bold** 🧱🏽 "
CONCISE_AND_LOUD = '''\
def transform_input(**request):
    full_prompt = f"""{request["prompt"]}
    Be Concise.
    """
    request["prompt"] = full_prompt
    return request


def transform_output(response):
    return response.upper()
'''


def open_driver_proxy(page: Page, app: App, number: int) -> None:
    open_page(page, f"{app.url}/driver-proxy-apps", "Driver proxy")
    port = page.get_by_label("Port", exact=True)
    port.fill(str(number))
    port.press("Enter")
    expect(page.get_by_text(f"/{number}/")).to_be_visible()
    settled(page)


def call(page: Page, local_workspace: LocalWorkspace) -> None:
    """Press Send; a scripted text comes back."""
    local_workspace.queue_fault("scripted-0-4", COMPLETIONS)
    before = len(calls(local_workspace))
    page.get_by_role("button", name="Send", exact=True).dblclick()  # the second click must send nothing
    eventually(lambda: len(calls(local_workspace)) > before)
    expect(page.get_by_role("button", name="Inspect", exact=True)).to_be_visible()
    settled(page)
    assert len(calls(local_workspace)) == before + 1


def calls(local_workspace: LocalWorkspace) -> list[LoggedRequest]:
    return [one for one in local_workspace.requests() if one.path.startswith("/driver-proxy-api/")]


def shown(page: Page, name: str) -> Locator:
    return page.locator(f".st-key-driver-proxy-{name} code")


def test_the_cells_of_the_seed(app: App, local_workspace: LocalWorkspace, page: Page, save_transform) -> None:
    local_workspace.clear()
    open_driver_proxy(page, app, local_workspace.ready["driver_port"])
    expect(page.get_by_text("You may attach", exact=True)).to_be_visible()

    # The first cell: port and cluster, and a question.
    call(page, local_workspace)
    expect(shown(page, "answer")).to_have_text(SCRIPTED)

    # A parameter, which the class took as model_kwargs.
    page.get_by_role("spinbutton", name="temperature").fill("0.1")
    page.get_by_role("spinbutton", name="temperature").press("Enter")
    settled(page)
    call(page, local_workspace)
    assert calls(local_workspace)[-1].json == {"prompt": "How are you?", "temperature": 0.1}

    # A pair of transforms around the call.
    save_transform("Concise and loud", CONCISE_AND_LOUD)
    page.reload()
    settled(page)
    choice = page.get_by_role("combobox", name="Transform")
    choice.scroll_into_view_if_needed()  # its list closes when the page scrolls
    choice.press_sequentially("Concise")
    expect(page.get_by_role("option", name="Concise and loud")).to_be_visible()
    choice.press("Enter")
    expect(page.get_by_text("Version 1", exact=True)).to_be_visible()
    settled(page)
    call(page, local_workspace)
    expect(shown(page, "shaped")).to_have_text(SCRIPTED.upper())
    expect(shown(page, "reply")).to_have_text(json.dumps(SCRIPTED))
    concise = "How are you?\n    Be Concise.\n    "
    assert calls(local_workspace)[-1].json == {"prompt": concise, "temperature": 0.1}
    trace = page.get_by_test_id("stExpander").filter(has_text="What the transform did")
    expect(trace).to_contain_text("Be·Concise.")
    expect(trace).to_contain_text("BRICK·벽돌")


def test_an_app_is_checked_and_what_was_found_is_looked_into_and_taken_away(app: App, page: Page) -> None:
    with driver_app(Flaw.NONE) as good:
        open_driver_proxy(page, app, good.port)
        page.get_by_role("tab", name="Contract check").click()
        page.get_by_role("button", name="Check the contract").click()
        expect(page.get_by_text(f"The app keeps {len(Rule)} of {len(Rule)} rules.")).to_be_visible()
    settled(page)
    rule = page.locator(f".st-key-driver-proxy-rule-{Rule.NO_PROMPT.value}")
    rule.get_by_role("button", name="Inspect").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("tab", name="Received").click()
    expect(dialog).to_contain_text("There is no prompt")
    with page.expect_download() as saved:
        dialog.get_by_role("button", name="Close").click()
        page.get_by_role("button", name="Save the report").click()
    assert saved.value.path().read_text().count("- [x]") == len(Rule)
    several = page.get_by_role("button", name=re.compile(r"All \d+$")).first
    several.click()
    page.get_by_text("Request 2: HTTP 200").click()
    dialog.get_by_role("tab", name="Received").click()
    expect(dialog).to_contain_text("HTTP 200")
