"""A call with its transform, exported for LangChain of today and of 2024: it sends what Brickyard sends, and says the same."""

import contextlib
import json

import pytest

from services.doors import local
from services.driver_proxy import DriverCallJob, Target
from services.invocation import InvocationJob
from services.jobs import Bell, Outcome
from services.local import LocalAddress
from services.sandbox import sandbox
from services.snippets.shaped_call import AskedEndpoint, ShapedCall
from services.snippets.transforms import transform_snippets
from services.transforms import Envelope, Hooks, Transform
from tests.clients.environments import CURRENT, LEGACY, run_snippets
from tests.local_workspace.calls import CHAT, CHAT_PATH, EMBEDDINGS
from tests.local_workspaces import eventually

pytestmark = [pytest.mark.clients, pytest.mark.timeout(240)]

COMPLETIONS_PATH = "/serving-endpoints/chat/completions"
SCRIPTED = "scripted-0-4"
CHAT_TRANSFORM = Transform(
    "Loud chat",
    3,
    """from __future__ import annotations

import json  # its own names stay its own: body, reply, request, json
body = reply = request = "mine"


def transform_input(messages, **others):
    return {"messages": [{"role": "system", "content": body}, *messages], **others, "max_tokens": 9}


def transform_output(response):
    choice = response["choices"][0]
    return json.dumps([choice["message"]["content"].upper(), choice["finish_reason"], response["usage"]["total_tokens"]])
""",
)
PROMPT_TRANSFORM = Transform(
    "Loud",
    1,
    """def transform_input(prompt, **others):
    return {"prompt": prompt + " Be concise.", **others}


def transform_output(response):
    return response.upper()
""",
)
BODY_TRANSFORM = Transform(
    "Records",
    1,
    """def transform_input(prompt):
    return {"dataframe_records": [{"prompt": prompt + " Be concise."}]}


def transform_output(response):
    return response["predictions"][0].upper()
""",
)
VECTOR_TRANSFORM = Transform(
    "Length", 1, "def transform_output(response):\n    return len(response['data'][0]['embedding'])\n"
)
MESSAGES = {"messages": [{"role": "user", "content": "hi"}], "temperature": 0, "top_k": 5}
CHAT_ENDPOINT = AskedEndpoint(CHAT, "llm/v1/chat", bare=True)
CUSTOM = AskedEndpoint("local-prompt-model")


@pytest.fixture(scope="module")
def here(tls_workspace):
    """The workspace, as Brickyard knows it."""
    address = LocalAddress(tls_workspace.host, tls_workspace.users, tls_workspace.ca_bundle, str(tls_workspace.state))
    with contextlib.closing(local(address, "admin")) as opened:
        yield opened


@pytest.fixture(scope="module")
def calls(tls_workspace):
    """By name."""
    app = Target("", tls_workspace.ready["cluster_id"], tls_workspace.ready["driver_port"])
    record = {"dataframe_records": [{"prompt": "hi", "stop": ["zebra"]}]}
    return {
        "chat": ShapedCall(CHAT_ENDPOINT, MESSAGES, CHAT_TRANSFORM),
        "streamed chat": ShapedCall(CHAT_ENDPOINT, MESSAGES | {"stream": True}, CHAT_TRANSFORM),
        "one record": ShapedCall(CUSTOM, record, PROMPT_TRANSFORM, Envelope.RECORD),
        "whole body": ShapedCall(CUSTOM, {"prompt": "hi"}, BODY_TRANSFORM),
        "embeddings": ShapedCall(AskedEndpoint(EMBEDDINGS, "llm/v1/embeddings", bare=True), {"input": ["a"]}, VECTOR_TRANSFORM),
        "driver app": ShapedCall(app, {"prompt": "hi", "max_tokens": 5, "temperature": 0}, PROMPT_TRANSFORM),
    }  # fmt: skip


@pytest.fixture(scope="module")
def exported(tls_workspace, calls):
    """What each export said, and the request that came of it, by (the client's age, the call's name)."""
    found = {}
    for age, folder, place in (("today", CURRENT, 1), ("2024", LEGACY, 2)):
        chats = 2 if age == "2024" else 0
        for path, times in ((COMPLETIONS_PATH, 2 - chats), (CHAT_PATH, chats)):
            if times:
                tls_workspace.queue_fault(SCRIPTED, path, times)
        last = max((one.id for one in tls_workspace.requests()), default=0)
        results = run_snippets(folder, [transform_snippets(call)[place].code for call in calls.values()], tls_workspace)
        assert not [one["failed"] for one in results if one["failed"]]
        asked = iter([one for one in tls_workspace.requests(since=last) if outermost(one)])
        found |= {(age, name): (one["said"].strip(), next(asked)) for name, one in zip(calls, results, strict=True)}
        assert next(asked, None) is None, "Something was sent twice."
    tls_workspace.clear_faults()
    return found


def outermost(entry):
    """Whether an export sent it, and not the model or the app behind it, which ask the chat model by themselves."""
    if entry.path in (CHAT_PATH, COMPLETIONS_PATH):
        return entry.fault == SCRIPTED
    return entry.path.endswith("/invocations") or entry.path.startswith("/driver-proxy-api/")


def in_app(workspace, here, call):
    """The same call from here: (what transform_output made of it, the body that left)."""
    if isinstance(call.asked, AskedEndpoint) and call.asked.name == CHAT:
        workspace.queue_fault(SCRIPTED, CHAT_PATH)
    hooks = Hooks(sandbox(), call.transform, envelope=call.envelope)
    if isinstance(call.asked, Target):
        job = DriverCallJob(here, call.asked, call.body, Bell(), hooks=hooks)
    else:
        job = InvocationJob(here, call.asked.name, call.body, Bell(), hooks=hooks)
    eventually(lambda: not job.running, 60)
    assert job.reply.outcome is Outcome.COMPLETE, job.reply.error
    assert job.reply.shaping_error is None, job.reply.shaping_error
    return str(job.reply.shaped_value), json.loads(job.call.record.request_body)


@pytest.mark.parametrize("name", ["chat", "streamed chat", "one record", "whole body", "embeddings", "driver app"])
def test_an_export_sends_what_brickyard_sends_and_says_the_same(tls_workspace, here, calls, exported, name):
    said, body = in_app(tls_workspace, here, calls[name])
    for age in ("today", "2024"):
        text, entry = exported[age, name]
        sent = entry.json
        if age == "today" and "chat" in name:  # ChatDatabricks names the endpoint, and says whether it streams
            assert (sent.pop("model"), sent.pop("stream")) == (CHAT, body.get("stream", False))
            sent |= {"stream": True} if "stream" in body else {}
        streamed_then = age == "2024" and name == "streamed chat"  # a class that cannot stream leaves it out
        assert sent == ({k: v for k, v in body.items() if k != "stream"} if streamed_then else body), (age, name)
        if "chat" in name:
            assert json.loads(text) == json.loads(said), (age, name)
        elif name in ("embeddings", "driver app"):
            assert text == said, (age, name)
        else:
            assert text == text.upper() != text.lower(), (age, name)
