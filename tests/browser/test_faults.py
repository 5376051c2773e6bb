"""Each way an endpoint can fail: a sentence and a hint on screen, what had arrived kept, one request a click."""

from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.browser.apps import App
from tests.browser.screens import (
    CHAT_PATH,
    ENDPOINT,
    SCRIPTED,
    alerts,
    answer,
    answered,
    ask,
    chat_requests,
    open_chat,
    questions,
    send,
)
from tests.local_workspaces import LocalWorkspace

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Failure:
    """A fault, and what a person reads."""

    fault: str
    message: str
    hint: str
    keeps: str = ""
    """What of the answer stays on screen."""


FAILURES = {
    "a rate limit": Failure(
        "return-429-retry-after-12", f"A rate limit of {ENDPOINT} is reached", "The server asks to wait 12 s."
    ),
    "an endpoint that wakes up": Failure("return-503", f"{ENDPOINT} cannot answer yet", "Wait half a minute"),
    "an endpoint that is gone": Failure("return-404", f"There is no {ENDPOINT} in this workspace", "Pick another"),
    "a proxy's error page": Failure("html-502", "Nothing answered behind the workspace's proxy", "Wait a little"),
    "a dropped stream": Failure(
        "scripted-0-40 break-after-14", f"{ENDPOINT} broke off in the middle of its answer", "is kept", "end."
    ),
    "an error event": Failure(
        "scripted-0-40 error-event-after-14", f"{ENDPOINT} broke off: The model stopped", "is kept", "end."
    ),
    "an error object": Failure(
        "scripted-0-40 error-object-after-14", f"{ENDPOINT} broke off: The model stopped", "is kept", "end."
    ),
    "an event that is not JSON": Failure(
        "scripted-0-3 malformed-after-2", "1 event of the stream could not be read", "open Inspect", "Brick"
    ),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
def test_every_failure_is_explained_once_and_the_conversation_goes_on(
    app: App, local_workspace: LocalWorkspace, page: Page, failure: Failure
) -> None:
    open_chat(page, app.url)
    local_workspace.clear()
    local_workspace.queue_fault(failure.fault, CHAT_PATH)
    send(page, "What is a brick?")
    expect(alerts(page)).to_contain_text(failure.message)
    expect(alerts(page)).to_contain_text("Next:")
    expect(alerts(page)).to_contain_text(failure.hint)
    answered(page)
    if failure.keeps:
        expect(answer(page)).to_contain_text(failure.keeps)
    assert len(chat_requests(local_workspace.requests())) == 1

    local_workspace.queue_fault(SCRIPTED, CHAT_PATH)
    expect(ask(page, "And a wall?")).to_contain_text("Brick")
    expect(questions(page)).to_have_count(2)
    _, second = chat_requests(local_workspace.requests())
    assert second.status == 200
    assert len(second.json["messages"]) == (3 if failure.keeps else 1)
