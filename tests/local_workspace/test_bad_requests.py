"""Bad input: refused in one readable sentence, and never a 500."""

import json
import socket
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.local_workspace.calls import CHAT, CHAT_PATH, HELLO, call, chat

MESSAGE = {"role": "user", "content": "x"}
NO_TOOLS = "This endpoint's model cannot call tools: its chat template has no place for them."
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function"}]}
IMAGE = {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "nonsense"}}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "The field 'messages' is missing."),
        ({"mesages": []}, "Unknown field 'mesages' in the request body."),
        ({"messages": [MESSAGE], "temprature": 1}, "Unknown field 'temprature' in the request body."),
        (
            {"messages": [MESSAGE], "max_completion_tokens": 1},
            "Unknown field 'max_completion_tokens' in the request body.",
        ),
        ({"messages": []}, "The field 'messages' must be a list that is not empty."),
        ({"messages": "hi"}, "The field 'messages' must be a list."),
        ({"messages": ["hi"]}, "The field 'messages[0]' must be an object."),
        ({"messages": None}, "The field 'messages' must be a list."),
        ({"messages": [{"content": "x"}]}, "The field 'messages[0].role' is missing."),
        (
            {"messages": [{"role": "robot", "content": "x"}]},
            "The field 'messages[0].role' must be 'system', 'user' or 'assistant'.",
        ),
        ({"messages": [MESSAGE | {"content": 1}]}, "The field 'messages[0].content' must be a string or a list."),
        ({"messages": [MESSAGE | {"content": None}]}, "messages[0].content must be a string or a list of text parts."),
        ({"messages": [MESSAGE | {"content": [IMAGE]}]}, "The field 'messages[0].content[0].type' must be 'text'."),
        ({"messages": [MESSAGE | {"mood": "sad"}]}, "Unknown field 'messages[0].mood' in the request body."),
        ({"messages": [MESSAGE], "n": 0}, "The field 'n' must be at least 1."),
        ({"messages": [MESSAGE], "n": 6}, "The field 'n' must be at most 5."),
        ({"messages": [MESSAGE], "n": "2"}, "The field 'n' must be an integer."),
        ({"messages": [MESSAGE], "n": True}, "The field 'n' must be an integer."),
        ({"messages": [MESSAGE], "n": 1.5}, "The field 'n' must be an integer."),
        ({"messages": [MESSAGE], "temperature": -0.1}, "The field 'temperature' must be at least 0."),
        ({"messages": [MESSAGE], "temperature": 2.1}, "The field 'temperature' must be at most 2."),
        ({"messages": [MESSAGE], "temperature": "hot"}, "The field 'temperature' must be a number."),
        ({"messages": [MESSAGE], "top_p": 0}, "The field 'top_p' must be greater than 0."),
        ({"messages": [MESSAGE], "top_p": 1.01}, "The field 'top_p' must be at most 1."),
        ({"messages": [MESSAGE], "max_tokens": 0}, "The field 'max_tokens' must be at least 1."),
        ({"messages": [MESSAGE], "stop": 5}, "The field 'stop' must be a string or a list."),
        ({"messages": [MESSAGE], "stop": ["a", 5]}, "The field 'stop[1]' must be a string."),
        ({"messages": [MESSAGE], "stop": [""]}, "The field 'stop[0]' must be a string that is not empty."),
        (
            {"messages": [MESSAGE], "stop": ["a"] * 17},
            "The field 'stop' must be a string or a list of at most 16 items.",
        ),
        ({"messages": [MESSAGE], "stream": "yes"}, "The field 'stream' must be true or false."),
        ({"messages": [MESSAGE], "stream_options": {"a": 1}}, "Unknown field 'stream_options.a' in the request body."),
        ({"messages": [MESSAGE], "seed": 10**30}, "The field 'seed' must be less than 9223372036854775808."),
        (
            {"messages": [MESSAGE], "store": True},
            "The field 'store' can only be false: the workspace keeps no replies.",
        ),
        ({"messages": [MESSAGE], "metadata": 1}, "The field 'metadata' must be an object."),
        ({"messages": [MESSAGE], "top_logprobs": 2}, "The field 'top_logprobs' needs 'logprobs': true."),
        ({"messages": [MESSAGE], "tools": [TOOL]}, NO_TOOLS),
        ({"messages": [MESSAGE], "tool_choice": "required"}, NO_TOOLS),
        ({"messages": [MESSAGE, CALLED]}, NO_TOOLS),
        ({"messages": [MESSAGE, {"role": "tool", "tool_call_id": "1", "content": "x"}]}, NO_TOOLS),
        (
            {"messages": [MESSAGE], "response_format": {"type": "json_schema"}},
            "The field 'response_format' needs 'json_schema' exactly when its type is 'json_schema'.",
        ),
        (
            {"messages": [MESSAGE], "response_format": SCHEMA},
            "The model cannot take this request: #: unrecognized type nonsense",
        ),
        ({"prompt": "hi"}, f"Endpoint '{CHAT}' has the task llm/v1/chat: send 'messages', not 'prompt'."),
        ({"input": "hi"}, f"Endpoint '{CHAT}' has the task llm/v1/chat: send 'messages', not 'input'."),
        ({"messages": [MESSAGE], "prompt": "hi"}, "Unknown field 'prompt' in the request body."),
        (
            {"messages": [MESSAGE], "model": "x"},
            "Unknown field 'model' in the request body: the path names the endpoint already.",
        ),
    ],
)
def test_a_bad_body_is_refused_in_one_sentence(local_workspace, body, message):
    for order in (body, dict(reversed(body.items()))):
        response = call(local_workspace, "POST", CHAT_PATH, order)
        assert (response.status_code, response.json()) == (400, {"error_code": "BAD_REQUEST", "message": message})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "The request body is empty; send a JSON object."),
        (b" \n", "The request body is empty; send a JSON object."),
        (
            b"{",
            "The request body is not valid JSON: Expecting property name enclosed in double quotes at line 1, column 2.",
        ),
        (b"[]", "The request body must be a JSON object, not an array."),
        (b'"x"', "The request body must be a JSON object, not a string."),
        (b"null", "The request body must be a JSON object, not null."),
        (b"true", "The request body must be a JSON object, not a boolean."),
        (b"1e5", "The request body must be a JSON object, not a number."),
        (b"\xff{}", "The request body is not UTF-8 text."),
        (b'{"a": NaN}', "The request body holds NaN, which is not valid JSON."),
        (b'{"a": -Infinity}', "The request body holds -Infinity, which is not valid JSON."),
        (b'{"a": 1e999}', "The request body holds a number that is too large."),
        (b'{"a": ' + b"9" * 5000 + b"}", "The request body holds a number that is too long."),
        (rb'{"a": "\ud83d"}', "The request body holds half of a character (a lone surrogate such as \\ud800)."),
        (rb'{"\udfff": 1}', "The request body holds half of a character (a lone surrogate such as \\ud800)."),
        (b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}", "The request body is nested more than 64 levels deep."),
        (b"[" * 100_000, "The request body is nested more than 64 levels deep."),
        (b'{"a":' * 100_000, "The request body is nested more than 64 levels deep."),
    ],
)
def test_what_is_not_a_json_object_is_refused_in_one_sentence(local_workspace, data, message):
    response = call(local_workspace, "POST", CHAT_PATH, data=data, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()) == (400, {"error_code": "BAD_REQUEST", "message": message})


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "text/csv", "application/json; charset=latin-1"]
)
def test_other_content_types_are_refused(local_workspace, content_type):
    response = call(local_workspace, "POST", CHAT_PATH, data=json.dumps(HELLO), headers={"content-type": content_type})
    assert (response.status_code, response.json()["error_code"]) == (400, "BAD_REQUEST")


