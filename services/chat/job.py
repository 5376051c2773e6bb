"""A chat exchange in a thread of its own."""

from services.chat.assembly import whole_reply
from services.chat.exchange import stream_chat
from services.chat.reply import ChatReply
from services.chat.request import ChatRequest
from services.jobs import UNWATCHED_SECONDS, Bell, Job
from services.readiness import Readiness
from services.transforms import Hooks
from services.workspace import Workspace


class ChatJob(Job[ChatReply]):
    """One exchange under way, or over."""

    def __init__(
        self,
        workspace: Workspace,
        request: ChatRequest,
        bell: Bell,
        unwatched_seconds: float = UNWATCHED_SECONDS,
        known: Readiness | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        """Check the request and start it. Raises BadInput before anything is sent.

        It is stopped when ``watched()`` was not called for *unwatched_seconds*. *known*: of the endpoint, before the call.
        *hooks*: the person's transform; its ``transform_output`` is given the whole reply once the stream is over.
        """
        super().__init__(workspace, request.endpoint, ChatReply(), bell, unwatched_seconds, hooks)
        self.request = request
        self._deltas = stream_chat(workspace, request, self.call, hooks)
        self._start("chat", known)

    def _exchange(self) -> None:
        for delta in self._deltas:
            self.reply.receive(delta, self.call.record.elapsed())
            self._bell.ring()
        if self.hooks is not None:
            self._shape(whole_reply(self.reply, self.call.record), whole=not self.reply.left_out)

    def _answering_after(self) -> float | None:
        return self.reply.first_piece_after
