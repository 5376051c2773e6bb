"""A transform around a call: when each function runs, what it is given, and what comes of its failures."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from services.chat import ChatJob, Message
from services.errors import BadInput
from services.invocation import InvocationJob
from services.jobs import Bell, Outcome
from services.sandbox import Hook, Limits, Result, Sandbox, sandbox
from services.transforms import (
    STARTERS,
    Envelope,
    Hooks,
    Starter,
    Transform,
    TransformFailed,
    failure,
    run_hook,
)
from tests.local_workspaces import eventually
from tests.services.chats import CHAT, CHAT_PATH, SCRIPT, asking, at
from tests.services.replies import stream, whole

SEEDS = "How are you?\n    Be Concise.\n    "
LOOP = "def transform_{}(*_, **__):\n    while True:\n        pass\n"
SLOW = """
import time

def slowly(value):
    end = time.perf_counter() + 0.5
    while time.perf_counter() < end:
        pass
    return value

def transform_input(**request):
    return slowly(request)

def transform_output(response):
    return slowly(response)
"""


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    yield sandbox()
    sandbox().close()


class Counted(Sandbox):
    """The same sandbox, with a list of what it was asked for."""

    def __init__(self, box: Sandbox) -> None:
        super().__init__()
        self.box = box
        self.asked: list[tuple[Hook, Any]] = []

    def run(self, source: str, hook: Hook, argument: Any = None, **options: Any) -> Result:
        self.asked.append((hook, argument))
        return self.box.run(source, hook, argument, **options)


def hooks(box: Sandbox, source: str, **options) -> Hooks:
    return Hooks(box, Transform("test", 1, source), **options)


def ended(job) -> Outcome:
    eventually(lambda: not job.running, 30)
    return job.reply.outcome


def posts(local_workspace) -> list[dict]:
    return [one.json for one in local_workspace.requests() if one.path.endswith("/invocations")]


def _completion(content: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


GREAT = "I am doing great, thank you."
GIVES: dict[str, tuple[Any, Any]] = {
    "Be concise": ({"prompt": SEEDS, "stop": ["."]}, None),
    "Upper case": (None, "I AM DOING GREAT, THANK YOU."),
    "Chat from a prompt": ({"messages": [{"role": "user", "content": "How are you?"}], "stop": ["."]}, GREAT),
    "Dataframe wrapper": ({"dataframe_records": [{"prompt": "How are you?", "stop": ["."]}]}, GREAT),
    "Unwrap the answer": (None, GREAT),
    "Strip reasoning": (None, _completion("Fine.")),
    "Redact": (
        {
            "messages": [
                {"role": "user", "content": "Write to [e-mail] or call [phone] by 2026-11-22. Key: [key]"},
            ]
        },
        _completion("Ann's number is [phone], and 3.14159265 is not one."),
    ),
    "Add a system message": (
        {
            "messages": [
                {"role": "system", "content": "Answer in one sentence, in plain words."},
                {"role": "user", "content": "How are you?"},
            ]
        },
        None,
    ),
    "JSON out of the answer": (None, {"mood": "fine", "score": 9}),
}
"""What each starter makes of its own samples."""


@pytest.mark.parametrize("starter", STARTERS, ids=lambda starter: starter.title)
def test_a_starter_does_what_it_says(box, starter: Starter):
    for hook, sample, expected in zip(
        (Hook.INPUT, Hook.OUTPUT), (starter.request, starter.response), GIVES[starter.title], strict=True
    ):
        if expected is None:
            assert sample is None
            assert run_hook(box, starter.source, hook, {}) is None, "it has no such function"
        else:
            run = run_hook(box, starter.source, hook, sample)
            assert run is not None
            assert run.result.value == expected, run.result.fault


MORE: list[tuple[str, Hook, Any, Any]] = [
    ("Unwrap the answer", Hook.OUTPUT, {"choices": [{"text": "a"}, {"text": "b"}]}, ["a", "b"]),
    (
        "Unwrap the answer",
        Hook.OUTPUT,
        _completion([{"type": "reasoning", "summary": []}, {"type": "text", "text": "Fine."}]),
        "Fine.",
    ),
    (
        "Strip reasoning",
        Hook.OUTPUT,
        _completion([{"type": "reasoning", "summary": []}, {"type": "text", "text": "Fine."}]),
        _completion([{"type": "text", "text": "Fine."}]),
    ),
    ("Strip reasoning", Hook.OUTPUT, _completion("They ask.\n</think>\n\nFine."), _completion("Fine.")),
    ("Strip reasoning", Hook.OUTPUT, _completion("<think>cut at max_tok"), _completion("")),
    ("Strip reasoning", Hook.OUTPUT, _completion(None), _completion(None)),
    ("Strip reasoning", Hook.OUTPUT, _completion(" 2 < 3"), _completion(" 2 < 3")),
    (
        "Redact",
        Hook.INPUT,
        {"n": 1, "a": ["010-1234-5678", "555-123-4567", "dapi0123456789abcdef", "v1.2.3 of 2026-11-22 10:30"]},
        {"n": 1, "a": ["[phone]", "[phone]", "[key]", "v1.2.3 of 2026-11-22 10:30"]},
    ),
    (
        "Add a system message",
        Hook.INPUT,
        {"messages": [{"role": "system", "content": "Be kind."}]},
        {"messages": [{"role": "system", "content": "Be kind.\n\nAnswer in one sentence, in plain words."}]},
    ),
    ("Dataframe wrapper", Hook.OUTPUT, {"predictions": {"a": 1}}, {"a": 1}),
]


@pytest.mark.parametrize(("title", "hook", "given", "expected"), MORE)
def test_a_starter_knows_the_other_forms_of_a_reply(box, title, hook, given, expected):
    starter = next(one for one in STARTERS if one.title == title)
    run = run_hook(box, starter.source, hook, given)
    assert run is not None
    assert run.result.value == expected, run.result.fault


def test_a_record_is_given_alone_and_what_stands_beside_it_stays(box):
    used = hooks(box, STARTERS[0].source + STARTERS[1].source, envelope=Envelope.RECORD)
    body = {"dataframe_records": [{"prompt": "How are you?"}], "params": {"n": 1}}
    assert used.shape_request(body) == {"dataframe_records": [{"prompt": SEEDS}], "params": {"n": 1}}
    assert body["dataframe_records"] == [{"prompt": "How are you?"}]
    assert used.shape_reply({"predictions": ["fine"]}) == "FINE"
    assert used.shape_reply("fine") == "FINE"
    assert (used.trace.input.before, used.trace.output.before) == ({"prompt": "How are you?"}, "fine")


@pytest.mark.parametrize("body", [{"dataframe_records": [{"a": 1}, {"a": 2}]}, {"inputs": [1]}, {"messages": []}])
def test_a_body_without_exactly_one_record_is_given_whole(box, body):
    used = hooks(box, "def transform_input(**request):\n    return {'got': request}", envelope=Envelope.RECORD)
    assert used.shape_request(body) == {"got": body}


def test_the_seeds_custom_model_is_asked_concisely_and_answers_loudly(box, make_reply_server):
    server = make_reply_server(whole({"predictions": ["fine."]}))
    used = hooks(box, STARTERS[0].source + STARTERS[1].source, envelope=Envelope.RECORD)
    job = InvocationJob(at(server), "dolly", {"dataframe_records": [{"prompt": "How are you?"}]}, Bell(), hooks=used)
    assert ended(job) is Outcome.COMPLETE, job.reply.error
    [sent] = server.posts()
    assert sent.json == {"dataframe_records": [{"prompt": SEEDS}]}, "and no stop, which nobody gave"
    assert (job.reply.shaped, job.reply.shaped_value) == (True, "FINE.")
    assert job.reply.body == {"predictions": ["fine."]}


def test_a_request_is_given_by_name_and_stop_only_where_it_was_given(box, local_workspace, workspace):
    local_workspace.clear()
    source = "def transform_input(messages, stop):\n    return {'messages': messages, 'stop': stop, 'max_tokens': 2}"
    job = ChatJob(workspace, asking(stream=False), Bell(), hooks=hooks(box, source))
    assert ended(job) is Outcome.FAILED
    assert isinstance(job.reply.error, TransformFailed)
    assert "missing 1 required positional argument: 'stop'" in job.reply.error.message
    assert job.reply.error.hint.startswith("Nothing was sent.")
    assert job.call.record.sent_at is None
    assert posts(local_workspace) == []
    job = ChatJob(workspace, asking(stream=False, stop=(".",)), Bell(), hooks=hooks(box, source))
    assert ended(job) is Outcome.COMPLETE
    [sent] = posts(local_workspace)
    assert (sent["stop"], sent["max_tokens"]) == (["."], 2)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def transform_input(**request):\n    return 1 / 0", "line 2: ZeroDivisionError"),
        ("def transform_input(**request):\n    return None", "it returned None"),
        ("def transform_input(**request):\n    return {'messages': 'x' * 5_000_000}", "endpoints take 4 MB"),
        ("def transform_input(**request):\n    return {'n': float('nan')}", "transform_input"),
        ("def transform_input(**request)\n    return request", "line 1"),
        (LOOP.format("input"), "ran longer than 0.5 s"),
        (
            "class NoSuchHook(Exception): pass\ndef transform_input(**request):\n    raise NoSuchHook\n"
            "def transform_output(response):\n    return response",
            "NoSuchHook",  # ours for a function that is not there, which is no failure
        ),
    ],
)
def test_a_transform_input_that_fails_sends_nothing(box, local_workspace, workspace, source, says):
    limits = Limits(wall_seconds=0.5) if "while True" in source else None
    local_workspace.clear()
    job = ChatJob(workspace, asking(), Bell(), hooks=hooks(box, source, limits=limits))
    assert ended(job) is Outcome.FAILED
    assert says in job.reply.error.message
    assert (posts(local_workspace), job.call.record.sent_at) == ([], None)


def test_one_that_is_gone_is_never_left_out(box):
    with pytest.raises(BadInput, match="The transform “a” is gone"):
        Hooks(box, Transform("a", 0, "", gone=True))


def test_a_function_that_is_not_there_is_told_from_one_that_did_not_run_yet(box):
    used = hooks(box, STARTERS[1].source)
    assert used.shape_request({"a": 1}) == {"a": 1}
    assert (used.trace.input, used.trace.missing) == (None, {Hook.INPUT})


def test_a_dry_run_of_an_endless_loop_is_told_within_two_seconds(box):
    run = run_hook(box, LOOP.format("output"), Hook.OUTPUT, 1)
    assert run is not None
    assert "transform_output ran longer than 1.5 s" in failure(run).message


def test_a_prompt_that_a_chat_body_has_not_comes_with_what_to_do(box):
    used = hooks(box, STARTERS[0].source)
    with pytest.raises(TransformFailed) as told:
        used.shape_request({"messages": []})
    assert "A chat body has messages, and no prompt" in told.value.hint
    with pytest.raises(TransformFailed) as told:
        used.shape_request({"question": "?", "n": 1})
    assert "What it was given has question, n." in told.value.hint


ONE = {"prompt": "How are you?", "stop": ["."]}


@pytest.mark.parametrize(
    ("sample", "body"),
    [
        (ONE, {"dataframe_records": [ONE]}),
        (
            {"dataframe_split": {"columns": ["prompt", "stop"], "data": [["How are you?", ["."]]]}, "params": {}},
            {"dataframe_records": [ONE], "params": {}},
        ),
        ({"dataframe_records": [ONE, ONE]}, {"dataframe_records": [ONE, ONE]}),
        (
            {"dataframe_split": {"columns": ["a"], "data": [[1], [2]]}},
            {"dataframe_split": {"columns": ["a"], "data": [[1], [2]]}},
        ),
        ({"messages": []}, {"messages": []}),
    ],
)
def test_one_record_may_be_typed_alone_or_as_a_row(sample, body):
    assert Envelope.RECORD.body_of(sample) == body
    assert Envelope.BODY.body_of(sample) == sample


def test_where_transforms_are_off_nothing_is_sent(local_workspace, workspace):
    local_workspace.clear()
    off = Sandbox(why_off="Whoever runs it has switched them off.")
    job = ChatJob(workspace, asking(), Bell(), hooks=hooks(off, STARTERS[1].source))
    assert ended(job) is Outcome.FAILED
    assert "Transforms are off here" in job.reply.error.message
    assert posts(local_workspace) == []


def test_a_stream_is_transformed_once_when_it_is_whole(box, local_workspace, workspace):
    local_workspace.queue_fault("scripted-0-10", CHAT_PATH)
    counted = Counted(box)
    loud = "def transform_output(response):\n    print('seen')\n    return response['choices'][0]['message']['content'].upper()"
    job = ChatJob(workspace, asking(), Bell(), hooks=hooks(counted, loud))
    assert ended(job) is Outcome.COMPLETE
    assert len(job.call.record.events) > 5
    assert [hook for hook, _ in counted.asked] == [Hook.INPUT, Hook.OUTPUT]
    assert (job.reply.text, job.reply.shaped_value) == (SCRIPT, SCRIPT.upper())
    trace = job.call.record.trace
    assert trace.input is None, "the source has no such function"
    assert trace.output.before["choices"][0] == {
        "index": 0,
        "message": {"role": "assistant", "content": SCRIPT},
        "finish_reason": "stop",
    }
    assert (trace.output.after, trace.output.result.printed) == (SCRIPT.upper(), "seen\n")
    job.call.record.forget_reply()
    assert (trace.output, job.call.record.trace, trace.transform.label) == (None, None, "test, version 1")


def test_a_reply_that_comes_whole_is_given_as_it_came(box, make_reply_server):
    body = {"id": "x", "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "ours": {"b": [1]}}
    job = ChatJob(
        at(make_reply_server(whole(body))), asking(), Bell(), hooks=hooks(box, "def transform_output(r): return r")
    )
    assert ended(job) is Outcome.COMPLETE
    assert job.reply.shaped_value == body


def test_a_stream_of_something_else_is_given_as_a_list(box, make_reply_server):
    server = make_reply_server(stream({"word": "a"}, {"word": "b"}))
    job = InvocationJob(
        at(server), CHAT, {}, Bell(), hooks=hooks(box, "def transform_output(r): return [e['word'] for e in r]")
    )
    assert ended(job) is Outcome.COMPLETE
    assert job.reply.shaped_value == ["a", "b"]


def test_a_transform_output_that_fails_keeps_the_reply(box, local_workspace, workspace):
    local_workspace.queue_fault("scripted-0-10", CHAT_PATH)
    source = "def transform_output(response):\n    return response['choises']"
    job = ChatJob(workspace, asking(), Bell(), hooks=hooks(box, source))
    assert ended(job) is Outcome.COMPLETE
    assert (job.reply.text, job.reply.error, job.reply.shaped) == (SCRIPT, None, False)
    assert "line 2: KeyError" in job.reply.shaping_error.message
    assert job.reply.shaping_error.hint.startswith("The reply is kept as it came.")
    assert job.call.record.trace.output.after == job.call.record.trace.output.before


def test_a_reply_that_fails_is_not_transformed(box, local_workspace, workspace):
    local_workspace.queue_fault("return-429", CHAT_PATH)
    counted = Counted(box)
    job = ChatJob(workspace, asking(), Bell(), hooks=hooks(counted, STARTERS[1].source))
    assert ended(job) is Outcome.FAILED
    assert [hook for hook, _ in counted.asked] == [Hook.INPUT]


def test_stop_in_the_midst_of_transform_input_sends_nothing(box, local_workspace, workspace):
    local_workspace.clear()
    counted = Counted(box)
    job = ChatJob(workspace, asking(), Bell(), hooks=hooks(counted, LOOP.format("input")))
    eventually(lambda: counted.asked)
    job.stop()
    assert job.hooks.trace.input is None, "at once, whatever the function does"
    assert job.reply.outcome is Outcome.STOPPED
    eventually(lambda: job.hooks.trace.input is not None)
    assert posts(local_workspace) == []
    assert job.reply.error is None


def test_stop_in_the_midst_of_transform_output_keeps_the_reply_as_it_came(box, local_workspace, workspace):
    local_workspace.queue_fault("scripted-0-10", CHAT_PATH)
    counted = Counted(box)
    job = ChatJob(workspace, asking(), Bell(), hooks=hooks(counted, SLOW))
    # Not when the stream is over: stopped between that and the function, the function would rightly never run.
    eventually(lambda: Hook.OUTPUT in [hook for hook, _ in counted.asked])
    job.stop()
    eventually(lambda: job.hooks.trace.output is not None)
    assert (job.reply.outcome, job.reply.text, job.reply.shaped) == (Outcome.STOPPED, SCRIPT, False)


def test_the_endpoints_seconds_are_without_the_functions(box, local_workspace, workspace):
    local_workspace.queue_fault("scripted-0-10", CHAT_PATH)
    started = time.monotonic()
    job = ChatJob(workspace, asking(), Bell(), hooks=hooks(box, SLOW))
    assert ended(job) is Outcome.COMPLETE
    assert job.reply.shaped
    trace, record = job.call.record.trace, job.call.record
    assert min(trace.input.result.seconds, trace.output.result.seconds) >= 0.5
    assert record.finished_after <= time.monotonic() - started - 1.0
    assert job.reply.first_text_after <= record.finished_after


def test_what_a_transform_makes_is_what_leaves_byte_for_byte(box, local_workspace, workspace):
    local_workspace.clear()
    source = "def transform_input(**request):\n    return {**request, 'max_tokens': 1, 'stream': False, 'metadata': {'é': '벽'}}"
    request = asking("Hi")
    job = ChatJob(workspace, request, Bell(), hooks=hooks(box, source))
    assert ended(job) is Outcome.COMPLETE, job.reply.error
    assert request.messages == (Message("user", "Hi"),), "the conversation keeps what was said"
    sent = local_workspace.last_request(CHAT_PATH)
    assert sent.body == job.call.record.request_body
    assert sent.json["metadata"] == {"é": "벽"}
    assert job.call.record.trace.input.after == sent.json
