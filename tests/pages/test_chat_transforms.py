"""Transforms on the chat page: chosen, attached, at work, and seen in the turn and in the inspector."""

import json
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from services.doors import typed
from services.sandbox import sandbox
from services.transforms import Place, PlaceKind, Transform, library
from services.visitors import THIS_MACHINE, owner_of
from tests.local_workspaces import ROOT, LocalWorkspace, eventually
from tests.pages.conftest import OpenPage
from tests.services.chats import CHAT, CHAT_PATH, SCRIPT
from ui.conversation import KEPT_REPLIES, Conversation
from ui.transform_picker import _Choices

LOUD = """
def transform_input(**request):
    print("asked", len(request["messages"]))
    request["messages"][-1]["content"] += "\\n    Be Concise.\\n    "
    return request


def transform_output(response):
    return response["choices"][0]["message"]["content"].upper()
"""


@pytest.fixture(scope="module", autouse=True)
def _end_the_sandbox():
    yield
    sandbox().close()


@pytest.fixture
def chat(open_page: OpenPage, local_workspace: LocalWorkspace):
    """Open the chat page with a saved transform, which may be attached."""

    def open_(source: str | None = LOUD, *, attached: bool = True, name: str = "Loud") -> AppTest:
        open_page("home")  # so that HOME is the test's own
        if source is not None:
            library().save(THIS_MACHINE, name, source)
            if attached:
                place = Place(PlaceKind.ENDPOINT, local_workspace.host, CHAT)
                library().attach(THIS_MACHINE, place, name)
        return open_page("chat")

    return open_


@pytest.fixture
def ask(local_workspace: LocalWorkspace):
    def ask_(page: AppTest, prompt: str) -> AppTest:
        local_workspace.queue_fault("scripted-1000-10", CHAT_PATH)
        page.chat_input(key="chat-prompt").set_value(prompt).run()
        local_workspace.clear_faults()  # where nothing was sent, it is still there
        assert not page.exception
        return page

    return ask_


def choice(page: AppTest):
    return next(one for one in page.selectbox if one.label == "Transform")


def sent(local_workspace: LocalWorkspace) -> list[list[str]]:
    return [
        [message["content"] for message in one.json["messages"]]
        for one in local_workspace.requests()
        if one.path == CHAT_PATH
    ]


def codes(page: AppTest) -> list[str]:
    return [one.value for one in page.main.code]


def markdowns(page: AppTest) -> str:
    return "\n".join(one.value for one in page.main.markdown)


def errors(page: AppTest) -> str:
    return "\n".join(one.value for one in page.error).replace("\\", "")


def captions(page: AppTest) -> str:
    return "\n".join(one.value for one in page.caption).replace("\\", "")


def test_what_is_attached_is_at_work_and_the_next_turn_quotes_what_the_model_said(chat, ask, local_workspace):
    page = chat()
    assert choice(page).value == "Loud"
    assert "Version 1, attached" in captions(page)
    assert "Before transform_input of Loud, version 1" in captions(page)
    ask(page, "hello")
    assert sent(local_workspace) == [["hello\n    Be Concise.\n    "]]
    assert SCRIPT.strip() in markdowns(page)
    assert "**After transform_output** (Loud, version 1)" in markdowns(page)
    assert SCRIPT.upper().rstrip() in [one.rstrip() for one in codes(page)]
    assert "BRICK" not in markdowns(page), "what a transform gives is no Markdown"
    library().save(THIS_MACHINE, "Loud", LOUD + "# mended\n")
    page.run()
    assert "Version 2, attached" in captions(page)
    ask(page, "again")
    assert sent(local_workspace)[1] == ["hello", SCRIPT, "again\n    Be Concise.\n    "]
    assert "(Loud, version 1)" in markdowns(page), "which one was at work stays visible"
    assert "(Loud, version 2)" in markdowns(page)


