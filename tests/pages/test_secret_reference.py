"""The picker of secret references, as a form of another page has it."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.local_workspace.secrets_calls import get, post
from tests.local_workspaces import LocalWorkspace
from tests.pages.secret_forms import newest

CANARY = "sk-canary-of-the-picker"
PAGE = """
import streamlit as st
from ui.connecting import workspace
from ui.secret_reference import secret_reference_picker
st.session_state["draft"] = secret_reference_picker(workspace(), "picker", st.session_state.setdefault("draft", ""))
"""


@pytest.fixture
def picker(open_page, scope):  # open_page sets the environment up
    """The picker with that draft; ``draft`` is what it gave last."""

    def draw(draft: str = "") -> AppTest:
        page = AppTest.from_string(PAGE, default_timeout=60)
        page.session_state["draft"] = draft
        return page.run()

    return draw


def keys(workspace: LocalWorkspace, scope: str) -> list[str]:
    return [one["key"] for one in get(workspace, "list", scope=scope).json().get("secrets", [])]


def store(page: AppTest, key: str, value: str) -> AppTest:
    newest(page.text_input, "picker.entry.key-name").set_value(key).run()
    newest(page.text_input, "picker.entry.value").set_value(value)
    return newest(page.button, "picker.entry.store").click().run()


def test_scope_and_key_make_a_reference(picker, scope):
    page = picker()
    page.selectbox(key="picker.scope").set_value(scope).run()
    assert page.session_state["draft"] == ""
    page.selectbox(key="picker.key").set_value("there").run()
    assert page.session_state["draft"] == f"{{{{secrets/{scope}/there}}}}"


def test_a_secret_is_stored_on_the_spot_and_picked(picker, scope, local_workspace):
    page = picker()
    page.selectbox(key="picker.scope").set_value(scope).run()
    store(page, "new", CANARY)
    assert page.session_state["draft"] == f"{{{{secrets/{scope}/new}}}}"
    assert page.run().session_state["draft"] == f"{{{{secrets/{scope}/new}}}}"
    assert page.selectbox(key="picker.key").value == "new"
    assert keys(local_workspace, scope) == ["new", "there"]
    assert not page.error


def test_a_secret_in_a_new_scope_is_stored_and_picked(picker, scope, local_workspace):
    page = picker()
    page.selectbox(key="picker.entry.into").set_value("A new scope").run()
    newest(page.text_input, "picker.entry.new-scope").set_value(f"{scope}-new").run()
    store(page, "key", CANARY)
    assert page.session_state["draft"] == f"{{{{secrets/{scope}-new/key}}}}"
    assert "Stored as" in page.success[0].value
    assert CANARY not in str(page.main)
    post(local_workspace, "scopes/delete", scope=f"{scope}-new")


def test_what_was_created_before_a_refusal_is_said(picker, scope, local_workspace):
    page = picker()
    newest(page.text_input, "picker.entry.new-scope").set_value(f"{scope}-new").run()
    local_workspace.queue_fault("return-503", "/api/2.0/secrets/put")
    store(page, "key", CANARY)
    assert f"Secret scope {scope}-new was created." in page.error[0].value.replace("\\", "")
    assert page.session_state["draft"] == ""
    assert CANARY not in str(page.main)
    assert page.selectbox(key="picker.entry.into").value == f"{scope}-new"
    store(page, "key", CANARY)
    assert page.session_state["draft"] == f"{{{{secrets/{scope}-new/key}}}}"
    post(local_workspace, "scopes/delete", scope=f"{scope}-new")


def test_what_cannot_be_stored_leaves_the_draft_as_it_was(picker, scope, local_workspace):
    page = picker(f"{{{{secrets/{scope}/there}}}}")
    page.selectbox(key="picker.entry.into").set_value("A new scope").run()
    newest(page.text_input, "picker.entry.new-scope").set_value("two words").run()
    store(page, "key", CANARY)
    assert "cannot be the name of a secret scope" in page.error[0].value
    assert page.session_state["draft"] == f"{{{{secrets/{scope}/there}}}}"


def test_the_picker_follows_a_draft_that_is_changed_elsewhere(picker, scope):
    page = picker(f"{{{{secrets/{scope}/there}}}}")
    assert (page.selectbox(key="picker.scope").value, page.selectbox(key="picker.key").value) == (scope, "there")
    page.session_state["draft"] = "{{secrets/other/gone}}"
    page.run()
    assert (page.selectbox(key="picker.scope").value, page.selectbox(key="picker.key").value) == ("other", "gone")
    assert "There is no secret scope other" in page.error[0].value
    assert page.session_state["draft"] == "{{secrets/other/gone}}"


def test_a_key_that_is_gone_is_said_to_be(picker, scope):
    page = picker(f"{{{{secrets/{scope}/gone}}}}")
    assert "There is no key `gone` in this scope" in page.warning[0].value


@pytest.mark.parametrize("typed", [CANARY, "{{secrets/<scope>/key}}", "secrets/scope/key"])
def test_what_is_no_reference_stays_unshown_until_a_secret_is_chosen(picker, scope, typed):
    page = picker(typed)
    assert "something else than a secret reference" in page.warning[0].value
    assert typed not in str(page.main)
    assert page.session_state["draft"] == typed
    page.selectbox(key="picker.scope").set_value(scope).run()
    assert page.session_state["draft"] == typed
    page.selectbox(key="picker.key").set_value("there").run()
    assert page.session_state["draft"] == f"{{{{secrets/{scope}/there}}}}"


def test_another_scope_takes_the_key_out_of_the_draft(picker, scope, local_workspace):
    post(local_workspace, "scopes/create", scope=f"{scope}-b")
    page = picker(f"{{{{secrets/{scope}/there}}}}")
    page.selectbox(key="picker.scope").set_value(f"{scope}-b").run()
    assert page.session_state["draft"] == ""
    assert page.selectbox(key="picker.scope").value == f"{scope}-b"
    assert page.selectbox(key="picker.entry.into").value == f"{scope}-b"
    post(local_workspace, "scopes/delete", scope=f"{scope}-b")


def test_a_scope_that_may_not_be_seen_says_so(picker, scope, local_workspace, monkeypatch):
    monkeypatch.setenv("DATABRICKS_TOKEN", local_workspace.users["analyst"])
    page = picker()
    page.selectbox(key="picker.scope").set_value(scope).run()
    assert "You may not see the keys of secret scope" in page.error[0].value
    assert page.session_state["draft"] == ""


def test_a_value_never_goes_into_a_scope_that_was_chosen_after_the_form_was_drawn(picker, scope, local_workspace):
    page = picker()
    newest(page.text_input, "picker.entry.new-scope").set_value("elsewhere").run()
    newest(page.text_input, "picker.entry.key-name").set_value("key").run()
    newest(page.text_input, "picker.entry.value").set_value(CANARY)
    page.selectbox(key="picker.entry.into").set_value(scope)
    newest(page.button, "picker.entry.store").click().run()
    assert "The scope was changed just now" in page.error[0].value
    assert keys(local_workspace, scope) == ["there"]
    newest(page.button, "picker.entry.store").click().run()
    assert keys(local_workspace, scope) == ["key", "there"]
