"""A call with its transform as code: the person's source stands in it unchanged, no credential does, and it does the same."""

import ast
import contextlib
import io
import json
import re
import subprocess
import sys

import pytest

from services.driver_proxy import DriverCallJob, Target, Via
from services.errors import BadInput
from services.invocation import InvocationJob
from services.invocation.whole import whole_of_events
from services.jobs import Bell, Outcome
from services.packaging import packed_snippet
from services.sandbox import Hook, sandbox
from services.snippets.driver_proxy import driver_proxy_snippets
from services.snippets.shaped_call import AskedEndpoint, ShapedCall
from services.snippets.shaped_seed_era import ATTACHED, DIALECT, why_not
from services.snippets.stream_source import whole_reply
from services.snippets.transforms import transform_snippets
from services.transforms import Envelope, Hooks, Transform
from tests.local_workspaces import ROOT, eventually
from tests.services.chats import at
from tests.services.replies import whole

CHAT = "local-smollm2-135m-instruct"
CANARY = "canary-0f9e8d7c6b5a"
BOTH = Transform(
    "Both",
    2,
    """from __future__ import annotations
body = reply = request = os = json = requests = "the person's own"


def transform_input(**request):
    request["prompt"] = f"{request['prompt']} \\t'''Be \\"concise\\".'''"
    return request


def transform_output(response):
    return [request, response]
""",
)
CUSTOM = AskedEndpoint("dolly")
BARE_CHAT = AskedEndpoint("chat", "llm/v1/chat", bare=True)
APP = Target("", "0101-000000-abc", 7777, path="")
RECORD = {"dataframe_records": [{"prompt": "hi", "stop": ["."], "temperature": 0.1}]}
MESSAGES = {"messages": [{"role": "user", "content": "hi"}]}
CALLS = [
    ShapedCall(CUSTOM, RECORD, BOTH, Envelope.RECORD),
    ShapedCall(CUSTOM, RECORD | {"params": {"seed": 1}}, BOTH, Envelope.RECORD),
    ShapedCall(CUSTOM, RECORD, BOTH),
    ShapedCall(BARE_CHAT, MESSAGES | {"stream": True}, BOTH),
    ShapedCall(AskedEndpoint("embed", "llm/v1/embeddings", bare=True), {"input": ["a"]}, BOTH),
    ShapedCall(APP, {"prompt": "hi", "max_tokens": 3}, BOTH),
    ShapedCall(
        Target("", "0101-000000-abc", 7777, headers=(("X-Api-Key", CANARY), ("X-Team", "bricks"))), {"prompt": "hi"}, BOTH
    ),
    ShapedCall(Target("", "c", 7777, via=Via.DIRECT), {"prompt": "hi"}, BOTH, driver_address="10.0.0.7"),
    ShapedCall(CUSTOM, {"inputs": [[1.5, 2.5]]}, Transform("", 0, "")),
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS, ids=range(len(CALLS)))
def test_every_dialect_is_python_with_the_source_as_it_is(call):
    for snippet in (*transform_snippets(call), packed_snippet(call, "a-model")):
        assert call.transform.source in snippet.code
        assert CANARY not in snippet.code
        assert "dapi" not in snippet.code
        tree = ast.parse(snippet.code)  # also: what must come first does
        compile(tree, snippet.file_name, "exec")
        names = [one.name for one in tree.body if isinstance(one, ast.FunctionDef)]
        assert len(set(names)) == len(names)


def test_no_header_of_the_apps_is_given_the_workspaces_token_and_plain_and_shaped_code_agree_on_the_variable():
    headers = (("Databricks-Token", CANARY), ("X-Auth", CANARY), ("X-Request-Id", "7"))
    for asked in (Target("", "c", 7777, headers=headers), Target("", "c", 7777, headers=headers, via=Via.DIRECT)):
        call = ShapedCall(asked, {"prompt": "hi"}, BOTH, driver_address="10.0.0.7")
        plain = driver_proxy_snippets(asked, {"prompt": "hi"}, driver_address="10.0.0.7")
        for snippet in (*transform_snippets(call), *plain):
            assert CANARY not in snippet.code
            assert "Set APP_DATABRICKS_TOKEN, APP_X_AUTH too." in snippet.note, snippet.dialect
            assert re.search(r"Databricks-Token'?: ['\"]*(os\.environ\[['\"]|\$)APP_DATABRICKS_TOKEN", snippet.code), (
                snippet.code
            )
            if snippet.language == "python" and snippet.dialect != "requests":
                assert "APP_DATABRICKS_TOKEN, APP_X_AUTH: values" in snippet.code
    odd = Transform("a\x00b\ud800c\nimport os", 0, BOTH.source)
    for snippet in transform_snippets(ShapedCall(CUSTOM, RECORD, odd)):
        ast.parse(snippet.code.encode())


