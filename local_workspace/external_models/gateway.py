"""The gateway as the workspace sees it: one child process with mlflow's provider classes, started once and when needed."""

import asyncio
import json
import logging
import os
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

from local_workspace import refusals
from local_workspace.external_models.replies import Redaction
from local_workspace.workers.worker import Worker, WorkerError

log = logging.getLogger(__name__)

MODULE = "local_workspace.external_models.gateway_worker"
NOTICE_SECONDS = 2.0
REMEMBERED = 64  # the calls whose credentials are kept out of the log
LOOPBACK = "127.0.0.1,localhost,::1"
# What a person sets so that calls get out of their network; and mlflow neither reports home nor takes a key for a file's name.
_PASSED_ON = ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "NETRC": os.devnull,  # aiohttp takes proxies from the environment, and would take sign-ins from there
    "PYTHONWARNINGS": "ignore::FutureWarning",  # mlflow says at each call that a provider is deprecated
    "MLFLOW_GATEWAY_RESOLVE_API_KEY_FROM_ENV": "false",
    "MLFLOW_GATEWAY_RESOLVE_API_KEY_FROM_FILE": "false",
}


class Gateway:
    """Starts the process and asks it; starts it again when it has ended."""

    def __init__(self, aws_endpoint: str | None = None) -> None:
        """`aws_endpoint` is where Amazon Bedrock is, for development; AWS's package reads it from its environment."""
        self._environment = _environment() | (
            {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": aws_endpoint} if aws_endpoint else {}
        )
        self._worker: Worker | None = None
        self._starting: asyncio.Task[Worker] | None = None
        self._redactions: deque[Redaction] = deque(maxlen=REMEMBERED)

    @property
    def pid(self) -> int | None:
        """The process's id, while it runs."""
        return self._worker.pid if self._worker and self._worker.running else None

    def begin(self) -> None:
        """Start the process if it is not running, and do not wait for it."""
        if self._starting is None or (self._starting.done() and not self.pid):
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(_note_failure)

    async def lines(self, question: dict[str, Any], redaction: Redaction) -> AsyncGenerator[bytes, None]:
        """The lines of the answer. Closing the iterator cancels the call to the provider.

        Raises RefusalError (503) when the process cannot be started, or ends in the middle.
        """
        self._redactions.append(redaction)
        worker = await self._running()
        ended = False
        try:
            async with aclosing(worker.ask(json.dumps(question).encode())) as lines:
                async for line in lines:
                    ended = line[:1] in {b"R", b"D", b"F"}
                    yield redaction(line)
        except OSError as error:
            await _end_noticed(worker)
            raise _gone() from error
        if not ended:
            await _end_noticed(worker)
            raise _gone()

    async def _running(self) -> Worker:
        self.begin()
        if self._starting is None:
            raise _gone()
        try:
            # Shielded: who hangs up while it starts does not stop it for the others.
            return await asyncio.shield(self._starting)
        except WorkerError as error:
            raise refusals.unavailable(f"The gateway for external models cannot be started. {error}") from error

    async def _start(self) -> Worker:
        if self._worker:
            log.warning("The gateway's process has ended; starting it again.")
            await self._worker.stop()
        worker = Worker(MODULE, {}, environment=self._environment, on_line=self._log_line)
        await worker.start()
        self._worker = worker
        return worker

    def _log_line(self, line: str) -> None:
        text = line.encode(errors="replace")
        for redaction in self._redactions:  # a traceback may hold what a call was made with
            text = redaction(text)
        level = logging.DEBUG if text.startswith((b"INFO ", b"DEBUG ")) else logging.WARNING
        log.log(level, "gateway: %s", text.decode(errors="replace"))

    async def close(self) -> None:
        """End the process."""
        if self._starting and not self._starting.done():
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._worker:
            await self._worker.stop()


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    if bundle := os.environ.get("REQUESTS_CA_BUNDLE"):
        kept.setdefault("SSL_CERT_FILE", bundle)
    outside = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    return kept | _SETTINGS | {"NO_PROXY": f"{outside},{LOOPBACK}" if outside else LOOPBACK}


def _note_failure(task: "asyncio.Task[Worker]") -> None:
    if not task.cancelled() and (error := task.exception()):
        log.warning("The gateway for external models did not start: %s", error)


async def _end_noticed(worker: Worker) -> None:
    """Wait until the process's end is known, so that whoever is told of it and asks again gets the next one."""
    with suppress(TimeoutError):
        async with asyncio.timeout(NOTICE_SECONDS):
            await worker.wait()


def _gone() -> refusals.RefusalError:
    return refusals.unavailable("The gateway's process ended while it was answering; send the request once more.")
