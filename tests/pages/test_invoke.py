"""The Invoke page: a form and its JSON twin, one call, and what came of it."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from services.sandbox import sandbox
from services.transforms import Place, PlaceKind, library
from services.visitors import THIS_MACHINE
from tests.local_workspaces import LocalWorkspace, eventually

pytestmark = pytest.mark.usefixtures("awake_registry")

CHAT, EMBEDDINGS, PROMPT = "local-smollm2-135m-instruct", "local-minilm-l6-v2", "local-prompt-model"
LOUD = """
def transform_input(**request):
    request["prompt"] += "\\nBe Concise."
    return request


def transform_output(response):
    return response.upper()
"""


@pytest.fixture(scope="module", autouse=True)
def _end_the_sandbox():
    yield
    sandbox().close()


def path_of(endpoint: str) -> str:
    return f"/serving-endpoints/{endpoint}/invocations"


def drawn(page: AppTest) -> bool:
    """Whether the form is there; a workspace that has only just begun may have to be asked again."""
    labels = [one.label for one in page.run().button]
    if "Ask again" in labels:
        press(page, "Ask again")
    return "Send" in labels and "Ask again" not in labels


@pytest.fixture
def open_invoke(open_page):
    """The page on that endpoint, once its form is drawn."""

    def open_(endpoint: str) -> AppTest:
        page = open_page("invoke", endpoint=endpoint)
        eventually(lambda: drawn(page), 60)
        assert not page.exception
        return page

    return open_


def labelled(widgets, label: str):
    return next(one for one in widgets if one.label.replace("\\", "") == label)


def twin(page: AppTest):
    return labelled(page.text_area, "The same as JSON")


def body(page: AppTest):
    return json.loads(twin(page).value)


def told(page: AppTest, sentence: str) -> bool:
    """Whether it stands at a field."""
    return any(sentence in one.value.replace("\\", "") for one in page.markdown)


def press(page: AppTest, label: str) -> AppTest:
    labelled(page.button, label).click().run()
    assert not page.exception
    return page


def sent(page: AppTest, label: str = "Send") -> AppTest:
    """Press Send, and run the page as it runs by itself until the call is over."""
    press(page, label)
    eventually(lambda: not [one for one in page.run().button if one.label == "Stop"], 60)
    assert not page.exception
    return page


def posts(local_workspace: LocalWorkspace) -> list:
    return [one.json for one in local_workspace.requests() if one.method == "POST" and "invocations" in one.path]


def test_a_prompt_and_its_stop_texts_leave_as_one_record_and_come_back_as_text(open_invoke, local_workspace):
    page = open_invoke(PROMPT)
    assert labelled(page.text_area, "prompt (needed)").value == "How are you?"
    labelled(page.multiselect, "stop").set_value(["."]).run()
    labelled(page.text_input, "temperature").set_value("0.1").run()
    labelled(page.text_input, "max_tokens").set_value("8").run()
    whole = {
        "dataframe_records": [{"prompt": "How are you?", "stop": ["."]}],
        "params": {"temperature": 0.1, "max_tokens": 8},
    }
    assert body(page) == whole
    sent(page)
    assert posts(local_workspace)[0] == whole
    raw = json.loads(page.code[-1].value)
    assert page.code[0].value in raw["predictions"]
    assert any("HTTP 200" in one.value and "`prompt-model-1`" in one.value for one in page.caption)


def test_the_form_and_the_json_follow_each_other_and_neither_loses_anything(open_invoke, local_workspace):
    page = open_invoke(EMBEDDINGS)
    labelled(page.text_area, "input (needed)").set_value("a\n벽돌").run()
    assert body(page) == {"input": ["a", "벽돌"]}
    twin(page).set_value('{"input": "one", "encoding_format": "float", "user": "me"}').run()
    assert labelled(page.text_area, "input (needed)").value == "one"
    assert labelled(page.selectbox, "encoding_format").value == "float"
    assert json.loads(labelled(page.text_area, "more fields").value) == {"user": "me"}
    labelled(page.selectbox, "encoding_format").set_value(None).run()
    assert body(page) == {"input": "one", "user": "me"}, "emptied: not sent, and not null"
    twin(page).set_value('{"input": ').run()
    assert "not JSON" in page.error[0].value
    assert twin(page).value == '{"input": '
    press(page, "Send")
    assert posts(local_workspace) == []
    assert twin(page).value == '{"input": '
    twin(page).set_value('{"input": 1, "input": 2}').run()
    assert "names a field twice" in page.error[0].value
    press(page, "Drop this edit")
    assert not page.error, "what was wrong is gone with the edit"
    assert body(page) == {"input": "one", "user": "me"}
    twin(page).set_value('{"input": ["two\\nlines"]}').run()
    assert any("this field cannot show" in one.value for one in page.caption)
    assert body(page) == {"input": ["two\nlines"]}
    press(page, "Clear it")
    assert body(page) == {}
    press(page, "Undo the edit")
    press(page, "Undo the edit")
    assert body(page) == {"input": "one", "user": "me"}


def test_a_wrong_type_is_told_at_its_field_and_sent_only_on_purpose(open_invoke, local_workspace):
    page = open_invoke(CHAT)
    labelled(page.text_input, "max_tokens").set_value("many").run()
    assert body(page)["max_tokens"] == "many"
    assert told(page, "max_tokens: this is not a whole number")
    press(page, "Send")
    assert "Nothing was sent" in page.error[0].value
    assert posts(local_workspace) == []
    sent(page, "Send it as it is")
    assert posts(local_workspace)[0]["max_tokens"] == "many"
    assert "**Next:**" in page.error[0].value
    assert any("HTTP 400" in one.value for one in page.caption)
    press(page, "Send")
    assert "Nothing was sent" in page.error[0].value
    assert any("came of an earlier call" in one.value for one in page.caption)


def test_a_needed_field_is_told_when_it_is_to_be_sent(open_invoke, local_workspace):
    page = open_invoke(PROMPT)
    labelled(page.text_area, "prompt (needed)").set_value("").run()
    assert not told(page, "is needed")
    press(page, "Send")
    assert told(page, "prompt is needed")
    assert posts(local_workspace) == []


def test_one_button_sends_once_and_a_reload_finds_the_reply(open_invoke, local_workspace):
    page = open_invoke(EMBEDDINGS)
    used = labelled(page.button, "Send")
    sent(page)
    assert used.key not in [one.key for one in page.button]
    page.run()
    assert len(posts(local_workspace)) == 1
    assert any("1 vector of 384 dimensions" in one.value for one in page.caption)


def test_a_stream_is_text_and_its_events_can_be_read(open_invoke, local_workspace):
    page = open_invoke(CHAT)
    local_workspace.queue_fault("scripted-0-3", path_of(CHAT))
    labelled(page.selectbox, "stream").set_value(True).run()
    sent(page)
    assert posts(local_workspace)[0]["stream"] is True
    assert page.code[0].value
    assert page.code[-1].value.endswith("[DONE]")
    assert json.loads(page.code[-1].value.splitlines()[0])["choices"]


def test_stop_ends_the_request_and_nothing_typed_is_lost(open_invoke, local_workspace):
    page = open_invoke(CHAT)
    local_workspace.queue_fault("stall-20s", path_of(CHAT))
    labelled(page.text_area, "user (needed)").set_value("벽돌").run()
    press(page, "Send")
    assert labelled(page.button, "Send").disabled
    press(page, "Stop")
    eventually(lambda: not [one for one in page.run().button if one.label == "Stop"])
    assert local_workspace.settled(path_of(CHAT)).outcome == "client_closed"
    assert labelled(page.text_area, "user (needed)").value == "벽돌"


def test_rows_go_from_one_form_to_another(open_invoke):
    page = open_invoke(PROMPT)
    rows = '{"dataframe_records": [{"prompt": "a"}, {"prompt": "b", "stop": ["."]}], "params": {"max_tokens": 3}}'
    twin(page).set_value(rows).run()
    assert page.dataframe[0].value.iloc[:, 0].tolist() == ["a", "b"]
    labelled(page.button_group, "Form").set_value("dataframe_split").run()
    assert body(page) == {
        "dataframe_split": {"columns": ["prompt", "stop"], "data": [["a", None], ["b", ["."]]]},
        "params": {"max_tokens": 3},
    }


def test_a_body_that_no_form_shows_is_still_sent(open_invoke, local_workspace):
    page = open_invoke(PROMPT)
    twin(page).set_value('{"inputs": 5}').run()
    assert any("No form can show this body" in one.value for one in page.info)
    sent(page)
    assert posts(local_workspace)[0] == {"inputs": 5}
    assert page.error


def test_the_code_has_the_body_and_no_token(open_invoke, local_workspace):
    page = open_invoke(PROMPT)
    press(page, "Code")
    assert any('"prompt": "How are you?"' in one.value for one in page.code)
    assert all(local_workspace.token not in one.value for one in page.code)


def test_an_address_that_names_no_endpoint_of_the_workspace_says_so(open_page):
    page = open_page("invoke", endpoint="<b>none</b>")
    assert any("lists no endpoint `<b>none</b>`" in one.value for one in page.warning)
    assert not [one for one in page.button if one.label == "Send"]


def test_a_transform_is_given_the_record_tried_without_sending_and_shapes_the_reply(
    open_page, open_invoke, local_workspace
):
    open_page("home")  # so that HOME is the test's own
    library().save(THIS_MACHINE, "Loud", LOUD)
    library().attach(THIS_MACHINE, Place(PlaceKind.ENDPOINT, local_workspace.host, PROMPT), "Loud")
    page = open_invoke(PROMPT)
    press(page, "Dry run")
    assert any("nothing was sent" in one.value for one in page.caption)
    assert any("The body that would be sent" in one.value for one in page.markdown)
    assert any('"dataframe_records"' in one.value and "Be·Concise." in one.value for one in page.code)
    assert posts(local_workspace) == []
    sent(page)
    assert posts(local_workspace)[0] == {"dataframe_records": [{"prompt": "How are you?\nBe Concise."}]}
    shown = [one.value for one in page.code]
    [prediction] = json.loads(shown[-1])["predictions"]
    assert prediction in shown
    assert (prediction.upper() or "(an empty text)") in shown
    next(one for one in page.toggle if one.label == "Take it away").set_value(True).run()
    assert any("def transform_output(response)" in one.value and "dataframe_records" in one.value for one in page.code)
    next(one for one in page.toggle if one.label == "Take it away").set_value(False).run()
    library().save(THIS_MACHINE, "Loud", LOUD.replace("response.upper()", "response[0]['no']"))
    page.run()
    sent(page)
    assert "The reply is kept as it came" in page.error[0].value
    assert json.loads([one.value for one in page.code][-1])["predictions"]
    press(page, "Detach")  # it stays chosen by hand
    library().delete(THIS_MACHINE, "Loud")
    page.run()
    assert labelled(page.button, "Send").disabled
    press(page, "Call without a transform")
    assert not labelled(page.button, "Send").disabled


def script(schema: dict, body: dict) -> None:
    from concurrent.futures import Future

    import streamlit as st

    from services.endpoints.reading import detail_from_wire
    from services.invocation import UNKNOWN, interface_of_openapi
    from ui.invoke.form import draw_choice, draw_form
    from ui.invoke.sheet import Sheet
    from ui.invoke.twin import draw_twin

    content = {"application/json": {"schema": schema}}
    document = {"paths": {"/": {"post": {"requestBody": {"content": content}}}}}
    if "sheet" not in st.session_state:
        asked: Future = Future()
        asked.set_result(interface_of_openapi(detail_from_wire({"name": "one"}), document) or UNKNOWN)
        st.session_state.sheet = Sheet(asked, body=body, begun=True, tried=True)
    draw_choice(st.session_state.sheet)
    draw_form(st.session_state.sheet)
    draw_twin(st.session_state.sheet)


def records(**properties) -> dict:
    return {"properties": {"dataframe_records": {"items": {"properties": properties}}}}


KINDS = ("string", "integer", "number", "boolean")
ODD = [None, True, "text", 7, 1.5, 2**70, -(2**60), [1], {"a": []}, "</script>**b**"]


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        (
            records(**{name: {"type": name} for name in KINDS}),
            {"dataframe_records": [dict.fromkeys(KINDS, odd) for odd in ODD]},
        ),
        ({}, {"dataframe_records": [{"": 1, "_index": 2, "**b** :red[x]": "$a$"}, {}]}),
        (
            records(**{f"c{place}": {"type": "integer"} for place in range(1000)}),
            {"dataframe_records": [{"c1": 1}, {"c2": 2}]},
        ),
        (records(a={"type": "integer"}), {"dataframe_records": [{"a": place} for place in range(70_000)]}),
        (
            {"type": "object", "properties": {"`x`": {"type": "boolean"}, "[a](b)": {"enum": ["*"]}, "": {}}},
            {"`x`": "no boolean", "[a](b)": 5, "": {"deep": None}},
        ),
        ({"properties": {"inputs": {"$ref": "#/loop"}}}, {"inputs": {"a": [1, 2], "b": [1]}}),
    ],
    ids=["odd cells", "odd columns", "a thousand columns", "seventy thousand rows", "odd fields", "a circle"],
)
def test_a_hostile_schema_or_body_is_drawn_or_said_and_never_changed(schema, body):
    page = AppTest.from_function(script, default_timeout=60, kwargs={"schema": schema, "body": body}).run()
    assert not page.exception
    page.run()
    assert not page.exception
    assert page.session_state.sheet.body == body


def test_a_body_of_megabytes_is_sent_from_here_and_not_edited_here():
    body = {"inputs": "x" * 2_000_000}
    page = AppTest.from_function(script, default_timeout=60, kwargs={"schema": {}, "body": body}).run()
    assert not page.exception
    assert any("too many to be edited here" in one.value for one in page.caption)
