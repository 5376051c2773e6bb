"""From one command to a real model's answer, on a machine that knows no Databricks."""

import sys
import time
from collections.abc import Callable

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.browser.apps import App
from tests.browser.screens import answer, answered, button, figures
from tests.local_workspaces import eventually

pytestmark = pytest.mark.browser

PROMISED_SECONDS = 60


def test_one_click_streams_a_real_answer_where_nothing_is_configured(
    make_app: Callable[..., App], page: Page, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    app = make_app()
    page.goto(app.url)
    expect(page.locator(".st-key-banner")).to_contain_text("Local workspace: real small models on this machine")
    button(page, "starter-0").click()
    expect(answer(page)).not_to_be_empty()
    seconds = time.monotonic() - began
    answered(page)
    with capsys.disabled():
        sys.stdout.write(f"\nFrom the command to the first words of an answer: {seconds:.1f} s.\n")
    assert seconds < PROMISED_SECONDS
    expect(figures(page)).to_contain_text("tokens in")
    assert "/chat?" in page.url


def test_the_end_of_the_app_is_the_end_of_its_local_workspace(make_app: Callable[..., App]) -> None:
    app = make_app()
    parent = psutil.Process(app.process.pid)
    eventually(lambda: any("local_workspace" in child.cmdline() for child in parent.children()))
    children = parent.children(recursive=True)
    app.stop()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    assert list((app.home / "tmp").iterdir()) == []
