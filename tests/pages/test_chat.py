import json
import subprocess
import sys

import pytest
from streamlit.testing.v1 import AppTest

from services.chat import PARAMETERS
from services.snippets import DIALECTS
from tests.local_workspaces import ROOT, LocalWorkspace
from tests.pages.conftest import OpenPage

CHAT = "/serving-endpoints/local-smollm2-135m-instruct/invocations"
SCRIPTED = "scripted-500-5"


@pytest.fixture
def ask(local_workspace: LocalWorkspace):
    def ask_(page: AppTest, prompt: str, fault: str = SCRIPTED) -> AppTest:
        local_workspace.queue_fault(fault, CHAT)
        return page.chat_input(key="chat-prompt").set_value(prompt).run()

    return ask_


def texts(page: AppTest) -> list[str]:
    return [markdown.value for markdown in page.markdown]


def all_widgets(page: AppTest) -> dict[str, object]:
    kinds = (page.number_input, page.selectbox, page.multiselect, page.text_area, page.toggle)
    return {one.key.rsplit(".", 1)[-1]: one for kind in kinds for one in kind if one.key}


def sent(local_workspace: LocalWorkspace) -> list[dict]:
    return [entry.json for entry in local_workspace.requests() if entry.path == CHAT]


def test_an_empty_conversation_says_what_to_do(open_page: OpenPage):
    page = open_page("chat")
    assert "Ask something below" in page.info[0].value


def test_nothing_is_sent_but_the_message_and_stream_while_nothing_is_set(open_page, ask, local_workspace):
    ask(open_page("chat"), "hello")
    assert sent(local_workspace) == [{"messages": [{"role": "user", "content": "hello"}], "stream": True}]


def test_the_next_request_is_shown_before_it_is_sent(open_page, ask, local_workspace):
    page = open_page("chat")
    all_widgets(page)["temperature"].set_value(0.3).run()
    preview = json.loads(page.sidebar.code[0].value)
    ask(page, "hello")
    body = sent(local_workspace)[0]
    assert {k: v for k, v in preview.items() if k != "messages"} == {k: v for k, v in body.items() if k != "messages"}
    assert body["temperature"] == 0.3


