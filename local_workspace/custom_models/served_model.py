"""One served entity: its process while there is one, the calls in it, falling asleep and waking.

A call holds one of the entity's slots until its thread in the process has ended. A caller who left may leave a thread behind
that never ends: such a slot stays taken, and when none but such slots are left, or the process no longer answers a ping,
the process is replaced. What runs in it then was of use to nobody.
"""

import asyncio
import logging
import signal
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any

import httpx
from starlette.responses import Response

from local_workspace import refusals
from local_workspace.custom_models.calls import Call, CallStream
from local_workspace.serving.backends import Invocation
from local_workspace.workers.worker import Worker, WorkerError

log = logging.getLogger(__name__)

Launch = Callable[[Callable[[str], None]], Awaitable[Worker]]
JSON = "application/json"
LOG_LINES = 1000
LINE_CHARACTERS = 2000
STUCK_SECONDS = 3.0
PING_SECONDS = 2.0
EXIT_SECONDS = 2.0


class ServedModel:
    """A served entity called `name`. `launch` starts its process, telling each line that it writes.

    `slots` is how many calls run at once; after `idle_seconds` without a call the process ends, never when that is None.
    """

    def __init__(self, name: str, launch: Launch, slots: int, idle_seconds: float | None) -> None:
        self._name = name
        self._launch = launch
        self._slots = slots
        self._idle_seconds = idle_seconds
        self._lines: deque[str] = deque(maxlen=LOG_LINES)
        self._worker: Worker | None = None
        self._waking: asyncio.Task[Worker] | None = None
        self._sleep: asyncio.TimerHandle | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._taken = 0
        self._abandoned = 0
        self._retired = False

    @property
    def asleep(self) -> bool:
        """Whether there is no process, and none is being started."""
        waking = self._waking is not None and not self._waking.done()
        return not waking and (self._worker is None or not self._worker.running)

    def log_text(self) -> str:
        """The last lines that its processes wrote, and what became of them."""
        return "".join(f"{line}\n" for line in self._lines)

    async def up(self, tell: Callable[[str], None] = lambda _: None) -> Worker:
        """The process, once it has loaded the model. Who calls while it starts waits with the others.

        `tell` gets the lines of a start that this call begins. Raises WorkerError or RefusalError: it cannot be started.
        """
        if self._worker and self._worker.running:
            return self._worker
        if self._waking is None or self._waking.done():
            self._waking = asyncio.create_task(self._wake(tell))
            self._waking.add_done_callback(_look_at)
        waking = self._waking
        await asyncio.wait([waking])
        if waking.cancelled():
            raise self._gone()
        return waking.result()

    async def answer(self, invocation: Invocation) -> Response:
        """The model's reply, whole or streaming. Raises RefusalError: 429 without a free slot, 503 when the process ends."""
        if self._taken >= self._slots:
            raise refusals.too_many_concurrent()
        call = Call(self)
        try:
            worker = await self._up_for_a_call()
            return await self._asked(call, worker, invocation)
        finally:
            if call.reply is None:
                call.end()

    async def retire(self) -> None:
        """End the process; calls that run in it are told."""
        self._retired = True
        if self._sleep:
            self._sleep.cancel()
        if self._waking and not self._waking.done():
            self._waking.cancel()
            await asyncio.wait([self._waking])
        await self._end_worker()
        for task in [*self._background]:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    async def _wake(self, tell: Callable[[str], None]) -> Worker:
        starting = True

        def on_line(line: str) -> None:
            self._keep(line)
            if starting:
                tell(line)

        worker = await self._launch(on_line)
        starting = False
        self._worker = worker
        self._in_background(self._watch(worker))
        self._rest()
        return worker

    async def _up_for_a_call(self) -> Worker:
        try:
            return await self.up()
        except WorkerError as error:
            raise refusals.unavailable(f"The served entity '{self._name}' cannot be started. {error}") from error

    async def _asked(self, call: Call, worker: Worker, invocation: Invocation) -> Response:
        request = worker.client.build_request(
            "POST",
            f"/invocations/{call.id}",
            content=invocation.raw,
            headers={"content-type": JSON if invocation.body is not None else invocation.content_type},
        )
        call.worker = worker
        try:
            reply = await worker.client.send(request, stream=True)
            if reply.headers["content-type"].startswith("text/event-stream"):
                call.reply = reply
                return CallStream(self._relay(call, reply), call, self._name)
            body = await reply.aread()
        except httpx.TransportError as error:
            raise await self._ended(worker) from error
        call.worker = None  # the call is over there too
        headers = {"content-type": JSON, "served-model-name": self._name}
        return Response(body, reply.status_code, headers)

    async def _relay(self, call: Call, reply: httpx.Response) -> AsyncGenerator[bytes, None]:
        """The events as they come, each by itself."""
        rest = b""
        try:
            async for piece in reply.aiter_raw():
                *events, rest = (rest + piece).split(b"\n\n")
                for event in events:
                    yield event + b"\n\n"
            call.worker = None
        except httpx.TransportError:
            yield refusals.error_event(await self._ended(call.worker))
        finally:
            call.end()

    def took(self) -> None:
        """A call begins."""
        self._taken += 1
        if self._sleep:
            self._sleep.cancel()

    def gave_back(self, call: Call) -> None:
        """A call ends here. It may still run in its worker, when that is known."""
        if call.worker is None or not call.worker.running or self._retired:
            self._taken -= 1
            self._rest()
            return
        self._abandoned += 1
        self._in_background(self._abandon(call, call.worker))
        self._rest()

    async def _abandon(self, call: Call, worker: Worker) -> None:
        """Hold the slot until the call's thread has ended."""
        over = asyncio.ensure_future(worker.client.delete(f"/invocations/{call.id}"))
        over.add_done_callback(_look_at)
        try:
            if call.reply:
                await call.reply.aclose()
            if self._abandoned >= self._slots:
                await asyncio.wait([over], timeout=PING_SECONDS)
                if not over.done() and self._abandoned >= self._slots:
                    await self._replace(worker, "every slot is held by a call that nobody waits for")
            await asyncio.wait([over], timeout=STUCK_SECONDS)
            if not over.done() and not await _answers(worker):
                await self._replace(worker, "it does not answer any more")
            await asyncio.wait([over])
        finally:
            over.cancel()
            self._abandoned -= 1
            self._taken -= 1
            self._rest()

    async def _replace(self, worker: Worker, reason: str) -> None:
        if worker is self._worker:
            self._keep(f"The process is ended: {reason}. The next call starts another.")
            await self._end_worker()

    def _rest(self) -> None:
        """Fall asleep later, unless someone calls."""
        if self._idle_seconds is None or self._taken > self._abandoned or self._retired:
            return
        if self._sleep:
            self._sleep.cancel()
        sleep = self._fall_asleep
        self._sleep = asyncio.get_running_loop().call_later(self._idle_seconds, lambda: self._in_background(sleep()))

    async def _fall_asleep(self) -> None:
        if self._worker and self._taken == self._abandoned:
            self._keep(f"Scaled to zero after {self._idle_seconds:g} s without a call.")
            await self._end_worker()

    async def _end_worker(self) -> None:
        worker, self._worker = self._worker, None
        if worker:
            await worker.stop()

    async def _watch(self, worker: Worker) -> None:
        """Say how the process ended when nobody meant it to."""
        status = await worker.wait()
        if worker is self._worker:
            self._keep(f"The process ended by itself, with {_named(status)}. The next call starts another.")
            log.warning("The process of served entity %s ended by itself, with %s.", self._name, _named(status))
            await self._end_worker()

    async def _ended(self, worker: Worker | None) -> refusals.RefusalError:
        """Why a call broke off."""
        if self._retired or worker is None:
            return self._gone()
        try:
            async with asyncio.timeout(EXIT_SECONDS):
                status = await worker.wait()
        except TimeoutError:
            return refusals.unavailable(f"The served entity '{self._name}' broke the call off.")
        how = _named(status)
        return refusals.model_ended(
            f"The process of the served entity '{self._name}' ended during the call, with {how}. The next call starts another."
        )

    def _gone(self) -> refusals.RefusalError:
        return refusals.unavailable(f"The served entity '{self._name}' is not served any more.")

    def _keep(self, line: str) -> None:
        self._lines.append(line[:LINE_CHARACTERS])

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _answers(worker: Worker) -> bool:
    try:
        async with asyncio.timeout(PING_SECONDS):
            await worker.client.get("/ping")
    except (TimeoutError, httpx.TransportError):
        return False
    return True


def _look_at(task: "asyncio.Future[Any]") -> None:
    """Whoever waited may be gone; an exception nobody looks at would be reported as one never retrieved."""
    if not task.cancelled():
        task.exception()


def _named(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    return f"signal {-status} ({signal.strsignal(-status)})"
