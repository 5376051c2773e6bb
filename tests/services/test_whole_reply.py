"""A stream as one value, as the API would have sent it whole; and what is given to no transform because it is not whole."""

import json

import pytest

from services.chat.reply import MAX_TEXT, ChatReply
from services.chat.wire import ChatDelta
from services.invocation import InvocationJob
from services.invocation.job import MAX_EVENTS_TEXT
from services.invocation.whole import whole_of_events
from services.jobs import NOT_WHOLE, Bell, Outcome
from services.sandbox import sandbox
from services.transforms import STARTERS, Hooks, Transform
from tests.local_workspaces import eventually
from tests.services.chats import CHAT, at
from tests.services.replies import stream

UNWRAP = next(one for one in STARTERS if one.title == "Unwrap the answer")
COMPLETIONS = [
    {"id": "cmpl-1", "model": "m", "choices": [{"index": 1, "text": "b"}]},
    {"id": "cmpl-1", "model": "m", "choices": [{"index": 0, "text": "Hel"}]},
    {"id": "cmpl-1", "model": "m", "choices": [{"index": 0, "text": "lo", "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
]


def shaped(server, source: str) -> InvocationJob:
    job = InvocationJob(at(server), CHAT, {"prompt": "x"}, Bell(), hooks=Hooks(sandbox(), Transform("T", 1, source)))
    eventually(lambda: not job.running, 60)
    return job


def test_streamed_completions_are_one_completion_and_the_starter_unwraps_it(make_reply_server):
    assert whole_of_events([json.dumps(one) for one in COMPLETIONS]) == {
        "id": "cmpl-1",
        "model": "m",
        "object": "text_completion",
        "choices": [
            {"index": 0, "text": "Hello", "finish_reason": "stop"},
            {"index": 1, "text": "b", "finish_reason": None},
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    }
    job = shaped(make_reply_server(stream(*COMPLETIONS)), UNWRAP.source)
    assert (job.reply.outcome, job.reply.shaped_value) == (Outcome.COMPLETE, ["Hello", "b"])


def test_a_streamed_response_is_what_its_last_event_holds_or_its_items():
    items = [{"type": "response.output_item.done", "item": {"type": "message", "id": "1"}}]
    end = {"type": "response.completed", "response": {"object": "response", "id": "r", "output": ["whole"]}}
    assert whole_of_events([json.dumps(one) for one in [*items, end]]) == end["response"]
    assert whole_of_events([json.dumps(one) for one in items]) == {"object": "response", "output": [items[0]["item"]]}


def test_a_reply_keeps_its_id_its_model_and_the_ids_of_its_tool_calls():
    call = {"index": 0, "id": "call-1", "function": {"name": "weather", "arguments": "{}"}}
    event = {"id": "chat-1", "model": "m", "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}
    whole = whole_of_events([json.dumps(event)])
    assert (whole["id"], whole["model"]) == ("chat-1", "m")
    assert whole["choices"][0]["message"]["tool_calls"][0] == {"type": "function", **call}


@pytest.mark.parametrize(
    "choice", [{"index": [1], "text": "a"}, {"index": {}, "text": 3}, {"index": "x", "delta": 3}, 3]
)
def test_pieces_that_are_no_pieces_break_nothing(choice):
    assert whole_of_events([json.dumps({"choices": [choice, {"text": "b"}]}), "3", "x"]) is not None


def test_what_is_too_long_to_be_kept_is_given_to_no_function_and_that_is_told(make_reply_server):
    piece = {"choices": [{"index": 0, "text": "a" * (MAX_EVENTS_TEXT // 4)}]}
    job = shaped(make_reply_server(stream(*[piece] * 5)), UNWRAP.source)
    assert job.reply.left_out
    assert (job.reply.outcome, job.reply.shaped, job.hooks.trace.output) == (Outcome.COMPLETE, False, None)
    assert job.hooks.trace.notes == [NOT_WHOLE]


def test_a_chat_reply_knows_that_something_was_left_out():
    reply = ChatReply()
    reply.receive(ChatDelta(text="a" * MAX_TEXT), 0.0)
    assert not reply.left_out
    reply.receive(ChatDelta(text="b"), 0.0)
    assert reply.left_out
