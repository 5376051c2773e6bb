"""One HTTP call to a provider, in the gateway's process. mlflow's provider classes send theirs through here too.

mlflow's own way out keeps one sentence of what a provider refuses with; the platform shows callers all of it, and
Retry-After. So `install` puts `post` in the place of the one function of mlflow that opens connections.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from aiohttp.http_exceptions import LineTooLong
from mlflow.gateway.providers import utils
from mlflow.utils.uri import append_to_uri_path

from local_workspace.external_models.failures import FailedError, bad_answer, bad_parameter, parsed, provider_failed

MAX_REPLY_BYTES = 64 * 1024 * 1024
MAX_ERROR_BYTES = 256 * 1024
MAX_LINE_BYTES = 4 * 1024 * 1024
ENCODINGS = "gzip, deflate, identity"  # not br, which aiohttp reads only with a package more


@dataclass(frozen=True)
class Way:
    """How calls go out: seconds to connect and between two bytes of the answer, and where `origin` is in place of the
    provider's own scheme and host, for development.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 297.0
    origin: str | None = None


way: ContextVar[Way] = ContextVar("way")  # set for each call


def install() -> None:
    """Let mlflow's provider classes call through `post`. Raises RuntimeError when this mlflow has no such place."""
    if not hasattr(utils, "_aiohttp_post"):
        raise RuntimeError("This version of mlflow sends its gateway's calls in a way that is not known here.")
    utils._aiohttp_post = _post_of_mlflow


@asynccontextmanager
async def _post_of_mlflow(
    headers: dict[str, str], base_url: str, path: str, payload: dict[str, Any], *, ssrf_protect: bool = True
) -> AsyncIterator["Answer"]:
    del ssrf_protect  # the person of this machine names the URLs, and this machine's own servers are among them
    url = append_to_uri_path(base_url, path)  # type: ignore[no-untyped-call]  # which it is in mlflow
    async with post(url, headers, payload) as answer:
        yield answer


class Answer:
    """A provider's answer, as far as mlflow looks at one: never over its limits, and an error in a stream is an error."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.headers = response.headers

    def raise_for_status(self) -> None:
        """Do nothing: an answer that is none has been refused by then."""

    async def read(self) -> bytes:
        """The whole body."""
        return await _read(self._response, MAX_REPLY_BYTES)

    async def text(self) -> str:
        """The whole body as text."""
        return (await self.read()).decode(errors="replace")

    async def json(self) -> Any:
        """The whole body as JSON. Raises FailedError."""
        try:
            return parsed(await self.read())
        except ValueError as error:
            raise bad_answer("The provider's answer is not valid JSON.") from error

    @property
    def content(self) -> AsyncGenerator[bytes, None]:
        """The lines of the body as they come. Raises FailedError at an event that is an error."""
        return self._lines()

    async def _lines(self) -> AsyncGenerator[bytes, None]:
        try:
            async for line in self._response.content:
                _check_line(line)
                yield line
        except LineTooLong as error:  # which is none of aiohttp's ClientErrors
            raise bad_answer("The provider's stream holds a line that is too long.") from error


def _check_line(line: bytes) -> None:
    if not line.startswith(b"data:") or b'"error"' not in line:
        return
    try:
        event = parsed(line[5:])
    except ValueError:
        return  # whoever reads the line says what is wrong with it
    if isinstance(event, dict) and event.get("error") and "choices" not in event:
        raise provider_failed(502, event)


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    pieces, size = [], 0
    async for piece in response.content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise bad_answer(f"The provider's answer is larger than {limit} bytes.")
    return b"".join(pieces)


@asynccontextmanager
async def post(
    url: str, headers: dict[str, str], payload: Any, form: dict[str, str] | None = None
) -> AsyncIterator[Answer]:
    """POST JSON, or `form`. Raises FailedError for whatever is not a 2xx answer, at once or while it is being read.

    Redirects are not followed: they would carry the key to wherever the provider says.
    """
    going = way.get()
    timeout = aiohttp.ClientTimeout(
        total=None, sock_connect=going.connect_seconds, connect=going.connect_seconds, sock_read=going.read_seconds
    )
    target = _directed(url, going.origin)
    host = urlsplit(target).netloc
    try:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                read_bufsize=MAX_LINE_BYTES,
                trust_env=True,
            ) as session,
            session.post(
                target,
                json=payload if form is None else None,
                data=form,
                headers=_headers(headers),
                timeout=timeout,
                allow_redirects=False,
            ) as response,
        ):
            await _check(response, host)
            yield Answer(response)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise _failed(error, host, going) from error


def _failed(error: Exception, host: str, going: Way) -> FailedError:
    """What went wrong on the way, in a sentence. aiohttp's kinds of errors overlap: the narrower come first."""
    sentences: tuple[tuple[tuple[type[Exception], ...], int, str], ...] = (
        ((aiohttp.ConnectionTimeoutError,), 504, f"No connection to {host} within {going.connect_seconds:g} s."),
        ((TimeoutError,), 504, f"Timed out: {host} sent nothing for {going.read_seconds:g} s."),
        ((aiohttp.ClientConnectorDNSError,), 502, f"The host name of {host} cannot be resolved."),
        ((aiohttp.ClientSSLError,), 502, f"No TLS connection to {host}: its certificate is not trusted here."),
        ((aiohttp.ClientConnectorError,), 502, f"Cannot connect to {host}: nothing accepts connections there."),
        (
            (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError),
            502,
            f"The connection to {host} broke off before the answer was complete.",
        ),
        ((aiohttp.InvalidURL,), 502, "The provider's URL is not valid."),
    )
    other = (502, f"What {host} sent is not HTTP as it should be ({type(error).__name__}).")
    status, sentence = next(((status, text) for kinds, status, text in sentences if isinstance(error, kinds)), other)
    return provider_failed(status, sentence)


def _headers(headers: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in headers.items() if name.lower() != "accept-encoding"}
    if any("\n" in value or "\r" in value or "\0" in value for value in kept.values()):
        raise bad_parameter("The credential holds a line break, which no header can carry.")
    return kept | {"Accept-Encoding": ENCODINGS}


def _directed(url: str, origin: str | None) -> str:
    if origin is None:
        return url
    there, path = urlsplit(origin), urlsplit(url)
    return urlunsplit((there.scheme, there.netloc, there.path.rstrip("/") + path.path, path.query, ""))


async def _check(response: aiohttp.ClientResponse, host: str) -> None:
    if 200 <= response.status < 300:
        return
    if response.status < 400:
        raise bad_answer(f"{host} answered with status {response.status}, which is not followed.")
    body = (await _read(response, MAX_ERROR_BYTES)).decode(errors="replace")
    try:
        error: Any = parsed(body)
    except ValueError:
        error = body or response.reason or f"status {response.status}"
    raise provider_failed(response.status, error, response.headers.get("retry-after"))