def test_the_control_plane_reads_json_that_curl_calls_a_form(make_local_workspace):
    workspace = make_local_workspace()
    headers = {"content-type": "application/x-www-form-urlencoded"}

    def send(path, data):
        return call(workspace, "POST", f"/api/2.0/secrets/{path}", data=data, headers=headers)

    assert send("scopes/create", '{"scope": "curl"}').json() == {}
    assert send("put", '{"scope": "curl", "key": "k", "string_value": "canary-of-curl"}').json() == {}
    assert call(workspace, "GET", "/api/2.0/secrets/get?scope=curl&key=k").json()["key"] == "k"
    assert send("put", "scope=curl&key=k&string_value=x").status_code == 400
    bodies = [entry.body for entry in workspace.requests()]
    assert len(bodies) == 4
    assert not any(b"canary-of-curl" in body for body in bodies)


@pytest.mark.parametrize(
    ("path", "body", "status", "part"),
    [
        ("chat/completions", HELLO, 400, "The field 'model' must be the name of a serving endpoint."),
        (
            "chat/completions",
            HELLO | {"model": ["a"]},
            400,
            "The field 'model' must be the name of a serving endpoint.",
        ),
        ("chat/completions", HELLO | {"model": "nope"}, 404, "Endpoint with name 'nope' does not exist."),
        ("embeddings", {"model": CHAT, "input": "x"}, 400, "has the task llm/v1/chat: send 'messages', not 'input'."),
        (
            "completions",
            {"model": "local-minilm-l6-v2", "prompt": "x"},
            400,
            "has the task llm/v1/embeddings: send 'input'",
        ),
        ("completions", {"model": CHAT, "messages": [MESSAGE]}, 400, "send 'prompt', not 'messages'."),
        ("completions", {"model": CHAT, "prompt": ["a", "b"], "n": 2}, 400, "Send one prompt with 'n'"),
        ("completions", {"model": CHAT, "prompt": [1, 2]}, 400, "The field 'prompt[0]' must be a string."),
    ],
)
def test_openais_routes_refuse_as_readably(local_workspace, path, body, status, part):
    response = call(local_workspace, "POST", f"/serving-endpoints/{path}", body)
    assert response.status_code == status
    assert part in response.json()["message"]


