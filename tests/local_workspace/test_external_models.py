"""External models: what is sent to a provider, and what of its answer comes back. The providers are scripted servers."""

import base64
import contextlib
import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.local_workspace.calls import CHAT as LOCAL_CHAT
from tests.local_workspace.calls import call, events, said
from tests.local_workspace.external_calls import (
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    HELLO,
    KEY,
    REFERENCE,
    World,
    external_model,
    failure,
)
from tests.local_workspace.secrets_calls import post
from tests.local_workspace.serving_calls import ROOT, create, new_name, settled
from tests.local_workspaces import eventually, start_local_workspace
from tests.upstreams import Upstream, garbage, reply, silence, stream

REPLY = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "up-model-2024",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": None,
                "refusal": "No.",
                "reasoning_content": "Hm.",
                "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}],
            },
            "logprobs": {"content": [{"token": "No", "logprob": -0.1, "bytes": None, "top_logprobs": []}]},
            "finish_reason": "tool_calls",
        }
    ],
    "usage": {
        "prompt_tokens": 3,
        "completion_tokens": 5,
        "total_tokens": 8,
        "completion_tokens_details": {"reasoning_tokens": 4},
    },
    "system_fingerprint": "fp_1",
    "of_tomorrow": {"a": [1]},
}


def chunk(text: str | None = None, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "up-model-2024"}
    return head | {"choices": [choice]} | fields


USAGE = chunk(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5})


STAND_INS = ("anthropic", "ai21labs", "palm", "google-cloud-vertex-ai", "microsoft-entra")


@pytest.fixture(scope="module")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    upstream = Upstream()
    stand_ins = [f"--provider-url={name}={upstream.url}" for name in STAND_INS]
    stderr = tmp_path_factory.mktemp("workspace") / "stderr.txt"
    workspace = start_local_workspace(stderr, "--deployment-seconds", "0.05", "--timeout", "30", *stand_ins)
    assert post(workspace, "scopes/create", scope="providers").ok
    yield World(workspace, upstream, {})
    workspace.stop()
    upstream.stop()


@pytest.fixture
def world(_world: World) -> World:
    _world.upstream.forget()
    assert post(_world.workspace, "put", scope="providers", key="key", string_value=KEY).ok
    return _world


def test_a_chat_goes_out_with_the_key_and_comes_back_whole(world: World) -> None:
    world.upstream.will(reply(REPLY))
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    sent = {"tools": tools, "logprobs": True, "response_format": {"type": "json_object"}, "of_tomorrow": {"b": None}}
    response = world.chat(world.openai(openai_organization="org-1"), **sent)
    assert (response.status_code, response.json()) == (200, REPLY)
    assert response.headers["served-model-name"] == "entity"
    asked = world.upstream.last
    assert asked.path == "/v1/chat/completions"
    assert asked.json == {"model": "up-model", "messages": HELLO} | sent
    assert (asked.headers["authorization"], asked.headers["openai-organization"]) == (f"Bearer {KEY}", "org-1")


def test_what_is_for_the_platform_does_not_reach_the_provider(world: World) -> None:
    world.upstream.will(reply(REPLY))
    name = world.openai()
    sent = {"client_request_id": "r", "usage_context": {"a": "b"}, "extra_params": {"top_k": 5, "model": "other"}}
    body = {"model": name, "messages": HELLO} | sent
    assert call(world.workspace, "POST", "/serving-endpoints/chat/completions", body).json() == REPLY
    assert world.upstream.last.json == {"model": "up-model", "messages": HELLO, "top_k": 5}
    assert world.workspace.token not in str(world.upstream.last.headers)


