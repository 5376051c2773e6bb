"""Chat and completions on the real model."""

import json
import re

import pytest

from tests.local_workspace.calls import CHAT, CHAT_PATH, HELLO, call, chat, events, said

ENTITY = "smollm2-135m-instruct-1"


def ask(text: str) -> dict:
    return {"messages": [{"role": "user", "content": text}]}


def complete(workspace, **body):
    return call(workspace, "POST", "/serving-endpoints/completions", {"model": CHAT, **body})


def test_extra_params_are_fields_like_others_and_their_texts_are_read(local_workspace):
    asked = {"max_tokens": "2", "seed": "7", "stop": "never"}
    found = chat(local_workspace, extra_params=asked).json()
    assert found["usage"]["completion_tokens"] == 2
    wrong = chat(local_workspace, extra_params={"max_tokens": "two"})
    assert (wrong.status_code, wrong.json()["message"]) == (400, "The field 'max_tokens' must be an integer.")
    for hostile in ('"\\ud800"', "5", "9" * 5000, "1e999", "[" * 5000):
        assert chat(local_workspace, max_tokens=1, extra_params={"temperature": hostile}).status_code == 400, hostile
        assert chat(local_workspace, max_tokens=1, extra_params={"stop": hostile[:900]}).status_code == 200
    assert "must be an object" in chat(local_workspace, extra_params=[1]).json()["message"]


def test_a_reply_has_the_platforms_shape_and_nothing_of_llama_cpp(local_workspace):
    response = chat(local_workspace, max_tokens=4)
    body = response.json()
    assert set(body) == {"id", "object", "created", "model", "choices", "usage"}
    assert (body["object"], body["model"], response.headers["served-model-name"]) == ("chat.completion", ENTITY, ENTITY)
    [choice] = body["choices"]
    assert set(choice) == {"index", "message", "finish_reason"}
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"]
    assert choice["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 4
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + 4


def test_a_stream_is_data_lines_with_usage_once_at_the_end(local_workspace):
    response = chat(local_workspace, max_tokens=4, stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["served-model-name"] == ENTITY
    assert all(line.startswith(b"data: ") or line == b"" for line in response.content.split(b"\n"))
    *chunks, usage, done = events(response)
    assert done == "[DONE]"
    assert (usage["choices"], usage["usage"]["completion_tokens"]) == ([], 4)
    assert all("usage" not in chunk and len(chunk["choices"]) == 1 for chunk in chunks)
    assert {(chunk["object"], chunk["model"], chunk["id"]) for chunk in chunks} == {
        ("chat.completion.chunk", ENTITY, usage["id"])
    }
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks][-2:] == [None, "length"]


def test_a_stream_without_usage_is_what_the_caller_may_ask_for(local_workspace):
    stream = events(chat(local_workspace, max_tokens=2, stream=True, stream_options={"include_usage": False}))
    assert all("usage" not in event for event in stream[:-1])


def test_streamed_and_whole_replies_say_the_same_at_temperature_zero(local_workspace):
    asked = ask("Name three colours.") | {"temperature": 0, "max_tokens": 24}
    whole = chat(local_workspace, **asked).json()
    stream = events(chat(local_workspace, **asked, stream=True))
    assert said(stream) == whole["choices"][0]["message"]["content"]
    assert stream[-2]["usage"] == whole["usage"]


def test_five_choices_are_five_answers_and_all_are_counted(local_workspace):
    body = chat(local_workspace, n=5, max_tokens=6, temperature=1).json()
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2, 3, 4]
    assert len({choice["message"]["content"] for choice in body["choices"]}) > 1
    assert body["usage"]["completion_tokens"] > 6
    one = chat(local_workspace, max_tokens=1).json()
    assert body["usage"]["prompt_tokens"] == one["usage"]["prompt_tokens"]


def test_choices_keep_their_index_in_a_stream(local_workspace):
    stream = events(chat(local_workspace, n=3, max_tokens=4, temperature=1, stream=True))
    chunks = [event for event in stream[:-1] if event["choices"]]
    first = {}
    for chunk in chunks:
        first.setdefault(chunk["choices"][0]["index"], chunk["choices"][0]["delta"])
    assert set(first) == {0, 1, 2}
    assert all(delta["role"] == "assistant" for delta in first.values())
    assert [event for event in stream if event != "[DONE]" and not event["choices"]] == [stream[-2]]


