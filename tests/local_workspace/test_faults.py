"""Failures on request."""

import json
import re
import time

import pytest
import requests

from local_workspace.faults.words import WORDS, parse_faults
from local_workspace.refusals import RefusalError
from tests.local_workspace.calls import CHAT, CHAT_PATH, EMBEDDINGS_PATH, HELLO, call, chat, events, said
from tests.local_workspaces import ROOT


def stream(workspace, words, **body):
    return chat(workspace, fault=words, stream=True, **body)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "BAD_REQUEST"),
        (401, 401),
        (403, 403),
        (404, "RESOURCE_DOES_NOT_EXIST"),
        (413, "BAD_REQUEST"),
        (418, "BAD_REQUEST"),
        (429, "REQUEST_LIMIT_EXCEEDED"),
        (500, "INTERNAL_ERROR"),
        (503, "TEMPORARILY_UNAVAILABLE"),
        (599, "INTERNAL_ERROR"),
    ],
)
def test_a_status_comes_in_the_platforms_shape(local_workspace, status, code):
    response = chat(local_workspace, fault=f"return-{status}")
    assert (response.status_code, response.json()["error_code"]) == (status, code)
    assert response.json()["message"]
    entry = local_workspace.settled(CHAT_PATH)
    assert (entry.status, entry.outcome, entry.fault) == (status, "fault", f"return-{status}")


@pytest.mark.parametrize(
    ("words", "seconds"), [("return-429", "7"), ("return-429-retry-after-3", "3"), ("return-503-retry-after-2", "2")]
)
def test_retry_after_is_sent_with_a_429_and_where_it_is_asked_for(local_workspace, words, seconds):
    assert chat(local_workspace, fault=words).headers["retry-after"] == seconds


@pytest.mark.parametrize("words", ["stall-0.3s scripted-0-1", "return-429-after-0.3s"])
def test_a_stalled_reply_is_late(local_workspace, words):
    began = time.monotonic()
    stream(local_workspace, words)
    assert time.monotonic() - began >= 0.3


def test_a_stalled_first_token_comes_after_headers_that_were_at_once(local_workspace):
    began = time.monotonic()
    response = stream(local_workspace, "stall-first-token-1.5s scripted-0-2")
    headers_after = time.monotonic() - began
    assert len(events(response)) == 6
    assert headers_after < 1.4
    assert time.monotonic() - began >= 1.5


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_broken_stream_is_an_incomplete_read_after_so_many_events(local_workspace, count):
    response = stream(local_workspace, f"scripted-0-5 break-after-{count}")
    assert response.status_code == 200
    pieces = []
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        pieces.extend(response.iter_content(None))
    assert b"".join(pieces).count(b"data: ") == count
    entry = local_workspace.settled(CHAT_PATH)
    assert (entry.outcome, entry.sent_events) == ("fault", count)


def test_a_malformed_event_is_followed_by_good_ones(local_workspace):
    response = stream(local_workspace, "scripted-0-3 malformed-after-2")
    lines = [line for line in response.content.decode().split("\n") if line]
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines[2].removeprefix("data: "))
    assert len(lines) == 8
    assert lines[-1] == "data: [DONE]"


def test_an_error_event_ends_the_stream_without_done(local_workspace):
    flat = events(stream(local_workspace, "scripted-0-3 error-event-after-2"))
    nested = events(stream(local_workspace, "scripted-0-3 error-object-after-2"))
    assert len(flat) == len(nested) == 3
    assert flat[-1]["error_code"] == "TEMPORARILY_UNAVAILABLE"
    assert flat[-1]["message"] == nested[-1]["error"]["message"]
    assert local_workspace.settled(CHAT_PATH).outcome == "fault"


def test_a_stream_may_end_without_done(local_workspace):
    with_done = events(stream(local_workspace, "scripted-0-3"))
    without = events(stream(local_workspace, "scripted-0-3 no-done"))
    assert with_done[-1] == "[DONE]"
    assert len(without) == len(with_done) - 1


@pytest.mark.parametrize("words", ["scripted-0-4 usage-on-every-chunk", "usage-on-every-chunk"])
def test_usage_may_grow_with_every_chunk(local_workspace, words):
    *chunks, done = events(stream(local_workspace, words, max_tokens=4))
    counts = [chunk["usage"]["completion_tokens"] for chunk in chunks if "usage" in chunk]
    assert done == "[DONE]"
    assert counts == sorted(counts)
    assert counts[-1] == 4
    assert len(counts) >= len(chunks) - 1
    assert all(chunk["choices"] for chunk in chunks)
    assert len({chunk["usage"]["prompt_tokens"] for chunk in chunks if "usage" in chunk}) == 1


def test_comments_may_stand_between_events(local_workspace):
    content = stream(local_workspace, "scripted-0-3 comment-lines").content
    assert content.count(b": keep-alive\n") == 7


def test_a_stream_may_come_in_pieces_smaller_than_a_character(local_workspace):
    response = stream(local_workspace, "scripted-0-10 split-utf8")
    pieces = list(response.raw.stream(1 << 16, decode_content=False))
    whole = stream(local_workspace, "scripted-0-10")
    broken = 0
    for piece in pieces:
        try:
            piece.decode()
        except UnicodeDecodeError:
            broken += 1
    assert max(map(len, pieces)) <= 3
    assert broken > 10
    text = b"".join(pieces).decode()
    assert re.findall(r'"content":"(.*?)"', text) == re.findall(r'"content":"(.*?)"', whole.content.decode())


