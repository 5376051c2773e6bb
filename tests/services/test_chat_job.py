"""Chat jobs: they run by themselves, stop at once, and never outlive their use."""

import json
import threading
import time

import pytest

from services.chat import Bell, ChatJob, Outcome
from services.errors import EndpointFailed, TooManyRequests
from tests.local_workspaces import eventually
from tests.services.chats import CHAT, CHAT_PATH, SCRIPT, asking, at
from tests.services.replies import Exchange, says, silent, stream

STOP_SECONDS = 3.0
"""Of the 20 and more that it would take without a stop. Alone it is some 10 ms; a busy machine is no failure."""


def job_of(workspace, request=None, **options) -> ChatJob:
    return ChatJob(workspace, request or asking(), Bell(), **options)


def ended(job: ChatJob) -> Outcome:
    eventually(lambda: not job.running)
    return job.reply.outcome


def threads_of(endpoint: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == f"chat {endpoint}"]


def test_a_job_runs_to_its_end_by_itself(local_workspace, workspace):
    local_workspace.queue_fault("scripted-0-10", CHAT_PATH)
    job = job_of(workspace)
    assert ended(job) is Outcome.COMPLETE
    assert (job.reply.text, job.reply.error) == (SCRIPT, None)
    eventually(lambda: not threads_of(CHAT))


def test_a_job_keeps_the_error_it_met_and_what_had_arrived(local_workspace, workspace):
    local_workspace.queue_fault("scripted-0-10 error-event-after-4", CHAT_PATH)
    job = job_of(workspace)
    assert ended(job) is Outcome.FAILED
    assert isinstance(job.reply.error, EndpointFailed)
    assert job.reply.text == "Brick 벽돌 **bold** "


def test_the_bell_rings_for_each_delta_and_for_the_end(make_reply_server):
    go_on = threading.Semaphore(0)

    def one_by_one(exchange: Exchange) -> None:
        exchange.head(content_type="text/event-stream", transfer_encoding="chunked")
        for text in "abc":
            exchange.chunk(b"data: " + json.dumps(says(text)).encode() + b"\n\n")
            go_on.acquire(timeout=60)
        exchange.chunk(b"data: [DONE]\n\n")
        exchange.chunk(b"")

    bell = Bell()
    job = ChatJob(at(make_reply_server(one_by_one)), asking(), bell)
    began = time.monotonic()
    for text in ("a", "ab", "abc"):
        while job.reply.text != text:
            bell.wait(30)
        go_on.release()
    while job.running:
        bell.wait(30)
    assert time.monotonic() - began < 25, "A bell that does not ring is waited for."
    assert job.reply.text == "abc"


@pytest.mark.parametrize("fault", ["stall-first-token-20s scripted-0-10", "stall-20s"])
def test_stop_before_the_first_token_ends_the_request_at_once(local_workspace, workspace, fault):
    local_workspace.clear()
    local_workspace.queue_fault(fault, CHAT_PATH)
    job = job_of(workspace)
    eventually(local_workspace.requests)
    began = time.monotonic()
    job.stop()
    assert job.reply.outcome is Outcome.STOPPED
    eventually(lambda: not threads_of(CHAT), STOP_SECONDS)
    logged = local_workspace.settled(CHAT_PATH)
    assert time.monotonic() - began < STOP_SECONDS
    assert logged.outcome == "client_closed"
    assert logged.seconds < 20
    assert (job.reply.text, job.reply.error) == ("", None)
    assert job.call.record.finished_after is not None


def test_stop_in_the_middle_keeps_what_had_arrived_and_takes_in_no_more(local_workspace, workspace):
    local_workspace.clear()
    local_workspace.queue_fault("scripted-50-1000", CHAT_PATH)
    job = job_of(workspace)
    eventually(lambda: "벽돌" in job.reply.text)
    began = time.monotonic()
    job.stop()
    text = job.reply.text
    eventually(lambda: not threads_of(CHAT), STOP_SECONDS)
    assert time.monotonic() - began < STOP_SECONDS
    assert job.reply.outcome is Outcome.STOPPED
    assert local_workspace.settled(CHAT_PATH).outcome == "client_closed"
    assert job.reply.text == text


def test_deltas_that_come_after_stop_are_ignored(make_reply_server):
    go_on = threading.Event()

    def slow(exchange: Exchange) -> None:
        exchange.head(content_type="text/event-stream")
        exchange.send(b'data: {"choices": [{"delta": {"content": "kept"}}]}\n\n')
        exchange.until(go_on)
        exchange.send(b'data: {"choices": [{"delta": {"content": " and more"}, "finish_reason": "stop"}]}\n\n' * 100)

    job = job_of(at(make_reply_server(slow)))
    eventually(lambda: job.reply.text)
    job.stop()
    go_on.set()
    eventually(lambda: not threads_of(CHAT))
    assert (job.reply.text, job.reply.outcome) == ("kept", Outcome.STOPPED)


