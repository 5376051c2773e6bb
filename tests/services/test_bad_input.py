"""What cannot be sent is refused before anything is."""

import pytest

from services.call import Call
from services.chat import PARAMETERS, Bell, ChatJob, ChatRequest, Message, chat_to_wire, stream_chat
from services.errors import BadInput, Side
from services.wire_body import MAX_BODY
from tests.services.chats import CHAT, asking

DEEP = "[" * 100_000 + "]" * 100_000
HALF = "\ud83e"

BAD = {
    "an empty prompt": asking(""),
    "a prompt of spaces": asking(" \n\t "),
    "no endpoint": asking(endpoint=""),
    "no message": ChatRequest(CHAT, ()),
    "a conversation that ends with the assistant": ChatRequest(CHAT, (Message("user", "a"), Message("assistant", "b"))),
    "half a character in the prompt": asking(f"half {HALF}"),
    "half a character in the history": ChatRequest(CHAT, (Message("system", HALF), Message("user", "a"))),
    "half a character in a stop text": asking(stop=(HALF,)),
    "half a character in a schema": asking(response_format="json_schema", json_schema='{"title": "\\ud83e"}'),
    "half a character in the extra fields": asking(extra='{"user": "\\ud83e"}'),
    "a prompt over 4 MB": asking("x" * (MAX_BODY + 1)),
    "a prompt over 4 MB of Korean, though not of characters": asking("벽" * (MAX_BODY // 3 + 1)),
    "extra fields over 4 MB": asking(extra='{"user": "' + "x" * MAX_BODY + '"}'),
    "NaN in the extra fields": asking(extra='{"temperature": NaN}'),
    "Infinity in the extra fields": asking(extra='{"a": [-Infinity]}'),
    "a number too large for JSON in the extra fields": asking(extra='{"temperature": 1e999}'),
    "an integer of 10,000 digits": asking(extra='{"seed": ' + "9" * 10_000 + "}"),
    "extra fields that are a list": asking(extra="[1]"),
    "extra fields that are a number": asking(extra="7"),
    "extra fields that are null": asking(extra="null"),
    "extra fields that are no JSON": asking(extra="{temperature: 1}"),
    "extra fields that are nested very deep": asking(extra='{"a": ' + DEEP + "}"),
    "messages in the extra fields": asking(extra='{"messages": [{"role": "user", "content": "x"}]}'),
    "empty messages in the extra fields": asking(extra='{"top_k": 1, "messages": null}'),
    "tools that are an object": asking(tools="{}"),
    "tools that are no JSON": asking(tools="[}"),
    "tools nested very deep": asking(tools=DEEP),
    "a schema that is a list": asking(response_format="json_schema", json_schema="[]"),
    "json_schema without a schema": asking(response_format="json_schema"),
    "a schema without json_schema": asking(json_schema="{}"),
    "a schema with json_object": asking(response_format="json_object", json_schema="{}"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_with_a_next_step_and_nothing_is_sent(local_workspace, workspace, what):
    local_workspace.clear()
    with pytest.raises(BadInput) as refusal:
        stream_chat(workspace, BAD[what], Call())
    assert refusal.value.side is Side.YOU
    assert refusal.value.message.endswith(".")
    assert refusal.value.hint.endswith(".")
    assert HALF not in refusal.value.message + refusal.value.hint
    assert local_workspace.requests() == []


@pytest.mark.parametrize("what", ["an empty prompt", "half a character in the prompt", "NaN in the extra fields"])
def test_a_job_of_bad_input_does_not_begin(local_workspace, workspace, what):
    local_workspace.clear()
    with pytest.raises(BadInput):
        ChatJob(workspace, BAD[what], Bell())
    assert local_workspace.requests() == []


NUMBERS = [parameter for parameter in PARAMETERS if parameter.kind in ("number", "integer")]


@pytest.mark.parametrize("parameter", NUMBERS, ids=lambda parameter: parameter.name)
def test_a_number_out_of_bounds_is_refused_by_name(parameter):
    for value in (parameter.minimum - 1, parameter.maximum + 1, float("nan"), float("inf"), float("-inf")):
        with pytest.raises(BadInput, match=parameter.name):
            chat_to_wire(asking(**{parameter.name: value}))


@pytest.mark.parametrize("parameter", NUMBERS, ids=lambda parameter: parameter.name)
def test_a_number_at_its_bounds_is_sent(parameter):
    for value in (parameter.minimum, parameter.maximum):
        assert chat_to_wire(asking(**{parameter.name: value}))[parameter.name] == value


def test_a_mistake_in_json_is_named_with_its_place():
    with pytest.raises(BadInput, match=r"extra is not JSON \(line 2, column 9\)"):
        chat_to_wire(asking(extra='{"a": 1,\n "b": 2,,}'))


def test_a_request_of_exactly_the_limit_is_sent_on(workspace):
    spare = MAX_BODY - len(b'{"messages": [{"role": "user", "content": ""}], "stream": true}')
    stream_chat(workspace, asking("x" * spare), Call())
    with pytest.raises(BadInput, match="4,194,305 bytes"):
        stream_chat(workspace, asking("x" * (spare + 1)), Call())
