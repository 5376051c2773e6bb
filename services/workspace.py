"""Workspace: one Databricks host and one identity. The only place from which invocations leave."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from services.call import Call, CallCancelled, CancellableAdapter
from services.errors import PlaygroundError, RawReply, Side, UnexpectedReply, Unreachable
from services.refusals import SHOWN_REPLY, refused
from services.server_sent_events import event_data
from services.translation import translated, translated_sdk

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

Credentials = Callable[[], Mapping[str, str]]
"""Gives the headers that sign a request in; may renew a token first."""

CONNECT_SECONDS = 10
READ_SECONDS = 600
"""Longest silence of an endpoint: beyond the platform's own limit of 597 s, so that its sentence comes first."""
CONTROL_SECONDS = 20
RETRY_SECONDS = 5
"""Budget for the SDK's retries of control calls; its default is 300."""
END_SECONDS = 0.1
"""What a stream's end may take after its last event, before its connection is closed instead of kept."""
CHUNK = 65_536
MAX_REPLY = 32_000_000
"""Bytes of a reply that is not a stream: twice the platform's own limit. One without end must not fill the memory."""


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


@dataclass(frozen=True)
class EventStream:
    """A reply that is a stream: its events' data, in order."""

    events: Generator[str]


@dataclass(frozen=True)
class WholeReply:
    """A reply that came at once."""

    body: dict[str, Any]


