"""A reply while it grows, and after."""

import sys
from dataclasses import dataclass, field

from services.chat.wire import ChatDelta, ToolCallPiece, Usage
from services.jobs import Reply

MAX_TEXT = 2_000_000
"""Characters of one answer that are kept: an endpoint that never ends must not fill the memory."""
MAX_ANSWERS = 100
MAX_TOOL_CALLS = 1000


@dataclass
class ToolCall:
    """A call that the model asks for. *arguments* is JSON as far as it has arrived."""

    name: str = ""
    arguments: str = ""
    id: str = ""


@dataclass
class Answer:
    """One of the n answers of a reply."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: dict[int, ToolCall] = field(default_factory=dict)
    finish_reason: str | None = None


class ChatReply(Reply):
    """What has arrived of an answer."""

    def __init__(self, *, bounded: bool = True) -> None:
        """*bounded*: whether it is to leave out what is too much; else whoever fills it takes care of that."""
        super().__init__()
        self._most_text, self._most_answers, self._most_calls = (
            (MAX_TEXT, MAX_ANSWERS, MAX_TOOL_CALLS) if bounded else (sys.maxsize,) * 3
        )
        self.left_out = False
        """Whether something came that was too much to be kept."""
        self.id = ""
        """As the endpoint named the reply; empty where it did not. So is *model*."""
        self.model = ""
        self.answers: dict[int, Answer] = {}
        self.usage: Usage | None = None
        self.unreadable: list[str] = []
        self.first_text_after: float | None = None
        """Seconds from the call's begin to the first character of text, as it arrived."""
        self.first_piece_after: float | None = None
        """The same, with reasoning, refusals and tool calls counted."""

    @property
    def text(self) -> str:
        """The first answer's text: what a following request quotes."""
        return self.answers[0].text if 0 in self.answers else ""

    def receive(self, delta: ChatDelta, after: float) -> None:
        """Add a delta that arrived *after* seconds. Without effect once there is an outcome."""
        with self._lock:
            if not self.open:
                return
            if delta.usage:
                self.usage = delta.usage
            if delta.unreadable and sum(map(len, self.unreadable)) + len(delta.unreadable) <= MAX_TEXT:
                self.unreadable.append(delta.unreadable)
            self.id, self.model = self.id or delta.id, self.model or delta.model
            grows = delta.text or delta.reasoning or delta.refusal or delta.tool_calls or delta.finish_reason
            if grows and (delta.choice in self.answers or len(self.answers) < self._most_answers):
                self._grow(self.answers.setdefault(delta.choice, Answer()), delta, after)
            elif grows:
                self.left_out = True

    def _grow(self, answer: Answer, delta: ChatDelta, after: float) -> None:
        if delta.text or delta.reasoning or delta.refusal or delta.tool_calls:
            self.first_piece_after = after if self.first_piece_after is None else self.first_piece_after
        if delta.text:
            self.first_text_after = after if self.first_text_after is None else self.first_text_after
        answer.text += self._fitting(delta.text, answer.text)
        answer.reasoning += self._fitting(delta.reasoning, answer.reasoning)
        answer.refusal += self._fitting(delta.refusal, answer.refusal)
        answer.finish_reason = delta.finish_reason or answer.finish_reason
        for piece in delta.tool_calls:
            if piece.position in answer.tool_calls or len(answer.tool_calls) < self._most_calls:
                self._grow_call(answer.tool_calls.setdefault(piece.position, ToolCall()), piece)
            else:
                self.left_out = True

    def _grow_call(self, tool_call: ToolCall, piece: ToolCallPiece) -> None:
        tool_call.id = tool_call.id or self._fitting(piece.id, "")
        tool_call.name += self._fitting(piece.name, tool_call.name)
        tool_call.arguments += self._fitting(piece.arguments, tool_call.arguments)

    def _fitting(self, piece: str, kept: str) -> str:
        """As much of *piece* as may still be kept."""
        room = max(0, self._most_text - len(kept))
        self.left_out = self.left_out or len(piece) > room
        return piece[:room]