def test_our_names_give_way_to_the_persons():
    own = Transform(
        "", 0, "def call_once(): ...\ndef whole_reply(): ...\ndef transform_input(**request): return request\n"
    )
    code = transform_snippets(ShapedCall(BARE_CHAT, MESSAGES | {"stream": True}, own))[0].code
    assert "def call_once_2():" in code
    assert "def whole_reply_2(reply):" in code
    assert "print(call_once_2())" in code


def test_a_function_that_is_not_there_is_not_called():
    half = Transform("", 0, "# transform_output comes later\ndef transform_input(**request): return request\n")
    known = ShapedCall(CUSTOM, RECORD, half, Envelope.RECORD, defined=frozenset({Hook.INPUT}))
    for snippet in (*transform_snippets(known), packed_snippet(known, "m")):
        assert "transform_output(" not in snippet.code
        assert "transform_output_fn" not in snippet.code


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (CALLS[0], ""),
        (CALLS[1], ""),
        (CALLS[3], ""),
        (CALLS[4], "reads answers of chat and completions"),
        (CALLS[5], ""),
        (CALLS[6], "without headers"),
        (CALLS[7], "only through the workspace's proxy"),
        (CALLS[8], "one record of dataframe_records"),
        (ShapedCall(APP, {"prompt": "hi", "stream": True}, BOTH), "cannot read a stream"),
        (ShapedCall(APP, {"text": "hi"}, BOTH), "begins with a prompt"),
        (ShapedCall(Target("", "c", 7777, org="123"), {"prompt": "hi"}, BOTH), "0 for the workspace's id"),
    ],
)
def test_what_the_class_of_2024_cannot_do_is_said_and_done_otherwise(call, says):
    assert (says in why_not(call)) if says else (why_not(call) == "")
    found = {one.dialect: one for one in transform_snippets(call)}
    assert (why_not(call) in found[DIALECT].note) or not says
    assert ("RunnableLambda" in found[DIALECT].code) is bool(says)
    assert (ATTACHED in found) is (isinstance(call.asked, Target) and not says)


def test_a_target_that_cannot_be_called_has_no_code():
    with pytest.raises(BadInput, match="port"):
        transform_snippets(ShapedCall(Target("", "c", 0), {"prompt": "hi"}, BOTH))


def test_a_body_without_anything_to_fill_in_is_no_model():
    with pytest.raises(BadInput, match="no field"):
        packed_snippet(ShapedCall(CUSTOM, {"inputs": []}, BOTH), "m")


def run(snippets, environment):
    """What each says."""
    order = json.dumps([{"source": one.code, "environment": environment} for one in snippets])
    command = [sys.executable, ROOT / "tests" / "services" / "run_snippets.py"]
    ended = subprocess.run(command, input=order, capture_output=True, text=True, timeout=60, check=True)
    found = json.loads(ended.stdout)
    assert not [one["failed"] for one in found if one["failed"]]
    return [one["said"].rstrip("\n") for one in found]


def shaped(job):
    """What the app made of the reply, and the body that left."""
    eventually(lambda: not job.running, 60)
    assert job.reply.outcome is Outcome.COMPLETE, job.reply.error
    return str(job.reply.shaped_value), json.loads(job.call.record.request_body)


@pytest.mark.parametrize("call", [CALLS[0], CALLS[1], CALLS[2]], ids=["one record", "beside params", "whole body"])
def test_the_script_sends_a_record_as_brickyard_does(make_reply_server, call):
    source = call.transform.source if call.envelope is Envelope.RECORD else (
        "def transform_input(dataframe_records):\n    return {'inputs': dataframe_records}\n"
        "def transform_output(response):\n    return response['predictions'][1]\n"
    )  # fmt: skip
    call = ShapedCall(call.asked, call.body, Transform("", 0, source), call.envelope)
    server = make_reply_server(whole({"predictions": ["one", "two"]}))
    hooks = Hooks(sandbox(), call.transform, envelope=call.envelope)
    expected, body = shaped(InvocationJob(at(server), "dolly", call.body, Bell(), hooks=hooks))
    host = {"DATABRICKS_HOST": at(server).host, "DATABRICKS_TOKEN": "t"}
    [said] = run([transform_snippets(call)[0]], host)
    assert said == expected
    assert [json.loads(one.body) for one in server.received] == [body, body]
    assert server.received[0].path == server.received[1].path


