from streamlit.testing.v1 import AppTest

from tests.local_workspaces import LocalWorkspace, eventually
from tests.pages.conftest import OpenPage

CHAT = "/serving-endpoints/local-smollm2-135m-instruct/invocations"


def test_it_says_where_one_is_and_as_whom(open_page: OpenPage, local_workspace: LocalWorkspace):
    page = open_page("home")
    text = " ".join(markdown.value for markdown in page.markdown)
    assert f"**This machine:** `{local_workspace.host}`" in text
    assert "`admin@local`" in text


def listed(page: AppTest) -> list[str]:
    return [one.value.replace("\\", "") for one in page.caption if "serves" in one.value]


def links(page: AppTest) -> list[str]:
    return [one.proto.label.replace("\\", "") for one in page.get("page_link")]


def test_it_lists_a_few_endpoints_as_links_with_task_and_permission(open_page: OpenPage):
    page = open_page("home")
    shown = [label for label in links(page) if "Ready" in label]
    assert [label.split("**")[1] for label in shown] == [
        "local-minilm-l6-v2",
        "local-prompt-model",
        "local-smollm2-135m-instruct",
    ]
    assert listed(page)[2].startswith("&ensp;llm/v1/chat · serves SmolLM2 135M Instruct")
    assert "Set up an endpoint" in links(page)


def test_one_click_on_a_starter_question_asks_it_once_and_shows_the_answer(
    open_page: OpenPage, local_workspace: LocalWorkspace
):
    local_workspace.queue_fault("scripted-200-5", CHAT)
    page = open_page("home")
    question = page.button(key="starter-0").label
    page.button(key="starter-0").click().run()
    asked = [entry for entry in local_workspace.requests() if entry.path == CHAT]
    assert [entry.json["messages"] for entry in asked] == [[{"role": "user", "content": question}]]
    assert page.title[0].value == "Chat"
    assert question in [markdown.value for markdown in page.markdown]
    assert page.button(key="answer-0-0-inspect")


def test_a_workspace_that_refuses_is_told_with_a_next_step(open_page: OpenPage, local_workspace: LocalWorkspace):
    local_workspace.queue_fault("return-403", "/api/2.0/serving-endpoints")
    page = open_page("home")
    assert "**Next:**" in page.error[0].value
    assert not page.exception


def test_refresh_asks_the_workspace_again_and_a_plain_rerun_does_not(
    open_page: OpenPage, local_workspace: LocalWorkspace
):
    def lists() -> int:
        return sum(entry.path == "/api/2.0/serving-endpoints" for entry in local_workspace.requests())

    page = open_page("home")
    page.run()
    assert lists() == 1
    page.button(key="home-refresh").click().run()
    eventually(lambda: lists() == 2)


def test_an_analyst_sees_what_they_may_do(open_page: OpenPage, local_workspace: LocalWorkspace, monkeypatch):
    monkeypatch.setenv("DATABRICKS_TOKEN", local_workspace.users["analyst"])
    page = open_page("home")
    assert ["CAN_QUERY" in about for about in listed(page)] == [True] * 3
    assert any("`analyst@local`" in markdown.value for markdown in page.markdown)
