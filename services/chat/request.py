"""What is asked of a chat endpoint."""

from dataclasses import dataclass, field
from typing import Literal

from services.chat.parameters import ChatParameters
from services.errors import BadInput

MAX_BODY = 4_000_000
"""Characters. The platform's limit for foundation, external and agent endpoints is 4 MB."""


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
        return f"/serving-endpoints/{self.endpoint}/invocations"


def check(request: ChatRequest) -> None:
    """Raise BadInput for what no endpoint could take, before anything is sent."""
    if not request.endpoint:
        raise BadInput("No endpoint is chosen.", "Choose one in the list.")
    if not request.messages or request.messages[-1].role != "user" or not request.messages[-1].content.strip():
        raise BadInput("There is nothing to send.", "Type a message first.")
    text = "".join(message.content for message in request.messages)
    if len(text) > MAX_BODY:
        raise BadInput(
            f"The conversation has {len(text):,} characters; endpoints take 4 MB.", "Clear it, or shorten the message."
        )
    try:
        text.encode()
    except UnicodeEncodeError as half:
        raise BadInput("The message holds half a character.", "Type or paste it again.") from half
