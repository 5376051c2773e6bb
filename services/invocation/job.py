"""One POST with any JSON body, in a thread of its own."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from services.errors import BadInput
from services.foreign_json import read_json
from services.invocation.request import invocation_path
from services.invocation.whole import whole_of_events
from services.jobs import UNWATCHED_SECONDS, Bell, Job, Reply
from services.readiness import Readiness
from services.refusals import failure_in, refused_in_stream
from services.replies import EventStream
from services.transforms import Hooks
from services.wire_body import MAX_CUSTOM_BODY, encoded
from services.workspace import Workspace

MAX_EVENTS_TEXT = 4_000_000
"""Characters of a stream's events that are kept here; the wire record has its own limit."""
EVENT_COSTS = 64
"""What an event counts beside its characters: an endless stream of empty ones must not fill the memory either."""


class InvocationReply(Reply):
    """What has arrived: a whole body, or the data of a stream's events in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.body: dict[str, Any] | None = None
        self.events: list[str] = []
        self.left_out = 0
        """Events that came when no more were kept."""
        self.first_after: float | None = None
        """Seconds from the call's begin to the first event, or to the whole body."""
        self._characters = 0
        self._text: str | None = None
        """``text``, once it cannot change."""

    @property
    def text(self) -> str:
        """All of it, for reading: the body as indented JSON, or one event a line."""
        if self._text is not None:
            return self._text
        over = not self.open
        text = (
            "\n".join(tuple(self.events))  # a copy first: the list may grow meanwhile
            if self.body is None
            else json.dumps(self.body, indent=2, ensure_ascii=False)  # seconds, for a body of tens of megabytes
        )
        self._text = text if over else None
        return text

    def forget(self) -> None:
        """Let go of what arrived, when newer replies need the memory. How it ended stays."""
        self.body, self._text, self.shaped, self.shaped_value = None, None, False, None
        self.events = []

    def receive(self, data: str, after: float) -> None:
        """Add an event that arrived *after* seconds. Without effect once there is an outcome."""
        with self._lock:
            if not self.open:
                return
            self.first_after = after if self.first_after is None else self.first_after
            self._characters += len(data) + EVENT_COSTS
            if self._characters <= MAX_EVENTS_TEXT:
                self.events.append(data)
            else:
                self.left_out += 1

    def receive_whole(self, body: dict[str, Any], after: float) -> None:
        """Take the body, where the reply is not a stream. Without effect once there is an outcome."""
        with self._lock:
            if self.open:
                self.body, self.first_after = body, after


class InvocationJob(Job[InvocationReply]):
    """One invocation under way, or over. ``call.record`` has what left and arrived."""

    def __init__(
        self,
        workspace: Workspace,
        endpoint: str,
        body: Mapping[str, Any],
        bell: Bell,
        *,
        path: str | None = None,
        known: Readiness | None = None,
        unwatched_seconds: float = UNWATCHED_SECONDS,
        hooks: Hooks | None = None,
    ) -> None:
        """Start it. Raises BadInput before anything is sent, for a body that JSON cannot hold or that is too large.

        *path* is where it is posted, in place of the endpoint's own invocations; *known* is what was known of the endpoint
        before; *hooks* is the person's transform around this call. It is stopped when ``watched()`` was not called for
        *unwatched_seconds*.
        """
        if not endpoint:
            raise BadInput("No endpoint is chosen.", "Choose one in the list.")
        self._content = encoded(body, most=MAX_CUSTOM_BODY)
        self._body = dict(body)
        super().__init__(workspace, endpoint, InvocationReply(), bell, unwatched_seconds, hooks)
        self._workspace = workspace
        self._path = path or invocation_path(endpoint)
        self._start("invoke", known)

    def _exchange(self) -> None:
        content, body = self._content, self._body
        self._content, self._body = b"", {}  # the record has what leaves; both may be of many megabytes
        if self.hooks is not None:
            content = encoded(self.hooks.shape_request(body), most=MAX_CUSTOM_BODY)
        reply = self._workspace.invoke(self._path, content, self.call, name=self.endpoint)
        if isinstance(reply, EventStream):
            # Closed here: an error that is kept would keep the stream, and with it the connection.
            with contextlib.closing(reply.events):
                self._take_in(reply.events)
        else:
            self.reply.receive_whole(reply.body, self.call.record.elapsed())
        if self.hooks is not None:
            self._shape(self._whole(), whole=not self.reply.left_out)

    def forget(self) -> None:
        """Let go of both bodies once it is over, when newer calls need the memory. Figures and how it ended stay."""
        if not self.running:
            self.reply.forget()
            self.call.record.forget_reply()

    def _whole(self) -> Any:
        if self.reply.body is not None:
            return self.reply.body
        return None if self.reply.left_out else whole_of_events(self.reply.events)

    def _take_in(self, events: Iterator[str]) -> None:
        for data in events:
            self.reply.receive(data, self.call.record.elapsed())
            self._bell.ring()
            if data.strip() == "[DONE]":
                return
            event = _object(data)
            if event is not None and failure_in(event):
                raise refused_in_stream(self.endpoint, event)

    def _answering_after(self) -> float | None:
        return self.reply.first_after


def _object(data: str) -> dict[str, Any] | None:
    try:
        event = read_json(data)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
