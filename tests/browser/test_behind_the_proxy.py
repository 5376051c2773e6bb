"""As a Databricks App: behind a proxy that rewrites Host and says who browses."""

import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import yaml
from playwright.sync_api import Page, expect
from websockets.exceptions import InvalidHandshake
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.browser.apps import App, start_app
from tests.browser.conftest import Pages
from tests.browser.proxies import DatabricksAppsProxy
from tests.browser.screens import CHAT_PATH, SCRIPTED, ask, chat_requests, go_to, open_page, prompt_of, questions
from tests.local_workspaces import ROOT, LocalWorkspace

pytestmark = pytest.mark.browser

NAME = "app.brickyard.test"
PLATFORM = {
    "STREAMLIT_SERVER_ADDRESS": "0.0.0.0",
    "STREAMLIT_SERVER_HEADLESS": "true",
    "STREAMLIT_SERVER_ENABLE_CORS": "false",
    "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION": "false",
    "DATABRICKS_APP_NAME": "brickyard",
}
"""What Databricks Apps sets before app.yaml has its say."""


def settings_of_app_yaml() -> dict[str, str]:
    entries: list[dict[str, Any]] = yaml.safe_load((ROOT / "app.yaml").read_text())["env"]
    return {entry["name"]: str(entry["value"]) for entry in entries if "value" in entry}


@pytest.fixture(scope="module")
def hosted(local_workspace: LocalWorkspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    environment = {
        **PLATFORM,
        **settings_of_app_yaml(),
        "DATABRICKS_HOST": local_workspace.host,
        "DATABRICKS_CLIENT_ID": "admin",
        "DATABRICKS_CLIENT_SECRET": local_workspace.users["admin"],
    }
    app = start_app(tmp_path_factory.mktemp("hosted"), **environment)
    yield app
    app.stop()


@pytest.fixture
def proxy(hosted: App, make_proxy: Callable[..., DatabricksAppsProxy]) -> DatabricksAppsProxy:
    return make_proxy(DatabricksAppsProxy, hosted.port, NAME)


def visitor(workspace: LocalWorkspace, name: str) -> dict[str, str]:
    return {
        "X-Forwarded-User": f"{name}@1",
        "X-Forwarded-Email": f"{name}@local",
        "X-Forwarded-Preferred-Username": name,
        "X-Forwarded-Access-Token": workspace.users[name],
    }


def open_hosted(make_page: Pages, url: str) -> Page:
    page = make_page(own_hosts=(NAME,))
    open_page(page, f"{url}/chat", "Chat")
    expect(prompt_of(page)).to_be_enabled()
    return page


def test_without_the_visitor_s_token_the_app_acts_as_its_service_principal(
    proxy: DatabricksAppsProxy, local_workspace: LocalWorkspace, make_page: Pages
) -> None:
    page = open_hosted(make_page, proxy.url)
    expect(page.locator(".st-key-banner")).to_contain_text("admin@local")
    expect(page.locator(".st-key-banner")).to_contain_text("service principal")
    local_workspace.queue_fault(SCRIPTED, CHAT_PATH)
    ask(page, "Who am I?")
    assert local_workspace.settled(CHAT_PATH).user == "admin"


def test_with_the_visitor_s_token_the_app_acts_as_the_visitor(
    proxy: DatabricksAppsProxy, hosted: App, local_workspace: LocalWorkspace, make_page: Pages
) -> None:
    proxy.visitor = visitor(local_workspace, "analyst")
    page = open_hosted(make_page, proxy.url)
    expect(page.locator(".st-key-banner")).to_contain_text("analyst@local")
    local_workspace.queue_fault(SCRIPTED, CHAT_PATH)
    ask(page, "Who am I?")
    assert local_workspace.settled(CHAT_PATH).user == "analyst"
    page.reload()
    expect(questions(page)).to_have_text(["Who am I?"])
    token = local_workspace.users["analyst"].encode()
    assert token not in hosted.log.read_bytes()
    assert [frame for frame in make_page.watch(page).received if token in frame] == []


def test_two_visitors_at_once_are_kept_apart(
    hosted: App, local_workspace: LocalWorkspace, make_page: Pages, make_proxy: Callable[..., DatabricksAppsProxy]
) -> None:
    local_workspace.clear()
    local_workspace.queue_fault(SCRIPTED, CHAT_PATH, times=2)
    pages = {}
    for name in ("analyst", "admin"):
        proxy = make_proxy(DatabricksAppsProxy, hosted.port, NAME)
        proxy.visitor = visitor(local_workspace, name)
        pages[name] = open_hosted(make_page, proxy.url)
    for name, page in pages.items():
        ask(page, f"I am the {name}")
    for name, page in pages.items():
        expect(page.locator(".st-key-banner")).to_contain_text(f"{name}@local")
        expect(questions(page)).to_have_text([f"I am the {name}"])
    asked = {entry.user: entry.json["messages"][0]["content"] for entry in chat_requests(local_workspace.requests())}
    assert asked == {name: f"I am the {name}" for name in pages}


def test_a_browser_that_another_visitor_signs_in_with_shows_nothing_of_the_first(
    proxy: DatabricksAppsProxy, local_workspace: LocalWorkspace, make_page: Pages
) -> None:
    proxy.visitor = visitor(local_workspace, "analyst")
    page = open_hosted(make_page, proxy.url)
    local_workspace.queue_fault(SCRIPTED, CHAT_PATH)
    ask(page, "The analyst's question")
    proxy.visitor = visitor(local_workspace, "admin")
    page.reload()
    expect(page.locator(".st-key-banner")).to_contain_text("admin@local")
    expect(questions(page)).to_have_count(0)


def test_the_connection_page_lets_a_visitor_act_as_the_app_and_back(
    proxy: DatabricksAppsProxy, local_workspace: LocalWorkspace, make_page: Pages
) -> None:
    proxy.visitor = visitor(local_workspace, "analyst")
    page = open_hosted(make_page, proxy.url)
    go_to(page, "Connection")
    page.get_by_role("button", name="Act as the app").click()
    expect(page.locator(".st-key-banner")).to_contain_text("admin@local")
    page.get_by_role("button", name="Act as yourself").click()
    expect(page.locator(".st-key-banner")).to_contain_text("analyst@local")


def test_another_origin_is_refused_through_the_proxy_and_its_own_is_not(proxy: DatabricksAppsProxy) -> None:
    assert not opens(proxy, "https://evil.example")
    assert not opens(proxy, f"https://{NAME}")  # another port is another origin
    assert opens(proxy, proxy.url)


def test_the_cookie_stays_on_https_there(proxy: DatabricksAppsProxy) -> None:
    url = f"https://127.0.0.1:{proxy.port}"
    with pytest.warns(Warning, match="Unverified HTTPS"):
        reply = requests.get(url, verify=False, timeout=20)
    assert reply.status_code == 200
    assert "Secure" in reply.headers["Set-Cookie"]


def opens(proxy: DatabricksAppsProxy, origin: str) -> bool:
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    connected = socket.create_connection(("127.0.0.1", proxy.port), timeout=20)
    address = f"wss://{NAME}:{proxy.port}/_stcore/stream"
    streamlit = [Subprotocol("streamlit")]
    try:
        with connect(address, sock=connected, ssl=trusting, origin=Origin(origin), subprotocols=streamlit):
            return True
    except (InvalidHandshake, EOFError):
        return False