def test_the_script_streams_and_asks_an_app_as_brickyard_does(local_workspace, workspace):
    loud = Transform(
        "",
        0,
        """def transform_input(**request):
    return {**request, "max_tokens": 5, "temperature": 0}


def transform_output(response):
    if isinstance(response, dict):
        response.pop("id", None)  # each answer has its own
    return str(response).upper()
""",
    )
    ready = local_workspace.ready
    chat = ShapedCall(AskedEndpoint(CHAT, "llm/v1/chat", bare=True), MESSAGES | {"stream": True, "n": 2}, loud)
    app = ShapedCall(
        Target("", ready["cluster_id"], ready["driver_port"], headers=(("X-Team", "bricks"),)), {"prompt": "hi"}, loud
    )
    environment = {
        "DATABRICKS_HOST": local_workspace.host,
        "DATABRICKS_TOKEN": local_workspace.token,
        "APP_X_TEAM": "bricks",
    }
    said, expected = [], []
    for call in (chat, app):
        for of in ("app", "script"):
            if call is chat:
                local_workspace.queue_fault("scripted-0-4", f"/serving-endpoints/{CHAT}/")
            if of == "script":
                said += run([transform_snippets(call)[0]], environment)
            elif call is chat:
                expected.append(shaped(InvocationJob(workspace, CHAT, chat.body, Bell(), hooks=Hooks(sandbox(), loud))))
            else:
                job = DriverCallJob(workspace, app.asked, app.body, Bell(), hooks=Hooks(sandbox(), loud))
                expected.append(shaped(job))
    assert said == [text for text, _ in expected]
    for (_, body), path in zip(expected, (CHAT, "/driver-proxy-api/"), strict=True):
        sent = [one for one in local_workspace.requests() if path in one.path and one.body][-2:]
        assert [one.json for one in sent] == [body, body]


def piece(content=None, index=0, finish=None, **delta):
    """An event of a streamed chat."""
    delta |= {} if content is None else {"content": content}
    return json.dumps({"choices": [{"index": index, "delta": delta, "finish_reason": finish}]})


CALLED = {"index": 0, "id": "1", "function": {"name": "weather", "arguments": '{"ci'}}
MORE = {"index": 0, "function": {"arguments": 'ty": 1}'}}
THOUGHT = [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}, {"type": "text", "text": "yes"}]
STREAMS = {
    "text": [piece(role="assistant"), piece("Hel"), piece("lo 벽돌"), piece(finish="stop"), "[DONE]"],
    "several": [piece("b", 1), piece("a"), piece(finish="length"), piece(index=1, finish="stop")],
    "tools": [piece(tool_calls=[CALLED]), piece(tool_calls=[MORE], finish="tool_calls")],
    "reasoning": [piece(THOUGHT), piece("!", reasoning_content="more"), piece(refusal="no")],
    "usage": [
        piece("a"),
        json.dumps({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": None}}),
    ],
    "named": [json.dumps({**json.loads(piece("a", finish="stop")), "id": "chat-1", "model": "m"})],
    "completions": [
        json.dumps({"id": "c", "model": "m", "choices": [{"index": 0, "text": text, "finish_reason": finish}], **usage})
        for text, finish, usage in (("Hel", None, {}), ("lo", None, {}), ("", "stop", {"usage": {"total_tokens": 3}}))
    ],
    "response": [
        '{"type": "response.output_text.delta", "delta": "Hel"}',
        '{"type": "response.completed", "response": {"object": "response", "output": []}}',
    ],
    "items of a response": [
        '{"type": "response.output_text.delta", "delta": "Hel"}',
        '{"type": "response.output_item.done", "item": {"type": "message"}}',
    ],
    "no chat": ['{"predictions": [1]}', '"a text"', "3"],
    "nothing": ["[DONE]"],
}


@pytest.mark.parametrize("events", STREAMS.values(), ids=STREAMS)
def test_the_script_makes_of_a_stream_what_brickyard_makes_of_it(events):
    class Streamed:
        headers = {"content-type": "text/event-stream; charset=utf-8"}  # noqa: RUF012

        def iter_lines(self):
            return (line.encode() for event in events for line in (f"data: {event}", ""))

    names = {}
    exec(whole_reply("read"), names)
    with contextlib.redirect_stderr(io.StringIO()):
        assert names["read"](Streamed()) == whole_of_events(events)
