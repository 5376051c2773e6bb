"""The chat model as the workspace sees it: a child process that is kept alive, and streams of chunks from it."""

import asyncio
import json
import logging
import os
import secrets
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import httpx

from local_workspace import refusals
from local_workspace.engines.chat_engine import CONTEXT_TOKENS
from local_workspace.refusals import RefusalError
from local_workspace.web.fresh_connections import FreshConnections

log = logging.getLogger(__name__)

LOAD_SECONDS = 60.0
RESTART_SECONDS = 0.2
NOTICE_SECONDS = 2.0
CONCURRENT_REQUESTS = 48  # below the child's HTTP threads, so that a request waits here, where hanging up is noticed
TIMEOUTS = httpx.Timeout(600, connect=5)
RESTARTING = "The model's process ended while it was answering. It is starting again; send the request once more."


class TextModel:
    """llama.cpp in a child process. `run()` keeps it alive from the first `load()` on; `chunks()` asks it."""

    def __init__(self, model_file: Callable[[], Path], alias: str) -> None:
        self._model_file = model_file
        self._alias = alias
        self._client: httpx.AsyncClient | None = None
        self._wanted = asyncio.Event()
        self._loaded = asyncio.Event()
        self._problem: str | None = None
        self._free = asyncio.Semaphore(CONCURRENT_REQUESTS)

    def load(self) -> None:
        """Begin to load, if nothing has yet."""
        self._wanted.set()

    async def run(self) -> None:
        """Start the child once it is wanted, and start it again whenever it ends, until cancelled."""
        await self._wanted.wait()
        try:
            model = self._model_file()
        except FileNotFoundError as error:
            self._problem = str(error)
            self._loaded.set()
            return
        while True:
            await self._live_once(model)
            await asyncio.sleep(RESTART_SECONDS)

    async def _live_once(self, model: Path) -> None:
        api_key = secrets.token_hex(16)
        order = {"model": str(model), "alias": self._alias, "api_key": api_key, "threads": engine_threads()}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "local_workspace.engines.chat_engine"),
            stdin=PIPE,
            stdout=PIPE,
            cwd=Path(__file__).parents[2],
            start_new_session=True,  # Ctrl-C is for the workspace, which ends the child in its own time
        )
        try:
            began = time.monotonic()
            url = await _address(process, order)
            if url:
                await self._serve_until_end(process, url, api_key, began)
            log.warning("The chat engine ended with exit status %s; starting it again.", await process.wait())
        finally:
            self._loaded.clear()
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _serve_until_end(self, process: Process, url: str, api_key: str, began: float) -> None:
        headers = {"authorization": f"Bearer {api_key}"}
        async with httpx.AsyncClient(
            transport=FreshConnections(), base_url=url, headers=headers, timeout=TIMEOUTS, trust_env=False
        ) as client:
            self._client = client
            self._loaded.set()
            log.info("The chat model was loaded in %.1f s.", time.monotonic() - began)
            await process.wait()
            self._loaded.clear()

    async def chunks(self, path: str, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """The events of llama.cpp's answer to `body` at `path`, as it sends them, without the final [DONE].

        Raises RefusalError: 400 for what llama.cpp does not accept, 503 when its process is gone. Closing the iterator
        closes the connection, which ends the generation.
        """
        async with self._free, aclosing(self._answer(await self._ready_client(), path, body)) as events:
            async for event in events:
                yield event

    async def _answer(
        self, client: httpx.AsyncClient, path: str, body: dict[str, Any]
    ) -> AsyncGenerator[dict[str, Any], None]:
        try:
            async with client.stream("POST", path, json=body) as response:
                if response.status_code != httpx.codes.OK:
                    raise _refusal(json.loads(await response.aread()), self._alias)
                async with aclosing(_events(response)) as events:
                    async for event in events:
                        if "error" in event:
                            raise _refusal(event, self._alias)
                        yield event
        except httpx.TransportError as error:
            log.warning("The chat engine broke off: %s", type(error).__name__)
            await self._end_noticed(client)
            raise refusals.unavailable(RESTARTING) from error

    async def _end_noticed(self, client: httpx.AsyncClient) -> None:
        """Wait until the child's end is known, so that whoever is told of it and asks again waits for the next child."""
        with suppress(TimeoutError):
            async with asyncio.timeout(NOTICE_SECONDS):
                while self._client is client and self._loaded.is_set():
                    await asyncio.sleep(0.01)

    async def _ready_client(self) -> httpx.AsyncClient:
        self.load()
        try:
            async with asyncio.timeout(LOAD_SECONDS):
                await self._loaded.wait()
        except TimeoutError as error:
            raise refusals.unavailable("The chat model is still loading; try again in a moment.") from error
        if self._problem or self._client is None:
            raise refusals.unavailable(f"The chat model cannot be loaded. {self._problem}")
        return self._client


def engine_threads() -> int:
    """Threads for one engine: one core stays free, for the rest of the machine."""
    return max(1, (os.cpu_count() or 1) - 1)


async def _address(process: Process, order: dict[str, Any]) -> str | None:
    """Send the child its order and wait for its address; None when it ends first."""
    if process.stdin is None or process.stdout is None:
        return None
    try:
        process.stdin.write(json.dumps(order).encode() + b"\n")
        await process.stdin.drain()
    except ConnectionError:
        return None
    line = await process.stdout.readline()
    return str(json.loads(line)["url"]) if line else None


async def _events(response: httpx.Response) -> AsyncGenerator[dict[str, Any], None]:
    """The JSON of each `data:` line. Lines end at a newline only: a text may hold the other line separators of Unicode."""
    waiting = b""
    async for piece in response.aiter_bytes():
        *lines, waiting = (waiting + piece).split(b"\n")
        for line in lines:
            field, _, value = line.partition(b":")
            if field in {b"data", b"error"} and value.strip() != b"[DONE]":
                event = json.loads(value)
                if event is not None:  # "null" is how it says that its first token is half a character
                    yield {"error": event} if field == b"error" else event


def _refusal(body: dict[str, Any], entity: str) -> RefusalError:
    """llama.cpp's refusal in our words: its own speak of its parser and its options."""
    error = body["error"]
    if error.get("type") == "exceed_context_size_error":
        return refusals.bad_request(
            f"The prompt has {error['n_prompt_tokens']} tokens, more than the {CONTEXT_TOKENS} that {entity} can read."
        )
    if error.get("code") == httpx.codes.BAD_REQUEST:
        reason = str(error.get("message", "")).partition("JSON schema error at ")[2] or str(error.get("message", ""))
        return refusals.bad_request(f"The model cannot take this request: {reason.strip()[:500]}")
    log.warning("The chat engine failed: %s", str(error.get("message", ""))[:500])
    return refusals.unavailable("The model could not finish this answer; the log of the local workspace says more.")
