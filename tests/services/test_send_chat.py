import pytest

from services.call import Call
from services.chat import ChatParameters, ChatRequest, Message, Outcome, send_chat
from services.doors import typed
from services.errors import TooManyRequests
from tests.local_workspaces import LocalWorkspace

NAME = "local-smollm2-135m-instruct"
CHAT = f"/serving-endpoints/{NAME}/invocations"


@pytest.mark.parametrize("stream", [True, False])
def test_a_whole_reply_is_the_same_streamed_or_not(stream: bool, local_workspace: LocalWorkspace):
    local_workspace.queue_fault("scripted-1000-6", CHAT)
    request = ChatRequest(NAME, (Message("user", "hello"),), ChatParameters(stream=stream))
    reply = send_chat(typed(local_workspace.host, local_workspace.token), request, Call())
    assert reply.outcome is Outcome.COMPLETE
    assert len(reply.text.split()) == 6
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 6


def test_a_refusal_is_raised(local_workspace: LocalWorkspace):
    local_workspace.queue_fault("return-429", CHAT)
    request = ChatRequest(NAME, (Message("user", "hello"),))
    with pytest.raises(TooManyRequests):
        send_chat(typed(local_workspace.host, local_workspace.token), request, Call())
