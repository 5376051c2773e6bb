"""One call of a driver app, in a thread of its own."""

import contextlib
from typing import Any

from services.call import Call
from services.clusters import Cluster
from services.driver_proxy.diagnosis import trouble_in
from services.driver_proxy.direct import direct_address
from services.driver_proxy.reply import DriverReply
from services.driver_proxy.target import Target, Via, check_target, url_of
from services.errors import BadInput
from services.exchange import Answer, Outgoing, exchange_directly
from services.invocation.whole import whole_of_events
from services.jobs import UNWATCHED_SECONDS, Bell, Job
from services.transforms import Hooks
from services.wire_body import MAX_CUSTOM_BODY, encoded
from services.workspace import Workspace

OUTPUT_NOT_RUN = "transform_output was not run: the reply is not JSON."


class DriverCallJob(Job[DriverReply]):
    """One call under way, or over. ``call.record`` has what left and arrived."""

    asked = "The app"

    def __init__(
        self,
        workspace: Workspace,
        target: Target,
        body: Any,
        bell: Bell,
        *,
        driver: Cluster | None = None,
        alone: bool = False,
        unwatched_seconds: float = UNWATCHED_SECONDS,
        hooks: Hooks | None = None,
    ) -> None:
        """Start it. Raises BadInput before anything is sent, for a target or a body that cannot be.

        *body* is any JSON value; None is no body at all. *driver* and *alone* are for a direct call (``why_not_directly``), which
        carries no credentials. It is stopped when ``watched()`` was not called for *unwatched_seconds*.
        """
        check_target(target)
        self._address = direct_address(workspace, driver, alone=alone) if target.via is Via.DIRECT else ""
        self._target = target
        self._body = body
        self._content = content_of_body(target, body)
        self._workspace = workspace
        super().__init__(workspace, target.label, DriverReply(), bell, unwatched_seconds, hooks)
        self._start("call", None, looks=False)

    def _exchange(self) -> None:
        content, body = self._content, self._body
        self._content, self._body = None, None  # the record has what leaves; both may be of many megabytes
        if self.hooks is not None and content is not None:
            if isinstance(body, dict):
                content = encoded(self.hooks.shape_request(dict(body)), most=MAX_CUSTOM_BODY)
            else:
                self.hooks.check_needs_no_request()
        answer = send_to(self._workspace, self._target, content, self.call, driver_address=self._address)
        self.reply.begins(answer)
        self._take_in(answer)
        if (trouble := trouble_in(answer, self._target, self.call.record.elapsed())) is not None:
            raise trouble
        self._shape_whole(answer)

    def forget(self) -> None:
        """Let go of both bodies once it is over, when newer calls need the memory. Figures and how it ended stay."""
        if not self.running:
            self.reply.forget()
            self.call.record.forget_reply()

    def _take_in(self, answer: Answer) -> None:
        if answer.events is None:
            self.reply.receive_raw(answer.body, self.call.record.elapsed())
            return
        with contextlib.closing(answer.events):
            for data in answer.events:
                self.reply.receive(data, self.call.record.elapsed())
                self._bell.ring()
                if data.strip() == "[DONE]":
                    return

    def _shape_whole(self, answer: Answer) -> None:
        if self.hooks is None:
            return
        if self.reply.left_out:
            self._shape(None, whole=False)
        elif answer.events is not None:
            self._shape(whole_of_events(self.reply.events))
        elif self.reply.is_json:
            self._shape(self.reply.value)
        else:
            self.hooks.trace.notes.append(OUTPUT_NOT_RUN)

    def _answering_after(self) -> float | None:
        return self.reply.first_after


def content_of_body(target: Target, body: Any) -> bytes | None:
    """The bytes that are sent; None for no body. Raises BadInput."""
    if body is None:
        return None
    if target.method.upper() in {"GET", "HEAD"}:
        raise BadInput(f"{target.method} carries no body.", "Leave the body empty, or choose POST.")
    return encoded(body, most=MAX_CUSTOM_BODY)


def send_to(
    workspace: Workspace, target: Target, content: bytes | None, call: Call, *, driver_address: str = ""
) -> Answer:
    """Send *content* to the target, once. Raises PlaygroundError where no reply came, and CallCancelled."""
    headers = {"Content-Type": "application/json"} if content is not None else {}
    named = {name.lower() for name, _ in target.headers}
    headers = {name: value for name, value in headers.items() if name.lower() not in named} | dict(target.headers)
    if target.via is Via.DIRECT:
        url = url_of(target, driver_address=driver_address)
        return exchange_directly(Outgoing(target.method, url, content, headers), call, name=target.label)
    return workspace.exchange(target.method, url_of(target), content, headers, call, name=target.label)
