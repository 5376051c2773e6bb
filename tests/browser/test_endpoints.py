"""The list and the page of endpoints as a browser has them: hundreds of rows, double clicks, a dialog."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.apps import App
from tests.browser.screens import alerts, button, go_to, open_page, settled
from tests.browser.scripted_workspace import ScriptedWorkspace
from tests.local_workspace.calls import call
from tests.local_workspace.serving_calls import ROOT, created
from tests.local_workspaces import LocalWorkspace

pytestmark = pytest.mark.browser
MANY = 500


class Hundreds(ScriptedWorkspace):
    """Has that many endpoints, of every kind and state."""

    lists = 0

    def reply_to(self, path):
        """The JSON of a control call."""
        if path.rstrip("/") != ROOT:
            return super().reply_to(path)
        self.lists += 1
        return {"endpoints": [self.endpoint(number) for number in range(MANY)]}

    def endpoint(self, number):
        """One of them."""
        state = {
            "ready": "READY" if number % 7 else "NOT_READY",
            "config_update": "NOT_UPDATING" if number % 5 else "IN_PROGRESS",
        }
        model = {
            "provider": ("openai", "anthropic", "cohere")[number % 3],
            "name": f"model-{number}",
            "task": "llm/v1/chat",
        }
        served = (
            {"name": "one", "external_model": model}
            if number % 2
            else {"name": "one", "entity_name": f"main.x.m{number}"}
        )
        return {
            "name": f"endpoint-{number:03}",
            "task": "llm/v1/chat" if number % 2 else None,
            "state": state,
            "creator": f"person{number % 20}@example.com",
            "permission_level": "CAN_QUERY",
            "config": {"served_entities": [served, served]},
        }


def rows(page: Page):
    return page.locator("[class*='st-key-endpoint-row-']").get_by_test_id("stPageLink-NavLink")


def test_hundreds_of_endpoints_are_searched_filtered_and_paged(make_app, page: Page):
    workspace = Hundreds("")
    app: App = make_app(DATABRICKS_HOST=workspace.host, DATABRICKS_TOKEN="dapi-scripted")
    open_page(page, f"{app.url}/endpoints", "Endpoints")
    expect(page.get_by_text(f"{MANY} endpoints", exact=True)).to_be_visible()
    expect(rows(page)).to_have_count(25)
    page.get_by_label("Search").press_sequentially("endpoint-49")
    expect(rows(page)).to_have_count(10)
    page.get_by_label("Search").fill("")
    expect(rows(page)).to_have_count(25)
    page.get_by_role("button", name="Page 20", exact=True).click()
    expect(rows(page).last).to_contain_text("endpoint-499")
    go_to(page, "Home")
    go_to(page, "Endpoints")
    expect(rows(page).last).to_contain_text("endpoint-499")
    assert workspace.lists == 1
    rows(page).last.click()
    expect(page).to_have_url(re.compile(r"/endpoint\?endpoint=endpoint-499$"))
    workspace.close()


def test_a_double_click_changes_once(app: App, page: Page, local_workspace: LocalWorkspace):
    name = created(local_workspace)
    open_page(page, f"{app.url}/endpoint?endpoint={name}&tab=Tags", name)
    page.get_by_label("Key", exact=True).fill("team")
    page.get_by_label("Key", exact=True).press("Enter")
    settled(page)
    local_workspace.clear()
    local_workspace.queue_fault("stall-0.5s", f"{ROOT}/{name}/tags")
    page.get_by_role("button", name="Set the tag").dblclick()
    expect(page.get_by_text("Set the tag team.")).to_be_visible()
    settled(page)
    assert [entry.method for entry in local_workspace.requests() if entry.path.endswith("/tags")] == ["PATCH"]
    call(local_workspace, "DELETE", f"{ROOT}/{name}")


def test_an_endpoint_is_deleted_by_its_typed_name_and_gone_from_the_list(
    app: App, page: Page, local_workspace: LocalWorkspace
):
    name = created(local_workspace)
    open_page(page, f"{app.url}/endpoints", "Endpoints")
    page.get_by_role("link", name=name).click()
    page.get_by_role("tab", name="Stop and delete").click()
    button(page, "endpoint-delete").click()
    dialog = page.get_by_role("dialog")
    local_workspace.clear()
    dialog.get_by_label(f"Type {name} to confirm").fill("another")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(dialog.get_by_text("That is not its name")).to_be_visible()
    dialog.get_by_label(f"Type {name} to confirm").fill(name)
    dialog.get_by_role("button", name="Delete", exact=True).dblclick()
    expect(page.get_by_text(f"Deleted {name}.")).to_be_visible()
    expect(page.get_by_role("heading", name="Endpoints", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name=name)).to_have_count(0)
    settled(page)
    assert [entry.method for entry in local_workspace.requests() if name in entry.path] == ["DELETE"]
    expect(alerts(page)).to_have_count(1)