@pytest.mark.parametrize("stop", ["3", ["zebra", "3"]])
def test_text_ends_before_a_stop(local_workspace, stop):
    asked = ask("Repeat exactly: 1 2 3 4 5 6") | {"temperature": 0, "max_tokens": 40}
    choice = chat(local_workspace, **asked, stop=stop).json()["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert "3" not in choice["message"]["content"]
    assert "3" in chat(local_workspace, **asked).json()["choices"][0]["message"]["content"]


def test_a_seed_makes_sampling_repeatable(local_workspace):
    asked = ask("Tell me a story.") | {"temperature": 1.5, "max_tokens": 12, "seed": -12345678901}
    first, second = (chat(local_workspace, **asked).json()["choices"][0]["message"]["content"] for _ in range(2))
    assert first == second


def test_a_json_schema_is_kept_to(local_workspace):
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": schema}}
    body = chat(local_workspace, **ask("Invent a person."), response_format=wanted, max_tokens=60, temperature=0).json()
    person = json.loads(body["choices"][0]["message"]["content"])
    assert set(person) == {"name", "age"}
    assert isinstance(person["age"], int)


def test_log_probabilities_come_with_the_alternatives_that_were_asked_for(local_workspace):
    for wanted in (0, 3):
        choice = chat(local_workspace, max_tokens=3, logprobs=True, top_logprobs=wanted).json()["choices"][0]
        tokens = choice["logprobs"]["content"]
        assert "".join(token["token"] for token in tokens) == choice["message"]["content"]
        assert all(set(token) == {"token", "bytes", "logprob", "top_logprobs"} for token in tokens)
        assert all(len(token["top_logprobs"]) == wanted and token["logprob"] <= 0 for token in tokens)


def test_log_probabilities_are_streamed_too(local_workspace):
    stream = events(chat(local_workspace, max_tokens=3, logprobs=True, stream=True))
    tokens = [token for event in stream[:-2] for token in event["choices"][0].get("logprobs", {}).get("content", [])]
    assert "".join(token["token"] for token in tokens) == said(stream)


def test_characters_of_several_tokens_arrive_whole(local_workspace):
    text = "👩‍👩‍👧‍👦 한국어 🧱🏽 naïve"
    stream = events(
        chat(local_workspace, **ask(f"Repeat exactly: {text} {text}"), temperature=0, max_tokens=60, stream=True)
    )
    answer = said(stream)
    assert "�" not in answer
    assert re.search(r"[^\x00-\x7f]", answer)
    first = stream[0]["choices"][0]["delta"]
    assert first == {"role": "assistant", "content": ""}


def test_content_may_be_text_parts_and_the_assistant_may_have_said_nothing(local_workspace):
    parts = [{"type": "text", "text": "Say "}, {"type": "text", "text": "hello."}]
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": parts, "name": "ann"},
        {"role": "assistant", "content": None},
        {"role": "user", "content": "Again."},
    ]
    assert chat(local_workspace, messages=messages, max_tokens=3).status_code == 200


def test_fields_that_only_describe_the_call_are_taken_and_ignored(local_workspace):
    described = {
        "user": "ann",
        "metadata": {"a": "b"},
        "client_request_id": "1",
        "usage_context": {"x": "y"},
        "store": False,
    }
    unset = dict.fromkeys(["stop", "temperature", "tools", "tool_choice", "response_format", "seed"])
    assert chat(local_workspace, max_tokens=1, **described, **unset).status_code == 200


def test_a_prompt_longer_than_the_context_is_400_with_both_numbers(local_workspace):
    for stream in (False, True):
        response = chat(local_workspace, **ask("word " * 9000), stream=stream)
        assert (response.status_code, response.json()["error_code"]) == (400, "BAD_REQUEST")
        assert re.search(r"The prompt has 90\d\d tokens, more than the 8192 ", response.json()["message"])


def test_more_tokens_than_the_context_holds_may_be_asked_for(local_workspace):
    assert chat(local_workspace, max_tokens=10**12, stop=[" ", "\n", "e"]).status_code == 200


def test_one_served_entity_can_be_asked_by_name(local_workspace):
    path = f"/serving-endpoints/{CHAT}/served-models/{ENTITY}/invocations"
    assert call(local_workspace, "POST", path, HELLO | {"max_tokens": 1}).status_code == 200
    missing = call(local_workspace, "POST", path.replace(ENTITY, "other"), HELLO)
    assert (missing.status_code, missing.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert "other" in missing.json()["message"]


@pytest.mark.parametrize("content_type", ["text/json", "application/json; charset=UTF-8", 'text/json;charset="utf-8"'])
def test_json_is_read_under_each_of_its_names(local_workspace, content_type):
    headers = {"content-type": content_type}
    data = json.dumps(HELLO | {"max_tokens": 1})
    assert call(local_workspace, "POST", CHAT_PATH, data=data, headers=headers).status_code == 200


def test_completions_continue_a_prompt(local_workspace):
    body = complete(local_workspace, prompt="Once upon a", max_tokens=4, logprobs=2).json()
    [choice] = body["choices"]
    assert (body["object"], body["model"], choice["finish_reason"]) == ("text_completion", ENTITY, "length")
    assert "".join(choice["logprobs"]["tokens"]) == choice["text"]
    assert choice["logprobs"]["text_offset"][0] == 0
    assert {len(alternatives) for alternatives in choice["logprobs"]["top_logprobs"]} == {2}
    assert body["usage"]["completion_tokens"] == 4


def test_completions_take_several_prompts_and_count_them_all(local_workspace):
    body = complete(local_workspace, prompt=["Once upon a", "The quick brown fox"], max_tokens=3).json()
    alone = [
        complete(local_workspace, prompt=text, max_tokens=1).json() for text in ("Once upon a", "The quick brown fox")
    ]
    assert [choice["index"] for choice in body["choices"]] == [0, 1]
    assert body["usage"]["prompt_tokens"] == sum(reply["usage"]["prompt_tokens"] for reply in alone)
    assert body["usage"]["completion_tokens"] == 6


def test_completions_stream_texts_and_then_usage(local_workspace):
    stream = events(complete(local_workspace, prompt="Once", max_tokens=3, n=2, stream=True))
    assert {choice["index"] for event in stream[:-2] for choice in event["choices"]} == {0, 1}
    assert all(event["object"] == "text_completion" and "usage" not in event for event in stream[:-2])
    assert (stream[-2]["choices"], stream[-2]["usage"]["completion_tokens"]) == ([], 6)
