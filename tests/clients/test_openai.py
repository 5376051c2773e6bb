"""The openai SDK as it is, at `<host>/serving-endpoints`."""

import base64
import json
import struct

import openai
import pytest

from tests.local_workspace.calls import CHAT, EMBEDDINGS

HELLO = [{"role": "user", "content": "Say hello."}]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 20}, "warm": {"type": "boolean"}},
    "required": ["city", "warm"],
    "additionalProperties": False,
}


def client(workspace, **options):
    options = {"api_key": workspace.token, "max_retries": 0, "timeout": 60} | options
    return openai.OpenAI(base_url=f"{workspace.host}/serving-endpoints", **options)


def test_chat_answers_with_choices_and_usage(local_workspace):
    reply = client(local_workspace).chat.completions.create(model=CHAT, messages=HELLO, n=2, max_tokens=4)
    assert [choice.index for choice in reply.choices] == [0, 1]
    assert all(choice.message.content for choice in reply.choices)
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert local_workspace.last_request("/chat/completions").json["model"] == CHAT


def test_chat_streams_deltas_and_usage_once(local_workspace):
    stream = client(local_workspace).chat.completions.create(model=CHAT, messages=HELLO, max_tokens=4, stream=True)
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert [chunk.usage.completion_tokens for chunk in chunks if chunk.usage] == [4]


def test_a_stop_ends_the_text(local_workspace):
    reply = client(local_workspace).chat.completions.create(
        model=CHAT,
        messages=[{"role": "user", "content": "Repeat: 1 2 3 4 5"}],
        stop=["3"],
        temperature=0,
        max_tokens=40,
    )
    assert "3" not in reply.choices[0].message.content


def test_a_json_schema_is_kept_to(local_workspace):
    wanted = {"type": "json_schema", "json_schema": {"name": "weather", "strict": True, "schema": SCHEMA}}
    reply = client(local_workspace).chat.completions.create(
        model=CHAT, messages=[{"role": "user", "content": "The weather?"}], response_format=wanted, max_tokens=60
    )
    weather = json.loads(reply.choices[0].message.content)
    assert set(weather) == {"city", "warm"}
    assert isinstance(weather["warm"], bool)


def test_log_probabilities_are_typed(local_workspace):
    reply = client(local_workspace).chat.completions.create(
        model=CHAT, messages=HELLO, max_tokens=2, logprobs=True, top_logprobs=2
    )
    [first, *_] = reply.choices[0].logprobs.content
    assert first.logprob <= 0
    assert len(first.top_logprobs) == 2


def test_completions_answer_and_stream(local_workspace):
    reply = client(local_workspace).completions.create(model=CHAT, prompt="Once upon a", max_tokens=3)
    assert reply.choices[0].text
    stream = client(local_workspace).completions.create(model=CHAT, prompt="Once upon a", max_tokens=3, stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream if chunk.choices)


def test_embeddings_come_as_floats_whichever_way_they_travel(local_workspace):
    sdk = client(local_workspace)
    unasked = sdk.embeddings.create(model=EMBEDDINGS, input=["a", "b"])
    assert local_workspace.last_request("/embeddings").json["encoding_format"] == "base64"
    floats = sdk.embeddings.create(model=EMBEDDINGS, input=["a", "b"], encoding_format="float")
    text = sdk.embeddings.create(model=EMBEDDINGS, input="a", encoding_format="base64").data[0].embedding
    assert unasked.data[1].embedding == pytest.approx(floats.data[1].embedding, abs=1e-6)
    assert struct.unpack("<384f", base64.b64decode(text)) == pytest.approx(floats.data[0].embedding, abs=1e-6)


def test_models_are_the_endpoints(local_workspace):
    assert {CHAT, EMBEDDINGS} <= {model.id for model in client(local_workspace).models.list()}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("return-400", openai.BadRequestError),
        ("return-401", openai.AuthenticationError),
        ("return-403", openai.PermissionDeniedError),
        ("return-404", openai.NotFoundError),
        ("return-429", openai.RateLimitError),
        ("return-500", openai.InternalServerError),
        ("return-503", openai.InternalServerError),
        ("html-502", openai.InternalServerError),
    ],
)
def test_each_refusal_is_its_own_exception(local_workspace, fault, error):
    with pytest.raises(error):
        client(local_workspace, default_headers={"x-local-fault": fault}).chat.completions.create(
            model=CHAT, messages=HELLO
        )


def test_real_refusals_say_what_is_wrong(local_workspace):
    with pytest.raises(openai.BadRequestError, match="Unknown field 'topk'"):
        client(local_workspace).chat.completions.create(model=CHAT, messages=HELLO, extra_body={"topk": 1})
    with pytest.raises(openai.NotFoundError, match="'nope' does not exist"):
        client(local_workspace).chat.completions.create(model="nope", messages=HELLO)
    with pytest.raises(openai.PermissionDeniedError, match="Invalid access token"):
        client(local_workspace, api_key="dapi0").models.list()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("break-after-2 scripted-0-9", openai.APIConnectionError),
        ("error-object-after-2 scripted-0-9", openai.APIError),
    ],
)
def test_a_stream_that_breaks_is_an_error_not_an_end(local_workspace, fault, error):
    broken = client(local_workspace, default_headers={"x-local-fault": fault})
    chunks = []
    with pytest.raises(error):
        chunks.extend(broken.chat.completions.create(model=CHAT, messages=HELLO, stream=True))
    assert len(chunks) <= 2


def test_a_429_is_tried_again_after_the_time_it_names(local_workspace):
    local_workspace.queue_fault("return-429-retry-after-1", "/serving-endpoints/chat/completions")
    reply = client(local_workspace, max_retries=1).chat.completions.create(model=CHAT, messages=HELLO, max_tokens=1)
    assert reply.choices


def test_closing_a_stream_stops_the_model(local_workspace):
    sdk = client(local_workspace, default_headers={"x-local-fault": "scripted-20-100000"})
    stream = sdk.chat.completions.create(model=CHAT, messages=HELLO, stream=True)
    next(iter(stream))
    stream.close()
    sdk.close()
    assert local_workspace.settled("/chat/completions").outcome == "client_closed"