def test_it_can_be_left_out_and_chosen_again_and_the_choice_outlives_leaving_the_page(chat, ask, local_workspace):
    page = chat(attached=False)
    assert choice(page).value is None
    ask(page, "plain")
    choice(page).set_value("Loud").run()
    assert "Version 1" in captions(page)
    assert "attached" not in captions(page)
    page.switch_page(str(ROOT / "pages" / "home.py")).run()
    page.switch_page(str(ROOT / "pages" / "chat.py")).run()
    assert choice(page).value == "Loud"
    ask(page, "shaped")
    key = choice(page).key
    page.button(key=f"{key}-attach").click().run()
    place = Place(PlaceKind.ENDPOINT, local_workspace.host, CHAT)
    assert library().attached(THIS_MACHINE, place) == Transform("Loud", 1, LOUD)
    choice(page).set_value(None).run()
    ask(page, "plain again")
    assert [messages[-1] for messages in sent(local_workspace)] == [
        "plain",
        "shaped\n    Be Concise.\n    ",
        "plain again",
    ]
    choice(page).set_value("Loud").run()
    page.button(key=f"{key}-detach").click().run()
    assert library().attached(THIS_MACHINE, place) is None
    assert choice(page).value == "Loud", "a call does not lose it unseen"


def test_a_request_that_its_transform_cannot_make_is_not_sent_and_the_turn_says_so(chat, ask, local_workspace):
    page = ask(chat("def transform_input(**request):\n    return request['prompt']"), "hello")
    assert sent(local_workspace) == []
    assert "transform_input, line 2: KeyError" in errors(page)
    assert "**Next:** Nothing was sent." in errors(page)
    assert "*Where: your transform*" in errors(page)
    assert "hello" in markdowns(page)
    assert "Transform: Loud, version 1" in captions(page)
    library().save(THIS_MACHINE, "Loud", LOUD)
    page.run()
    ask(page, "once more")
    assert sent(local_workspace) == [["once more\n    Be Concise.\n    "]], "a prompt without an answer is not quoted"


def test_a_reply_that_its_transform_cannot_take_stays_as_it_came(chat, ask):
    page = ask(chat("def transform_output(response):\n    return response.upper()", name="half"), "hello")
    assert SCRIPT.strip() in markdowns(page)
    assert "transform_output, line 2: AttributeError" in errors(page)
    assert "The reply is kept as it came." in errors(page)
    assert "Transform: half, version 1" in captions(page)


HOSTILE = "</code><script>alert(1)</script> ![x](http://evil.example/x) :red[**bold**] ```"


@pytest.mark.parametrize("value", [HOSTILE, {HOSTILE: [HOSTILE]}, "", "x" * 70_000])
def test_whatever_a_transform_gives_or_prints_is_drawn_as_code(chat, ask, value):
    source = f"def transform_output(r):\n    print({HOSTILE!r})\n    return {value!r}"
    page = ask(chat(source, name="**hostile** `x`"), "hello")
    text = value if isinstance(value, str) else json.dumps(value, indent=2)
    assert (text[:60_000] or "(an empty text)") in codes(page)
    page.button(key="answer-0-0-inspect").click().run()
    assert not page.exception
    assert HOSTILE in "\n".join(one.value for one in page.code), "what it printed"
    assert "script" not in markdowns(page)
    assert "\\*\\*hostile\\*\\*" in markdowns(page)


def test_the_inspector_shows_both_sides_of_both_functions(chat, ask):
    page = ask(chat(), "hello")
    page.button(key="answer-0-0-inspect").click().run()
    assert [tab.label for tab in page.tabs][-1] == "Transform"
    drawn = "\n".join(one.value for one in page.tabs[-1].code)
    assert '-       "content": "hello"' in drawn
    assert '+       "content": "hello↵' in drawn
    assert "asked 1\n" in drawn
    assert "def transform_output" in drawn
    assert "BRICK·벽돌·**BOLD**" in drawn


def test_code_to_take_away_says_that_the_transform_is_not_in_it(chat, ask):
    page = ask(chat(), "hello")
    page.button(key="answer-0-0-code").click().run()
    assert any(
        "The transform (Loud, version 1) is not in this code" in one.value.replace("\\", "") for one in page.info
    )
    assert "Be Concise" not in page.code[-1].value


def test_a_question_from_the_home_page_goes_through_what_is_attached(chat, local_workspace, open_page):
    chat()
    local_workspace.queue_fault("scripted-1000-10", CHAT_PATH)
    page = open_page("home")
    next(one for one in page.button if one.key and one.key.startswith("starter")).click().run()
    assert not page.exception
    [[question]] = eventually(lambda: sent(local_workspace))
    assert question.endswith("\n    Be Concise.\n    ")


