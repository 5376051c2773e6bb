"""One HTTP exchange whose reply may be anything: sent once, recorded, and judged by nobody here."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy

import requests
from requests.auth import AuthBase

from services.call import Call, CancellableAdapter
from services.replies import content_of, events_of, is_stream, outcome
from services.translation import translated

Credentials = Callable[[], Mapping[str, str]]
"""Gives the headers that sign a request in; may renew a token first."""

CONNECT_SECONDS = 10
READ_SECONDS = 600
"""Longest silence of an endpoint: beyond the platform's own limit of 597 s, so that its sentence comes first."""


class SignedBy(AuthBase):
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


@dataclass(frozen=True)
class Outgoing:
    """A request as it is to leave."""

    method: str
    url: str
    content: bytes | None
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """A reply of any status and kind. Its events must be read to their end, or its call cancelled."""

    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    body: bytes = b""
    events: Generator[str] | None = None
    """The data of each server-sent event, where a reply of status 2xx is a stream of them; then there is no *body*."""


def new_session() -> requests.Session:
    """Connections of their own that can be ended from outside, without cookies."""
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = "brickyard"
    for scheme in ("https://", "http://"):
        session.mount(scheme, CancellableAdapter())
    return session


def send_once(
    session: requests.Session, out: Outgoing, signed: SignedBy | None, ca_bundle: str | None, call: Call, name: str
) -> requests.Response:
    """Send it, and return when the reply's headers are there; redirects are not followed. The record has both.

    Raises PlaygroundError when none came, and CallCancelled.
    """
    with translated(name):
        request = session.prepare_request(
            requests.Request(out.method, out.url, headers=dict(out.headers), data=out.content, auth=signed)
        )
        options = session.merge_environment_settings(request.url, {}, True, ca_bundle, None)
    credentials = signed.names if signed else ()
    call.record.prepared(out.method, request.url or "", request.headers, out.content or b"", credentials)
    with call.sending(), translated(name):
        reply = session.send(request, allow_redirects=False, timeout=(CONNECT_SECONDS, READ_SECONDS), **options)
    call.record.headers_arrive(reply.status_code, reply.headers)
    return reply


def answer_of(send: Callable[[], requests.Response], call: Call, name: str) -> Answer:
    """What *send* brings, whole or as events. Raises PlaygroundError for failures of the transport, and CallCancelled."""
    call.record.begun()
    try:
        with outcome(call):
            reply = send()
            if is_stream(reply) and 200 <= reply.status_code < 300:
                return Answer(reply.status_code, reply.headers, events=events_of(reply, call, name))
            return Answer(reply.status_code, reply.headers, content_of(reply, call, name))
    except BaseException:
        call.ends()
        raise


def exchange_directly(out: Outgoing, call: Call, *, name: str) -> Answer:
    """The same without a workspace, and so without credentials, whatever the environment or ~/.netrc has. Nor any proxy."""
    with new_session() as session:  # connections under way outlive it
        session.trust_env = False
        return answer_of(lambda: send_once(session, out, None, None, call, name), call, name)
