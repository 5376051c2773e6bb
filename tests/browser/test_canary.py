"""A typed token is nowhere: not on the page, in an address, a log, a file, exported code, or what the server sends."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.apps import App
from tests.browser.conftest import Pages
from tests.browser.screens import (
    CHAT_PATH,
    SCRIPTED,
    alerts,
    answered,
    ask,
    close_dialog,
    connect,
    go_to,
    open_dialog,
    prompt_of,
    send,
    settled,
)
from tests.local_workspaces import ROOT, LocalWorkspace

pytestmark = pytest.mark.browser

DIALECTS = ("curl", "requests", "openai", "mlflow.deployments", "databricks-sdk", "databricks-langchain")
NOT_OURS = (".git", ".venv", "__pycache__", "node_modules")


def test_a_typed_token_is_nowhere_to_be_found(
    app: App, local_workspace: LocalWorkspace, make_page: Pages, tmp_path: Path
) -> None:
    canary = local_workspace.users["analyst"]
    marker = tmp_path / "began"
    marker.touch()
    page = make_page()

    connect(page, app.url, local_workspace.host, canary)
    expect_hidden(page, canary)
    refuse_a_connection(page, canary)
    go_to(page, "Chat")
    expect(prompt_of(page)).to_be_enabled()
    local_workspace.queue_fault(SCRIPTED, CHAT_PATH)
    ask(page, "Do you know my token?")
    assert local_workspace.settled(CHAT_PATH).user == "analyst"
    exported = read_inspector(page, canary) + read_code(page, canary)
    for status in (401, 403):
        local_workspace.queue_fault(f"return-{status}", CHAT_PATH)
        send(page, f"Answer with {status}.")
        expect(alerts(page).last).to_contain_text("Next:")
        answered(page)
        expect_hidden(page, canary)
    for title in ("Home", "Connection", "Chat"):
        go_to(page, title)
        expect_hidden(page, canary)
    page.reload()
    settled(page)
    expect_hidden(page, canary)

    watch = make_page.watch(page)
    assert any(b"Do you know my token?" in frame for frame in watch.received)  # so a token in one would be found
    assert [frame for frame in watch.received if canary.encode() in frame] == []
    assert [line for line in watch.console if canary in line] == []
    assert len(exported) >= 2 + len(DIALECTS)
    assert [text for text in exported if canary in text] == []
    assert canary not in app.log.read_text()
    written = [*files_below(app.home), *(path for path in files_below(ROOT) if is_newer(path, marker))]
    assert [path for path in written if canary.encode() in path.read_bytes()] == []


def expect_hidden(page: Page, canary: str) -> None:
    assert canary not in page.content()
    assert canary not in page.url
    fields = page.locator("input, textarea").evaluate_all("fields => fields.map(field => field.value)")
    assert [value for value in fields if canary in value] == []


def refuse_a_connection(page: Page, canary: str) -> None:
    """The right token at a host where nothing listens: its error must not quote it."""
    page.get_by_label("Host", exact=True).fill("http://127.0.0.1:9")
    page.get_by_label("Token", exact=True).fill(canary)
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(alerts(page)).to_contain_text("Nothing listens")
    settled(page)
    expect_hidden(page, canary)


def read_inspector(page: Page, canary: str) -> list[str]:
    dialog = open_dialog(page, "answer-0-0-inspect")
    exported = [download(page, dialog.get_by_role("button", name="Download the body"))]
    for tab in ("Received", "Events"):
        dialog.get_by_role("tab", name=tab).click()
        expect_hidden(page, canary)
    exported.append(download(page, dialog.get_by_role("button", name="Download all events")))
    expect_hidden(page, canary)
    close_dialog(page)
    return exported


def read_code(page: Page, canary: str) -> list[str]:
    dialog = open_dialog(page, "answer-0-0-code")
    snippets: list[str] = []
    for dialect in DIALECTS:
        dialog.get_by_role("radio", name=dialect, exact=True).click(force=True)
        snippet = dialog.locator(".st-key-code-snippet code")
        if snippets:
            expect(snippet).not_to_have_text(snippets[-1])
        expect(snippet).to_contain_text("Do you know my token?")
        expect_hidden(page, canary)
        snippets.append(snippet.inner_text())
    close_dialog(page)
    assert len(set(snippets)) == len(DIALECTS)
    return snippets


def download(page: Page, button: Locator) -> str:
    with page.expect_download() as started:
        button.click()
    return Path(started.value.path()).read_text()


def files_below(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink() and not path.name.startswith(NOT_OURS):
            yield from files_below(path)
        elif path.is_file():
            yield path


def is_newer(path: Path, marker: Path) -> bool:
    return path.stat().st_mtime >= marker.stat().st_mtime
