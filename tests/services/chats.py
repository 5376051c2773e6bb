"""Chats as the tests hold them."""

from dataclasses import dataclass, field

from services.call import Call
from services.chat import ChatDelta, ChatParameters, ChatReply, ChatRequest, Message, stream_chat
from services.doors import typed
from services.errors import PlaygroundError
from services.workspace import Workspace
from tests.services.replies import ReplyServer

CHAT = "local-smollm2-135m-instruct"
EMBEDDINGS = "local-minilm-l6-v2"
CHAT_PATH = f"/serving-endpoints/{CHAT}/invocations"
TOKEN = "dapi-canary-0123456789abcdef"
SCRIPT = "Brick 벽돌 **bold** 🧱🏽 `code` 한국어 café 👩‍👩‍👧‍👦 - item\nend.\n\n"
"""What the fault scripted-RATE-10 says."""


def asking(text: str = "Say hello.", endpoint: str = CHAT, **parameters) -> ChatRequest:
    """A request with one message."""
    return ChatRequest(endpoint, (Message("user", text),), ChatParameters(**parameters))


def at(server: ReplyServer, token: str = TOKEN) -> Workspace:
    """The workspace that a reply server pretends to be."""
    workspace = typed(server.host, token)
    server.at_end.callback(workspace.close)
    return workspace


@dataclass
class Chat:
    """An exchange that is over, and whatever it came to."""

    call: Call = field(default_factory=Call)
    deltas: list[ChatDelta] = field(default_factory=list)
    reply: ChatReply = field(default_factory=ChatReply)
    error: PlaygroundError | None = None

    @property
    def text(self) -> str:
        """The first answer."""
        return self.reply.text


def chat(workspace: Workspace, request: ChatRequest | None = None) -> Chat:
    """Hold one exchange to its end. A PlaygroundError is kept, any other error is a bug and passes."""
    held = Chat()
    try:
        for delta in stream_chat(workspace, request or asking(), held.call):
            held.deltas.append(delta)
            held.reply.receive(delta, held.call.record.elapsed())
    except PlaygroundError as error:
        held.error = error
    return held