class _SignedBy(AuthBase):
    """Signs one request in. An explicit auth object also keeps requests from preferring a password in ~/.netrc."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self.names: tuple[str, ...] = ()
        """The headers that it put in."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        headers = self._credentials()
        self.names = tuple(headers)
        request.headers.update(headers)
        return request


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
        self._session = requests.Session()
        self._credentials = credentials
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["User-Agent"] = "brickyard"
        self._ca_bundle = ca_bundle
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, CancellableAdapter())

    def __repr__(self) -> str:
        return f"Workspace({self.host!r}, {self.door.value!r})"

    def close(self) -> None:
        """Close the connections that are kept for later calls; calls under way go on."""
        self._session.close()

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
        MAX_REPLY.
        """
        call = Call()
        with _in_time(call, seconds, name), call.sending(), translated(name):
            reply = self._session.get(
                self.host + path,
                auth=_SignedBy(self._credentials),
                allow_redirects=False,
                timeout=(CONNECT_SECONDS, seconds),
                verify=self._ca_bundle,
                stream=True,
            )
            content = _control_content(reply, name)
        if reply.status_code >= 400:
            raise refused(name, reply.status_code, reply.headers, content, invocation=False)
        if reply.status_code >= 300:
            raise _not_the_api(name, reply.status_code, content)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as wrong:
            raise _not_the_api(name, reply.status_code, content) from wrong

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
            with _outcome(call):
                reply = self._post(path, content, call, name)
                if _is_stream(reply):
                    return EventStream(_events(reply, call, name))
                return WholeReply(_whole(reply, call, name))
        except BaseException:
            call.ends()
            raise

    def _post(self, path: str, content: bytes, call: Call, name: str) -> requests.Response:
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
        signed = _SignedBy(self._credentials)
        with translated(name):
            request = self._session.prepare_request(
                requests.Request("POST", self.host + path, headers=headers, data=content, auth=signed)
            )
            options = self._session.merge_environment_settings(request.url, {}, True, self._ca_bundle, None)
        call.record.prepared("POST", request.url or "", request.headers, content, signed.names)
        with call.sending(), translated(name):
            reply = self._session.send(
                request, allow_redirects=False, timeout=(CONNECT_SECONDS, READ_SECONDS), **options
            )
        call.record.headers_arrive(reply.status_code, reply.headers)
        if reply.status_code >= 300:
            refusal = _content(reply, call, name)
            if reply.status_code < 400:
                raise _not_the_api(name, reply.status_code, refusal)
            raise refused(name, reply.status_code, reply.headers, refusal)
        return reply


@contextlib.contextmanager
def _outcome(call: Call) -> Iterator[None]:
    """When the call was cancelled, whatever its thread ran into is that cancellation."""
    try:
        yield
    except (PlaygroundError, ValueError, AttributeError) as failure:  # the latter two: TLS reads of a socket shut down
        if call.cancelled:
            raise CallCancelled from failure
        raise


@contextlib.contextmanager
def _in_time(call: Call, seconds: float, name: str) -> Iterator[None]:
    """End *call* after *seconds*, wherever it is: a timeout of its reads would begin anew with each byte that comes."""
    timer = threading.Timer(seconds, call.cancel)
    timer.daemon = True
    timer.start()
    try:
        with _outcome(call):
            yield
        if call.cancelled:  # a socket shut down looks like the end of a reply that has no length
            raise CallCancelled
    except CallCancelled as late:
        raise Unreachable(
            f"{name} did not answer in full within {seconds:g} s.",
            "Try again; if it stays, check the host on the connection page, and your network.",
        ) from late
    finally:
        timer.cancel()


def _control_content(reply: requests.Response, name: str) -> bytes:
    content = bytearray()
    try:
        while chunk := reply.raw.read1(CHUNK, decode_content=True):
            content += chunk
            if len(content) > MAX_REPLY:
                raise UnexpectedReply(
                    f"The reply for {name} is longer than {MAX_REPLY:,} bytes.",
                    "Check the host on the connection page: a workspace does not answer like that.",
                    side=Side.PLATFORM,
                )
    finally:
        reply.close()
    return bytes(content)


def _is_stream(reply: requests.Response) -> bool:
    return reply.headers.get("Content-Type", "").lower().startswith("text/event-stream")


def _chunks(reply: requests.Response, call: Call, name: str) -> Iterator[bytes]:
    """The bytes of the reply as they arrive. ``iter_content`` would wait for whole buffers."""
    with translated(name, midway=True):
        while chunk := reply.raw.read1(CHUNK, decode_content=True):
            call.record.bytes_arrive(chunk)
            yield chunk


def _content(reply: requests.Response, call: Call, name: str) -> bytes:
    content = bytearray()
    try:
        for chunk in _chunks(reply, call, name):
            content += chunk
            if len(content) > MAX_REPLY:
                raise UnexpectedReply(
                    f"The reply of {name} is longer than {MAX_REPLY:,} bytes.", "Ask for less, or for a stream."
                )
    finally:
        reply.close()
        call.ends()
    return bytes(content)


def _events(reply: requests.Response, call: Call, name: str) -> Generator[str]:
    try:
        with _outcome(call):
            for data in event_data(_chunks(reply, call, name)):
                call.record.event_arrives(data)
                yield data
            if call.cancelled:  # a socket shut down looks like the end of a stream that has no length
                raise CallCancelled
    finally:
        call.record.ends()  # what follows is our own tidying, which is no part of the endpoint's time
        if not call.cancelled:
            _read_end(reply, call)
        reply.close()
        call.ends()


def _read_end(reply: requests.Response, call: Call) -> None:
    """Read what follows a stream's last event, which is a few bytes, so that its connection can be used again."""
    call.hurry(END_SECONDS)
    deadline = time.monotonic() + END_SECONDS
    with contextlib.suppress(OSError, HTTPError):
        while time.monotonic() < deadline and (chunk := reply.raw.read1(CHUNK, decode_content=True)):
            call.record.bytes_arrive(chunk)


def _whole(reply: requests.Response, call: Call, name: str) -> dict[str, Any]:
    content = _content(reply, call, name)
    if call.cancelled:
        raise CallCancelled
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise _not_the_api(name, reply.status_code, content)
    return body


def _not_the_api(name: str, status: int, content: bytes) -> UnexpectedReply:
    text = content.decode("utf-8", errors="replace")
    raw = RawReply(status, text[:SHOWN_REPLY])
    if 300 <= status < 400 or text.lstrip()[:1] == "<":
        return UnexpectedReply(
            f"{name} answered with a web page, not with JSON.",
            "That is often a sign-in page: check the host and the credentials on the connection page.",
            raw=raw,
        )
    return UnexpectedReply(
        f"{name} answered with something that is not a JSON object.",
        "Read it below. It may have been cut on the way, or the endpoint is not what its task says.",
        raw=raw,
    )
