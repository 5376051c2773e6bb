"""What was asked for on the secrets page goes where the page was drawn for, and soon, or nowhere: a browser has several tabs."""

import types
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.local_workspace.secrets_calls import post
from tests.local_workspaces import ROOT, LocalWorkspace
from tests.pages.conftest import OpenPage
from tests.pages.secret_forms import newest

CANARY = "canary-for-one-workspace-only"
LONG_AGO = 60.0


@pytest.fixture
def other(local_workspace: LocalWorkspace, make_local_workspace) -> Iterator[LocalWorkspace]:
    """Another workspace, in which there is a scope of the same name."""
    there: LocalWorkspace = make_local_workspace()
    for one in (local_workspace, there):
        assert post(one, "scopes/create", scope="in-both").ok
        assert post(one, "put", scope="in-both", key="there", string_value="old").ok
        one.clear()
    yield there
    post(local_workspace, "scopes/delete", scope="in-both")


def opened(open_page: OpenPage) -> AppTest:
    page = open_page("secret_scopes").button(key="secrets.open.in-both").click().run()
    newest(page.text_input, "secrets.put.key-name").set_value("key").run()
    return page


def connect_in_another_tab(page: AppTest, other: LocalWorkspace) -> None:
    """A second tab of the same browser goes to another workspace."""
    tab = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=60)
    # There is no cookie here, so this says which browser it is.
    tab.session_state["ui.session.Tab"] = page.session_state["ui.session.Tab"]
    tab.run().switch_page(str(ROOT / "pages" / "connection.py")).run()
    tab.text_input(key="connection.host").set_value(other.host)
    tab.text_input(key="connection.token").set_value(other.token)
    tab.button(key="door-session").click().run()
    assert any(other.host in one.value.replace("\\", "") for one in [*tab.markdown, *tab.caption])


def sent(*workspaces: LocalWorkspace) -> list[str]:
    prefix = "/api/2.0/secrets/"
    asked = [one for workspace in workspaces for one in workspace.requests() if one.method == "POST"]
    return [one.path.removeprefix(prefix) for one in asked if one.path.startswith(prefix)]


def said(page: AppTest) -> str:
    return " ".join(one.value for one in page.error).replace("\\", "")


def reaches(root: Any, canary: str) -> bool:
    """Whether the text can be come by from there, also through the frames of an error's traceback."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, (types.ModuleType, type)):
            continue
        seen.add(id(one))
        if isinstance(one, str) and canary in one:
            return True
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, (list, tuple, set, frozenset)):
            waiting += one
        elif isinstance(one, types.TracebackType):
            waiting += [one.tb_next, one.tb_frame.f_locals]
        elif isinstance(one, BaseException):
            waiting += [one.__traceback__, one.__context__, one.__cause__, one.args, vars(one)]
    return False


def test_a_value_is_not_stored_in_a_workspace_that_another_tab_has_connected_meanwhile(
    open_page: OpenPage, local_workspace: LocalWorkspace, other: LocalWorkspace
):
    page = opened(open_page)
    newest(page.text_input, "secrets.put.value").set_value(CANARY)
    connect_in_another_tab(page, other)
    newest(page.button, "secrets.put.store").click().run()
    assert sent(local_workspace, other) == []
    assert "another workspace was connected meanwhile" in said(page)
    assert not reaches(vars(page.session_state["ui.secret_scope_keys.PageEntry"]), CANARY)


def test_a_scope_is_not_deleted_in_a_workspace_that_another_tab_has_connected_meanwhile(
    open_page: OpenPage, local_workspace: LocalWorkspace, other: LocalWorkspace
):
    page = opened(open_page)
    [field] = [one for one in page.text_input if str(one.key).startswith("secrets.end-")]
    [button] = [one for one in page.button if one.label == ":red[Delete the scope]"]
    field.set_value("in-both")
    connect_in_another_tab(page, other)
    button.click().run()
    page.run()
    assert sent(local_workspace, other) == []


def test_a_deletion_is_not_made_in_a_workspace_that_another_tab_has_connected_meanwhile(
    open_page: OpenPage, local_workspace: LocalWorkspace, other: LocalWorkspace
):
    page = opened(open_page).button(key="secrets.delete.there").click().run()
    connect_in_another_tab(page, other)
    page.button(key="secrets.confirm").click().run()
    assert sent(local_workspace, other) == []
    assert "another workspace was connected meanwhile" in said(page)


def test_a_change_whose_page_was_left_is_not_made_when_somebody_comes_back_later(
    open_page: OpenPage, local_workspace: LocalWorkspace, other: LocalWorkspace
):
    page = opened(open_page).button(key="secrets.delete.there").click().run()
    page.button(key="secrets.confirm").click()
    page.switch_page(str(ROOT / "pages" / "connection.py")).run()
    page.session_state["ui.secret_scope_changes.SecretChanges"].asked_at -= LONG_AGO
    page.switch_page(str(ROOT / "pages" / "secret_scopes.py")).run()
    assert sent(local_workspace) == []
    assert "the page was left" in said(page)


def test_a_value_whose_page_was_left_is_not_sent_when_somebody_comes_back_later(
    open_page: OpenPage, local_workspace: LocalWorkspace, other: LocalWorkspace
):
    page = opened(open_page)
    newest(page.text_input, "secrets.put.value").set_value(CANARY)
    newest(page.button, "secrets.put.store").click()
    page.switch_page(str(ROOT / "pages" / "connection.py")).run()
    page.session_state["ui.secret_scope_keys.PageEntry"].taken_at -= LONG_AGO
    page.switch_page(str(ROOT / "pages" / "secret_scopes.py")).run()
    assert sent(local_workspace) == []
    assert not reaches(vars(page.session_state["ui.secret_scope_keys.PageEntry"]), CANARY)


def test_the_error_that_is_kept_of_a_refusal_does_not_lead_to_the_value(
    open_page: OpenPage, local_workspace: LocalWorkspace, other: LocalWorkspace
):
    page = opened(open_page)
    newest(page.text_input, "secrets.put.value").set_value(CANARY)
    local_workspace.queue_fault("return-500", "/api/2.0/secrets/put")
    newest(page.button, "secrets.put.store").click().run()
    entry = page.session_state["ui.secret_scope_keys.PageEntry"]
    assert entry.error is not None
    assert not reaches(vars(entry), CANARY)
