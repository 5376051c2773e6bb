import json
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from services.doors import typed
from services.invocation import InvocationJob
from services.jobs import Bell
from services.sandbox import sandbox
from tests.browser.screens import CHAT_PATH, ENDPOINT
from tests.local_workspaces import ROOT, LocalWorkspace, LoggedRequest, eventually
from ui.invocation_reply import FORGOTTEN
from ui.transforms.diff import MOST_LINES, difference
from ui.transforms.drafts import MOST_DRAFTS, TransformDrafts

PROMPT = "local-prompt-model"
SHAPES = """\
def transform_input(**request):
    print("asked for", request["max_tokens"])
    return {**request, "max_tokens": 7}


def transform_output(response):
    return response["choices"][0]["message"]["content"].upper()
"""


@pytest.fixture
def page(open_page) -> AppTest:
    """The page, as a link of that endpoint opens it, on a new draft with its sample."""
    return open_page("transforms", endpoint=ENDPOINT)


@pytest.fixture
def switched_off(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Transforms, as an administrator switched them off."""
    monkeypatch.setenv("BRICKYARD_TRANSFORMS", "off")
    sandbox().close()
    sandbox.cache_clear()
    yield
    sandbox.cache_clear()


def write(page: AppTest, part: str, text: str) -> AppTest:
    """Let that editor hold *text*, as its browser half tells it."""
    revision = page.session_state["ui.transforms.drafts.TransformTab"].revision
    page.session_state[f"transforms.{part}"] = {"edit": {"text": text, "revision": revision}}
    return page.run()


def press(page: AppTest, label: str) -> AppTest:
    return next(one for one in page.button if one.label == label).click().run()


def dry_run(page: AppTest) -> AppTest:
    press(page, "Dry run")
    eventually(lambda: not page.run().button(key="transforms.dry-run").disabled)
    return page


def call(page: AppTest) -> AppTest:
    press(page, "Send")
    eventually(lambda: any(one.label == "Inspect" for one in page.run().button))
    return page


def name(page: AppTest, typed: str) -> AppTest:
    next(one for one in page.text_input if one.label == "Name").set_value(typed)
    return press(page, "Save")


def codes(page: AppTest) -> list[str]:
    return [one.value for one in page.code]


def said(page: AppTest) -> str:
    shown = [*page.caption, *page.success, *page.error, *page.warning, *page.markdown]
    return "\n".join(one.value.replace("\\", "") for one in shown)


def posts(workspace: LocalWorkspace) -> list[LoggedRequest]:
    return [one for one in workspace.requests() if one.path == CHAT_PATH]


def test_a_starter_is_tried_without_sending_and_its_line_breaks_are_seen(open_page, local_workspace):
    page = open_page("transforms")
    assert page.selectbox(key="transforms.endpoint").value == "local-prompt-model", "it is for such a model"
    dry_run(page)
    assert '-       "prompt": "How·are·you?",' in codes(page)[0], "the record that LangChain gives, in its body"
    assert '+       "prompt": "How·are·you?↵' in codes(page)[0]
    assert "····Be·Concise.↵" in codes(page)[0]
    assert "there is no sample response" in said(page)
    assert posts(local_workspace) == []


def test_a_fault_is_named_with_its_function_and_line_and_bad_samples_with_theirs(page):
    write(page, "source", "def transform_output(response):\n    return response['nope']\n")
    write(page, "response", "{}")
    write(page, "request", "[1]")
    dry_run(page)
    assert "transform_output, line 2: KeyError" in said(page)
    assert "The sample request is JSON, but not an object" in said(page)
    write(page, "request", "{")
    assert "Something was changed since" in said(page)
    dry_run(page)
    assert "The sample request is not JSON" in said(page)
    assert "line 1, column 2" in said(page)
    write(page, "request", '{"a": 1, "a": 2}')
    write(page, "source", "def transform_input(:\n")
    dry_run(page)
    assert "names a field twice" in said(page)
    write(page, "request", "{}")
    dry_run(page)
    assert ["SyntaxError" in one.value for one in page.error] == [True], "once, though neither function could begin"


def test_a_call_goes_through_the_draft_once_and_shows_both_sides(page, local_workspace):
    press(page, "Use its sample")
    write(page, "source", SHAPES)
    call(page)
    [sent] = posts(local_workspace)
    assert json.loads(sent.body)["max_tokens"] == 7
    assert sent.body.decode() in codes(page)
    before_input = next(one for one in codes(page) if '-   "max_tokens": 16' in one)
    assert '+   "max_tokens": 7' in before_input
    assert "asked for 16" in codes(page)
    reply = next(one for one in codes(page) if one.startswith('{\n  "id"'))
    content = json.loads(reply)["choices"][0]["message"]["content"]
    assert any(one.splitlines()[-1] == f'+ "{shown(content.upper())}"' for one in codes(page))
    shown_at = [codes(page).index(one) for one in (content.upper(), before_input, reply)]
    assert shown_at == sorted(shown_at), "what the transform made of it first, the reply as it came last"
    assert "After transform_output** (Draft 1, not saved)" in said(page)
    # The call is the next dry run's sample, as it was before the transform.
    press(page, "Use its last call")
    dry_run(page)
    assert any(content.upper() in one.replace("·", " ") for one in codes(page))
    assert len(posts(local_workspace)) == 1
    # Newer replies may need the memory: then the page says so, and not that nothing was sent.
    other = AppTest.from_function(let_all_replies_go)
    other.session_state["ui.session.Tab"] = page.session_state["ui.session.Tab"]
    assert [one.value for one in other.run().text] == ["1"]
    page.run()
    assert FORGOTTEN in said(page)
    assert sent.body.decode() not in codes(page)


def let_all_replies_go() -> None:
    import streamlit as st

    from ui.kept_replies import KeptReplies
    from ui.session import kept

    jobs = kept(KeptReplies).jobs
    st.text(str(len(jobs)))
    for job in jobs:
        job.forget()


def shown(text: str) -> str:
    return difference("", text).text.splitlines()[-1].removeprefix('+ "').removesuffix('"')


def test_a_failing_output_keeps_the_reply_and_a_failing_input_sends_nothing(page, local_workspace):
    press(page, "Use its sample")
    write(page, "source", "def transform_output(response):\n    return response + 1\n")
    call(page)
    assert "transform_output, line 2: TypeError" in said(page)
    assert ["transform_output, line 2: TypeError" in one.value.replace("\\", "") for one in page.error] == [True], (
        "once"
    )
    assert any(one.startswith('{\n  "id"') for one in codes(page))
    write(page, "source", "def transform_input(**request):\n    return 1 / 0\n")
    call(page)
    assert ["transform_input, line 2: ZeroDivisionError" in one.value.replace("\\", "") for one in page.error] == [True]
    assert "Nothing was sent." in said(page)
    write(page, "source", SHAPES)
    assert "It ran with an earlier text" in said(page)
    assert len(posts(local_workspace)) == 1


def test_versions_are_kept_under_a_name_that_nobody_takes_over(page, open_page):
    name(page, "Loud")
    assert "Saved as `Loud`, version 1" in said(page)
    write(page, "source", SHAPES)
    assert "The source was changed since version 1" in said(page)
    press(page, "Save")
    assert "Saved as `Loud`, version 2" in said(page)
    press(page, "Versions")
    assert page.selectbox(key="transforms-version").options[1].startswith("Version 1, ")
    write(page, "source", "broken")
    press(page, "Versions")
    assert "- def transform_input(**request):" in "".join(codes(page))
    press(page, "Put it into the editor")
    assert "holds version 2 again" in said(page)
    assert "The source is saved as version 2." in said(page)
    press(page, "Empty")
    name(page, "Loud")
    assert "There is a transform “Loud” already" in said(page)
    assert page.selectbox(key="transforms.shown").value.startswith("draft:")
    name(page, "  ")
    assert "A transform needs a name" in said(page)
    # Another browser of the same machine meets what was saved, and its address names it.
    other = open_page("transforms", transform="Loud")
    assert other.selectbox(key="transforms.shown").value == "saved:Loud"
    next(one for one in other.text_input if one.label == "Name").set_value("Louder").run()
    press(other, "Rename")
    press(other, f"Attach to {ENDPOINT}")
    assert f"It is attached to `{ENDPOINT}`" in said(other)
    assert other.success[-1].value.endswith(f"is attached to `{ENDPOINT}`.")
    assert len(other.success) == 1, "said where one pressed, and there only"
    assert other.selectbox(key="transforms.shown").options == ["Louder"]
    assert "not yet what is in the editor" not in said(other)
    assert "not yet what is in the editor" in said(write(other, "source", "# another"))


def test_where_they_are_off_the_reason_is_told_and_nothing_can_be_run(switched_off, open_page):
    page = open_page("transforms")
    assert "Transforms cannot run here" in said(page)
    assert page.button(key="transforms.dry-run").disabled
    assert page.button(key="transforms.call-0").disabled
    name(page, "Still kept")
    assert "Saved as `Still kept`, version 1" in said(page)


def test_a_difference_marks_what_cannot_be_seen_and_is_bounded():
    hostile = "</code><script>\u202e\ud800\x00 `` [x](y)\ttab  \nend"
    text = difference(hostile, None).text
    assert "\\u202e\\ud800\\u0000·" in text
    assert "→tab··↵" in text
    text.encode()  # half a character would end the session
    assert difference({"a": [1, 2]}, {"a": [1, 2]}).says == "unchanged"
    deep: list[object] = []
    for _ in range(400):
        deep = [deep]
    assert "…" in difference(deep, 1).text
    assert max(len(line) for line in difference("x" * 100_000, "y").text.splitlines()) < 500
    numbers = difference(list(range(20)), [*range(10), 99, *range(11, 20)])
    assert (numbers.removed, numbers.added, numbers.left_out) == (1, 1, False)


REPEATED = random.Random(5)
LARGE: list[tuple[str, Any, Any]] = [
    ("longer than is read", [0] * 5_000, [1] * 100_000),
    (
        "the same lines again and again",
        [REPEATED.randint(0, 1) for _ in range(1_200)],
        [REPEATED.randint(0, 1) for _ in range(1_200)],
    ),
    ("a long key before many lines", {"k" * 200_000: "\n" * 20_000}, 1),
    ("no difference in what is read", "x" * 30_000, "x" * 30_001),
]


@pytest.mark.parametrize(("before", "after"), [pytest.param(*one, id=name) for name, *one in LARGE])
def test_only_the_beginning_of_what_is_large_is_compared_and_that_is_said(before, after):
    begun = time.thread_time()
    found = difference(before, after)
    assert time.thread_time() - begun < 1.0, "seconds in which no other visitor's script runs"
    assert found.left_out
    assert "beginning" in found.says
    assert found.removed <= MOST_LINES
    assert found.added <= MOST_LINES
    assert len(found.text) < 100_000


def test_the_twenty_first_draft_takes_nobodys_work_and_a_starter_that_was_only_looked_at_goes(page):
    write(page, "source", "typed = 1")
    for _ in range(MOST_DRAFTS + 3):
        press(page, "Strip reasoning")
    options = page.selectbox(key="transforms.shown").options
    assert (len(options), "Draft 1" in options) == (MOST_DRAFTS, True)
    for number in range(MOST_DRAFTS - 1):
        press(page, "Strip reasoning")
        write(page, "source", f"typed = {number}")
    press(page, "Strip reasoning")
    assert f"{MOST_DRAFTS} drafts hold work that is not saved" in said(page)
    assert len(page.selectbox(key="transforms.shown").options) == MOST_DRAFTS
    press(page, ":red[Discard it]")
    press(page, "Strip reasoning")
    assert "hold work" not in said(page)


def test_a_name_that_only_looks_another_is_the_same(page):
    name(page, "Café")
    press(page, "Empty")
    name(page, "Cafe\u0301")
    assert "There is a transform “Café” already" in said(page)


def test_a_workspace_that_is_let_go_takes_its_request_and_reply_along(local_workspace):
    workspace, drafts = typed(local_workspace.host, local_workspace.token), TransformDrafts()
    draft = drafts.new()
    draft.called = workspace
    draft.job = InvocationJob(workspace, ENDPOINT, {}, Bell())
    drafts.let_go(workspace)
    assert (draft.job, draft.called, draft.calling) == (None, None, False)


def test_a_sample_that_an_endpoint_will_hardly_take_is_told_before_it_is_sent(page, local_workspace):
    write(page, "source", "def transform_output(response):\n    return response\n")
    write(page, "request", '{"prompt": "How are you?"}')
    assert "is a chat endpoint, which takes `messages`" in said(page)
    page.selectbox(key="transforms.endpoint").set_value("local-prompt-model").run()
    assert "One record" in str(page.session_state["transforms.envelope"])
    assert "is a chat endpoint" not in said(page)
    assert "which takes `dataframe_records`" not in said(page), "one record may be typed alone"
    write(page, "request", '{"messages": []}')
    assert "has not one record" in said(page)
    assert posts(local_workspace) == []


def test_null_is_a_value_and_a_forgotten_return_is_pointed_out(page):
    write(page, "source", "def transform_output(response):\n    response\n")
    dry_run(page)
    assert "transform_output returned None" in said(page)


def test_a_link_begins_with_what_fits_its_endpoint_and_a_reload_with_the_one_chosen_since(page):
    assert page.session_state["transforms.endpoint"] == ENDPOINT
    dry_run(page)
    assert "Answer·in·one·sentence" in codes(page)[0], "a starter for chat, on a chat's sample"
    page.selectbox(key="transforms.endpoint").set_value(PROMPT).run()
    assert page.query_params["endpoint"] == PROMPT
    page.segmented_control(key="transforms.envelope").set_value("The whole body").run()
    del page.session_state["ui.transforms.drafts.TransformTab"]  # as a reload does
    page.run()
    assert page.selectbox(key="transforms.endpoint").value == PROMPT
    assert page.segmented_control(key="transforms.envelope").value == "The whole body", "as it was chosen"


def test_the_body_that_invoke_has_comes_along_but_over_nothing_that_was_typed(open_page):
    page = open_page("invoke", endpoint=PROMPT)
    eventually(lambda: any(one.label == "prompt (needed)" for one in page.run().text_area), 60)

    def asked(text: str) -> AppTest:
        next(one for one in page.text_area if one.label == "prompt (needed)").set_value(text).run()
        page.query_params["endpoint"], page.query_params["sample"] = PROMPT, "invoke"
        page.switch_page(str(ROOT / "pages" / "transforms.py")).run()
        assert "sample" not in page.query_params
        return page

    dry_run(asked("Brought along?"))
    assert "is the body that Invoke has" in said(page)
    assert '"prompt":·"Brought' not in codes(page)[0]
    assert '-       "prompt": "Brought·along?"' in codes(page)[0]
    page.query_params["endpoint"] = PROMPT
    page.switch_page(str(ROOT / "pages" / "invoke.py")).run()
    dry_run(asked("And again?"))
    assert '"And·again?"' in codes(page)[0], "by the same link, too"
    write(page, "request", '{"prompt": "typed"}')
    page.switch_page(str(ROOT / "pages" / "invoke.py")).run()
    dry_run(asked("Not this one"))
    assert '"typed"' in codes(page)[0]


def test_a_misspelt_function_lets_no_body_pass_and_is_told_its_right_name(page, local_workspace):
    write(page, "source", SHAPES.replace("transform_input", "tranform_input"))
    dry_run(page)
    assert "tranform_input may be it, misspelt" in said(page)
    assert "Rename it to transform_input." in said(page)
    call(page)
    assert posts(local_workspace) == []
    write(page, "source", "x = 1")
    dry_run(page)
    assert "Define one of them, or both." in said(page)


def test_half_a_character_in_a_value_does_not_end_the_page():
    def drawn() -> None:
        from ui.shaped_answer import draw_value

        draw_value("\ud800 half")
        draw_value({"\ud800": "\udc00 half"})

    page = AppTest.from_function(drawn).run()
    assert codes(page) == ["? half", '{\n  "?": "? half"\n}']
