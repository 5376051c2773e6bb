"""Providers that send what no provider should: every answer to it is a sentence, at once, and the next call works."""

import gzip
from collections.abc import Iterator

import pytest

from tests.local_workspace.external_calls import CHAT, World, failure
from tests.local_workspace.secrets_calls import post
from tests.local_workspaces import start_local_workspace
from tests.upstreams import Upstream, reply, stream

DEEP = b"[" * 100_000 + b"]" * 100_000
GOOD = {"id": "x", "object": "chat.completion", "created": 1, "choices": [{"index": 0, "message": {"content": "벽돌"}}]}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A workspace of its own, since its endpoints stay."""
    stderr = tmp_path_factory.mktemp("workspace") / "stderr.txt"
    workspace = start_local_workspace(stderr, "--deployment-seconds", "0")
    upstream = Upstream()
    post(workspace, "scopes/create", scope="hostile")
    post(workspace, "put", scope="hostile", key="key", string_value="sk-canary-hostile")
    yield World(workspace, upstream, {})
    workspace.stop()
    upstream.stop()


@pytest.fixture(params=["openai", "custom"])
def endpoint(request, world):
    reference = "{{secrets/hostile/key}}"
    url = f"{world.upstream.url}/v1"
    blocks = {
        "openai": {"openai_api_base": url, "openai_api_key": reference},
        "custom": {"custom_provider_url": url, "bearer_token_auth": {"token": reference}},
    }
    return world.endpoint(request.param, blocks[request.param], CHAT)


def works(world, endpoint) -> bool:
    world.upstream.will(reply(GOOD))
    answered = world.chat(endpoint).json()
    return answered["choices"][0]["message"]["content"] == "벽돌" and answered["model"] == "up-model"


@pytest.mark.parametrize(
    ("answer", "streams", "sentence"),
    [
        (reply(b'{"a": ' + DEEP + b"}"), False, "not valid JSON"),
        (reply(b'{"a": ' + b"9" * 10_000 + b"}"), False, "not valid JSON"),
        (stream(b"data: " + DEEP + b"\n\n"), True, "not valid JSON"),
        (stream(b'data: {"error": ' + DEEP + b"}\n\n"), True, "not valid JSON"),
        (stream(b"data: " + b"a" * (20 * 1024 * 1024)), True, "too long"),
        (stream(*[b"data: " + b"a" * 1000 + b"\n" * 1] * 6000), True, "larger than 4194304 bytes"),
    ],
    ids=["deep", "long-number", "deep-event", "deep-error-event", "endless-line", "endless-event"],
)
def test_what_cannot_be_read_is_502_with_the_reason(world, endpoint, answer, streams, sentence):
    world.upstream.will(answer)
    response = world.chat(endpoint, stream=streams)
    status, _, said = failure(response)
    assert (status, sentence in said) == (502, True), said
    assert works(world, endpoint)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_small_body_that_grows_without_end_is_not_unpacked(world, endpoint, encoding):
    bomb = gzip.compress(b"a" * (200 << 20))
    world.upstream.will(reply(bomb, content_encoding=encoding))
    assert failure(world.chat(endpoint))[0] == 502
    assert works(world, endpoint)


def test_half_of_a_character_becomes_a_question_mark(world, endpoint):
    world.upstream.will(reply(b'{"choices": [{"message": {"content": "a\\ud800b"}}]}'))
    assert world.chat(endpoint).json()["choices"][0]["message"]["content"] == "a?b"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "\\ud800"}', {"error": "?"}),
        (DEEP[:99_000], None),
        (b"[" * 200 + b"]" * 200, "What the provider says is nested too deep to be shown."),
    ],
    ids=["half-a-character", "deep", "rather-deep"],
)
def test_a_refusal_keeps_its_status_whatever_it_says(world, endpoint, body, said):
    world.upstream.will(reply(body, 429))
    status, code, error = failure(world.chat(endpoint))
    assert (status, code) == (429, "REQUEST_LIMIT_EXCEEDED")
    assert said is None or error == said
    assert works(world, endpoint)
