"""A child process that serves one thing over HTTP on a private Unix socket: the workspace's side of it.

What runs in the child (mlflow, a person's own model) may be slow to import, hold the interpreter's lock, crash or hang. None
of that reaches the workspace.
"""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import httpx

from local_workspace.web.fresh_connections import FreshConnections

log = logging.getLogger(__name__)

START_SECONDS = 120.0
MAX_LINE_BYTES = 256 * 1024 * 1024
STOP_SECONDS = 2.0
# Reading may wait for a slow model: whoever calls sets the time that an answer may take.
TIMEOUTS = httpx.Timeout(None, connect=5.0)
ROOT = Path(__file__).parents[2]


class WorkerError(Exception):
    """The child did not start; the message is a sentence for a person."""


class Worker:
    """One child process. `client` reaches it from `start()` until `stop()` or its own end.

    `module` is run with `-m` and calls `child.serve`. `order` is JSON it gets through its stdin, keys included: arguments
    and environments can be read by others. `environment` is all the child sees of ours beyond the paths it needs.
    `on_line` gets each line the child writes, for the logs.
    """

    def __init__(
        self,
        module: str,
        order: dict[str, Any],
        *,
        environment: dict[str, str] | None = None,
        on_line: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._module = module
        self._order = order
        self._environment = environment or {}
        self._on_line = on_line
        self._folder: str | None = None
        self._process: Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._client: httpx.AsyncClient | None = None

    @property
    def client(self) -> httpx.AsyncClient:
        """The client of a started worker; any host name does in its URLs, such as `http://worker/ping`."""
        if self._client is None:
            raise WorkerError("The worker has not been started.")
        return self._client

    async def ask(self, question: bytes) -> AsyncGenerator[bytes, None]:
        """The lines that a child of `child.serve_lines` answers to the line `question`, without their ends.

        Closing the iterator cancels the answer. Raises OSError when the child is gone; an answer that it cut off just ends.
        """
        reader, writer = await asyncio.open_unix_connection(f"{self._folder}/socket", limit=MAX_LINE_BYTES)
        try:
            writer.write(question + b"\n")
            await writer.drain()
            while (line := await reader.readline()).endswith(b"\n"):
                yield line[:-1]
        finally:
            writer.close()

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """The process's id, once started."""
        return self._process.pid if self._process else None

    async def start(self, seconds: float = START_SECONDS) -> None:
        """Start the child and wait until it serves. Raises WorkerError: it failed, with its reason, or took too long."""
        try:
            self._folder = tempfile.mkdtemp(prefix="lw-")
            async with asyncio.timeout(seconds):
                problem = await self._begin(f"{self._folder}/socket")
        except TimeoutError:
            problem = f"It was not ready after {seconds:g} s."
        except OSError as error:  # no room for the folder, no process or file more for this user
            problem = f"Its process cannot be started: {error.strerror or error}."
        except BaseException:
            await self.stop()
            raise
        if problem is not None:
            await self.stop()
            raise WorkerError(problem)
        self._client = httpx.AsyncClient(
            transport=FreshConnections(f"{self._folder}/socket"),
            base_url="http://worker",
            timeout=TIMEOUTS,
            trust_env=False,
        )

    async def _begin(self, socket_path: str) -> str | None:
        """Start the process and hand it its order. None when it serves, else why it does not."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", self._module),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=ROOT,
            env=_inherited() | self._environment,
            start_new_session=True,  # so that what a model starts ends with it, and Ctrl-C is for the workspace
            limit=1024 * 1024,
        )
        self._reader = asyncio.create_task(self._read_lines(self._process))
        return await _ordered(self._process, self._order | {"socket": socket_path})

    async def wait(self) -> int:
        """Wait for the process's end; its exit status, negative for a signal."""
        return await self._process.wait() if self._process else 0

    async def stop(self) -> None:
        """End the process and whatever it started. Safe to call twice."""
        if self._client:
            await self._client.aclose()
        if self._process:
            await end_process(self._process)
        if self._reader:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _read_lines(self, process: Process) -> None:
        while process.stderr:
            try:
                line = await process.stderr.readline()
            except ValueError:  # a line over the limit, of which the rest follows as the next
                continue
            if not line:
                return
            self._on_line(line.decode(errors="replace").rstrip("\n"))


def _inherited() -> dict[str, str]:
    # Not the tokens and hosts of whoever started the workspace.
    names = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    # Threads are set, not inherited from the number of cores: spinning engines on shared cores are 30 times slower.
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    return kept | threads | {"PYTHONUNBUFFERED": "1"}


async def _ordered(process: Process, order: dict[str, Any]) -> str | None:
    """Send the order and wait for the child's word. None when it serves, else why it does not."""
    if process.stdin is None or process.stdout is None:
        return "Its pipes are missing."
    try:
        process.stdin.write(json.dumps(order).encode() + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
    except ConnectionError:
        line = b""
    if not line:
        return f"Its process ended with exit status {await process.wait()} before it was ready."
    problem: str | None = json.loads(line).get("problem")
    return problem


async def end_process(process: Process) -> None:
    """End a child that ends with its stdin, and its whole process group: kindly, and after STOP_SECONDS not."""
    if process.stdin:
        process.stdin.close()  # which is how the child is told
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
