"""What a call will meet is said on the pages that call, before it is made."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest

from tests.local_workspace.calls import call
from tests.local_workspace.serving_calls import ROOT, create, settled
from tests.local_workspaces import ROOT as PROJECT
from tests.local_workspaces import LocalWorkspace, eventually, start_local_workspace

SEEDED = "local-smollm2-135m-instruct"
BROKEN_MODEL, CHAT_MODEL = "tests.broken", "tests.slow-chat"
"""What tests/sleeping_models.py registers; not imported, since that loads MLflow."""
VIEWED, BROKEN, ASLEEP, STOPPED = "only-viewed", "broken", "asleep", "stopped"
VIEW = {"access_control_list": [{"user_name": "analyst@local", "permission_level": "CAN_VIEW"}]}
Open = Callable[..., AppTest]


def custom(model: str, *, sleeps: bool) -> dict:
    return {
        "name": "one",
        "entity_name": model,
        "entity_version": "1",
        "workload_size": "Small",
        "scale_to_zero_enabled": sleeps,
    }


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorkspace]:
    """A workspace with a chat endpoint in each state; what may sleep does so after a second."""
    stderr = tmp_path_factory.mktemp("workspace") / "stderr.txt"
    workspace = start_local_workspace(stderr, "--deployment-seconds", "0", "--scale-to-zero-seconds", "1")
    try:
        assert call(workspace, "GET", "/api/2.0/mlflow/registered-models/search").ok, stderr.read_text()
        arguments = ["-m", "tests.sleeping_models", f"sqlite:///{workspace.state}/mlflow.db"]
        subprocess.run([sys.executable, *arguments], cwd=PROJECT, check=True, capture_output=True, timeout=90)
        create(workspace, VIEWED)
        create(workspace, BROKEN, custom(BROKEN_MODEL, sleeps=False))
        create(workspace, ASLEEP, custom(CHAT_MODEL, sleeps=True))
        create(workspace, STOPPED, custom(CHAT_MODEL, sleeps=False))
        found = {name: settled(workspace, name) for name in (VIEWED, BROKEN, ASLEEP, STOPPED)}
        assert call(workspace, "POST", f"{ROOT}/{STOPPED}/config:stop").ok
        assert call(workspace, "PATCH", f"/api/2.0/permissions/serving-endpoints/{found[VIEWED]['id']}", VIEW).ok
        yield workspace
    finally:
        workspace.stop()


@pytest.fixture
def open_chat(states: LocalWorkspace, monkeypatch: pytest.MonkeyPatch, tmp_path) -> Open:
    """The chat page with those endpoints chosen, once nothing more will be learnt about them."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DATABRICKS_HOST", states.host)

    def open_(*endpoints: str, user: str = "admin", page: str = "chat") -> AppTest:
        monkeypatch.setenv("DATABRICKS_TOKEN", states.users[user])
        test = AppTest.from_file(str(PROJECT / "ui" / "main.py"), default_timeout=60)
        test.run()
        test.switch_page(str(PROJECT / "pages" / f"{page}.py"))
        test.query_params["endpoint"] = list(endpoints)
        test.run()
        assert not test.exception
        return test

    return open_


def prompt(page: AppTest):
    return page.chat_input(key="chat-prompt")


def beside(page: AppTest) -> str:
    return "\n".join(one.value for one in page.sidebar.markdown)


def after(page: AppTest, condition: Callable[[], bool]) -> None:
    """Run the page as it does by itself, until it says what it learnt meanwhile."""
    eventually(lambda: page.run() and condition())


def test_a_ready_endpoint_has_a_badge_and_an_open_prompt(open_chat):
    page = open_chat(SEEDED)
    assert "Ready]" in beside(page)
    assert not prompt(page).disabled
    assert not page.warning


@pytest.mark.parametrize(
    ("name", "user", "said", "next_step"),
    [
        (BROKEN, "admin", "The weights are gone", "Read its events and logs"),
        (STOPPED, "admin", "stopped is stopped", "Start it"),
        (VIEWED, "analyst", "You may see only-viewed, but not call it", "CAN QUERY"),
    ],
)
def test_what_cannot_be_called_closes_the_prompt_and_says_why(open_chat, states, name, user, said, next_step):
    page = open_chat(name, user=user)
    after(page, lambda: prompt(page).disabled and said in page.warning[0].value)
    assert f"**Next:** {next_step}" in page.warning[0].value.replace("Ask its owner for ", "")
    assert prompt(page).placeholder.startswith("Closed: ")
    assert said in beside(page)
    assert not [one for one in page.button if one.key.startswith("starter")]
    assert not [one for one in states.requests() if one.method == "POST" and "invocations" in one.path]


def test_with_one_endpoint_that_can_answer_the_prompt_is_open(open_chat):
    page = open_chat(SEEDED, BROKEN)
    after(page, lambda: "The weights are gone" in beside(page))
    assert not prompt(page).disabled
    assert "`broken`" in beside(page)
    assert f"`{SEEDED}`" in beside(page)


def test_what_sleeps_is_told_before_the_call_and_no_longer_after_it_was_woken(open_chat, states):
    eventually(lambda: "Scaled to zero" in call(states, "GET", f"{ROOT}/{ASLEEP}").text, 20)
    page = open_chat(ASLEEP)
    after(page, lambda: "the next call wakes it" in beside(page))
    assert not prompt(page).disabled
    prompt(page).set_value("Are you awake?").run()
    assert "Awake." in [one.value for one in page.main.markdown]
    assert "the next call wakes it" not in beside(page)
    posts = [one for one in states.requests() if one.method == "POST" and ASLEEP in one.path]
    assert len([one for one in posts if one.path.endswith("/invocations")]) == 1


def test_the_list_says_what_is_not_ready(open_chat):
    page = open_chat(SEEDED)
    options = page.multiselect[0].options
    assert f"{BROKEN} (failed)" in options
    assert SEEDED in options


def test_the_home_page_asks_only_what_one_may_call(open_chat, states):
    page = open_chat(user="analyst", page="home")
    assert any(f"sends a question to `{SEEDED}`" in one.value for one in page.markdown)


def test_the_home_page_says_so_where_one_may_call_nothing(open_chat, states):
    seeded = call(states, "GET", f"{ROOT}/{SEEDED}").json()["id"]
    path = f"/api/2.0/permissions/serving-endpoints/{seeded}"
    before = call(states, "GET", path).json()["access_control_list"]
    try:
        assert call(states, "PUT", path, VIEW).ok
        page = open_chat(user="analyst", page="home")
        assert "not call one" in page.info[0].value
        assert not [one for one in page.button if one.key.startswith("starter")]
    finally:
        grants = [
            {key: one[key] for key in ("user_name", "group_name") if key in one}
            | {"permission_level": one["all_permissions"][0]["permission_level"]}
            for one in before
        ]
        call(states, "PUT", path, {"access_control_list": grants})
