"""What is asked of a chat endpoint."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from services.chat.parameters import ChatParameters
from services.errors import BadInput


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class ChatRequest:
    """One prompt with its history, for one endpoint."""

    endpoint: str
    messages: tuple[Message, ...]
    parameters: ChatParameters = field(default_factory=ChatParameters)

    @property
    def path(self) -> str:
        """Where it is posted."""
        return f"/serving-endpoints/{quote(self.endpoint, safe='', errors='replace')}/invocations"


def check(request: ChatRequest) -> None:
    """Raise BadInput when there is nothing to ask, or nobody."""
    if not request.endpoint:
        raise BadInput("No endpoint is chosen.", "Choose one in the list.")
    if not request.messages or request.messages[-1].role != "user" or not request.messages[-1].content.strip():
        raise BadInput("There is nothing to send.", "Type a message first.")