def test_where_transforms_are_off_the_page_says_why_and_nothing_goes_out_without_them(
    chat, ask, local_workspace, monkeypatch
):
    sandbox().close()
    sandbox.cache_clear()
    monkeypatch.setenv("BRICKYARD_TRANSFORMS", "off")
    try:
        page = chat()
        warning = "\n".join(one.value for one in page.warning)
        assert "Transforms are off here, so with one chosen nothing is sent" in warning
        assert "switched transforms off" in warning
        ask(page, "secret")
        assert sent(local_workspace) == []
        choice(page).set_value(None).run()
        ask(page, "public")
        assert sent(local_workspace) == [["public"]]
    finally:
        sandbox.cache_clear()


def test_with_a_transform_that_is_gone_nothing_goes_out_until_the_person_chooses_again(chat, ask, local_workspace):
    page = chat(attached=False)
    choice(page).set_value("Loud").run()
    library().save(THIS_MACHINE, "another", LOUD)
    library().delete(THIS_MACHINE, "Loud")
    for _ in range(2):
        page.run()
        assert "The transform `Loud` is gone" in "\n".join(one.value for one in page.warning)
        assert choice(page).value is None
        assert page.chat_input(key="chat-prompt").disabled
    page.button(key=f"{choice(page).key}-without").click().run()
    assert not page.warning
    ask(page, "plain")
    assert sent(local_workspace) == [["plain"]]


def test_a_choice_is_of_one_workspace_and_of_its_endpoint():
    choices = _Choices()
    here, elsewhere = (Place(PlaceKind.ENDPOINT, host, "dolly") for host in ("https://a", "https://b"))
    other = replace(here, name="other")
    choices.choose("chat", [here], None)
    assert choices.chosen("chat", [here], "Redact") is None
    assert choices.chosen("chat", [elsewhere], "Redact") == "Redact"
    assert choices.chosen("chat", [other], "Redact") == "Redact"
    assert choices.chosen("invoke", [here], "Redact") == "Redact"
    choices.choose("chat", [here, other], "Loud")
    assert choices.chosen("chat", [other], None) == "Loud", "one endpoint fewer or more loses nothing"


def test_a_damaged_file_of_transforms_is_told_and_the_page_goes_on(chat, tmp_path):
    page = chat()
    (tmp_path / ".local/state/brickyard/transforms.sqlite3").write_bytes(b"no database" * 999)
    page.run()
    assert not page.exception
    assert "is damaged" in errors(page)
    assert page.chat_input(key="chat-prompt")


def test_where_others_may_come_in_each_browser_has_its_own(chat, monkeypatch):
    chat()
    monkeypatch.setenv("BRICKYARD_ALLOWED_ORIGINS", "https://apps.example.com")
    page = chat(None)
    assert not [one for one in page.selectbox if one.label == "Transform"]


def test_an_owner_is_the_person_or_this_machine_or_a_browser_whose_cookie_is_not_in_it():
    assert owner_of("cookie", "", alone=True) == owner_of("other", "", alone=True) == THIS_MACHINE
    assert owner_of("cookie", "ann", alone=False) == owner_of("other", "ann", alone=True) == "user ann"
    assert owner_of("cookie", "", alone=False) != owner_of("other", "", alone=False)
    assert "cookie" not in owner_of("cookie", "", alone=False)
    assert owner_of("c", "this machine", alone=False) != THIS_MACHINE


def test_each_call_of_a_turn_has_its_own_trace_and_an_old_one_is_forgotten(local_workspace):
    workspace = typed(local_workspace.host, local_workspace.token)
    local_workspace.queue_fault("scripted-1000-10", CHAT_PATH, times=2)
    conversation = Conversation(endpoints=[CHAT, CHAT], transform=Transform("Loud", 3, LOUD))
    turn = conversation.ask(workspace, "hello")
    eventually(lambda: not turn.running)
    first, second = (job.call.record.trace for job in turn.jobs)
    assert first is not second
    assert [job.reply.shaped_value for job in turn.jobs] == [SCRIPT.upper()] * 2
    conversation.endpoints = []  # so that the later turns send nothing
    for _ in range(KEPT_REPLIES):
        conversation.ask(workspace, "later")
    assert (first.output, first.input) == (None, None)
    assert turn.jobs[0].hooks.trace.transform.label == "Loud, version 3"
