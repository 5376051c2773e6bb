"""Several callers at once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.local_workspace.calls import CHAT_PATH, EMBEDDINGS_PATH, call, chat, events, said
from tests.local_workspaces import eventually

STORY = {"messages": [{"role": "user", "content": "Tell me a very long story."}], "max_tokens": 3000, "stream": True}


def test_a_long_generation_holds_nobody_up(local_workspace):
    story = chat(local_workspace, **STORY)
    pieces = story.iter_content(None)
    next(pieces)
    began = time.monotonic()
    assert call(local_workspace, "GET", "/api/2.0/serving-endpoints").status_code == 200
    assert time.monotonic() - began < 10  # the whole story takes a minute
    assert call(local_workspace, "POST", EMBEDDINGS_PATH, {"input": "hello"}).status_code == 200
    assert chat(local_workspace, max_tokens=3).status_code == 200
    assert local_workspace.last_request(CHAT_PATH).outcome == "complete"
    assert next(pieces)
    story.close()


def test_requests_one_after_the_other_are_all_answered(local_workspace):
    statuses = [chat(local_workspace, max_tokens=1).status_code for _ in range(25)]
    assert statuses == [200] * 25


def test_more_callers_than_slots_all_get_their_own_answer(local_workspace):
    def ask(place):
        messages = [{"role": "user", "content": f"Repeat: {place} {place} {place}"}]
        return events(chat(local_workspace, messages=messages, max_tokens=8, stream=True))

    with ThreadPoolExecutor(12) as callers:
        streams = list(callers.map(ask, range(12)))
    assert all(stream[-1] == "[DONE]" and said(stream) for stream in streams)
    assert len({stream[0]["id"] for stream in streams}) == 12


def test_a_long_prompt_holds_nobody_up_and_ends_when_its_caller_leaves(local_workspace):
    prompt = "one two three four five six seven eight nine ten " * 600
    body = {"messages": [{"role": "user", "content": prompt}], "max_tokens": 2}
    before = max((entry.id for entry in local_workspace.requests()), default=0)
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(
            local_workspace.host + CHAT_PATH,
            json=body,
            headers={"authorization": f"Bearer {local_workspace.token}"},
            timeout=0.5,
        )
    began = time.monotonic()
    assert chat(local_workspace, max_tokens=2).status_code == 200
    assert time.monotonic() - began < 20  # reading the whole prompt takes some 40 s
    assert local_workspace.requests(before)[0].outcome == "client_closed"


def test_many_slow_streams_run_side_by_side(local_workspace):
    began = time.monotonic()
    with ThreadPoolExecutor(20) as callers:
        fault = "scripted-20-10"
        streams = list(callers.map(lambda _: events(chat(local_workspace, fault=fault, stream=True)), range(20)))
    assert all(stream[-1] == "[DONE]" for stream in streams)
    assert time.monotonic() - began < 9  # one after the other they would take 10 s


def test_a_reader_who_stops_reading_holds_nobody_up(local_workspace):
    stuck = chat(local_workspace, fault="scripted-0-200000", stream=True)
    eventually(lambda: local_workspace.last_request(CHAT_PATH).sent_events > 100)
    done = threading.Event()
    threading.Thread(target=lambda: (chat(local_workspace, max_tokens=2), done.set())).start()
    assert done.wait(10)
    stuck.close()
    eventually(lambda: all(entry.outcome != "running" for entry in local_workspace.requests()))
