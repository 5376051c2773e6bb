import subprocess

import pytest
from streamlit.testing.v1 import AppTest

from tests.local_workspaces import LocalWorkspace
from tests.pages.conftest import OpenPage


def connect(page: AppTest, host: str, token: str) -> AppTest:
    page.text_input(key="connection.host").set_value(host)
    page.text_input(key="connection.token").set_value(token)
    return page.button(key="door-session").click().run()


def texts(page: AppTest) -> str:
    return " ".join(markdown.value for markdown in page.markdown)


def test_the_four_doors_are_named_and_the_one_in_use_is_marked(open_page: OpenPage):
    doors = [heading.value for heading in open_page("connection").header]
    assert doors == ["Databricks App", "This session", "This machine (in use)", "Local workspace"]


def test_a_typed_host_and_token_are_used_and_say_who_one_is(open_page: OpenPage, local_workspace: LocalWorkspace):
    page = connect(open_page("connection"), local_workspace.host, local_workspace.users["analyst"])
    assert "**This session:**" in texts(page)
    assert "`analyst@local`" in texts(page)


def test_a_typed_token_is_in_no_widget_afterwards(open_page: OpenPage, local_workspace: LocalWorkspace):
    token = local_workspace.users["analyst"]
    page = connect(open_page("connection"), local_workspace.host, token)
    assert page.text_input(key="connection.token").value == ""
    assert token not in str(page.main)
    assert token not in str(page.session_state)


@pytest.mark.parametrize(
    ("host", "token", "said"),
    [
        ("", "dapi1", "No host was typed"),
        ("{host}", "", "No token was typed"),
        ("{host}", "two words", "not a token"),
        ("{host}", "dapi0000", "does not know this token"),
        ("http://example.com", "dapi1", "must not travel over http"),
        ("http://127.0.0.1:9", "dapi1", "127.0.0.1:9"),
        ("javascript:alert(1)", "dapi1", "is not an address"),
        ("https://", "dapi1", "not the address of a workspace"),
    ],
)
def test_what_cannot_connect_says_why_and_changes_nothing(
    host, token, said, open_page: OpenPage, local_workspace: LocalWorkspace
):
    page = connect(open_page("connection"), host.format(host=local_workspace.host), token)
    assert said in page.error[0].value.replace("\\", "")
    assert "**Next:**" in page.error[0].value
    assert "This machine (in use)" in [heading.value for heading in page.header]


def test_one_can_change_back(open_page: OpenPage, local_workspace: LocalWorkspace):
    page = connect(open_page("connection"), local_workspace.host, local_workspace.users["analyst"])
    page.button(key="door-machine").click().run()
    assert "`admin@local`" in texts(page)
    page.button(key="door-session-again").click().run()
    assert "`analyst@local`" in texts(page)


def test_a_profile_of_the_config_file_is_offered_and_used(
    open_page: OpenPage, local_workspace: LocalWorkspace, monkeypatch, tmp_path
):
    config = tmp_path / "databrickscfg"
    config.write_text(f"[team]\nhost = {local_workspace.host}\ntoken = {local_workspace.users['analyst']}\n")
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(config))
    page = open_page("connection")
    monkeypatch.delenv("DATABRICKS_HOST")
    monkeypatch.delenv("DATABRICKS_TOKEN")
    page.button(key="door-profile-team").click().run()
    assert "`analyst@local`" in texts(page)
    assert "profile team" in texts(page)


def test_a_sign_in_of_this_machine_that_fails_says_so_and_leaves_the_other_doors_open(open_page: OpenPage, monkeypatch):
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi0000")
    page = open_page("connection")
    assert "does not know this token" in page.error[0].value
    assert len(page.header) == 4


def test_the_embedded_local_workspace_is_a_click_away(open_page: OpenPage):
    page = open_page("connection")
    page.button(key="door-local-analyst").click().run()
    assert "**Local workspace:** real small models on this machine" in texts(page)
    assert "`analyst@local`" in texts(page)
    line = page.code[0].value
    said = subprocess.run(
        ["bash", "-c", f'{line}; echo "$DATABRICKS_HOST"'], capture_output=True, text=True, check=True
    )
    assert said.stdout.startswith("http://127.0.0.1:")
