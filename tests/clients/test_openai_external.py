"""The openai SDK on models of a provider, over TLS: at each base it is told, waiting and not."""

import asyncio

import openai
import pytest

from tests.clients.openai_provider import ANSWER, KEY, USAGE
from tests.local_workspace.calls import CHAT, EMBEDDINGS, call

HELLO = [{"role": "user", "content": "hello"}]
BASES = ("/serving-endpoints", "/ai-gateway/mlflow/v1", "/ai-gateway/openai/v1")
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture
def options(tls_workspace, monkeypatch):
    """Makes the arguments of a client at one base."""
    monkeypatch.setenv("SSL_CERT_FILE", tls_workspace.ca_bundle)

    def options(base="/serving-endpoints", **more):
        made = {"base_url": tls_workspace.host + base, "api_key": tls_workspace.token, "max_retries": 0, "timeout": 60}
        return made | more

    return options


@pytest.fixture
def client(options):
    return openai.OpenAI(**options())


def text_of(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices).strip()


@pytest.mark.parametrize("base", BASES)
def test_chat_at_every_base(options, external_endpoints, base):
    client = openai.OpenAI(**options(base))
    reply = client.chat.completions.create(model=external_endpoints["chat"], messages=HELLO)
    assert (reply.choices[0].message.content, reply.choices[0].finish_reason) == (ANSWER, "stop")
    assert reply.usage.total_tokens == USAGE["total_tokens"]
    local = client.chat.completions.create(model=CHAT, messages=HELLO, max_tokens=2)
    assert local.choices[0].message.content
    vectors = client.embeddings.create(model=EMBEDDINGS, input=["a", "b"])
    assert [len(item.embedding) for item in vectors.data] == [384, 384]


def test_the_provider_gets_what_was_asked_and_the_secret(client, external_endpoints, provider):
    client.chat.completions.create(
        model=external_endpoints["chat"], messages=HELLO, temperature=0.3, top_p=0.8, user="me", seed=7
    )
    asked = provider.last
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.json["model"] == "gpt-4"
    assert {name: asked.json[name] for name in ("messages", "temperature", "top_p", "user", "seed")} == {
        "messages": HELLO,
        "temperature": 0.3,
        "top_p": 0.8,
        "user": "me",
        "seed": 7,
    }


def test_the_entity_that_answered_is_named(client, external_endpoints):
    raw = client.chat.completions.with_raw_response.create(model=external_endpoints["chat"], messages=HELLO)
    assert raw.headers["served-model-name"] == "openai-chat"


def test_a_stream_arrives_in_pieces_with_usage_once(client, external_endpoints):
    chunks = list(
        client.chat.completions.create(
            model=external_endpoints["chat"], messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert text_of(chunks) == ANSWER
    assert len(chunks) > len(ANSWER.split())
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == [USAGE["total_tokens"]]


def test_a_tool_is_called(client, external_endpoints, provider):
    reply = client.chat.completions.create(
        model=external_endpoints["chat"], messages=HELLO, tools=[WEATHER], tool_choice="auto"
    )
    (called,) = reply.choices[0].message.tool_calls
    assert (called.function.name, called.function.arguments) == ("weather", '{"city": "Seoul"}')
    assert reply.choices[0].finish_reason == "tool_calls"
    assert provider.last.json["tools"] == [WEATHER]
    turn = [*HELLO, reply.choices[0].message, {"role": "tool", "tool_call_id": called.id, "content": "sunny"}]
    again = client.chat.completions.create(model=external_endpoints["chat"], messages=turn)
    assert again.choices[0].message.content == ANSWER
    assert provider.last.json["messages"][-1] == turn[-1]


def test_completions_and_embeddings(client, external_endpoints, provider):
    reply = client.completions.create(model=external_endpoints["completions"], prompt="Say hello.", max_tokens=5)
    assert reply.choices[0].text == ANSWER
    assert provider.last.json["prompt"] == "Say hello."
    vectors = client.embeddings.create(model=external_endpoints["embeddings"], input=["four", "a"])
    assert [item.embedding for item in vectors.data] == [[4.0, 1.0, 0.0], [1.0, 1.0, 0.0]]


def test_models_are_the_endpoints(client, external_endpoints):
    assert {CHAT, EMBEDDINGS, *external_endpoints.values()} <= {model.id for model in client.models.list()}


def test_the_async_client_does_many_at_once(options, external_endpoints):
    async def ask():
        async with openai.AsyncOpenAI(**options()) as client:
            asked = [client.chat.completions.create(model=external_endpoints["chat"], messages=HELLO) for _ in range(8)]
            replies = await asyncio.gather(*asked)
            stream = await client.chat.completions.create(model=external_endpoints["chat"], messages=HELLO, stream=True)
            chunks = [chunk async for chunk in stream]
            vectors = await client.embeddings.create(model=external_endpoints["embeddings"], input="abc")
            return [reply.choices[0].message.content for reply in replies], text_of(chunks), vectors.data[0].embedding

    assert asyncio.run(ask()) == ([ANSWER] * 8, ANSWER, [3.0, 1.0, 0.0])


def test_responses_are_refused_in_a_sentence(client, external_endpoints):
    with pytest.raises(openai.APIStatusError) as refused:
        client.responses.create(model=external_endpoints["chat"], input="hello")
    assert refused.value.status_code in (400, 501)
    assert "esponses" in refused.value.body["message"]


@pytest.mark.parametrize(
    ("task", "ask"),
    [
        ("embeddings", lambda client, model: client.chat.completions.create(model=model, messages=HELLO)),
        ("chat", lambda client, model: client.embeddings.create(model=model, input="a")),
        ("chat", lambda client, model: client.completions.create(model=model, prompt="a")),
    ],
)
def test_a_question_of_another_task_is_refused(client, external_endpoints, provider, task, ask):
    before = len(provider.asked)
    with pytest.raises(openai.BadRequestError, match=f"llm/v1/{task}"):
        ask(client, external_endpoints[task])
    assert len(provider.asked) == before


def test_a_rate_limit_says_when_to_come_back(client, external_endpoints, tls_workspace):
    path = f"/api/2.0/serving-endpoints/{external_endpoints['chat']}/rate-limits"
    limits = [{"calls": 1, "key": "user", "renewal_period": "minute"}]
    assert call(tls_workspace, "PUT", path, {"rate_limits": limits}).ok
    try:
        assert client.chat.completions.create(model=external_endpoints["chat"], messages=HELLO).choices
        with pytest.raises(openai.RateLimitError, match="rate limit") as refused:
            client.chat.completions.create(model=external_endpoints["chat"], messages=HELLO)
        assert 0 < int(refused.value.response.headers["retry-after"]) <= 60
    finally:
        assert call(tls_workspace, "PUT", path, {"rate_limits": []}).ok
    assert client.chat.completions.create(model=external_endpoints["chat"], messages=HELLO).choices
