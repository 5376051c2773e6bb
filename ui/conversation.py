"""A conversation: turns that are appended when they begin, and grow. No Streamlit in here."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.call import Call
from services.chat import Bell, ChatJob, ChatParameters, ChatRequest, Message, stream_chat
from services.errors import PlaygroundError
from services.readiness import Readiness
from services.sandbox import sandbox
from services.transforms import Hooks, Transform
from services.workspace import Workspace

SHOWN_TURNS = 20
WINDOW_STEP = 10
"""The window moves by so many turns at once: each move makes the browser draw everything in it again."""
KEPT_REPLIES = 50
"""Turns whose replies are kept byte for byte, for the inspector."""


@dataclass
class Turn:
    """A prompt and the jobs that answer it, one an endpoint. Appended before anything is sent."""

    prompt: str
    jobs: list[ChatJob] = field(default_factory=list)
    error: PlaygroundError | None = None
    """Why nothing was sent."""

    @property
    def running(self) -> bool:
        """Whether an answer may still grow."""
        return any(job.running for job in self.jobs)

    def answer_of(self, endpoint: str) -> str:
        """What a following request quotes as the answer: that endpoint's own, else another's; empty if none has text."""
        own = [job.reply.text for job in self.jobs if job.request.endpoint == endpoint]
        return next((text for text in [*own, *(job.reply.text for job in self.jobs)] if text), "")


@dataclass
class Conversation:
    """What the chat page remembers."""

    name: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    """In the page's address. Useless to another browser."""
    turns: list[Turn] = field(default_factory=list)
    cleared: list[Turn] = field(default_factory=list)
    """What “Clear” took away last, for “Undo”."""
    endpoints: list[str] = field(default_factory=list)
    system: str = ""
    parameters: ChatParameters = field(default_factory=ChatParameters)
    transform: Transform | None = None
    """The person's own functions around each call."""
    transform_owner: str = ""
    """Whose it is: the sandbox is shared fairly between them."""
    shown: int = SHOWN_TURNS
    held_with: str | None = None
    """Which workspace, as whom: set by the first turn. What was said there is not sent to another."""
    pending: str | None = None
    """A prompt that was typed and not yet asked."""
    bell: Bell = field(default_factory=Bell)

    @property
    def running(self) -> bool:
        """Whether an answer may still grow."""
        return any(turn.running for turn in self.turns[-1:])

    @property
    def may_ask(self) -> bool:
        """Whether there is somebody to ask, and what was chosen to be around the call is there."""
        return bool(self.endpoints) and not (self.transform is not None and self.transform.gone)

    @property
    def hidden(self) -> int:
        """How many of the first turns are not drawn until they are asked for."""
        beyond = len(self.turns) - self.shown
        return -(-beyond // WINDOW_STEP) * WINDOW_STEP if beyond > 0 else 0

    @property
    def title(self) -> str:
        """What it is called in a list: the start of its first prompt."""
        first = self.turns[0].prompt if self.turns else self.pending or ""
        return " ".join(first.split())[:40] or "New conversation"

    def ask(self, workspace: Workspace, prompt: str, known: Mapping[str, Readiness] | None = None) -> Turn:
        """Begin a turn: append it, then send it to each endpoint. What cannot be sent stays in the turn, with the reason.

        *known* is what was known of the endpoints, by name: with it a wait can be explained.
        """
        self.stop()
        self.pending = None
        turn = Turn(prompt)
        history = list(self.turns)
        self.turns.append(turn)
        self.cleared = []
        for old in self.turns[-2 * KEPT_REPLIES : -KEPT_REPLIES]:
            for job in old.jobs:
                job.call.record.forget_reply()
        try:
            requests = self._requests(prompt, history)
            for request in requests:
                stream_chat(workspace, request, Call())  # begins nothing: what one of them refuses must come before all
            before = known or {}
            turn.jobs += [
                ChatJob(workspace, one, self.bell, known=before.get(one.endpoint), hooks=self._hooks())
                for one in requests
            ]
        except PlaygroundError as error:
            turn.error = error
        return turn

    def _hooks(self) -> Hooks | None:
        """For one call: they remember what they did in it."""
        return Hooks(sandbox(), self.transform, user=self.transform_owner) if self.transform else None

    def stop(self) -> None:
        """End what is running; what has arrived stays."""
        for turn in self.turns[-1:]:
            for job in turn.jobs:
                job.stop()

    def clear(self) -> None:
        """Take the turns away, until undo()."""
        self.stop()
        if self.turns:  # a second click must not take away what the first one kept
            self.cleared, self.turns, self.shown = self.turns, [], SHOWN_TURNS

    def undo(self) -> None:
        """Bring back what clear() took away."""
        self.turns, self.cleared = self.cleared + self.turns, []

    def next_requests(self) -> list[ChatRequest]:
        """What the next prompt will send, with the prompt left open; one request an endpoint."""
        return self._requests("…", self.turns)

    def _requests(self, prompt: str, history: list[Turn]) -> list[ChatRequest]:
        endpoints = self.endpoints or [""]
        return [ChatRequest(name, self._messages(name, prompt, history), self.parameters) for name in endpoints]

    def _messages(self, endpoint: str, prompt: str, history: list[Turn]) -> tuple[Message, ...]:
        messages = [Message("system", self.system)] if self.system.strip() else []
        for turn in history:
            answer = turn.answer_of(endpoint)
            if answer:  # a prompt without an answer would make two user messages in a row, which endpoints refuse
                messages += [Message("user", turn.prompt), Message("assistant", answer)]
        return (*messages, Message("user", prompt))
