"""Workspace: one Databricks host and one identity. The only place from which invocations leave."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn

import requests

from services.call import Call
from services.errors import EndpointFailed, Unauthenticated, UnexpectedReply, Unreachable
from services.exchange import (
    CONNECT_SECONDS,
    Answer,
    Credentials,
    Outgoing,
    SignedBy,
    answer_of,
    new_session,
    send_once,
)
from services.foreign_json import read_json
from services.known_refusals import Asked
from services.refusals import refused
from services.replies import (
    EventStream,
    WholeReply,
    content_of,
    control_content,
    events_of,
    in_time,
    is_stream,
    not_the_api,
    outcome,
    whole_of,
)
from services.translation import translated, translated_sdk
from services.wire_body import encoded

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

CONTROL_SECONDS = 20
RETRY_SECONDS = 5
"""Budget for the SDK's retries of control calls; its default is 300."""


class Door(StrEnum):
    """How this workspace was come by, in the order they are tried."""

    DATABRICKS_APP = "Databricks App"
    SESSION = "This session"
    MACHINE = "This machine"
    LOCAL = "Local workspace"


@dataclass(frozen=True)
class Identity:
    """Who the workspace says we are."""

    user_name: str
    display_name: str
    groups: tuple[str, ...] = ()


class Workspace:
    """One Databricks host and one identity, with its connections. Shared by the threads of one visitor, never by two visitors."""

    def __init__(
        self,
        host: str,
        door: Door,
        *,
        credentials: Credentials,
        client: "Callable[[], WorkspaceClient]",
        acting_as: str = "",
        ca_bundle: str | None = None,
    ) -> None:
        """*host* has a scheme and no trailing slash. *client* makes the SDK's client, at its first use: the SDK takes a second
        to import, and calls the network when it is made. *acting_as* says, for people, whose identity this is."""
        self.host = host
        self.door = door
        self.acting_as = acting_as
        self._make_client = client
        self._client: WorkspaceClient | None = None
        self._client_lock = threading.Lock()
        self._session = new_session()
        self._credentials = credentials
        self._ca_bundle = ca_bundle

    def __repr__(self) -> str:
        return f"Workspace({self.host!r}, {self.door.value!r})"

    def close(self) -> None:
        """Close the connections that are kept for later calls; calls under way go on."""
        self._session.close()

    def forget(self) -> None:
        """Let go of what signs in, wherever this workspace is still held: calls from now on raise Unauthenticated."""

        def forgotten() -> NoReturn:
            raise Unauthenticated(
                f"The sign-in to {self.host} was forgotten here.", "Connect again on the connection page."
            )

        with self._client_lock:
            self._client, self._make_client, self._credentials = None, forgotten, forgotten
        self.close()

    @property
    def sdk(self) -> "WorkspaceClient":
        """The SDK's client, for everything but invocations. Raises PlaygroundError when it cannot sign in."""
        with self._client_lock:
            if self._client is None:
                with translated_sdk(self.host):
                    self._client = self._make_client()
            return self._client

    def get(self, path: str, *, name: str, seconds: float = CONTROL_SECONDS) -> Any:
        """GET a control-plane path and return its JSON. *name* is what is asked for, as the person knows it.

        Not through the SDK: its classes drop the fields that they do not know, and importing it costs the first page a
        second of processor time. Raises PlaygroundError, also when it takes more than *seconds* in all or is longer than
        replies.MAX_REPLY.
        """
        return self._json("GET", path, None, Call(), Asked.READ, name, seconds)

    def get_text(self, path: str, *, name: str, seconds: float = CONTROL_SECONDS) -> str:
        """The same for what is not JSON, such as metrics."""
        _, content = self._control("GET", path, None, Call(), Asked.READ, name, seconds)
        return content.decode("utf-8", errors="replace")

    def change(
        self, method: str, path: str, body: Mapping[str, Any] | None, *, name: str, seconds: float = CONTROL_SECONDS
    ) -> Any:
        """Send a change to the control plane, once, and return the reply's JSON. *body* leaves as it is, unknown fields too.

        Not through the SDK, which repeats what a 429 or 503 refused: a creation that had gone through would then be told as
        “already exists”. Raises PlaygroundError; its hint says so where the change may have been made all the same.
        """
        call = Call()
        content = None if body is None else encoded(body)
        try:
            return self._json(method, path, content, call, Asked.CHANGE, name, seconds)
        except (Unreachable, UnexpectedReply, EndpointFailed) as unknown:
            unknown.unsure = call.record.sent_at is not None
            if unknown.unsure and not isinstance(unknown, EndpointFailed):  # whose hint says so already
                unknown.hint = f"The change may have been made all the same: look before you repeat it. {unknown.hint}"
            raise

    def _json(
        self, method: str, path: str, content: bytes | None, call: Call, asked: Asked, name: str, seconds: float
    ) -> Any:
        status, reply = self._control(method, path, content, call, asked, name, seconds)
        try:
            return read_json(reply or (b"{}" if asked is Asked.CHANGE else b""))
        except ValueError as wrong:
            raise not_the_api(name, status, reply) from wrong

    def _control(
        self, method: str, path: str, content: bytes | None, call: Call, asked: Asked, name: str, seconds: float
    ) -> tuple[int, bytes]:
        """Status and body of a control call that was not refused."""
        call.record.begun()
        with in_time(call, seconds, name), call.sending(), translated(name):
            reply = self._session.request(
                method,
                self.host + path,
                data=content,
                headers={"Content-Type": "application/json"} if content is not None else None,
                auth=SignedBy(self._credentials),
                allow_redirects=False,
                timeout=(CONNECT_SECONDS, seconds),
                verify=self._ca_bundle,
                stream=True,
            )
            body = control_content(reply, name)
        if reply.status_code >= 400:
            raise refused(name, reply.status_code, reply.headers, body, asked=asked)
        if reply.status_code >= 300:
            raise not_the_api(name, reply.status_code, body)
        return reply.status_code, body

    def identity(self) -> Identity:
        """Ask the workspace who we are."""
        me = self.get("/api/2.0/preview/scim/v2/Me", name=self.host)
        if not isinstance(me, dict) or not isinstance(me.get("userName"), str):
            raise UnexpectedReply(f"{self.host} did not say who you are.", "Check the host on the connection page.")
        name, shown, groups = me["userName"], me.get("displayName"), me.get("groups")
        displays = [one.get("display") for one in groups if isinstance(one, dict)] if isinstance(groups, list) else []
        return Identity(
            name, shown if isinstance(shown, str) and shown else name, tuple(d for d in displays if isinstance(d, str))
        )

    def invoke(self, path: str, content: bytes, call: Call, *, name: str) -> EventStream | WholeReply:
        """POST *content*, which is JSON, once. Return the reply as it comes: a stream when the endpoint streams, else whole.

        *name* is what is invoked, as the person knows it. A stream's events must be read to their end, or *call* cancelled,
        for its connection to come free. Raises PlaygroundError for a refusal or a failure and CallCancelled after
        ``call.cancel()``; both may also come while the events are read.
        """
        call.record.begun()
        try:
            with outcome(call):
                reply = self._post(path, content, call, name)
                if is_stream(reply):
                    return EventStream(events_of(reply, call, name))
                return WholeReply(whole_of(reply, call, name))
        except BaseException:
            call.ends()
            raise

    def exchange(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str], call: Call, *, name: str
    ) -> Answer:
        """Send any request, once, and return the reply whatever its status and kind; redirects are not followed.

        Raises PlaygroundError where no reply came, and CallCancelled after ``call.cancel()``; both may also come while the
        events of a stream are read.
        """
        return answer_of(lambda: self._send(method, path, content, headers, call, name), call, name)

    def _send(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str], call: Call, name: str
    ) -> requests.Response:
        out = Outgoing(method, self.host + path, content, headers)
        return send_once(self._session, out, SignedBy(self._credentials), self._ca_bundle, call, name)

    def _post(self, path: str, content: bytes, call: Call, name: str) -> requests.Response:
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
        reply = self._send("POST", path, content, headers, call, name)
        if reply.status_code >= 300:
            refusal = content_of(reply, call, name)
            if reply.status_code < 400:
                raise not_the_api(name, reply.status_code, refusal)
            raise refused(name, reply.status_code, reply.headers, refusal)
        return reply
