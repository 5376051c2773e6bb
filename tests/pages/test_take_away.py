"""The panel that takes a call and its transform away: every dialect, and a model only after a word."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.local_workspaces import eventually

LOUD = "def transform_input(**request):\n    return request\n"
NAME = "take-away-test"


def panel(door, source, host, token):
    """A script that draws it alone."""
    import streamlit as st

    from services import doors
    from services.local import LocalAddress
    from services.snippets.shaped_call import AskedEndpoint, ShapedCall
    from services.transforms import Transform
    from ui.transforms.take_away import draw_take_away

    if "here" not in st.session_state:
        local = doors.local(LocalAddress(host, {"admin": token}, None, ""), "admin")
        st.session_state["here"] = local if door == "local" else doors.typed(host, token)
    asked = AskedEndpoint("local-smollm2-135m-instruct", "llm/v1/chat", bare=True)
    body = {"messages": [{"role": "user", "content": "hi"}]}
    draw_take_away(st.session_state["here"], ShapedCall(asked, body, Transform("Loud", 1, source)), key="test")


@pytest.fixture
def draw(local_workspace, monkeypatch, tmp_path):
    """``draw("local", source)`` runs it for the embedded workspace; any other word for one that was typed."""
    monkeypatch.setenv("HOME", str(tmp_path))
    local_workspace.clear()

    def run(door, source=LOUD):
        given = {"door": door, "source": source, "host": local_workspace.host, "token": local_workspace.token}
        return AppTest.from_function(panel, kwargs=given, default_timeout=60).run()

    return run


def button(page, label):
    return next(one for one in page.button if one.label == label)


def texts(page):
    return " ".join(one.value for one in [*page.error, *page.info, *page.caption, *page.markdown])


def test_each_dialect_is_there_with_the_source(draw, local_workspace):
    page = draw("typed")
    choice = page.segmented_control[0] if hasattr(page, "segmented_control") else page.button_group[0]
    assert not page.exception
    for dialect in ("requests", "LangChain", "LangChain 0.3", "MLflow model"):
        choice.set_value(dialect).run()
        code = next(one.value for one in page.code if "transform_input" in one.value)
        assert LOUD in code
        assert "transform_output(" not in code  # the sandbox knows that it is not there
        assert local_workspace.token not in code
    assert "Only the local workspace serves it at a click" in texts(page)
    assert not [one for one in page.button if one.label == "Log and serve"]


def test_a_source_that_does_not_load_is_told_in_place_of_code(draw):
    page = draw("typed", "def transform_input(:\n")
    assert "SyntaxError" in texts(page)
    assert not page.code


def test_it_runs_outside_the_sandbox_only_after_it_was_said(draw, local_workspace):
    source = (
        f"{LOUD}\nif '__file__' in globals():  # in the sandbox there is none\n    raise ValueError('I ran outside')\n"
    )
    page = draw("local", source)
    page.text_input[0].set_value(NAME)
    button(page, "Log and serve").click().run()
    assert "not confirmed" in texts(page)
    page.checkbox[0].check()
    button(page, "Log and serve").click().run()
    eventually(lambda: "I ran outside" in texts(page.run()), 60)
    assert not page.checkbox[0].value, "The next click needs its own word."
    assert page.text_input[0].value == NAME
    assert not [one for one in local_workspace.requests() if one.method == "POST" and "serving-endpoints" in one.path]
    assert not page.exception