def test_stop_during_the_real_models_answer(local_workspace, workspace):
    local_workspace.clear()
    job = job_of(workspace, asking("Tell me a long story about bricks.", max_tokens=500))
    eventually(lambda: job.reply.text, 30)
    job.stop()
    assert local_workspace.settled(CHAT_PATH).outcome == "client_closed"
    assert job.reply.text


def test_stop_after_the_end_changes_nothing(local_workspace, workspace):
    local_workspace.queue_fault("scripted-0-10", CHAT_PATH)
    job = job_of(workspace)
    ended(job)
    job.stop()
    job.stop()
    assert (job.reply.outcome, job.reply.text) == (Outcome.COMPLETE, SCRIPT)


def test_stop_leaves_the_job_beside_it_alone(local_workspace, workspace):
    local_workspace.queue_fault("scripted-50-1000", CHAT_PATH)
    stopped = job_of(workspace)
    eventually(lambda: stopped.reply.text)
    local_workspace.queue_fault("scripted-50-20", CHAT_PATH)
    other = job_of(workspace)
    eventually(lambda: other.reply.text)
    stopped.stop()
    assert ended(other) is Outcome.COMPLETE
    assert other.reply.text == SCRIPT * 2
    assert stopped.reply.outcome is Outcome.STOPPED


def test_a_failing_job_leaves_the_job_beside_it_alone(local_workspace, workspace):
    local_workspace.queue_fault("return-429", CHAT_PATH)
    failing = job_of(workspace)
    assert ended(failing) is Outcome.FAILED
    assert isinstance(failing.reply.error, TooManyRequests)
    local_workspace.queue_fault("scripted-0-10", CHAT_PATH)
    other = job_of(workspace)
    assert ended(other) is Outcome.COMPLETE


def test_a_job_that_nobody_watches_is_ended_even_while_its_endpoint_says_nothing(make_reply_server):
    server = make_reply_server(silent)
    job = job_of(at(server), unwatched_seconds=0.1)
    assert ended(job) is Outcome.STOPPED
    eventually(lambda: not threads_of(CHAT))
    assert eventually(server.posts)[0].closed_by_caller.wait(STOP_SECONDS)
    assert job.reply.ended_because == (
        "Ended after 0.1 s because no page showed it. What had arrived is kept; ask again for a whole answer."
    )


@pytest.mark.parametrize("stopped", [True, False])
def test_a_job_that_a_person_stopped_or_that_came_to_its_end_gives_no_reason(local_workspace, workspace, stopped):
    local_workspace.queue_fault("scripted-20-10", CHAT_PATH)
    job = job_of(workspace)
    if stopped:
        job.stop()
    assert ended(job) is (Outcome.STOPPED if stopped else Outcome.COMPLETE)
    assert job.reply.ended_because == ""


def test_a_job_that_is_watched_goes_on(local_workspace, workspace):
    local_workspace.queue_fault("scripted-8-20", CHAT_PATH)
    job = job_of(workspace, unwatched_seconds=1.0)
    bell = threading.Event()
    while job.running:
        job.watched()
        bell.wait(0.02)
    assert job.reply.outcome is Outcome.COMPLETE
    assert job.call.record.finished_after > 2 * 1.0


def test_the_threads_of_a_job_end_with_it(make_reply_server):
    job = job_of(at(make_reply_server(stream(says("a", finish_reason="stop")))), asking(endpoint="short-lived"))
    assert ended(job) is Outcome.COMPLETE
    eventually(lambda: not threads_of("short-lived"))


def test_a_bug_of_ours_ends_the_job_and_stays_loud(make_reply_server):
    class Broken(Exception):
        pass

    class BrokenBell(Bell):
        """A stand-in for a mistake of ours: it fails at the first ring."""

        rings = 0

        def ring(self) -> None:
            self.rings += 1
            if self.rings == 1:
                raise Broken

    loud: list[type[BaseException]] = []
    before, threading.excepthook = threading.excepthook, lambda raised: loud.append(raised.exc_type)
    try:
        server = make_reply_server(stream(says("a"), says("b", finish_reason="stop")))
        job = ChatJob(at(server), asking(), BrokenBell())
        assert ended(job) is Outcome.FAILED
        eventually(lambda: not threads_of(CHAT))
    finally:
        threading.excepthook = before
    assert loud == [Broken]
    assert job.reply.text == "a"
    assert "Brickyard itself failed" in job.reply.error.message
