import pytest

from services import doors
from services.chat import measured
from services.workspace import Workspace
from tests.local_workspaces import LocalWorkspace, eventually
from ui.conversation import KEPT_REPLIES, SHOWN_TURNS, Conversation, Turn

NAME = "local-smollm2-135m-instruct"
CHAT = f"/serving-endpoints/{NAME}/invocations"


@pytest.fixture
def workspace(local_workspace: LocalWorkspace) -> Workspace:
    local_workspace.clear()
    return doors.typed(local_workspace.host, local_workspace.token)


@pytest.fixture
def conversation() -> Conversation:
    return Conversation(endpoints=[NAME])


def test_a_turn_is_there_before_its_answer(conversation, workspace, local_workspace):
    local_workspace.queue_fault("scripted-200-3 stall-first-token-5s", CHAT)
    conversation.ask(workspace, "hello")
    assert [turn.prompt for turn in conversation.turns] == ["hello"]
    assert conversation.running
    conversation.stop()
    assert not conversation.running


def test_a_new_prompt_ends_the_answer_that_still_runs_and_keeps_it(conversation, workspace, local_workspace):
    local_workspace.queue_fault("scripted-50-500", CHAT)
    first = conversation.ask(workspace, "one")
    eventually(lambda: first.answer_of(NAME))
    local_workspace.queue_fault("scripted-500-2", CHAT)
    conversation.ask(workspace, "two")
    kept = first.answer_of(NAME)
    assert not first.running
    eventually(lambda: not conversation.running)
    assert first.answer_of(NAME) == kept
    quoted = [entry.json for entry in local_workspace.requests() if entry.path == CHAT][-1]["messages"]
    assert [message["role"] for message in quoted] == ["user", "assistant", "user"]
    assert quoted[1]["content"] == kept


def test_nothing_is_sent_without_an_endpoint_and_the_prompt_stays(workspace, local_workspace):
    conversation = Conversation()
    turn = conversation.ask(workspace, "hello")
    assert turn.error is not None
    assert turn.prompt == "hello"
    assert local_workspace.requests() == []


def test_several_endpoints_get_their_own_history(conversation, workspace, local_workspace, make_local_workspace):
    other = make_local_workspace("--alias", f"second={NAME}")
    both = doors.typed(other.host, other.token)
    conversation.endpoints = [NAME, "second"]
    for name, words in ((NAME, "scripted-500-2"), ("second", "scripted-500-4")):
        other.queue_fault(words, f"/serving-endpoints/{name}/invocations")
    first = conversation.ask(both, "one")
    eventually(lambda: not conversation.running)
    for name in conversation.endpoints:  # by their paths: a look beside a call that waits must not meet it
        other.queue_fault("scripted-500-1", f"/serving-endpoints/{name}/invocations")
    conversation.ask(both, "two")
    eventually(lambda: not conversation.running)
    for name in conversation.endpoints:
        assert other.last_request(f"/{name}/").json["messages"][1]["content"] == first.answer_of(name)
    assert first.answer_of(NAME) != first.answer_of("second")


@pytest.mark.parametrize(("turns", "hidden"), [(0, 0), (20, 0), (21, 10), (30, 10), (31, 20), (200, 180)])
def test_a_long_transcript_is_windowed_in_steps(turns: int, hidden: int):
    assert SHOWN_TURNS == 20
    assert Conversation(turns=[Turn("x") for _ in range(turns)]).hidden == hidden


def test_conversations_have_names_nobody_guesses():
    names = {Conversation().name for _ in range(100)}
    assert len(names) == 100
    assert min(map(len, names)) >= 12


def test_the_replies_of_long_ago_are_let_go_and_their_texts_and_figures_stay(conversation, workspace, local_workspace):
    for number in range(KEPT_REPLIES + 2):
        local_workspace.queue_fault("scripted-1000-2", CHAT)
        conversation.ask(workspace, str(number))
        eventually(lambda: not conversation.running)
    first, last = conversation.turns[0].jobs[0], conversation.turns[-1].jobs[0]
    assert first.call.record.forgotten
    assert first.call.record.events == []
    assert first.reply.text == last.reply.text
    assert measured(first.reply, first.call.record).first_token_seconds is not None
    assert not last.call.record.forgotten
    assert last.call.record.events


def test_clearing_an_empty_conversation_keeps_what_can_be_undone(conversation):
    conversation.turns = [Turn("x")]
    conversation.clear()
    conversation.clear()
    conversation.undo()
    assert [turn.prompt for turn in conversation.turns] == ["x"]


def test_what_one_endpoint_cannot_be_sent_is_sent_to_none(workspace, local_workspace):
    conversation = Conversation(endpoints=[NAME, ""])
    turn = conversation.ask(workspace, "hello")
    assert turn.error is not None
    assert turn.jobs == []
    assert local_workspace.requests() == []