def test_json_may_be_cut_in_half_under_right_headers(local_workspace):
    response = chat(local_workspace, fault="truncated-json scripted-0-3")
    assert response.status_code == 200
    assert int(response.headers["content-length"]) == len(response.content)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        response.json()


def test_a_gateway_may_answer_in_html(local_workspace):
    response = chat(local_workspace, fault="html-502")
    assert response.status_code == 502
    assert response.headers["content-type"].startswith("text/html")
    assert "502 Bad Gateway" in response.text


def test_a_script_says_its_words_on_time_and_claims_to_be_no_model(local_workspace):
    began = time.monotonic()
    response = stream(local_workspace, "scripted-40-20")
    *chunks, usage, _ = events(response)
    assert time.monotonic() - began >= 0.5
    assert {chunk["model"] for chunk in chunks} == {response.headers["served-model-name"]} == {"scripted"}
    assert usage["usage"]["completion_tokens"] == 20
    text = said([*chunks])
    assert "벽돌" in text
    assert "👩‍👩‍👧‍👦" in text
    assert "**bold**" in text


def test_a_script_answers_whole_replies_and_several_choices_too(local_workspace):
    body = chat(local_workspace, fault="scripted-0-2", n=3).json()
    assert [choice["message"]["content"] for choice in body["choices"]] == ["Brick 벽돌 "] * 3
    assert body["usage"]["completion_tokens"] == 6
    prompt = {"model": CHAT, "prompt": "x"}
    completion = call(local_workspace, "POST", "/serving-endpoints/completions", prompt, fault="scripted-0-2").json()
    assert completion["choices"][0]["text"] == "Brick 벽돌 "


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/2.0/serving-endpoints", None),
        ("GET", "/api/2.0/preview/scim/v2/Me", None),
        ("POST", EMBEDDINGS_PATH, {"input": "x"}),
        ("GET", "/nowhere", None),
    ],
)
def test_faults_work_on_other_routes(local_workspace, method, path, body):
    assert call(local_workspace, method, path, body, fault="return-503").status_code == 503
    cut = call(local_workspace, method, path, body, fault="truncated-json")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        cut.json()


def test_queued_faults_are_met_in_order_and_used_up(local_workspace):
    local_workspace.queue_fault("return-503", CHAT_PATH)
    local_workspace.queue_fault("return-429", CHAT_PATH, times=2)
    listed = call(local_workspace, "GET", "/_local/faults").json()["faults"]
    assert listed == [
        {"fault": "return-503", "path": CHAT_PATH, "times": 1},
        {"fault": "return-429", "path": CHAT_PATH, "times": 2},
    ]
    assert call(local_workspace, "GET", "/api/2.0/serving-endpoints").status_code == 200
    statuses = [chat(local_workspace, fault="scripted-0-1").status_code for _ in range(4)]
    assert statuses == [503, 429, 429, 200]


def test_a_queued_fault_without_a_path_waits_for_a_call_not_for_a_clients_probe(local_workspace):
    local_workspace.queue_fault("return-503")
    probe = requests.get(f"{local_workspace.host}/.well-known/databricks-config", timeout=10)
    assert probe.status_code == 200
    assert call(local_workspace, "GET", "/api/2.0/serving-endpoints").status_code == 503


def test_sign_in_itself_can_fail_when_it_is_named(local_workspace):
    local_workspace.queue_fault("return-500", "/.well-known/")
    assert requests.get(f"{local_workspace.host}/.well-known/databricks-config", timeout=10).status_code == 500


def test_queued_faults_can_be_cleared(local_workspace):
    local_workspace.queue_fault("return-503", times=5)
    local_workspace.clear_faults()
    assert call(local_workspace, "GET", "/api/2.0/serving-endpoints").status_code == 200


def test_only_the_admin_queues_faults(local_workspace):
    analyst = local_workspace.users["analyst"]
    response = call(local_workspace, "POST", "/_local/faults", {"fault": "return-503"}, token=analyst)
    assert (response.status_code, response.json()["error_code"]) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    "words", ["return-200", "return-99", "stall-s", "break", "scripted", "no-done-2", "return-429 x", "é"]
)
def test_unknown_words_are_refused_with_the_list_of_words(local_workspace, words):
    header = {"x-local-fault": words.encode()}
    by_header = call(local_workspace, "POST", CHAT_PATH, HELLO, headers=header)
    queued = call(local_workspace, "POST", "/_local/faults", {"fault": words})
    for response in (by_header, queued):
        assert response.status_code == 400
        assert all(word in response.json()["message"] for word in WORDS)


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({}, "The field 'fault' is missing."),
        ({"fault": "no-done", "times": 0}, "The field 'times' must be at least 1."),
        ({"fault": "no-done", "when": 1}, "Unknown field 'when'"),
        ({"fault": 5}, "The field 'fault' must be a string."),
    ],
)
def test_a_bad_order_for_a_fault_is_refused(local_workspace, body, part):
    response = call(local_workspace, "POST", "/_local/faults", body)
    assert response.status_code == 400
    assert part in response.json()["message"]


def test_the_readme_lists_every_word():
    readme = (ROOT / "local_workspace" / "README.md").read_text()
    assert all(f"`{word}`" in readme for word in WORDS)


def test_words_are_whole_words():
    assert [fault.kind for fault in parse_faults("no-done split-utf8")] == ["no-done", "split-utf8"]
    with pytest.raises(RefusalError):
        parse_faults("no-donesplit-utf8")
