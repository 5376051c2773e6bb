"""From a provider's key to an answer in one go; and the key's value is nowhere but where it belongs."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.apps import App
from tests.browser.conftest import Pages
from tests.browser.screens import ask, button, close_dialog, go_to, open_dialog, open_page, prompt_of, settled
from tests.local_workspaces import LocalWorkspace, eventually
from tests.upstreams import Upstream, reply, stream

pytestmark = pytest.mark.browser

CANARY = "sk-canary-7d1f5a9e3c2b8046"
SCOPE, KEY, NAME = "brick-team", "openai-key", "my-chat"
REFERENCE = f"{{{{secrets/{SCOPE}/{KEY}}}}}"
DIALECTS = ("JSON", "databricks-sdk", "mlflow.deployments", "curl", "Databricks bundle", "Terraform")
WHOLE = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "up-model",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "pong"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}  # fmt: skip


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A scripted server that is OpenAI-compatible."""
    server = Upstream()
    yield server
    server.stop()


def chunk(content: str, finish: str | None = None) -> dict[str, object]:
    choice = {"index": 0, "delta": {"role": "assistant", "content": content}, "finish_reason": finish}
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "up-model", "choices": [choice]}


def test_from_a_key_to_an_answer_and_the_key_is_nowhere_to_be_seen(
    make_local_workspace: Callable[..., LocalWorkspace],
    make_app: Callable[..., App],
    make_page: Pages,
    upstream: Upstream,
) -> None:
    workspace = make_local_workspace()
    app = make_app(DATABRICKS_HOST=workspace.host, DATABRICKS_TOKEN=workspace.token)
    page = make_page()

    open_page(page, f"{app.url}/secrets", "Secrets")
    create_scope(page)
    store_key(page)
    go_to(page, "Endpoints")
    page.get_by_role("link", name="New endpoint").or_(page.get_by_role("button", name="New endpoint")).first.click()
    expect(page.get_by_role("heading", name="Set up an endpoint")).to_be_visible()
    settled(page)
    fill_in(page, f"{upstream.url}/v1")
    exported = read_code(page)
    upstream.will(reply(WHOLE))
    become_ready(page)
    assert bearer_of(upstream) == f"Bearer {CANARY}"
    assert upstream.last.json["messages"]

    upstream.will(stream(chunk("Bricks "), chunk("are red.", "stop"), "[DONE]"))
    page.get_by_role("link", name="Chat with it").click()
    expect(prompt_of(page)).to_be_enabled()
    answer = ask(page, "What colour are bricks?")
    expect(answer).to_contain_text("Bricks are red.")
    assert bearer_of(upstream) == f"Bearer {CANARY}"
    exported += read_exchange(page)

    go_to(page, "Endpoints")
    link_to_endpoint(page).click()
    expect(page.get_by_role("heading", name=NAME, exact=True)).to_be_visible()
    settled(page)
    hidden(page)
    go_to(page, "Secrets")
    page.get_by_role("button", name=SCOPE).click()
    expect(link_to_endpoint(page)).to_be_visible()  # “used by” knows the new endpoint
    settled(page)
    hidden(page)
    page.reload()
    settled(page)
    hidden(page)

    assert len(exported) > len(DIALECTS)
    assert any(REFERENCE in text for text in exported)
    assert [text for text in exported if CANARY in text] == []
    watch = make_page.watch(page)
    assert any(REFERENCE.encode() in frame for frame in watch.received)  # so the value in one would be found
    assert [frame for frame in watch.received if CANARY.encode() in frame] == []
    assert [line for line in watch.console if CANARY in line] == []
    assert CANARY not in app.log.read_text()
    assert CANARY not in workspace.stderr.read_text()
    assert [entry.path for entry in workspace.requests() if CANARY.encode() in entry.body] == []
    files = [*files_below(app.home), *files_below(workspace.state)]
    assert any(path.suffix in (".db", ".sqlite", ".sqlite3") for path in files)
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []


def create_scope(page: Page) -> None:
    page.get_by_text("Create a scope", exact=True).click()
    page.get_by_label("Name", exact=True).fill(SCOPE)
    button(page, "secrets-create").click()
    expect(page.get_by_role("heading", name=SCOPE)).to_be_visible()
    settled(page)


def store_key(page: Page) -> None:
    if not page.get_by_label("Name of the key", exact=True).is_visible():
        page.get_by_text("Store a key", exact=True).click()
    page.get_by_label("Name of the key", exact=True).fill(KEY)
    page.get_by_label("Value", exact=True).fill(CANARY)
    page.locator('[class*="st-key-"][class*="-store"] button').filter(visible=True).first.click()
    expect(page.get_by_text(REFERENCE).first).to_be_visible()
    settled(page)
    hidden(page)


def fill_in(page: Page, base: str) -> None:
    field(page, "Endpoint name", NAME)
    field(page, "Model", "up-model")
    field(page, "Base URL (optional)", base)
    choose(page, "Secret scope", SCOPE)
    choose(page, "Key", KEY)
    expected = {"openai_api_key": REFERENCE, "openai_api_base": base}
    eventually(lambda: openai_config(page) == expected)
    hidden(page)


def openai_config(page: Page) -> object:
    body = json.loads(page.get_by_role("textbox", name="The same as JSON").input_value())
    assert body["name"] == NAME
    return body["config"]["served_entities"][0]["external_model"].get("openai_config")


def field(page: Page, label: str, text: str) -> None:
    page.get_by_label(label, exact=True).fill(text)
    page.keyboard.press("Tab")
    settled(page)


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=re.compile(rf"(^|\s){label}$")).first.click()
    page.get_by_role("option", name=option, exact=True).click()
    settled(page)


def read_code(page: Page) -> list[str]:
    page.get_by_text("Take it away as code", exact=True).click()
    found: list[str] = []
    snippet = page.locator(".st-key-setup-code-snippet code")
    names = page.locator(".st-key-setup-code-dialect").get_by_role("radio")
    expect(names.first).to_be_attached()
    assert names.count() == len(DIALECTS)
    for place in range(names.count()):
        names.nth(place).click(force=True)
        if found:
            expect(snippet).not_to_have_text(found[-1])
        expect(snippet).to_contain_text(NAME)
        expect(snippet).to_contain_text(KEY)
        found.append(snippet.inner_text())
        hidden(page)
    assert len(set(found)) == len(DIALECTS)
    return found


def become_ready(page: Page) -> None:
    button(page, "setup-send").click()
    stages = page.locator(".st-key-deployment").first  # for a moment the one of before is there, too
    expect(stages).to_be_visible()
    expect(stages).to_contain_text(f"{NAME} is ready to be called.", timeout=30_000)
    expect(stages).to_contain_text("pong")
    settled(page)
    hidden(page)


def read_exchange(page: Page) -> list[str]:
    dialog = open_dialog(page, "answer-0-0-inspect")
    found = [download(page, dialog.get_by_role("button", name="Download the body"))]
    hidden(page)
    close_dialog(page)
    return found


def link_to_endpoint(page: Page) -> Locator:
    return page.get_by_role("main").get_by_role("link").filter(has_text=NAME).first


def bearer_of(upstream: Upstream) -> str:
    return upstream.last.headers["authorization"]


def hidden(page: Page) -> None:
    assert CANARY not in page.content()
    assert CANARY not in page.url
    fields = page.locator("input, textarea").evaluate_all("fields => fields.map(field => field.value)")
    assert [value for value in fields if CANARY in value] == []


def download(page: Page, pressed: Locator) -> str:
    with page.expect_download() as started:
        pressed.click()
    return Path(started.value.path()).read_text()


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
