"""What a call waits for, told while it waits, and never at the call's cost."""

import contextlib
import threading

import pytest

from services.chat import Bell, ChatJob, Outcome
from services.doors import typed
from services.endpoints import get_endpoint_detail
from services.invocation import InvocationJob
from services.jobs import Job
from services.readiness import ReadinessKind, readiness_of
from services.waiting import LONG_SECONDS
from tests.local_workspaces import eventually
from tests.services.chats import CHAT, CHAT_PATH, asking, at
from tests.services.replies import Exchange, ReplyServer, Script, whole

PROMPT_MODEL = "local-prompt-model"
HELLO = b'data: {"choices": [{"delta": {"content": "hello"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
READY = {
    "name": CHAT,
    "state": {"ready": "READY", "config_update": "NOT_UPDATING"},
    "config": {"served_entities": [{"name": "one", "state": {"deployment": "DEPLOYMENT_READY"}}]},
}


def sentences(job: Job) -> list[str]:
    return [stage.sentence for stage in job.waiting.stages]


def ended(job: Job, seconds: float = 30) -> Outcome:
    eventually(lambda: not job.running, seconds)
    return job.reply.outcome


def lookers(endpoint: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == f"look at {endpoint}"]


def looks(local_workspace) -> list:
    return [one for one in local_workspace.requests() if one.method == "GET"]


def late_server(make_reply_server, detail: Script) -> tuple[ReplyServer, threading.Event]:
    """An endpoint that answers when the event is set; *detail* is what is said of it meanwhile."""
    answer = threading.Event()

    def script(exchange: Exchange) -> None:
        if exchange.received.method != "POST":
            detail(exchange)
            return
        exchange.until(answer)
        whole(HELLO, content_type="text/event-stream")(exchange)

    return make_reply_server(script), answer


def test_a_quick_answer_costs_no_question(local_workspace, workspace):
    local_workspace.clear()
    local_workspace.queue_fault("scripted-0-10 stall-0.5s", CHAT_PATH)
    job = ChatJob(workspace, asking(), Bell())
    assert sentences(job) == ["Connecting"] or "Asked" in sentences(job)[0]
    assert ended(job) is Outcome.COMPLETE
    eventually(lambda: not lookers(CHAT))
    assert looks(local_workspace) == []
    assert sentences(job)[-1] == "Answering"


def test_headers_end_the_questions_even_where_the_first_token_is_slow(make_reply_server):
    begin = threading.Event()

    def slow(exchange: Exchange) -> None:
        exchange.head(content_type="text/event-stream")
        exchange.until(begin)
        exchange.send(HELLO)
        exchange.hang_up()

    server = make_reply_server(slow)
    job = ChatJob(at(server), asking(), Bell())
    eventually(lambda: job.call.record.headers_after is not None)
    eventually(lambda: not lookers(CHAT))
    assert sentences(job) == [
        f"Asked {CHAT}",
        "The endpoint has picked up; waiting for the first of its answer",
    ]
    begin.set()
    assert ended(job) is Outcome.COMPLETE
    assert [one.method for one in server.received] == ["POST"]


def test_a_long_wait_says_how_the_endpoint_does_and_sends_nothing_twice(make_reply_server):
    server, answer = late_server(make_reply_server, whole(READY))
    job = ChatJob(at(server), asking(), Bell())
    assert not job.waiting.is_long
    eventually(lambda: "ready, and has not picked up" in sentences(job)[-1])
    waiting = job.waiting
    assert waiting.is_long
    assert [stage.over for stage in waiting.stages] == [True, False]
    assert waiting.stages[1].began >= LONG_SECONDS
    assert sum(stage.seconds for stage in waiting.stages) == pytest.approx(waiting.elapsed)
    answer.set()
    assert ended(job) is Outcome.COMPLETE
    assert len(server.posts()) == 1


def test_a_question_that_fails_is_told_and_leaves_the_call_alone(make_reply_server):
    server, answer = late_server(make_reply_server, whole({"message": "not now"}, 503))
    job = ChatJob(at(server), asking(), Bell())
    eventually(lambda: job.waiting.trouble)
    assert sentences(job) == [f"Asked {CHAT}"]
    answer.set()
    assert ended(job) is Outcome.COMPLETE
    assert len(server.posts()) == 1


def test_a_call_of_what_sleeps_can_be_stopped_at_once_and_the_next_one_tells_every_stage(make_local_workspace):
    fresh = make_local_workspace()
    path = f"/serving-endpoints/{PROMPT_MODEL}/invocations"
    with contextlib.closing(typed(fresh.host, fresh.token)) as workspace:
        detail = get_endpoint_detail(workspace, PROMPT_MODEL)
        known, body = readiness_of(detail), {"dataframe_records": [{"prompt": "Hi"}]}
        assert known.kind is ReadinessKind.SCALED_TO_ZERO
        stopped = InvocationJob(workspace, PROMPT_MODEL, body, Bell())
        eventually(lambda: [one for one in fresh.requests() if one.path == path])
        stopped.stop()
        assert fresh.settled(path).outcome == "client_closed"
        assert stopped.reply.outcome is Outcome.STOPPED
        job = InvocationJob(workspace, PROMPT_MODEL, body, Bell(), known=known)
        assert sentences(job)[1] == "It was scaled to zero: the call wakes it"
        assert not job.waiting.stages[1].over
        assert ended(job, 100) is Outcome.COMPLETE, job.reply.error
        assert sentences(job)[-1] == "Answering"
        assert all(stage.over for stage in job.waiting.stages)
        assert job.reply.body["predictions"]
        assert job.served_by == "prompt-model-1"
        eventually(lambda: not lookers(PROMPT_MODEL))


def test_what_the_served_entities_say_is_a_stage_of_its_own(make_reply_server):
    messages = iter(["Scaled to zero", "Scaling up from zero"])
    answered = threading.Event()

    def script(exchange: Exchange) -> None:
        if exchange.received.method == "POST":
            exchange.until(answered)
            whole({"predictions": [1]})(exchange)
            return
        state = {"deployment": "DEPLOYMENT_READY", "deployment_state_message": next(messages)}
        entities = [{"name": "one", "entity_name": "m", "state": state}]
        ready = {"ready": "READY", "config_update": "NOT_UPDATING"}
        whole({"name": "x", "state": ready, "config": {"served_entities": entities}})(exchange)

    server = make_reply_server(script)
    job = InvocationJob(at(server), "x", {}, Bell())
    eventually(lambda: len(sentences(job)) == 3)
    answered.set()
    assert ended(job) is Outcome.COMPLETE
    assert sentences(job)[:3] == [
        "Asked x",
        "It was scaled to zero: the call wakes it",
        "Its served entities say: one: Scaling up from zero",
    ]
    assert len(server.posts()) == 1


def test_a_host_that_cannot_be_reached_is_not_asked_how_it_does(make_reply_server):
    server = make_reply_server(whole({}))
    workspace = at(server)
    server.stop()
    job = InvocationJob(workspace, "x", {}, Bell())
    assert ended(job) is Outcome.FAILED
    eventually(lambda: not lookers("x"))
    assert sentences(job) == ["Connecting"]