def test_a_stream_passes_as_it_is_with_its_usage_last(world: World) -> None:
    tool = chunk(
        choices=[{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "t"}]}, "logprobs": {"content": []}}]
    )
    said_by_it = [chunk("안녕 \u2028 ☃"), tool, chunk(finish="stop"), USAGE]
    world.upstream.will(stream(b": a comment\n\n", b"event: message\n", *said_by_it, "[DONE]"))
    response = world.chat(world.openai(), stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["served-model-name"] == "entity"
    lines = response.content.split(b"\n")
    assert all(line.startswith(b"data: ") or not line for line in lines)
    assert events(response) == [*said_by_it, "[DONE]"]
    assert world.upstream.last.json["stream_options"] == {"include_usage": True}


def test_stream_options_of_the_caller_are_kept(world: World) -> None:
    world.upstream.will(stream(chunk("a", "stop"), "[DONE]"))
    world.chat(world.openai(), stream=True, stream_options={"include_usage": False})
    assert world.upstream.last.json["stream_options"] == {"include_usage": False}


def test_the_first_event_arrives_before_the_last_is_said(world: World) -> None:
    world.upstream.will(stream(chunk("first"), holds=True))
    response = world.chat(world.openai(), stream=True)
    lines = response.iter_lines()
    line = next(lines)
    assert json.loads(line.removeprefix(b"data: ")) == chunk("first")
    assert not world.upstream.last.hung_up.is_set()
    response.close()
    assert world.upstream.last.hung_up.wait(15), "the call to the provider went on"


def test_a_caller_who_hangs_up_before_the_first_byte_cancels_the_call(world: World) -> None:
    world.upstream.will(silence)
    name = world.openai()
    headers = {"authorization": f"Bearer {world.workspace.token}", "content-type": "application/json"}
    with contextlib.closing(HTTPConnection(urlsplit(world.workspace.host).netloc)) as connection:
        connection.request("POST", f"/serving-endpoints/{name}/invocations", json.dumps({"messages": HELLO}), headers)
        asked = eventually(lambda: [one for one in world.upstream.asked if not one.hung_up.is_set()])
    assert asked[-1].hung_up.wait(15), "the call to the provider went on"


def test_completions_pass_whole_and_streaming(world: World) -> None:
    name = world.openai(COMPLETIONS)
    whole = {"id": "c", "choices": [{"text": "t", "index": 0, "logprobs": {"tokens": ["t"]}, "finish_reason": "stop"}]}
    part = {"id": "c", "choices": [{"text": "t", "index": 0, "finish_reason": "stop"}]}
    world.upstream.will(reply(whole), stream(part, "[DONE]"))
    assert world.ask(name, prompt="p", echo=True).json() == whole | {"model": "up-model"}
    assert world.upstream.last.path == "/v1/completions"
    assert world.upstream.last.json == {"model": "up-model", "prompt": "p", "echo": True}
    assert events(world.ask(name, prompt="p", stream=True)) == [part, "[DONE]"]


def test_embeddings_pass_in_both_encodings(world: World) -> None:
    name = world.openai(EMBEDDINGS)
    packed = base64.b64encode(b"\0\0\x80?").decode()
    said_by_it = {
        "object": "list",
        "model": "m",
        "data": [{"index": 0, "embedding": packed}],
        "usage": {"prompt_tokens": 1},
    }
    world.upstream.will(reply(said_by_it))
    assert world.ask(name, input=["a"], encoding_format="base64", dimensions=1).json() == said_by_it
    assert world.upstream.last.json == {
        "model": "up-model",
        "input": ["a"],
        "encoding_format": "base64",
        "dimensions": 1,
    }


AZURE = {"openai_api_version": "2024-02-01", "openai_deployment_name": "dep"}


@pytest.mark.parametrize(
    ("task", "path"), [(CHAT, "chat/completions"), (COMPLETIONS, "completions"), (EMBEDDINGS, "embeddings")]
)
def test_azure_has_the_deployment_in_the_path_and_its_own_header(world: World, task: str, path: str) -> None:
    world.upstream.will(reply(REPLY))
    name = world.openai(task, openai_api_type="azure", openai_api_base=world.upstream.url, **AZURE)
    body = {"messages": HELLO} if task == CHAT else {"prompt": "p"} if task == COMPLETIONS else {"input": "i"}
    assert world.ask(name, **body).ok
    asked = world.upstream.last
    assert asked.path == f"/openai/deployments/dep/{path}"
    assert asked.query == {"api-version": ["2024-02-01"]}
    assert (asked.headers["api-key"], asked.headers.get("authorization")) == (KEY, None)
    assert asked.json == body


def test_azure_with_entra_signs_in_once_and_uses_the_token(world: World) -> None:
    entra = {"microsoft_entra_tenant_id": "ten", "microsoft_entra_client_id": "cid"}
    block = entra | AZURE | {"openai_api_type": "azuread", "openai_api_base": world.upstream.url}
    name = world.endpoint("openai", block | {"microsoft_entra_client_secret": REFERENCE})
    world.upstream.will(reply({"access_token": "token-1", "expires_in": 3600}), reply(REPLY), reply(REPLY))
    assert world.chat(name).ok
    assert world.chat(name).ok
    sign_in, *chats = world.upstream.asked
    assert sign_in.path == "/ten/oauth2/v2.0/token"
    assert (sign_in.form["client_id"], sign_in.form["client_secret"]) == ("cid", KEY)
    assert [asked.headers["authorization"] for asked in chats] == ["Bearer token-1", "Bearer token-1"]


def anthropic(world: World, task: str = CHAT) -> str:
    return world.endpoint("anthropic", {"anthropic_api_key": REFERENCE}, task)


def test_anthropic_is_spoken_to_in_its_own_language(world: World) -> None:
    tool_use = {"type": "tool_use", "id": "t1", "name": "f", "input": {"x": 1}}
    message = {
        "id": "m1",
        "model": "claude",
        "content": [{"type": "text", "text": "Hi"}, tool_use],
        "role": "assistant",
    }
    usage = {"input_tokens": 3, "output_tokens": 4}
    world.upstream.will(reply(message | {"type": "message", "stop_reason": "tool_use", "usage": usage}))
    response = world.chat(
        anthropic(world), messages=[{"role": "system", "content": "Be brief."}, *HELLO], max_tokens=9, stop="END"
    )
    asked = world.upstream.last
    assert (asked.path, asked.headers["x-api-key"]) == ("/v1/messages", KEY)
    assert asked.json == {
        "model": "up-model",
        "system": "Be brief.",
        "messages": HELLO,
        "max_tokens": 9,
        "stop_sequences": ["END"],
    }
    body = response.json()
    [choice] = body["choices"]
    assert (choice["message"]["role"], choice["message"]["content"]) == ("assistant", "Hi")
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"x": 1}'}
    assert choice["finish_reason"] == "tool_calls"
    assert body["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    assert "provider" not in body


def of_anthropic(**event: Any) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


SAYING = [
    of_anthropic(type="message_start", message={"id": "m", "model": "claude", "usage": {"input_tokens": 3}}),
    of_anthropic(type="ping"),
    of_anthropic(type="content_block_delta", index=0, delta={"type": "text_delta", "text": "Hi"}),
]
ENDING = [
    of_anthropic(type="message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 5}),
    of_anthropic(type="message_stop"),
]


def test_a_stream_of_anthropic_becomes_chunks_with_one_usage_at_the_end(world: World) -> None:
    world.upstream.will(stream(*SAYING, *ENDING))
    *chunks, usage, done = events(world.chat(anthropic(world), stream=True))
    assert done == "[DONE]"
    assert said([*chunks, done]) == "Hi"
    assert [each["choices"][0]["finish_reason"] for each in chunks] == [None, "stop"]
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert all("usage" not in each for each in chunks)
    assert (usage["choices"], usage["usage"]["total_tokens"]) == ([], 8)


def test_an_error_in_a_stream_of_anthropic_is_not_a_silent_end(world: World) -> None:
    problem = {"type": "overloaded_error", "message": "Overloaded"}
    world.upstream.will(stream(*SAYING, of_anthropic(type="error", error=problem)), stream(*SAYING))
    told, broken = (events(world.chat(anthropic(world), stream=True))[-1] for _ in range(2))
    assert json.loads(told["message"])["external_model_error"]["error"] == problem
    assert "ended before" in json.loads(broken["message"])["external_model_error"]


def test_cohere_is_called_at_its_base_and_streams(world: World) -> None:
    name = world.endpoint("cohere", {"cohere_api_key": REFERENCE, "cohere_api_base": f"{world.upstream.url}/v1"})
    counts = {"prompt_tokens": 1, "response_tokens": 2, "total_tokens": 3}
    last = {
        "event_type": "stream-end",
        "finish_reason": "COMPLETE",
        "response": {"response_id": "r", "token_count": counts},
    }
    parts = [{"event_type": "stream-start"}, {"event_type": "text-generation", "text": "Yo"}, last]
    lines = [json.dumps(part).encode() + b"\n" for part in parts]
    world.upstream.will(
        reply({"response_id": "r", "text": "Yo", "token_count": counts}), stream(*lines, kind="application/stream+json")
    )
    whole = world.chat(name).json()
    assert (whole["choices"][0]["message"]["content"], whole["usage"]["total_tokens"]) == ("Yo", 3)
    *chunks, usage, done = events(world.chat(name, stream=True))
    assert (said([*chunks, done]), usage["usage"]["completion_tokens"]) == ("Yo", 2)
    assert {(asked.path, asked.headers["authorization"]) for asked in world.upstream.asked} == {
        ("/v1/chat", f"Bearer {KEY}")
    }


def test_ai21labs_and_palm_are_called_at_their_stand_ins(world: World) -> None:
    completion = {"data": {"text": " ok"}, "finishReason": {"reason": "length"}}
    world.upstream.will(reply({"id": "1", "completions": [completion]}), reply({"embeddings": [{"value": [1.0, 2.0]}]}))
    of_ai21 = world.endpoint("ai21labs", {"ai21labs_api_key": REFERENCE}, COMPLETIONS, name="j2-mid")
    assert world.ask(of_ai21, prompt="p", max_tokens=3).json()["choices"][0]["text"] == " ok"
    of_palm = world.endpoint("palm", {"palm_api_key": REFERENCE}, EMBEDDINGS)
    assert world.ask(of_palm, input=["p"]).json()["data"][0]["embedding"] == [1.0, 2.0]
    assert [asked.path for asked in world.upstream.asked] == [
        "/studio/v1/j2-mid/complete",
        "/v1beta3/models/up-model:batchEmbedText",
    ]
    refused = world.ask(of_ai21, prompt="p", stream=True)
    assert (refused.status_code, "cannot stream" in refused.json()["message"]) == (400, True)
    unknown = world.endpoint("ai21labs", {"ai21labs_api_key": REFERENCE}, COMPLETIONS, name="j9")
    refused = world.ask(unknown, prompt="p")
    assert (refused.status_code, "j9" in refused.json()["message"]) == (400, True)


def service_account(token_uri: str) -> str:
    """A Google service account's key, whose tokens come from `token_uri`."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    known = {"type": "service_account", "client_email": "me@p.iam.gserviceaccount.com", "private_key": pem}
    return json.dumps(known | {"token_uri": token_uri})


def test_vertex_signs_in_with_the_service_account_and_speaks_gemini(world: World) -> None:
    key = service_account(f"{world.upstream.url}/token")
    assert post(world.workspace, "put", scope="providers", key="account", string_value=key).ok
    block = {"project_id": "p", "region": "europe-west1", "private_key": "{{secrets/providers/account}}"}
    name = world.endpoint("google-cloud-vertex-ai", block, name="gemini-2")
    candidate = {"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP"}
    counts = {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3}
    world.upstream.will(
        reply({"access_token": "token-2", "expires_in": 3600, "token_type": "Bearer"}),
        reply({"candidates": [candidate], "usageMetadata": counts}),
    )
    body = world.chat(name).json()
    assert (body["choices"][0]["message"]["content"], body["usage"]["total_tokens"]) == ("Hi", 3)
    sign_in, asked = world.upstream.asked
    assert sign_in.path == "/token"
    assert asked.path == "/v1/projects/p/locations/europe-west1/publishers/google/models/gemini-2:generateContent"
    assert asked.headers["authorization"] == "Bearer token-2"
    assert post(world.workspace, "put", scope="providers", key="account", string_value="/etc/passwd").ok
    refused = world.chat(name)
    assert (refused.status_code, "service account" in refused.json()["message"]) == (400, True)


def test_a_custom_provider_gets_the_body_with_the_models_own_name(world: World) -> None:
    auth = {"api_key_auth": {"key": "X-My-Key", "value": REFERENCE}}
    name = world.endpoint("custom", {"custom_provider_url": f"{world.upstream.url}/any?v=1"} | auth)
    world.upstream.will(reply({"whatever": 1}), stream({"odd": 1}, chunk("a", "stop"), "[DONE]"))
    assert world.chat(name, model="mine", odd=True).json() == {"whatever": 1}
    asked = world.upstream.last
    assert (asked.path, asked.query, asked.headers["x-my-key"]) == ("/any", {"v": ["1"]}, KEY)
    assert asked.json == {"model": "up-model", "messages": HELLO, "odd": True}
    assert events(world.chat(name, stream=True)) == [{"odd": 1}, chunk("a", "stop"), "[DONE]"]
    assert "stream_options" not in world.upstream.last.json


def test_another_workspaces_endpoint_answers_here(world: World) -> None:
    # The other workspace is this one: its own chat model, asked through an endpoint that takes it for a provider.
    block = {"databricks_workspace_url": world.workspace.host, "databricks_api_token_plaintext": world.workspace.token}
    external = external_model("databricks-model-serving", block, name=LOCAL_CHAT)
    name = new_name()
    create(world.workspace, name, {"name": "entity", "external_model": external})
    assert settled(world.workspace, name)["state"]["ready"] == "READY"
    whole = world.chat(name, max_tokens=3)
    assert whole.headers["served-model-name"] == "entity"
    assert whole.json()["usage"]["completion_tokens"] == 3
    *_, usage, done = events(world.chat(name, max_tokens=3, stream=True))
    assert (usage["usage"]["completion_tokens"], done) == (3, "[DONE]")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "BAD_REQUEST"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "ENDPOINT_NOT_FOUND"),
        (422, "BAD_REQUEST"),
        (500, "INTERNAL_ERROR"),
        (503, "TEMPORARILY_UNAVAILABLE"),
    ],
)
@pytest.mark.parametrize("streams", [False, True])
def test_what_a_provider_refuses_with_is_wrapped(world: World, status: int, code: str, streams: bool) -> None:
    problem = {"error": {"message": f"No. Your key is {KEY}.", "code": "x", "param": None}}
    world.upstream.will(reply(problem, status))
    response = world.chat(world.openai(), stream=streams)
    shown = {"error": {"message": "No. Your key is [redacted].", "code": "x", "param": None}}
    assert failure(response) == (status, code, shown)
    assert json.loads(response.json()["message"])["external_model_provider"] == "openai"


def test_a_throttled_provider_says_when_to_come_back(world: World) -> None:
    world.upstream.will(reply({"error": "slow"}, 429, retry_after="17"))
    response = world.chat(world.openai())
    assert failure(response) == (429, "REQUEST_LIMIT_EXCEEDED", {"error": "slow"})
    assert response.headers["retry-after"] == "17"


def test_a_gateways_html_page_is_shown_as_text(world: World) -> None:
    world.upstream.will(reply(b"<html>502 Bad Gateway</html>", 502, content_type="text/html"))
    assert failure(world.chat(world.openai())) == (502, "INTERNAL_ERROR", "<html>502 Bad Gateway</html>")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (reply(b"{half"), "not valid JSON"),
        (reply([1]), "not a JSON object"),
        (reply(b"<html></html>", content_type="text/html"), "text/html"),
        (reply(b"", 307, location="http://127.0.0.1:1/"), "not followed"),
        (garbage, "not HTTP"),
    ],
    ids=["half", "list", "html", "redirect", "garbage"],
)
def test_an_answer_that_is_none_is_said_to_be_none(world: World, answer: Any, words: str) -> None:
    world.upstream.will(answer)
    status, code, text = failure(world.chat(world.openai()))
    assert (status, code) == (502, "INTERNAL_ERROR")
    assert words in text
    assert len(world.upstream.asked) == 1


def test_providers_that_cannot_be_reached_are_named(world: World) -> None:
    port = world.upstream.url.rpartition(":")[2]
    for base, words in {
        "http://127.0.0.1:1/v1": "Cannot connect to 127.0.0.1:1",
        "http://nowhere.invalid/v1": "nowhere.invalid cannot be resolved",
        f"https://127.0.0.1:{port}/v1": "No TLS connection",
    }.items():
        status, code, text = failure(world.chat(world.openai(openai_api_base=base)))
        assert (status, code) == (502, "INTERNAL_ERROR")
        assert words in text


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ([b"data: {half\n\n"], "not valid JSON"),
        ([b"data: 5\n\n"], "not a JSON object"),
        ([b"<html>\n"], "no stream of events"),
        ([], "ended before"),
        ([{"error": {"message": f"boom {KEY}"}}], "boom [redacted]"),
    ],
    ids=["half", "number", "html", "end", "error"],
)
def test_a_stream_that_goes_wrong_ends_with_an_error_event(world: World, rest: list[Any], words: str) -> None:
    world.upstream.will(stream(chunk("a"), *rest))
    response = world.chat(world.openai(), stream=True)
    first, last = events(response)
    assert first == chunk("a")
    assert (last["error_code"], set(last)) == ("INTERNAL_ERROR", {"error_code", "message", "error"})
    assert words in last["message"]
    assert KEY.encode() not in response.content


def test_a_connection_that_drops_in_a_stream_is_an_error_event(world: World) -> None:
    world.upstream.will(stream(chunk("a"), breaks=True))
    *_, last = events(world.chat(world.openai(), stream=True))
    assert "broke off" in last["message"]


def test_a_stream_without_done_that_finished_is_whole(world: World) -> None:
    world.upstream.will(stream(chunk("a"), chunk(finish="stop")))
    assert events(world.chat(world.openai(), stream=True))[-1] == "[DONE]"


def test_json_in_answer_to_a_request_to_stream_is_an_error(world: World) -> None:
    world.upstream.will(reply(REPLY))
    assert failure(world.chat(world.openai(), stream=True))[0] == 502


@pytest.mark.parametrize("body", [{"messages": "no"}, {"messages": []}, {"n": 2}, {"temperature": "hot"}])
def test_what_cannot_be_said_to_a_translated_provider_is_400(world: World, body: dict[str, Any]) -> None:
    response = world.chat(anthropic(world), **body)
    assert (response.status_code, response.json()["error_code"]) == (400, "BAD_REQUEST")
    assert world.upstream.asked == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": None},
        {"messages": []},
        {"messages": "no"},
        {"messages": ["no"]},
        {"inputs": HELLO},
        {"dataframe_records": [{}]},
    ],
)
def test_a_chat_endpoint_that_is_asked_nothing_does_not_ask_its_provider(world: World, body: dict[str, Any]) -> None:
    response = world.ask(world.openai(), **body)
    assert (response.status_code, response.json()["error_code"]) == (400, "BAD_REQUEST")
    assert "messages" in response.json()["message"]
    assert world.upstream.asked == []


@pytest.mark.parametrize(("task", "field"), [(COMPLETIONS, "prompt"), (EMBEDDINGS, "input")])
def test_an_endpoint_of_another_task_misses_its_own_field(world: World, task: str, field: str) -> None:
    response = world.ask(world.openai(task), instances=["Hello"])
    assert (response.status_code, f"send '{field}', not 'instances'" in response.json()["message"]) == (400, True)
    assert world.ask(world.openai(task)).status_code == 400
    assert world.upstream.asked == []


def test_a_rotated_secret_is_used_by_the_next_call(world: World) -> None:
    name = world.openai()
    world.upstream.will(reply(REPLY), reply(REPLY))
    world.chat(name)
    assert post(world.workspace, "put", scope="providers", key="key", string_value="sk-second-one").ok
    world.chat(name)
    assert [asked.headers["authorization"] for asked in world.upstream.asked] == [
        f"Bearer {KEY}",
        "Bearer sk-second-one",
    ]


def test_a_secret_that_is_gone_or_no_key_fails_the_call_with_its_name(world: World) -> None:
    name = world.openai()
    assert post(world.workspace, "put", scope="providers", key="key", string_value="sk-with-newline\n").ok
    broken = world.chat(name)
    assert post(world.workspace, "delete", scope="providers", key="key").ok
    gone = world.chat(name)
    for response, words in ((broken, "line break"), (gone, REFERENCE)):
        assert response.status_code == 400
        assert words in response.json()["message"]
        assert "sk-with" not in response.text
    assert world.upstream.asked == []


def test_the_key_is_in_no_log_reply_or_file(world: World) -> None:
    plain = "sk-plaintext-canary-0a1b2c"
    name = world.openai(openai_api_key="", openai_api_key_plaintext=plain)
    world.upstream.will(
        reply({"error": plain}, 401), stream(chunk(plain), chunk(finish="stop")), reply({"choices": [], "echo": plain})
    )
    answers = [world.chat(name).text, world.chat(name, stream=True).text, world.chat(name).text]
    assert [asked.headers["authorization"] for asked in world.upstream.asked] == [f"Bearer {plain}"] * 3
    shown = call(world.workspace, "GET", f"{ROOT}/{name}").text
    logs = call(world.workspace, "GET", f"{ROOT}/{name}/served-models/entity/logs").text
    with sqlite3.connect(world.workspace.state / "workspace.db") as database:
        kept = "\n".join(database.iterdump())
    files = [path.read_bytes() for path in world.workspace.state.iterdir() if path.is_file()]
    logged = json.dumps(
        [
            entry.headers | {"body": entry.body.decode()}
            for entry in world.workspace.requests()
            if ROOT not in entry.path
        ]
    )
    stderr = world.workspace.stderr.read_text()
    assert "401 in" in json.loads(logs)["logs"]
    for place in (*answers, shown, logs, kept, logged, stderr, *files):
        assert plain not in place if isinstance(place, str) else plain.encode() not in place
        assert KEY not in place if isinstance(place, str) else KEY.encode() not in place


def test_the_gateways_process_comes_back_after_its_end(world: World) -> None:
    name = world.openai()
    world.upstream.will(reply(REPLY), stream(chunk("a"), holds=True))
    assert world.chat(name).ok
    response = world.chat(name, stream=True)
    lines = response.iter_lines()
    assert b"content" in next(lines)
    for process in psutil.Process(world.workspace.process.pid).children():
        if "local_workspace.external_models.gateway_worker" in process.cmdline():
            os.kill(process.pid, signal.SIGKILL)
    assert b"TEMPORARILY_UNAVAILABLE" in b"".join(lines)
    world.upstream.will(reply(REPLY))
    assert world.chat(name).json() == REPLY


def test_many_streams_at_once_do_not_wait_for_each_other(world: World) -> None:
    name = world.openai()
    world.upstream.will(*[stream(chunk("first"), holds=True) for _ in range(40)])
    responses = [world.chat(name, stream=True) for _ in range(40)]
    lines = [response.iter_lines() for response in responses]
    assert all(b"first" in next(each) for each in lines)
    assert not any(asked.hung_up.is_set() for asked in world.upstream.asked)
    for response in responses:
        response.close()
    assert eventually(lambda: all(asked.hung_up.is_set() for asked in world.upstream.asked))
