"""Read a reply: within bounds of time and size, for a call that may be cancelled meanwhile."""

import contextlib
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from services.call import Call, CallCancelled
from services.errors import PlaygroundError, RawReply, Side, UnexpectedReply, Unreachable
from services.foreign_json import read_json
from services.refusals import SHOWN_REPLY
from services.server_sent_events import event_data
from services.translation import translated
from services.wire_record import REDACTED

END_SECONDS = 0.1
"""What a stream's end may take after its last event, before its connection is closed instead of kept."""
CHUNK = 65_536
MAX_REPLY = 32_000_000
"""Bytes of a reply that is not a stream: twice the platform's own limit. One without end must not fill the memory."""


_SHORTEST_SECRET = 8


@dataclass(frozen=True)
class EventStream:
    """A reply that is a stream: its events' data, in order."""

    events: Generator[str]


@dataclass(frozen=True)
class WholeReply:
    """A reply that came at once."""

    body: dict[str, Any]


@contextlib.contextmanager
def outcome(call: Call) -> Iterator[None]:
    """When the call was cancelled, whatever its thread ran into is that cancellation."""
    try:
        yield
    except (PlaygroundError, ValueError, AttributeError) as failure:  # the latter two: TLS reads of a socket shut down
        if call.cancelled:
            raise CallCancelled from failure
        raise


@contextlib.contextmanager
def in_time(call: Call, seconds: float, name: str) -> Iterator[None]:
    """End *call* after *seconds*, wherever it is: a timeout of its reads would begin anew with each byte that comes."""
    timer = threading.Timer(seconds, call.cancel)
    timer.daemon = True
    timer.start()
    try:
        with outcome(call):
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


def control_content(reply: requests.Response, name: str) -> bytes:
    """The whole body of a control call's reply. Raises UnexpectedReply beyond MAX_REPLY."""
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
    return without_credentials(reply, bytes(content))


def without_credentials(reply: requests.Response, content: bytes) -> bytes:
    """The reply's bytes without what signed its request in, which debugging proxies repeat: of a refusal a sentence is made,
    and sentences are shown and kept."""
    secret = _secret_of(reply).encode("utf-8", "replace")
    return content.replace(secret, REDACTED.encode()) if secret else content


def _secret_of(reply: requests.Response) -> str:
    """The token that signed its request in; empty for none, and for one that words could hold."""
    signed = reply.request.headers.get("Authorization") or ""
    parts = (signed.decode("latin-1") if isinstance(signed, bytes) else signed).split()
    return parts[-1] if parts and len(parts[-1]) >= _SHORTEST_SECRET else ""


def is_stream(reply: requests.Response) -> bool:
    """Whether the reply comes as server-sent events."""
    return reply.headers.get("Content-Type", "").lower().startswith("text/event-stream")


def _chunks(reply: requests.Response, call: Call, name: str) -> Iterator[bytes]:
    """The bytes of the reply as they arrive. ``iter_content`` would wait for whole buffers."""
    with translated(name, midway=True):
        while chunk := reply.raw.read1(CHUNK, decode_content=True):
            call.record.bytes_arrive(chunk)
            yield chunk


def content_of(reply: requests.Response, call: Call, name: str) -> bytes:
    """The whole body of an invocation's reply, recorded as it arrives. Raises UnexpectedReply beyond MAX_REPLY."""
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
    return without_credentials(reply, bytes(content))


def events_of(reply: requests.Response, call: Call, name: str) -> Generator[str]:
    """The data of each server-sent event, recorded as it arrives."""
    secret = _secret_of(reply)
    try:
        with outcome(call):
            for data in event_data(_chunks(reply, call, name)):
                data = data.replace(secret, REDACTED) if secret else data
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


def whole_of(reply: requests.Response, call: Call, name: str) -> dict[str, Any]:
    """The JSON object of a reply that is not a stream. Raises UnexpectedReply for anything else."""
    content = content_of(reply, call, name)
    if call.cancelled:
        raise CallCancelled
    try:
        body = read_json(content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise not_the_api(name, reply.status_code, content)
    return body


def not_the_api(name: str, status: int, content: bytes) -> UnexpectedReply:
    """The error for a reply that is not JSON where JSON was promised."""
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