VALUES = {
    "temperature": (0.4, 0.4),
    "max_tokens": (17, 17),
    "top_p": (0.9, 0.9),
    "stop": (["END"], ["END"]),
    "n": (2, 2),
    "seed": (7, 7),
    "presence_penalty": (0.5, 0.5),
    "frequency_penalty": (-0.5, -0.5),
    "logprobs": (True, True),
    "top_logprobs": (2, 2),
    "response_format": ("json_object", {"type": "json_object"}),
    "tools": (
        '[{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]',
        [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    ),
    "tool_choice": ("auto", "auto"),
}


def test_every_parameter_has_a_case():
    assert {parameter.name for parameter in PARAMETERS} == VALUES.keys() | {"json_schema", "extra"}


@pytest.mark.parametrize("name", VALUES)
def test_each_control_changes_the_body_and_emptied_again_is_not_sent(name, open_page, ask, local_workspace):
    value, wire = VALUES[name]
    page = open_page("chat")
    all_widgets(page)[name].set_value(value).run()
    ask(page, "one")
    empty = [] if name == "stop" else "" if name == "tools" else None
    all_widgets(page)[name].set_value(empty).run()
    ask(page, "two")
    with_it, without = sent(local_workspace)
    assert with_it.pop(name) == wire
    assert name not in without
    assert with_it.keys() == without.keys()


def test_a_schema_and_extra_fields_reach_the_body(open_page, ask, local_workspace):
    page = open_page("chat")
    widgets = all_widgets(page)
    widgets["response_format"].set_value("json_schema")
    widgets["json_schema"].set_value('{"type": "object"}')
    widgets["extra"].set_value('{"top_k": 5}').run()
    ask(page, "hello")
    body = sent(local_workspace)[0]
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert body["top_k"] == 5


def test_stream_off_is_not_sent_and_the_whole_answer_is_shown(open_page, ask, local_workspace):
    page = open_page("chat")
    all_widgets(page)["stream"].set_value(False).run()
    ask(page, "hello")
    assert "stream" not in sent(local_workspace)[0]
    assert page.button(key="answer-0-0-inspect")
    assert any("total" in caption.value and "first token" not in caption.value for caption in page.caption)


def test_what_cannot_be_sent_stays_on_screen_with_the_reason_and_nothing_leaves(open_page, local_workspace):
    page = open_page("chat")
    all_widgets(page)["tools"].set_value("{not json").run()
    assert "tools is not JSON" in page.sidebar.error[0].value
    page.chat_input(key="chat-prompt").set_value("do not lose me").run()
    assert "do not lose me" in texts(page)
    assert "tools is not JSON" in page.main.error[0].value
    assert sent(local_workspace) == []


def test_the_history_and_the_system_prompt_are_sent_along(open_page, ask, local_workspace):
    page = open_page("chat")
    next(one for one in page.text_area if one.label == "System prompt").set_value("Be brief.").run()
    ask(page, "one")
    ask(page, "two")
    roles = [message["role"] for message in sent(local_workspace)[1]["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert sent(local_workspace)[1]["messages"][0]["content"] == "Be brief."


def test_figures_under_an_answer_are_measured_or_reported(open_page, ask):
    page = ask(open_page("chat"), "hello")
    line = next(caption.value for caption in page.caption if "first token" in caption.value)
    assert "total" in line
    assert "tokens in" in line
    assert "ended by itself" in line


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("return-429-retry-after-3", "asks to wait 3 s"),
        ("return-503", "cannot answer yet"),
        ("return-404", "There is no"),
        ("html-502", "Nothing answered behind"),
        ("scripted-500-9 break-after-4", "broke off"),
        ("scripted-500-9 error-event-after-4", "broke off"),
    ],
)
def test_a_failure_has_a_sentence_a_side_and_a_next_step_and_is_not_retried(
    fault, said, open_page, ask, local_workspace
):
    page = ask(open_page("chat"), "hello", fault)
    shown = page.error[0].value
    assert said in shown.replace("\\", "")
    assert "**Next:**" in shown
    assert "*Where:" in shown
    assert len(sent(local_workspace)) == 1


def test_after_a_failure_the_conversation_goes_on_without_the_failed_turn(open_page, ask, local_workspace):
    page = ask(open_page("chat"), "one", "return-503")
    ask(page, "two")
    assert [message["content"] for message in sent(local_workspace)[1]["messages"]] == ["two"]


def test_a_malformed_event_is_told_and_the_rest_is_kept(open_page, ask):
    page = ask(open_page("chat"), "hello", "scripted-500-9 malformed-after-4")
    assert "could not be read" in page.warning[0].value
    assert not page.error


def test_clear_can_be_undone(open_page, ask):
    page = ask(open_page("chat"), "remember this")
    page.button(key="chat-clear").click().run()
    assert "remember this" not in texts(page)
    page.button(key="chat-undo").click().run()
    assert "remember this" in texts(page)


def test_choices_and_the_transcript_survive_a_visit_to_another_page(open_page, ask, local_workspace):
    page = open_page("chat")
    all_widgets(page)["max_tokens"].set_value(33).run()
    ask(page, "remember this")
    page.switch_page(str(_page("home"))).run()
    page.switch_page(str(_page("chat"))).run()
    assert "remember this" in texts(page)
    assert all_widgets(page)["max_tokens"].value == 33


def _page(name: str):
    return ROOT / "pages" / f"{name}.py"


def test_the_inspector_shows_the_exact_body(open_page, ask, local_workspace):
    page = ask(open_page("chat"), 'Grüße, "안녕" 👋')
    page.button(key="answer-0-0-inspect").click().run()
    body = next(entry.body.decode() for entry in local_workspace.requests() if entry.path == CHAT)
    assert body in [code.value for code in page.code]
    assert any("Authorization: [redacted]" in code.value for code in page.code)


def test_each_dialect_is_offered_and_none_holds_the_token(open_page, ask, local_workspace):
    page = ask(open_page("chat"), "hello")
    page.button(key="answer-0-0-code").click().run()
    assert page.segmented_control(key="code-dialect").options == [dialect.name for dialect in DIALECTS]
    assert all(local_workspace.token not in code.value for code in page.code)


def test_a_link_chooses_the_endpoint_and_says_what_it_does_not_know(open_page):
    page = open_page("home")
    page.query_params["endpoint"] = ["local-smollm2-135m-instruct", "gone"]
    page.switch_page(str(_page("chat")))
    page.query_params["endpoint"] = ["local-smollm2-135m-instruct", "gone"]
    page.run()
    assert all_widgets(page)["endpoints"].value == ["local-smollm2-135m-instruct"]
    assert any("gone" in warning.value for warning in page.warning)


def test_without_an_endpoint_nothing_can_be_sent(open_page):
    page = open_page("chat")
    all_widgets(page)["endpoints"].set_value([]).run()
    assert page.chat_input(key="chat-prompt").disabled


def test_the_chat_path_loads_no_heavy_library():
    script = (
        "import sys; from streamlit.testing.v1 import AppTest\n"
        "before = set(sys.modules)\n"
        "import pages, ui.answers, ui.parameters, ui.exchange_dialog, ui.connecting, ui.endpoint_picker, ui.endpoints.list, app\n"
        "print([m for m in ('mlflow','sklearn','umap','plotly','pandas','databricks.sdk') if m in set(sys.modules) - before])"
    )
    out = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert out.stdout.strip().endswith("[]")


def test_a_link_cannot_write_into_the_page(open_page):
    page = open_page("home")
    page.query_params["endpoint"] = ["[Sign in again](https://outside.example) ![x](https://outside.example/x.png)`"]
    page.switch_page(str(_page("chat")))
    page.query_params["endpoint"] = ["[Sign in again](https://outside.example) ![x](https://outside.example/x.png)`"]
    page.run()
    said = next(warning.value for warning in page.warning if "left out" in warning.value)
    assert said.endswith("`[Sign in again](https://outside.example) ![x](https://outside.example/x.png)'`")


def test_a_conversation_is_not_carried_to_another_workspace(open_page, ask, local_workspace, monkeypatch):
    page = ask(open_page("chat"), "for the admin only")
    held = page.query_params["chat"]
    monkeypatch.setenv("DATABRICKS_TOKEN", local_workspace.users["analyst"])
    page.switch_page(str(_page("connection"))).run()
    page.button(key="door-local-analyst").click().run()
    page.switch_page(str(_page("chat")))
    page.query_params["chat"] = held
    page.run()
    assert "for the admin only" in texts(page)
    assert "held in another workspace" in page.info[0].value
    assert page.chat_input(key="chat-prompt").disabled


def test_new_begins_another_conversation_and_the_list_leads_back(open_page, ask):
    page = ask(open_page("chat"), "the first one")
    page.button(key="chat-new").click().run()
    assert "the first one" not in texts(page)
    ask(page, "the second one")
    page.run()
    choice = page.selectbox(key="chat-conversation")
    assert choice.options == ["the second one", "the first one"]
    choice.select_index(1).run()
    assert "the first one" in texts(page)
    assert "the second one" not in texts(page)


def test_two_conversations_that_begin_alike_can_both_be_opened(open_page, ask):
    page = ask(open_page("chat"), "the same")
    first = page.query_params["chat"]
    page.button(key="chat-new").click().run()
    ask(page, "the same")
    page.run()
    choice = page.selectbox(key="chat-conversation")
    assert choice.options == ["the same (2)", "the same"]
    choice.select_index(1).run()
    assert page.query_params["chat"] == first


def test_the_first_question_is_the_title_in_the_list_at_once_also_where_it_failed(open_page, ask):
    page = ask(open_page("chat"), "the first one")
    page.button(key="chat-new").click().run()
    ask(page, "the second one", "return-503")
    assert page.selectbox(key="chat-conversation").options == ["the second one", "the first one"]


def test_a_choice_by_the_label_of_an_earlier_list_is_the_same_choice(open_page, ask, local_workspace):
    page = open_page("chat")
    (name,) = all_widgets(page)["endpoints"].value
    all_widgets(page)["endpoints"].set_value([f"{name} (updating)", name])
    ask(page, "hello")
    assert all_widgets(page)["endpoints"].value == [name]
    assert [one["messages"][0]["content"] for one in sent(local_workspace)] == ["hello"]


def test_a_prompt_without_an_endpoint_waits_stays_in_the_list_and_goes_out_once_one_is_chosen(
    open_page, ask, local_workspace
):
    page = ask(open_page("chat"), "the first one")
    page.button(key="chat-new").click().run()
    all_widgets(page)["endpoints"].set_value([])
    page.chat_input(key="chat-prompt").set_value("do not lose me").run()
    assert "choose an endpoint" in page.warning[0].value
    assert not page.info
    page.switch_page(str(_page("home"))).run()
    page.switch_page(str(_page("chat"))).run()
    assert page.selectbox(key="chat-conversation").options == ["do not lose me", "the first one"]
    assert len(sent(local_workspace)) == 1
    local_workspace.queue_fault(SCRIPTED, CHAT)
    all_widgets(page)["endpoints"].set_value(["local-smollm2-135m-instruct"]).run()
    assert "do not lose me" in texts(page)
    assert [one["messages"][-1]["content"] for one in sent(local_workspace)] == ["the first one", "do not lose me"]
    assert not page.warning


def test_the_figures_say_who_answered(open_page, ask):
    page = open_page("chat")
    page.chat_input(key="chat-prompt").set_value("Say hi.").run()
    assert any(" by smollm2" in caption.value.replace("\\", "") for caption in page.caption)


def test_clear_twice_loses_nothing(open_page, ask):
    page = ask(open_page("chat"), "remember this")
    page.button(key="chat-clear").click().run()
    page.run()
    page.button(key="chat-undo").click().run()
    assert "remember this" in texts(page)
