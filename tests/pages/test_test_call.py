"""One call with a body of the person's own, on an endpoint's page."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from services.sandbox import sandbox
from services.transforms import Place, PlaceKind, library
from services.visitors import THIS_MACHINE
from tests.local_workspaces import LocalWorkspace, eventually

pytestmark = pytest.mark.usefixtures("awake_registry")

PROMPT = "local-prompt-model"
LOUD = """
def transform_input(**request):
    request["prompt"] += "\\nBe Concise."
    return request


def transform_output(response):
    return response.upper()
"""
CHAT, EMBEDDINGS = "local-smollm2-135m-instruct", "local-minilm-l6-v2"
CHAT_PATH = f"/serving-endpoints/{CHAT}/invocations"


@pytest.fixture(scope="module", autouse=True)
def _end_the_sandbox():
    yield
    sandbox().close()


def script(name: str) -> None:
    import streamlit as st

    from services.endpoints import get_endpoint_detail
    from tests.local_workspaces import ROOT
    from ui.connecting import workspace
    from ui.test_call import test_call

    def shown() -> None:
        here = workspace()
        test_call(here, get_endpoint_detail(here, name))

    st.navigation([st.Page(shown, default=True), st.Page(ROOT / "pages" / "transforms.py")]).run()


@pytest.fixture
def open_call(local_workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch, tmp_path):
    """The part of the page that calls that endpoint, as that user."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DATABRICKS_HOST", local_workspace.host)
    local_workspace.clear()

    def open_(name: str, user: str = "admin") -> AppTest:
        monkeypatch.setenv("DATABRICKS_TOKEN", local_workspace.users[user])
        page = AppTest.from_function(script, default_timeout=60, kwargs={"name": name}).run()
        eventually(lambda: page.run().text_area)
        assert not page.exception
        return page

    return open_


def body(page: AppTest):
    return page.text_area[0]


def send(page: AppTest):
    return next(one for one in page.button if one.label == "Send")


def over(page: AppTest) -> AppTest:
    """Run it as it runs by itself, until the call is over."""
    eventually(lambda: not [one for one in page.run().button if one.label == "Stop"], 30)
    assert not page.exception
    return page


def posts(local_workspace: LocalWorkspace) -> list:
    return [one for one in local_workspace.requests() if one.method == "POST"]


def test_the_suggested_body_is_sent_and_the_whole_reply_shown(open_call, local_workspace):
    page = open_call(EMBEDDINGS)
    assert json.loads(body(page).value) == {"input": ["Say hello."]}
    assert "Ready]" in page.markdown[0].value
    over(send(page).click().run())
    assert [one.json for one in posts(local_workspace)] == [{"input": ["Say hello."]}]
    assert len(json.loads(page.code[0].value)["data"][0]["embedding"]) == 384
    assert any("HTTP 200" in one.value and "`minilm-l6-v2-1`" in one.value for one in page.caption)


def test_what_is_attached_is_around_the_test_call_too(open_call, local_workspace):
    page = open_call(PROMPT)
    library().save(THIS_MACHINE, "Loud", LOUD)
    library().attach(THIS_MACHINE, Place(PlaceKind.ENDPOINT, local_workspace.host, PROMPT), "Loud")
    body(page).set_value('{"dataframe_records": [{"prompt": "How are you?"}]}').run()
    over(send(page).click().run())
    assert posts(local_workspace)[0].json == {"dataframe_records": [{"prompt": "How are you?\nBe Concise."}]}
    [answer] = json.loads(page.code[-1].value)["predictions"]
    assert (answer.upper() or "(an empty text)") in [one.value for one in page.code]


def test_what_was_typed_is_what_is_sent(open_call, local_workspace):
    page = open_call(EMBEDDINGS)
    body(page).set_value('{"input": "벽돌"}')
    over(send(page).click().run())
    assert posts(local_workspace)[0].json == {"input": "벽돌"}


def test_one_button_sends_once_however_often_it_is_pressed(open_call, local_workspace):
    page = open_call(EMBEDDINGS)
    used = send(page)
    over(used.click().run())
    assert used.key not in [one.key for one in page.button], "a second click on the old button finds nothing to press"
    assert len(posts(local_workspace)) == 1
    over(send(page).click().run())
    assert len(posts(local_workspace)) == 2


@pytest.mark.parametrize(
    ("typed", "said"), [("{", "not JSON"), ("[]", "not an object"), ("", "empty"), ('{"a": NaN}', "number")]
)
def test_what_cannot_be_sent_is_told_and_stays(open_call, local_workspace, typed, said):
    page = open_call(EMBEDDINGS)
    body(page).set_value(typed)
    send(page).click().run()
    assert said in page.error[0].value
    assert "**Next:**" in page.error[0].value
    assert body(page).value == typed
    assert posts(local_workspace) == []


def test_a_refusal_has_a_next_step_and_the_raw_reply(open_call, local_workspace):
    page = open_call(EMBEDDINGS)
    body(page).set_value('{"input": []}')
    over(send(page).click().run())
    assert "**Next:**" in page.error[0].value
    assert any("error_code" in one.value for one in page.code)
    assert any("HTTP 400" in one.value for one in page.caption)


def test_a_long_wait_is_told_in_stages_and_stop_ends_the_request(open_call, local_workspace):
    page = open_call(CHAT)
    local_workspace.queue_fault("stall-20s", CHAT_PATH)
    send(page).click().run()
    assert send(page).disabled
    eventually(lambda: any("has not picked up yet" in one.value for one in page.run().caption))
    assert any(f"Asked {CHAT}" in one.value.replace("\\", "") for one in page.caption)
    next(one for one in page.button if one.label == "Stop").click().run()
    over(page)
    assert local_workspace.settled(CHAT_PATH).outcome == "client_closed"
    assert any("stopped" in one.value for one in page.caption)
    assert not page.error
    assert not send(page).disabled


def test_a_stream_is_shown_event_by_event(open_call, local_workspace):
    page = open_call(CHAT)
    local_workspace.queue_fault("scripted-0-3", CHAT_PATH)
    body(page).set_value('{"messages": [{"role": "user", "content": "Hello"}], "stream": true}')
    over(send(page).click().run())
    assert page.code[0].value.endswith("[DONE]")
    assert any("events" in one.value for one in page.caption)


def test_the_suggested_body_can_be_put_back(open_call):
    page = open_call(EMBEDDINGS)
    suggested = body(page).value
    assert not [one for one in page.button if one.key.endswith(".reset")]
    body(page).set_value("{}").run()
    next(one for one in page.button if one.key.endswith(".reset")).click().run()
    assert body(page).value == suggested


def test_the_inspector_shows_the_exact_bytes_and_no_token(open_call, local_workspace):
    page = open_call(EMBEDDINGS)
    over(send(page).click().run())
    next(one for one in page.button if one.label == "Inspect").click().run()
    shown = [one.value for one in page.code]
    assert posts(local_workspace)[0].body.decode() in shown
    assert all(local_workspace.token not in one for one in shown)