def test_a_body_over_4_megabytes_is_413_with_or_without_a_length(local_workspace):
    big = b'{"messages": "' + b"x" * (4 * 1024 * 1024) + b'"}'
    for data in (big, iter([big[:1000], big[1000:]])):
        response = call(local_workspace, "POST", CHAT_PATH, data=data, headers={"content-type": "application/json"})
        assert (response.status_code, response.json()["error_code"]) == (413, "BAD_REQUEST")
        assert "4194304 bytes" in response.json()["message"]


def test_a_body_of_nearly_4_megabytes_is_read(local_workspace):
    response = call(local_workspace, "POST", CHAT_PATH, {"messages": "x" * (4 * 1024 * 1024 - 100)})
    assert response.json()["message"] == "The field 'messages' must be a list."


@pytest.mark.parametrize("text", ["a\x00b", "\u2028\u2029\x85", "<|im_end|>\n<|im_start|>", "🧱🏽🧱🏽", "\r\n\t", ""])
def test_odd_texts_are_answered(local_workspace, text):
    response = chat(local_workspace, messages=[{"role": "user", "content": text}], max_tokens=2)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://example.invalid/schema.json"},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
        {"type": "string", "pattern": "^(((((a{1,1000}){1,1000}){1,1000})))$"},
        {"type": "string", "pattern": "^[$"},
        {"type": "string", "minLength": 10**9, "maxLength": 10**12},
        {"type": "array", "items": {"type": "integer"}, "minItems": 10**8},
        {"type": "integer", "minimum": -(10**200), "maximum": 10**200},
        {"enum": []},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
        {"properties": {"a": 5}},
        {"type": 7},
        {},
    ],
)
def test_no_schema_is_a_500_or_the_end_of_the_engine(local_workspace, schema):
    wanted = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}
    response = chat(local_workspace, response_format=wanted, max_tokens=3)
    assert response.status_code in (200, 400), response.text
    assert chat(local_workspace, max_tokens=1).status_code == 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    "messages",
    "n",
    "stop",
    "stream",
    "temperature",
    "response_format",
    "tools",
    "seed",
    "stream_options",
    "other",
]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(st.sampled_from(FIELDS), JSON), valid=st.booleans())
def test_no_body_is_a_500(local_workspace, body, valid):
    sent = body | (HELLO if valid else {})
    response = requests.post(
        local_workspace.host + CHAT_PATH,
        data=json.dumps(sent),
        headers={
            "authorization": f"Bearer {local_workspace.token}",
            "content-type": "application/json",
            "x-local-fault": "scripted-0-1",
        },
        timeout=10,
    )
    assert response.status_code in (200, 400)
    if response.status_code == 400:
        assert response.json()["message"].endswith(".")


@pytest.mark.parametrize(
    "raw", [b"GET\r\n\r\n", b"\x00\xff" * 50, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 30_000 + b"\r\n"]
)
def test_what_is_not_http_does_not_end_the_server(local_workspace, raw):
    address = urlsplit(local_workspace.host)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
    assert call(local_workspace, "GET", "/api/2.0/serving-endpoints").status_code == 200
